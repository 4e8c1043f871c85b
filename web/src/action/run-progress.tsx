// Progress of an action: phase, rows, speed and remaining time.
import { isOver } from "../api/actions";
import type { Action } from "../api/types";
import { count, duration, percent } from "../text/format";
import { waitWords } from "../text/wait";
import { useNow } from "../ui/use-now";
import { SpeedLine } from "./speed-line";
import { useSpeeds } from "./use-speeds";

const PHASES = ["Waiting", "Reading", "Applying", "Done"];

function phase({ status, progress }: Action): number {
  switch (status) {
    case "scheduled":
    case "queued":
      return 0;
    case "validating":
      return 1;
    case "completed":
      return 3;
    case "paused":
      return progress.processedRecords > 0 ? 2 : 0;
    default:
      return 2;
  }
}

export function RunProgress({ action }: { action: Action }) {
  const { progress, error } = action;
  const over = isOver(action);
  const now = useNow(over ? 60_000 : 1_000);
  const speeds = useSpeeds(action);
  const wait = waitWords(action, now);
  const reached = phase(action);
  const share = progress.processedRecords / Math.max(progress.totalRecords, 1);
  return (
    <section className="run" aria-label="Progress">
      {!over && (
        <ol className="phases">
          {PHASES.map((name, index) => (
            <li key={name} aria-current={index === reached ? "step" : undefined} className={index < reached ? "past" : ""}>
              {name}
            </li>
          ))}
        </ol>
      )}
      {!over && <progress max={1} value={share} aria-label="Rows with an outcome" />}
      <div className="figures">
        <Figure label="rows done" value={`${count(progress.processedRecords)} of ${count(progress.totalRecords)}`} />
        {!over && <Figure label="of all" value={percent(share)} />}
        {progress.rowsPerSecond > 0 && <Figure label="rows per second" value={count(Math.round(progress.rowsPerSecond))} />}
        {!over && progress.etaSeconds != null && <Figure label="left" value={duration(progress.etaSeconds * 1000)} />}
        {action.startedAt && (
          <Figure
            label={over ? "took" : "so far"}
            value={duration((action.completedAt ? Date.parse(action.completedAt) : now) - Date.parse(action.startedAt))}
          />
        )}
        {!over && <SpeedLine speeds={speeds} />}
      </div>
      {wait && <p className="wait">{wait}</p>}
      {action.status === "paused" && <p className="wait">Paused. Nothing more happens until you resume it.</p>}
      {error && (
        <p className="failed" role="alert">
          {error.message ?? error.code}
        </p>
      )}
    </section>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div className="figure">
      <span className="figure-value">{value}</span>
      <span className="figure-label">{label}</span>
    </div>
  );
}
