// Columns that the operation needs and the file does not have: one value for every row can stand in.
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
  const asked = [...new Set([...missing, ...Object.keys(settings.defaults)])];
  if (asked.length === 0) return null;
  const set = (column: string, value: string) => {
    const { [column]: _, ...rest } = settings.defaults;
    change({ defaults: value ? { ...rest, [column]: value } : rest });
  };
  return (
    <div className="missing">
      {missing.length > 0 && (
        <p>
          Nothing fills <strong>{missing.join(", ")}</strong>, which has to be there. Choose a column for it below, or give one value for every
          row.
        </p>
      )}
      <div className="fields">
        {asked.filter((column) => column !== entity.key).map((column) => (
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
