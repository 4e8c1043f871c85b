// The mapping of the file's columns, with samples and the server's messages.
import { useState } from "react";
import type { Entity } from "../api/types";
import { count } from "../text/format";
import { Failed } from "../ui/failed";
import { ColumnTable } from "./column-table";
import { columnProblems, missingColumns, wholeProblems } from "./findings";
import type { Inspection } from "./inspection";
import { MissingColumns } from "./missing-columns";
import { type Settings, targetOf } from "./settings";
import { Step } from "./step";
import type { Change } from "./steps";

interface Props {
  entity: Entity;
  inspection: Inspection;
  preview: Inspection | undefined;
  error: Error | null;
  settings: Settings;
  change: Change;
}

export function ColumnsStep({ entity, inspection, preview, error, settings, change }: Props) {
  const { columns } = inspection;
  const matched = columns.filter((column) => targetOf(column, columns, settings) !== null);
  // Empty columns last, since they need no mapping.
  const unused = columns.filter((column) => !matched.includes(column)).sort((a, b) => Number(b.fillRate > 0) - Number(a.fillRate > 0));
  const missing = preview ? missingColumns(preview, settings) : [];
  const problems = preview ? wholeProblems(preview) : [];
  const perColumn = preview ? columnProblems(preview) : new Map<string, string[]>();
  // No decision needed: every column with values is mapped, and there are no problems.
  const settled = !error && missing.length === 0 && problems.length === 0 && perColumn.size === 0 && unused.every(({ fillRate }) => fillRate === 0);
  const [toggled, setToggled] = useState<boolean | null>(null);
  const open = toggled ?? !settled;
  const readable = columns.length > 0;
  const left = unused.length > 0 ? `, ${count(unused.length)} left out` : "";
  return (
    <Step
      number={2}
      title="Columns"
      summary={readable ? `${count(matched.length)} of ${count(columns.length)} used${left}` : "They could not be looked at"}
      open={open}
      toggle={(now) => now !== open && setToggled(now)}
    >
      {error && <Failed error={error} />}
      {problems.map((message) => (
        <p key={message} className="failed" role="alert">
          {message}
        </p>
      ))}
      <MissingColumns entity={entity} missing={missing} unused={unused} columns={columns} settings={settings} change={change} />
      <ColumnTable label="Columns to import" entity={entity} shown={matched} columns={columns} problems={perColumn} settings={settings} change={change} />
      {unused.length > 0 && (
        <details className="left-out" open={missing.length > 0}>
          <summary>
            {unused.length === 1 ? "1 column is left out" : `${count(unused.length)} columns are left out`}
          </summary>
          <ColumnTable label="Columns left out" entity={entity} shown={unused} columns={columns} problems={perColumn} settings={settings} change={change} />
        </details>
      )}
    </Step>
  );
}
