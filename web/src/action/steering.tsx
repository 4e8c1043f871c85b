// Pause, resume, cancel, retry: the operations that the action's state allows.
import { useRef } from "react";
import { isMoving, isOver, type Step, useSteer } from "../api/actions";
import type { Action } from "../api/types";
import { count } from "../text/format";
import { useCanWrite } from "../session/session-context";
import { Failed } from "../ui/failed";

export function Steering({ action }: { action: Action }) {
  const canWrite = useCanWrite();
  const steer = useSteer(action.id);
  const sure = useRef<HTMLDialogElement>(null);
  if (!canWrite) return null;
  const canRetry = action.status === "failed" || action.chunks.dead > 0;
  const button = (step: Step, label: string) => (
    <button type="button" disabled={steer.isPending} onClick={() => steer.mutate(step)}>
      {label}
    </button>
  );
  const left = action.progress.totalRecords - action.progress.processedRecords;
  return (
    <div className="steering">
      {isMoving(action) && button("pause", "Pause")}
      {action.status === "paused" && button("resume", "Resume")}
      {canRetry && button("retry", "Try again")}
      {!isOver(action) && (
        <button type="button" className="danger" disabled={steer.isPending} onClick={() => sure.current?.showModal()}>
          Cancel
        </button>
      )}
      <dialog ref={sure} aria-labelledby="sure">
        <form method="dialog" onSubmit={() => steer.mutate("cancel")}>
          <h2 id="sure">Cancel this import?</h2>
          <p>
            {action.progress.processedRecords > 0
              ? `What was done to ${count(action.progress.processedRecords)} rows stays. `
              : "No row has been touched yet. "}
            {count(left)} rows are left out for good; you can download them and upload them again.
          </p>
          <div className="dialog-end">
            <button type="button" onClick={() => sure.current?.close()}>
              Keep going
            </button>
            <button type="submit" className="danger">
              Cancel the import
            </button>
          </div>
        </form>
      </dialog>
      {steer.error && <Failed error={steer.error} />}
    </div>
  );
}
