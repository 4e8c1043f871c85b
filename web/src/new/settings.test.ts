import { describe, expect, test } from "vitest";
import type { Entity } from "../api/types";
import type { InspectedColumn } from "./inspection";
import { bestEntity, headerKey, newSettings, scheduleField, targetOf, uploadFields } from "./settings";

function columns(...named: [header: string, suggestion?: string][]): InspectedColumn[] {
  return named.map(([header, suggestion], index) => ({
    header,
    position: index + 1,
    suggestion: suggestion ? { column: suggestion, confidence: 1 } : null,
    fillRate: 1,
    samples: [],
  }));
}

const contact = newSettings("contact");

function mappingOf(fields: [string, string][]): unknown {
  return JSON.parse(fields.find(([name]) => name === "mapping")?.[1] ?? "null");
}

describe("a column of the file", () => {
  test("goes where it is suggested until somebody says otherwise", () => {
    const [mail, notes] = columns(["E-Mail", "email"], ["Notes"]) as [InspectedColumn, InspectedColumn];
    const all = [mail, notes];
    expect(targetOf(mail, all, contact)).toBe("email");
    expect(targetOf(notes, all, contact)).toBeNull();
    expect(targetOf(mail, all, { ...contact, targets: { "E-Mail": null } })).toBeNull();
    expect(targetOf(notes, all, { ...contact, targets: { Notes: "name" } })).toBe("name");
    const unsure = { ...notes, suggestion: { column: "name", confidence: 0.6 } };
    expect(targetOf(unsure, [unsure], contact)).toBeNull();
  });

  test("is named by its place where its header does not tell it from the others", () => {
    const all = columns(["Mail"], [" mail "], [""], ["#1"], ["Name"]);
    expect(all.map((column) => headerKey(column, all))).toEqual(["#1", "#2", "#3", "#4", "Name"]);
  });
});

describe("the fields of an upload", () => {
  test("name every column, and nothing that is the default", () => {
    const fields = uploadFields(contact, columns(["E-Mail", "email"], ["Notes"]));
    expect(fields.map(([name]) => name)).toEqual(["entityType", "actionType", "mapping"]);
    expect(mappingOf(fields)).toEqual({ "E-Mail": "email", Notes: null });
  });

  test("have what was chosen", () => {
    const settings = { ...contact, deduplicate: true, clearEmpty: true, fillShort: true, reading: { encoding: "windows-1252", headerLine: "3" } };
    expect(uploadFields(settings, [])).toEqual(
      expect.arrayContaining([
        ["encoding", "windows-1252"],
        ["headerLine", "3"],
        ["deduplicate", "true"],
        ["emptyCells", "clear"],
        ["shortRows", "fill"],
      ]),
    );
  });

  test("leave out what the operation has no use for", () => {
    const names = (settings: typeof contact) => uploadFields(settings, []).map(([name]) => name);
    expect(names({ ...contact, onConflict: "update" })).not.toContain("onConflict");
    expect(names({ ...contact, actionType: "bulk_create", onConflict: "update" })).toContain("onConflict");
    expect(names({ ...contact, actionType: "bulk_create", clearEmpty: true })).not.toContain("emptyCells");
  });

  test("give one value for every row only where no column does", () => {
    const settings = { ...contact, defaults: { name: "Nobody", email: "x@example.com", age: "" } };
    const defaults = uploadFields(settings, columns(["E-Mail", "email"])).find(([name]) => name === "defaults");
    expect(defaults).toEqual(["defaults", '{"name":"Nobody"}']);
  });

  test("a schedule is an instant", () => {
    expect(scheduleField(contact)).toEqual([]);
    const local = "2030-05-01T10:30";
    expect(scheduleField({ ...contact, scheduledAt: local })).toEqual([["scheduledAt", new Date(local).toISOString()]]);
  });
});

test("a file is of the kind whose needs it meets", () => {
  const entity = (type: string, required: string[], others: string[]) =>
    ({
      type,
      columns: [...required.map((name) => ({ name, required: true })), ...others.map((name) => ({ name, required: false }))],
    }) as unknown as Entity;
  const entities = [entity("contact", ["email", "name"], ["age"]), entity("product", ["sku", "name", "price"], ["stock"])];
  const found: Record<string, InspectedColumn[]> = {
    contact: columns(["Name", "name"], ["SKU"]),
    product: columns(["Name", "name"], ["SKU", "sku"], ["Price", "price"]),
  };
  expect(bestEntity(entities, (type) => found[type])).toBe("product");
  expect(bestEntity([], () => undefined)).toBeUndefined();
});
