// Uploads a file with its progress. `fetch` cannot tell how much of a body has left, so this is an XMLHttpRequest; the browser
// streams the file from the disk.
import { Disconnected, Refusal } from "./refusal";

export interface Upload {
  file: File;
  fields: [string, string][];
  /** A repeat of the same upload answers with the same action, so a broken connection costs nothing. */
  key: string;
  progress: (sentBytes: number, totalBytes: number) => void;
  signal: AbortSignal;
}

export function upload({ file, fields, key, progress, signal }: Upload): Promise<{ id: string }> {
  const form = new FormData();
  // The server checks the header of the file while it arrives if it knows the fields by then.
  for (const [name, value] of fields) form.append(name, value);
  form.append("file", file, file.name);
  const { promise, resolve, reject } = Promise.withResolvers<{ id: string }>();
  const request = new XMLHttpRequest();
  request.open("POST", "/bulk-actions");
  request.setRequestHeader("Idempotency-Key", key);
  request.responseType = "json";
  request.upload.onprogress = ({ loaded, total }) => progress(loaded, total);
  request.onload = () => {
    const body: unknown = request.response;
    if (request.status >= 200 && request.status < 300) resolve((body as { data: { id: string } }).data);
    else reject(Refusal.of(request.status, body));
  };
  request.onerror = () => reject(new Disconnected());
  request.onabort = () => reject(signal.reason);
  signal.addEventListener("abort", () => request.abort());
  if (signal.aborted) reject(signal.reason);
  else request.send(form);
  return promise;
}

/** A name for one upload. */
export function uploadKey(): string {
  // `crypto.randomUUID` is there on secure pages only.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
