// Options for dates and numbers, if the entity has any.
import { useId } from "react";
import type { Entity } from "../api/types";
import type { Reading } from "./settings";

interface Props {
  entity: Entity;
  reading: Reading;
  change: (reading: Reading) => void;
}

const TIMED = ["instant", "date"];

export function ValueFields({ entity, reading, change }: Props) {
  const zones = useId();
  const has = (kinds: string[]) => entity.columns.some(({ type }) => kinds.includes(type));
  const set = (name: keyof Reading, value: string) => {
    const { [name]: _, ...rest } = reading;
    change(value ? { ...rest, [name]: value } : rest);
  };
  return (
    <div className="fields">
      {has(TIMED) && (
        <label>
          <span>Times without a zone are in</span>
          <input
            list={zones}
            placeholder="none: they fail"
            value={reading.timezone ?? ""}
            onChange={(event) => set("timezone", event.target.value)}
          />
          <datalist id={zones}>
            {Intl.supportedValuesOf("timeZone").map((zone) => (
              <option key={zone} value={zone} />
            ))}
          </datalist>
        </label>
      )}
      {has(["decimal"]) && (
        <label>
          <span>Decimals are written</span>
          <select value={reading.decimal ?? ""} onChange={(event) => set("decimal", event.target.value)}>
            <option value="">1234.50</option>
            <option value="comma">1234,50</option>
          </select>
        </label>
      )}
    </div>
  );
}
