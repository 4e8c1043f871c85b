// The settings of an action, and its trace id for the log.
import type { Action } from "../api/types";
import { moment, size } from "../text/format";
import { Copy } from "../ui/copy";

const CONFLICT_WORDS = { skip: "skip the row", error: "the row fails", update: "change the record" };

export function ActionFacts({ action }: { action: Action }) {
  const { configuration, file, scheduledAt, startedAt, completedAt, traceId, actionType } = action;
  const mapped: [string, string | null][] = Object.entries(configuration.mapping ?? {});
  return (
    <details className="facts">
      <summary>Settings and details</summary>
      <dl>
        <Fact name="File size">{size(file.fileSize)}</Fact>
        {scheduledAt && <Fact name="Scheduled for">{moment(scheduledAt)}</Fact>}
        {startedAt && <Fact name="Started">{moment(startedAt)}</Fact>}
        {completedAt && <Fact name="Ended">{moment(completedAt)}</Fact>}
        {actionType === "bulk_create" && <Fact name="When a record exists already">{CONFLICT_WORDS[configuration.onConflict]}</Fact>}
        <Fact name="Repeated rows">{configuration.deduplicate ? "the first one counts" : "the last one counts"}</Fact>
        {mapped.length > 0 && (
          <Fact name="Columns">
            <ul className="mapping">
              {mapped.map(([header, column]) => (
                <li key={header}>
                  {header} → {column ?? <em>left out</em>}
                </li>
              ))}
            </ul>
          </Fact>
        )}
        <Fact name="Action id">
          <code>{action.id}</code> <Copy label="Copy" text={action.id} />
        </Fact>
        {traceId && (
          <Fact name="Trace id">
            <code>{traceId}</code> <Copy label="Copy" text={traceId} />
          </Fact>
        )}
      </dl>
    </details>
  );
}

function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
