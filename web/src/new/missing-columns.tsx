// Columns that the operation needs and nothing fills: a column of the file can be chosen for each, or a default value given if one
// value fits every row.
import type { Entity } from "../api/types";
import type { InspectedColumn } from "./inspection";
import { headerKey, type Settings } from "./settings";
import type { Change } from "./steps";

interface Props {
  entity: Entity;
  missing: string[];
  /** Columns of the file that fill nothing yet. */
  unused: InspectedColumn[];
  columns: InspectedColumn[];
  settings: Settings;
  change: Change;
}

export function MissingColumns({ entity, missing, unused, columns, settings, change }: Props) {
  const asked = [...new Set([...missing, ...Object.keys(settings.defaults)])];
  if (asked.length === 0) return null;
  const give = (column: string, value: string) => {
    const { [column]: _, ...rest } = settings.defaults;
    change({ defaults: value ? { ...rest, [column]: value } : rest });
  };
  const take = (column: string, key: string) => change({ targets: { ...settings.targets, [key]: column } });
  const filled = unused.filter(({ fillRate }) => fillRate > 0);
  const choosable = filled.length > 0;
  return (
    <ul className="missing">
      {asked.map((column) => (
        <li key={column} className="fields">
          {choosable && !settings.defaults[column] && (
            <label>
              <span>Take {column} from</span>
              <select value="" onChange={(event) => take(column, event.target.value)}>
                <option value="">Choose a column</option>
                {filled.map((candidate) => (
                  <option key={candidate.position} value={headerKey(candidate, columns)}>
                    {described(candidate)}
                  </option>
                ))}
              </select>
            </label>
          )}
          {/* A key that is the same in every row names one record. */}
          {column !== entity.key && (
            <label>
              <span>{choosable && !settings.defaults[column] ? `or the same ${column} in every row` : `${column} of every row`}</span>
              <input
                value={settings.defaults[column] ?? ""}
                placeholder={entity.columns.find(({ name }) => name === column)?.example}
                onChange={(event) => give(column, event.target.value)}
              />
            </label>
          )}
        </li>
      ))}
    </ul>
  );
}

const SAMPLE_CHARS = 30;

function described({ header, position, samples }: InspectedColumn): string {
  const sample = samples[0]?.slice(0, SAMPLE_CHARS);
  return [header || `column ${position}`, sample].filter(Boolean).join(": ");
}
