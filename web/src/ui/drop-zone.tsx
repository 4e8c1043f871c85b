// A drop zone for a file with a button to choose one. The button is the label of the browser's own file field, which keyboard and
// screen readers use: no script stands between a key and the file chooser.
import { type DragEvent, type ReactNode, useState } from "react";

const TYPES = ".csv,.tsv,.txt,.xlsx,.gz,text/csv,text/tab-separated-values,text/plain,application/gzip";

interface Props {
  onFile: (file: File) => void;
  children?: ReactNode;
  label?: string;
  small?: boolean;
}

export function DropZone({ onFile, children, label = "Choose a file", small = false }: Props) {
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
      <label className={`button ${small ? "small" : "primary"}`}>
        {label}
        <input
          type="file"
          className="unseen"
          accept={TYPES}
          onChange={(event) => {
            const file = event.target.files?.[0];
            // Reset, so that choosing the same file again triggers an event.
            event.target.value = "";
            if (file) onFile(file);
          }}
        />
      </label>
    </div>
  );
}
