// Counts of rows by outcome, as tiles that filter the table of rows below them.
import { useState } from "react";
import { isOver, type RowFilter } from "../api/actions";
import type { Action, RowStatus } from "../api/types";
import { count } from "../text/format";
import { Rows } from "./rows";

interface Tile {
  status: RowStatus | undefined;
  label: string;
  tone: string;
  rows: number;
}

function tiles({ progress, configuration }: Action): Tile[] {
  return [
    { status: undefined, label: "All with an outcome", tone: "all", rows: progress.processedRecords },
    { status: "success", label: configuration.dryRun ? "Would pass" : "Successful", tone: "good", rows: progress.successfulRecords },
    { status: "failed", label: "Failed", tone: "bad", rows: progress.failedRecords },
    { status: "skipped", label: "Skipped", tone: "skip", rows: progress.skippedRecords },
  ];
}

export function Outcomes({ action }: { action: Action }) {
  const failed = action.progress.failedRecords > 0;
  const [chosen, setChosen] = useState<RowFilter | null>(null);
  // Failures first, because users look for them first.
  const filter: RowFilter = chosen ?? (isOver(action) && failed ? { status: "failed" } : {});
  const left = action.progress.totalRecords - action.progress.processedRecords;
  const choose = ({ status }: Tile) => setChosen({ ...(filter.q ? { q: filter.q } : {}), ...(status ? { status } : {}) });
  return (
    <section aria-label="Rows">
      <div className="tiles" role="group" aria-label="Filter rows by outcome">
        {tiles(action).map((tile) => (
          <button
            key={tile.label}
            type="button"
            className={`tile ${tile.tone}`}
            aria-pressed={filter.status === tile.status && !filter.code}
            onClick={() => choose(tile)}
          >
            <span className="tile-count">{count(tile.rows)}</span>
            <span className="tile-label">{tile.label}</span>
          </button>
        ))}
        {isOver(action) && left > 0 && (
          <div className="tile rest">
            <span className="tile-count">{count(left)}</span>
            <span className="tile-label">Not reached</span>
          </div>
        )}
      </div>
      <Rows action={action} filter={filter} change={setChosen} />
    </section>
  );
}
