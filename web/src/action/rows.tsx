// The rows of an action with their outcomes, page after page.
import { isOver, type RowFilter, useRows } from "../api/actions";
import type { Action, LogEntry } from "../api/types";
import { count } from "../text/format";
import { codeWords, sentence } from "../text/words";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";

interface Props {
  action: Action;
  filter: RowFilter;
  change: (filter: RowFilter) => void;
}

/** Number of refreshes of the rows while an action runs. */
const STEPS = 20;

export function Rows({ action, filter }: Props) {
  const { processedRecords, totalRecords } = action.progress;
  const version = isOver(action) ? STEPS + 1 : Math.floor((processedRecords / Math.max(totalRecords, 1)) * STEPS);
  const rows = useRows(action.id, filter, version);
  const entries = rows.data?.pages.flatMap((page) => page.data) ?? [];
  return (
    <>
      {rows.error && <Failed error={rows.error} again={() => void rows.refetch()} />}
      {rows.isPending && <Loading what="Loading rows" />}
      {rows.data && entries.length === 0 && <p className="empty small">{nothing(action, filter)}</p>}
      {entries.length > 0 && (
        <div className="scroll" tabIndex={0} role="region" aria-label="Table of rows">
          <table className="rows">
            <thead>
              <tr>
                <th scope="col" className="number">
                  Row
                </th>
                <th scope="col">Key</th>
                <th scope="col">Outcome</th>
                <th scope="col">Reason</th>
              </tr>
            </thead>
            <tbody>
              {entries.map((entry) => (
                <Row key={entry.row} entry={entry} />
              ))}
            </tbody>
          </table>
        </div>
      )}
      {rows.hasNextPage && (
        <p className="more">
          <button type="button" disabled={rows.isFetchingNextPage} onClick={() => void rows.fetchNextPage()}>
            {rows.isFetchingNextPage ? "Loading…" : "More rows"}
          </button>
        </p>
      )}
    </>
  );
}

function Row({ entry }: { entry: LogEntry }) {
  return (
    <tr>
      <td className="number">{count(entry.row)}</td>
      <td className="key">{entry.key ?? "–"}</td>
      <td>
        <span className={`dot ${entry.status}`}>{codeWords(entry.code)}</span>
      </td>
      <td className="reason">{entry.message ? sentence(entry.message) : ""}</td>
    </tr>
  );
}

function nothing(action: Action, filter: RowFilter): string {
  if (filter.status || filter.code || filter.q) return "No row like that.";
  return isOver(action) ? "No row has an outcome." : "No row has an outcome yet.";
}
