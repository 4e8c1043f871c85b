//! Contacts, keyed by e-mail address.

use async_trait::async_trait;
use sqlx::PgConnection;
use uuid::Uuid;
use validator::Validate;

use super::declaration::{Entity, Matched, matched};
use super::{Cells, Column, ColumnKind};

const ID: usize = 0;
const EMAIL: usize = 1;
const NAME: usize = 2;
const AGE: usize = 3;

/// A row of a contacts file. Every value may be absent: what must be there depends on the action.
#[derive(Debug, Clone, Validate)]
pub struct Contact {
    id: Option<Uuid>,
    #[validate(
        email(message = "must be a valid e-mail address"),
        length(max = 320, message = "must have at most 320 characters")
    )]
    email: Option<String>,
    #[validate(length(min = 1, max = 255, message = "must have 1 to 255 characters"))]
    name: Option<String>,
    #[validate(range(min = 0, max = 150, message = "must be between 0 and 150"))]
    age: Option<i32>,
}

#[async_trait]
impl Entity for Contact {
    const TYPE: &'static str = "contact";
    const ID_COLUMN: usize = ID;
    const KEY_COLUMN: usize = EMAIL;
    const COLUMNS: &'static [Column] = &[
        Column {
            name: "id",
            kind: ColumnKind::Uuid,
            required: false,
            rule: "the record's id; a new record without one is given one",
            example: "0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c11",
        },
        Column {
            name: "email",
            kind: ColumnKind::Text,
            required: true,
            rule: "a valid e-mail address, trimmed and lower-cased; the key",
            example: "ada@example.com",
        },
        Column {
            name: "name",
            kind: ColumnKind::Text,
            required: true,
            rule: "1 to 255 characters",
            example: "Ada Lovelace",
        },
        Column {
            name: "age",
            kind: ColumnKind::Integer,
            required: false,
            rule: "a whole number between 0 and 150",
            example: "36",
        },
    ];

    fn read(cells: &mut Cells<'_>) -> Self {
        Self {
            id: cells.uuid(ID),
            email: cells.lower_case(EMAIL),
            name: cells.text(NAME),
            age: cells.integer(AGE),
        }
    }

    fn id(&self) -> Option<Uuid> {
        self.id
    }

    fn set_id(&mut self, id: Uuid) {
        self.id = Some(id);
    }

    fn key(&self) -> Option<&str> {
        self.email.as_deref()
    }

    fn missing(&self) -> Option<&'static str> {
        match self {
            Self { email: None, .. } => Some("email"),
            Self { name: None, .. } => Some("name"),
            _ => None,
        }
    }

    fn take_over(&mut self, later: &Self) {
        self.id = later.id.or(self.id);
        later.email.as_ref().inspect(|value| self.email = Some((*value).clone()));
        later.name.as_ref().inspect(|value| self.name = Some((*value).clone()));
        self.age = later.age.or(self.age);
    }

    async fn insert(conn: &mut PgConnection, account: &str, rows: &[&Self]) -> sqlx::Result<Vec<Uuid>> {
        let columns = Columns::of(rows);
        sqlx::query_scalar!(
            "INSERT INTO contacts (account_id, id, email, name, age)
             SELECT $1, i.id, i.email, i.name, i.age
             FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int4[]) AS i (id, email, name, age)
             ON CONFLICT DO NOTHING
             RETURNING id",
            account,
            &columns.id as &[Option<Uuid>],
            &columns.email as &[Option<&str>],
            &columns.name as &[Option<&str>],
            &columns.age as &[Option<i32>],
        )
        .fetch_all(conn)
        .await
    }

    async fn update_by_id(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>> {
        let columns = Columns::of(rows);
        sqlx::query!(
            r#"UPDATE contacts c
               SET email = coalesce(i.email, c.email), name = coalesce(i.name, c.name),
                   age = coalesce(i.age, c.age), updated_at = now()
               FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int4[])
                    WITH ORDINALITY AS i (id, email, name, age, ord)
               WHERE c.account_id = $1 AND c.id = i.id
               RETURNING i.ord AS "ord!", c.id"#,
            account,
            &columns.id as &[Option<Uuid>],
            &columns.email as &[Option<&str>],
            &columns.name as &[Option<&str>],
            &columns.age as &[Option<i32>],
        )
        .map(|row| matched(row.ord, row.id))
        .fetch_all(conn)
        .await
    }

    async fn update_by_key(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>> {
        let columns = Columns::of(rows);
        sqlx::query!(
            r#"UPDATE contacts c
               SET name = coalesce(i.name, c.name), age = coalesce(i.age, c.age), updated_at = now()
               FROM unnest($2::text[], $3::text[], $4::int4[]) WITH ORDINALITY AS i (email, name, age, ord)
               WHERE c.account_id = $1 AND c.email = i.email
               RETURNING i.ord AS "ord!", c.id"#,
            account,
            &columns.email as &[Option<&str>],
            &columns.name as &[Option<&str>],
            &columns.age as &[Option<i32>],
        )
        .map(|row| matched(row.ord, row.id))
        .fetch_all(conn)
        .await
    }

    async fn delete_by_id(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>> {
        let columns = Columns::of(rows);
        sqlx::query!(
            r#"DELETE FROM contacts c
               USING unnest($2::uuid[]) WITH ORDINALITY AS i (id, ord)
               WHERE c.account_id = $1 AND c.id = i.id
               RETURNING i.ord AS "ord!", c.id"#,
            account,
            &columns.id as &[Option<Uuid>],
        )
        .map(|row| matched(row.ord, row.id))
        .fetch_all(conn)
        .await
    }

    async fn delete_by_key(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>> {
        let columns = Columns::of(rows);
        sqlx::query!(
            r#"DELETE FROM contacts c
               USING unnest($2::text[]) WITH ORDINALITY AS i (email, ord)
               WHERE c.account_id = $1 AND c.email = i.email
               RETURNING i.ord AS "ord!", c.id"#,
            account,
            &columns.email as &[Option<&str>],
        )
        .map(|row| matched(row.ord, row.id))
        .fetch_all(conn)
        .await
    }

    async fn find_by_key(
        conn: &mut PgConnection,
        account: &str,
        rows: &[&Self],
    ) -> sqlx::Result<Vec<Matched>> {
        let columns = Columns::of(rows);
        sqlx::query!(
            r#"SELECT i.ord AS "ord!", c.id
               FROM unnest($2::text[]) WITH ORDINALITY AS i (email, ord)
               JOIN contacts c ON c.account_id = $1 AND c.email = i.email"#,
            account,
            &columns.email as &[Option<&str>],
        )
        .map(|row| matched(row.ord, row.id))
        .fetch_all(conn)
        .await
    }
}

/// The rows turned into one array per column, as `unnest` takes them.
struct Columns<'a> {
    id: Vec<Option<Uuid>>,
    email: Vec<Option<&'a str>>,
    name: Vec<Option<&'a str>>,
    age: Vec<Option<i32>>,
}

impl<'a> Columns<'a> {
    fn of(rows: &[&'a Contact]) -> Self {
        Self {
            id: rows.iter().map(|row| row.id).collect(),
            email: rows.iter().map(|row| row.email.as_deref()).collect(),
            name: rows.iter().map(|row| row.name.as_deref()).collect(),
            age: rows.iter().map(|row| row.age).collect(),
        }
    }
}
