//! Contacts, keyed by e-mail address.

use uuid::Uuid;
use validator::Validate;

use super::record::record;
use super::{Cells, Column, ColumnKind, Entity};

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
            email: cells.email(EMAIL),
            name: cells.text(NAME),
            age: cells.integer(AGE),
        }
    }
}

record! {
    Contact { id, email, name, age } with key email;

    insert(id, email, name, age):
        "INSERT INTO contacts (account_id, id, email, name, age)
         SELECT $1, i.id, i.email, i.name, i.age
         FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int4[]) AS i (id, email, name, age)
         ON CONFLICT DO NOTHING
         RETURNING id"

    update_by_id(id, email, name, age):
        "UPDATE contacts c
         SET email = coalesce(i.email, c.email), name = coalesce(i.name, c.name),
             age = coalesce(i.age, c.age), updated_at = now()
         FROM (SELECT $1::text, *
               FROM unnest($2::uuid[], $3::text[], $4::text[], $5::int4[])
                    WITH ORDINALITY OFFSET 0)
              AS i (account_id, id, email, name, age, ord)
         WHERE c.account_id = i.account_id AND c.id = i.id
         RETURNING i.ord, c.id"

    update_by_key(email, name, age):
        "UPDATE contacts c
         SET name = coalesce(i.name, c.name), age = coalesce(i.age, c.age), updated_at = now()
         FROM (SELECT $1::text, * FROM unnest($2::text[], $3::text[], $4::int4[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, email, name, age, ord)
         WHERE c.account_id = i.account_id AND c.email = i.email
         RETURNING i.ord, c.id"

    delete_by_id(id):
        "DELETE FROM contacts c
         USING (SELECT $1::text, * FROM unnest($2::uuid[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, id, ord)
         WHERE c.account_id = i.account_id AND c.id = i.id
         RETURNING i.ord, c.id"

    delete_by_key(email):
        "DELETE FROM contacts c
         USING (SELECT $1::text, * FROM unnest($2::text[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, email, ord)
         WHERE c.account_id = i.account_id AND c.email = i.email
         RETURNING i.ord, c.id"

    find_by_key(email):
        "SELECT i.ord, c.id
         FROM (SELECT $1::text, * FROM unnest($2::text[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, email, ord)
         JOIN contacts c ON c.account_id = i.account_id AND c.email = i.email"
}
