// What `POST /uploads/inspect` says about a file: how it is read, its columns, and what an upload of it would meet.
import { answer } from "../api/answer";
import type { components } from "../api/schema";
import type { Field } from "./settings";

type Schemas = components["schemas"];

export type InspectedColumn = Schemas["InspectedColumn"];
export type InspectedRow = Schemas["InspectedRow"];
export type Inspection = Schemas["InspectionView"];

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
