// A request whose body is not covered by the generated types: a form with a file.
import { Disconnected, Refusal } from "./refusal";

export async function answer<T>(path: string, init: RequestInit): Promise<T> {
  const response = await fetch(path, init).catch((error: unknown) => {
    if (init.signal?.aborted) throw error;
    throw new Disconnected();
  });
  const body: unknown = await response.json().catch(() => null);
  if (!response.ok) throw Refusal.of(response.status, body);
  return body as T;
}
