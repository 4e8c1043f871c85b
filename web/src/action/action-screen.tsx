// The screen of an action: its state, the outcomes of its rows, and the available operations.
import { useAction } from "../api/actions";
import { useFollow } from "../api/follow";
import { Refusal } from "../api/refusal";
import type { Action } from "../api/types";
import { moment } from "../text/format";
import { ACTION_TYPE_WORDS, sentence } from "../text/words";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { StateBadge } from "../ui/state-badge";
import { useTitle } from "../ui/use-title";
import { ActionFacts } from "./action-facts";
import { Downloads } from "./downloads";
import { Outcomes } from "./outcomes";
import { RunProgress } from "./run-progress";
import { Steering } from "./steering";

export function ActionScreen({ id }: { id: string }) {
  const action = useAction(id);
  const { disconnected } = useFollow(action.data);
  useTitle(action.data?.file.fileName ?? "Action");
  if (action.data) return <Loaded action={action.data} disconnected={disconnected} />;
  if (action.error instanceof Refusal && action.error.status === 404) {
    return (
      <section className="empty">
        <h1>No such action</h1>
        <p>It may be another account's, or it was removed.</p>
      </section>
    );
  }
  return action.error ? <Failed error={action.error} again={() => void action.refetch()} /> : <Loading what="Loading the action" />;
}

function Loaded({ action, disconnected }: { action: Action; disconnected: boolean }) {
  const { file, entityType, actionType, configuration, createdAt } = action;
  return (
    <>
      {disconnected && (
        <p className="notice" role="status">
          The connection is lost. What you see is the last that was known; trying again…
        </p>
      )}
      <div className="head">
        <div className="head-text">
          <h1 className="file-name">{file.fileName}</h1>
          <p className="under">
            {sentence(entityType)} · {ACTION_TYPE_WORDS[actionType]}
            {configuration.dryRun && <span className="badge">check only, nothing is changed</span>}
            <span> · </span>
            <time dateTime={createdAt}>{moment(createdAt)}</time>
          </p>
        </div>
        <div className="head-end">
          <StateBadge action={action} />
          <Steering action={action} />
        </div>
      </div>
      <RunProgress action={action} />
      <Outcomes action={action} />
      <Downloads action={action} />
      <ActionFacts action={action} />
    </>
  );
}
