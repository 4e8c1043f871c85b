// The entities that can be imported: columns, rules, an example, and a template file.
import { Link } from "wouter";
import { useEntities } from "../api/entities";
import type { Entity, EntityColumn } from "../api/types";
import { sentence } from "../text/words";
import { Failed } from "../ui/failed";
import { Loading } from "../ui/loading";
import { useTitle } from "../ui/use-title";

export default function EntitiesScreen({ type }: { type: string | undefined }) {
  useTitle("Records");
  const entities = useEntities();
  if (!entities.data) {
    return entities.error ? <Failed error={entities.error} again={() => void entities.refetch()} /> : <Loading what="Loading" />;
  }
  const shown = entities.data.find((entity) => entity.type === type) ?? (type ? undefined : entities.data[0]);
  return (
    <>
      <div className="head">
        <h1>Records</h1>
      </div>
      <nav className="tabs" aria-label="Kinds of record">
        {entities.data.map((entity) => (
          <Link key={entity.type} href={`/entities/${entity.type}`} aria-current={entity === shown ? "page" : undefined}>
            {sentence(entity.type)}
          </Link>
        ))}
      </nav>
      {shown ? <EntityTable entity={shown} /> : <p className="empty">There is no kind of record by that name.</p>}
    </>
  );
}

function EntityTable({ entity }: { entity: Entity }) {
  return (
    <section aria-label={sentence(entity.type)}>
      <p className="lead">
        A row finds its record by <code>{entity.key}</code>. <a href={entity.templateUrl}>Download a template</a> with every column and an
        example.
      </p>
      <div className="scroll" tabIndex={0} role="region" aria-label="Table of columns">
        <table className="columns">
          <thead>
            <tr>
              <th scope="col">Column</th>
              <th scope="col">Rule</th>
              <th scope="col">Example</th>
              <th scope="col">Also recognised as</th>
            </tr>
          </thead>
          <tbody>
            {entity.columns.map((column) => (
              <tr key={column.name}>
                <th scope="row">
                  <code>{column.name}</code>
                  {column.required && <span className="badge">needed for a new record</span>}
                </th>
                <td>{sentence(column.rule)}</td>
                <td>
                  <code>{column.example}</code>
                </td>
                <td>{aliases(column).join(", ") || "–"}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function aliases(column: EntityColumn & { aliases?: string[] }): string[] {
  return column.aliases ?? [];
}
