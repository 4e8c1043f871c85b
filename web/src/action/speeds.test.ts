import { expect, test } from "vitest";
import { line, speedsOf } from "./speeds";

test("a speed is what came between two samples", () => {
  expect(speedsOf([])).toEqual([]);
  expect(speedsOf([{ at: 0, rows: 0 }])).toEqual([]);
  expect(speedsOf([{ at: 0, rows: 0 }, { at: 500, rows: 100 }, { at: 1500, rows: 100 }, { at: 1500, rows: 110 }])).toEqual([200, 0]);
});

test("the line fills its box", () => {
  expect(line([0, 50, 100], 100, 30)).toBe("0.0,30.0 50.0,15.0 100.0,0.0");
  expect(line([0, 0], 100, 30)).toBe("0.0,30.0 100.0,30.0");
});
