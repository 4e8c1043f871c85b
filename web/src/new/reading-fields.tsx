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

/** Lines that are offered; titles above a table rarely take more. */
const MOST_LINES = 30;

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
  const { encoding, likelyEncoding, headerLine, likelyHeaderLine } = inspection;
  const encodings = [...new Set([...(likelyEncoding ? [likelyEncoding] : []), ...ENCODINGS])];
  const line = (number: number | string) => `${isWorkbook ? "row" : "line"} ${number}`;
  const lines = new Set([...Array.from({ length: MOST_LINES }, (_, index) => index + 1), likelyHeaderLine ?? 1, Number(reading.headerLine ?? 1)]);
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
      <label>
        <span>Columns are named in</span>
        <select value={reading.headerLine ?? ""} onChange={(event) => set("headerLine", event.target.value)}>
          <option value="">{reading.headerLine ? "As detected" : headerLine ? `${line(headerLine)} (detected)` : "Not detected"}</option>
          {[...lines].sort((a, b) => a - b).map((number) => (
            <option key={number} value={number}>
              {line(number)}
            </option>
          ))}
        </select>
      </label>
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
      {likelyHeaderLine !== null && (
        <button type="button" onClick={() => set("headerLine", String(likelyHeaderLine))}>
          Take the names from {line(likelyHeaderLine)}
        </button>
      )}
    </>
  );
}
