// What `POST /uploads/inspect` says about a file: how it is read, its columns, and what an upload of it would meet.
import { answer } from "../api/answer";
import type { Detail } from "../api/refusal";
import type { ActionType } from "../api/types";
import type { Field } from "./settings";

export interface InspectedColumn {
  header: string;
  /** From 1. */
  position: number;
  suggestion: { column: string; confidence: number } | null;
  /** From 0 to 1. */
  fillRate: number;
  samples: string[];
}

export interface InspectedRow {
  row: number;
  line: number;
  cells: string[];
  /** `valid`, `invalid` or `malformed`. */
  status: string;
  problems: { column: string | null; message: string }[];
}

export interface Inspection {
  /** Null where the file cannot be read; then `problems` says why. */
  encoding: string | null;
  /** What a file that is not UTF-8 seems to be in. */
  likelyEncoding?: string | null;
  delimiter: string | null;
  headerLine: number | null;
  columns: InspectedColumn[];
  rows: InspectedRow[];
  missing: Partial<Record<ActionType, string[]>>;
  problems: Detail[];
  complete: boolean;
}

/** As much of a file as is sent to be looked at. The browser reads it from the disk; the page never holds it. */
const SLICE_BYTES = 256 * 1024;
/** A workbook has its table of contents at the end, so a part of it is none. */
const MOST_WORKBOOK_BYTES = 8 * 1024 * 1024;

export function sliceOf(file: File): Blob {
  const whole = /\.xlsx(\.gz)?$/i.test(file.name) && file.size <= MOST_WORKBOOK_BYTES;
  return whole ? file : file.slice(0, SLICE_BYTES, file.type);
}

export async function inspect(file: File, fields: Field[], signal: AbortSignal): Promise<Inspection> {
  const form = new FormData();
  for (const [name, value] of fields) form.append(name, value);
  form.append("file", sliceOf(file), file.name);
  const { data } = await answer<{ data: Inspection }>("/uploads/inspect", { method: "POST", body: form, signal });
  return data;
}
