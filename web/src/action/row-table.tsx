// A line for each row: number, key, outcome, reason, and the other uploaded values.
import type { LogEntry } from "../api/types";
import { count } from "../text/format";
import { codeWords, sentence } from "../text/words";

export function RowTable({ entries }: { entries: LogEntry[] }) {
  return (
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
            <th scope="col">Uploaded</th>
          </tr>
        </thead>
        <tbody>
          {entries.map((entry) => (
            <Row key={entry.row} entry={entry} />
          ))}
        </tbody>
      </table>
    </div>
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
      <td className="cells">
        {(entry.values ?? []).map(
          ({ column, value }, index) =>
            value !== entry.key && (
              <span key={index} title={column}>
                {value}
              </span>
            ),
        )}
      </td>
    </tr>
  );
}
