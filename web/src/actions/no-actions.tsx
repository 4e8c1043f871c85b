// The first screen of a new account: a drop zone for a file.
import { Link, useLocation } from "wouter";
import { chooseFile } from "../new/chosen-file";
import { useCanWrite } from "../session/session-context";
import { DropZone } from "../ui/drop-zone";

export function NoActions() {
  const canWrite = useCanWrite();
  const [, go] = useLocation();
  if (!canWrite) {
    return <p className="empty">This account has no actions yet. Your token may only look, so somebody else has to import the first file.</p>;
  }
  const take = (file: File) => {
    chooseFile(file);
    go("/new");
  };
  return (
    <DropZone onFile={take}>
      <h2>Drop a file here</h2>
      <p>
        A spreadsheet or CSV file of records: <span className="kinds">.csv .tsv .xlsx</span>, gzipped too. Nothing is changed before you have
        seen what would happen.
      </p>
      <p className="hint">
        No file at hand? <Link href="/entities">See what can be imported</Link>, with templates.
      </p>
    </DropZone>
  );
}
