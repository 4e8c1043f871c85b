// Downloads of the rows, streamed by the browser, and the upload of a repaired file.
import { useLocation } from "wouter";
import { isOver } from "../api/actions";
import type { Action } from "../api/types";
import { chooseFile } from "../new/chosen-file";
import { useCanWrite } from "../session/session-context";
import { count, moment } from "../text/format";
import { DropZone } from "../ui/drop-zone";

export function Downloads({ action }: { action: Action }) {
  const canWrite = useCanWrite();
  const { progress } = action;
  const left = progress.totalRecords - progress.processedRecords;
  if (progress.totalRecords === 0) return null;
  const goneAt = action.results.expiresAt;
  if (goneAt && Date.parse(goneAt) < Date.now()) {
    return <p className="hint">The rows and their outcomes were kept until {moment(goneAt)}.</p>;
  }
  return (
    <section className="downloads" aria-label="Downloads">
      <h2>Download</h2>
      <ul>
        <Item action={action} label="All rows with their outcome" rows={progress.processedRecords} />
        <Item action={action} label="Failed rows" status="failed" rows={progress.failedRecords} />
        {isOver(action) && <Item action={action} label="Rows not reached" status="unprocessed" rows={left} />}
        {action.file.downloadUrl && (
          <li>
            <a href={action.file.downloadUrl}>The uploaded file</a>
          </li>
        )}
      </ul>
      {canWrite && isOver(action) && (progress.failedRecords > 0 || left > 0) && <Repaired action={action} />}
    </section>
  );
}

function Item({ action, label, status, rows }: { action: Action; label: string; status?: string; rows: number }) {
  if (rows === 0) return null;
  const query = (safe: boolean) => {
    const params = new URLSearchParams();
    if (status) params.set("status", status);
    if (safe) params.set("spreadsheetSafe", "true");
    return `/bulk-actions/${action.id}/results${params.size > 0 ? `?${params}` : ""}`;
  };
  return (
    <li>
      <a href={query(false)} download>
        {label}
      </a>{" "}
      <span className="hint">{count(rows)}</span> ·{" "}
      <a href={query(true)} download aria-label={`${label}, for a spreadsheet`}>
        for a spreadsheet
      </a>
    </li>
  );
}

function Repaired({ action }: { action: Action }) {
  const [, go] = useLocation();
  const take = (file: File) => {
    chooseFile(file);
    go(`/new?like=${action.id}`);
  };
  return (
    <DropZone small onFile={take} label="Upload the repaired file">
      <p>
        Download the failed rows, repair them where they are, and drop the file here: it is read with the settings of this import, and the
        columns that say what went wrong are left out by themselves.
      </p>
    </DropZone>
  );
}
