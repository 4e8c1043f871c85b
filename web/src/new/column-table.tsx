// A table with one row per column: header, fill rate, samples, and mapping.
import type { Entity } from "../api/types";
import { percent } from "../text/format";
import type { InspectedColumn } from "./inspection";
import { headerKey, type Settings, targetOf } from "./settings";
import type { Change } from "./steps";

const SAMPLES = 3;

interface Props {
  /** Name of the table for screen readers; the screen has two. */
  label: string;
  entity: Entity;
  shown: InspectedColumn[];
  columns: InspectedColumn[];
  /** By entity column. */
  problems: Map<string, string[]>;
  settings: Settings;
  change: Change;
}

export function ColumnTable({ label, entity, shown, columns, problems, settings, change }: Props) {
  const used = new Set(columns.map((column) => targetOf(column, columns, settings)));
  if (shown.length === 0) return null;
  return (
    <div className="scroll" tabIndex={0} role="region" aria-label={label}>
      <table className="columns-table">
        <thead>
          <tr>
            <th scope="col">In the file</th>
            <th scope="col" className="number">
              Filled
            </th>
            <th scope="col">Samples</th>
            <th scope="col">Goes to</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((column) => {
            const target = targetOf(column, columns, settings);
            const key = headerKey(column, columns);
            return (
              <tr key={column.position}>
                <th scope="row">{column.header || <em>column {column.position}, without a name</em>}</th>
                <td className="number">{percent(column.fillRate)}</td>
                <td className="samples">
                  {column.samples.slice(0, SAMPLES).map((sample, index) => (
                    <span key={index}>{sample}</span>
                  ))}
                </td>
                <td className="target">
                  <select
                    aria-label={`${column.header || `column ${column.position}`} goes to`}
                    value={target ?? ""}
                    onChange={(event) => change({ targets: { ...settings.targets, [key]: event.target.value || null } })}
                  >
                    <option value="">Leave out</option>
                    {entity.columns.map(({ name }) => (
                      <option key={name} value={name} disabled={used.has(name) && name !== target}>
                        {name === column.suggestion?.column && target === null ? `${name}, perhaps` : name}
                      </option>
                    ))}
                  </select>
                  {(problems.get(target ?? "\0") ?? []).map((message) => (
                    <p key={message} className="problem">
                      {message}
                    </p>
                  ))}
                </td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}
