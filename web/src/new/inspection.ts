// Response of `POST /uploads/inspect`: how the file is read, its columns, and the problems of an upload.
import { answer } from "../api/answer";
import type { components } from "../api/schema";
import type { Field } from "./settings";

type Schemas = components["schemas"];

export type InspectedColumn = Schemas["InspectedColumn"];
export type InspectedRow = Schemas["InspectedRow"];
export type Inspection = Schemas["InspectionView"];

/** Size of the part that is sent for inspection. The browser reads it from the disk; the page does not hold it in memory. */
const SLICE_BYTES = 256 * 1024;
/** A workbook is sent whole, since its directory is at its end. */
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
