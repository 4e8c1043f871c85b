// A step, collapsed to a line if it needs no decision.
import type { ReactNode } from "react";

interface Props {
  number: number;
  title: string;
  summary: ReactNode;
  open: boolean;
  toggle: (open: boolean) => void;
  children: ReactNode;
}

export function Step({ number, title, summary, open, toggle, children }: Props) {
  return (
    <details className="step" open={open} onToggle={(event) => toggle(event.currentTarget.open)}>
      <summary>
        <span className="step-number">{number}</span>
        <h2>{title}</h2>
        <span className="step-summary">{summary}</span>
      </summary>
      <div className="step-body">{children}</div>
    </details>
  );
}
