//! Facts about a table from the catalog.

use sqlx::PgConnection;

use super::super::Entity;

/// Facts about a table from the catalog.
pub(super) struct Facts {
    pub user: String,
    pub is_table: bool,
    pub may_use_schema: bool,
    pub missing_privileges: Vec<&'static str>,
    /// Sequence behind a column's default that the current user may not use.
    pub forbidden_sequence: Option<String>,
    pub columns: Vec<TableColumn>,
    /// Columns of each unique index, in order.
    pub unique_keys: Vec<Vec<String>>,
}

/// A column according to the catalog.
#[derive(Clone)]
pub(super) struct TableColumn {
    pub name: String,
    /// Name of the type in `pg_type`.
    pub kind: String,
    /// The type as written in SQL.
    pub shown_type: String,
    /// Scale of a `numeric` with a limit.
    pub scale: Option<i32>,
    pub not_null: bool,
    pub has_default: bool,
    /// The database always generates the value (GENERATED ALWAYS).
    pub always_generated: bool,
    /// Equal values have equal bytes.
    pub is_deterministic: bool,
}

impl Facts {
    /// Reads the facts; `None` if the table does not exist.
    pub(crate) async fn read(conn: &mut PgConnection, entity: &Entity) -> sqlx::Result<Option<Self>> {
        let (schema, table) = (&entity.table.0, &entity.table.1);
        let found = sqlx::query!(
            r#"SELECT c.oid AS "oid!", current_user::text AS "user!", c.relkind IN ('r', 'p') AS "is_table!",
                   has_schema_privilege(n.oid, 'USAGE') AS "may_use_schema!",
                   has_table_privilege(c.oid, 'SELECT') AS "may_select!",
                   has_table_privilege(c.oid, 'INSERT') AS "may_insert!",
                   has_table_privilege(c.oid, 'UPDATE') AS "may_update!",
                   has_table_privilege(c.oid, 'DELETE') AS "may_delete!"
               FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
               WHERE n.nspname = $1::text AND c.relname = $2::text AND c.relkind IN ('r', 'p', 'v', 'm', 'f')"#,
            schema,
            table,
        )
        .fetch_optional(&mut *conn)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let privileges = [
            (found.may_select, "SELECT"),
            (found.may_insert, "INSERT"),
            (found.may_update, "UPDATE"),
            (found.may_delete, "DELETE"),
        ];
        Ok(Some(Self {
            user: found.user,
            is_table: found.is_table,
            may_use_schema: found.may_use_schema,
            missing_privileges: privileges
                .into_iter()
                .filter(|(may, _)| !may)
                .map(|(_, name)| name)
                .collect(),
            forbidden_sequence: forbidden_sequence(conn, found.oid).await?,
            columns: columns(conn, found.oid).await?,
            unique_keys: unique_keys(conn, found.oid).await?,
        }))
    }
}

/// A `serial` column uses its sequence with the privileges of the user; an identity column needs none.
async fn forbidden_sequence(
    conn: &mut PgConnection,
    table: sqlx::postgres::types::Oid,
) -> sqlx::Result<Option<String>> {
    // CASE, because the planner may check the privilege before it knows that the relation is a sequence.
    sqlx::query_scalar!(
        r#"SELECT s.oid::regclass::text AS "sequence!"
           FROM pg_attrdef d
           JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid
           JOIN pg_class s ON p.refclassid = 'pg_class'::regclass AND s.oid = p.refobjid AND s.relkind = 'S'
           WHERE d.adrelid = $1
             AND CASE WHEN s.relkind = 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE') END
           LIMIT 1"#,
        table,
    )
    .fetch_optional(conn)
    .await
}

async fn columns(
    conn: &mut PgConnection,
    table: sqlx::postgres::types::Oid,
) -> sqlx::Result<Vec<TableColumn>> {
    sqlx::query!(
        r#"SELECT a.attname::text AS "name!", t.typname::text AS "kind!",
               format_type(a.atttypid, a.atttypmod) AS "shown_type!",
               CASE WHEN t.typname = 'numeric' AND a.atttypmod >= 4 THEN (a.atttypmod - 4) & 2047 END AS scale,
               a.attnotnull AS "not_null!", a.atthasdef OR a.attidentity <> '' AS "has_default!",
               a.attidentity = 'a' OR a.attgenerated <> '' AS "always_generated!",
               coalesce(l.collisdeterministic, true) AS "is_deterministic!"
           FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid LEFT JOIN pg_collation l ON l.oid = a.attcollation
           WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped
           ORDER BY a.attnum"#,
        table,
    )
    .map(|row| TableColumn {
        name: row.name,
        kind: row.kind,
        shown_type: row.shown_type,
        scale: row.scale,
        not_null: row.not_null,
        has_default: row.has_default,
        always_generated: row.always_generated,
        is_deterministic: row.is_deterministic,
    })
    .fetch_all(conn)
    .await
}

/// Only complete, plain, valid and immediate indexes: a partial or deferred index, or one on expressions, guarantees
/// nothing here.
async fn unique_keys(
    conn: &mut PgConnection,
    table: sqlx::postgres::types::Oid,
) -> sqlx::Result<Vec<Vec<String>>> {
    sqlx::query_scalar!(
        r#"SELECT array_agg(a.attname::text ORDER BY k.place) AS "columns!"
           FROM pg_index i
           CROSS JOIN LATERAL unnest(i.indkey::int2[]) WITH ORDINALITY AS k (attnum, place)
           JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
           WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indimmediate AND i.indpred IS NULL
             AND i.indexprs IS NULL AND k.place <= i.indnkeyatts
           GROUP BY i.indexrelid"#,
        table,
    )
    .fetch_all(conn)
    .await
}
