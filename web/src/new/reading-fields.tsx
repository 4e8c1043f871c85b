// Options for reading the file: the detected values, which can be changed.
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
  isWorkbook: boolean;
  reading: Reading;
  change: (reading: Reading) => void;
}

export function ReadingFields({ inspection, isWorkbook, reading, change }: Props) {
  const set = (name: keyof Reading, value: string) => {
    const { [name]: _, ...rest } = reading;
    change(value ? { ...rest, [name]: value } : rest);
  };
  const delimiter = DELIMITERS.find(([code]) => code === inspection.delimiter)?.[1] ?? inspection.delimiter;
  const { encoding, likelyEncoding, headerLine } = inspection;
  const encodings = [...new Set([...(likelyEncoding ? [likelyEncoding] : []), ...ENCODINGS])];
  return (
    <>
      <label>
        <span>Text encoding</span>
        <select value={reading.encoding ?? ""} onChange={(event) => set("encoding", event.target.value)}>
          <option value="">{reading.encoding ? "As detected" : encoding ? `${encoding} (detected)` : "Not detected"}</option>
          {encodings.map((name) => (
            <option key={name} value={name}>
              {name === likelyEncoding ? `${name} (likely)` : name}
            </option>
          ))}
        </select>
      </label>
      {(delimiter || reading.delimiter) && (
        <label>
          <span>Between columns</span>
          <select value={reading.delimiter ?? ""} onChange={(event) => set("delimiter", event.target.value)}>
            <option value="">{reading.delimiter ? "As detected" : `${delimiter} (detected)`}</option>
            {DELIMITERS.map(([code, word]) => (
              <option key={code} value={code}>
                {word}
              </option>
            ))}
          </select>
        </label>
      )}
      {isWorkbook && (
        <label>
          <span>Sheet</span>
          <input placeholder="the first one" value={reading.sheet ?? ""} onChange={(event) => set("sheet", event.target.value)} />
        </label>
      )}
      {likelyEncoding && !reading.encoding && (
        <button type="button" onClick={() => set("encoding", likelyEncoding)}>
          Read it as {likelyEncoding}
        </button>
      )}
      {headerLine !== null && <p className="hint">Columns are named in line {headerLine}.</p>}
    </>
  );
}
