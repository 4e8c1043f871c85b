// Status of an action as a word with a colour.
import type { Action } from "../api/types";
import { stateTone, stateWords } from "../text/words";

export function StateBadge({ action }: { action: Action }) {
  return <span className={`state ${stateTone(action)}`}>{stateWords(action)}</span>;
}
