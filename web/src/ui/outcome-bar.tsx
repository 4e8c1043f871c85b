// The outcomes of an action's rows as one bar.
import type { Progress } from "../api/types";
import { count } from "../text/format";

const PARTS = [
  ["good", "successful", "successfulRecords"],
  ["bad", "failed", "failedRecords"],
  ["skip", "skipped", "skippedRecords"],
] as const;

export function OutcomeBar({ progress }: { progress: Progress }) {
  const total = Math.max(progress.totalRecords, 1);
  const said = PARTS.filter(([, , name]) => progress[name] > 0).map(([, word, name]) => `${count(progress[name])} ${word}`);
  const label = said.length > 0 ? said.join(", ") : "no row yet";
  return (
    <span className="outcome-bar" role="img" aria-label={label} title={label}>
      {PARTS.map(([tone, , name]) => (
        <span key={tone} className={`part ${tone}`} style={{ flexGrow: progress[name] / total, minWidth: progress[name] > 0 ? 3 : 0 }} />
      ))}
      <span className="part rest" style={{ flexGrow: 1 - progress.processedRecords / total }} />
    </span>
  );
}
