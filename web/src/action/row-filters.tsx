// Which rows to show: by what became of them, and by a text in them.
import { useEffect, useState } from "react";
import { type RowFilter, useCodes } from "../api/actions";
import type { Action } from "../api/types";
import { count } from "../text/format";
import { codeWords } from "../text/words";

const TYPING_PAUSE_MS = 400;

interface Props {
  action: Action;
  filter: RowFilter;
  version: number;
  change: (filter: RowFilter) => void;
}

export function RowFilters({ action, filter, version, change }: Props) {
  const codes = useCodes(action.id, version);
  const [text, setText] = useState(filter.q ?? "");
  useEffect(() => {
    if (text === (filter.q ?? "")) return;
    const timer = setTimeout(() => {
      const { q: _, ...rest } = filter;
      change(text ? { ...rest, q: text } : rest);
    }, TYPING_PAUSE_MS);
    return () => clearTimeout(timer);
  }, [text, filter, change]);
  if (action.progress.processedRecords === 0) return null;
  // One code says no more than its tile.
  const counts = codes.data && codes.data.length > 1 ? codes.data : [];
  const choose = (code: NonNullable<RowFilter["code"]>) => {
    const { q } = filter;
    change({ ...(q ? { q } : {}), ...(filter.code === code ? {} : { code }) });
  };
  return (
    <search className="row-filters">
      <input type="search" aria-label="Find rows by a text in them" placeholder="Find in rows" value={text} onChange={(event) => setText(event.target.value)} />
      {counts.map(({ code, rows }) => (
        <button key={code} type="button" className="chip small" aria-pressed={filter.code === code} onClick={() => choose(code)}>
          {codeWords(code)} <span className="hint">{count(rows)}</span>
        </button>
      ))}
    </search>
  );
}
