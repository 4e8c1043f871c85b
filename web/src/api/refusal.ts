// Errors of requests: the server's own message, or the lack of a response.

export interface Detail {
  field: string;
  message: string;
}

/** An error response of the server. */
export class Refusal extends Error {
  override name = "Refusal";

  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly details: Detail[],
    readonly traceId: string | null,
  ) {
    super(message);
  }

  /** Parses a response body; one that is not ours (a proxy's page) is described by its status. */
  static of(status: number, body: unknown): Refusal {
    const answer = body as Partial<{
      message: string;
      traceId: string;
      error: { code?: string; details?: Detail[] };
    }> | null;
    return new Refusal(
      status,
      answer?.error?.code ?? "unknown",
      answer?.message ?? `The server answered with status ${status}.`,
      answer?.error?.details ?? [],
      answer?.traceId ?? null,
    );
  }
}

/** No response: the server or the network is unavailable. */
export class Disconnected extends Error {
  override name = "Disconnected";

  constructor() {
    super("The server cannot be reached.");
  }
}

/** True if the same request may succeed a little later. */
export function isPassing(error: unknown): boolean {
  return error instanceof Disconnected || (error instanceof Refusal && [429, 502, 503, 504].includes(error.status));
}
