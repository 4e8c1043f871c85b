// Plain words for the API's codes. Only names; rules and their violations are described by the server.
import type { Action, ActionStatus, ActionType, RowStatus } from "../api/types";

export const STATUS_WORDS: Record<ActionStatus, string> = {
  scheduled: "Scheduled",
  queued: "Waiting",
  validating: "Reading",
  processing: "Applying",
  completed: "Done",
  paused: "Paused",
  cancelled: "Cancelled",
  failed: "Stopped",
};

export const ACTION_TYPE_WORDS: Record<ActionType, string> = {
  bulk_create: "Add new",
  bulk_update: "Change existing",
  bulk_upsert: "Add new, change existing",
  bulk_delete: "Delete",
};

export const ROW_STATUS_WORDS: Record<RowStatus, string> = {
  success: "Successful",
  failed: "Failed",
  skipped: "Skipped",
};

const CODE_WORDS: Record<string, string> = {
  created: "Added",
  updated: "Changed",
  deleted: "Deleted",
  unchanged: "Unchanged",
  valid: "Would pass",
  duplicate: "Repeated in this file",
  already_exists: "Exists already",
  invalid: "Breaks a rule",
  malformed: "Not readable as a row",
  not_found: "No such record",
  rejected: "Refused by the database",
};

/** Outcome of a row in plain words. */
export function codeWords(code: string): string {
  return CODE_WORDS[code] ?? sentence(code.replaceAll("_", " "));
}

/** Capitalises the first letter. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Status of an action in one or two words. */
export function stateWords(action: Pick<Action, "status" | "outcome" | "configuration">): string {
  if (action.status !== "completed") return STATUS_WORDS[action.status];
  const done = action.configuration.dryRun ? "Checked" : "Done";
  switch (action.outcome) {
    case "partial":
      return `${done}, some rows failed`;
    case "failure":
      return `${done}, every row failed`;
    default:
      return done;
  }
}

export type Tone = "good" | "bad" | "warn" | "busy" | "still";

/** Colour of a status. */
export function stateTone(action: Pick<Action, "status" | "outcome">): Tone {
  switch (action.status) {
    case "completed":
      return action.outcome === "success" ? "good" : action.outcome === "failure" ? "bad" : "warn";
    case "failed":
      return "bad";
    case "validating":
    case "processing":
      return "busy";
    default:
      return "still";
  }
}
