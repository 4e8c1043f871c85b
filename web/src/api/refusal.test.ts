import { expect, test } from "vitest";
import { Disconnected, isPassing, Refusal } from "./refusal";

test("a refusal keeps the server's words", () => {
  const details = [{ field: "limit", message: "must be a whole number" }];
  const refusal = Refusal.of(400, { message: "the request is not valid", error: { code: "validation_failed", details }, traceId: "t" });
  expect([refusal.message, refusal.code, refusal.details, refusal.traceId]).toEqual(["the request is not valid", "validation_failed", details, "t"]);
});

test("an answer that is not ours is named by its status", () => {
  expect(Refusal.of(502, "<html>").message).toBe("The server answered with status 502.");
  expect(Refusal.of(502, null).code).toBe("unknown");
});

test("only what may pass is tried again", () => {
  expect([new Disconnected(), Refusal.of(503, null), Refusal.of(429, null)].map(isPassing)).toEqual([true, true, true]);
  expect([Refusal.of(400, null), Refusal.of(401, null), new Error("x")].map(isPassing)).toEqual([false, false, false]);
});
