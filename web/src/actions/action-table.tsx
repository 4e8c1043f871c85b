// A table with one row per action.
import { Link } from "wouter";
import { isMoving } from "../api/actions";
import type { Action } from "../api/types";
import { ago, count, duration, moment, percent } from "../text/format";
import { ACTION_TYPE_WORDS, sentence } from "../text/words";
import { waitWords } from "../text/wait";
import { OutcomeBar } from "../ui/outcome-bar";
import { StateBadge } from "../ui/state-badge";
import { useNow } from "../ui/use-now";

export function ActionTable({ actions }: { actions: Action[] }) {
  const now = useNow(actions.some(isMoving) ? 1_000 : 30_000);
  return (
    <table className="actions">
      <thead>
        <tr>
          <th scope="col">File</th>
          <th scope="col">State</th>
          <th scope="col" className="number">
            Rows
          </th>
          <th scope="col">Outcome</th>
          <th scope="col">Started</th>
          <th scope="col" className="number">
            Took
          </th>
        </tr>
      </thead>
      <tbody>
        {actions.map((action) => (
          <ActionRow key={action.id} action={action} now={now} />
        ))}
      </tbody>
    </table>
  );
}

function ActionRow({ action, now }: { action: Action; now: number }) {
  const { progress, configuration } = action;
  const what = `${sentence(action.entityType)} · ${ACTION_TYPE_WORDS[action.actionType]}`;
  const wait = waitWords(action, now);
  return (
    <tr>
      <td className="file">
        <Link href={`/actions/${action.id}`}>{action.file.fileName}</Link>
        <span className="under">
          {what}
          {configuration.dryRun && <span className="badge">check only</span>}
        </span>
      </td>
      <td className="where">
        <StateBadge action={action} />
        {wait && <span className="under">{wait}</span>}
      </td>
      <td className="number">{count(progress.totalRecords)}</td>
      <td className="outcome">
        <OutcomeBar progress={progress} />
        <span className="under">{outcomeWords(action)}</span>
      </td>
      <td className="when">
        <time dateTime={action.createdAt} title={moment(action.createdAt)}>
          {ago(action.createdAt, now)}
        </time>
      </td>
      <td className="number">{took(action, now)}</td>
    </tr>
  );
}

function outcomeWords({ progress }: Action): string {
  if (progress.processedRecords < progress.totalRecords) return percent(progress.processedRecords / Math.max(progress.totalRecords, 1));
  const parts = [
    progress.failedRecords > 0 && `${count(progress.failedRecords)} failed`,
    progress.skippedRecords > 0 && `${count(progress.skippedRecords)} skipped`,
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(", ") : "all fine";
}

function took(action: Action, now: number): string {
  if (!action.startedAt) return "–";
  return duration((action.completedAt ? Date.parse(action.completedAt) : now) - Date.parse(action.startedAt));
}
