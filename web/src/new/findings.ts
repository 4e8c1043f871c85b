// Findings of an inspection, grouped by the place where they are shown. The messages are the server's.
import { sentence } from "../text/words";
import type { Inspection } from "./inspection";
import type { Settings } from "./settings";

/** Columns that the chosen operation needs and that have no value. */
export function missingColumns(preview: Inspection, settings: Pick<Settings, "actionType" | "defaults">): string[] {
  const { actionType, defaults } = settings;
  // An upsert adds records too: what those need is asked for before the check fails their rows.
  const needed = [actionType, ...(actionType === "bulk_upsert" ? ["bulk_create"] : [])].flatMap((type) => preview.missing[type] ?? []);
  return [...new Set(needed)].filter((column) => !defaults[column]);
}

/** Problems of the whole file. */
export function wholeProblems(preview: Inspection): string[] {
  return preview.problems.map(({ field, message }) => sentence(field === "file" ? message : `${field}: ${message}`));
}

/** Problems of the sample rows by entity column: `row 3: must be …`, each message once with its rows. */
export function columnProblems(preview: Inspection): Map<string, string[]> {
  const rowsOf = new Map<string, Map<string, number[]>>();
  for (const { row, problems } of preview.rows) {
    for (const { column, message } of problems) {
      const messages = rowsOf.get(column ?? "") ?? new Map<string, number[]>();
      messages.set(message, [...(messages.get(message) ?? []), row]);
      rowsOf.set(column ?? "", messages);
    }
  }
  const said = new Map<string, string[]>();
  for (const [column, messages] of rowsOf) {
    said.set(
      column,
      [...messages].map(([message, rows]) => `${rowNames(rows)}: ${message}`),
    );
  }
  return said;
}

const MOST_NAMED = 3;

function rowNames(rows: number[]): string {
  if (rows.length === 1) return `Row ${rows[0]}`;
  const named = rows.slice(0, MOST_NAMED).join(", ");
  return rows.length > MOST_NAMED ? `Rows ${named} and ${rows.length - MOST_NAMED} more` : `Rows ${named}`;
}
