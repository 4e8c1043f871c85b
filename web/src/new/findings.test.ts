import { expect, test } from "vitest";
import { columnProblems, missingColumns, wholeProblems } from "./findings";
import type { Inspection, InspectedRow } from "./inspection";

const row = (number: number, column: string | null, message: string): InspectedRow => ({
  row: number,
  line: number + 1,
  cells: [],
  status: "invalid",
  problems: [{ column, message }],
});

const preview = (part: Partial<Inspection>): Inspection => ({
  encoding: "utf-8",
  delimiter: ",",
  headerLine: 1,
  likelyHeaderLine: null,
  likelyEncoding: null,
  columns: [],
  rows: [],
  missing: {},
  problems: [],
  complete: true,
  ...part,
});

test("a sentence is said once, with the rows that it is about", () => {
  const rule = "must be between 0 and 150";
  const rows = [row(1, "age", rule), row(2, "age", rule), row(3, "age", rule), row(4, "age", rule), row(7, "age", "is no number"), row(9, null, "is cut off")];
  const problems = columnProblems(preview({ rows }));
  expect(problems.get("age")).toEqual(["Rows 1, 2, 3 and 1 more: must be between 0 and 150", "Row 7: is no number"]);
  expect(problems.get("")).toEqual(["Row 9: is cut off"]);
});

test("a value for every row stands in for a missing column", () => {
  const found = preview({ missing: { bulk_create: ["name", "currency"] } });
  expect(missingColumns(found, { actionType: "bulk_create", defaults: { currency: "EUR" } })).toEqual(["name"]);
  expect(missingColumns(found, { actionType: "bulk_update", defaults: {} })).toEqual([]);
  expect(missingColumns(found, { actionType: "bulk_upsert", defaults: {} })).toEqual(["name", "currency"]);
});

test("problems of the whole file are sentences", () => {
  const problems = [
    { field: "file", message: "the file has no rows" },
    { field: "email", message: "is there twice" },
  ];
  expect(wholeProblems(preview({ problems }))).toEqual([
    "The file has no rows",
    "Email: is there twice",
  ]);
});
