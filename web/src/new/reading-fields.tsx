// How the file is read: what was detected, and a way to say otherwise.
import type { Inspection } from "./inspection";
import type { Reading } from "./settings";

const DELIMITERS: [string, string][] = [
  [",", "Comma"],
  [";", "Semicolon"],
  ["\t", "Tab"],
  ["|", "Pipe"],
];

const ENCODINGS = ["utf-8", "windows-1252", "windows-1250", "windows-1251", "iso-8859-15", "macintosh", "utf-16le", "utf-16be", "shift_jis", "gbk"];

interface Props {
  inspection: Inspection;
  reading: Reading;
  change: (reading: Reading) => void;
}

export function ReadingFields({ inspection, reading, change }: Props) {
  const set = (name: keyof Reading, value: string) => {
    const { [name]: _, ...rest } = reading;
    change(value ? { ...rest, [name]: value } : rest);
  };
  const delimiter = DELIMITERS.find(([code]) => code === inspection.delimiter)?.[1] ?? inspection.delimiter;
  return (
    <>
      <label>
        <span>Text encoding</span>
        <select value={reading.encoding ?? ""} onChange={(event) => set("encoding", event.target.value)}>
          <option value="">{inspection.encoding} (detected)</option>
          {ENCODINGS.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      {inspection.delimiter && (
        <label>
          <span>Between columns</span>
          <select value={reading.delimiter ?? ""} onChange={(event) => set("delimiter", event.target.value)}>
            <option value="">{delimiter} (detected)</option>
            {DELIMITERS.map(([code, word]) => (
              <option key={code} value={code}>
                {word}
              </option>
            ))}
          </select>
        </label>
      )}
      {inspection.sheets && inspection.sheets.length > 1 && (
        <label>
          <span>Sheet</span>
          <select value={reading.sheet ?? ""} onChange={(event) => set("sheet", event.target.value)}>
            <option value="">The first one</option>
            {inspection.sheets.map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        </label>
      )}
      <p className="hint">Columns are named in line {inspection.headerLine}.</p>
    </>
  );
}
