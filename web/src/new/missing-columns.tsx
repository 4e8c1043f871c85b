// Columns that the operation needs and the file does not have: where one value for every row can stand in, it is asked for.
import type { Entity } from "../api/types";
import type { Settings } from "./settings";
import type { Change } from "./steps";

interface Props {
  entity: Entity;
  missing: string[];
  settings: Settings;
  change: Change;
}

export function MissingColumns({ entity, missing, settings, change }: Props) {
  // A key that is the same in every row names one record.
  const asked = [...new Set([...missing, ...Object.keys(settings.defaults)])].filter((column) => column !== entity.key);
  if (asked.length === 0) return null;
  const set = (column: string, value: string) => {
    const { [column]: _, ...rest } = settings.defaults;
    change({ defaults: value ? { ...rest, [column]: value } : rest });
  };
  return (
    <div className="missing">
      <div className="fields">
        {asked.map((column) => (
          <label key={column}>
            <span>{column} of every row</span>
            <input
              value={settings.defaults[column] ?? ""}
              placeholder={entity.columns.find(({ name }) => name === column)?.example}
              onChange={(event) => set(column, event.target.value)}
            />
          </label>
        ))}
      </div>
    </div>
  );
}
