// Reason why an action makes no progress, if the server names one.
import type { Action } from "../api/types";
import { ago, moment } from "./format";
import { sentence } from "./words";

export function waitWords(action: Action, now: number): string | null {
  if (action.status === "scheduled" && action.scheduledAt) {
    return `${ago(action.scheduledAt, now)}, ${moment(action.scheduledAt)}`;
  }
  return action.waitingFor ? sentence(action.waitingFor.message) : null;
}
