import { expect, test } from "vitest";
import { withProgress } from "./news";
import type { Action } from "./types";

const progress = { totalRecords: 100, successfulRecords: 10, failedRecords: 0, skippedRecords: 0, processedRecords: 10 };
const action = { status: "processing", progress, updatedAt: "2026-01-31T12:00:00.000Z" } as Action;

const event = (processedRecords: number, more: object = {}) =>
  ({ ...progress, successfulRecords: processedRecords, processedRecords, updatedAt: "2026-01-31T12:00:01.000Z", ...more }) as Parameters<typeof withProgress>[1];

test("counters move on", () => {
  const next = withProgress(action, event(40));
  expect([next.progress.processedRecords, next.progress.successfulRecords, next.updatedAt]).toEqual([40, 40, "2026-01-31T12:00:01.000Z"]);
  expect(next.status).toBe("processing");
  expect(withProgress(action, event(40, { status: "paused" })).status).toBe("paused");
});

test("an event that was overtaken changes nothing", () => {
  expect(withProgress(action, event(5))).toBe(action);
});
