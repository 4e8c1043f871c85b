// Updates of an action from its event stream.
import type { Action, Progress } from "./types";

export type News = Progress & { status?: Action["status"]; updatedAt: string };

/** The action with newer counters. */
export function withProgress(known: Action, event: News): Action {
  if (event.processedRecords < known.progress.processedRecords) return known;
  const progress = { ...known.progress };
  for (const name of Object.keys(progress) as (keyof Progress)[]) {
    const value = event[name];
    if (value !== undefined) Object.assign(progress, { [name]: value });
  }
  return { ...known, status: event.status ?? known.status, progress, updatedAt: event.updatedAt };
}
