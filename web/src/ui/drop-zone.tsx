// A drop zone for a file with a button to choose one, which keyboard and screen readers use.
import { type DragEvent, type ReactNode, useRef, useState } from "react";

const TYPES = ".csv,.tsv,.txt,.xlsx,.gz,text/csv,text/tab-separated-values,text/plain,application/gzip";

interface Props {
  onFile: (file: File) => void;
  children?: ReactNode;
  label?: string;
  small?: boolean;
}

export function DropZone({ onFile, children, label = "Choose a file", small = false }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const drag = (is: boolean) => (event: DragEvent) => {
    event.preventDefault();
    setOver(is);
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    const file = event.dataTransfer.files[0];
    if (file) onFile(file);
  };
  return (
    <div
      className={`drop-zone${over ? " over" : ""}${small ? " small" : ""}`}
      onDragEnter={drag(true)}
      onDragOver={drag(true)}
      onDragLeave={drag(false)}
      onDrop={drop}
    >
      {children}
      <button type="button" className={small ? "small" : "primary"} onClick={() => input.current?.click()}>
        {label}
      </button>
      <input
        ref={input}
        type="file"
        hidden
        aria-label="File to upload"
        accept={TYPES}
        onChange={(event) => {
          const file = event.target.files?.[0];
          // Reset, so that choosing the same file again triggers an event.
          event.target.value = "";
          if (file) onFile(file);
        }}
      />
    </div>
  );
}
