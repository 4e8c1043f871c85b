// Uploads a file with progress. `fetch` does not report the progress of a body, so this uses XMLHttpRequest; the
// browser streams the file from the disk.
import { Disconnected, Refusal } from "./refusal";

export interface Upload {
  file: File;
  fields: [string, string][];
  /** Repeating the same upload returns the same action, so it is safe after a broken connection. */
  key: string;
  progress: (sentBytes: number, totalBytes: number) => void;
  signal: AbortSignal;
}

export function upload({ file, fields, key, progress, signal }: Upload): Promise<{ id: string }> {
  const form = new FormData();
  // The fields come first, so that the server can check the header while the file arrives.
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

/** Idempotency key of an upload. */
export function uploadKey(): string {
  // `crypto.randomUUID` exists on secure pages only.
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
