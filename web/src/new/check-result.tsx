// Result of the check, and the button that starts the import.
import { isOver, useRows } from "../api/actions";
import type { Action } from "../api/types";
import { count, rows as rowsText } from "../text/format";
import { codeWords, sentence } from "../text/words";
import { Failed } from "../ui/failed";

interface Props {
  action: Action;
  disconnected: boolean;
  start: () => void;
}

const SHOWN = 10;

export function CheckResult({ action, disconnected, start }: Props) {
  const { progress } = action;
  const over = isOver(action);
  const good = progress.successfulRecords;
  if (!over) {
    return (
      <div className="upload-progress" role="status">
        <progress max={progress.totalRecords || 1} value={progress.processedRecords} aria-label="Checked" />
        <span>
          {disconnected
            ? "The connection is lost; trying again…"
            : `Checking: ${count(progress.processedRecords)} of ${rowsText(progress.totalRecords)}`}
        </span>
      </div>
    );
  }
  return (
    <div className="check-result" role="status">
      <p className="verdict">
        <strong className="good-text">{rowsText(good)} would pass</strong>
        {progress.failedRecords > 0 && <strong className="bad-text"> · {count(progress.failedRecords)} would fail</strong>}
        {progress.skippedRecords > 0 && <strong className="warn-text"> · {count(progress.skippedRecords)} would be skipped</strong>}
      </p>
      {action.error && <p className="failed">{action.error.message ?? action.error.code}</p>}
      {progress.failedRecords > 0 && <FirstProblems action={action} />}
      <div className="check-end">
        <button type="button" className={good > 0 ? "primary" : ""} onClick={start} autoFocus>
          Import {rowsText(good)}
        </button>
        {progress.failedRecords > 0 && (
          <a className="button" href={`/bulk-actions/${action.id}/results?status=failed`} download>
            Download the {rowsText(progress.failedRecords)} that would fail
          </a>
        )}
      </div>
    </div>
  );
}

function FirstProblems({ action }: { action: Action }) {
  const found = useRows(action.id, { status: "failed" }, 0);
  if (found.error) return <Failed error={found.error} again={() => void found.refetch()} />;
  const entries = (found.data?.pages[0]?.data ?? []).slice(0, SHOWN);
  return (
    <ul className="first-problems">
      {entries.map((entry) => (
        <li key={entry.row}>
          <strong>Row {count(entry.row)}</strong>
          {entry.key && <span className="hint"> {entry.key}</span>}: {entry.message ? sentence(entry.message) : codeWords(entry.code)}
        </li>
      ))}
      {action.progress.failedRecords > entries.length && entries.length > 0 && (
        <li className="hint">and {count(action.progress.failedRecords - entries.length)} more</li>
      )}
    </ul>
  );
}
