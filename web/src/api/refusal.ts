// What the server says when it does not do what was asked, in its own words; and that it did not answer at all.

export interface Detail {
  field: string;
  message: string;
}

/** An answer of the server that is no success. */
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

  /** Reads an answer's body; one that is not ours (a proxy's page) is named by its status. */
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

/** No answer came: the server or the network is away. */
export class Disconnected extends Error {
  override name = "Disconnected";

  constructor() {
    super("The server cannot be reached.");
  }
}

/** Whether the same request may be answered a little later. */
export function isPassing(error: unknown): boolean {
  return error instanceof Disconnected || (error instanceof Refusal && [429, 502, 503, 504].includes(error.status));
}
