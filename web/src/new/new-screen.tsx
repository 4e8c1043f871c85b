// A new import on one page: the file, its columns, the options, and a check before anything changes.
import { useSearchParams } from "wouter";
import { useAction } from "../api/actions";
import { useEntities } from "../api/entities";
import { useCanWrite } from "../session/session-context";
import { DropZone } from "../ui/drop-zone";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { useTitle } from "../ui/use-title";
import { chooseFile, useChosenFile } from "./chosen-file";
import { settingsLike } from "./settings";
import { Steps } from "./steps";
import { fileKey } from "./use-inspection";

export default function NewScreen() {
  useTitle("New import");
  const [params] = useSearchParams();
  const like = params.get("like") ?? undefined;
  return (
    <>
      <div className="head">
        <h1>{like ? "Upload the repaired file" : "New import"}</h1>
      </div>
      {useCanWrite() ? <Import like={like} /> : <p className="empty">Your token may only look, so there is nothing to import with.</p>}
    </>
  );
}

function Import({ like }: { like: string | undefined }) {
  const file = useChosenFile();
  const entities = useEntities();
  const earlier = useAction(like);
  if (!file) {
    return (
      <DropZone onFile={chooseFile}>
        <h2>Drop a file here</h2>
        <p>
          A spreadsheet or CSV file: <span className="kinds">.csv .tsv .xlsx</span>, gzipped too. Its first line names the columns.
        </p>
      </DropZone>
    );
  }
  const error = entities.error ?? earlier.error;
  if (error) return <Failed error={error} again={() => void Promise.all([entities.refetch(), like ? earlier.refetch() : null])} />;
  if (!entities.data || (like && !earlier.data)) return <Loading what="Loading" />;
  return <Steps key={fileKey(file)} file={file} entities={entities.data} start={earlier.data && settingsLike(earlier.data)} />;
}
