import { describe, expect, test } from "vitest";
import { ago, count, duration, percent, rows, size } from "./format";

test("numbers have their separators", () => {
  expect(count(4213)).toBe("4,213");
  expect([rows(0), rows(1), rows(4213)]).toEqual(["0 rows", "1 row", "4,213 rows"]);
});

test("sizes have the unit that keeps them short", () => {
  expect([0, 999, 1000, 12_345, 999_600, 1_048_576_000].map(size)).toEqual(["0 B", "999 B", "1.0 KB", "12 KB", "1.0 MB", "1.0 GB"]);
});

test("times are as exact as their length asks for", () => {
  expect([-5, 420, 12_400, 59_900, 200_000, 7_500_000].map(duration)).toEqual(["0.0 s", "0.4 s", "12 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"]);
});

test("a share never rounds to none or all", () => {
  expect([0, 0.001, 0.42, 0.999, 1].map(percent)).toEqual(["0%", "<1%", "42%", "99%", "100%"]);
});

describe("an instant relative to now", () => {
  const now = Date.parse("2026-01-31T12:00:00Z");

  test.each([
    ["2026-01-31T11:59:50Z", "just now"],
    ["2026-01-31T11:57:00Z", "3 minutes ago"],
    ["2026-01-31T15:00:00Z", "in 3 hours"],
    ["2026-01-30T12:00:00Z", "yesterday"],
    ["2026-01-31T12:00:20Z", "in a moment"],
  ])("%s", (instant, words) => expect(ago(instant, now)).toBe(words));
});
