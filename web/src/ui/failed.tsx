// An error with the server's own message and a retry button.
import { Disconnected, Refusal } from "../api/refusal";
import { sentence } from "../text/words";
import { Copy } from "./copy";

export function Failed({ error, again }: { error: Error; again?: () => void }) {
  const refusal = error instanceof Refusal ? error : undefined;
  const details = refusal?.details ?? [];
  return (
    <div className="failed" role="alert">
      <p className="failed-message">{sentence(error.message)}</p>
      {details.length > 0 && (
        <ul>
          {details.map(({ field, message }, index) => (
            <li key={index}>
              <strong>{field}</strong> {message}
            </li>
          ))}
        </ul>
      )}
      {error instanceof Disconnected && <p className="hint">Check that it runs and that you are online.</p>}
      {(again || refusal?.traceId) && (
        <p className="failed-end">
          {again && (
            <button type="button" className="small" onClick={again}>
              Try again
            </button>
          )}
          {refusal?.traceId && <Copy label="Copy trace id" text={refusal.traceId} />}
        </p>
      )}
    </div>
  );
}
