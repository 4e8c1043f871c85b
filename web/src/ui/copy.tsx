// A button that copies a text to the clipboard.
import { useState } from "react";

const SHOWN_MS = 2_000;

export function Copy({ label, text }: { label: string; text: string }) {
  const [said, setSaid] = useState("");
  const copy = () => {
    // The clipboard exists only on secure pages and with the user's permission.
    const written = navigator.clipboard?.writeText(text) ?? Promise.reject(new Error("no clipboard"));
    written.then(() => setSaid("Copied")).catch(() => setSaid(text));
    setTimeout(() => setSaid(""), SHOWN_MS);
  };
  return (
    <button type="button" className="quiet small" title={text} onClick={copy}>
      <span aria-live="polite">{said || label}</span>
    </button>
  );
}
