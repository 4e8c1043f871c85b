// The check: a dry run of every row, followed by the import itself.
import { useState } from "react";
import { useLocation } from "wouter";
import { useAction } from "../api/actions";
import { useFollow } from "../api/follow";
import { isOver } from "../api/actions";
import { Failed } from "../ui/failed";
import { CheckResult } from "./check-result";
import { chooseFile } from "./chosen-file";
import { type Field, scheduleField, type Settings } from "./settings";
import { UploadProgress } from "./upload-progress";
import { useUpload } from "./use-upload";

interface Props {
  file: File;
  settings: Settings;
  fields: Field[];
  /** True if the server rejects the file. */
  blocked: boolean;
}

export function CheckStep({ file, settings, fields, blocked }: Props) {
  const [, go] = useLocation();
  const [checkId, setCheckId] = useState<string>();
  const check = useUpload(file);
  const run = useUpload(file);
  const checked = useAction(checkId);
  const { disconnected } = useFollow(checked.data);
  const start = () =>
    run.send([...fields, ...scheduleField(settings)], (id) => {
      chooseFile(null);
      go(`/actions/${id}`);
    });
  const over = checked.data && isOver(checked.data);
  const busy = check.sending ?? run.sending;
  return (
    <section className="step check" aria-label="Check and import">
      <div className="check-head">
        <span className="step-number">4</span>
        <h2>Check</h2>
        <span className="step-summary">Every row is tried, nothing is changed.</span>
      </div>
      <div className="step-body">
        {busy && <UploadProgress sending={busy} stop={check.sending ? check.stop : run.stop} />}
        {checked.data && !run.sending && <CheckResult action={checked.data} disconnected={disconnected} start={start} />}
        {checked.error && <Failed error={checked.error} again={() => void checked.refetch()} />}
        {check.error && <Failed error={check.error} />}
        {run.error && <Failed error={run.error} again={start} />}
        {!busy && !(checkId && !over) && (
          <div className="check-end">
            {!checkId && (
              <button
                type="button"
                className="primary"
                disabled={blocked}
                onClick={() => check.send([...fields, ["dryRun", "true"]], setCheckId)}
              >
                Check the file
              </button>
            )}
            {!checkId && (
              <button type="button" className="quiet" disabled={blocked} onClick={start}>
                Import without checking
              </button>
            )}
          </div>
        )}
      </div>
    </section>
  );
}
