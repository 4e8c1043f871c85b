// The user's choices, and the upload fields that result from them. Options that are not chosen are not sent, so that
// the server's defaults apply.
import type { Action, ActionType, Entity } from "../api/types";
import type { InspectedColumn } from "./inspection";

export type Field = [name: string, value: string];

/** Options for reading the bytes, if not left to the server. */
export interface Reading {
  encoding?: string;
  delimiter?: string;
  headerLine?: string;
  sheet?: string;
  timezone?: string;
  decimal?: string;
}

export interface Settings {
  entityType: string;
  actionType: ActionType;
  /** By header key: the column that it fills, or null to ignore it. Suggestions apply to the others. */
  targets: Record<string, string | null>;
  reading: Reading;
  onConflict: "skip" | "error" | "update";
  deduplicate: boolean;
  clearEmpty: boolean;
  fillShort: boolean;
  /** Values for columns that the file does not have. */
  defaults: Record<string, string>;
  /** Local date and time in the format of the browser's field; empty: immediately. */
  scheduledAt: string;
}

export function newSettings(entityType: string): Settings {
  return {
    entityType,
    actionType: "bulk_upsert",
    targets: {},
    reading: {},
    onConflict: "skip",
    deduplicate: false,
    clearEmpty: false,
    fillShort: false,
    defaults: {},
    scheduledAt: "",
  };
}

type Configuration = Omit<Action["configuration"], "mapping"> & {
  mapping?: Record<string, string | null> | null;
} & Partial<{ emptyCells: string; shortRows: string; defaults: Record<string, string> | null; timezone: string | null; decimal: string | null }>;

/** The settings of an earlier action, for a repaired file. */
export function settingsLike(action: Action): Settings {
  const configuration: Configuration = action.configuration;
  const reading: Reading = {};
  // Encoding, delimiter and header line are not copied, since the repaired file may have others.
  if (configuration.timezone) reading.timezone = configuration.timezone;
  if (configuration.decimal === "comma") reading.decimal = configuration.decimal;
  return {
    ...newSettings(action.entityType),
    actionType: action.actionType,
    targets: { ...configuration.mapping },
    reading,
    onConflict: configuration.onConflict,
    deduplicate: configuration.deduplicate,
    clearEmpty: configuration.emptyCells === "clear",
    fillShort: configuration.shortRows === "fill",
    defaults: configuration.defaults ?? {},
  };
}

/** A column's name in a mapping: its header or, if that is empty or not unique, its position. */
export function headerKey(column: InspectedColumn, columns: InspectedColumn[]): string {
  const name = (header: string) => header.trim().toLowerCase();
  const alike = columns.filter(({ header }) => name(header) === name(column.header));
  const plain = column.header.trim() !== "" && alike.length === 1 && !column.header.startsWith("#");
  return plain ? column.header : `#${column.position}`;
}

/** A suggestion with less confidence (neither a column's name nor an alias) is offered but not applied. */
const SURE = 0.9;

/** Target of a column; null if it is ignored. */
export function targetOf(column: InspectedColumn, columns: InspectedColumn[], settings: Settings): string | null {
  const chosen = settings.targets[headerKey(column, columns)];
  if (chosen !== undefined) return chosen;
  return column.suggestion && column.suggestion.confidence >= SURE ? column.suggestion.column : null;
}

/** Fields for reading the file, which determine its columns. */
export function readingFields(settings: Pick<Settings, "entityType" | "actionType" | "reading">): Field[] {
  const { encoding, delimiter, headerLine, sheet, timezone, decimal } = settings.reading;
  const fields: Field[] = [
    ["entityType", settings.entityType],
    ["actionType", settings.actionType],
  ];
  for (const [name, value] of Object.entries({ encoding, delimiter, headerLine, sheet, timezone, decimal })) {
    if (value) fields.push([name, value]);
  }
  return fields;
}

/** All fields of the upload except the file. */
export function uploadFields(settings: Settings, columns: InspectedColumn[]): Field[] {
  if (columns.length === 0) return [...readingFields(settings), ...optionFields(settings, new Set())];
  const mapping = Object.fromEntries(
    columns.map((column) => [headerKey(column, columns), targetOf(column, columns, settings)] as const),
  );
  const fields = readingFields(settings);
  fields.push(["mapping", JSON.stringify(mapping)]);
  fields.push(...optionFields(settings, new Set(Object.values(mapping))));
  return fields;
}

/** Fields of the options; `filled` are the columns that the file has. */
function optionFields(settings: Settings, filled: Set<string | null>): Field[] {
  const creates = settings.actionType === "bulk_create";
  const chosen: [boolean, Field][] = [
    [creates && settings.onConflict !== "skip", ["onConflict", settings.onConflict]],
    [settings.deduplicate, ["deduplicate", "true"]],
    [settings.clearEmpty && !creates, ["emptyCells", "clear"]],
    [settings.fillShort, ["shortRows", "fill"]],
  ];
  const fields = chosen.flatMap(([is, field]) => (is ? [field] : []));
  const defaults = Object.entries(settings.defaults).filter(([column, value]) => value !== "" && !filled.has(column));
  if (defaults.length > 0) fields.push(["defaults", JSON.stringify(Object.fromEntries(defaults))]);
  return fields;
}

/** Start time of the import in the API's format; the check before it starts immediately. */
export function scheduleField(settings: Settings): Field[] {
  return settings.scheduledAt ? [["scheduledAt", new Date(settings.scheduledAt).toISOString()]] : [];
}

/** The entity that matches the file's columns best. */
export function bestEntity(entities: Entity[], columnsOf: (type: string) => InspectedColumn[] | undefined): string | undefined {
  const score = (entity: Entity) => {
    const suggested = (columnsOf(entity.type) ?? []).flatMap(({ suggestion }) => (suggestion ? [suggestion.column] : []));
    const wanted = entity.columns.filter(({ required }) => required).length || 1;
    const needed = entity.columns.filter(({ name, required }) => required && suggested.includes(name)).length;
    // An entity whose required columns are all present is a better match than one that shares many common columns.
    return needed / wanted + suggested.length / 1000;
  };
  const best = entities.map((entity) => ({ type: entity.type, score: score(entity) })).sort((a, b) => b.score - a.score)[0];
  return best?.type;
}
