// Requests to the API, typed by its OpenAPI document: a change there breaks the type check here.
import createClient from "openapi-fetch";
import { Disconnected, Refusal } from "./refusal";
import type { paths } from "./schema";

async function reach(request: Request): Promise<Response> {
  try {
    return await fetch(request);
  } catch (error) {
    if (request.signal.aborted) throw error;
    throw new Disconnected();
  }
}

export const api = createClient<paths>({ baseUrl: location.origin, fetch: reach });

/** The body of a successful response; throws the error of any other response. */
export async function answer<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await asked;
  if (!response.ok) throw Refusal.of(response.status, error);
  return data as T;
}
