//! Orders, keyed by order number.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;
use validator::Validate;

use super::record::record;
use super::{Cells, Column, ColumnKind, Entity};

const ID: usize = 0;
const ORDER_NUMBER: usize = 1;
const CONTACT_EMAIL: usize = 2;
const STATUS: usize = 3;
const AMOUNT: usize = 4;
const CURRENCY: usize = 5;
const ORDERED_AT: usize = 6;

const STATUSES: [&str; 5] = ["pending", "paid", "shipped", "delivered", "cancelled"];
/// No currency of ISO 4217 has smaller parts than a ten-thousandth.
const AMOUNT_SCALE: u32 = 4;

/// A row of an orders file. Every value may be absent: what must be there depends on the action.
#[derive(Debug, Clone, Validate)]
pub struct Order {
    id: Option<Uuid>,
    #[validate(length(min = 1, max = 64, message = "must have 1 to 64 characters"))]
    order_number: Option<String>,
    #[validate(
        email(message = "must be a valid e-mail address"),
        length(max = 320, message = "must have at most 320 characters")
    )]
    contact_email: Option<String>,
    status: Option<&'static str>,
    amount: Option<Decimal>,
    currency: Option<String>,
    ordered_at: Option<DateTime<Utc>>,
}

impl Entity for Order {
    const TYPE: &'static str = "order";
    const ID_COLUMN: usize = ID;
    const KEY_COLUMN: usize = ORDER_NUMBER;
    // A new order needs them all: a status or an instant that nobody uploaded would be our invention.
    const COLUMNS: &'static [Column] = &[
        Column {
            name: "id",
            kind: ColumnKind::Uuid,
            required: false,
            rule: "the record's id; a new record without one is given one",
            example: "0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c13",
        },
        Column {
            name: "orderNumber",
            kind: ColumnKind::Text,
            required: true,
            rule: "1 to 64 characters, trimmed, told apart by case; the key",
            example: "2026-000042",
        },
        Column {
            name: "contactEmail",
            kind: ColumnKind::Text,
            required: true,
            rule: "a valid e-mail address, trimmed and lower-cased; there need be no contact with it",
            example: "ada@example.com",
        },
        Column {
            name: "status",
            kind: ColumnKind::Choice,
            required: true,
            rule: "pending, paid, shipped, delivered or cancelled",
            example: "paid",
        },
        Column {
            name: "amount",
            kind: ColumnKind::Decimal,
            required: true,
            rule: "0 or more, with at most 15 digits before the point and 4 after it",
            example: "37.50",
        },
        Column {
            name: "currency",
            kind: ColumnKind::Choice,
            required: true,
            rule: "an ISO 4217 code in capitals",
            example: "EUR",
        },
        Column {
            name: "orderedAt",
            kind: ColumnKind::Instant,
            required: true,
            rule: "an RFC 3339 instant with its offset, down to microseconds",
            example: "2026-01-31T12:00:00Z",
        },
    ];

    fn read(cells: &mut Cells<'_>) -> Self {
        Self {
            id: cells.uuid(ID),
            order_number: cells.key(ORDER_NUMBER),
            contact_email: cells.email(CONTACT_EMAIL),
            status: cells.choice(STATUS, &STATUSES),
            amount: cells.amount(AMOUNT, AMOUNT_SCALE),
            currency: cells.currency(CURRENCY),
            ordered_at: cells.instant(ORDERED_AT),
        }
    }
}

record! {
    Order { id, order_number, contact_email, status, amount, currency, ordered_at } with key order_number;

    insert(id, order_number, contact_email, status, amount, currency, ordered_at):
        "INSERT INTO orders (account_id, id, order_number, contact_email, status, amount, currency, ordered_at)
         SELECT $1, i.id, i.order_number, i.contact_email, i.status, i.amount, i.currency, i.ordered_at
         FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::text[], $8::timestamptz[])
              AS i (id, order_number, contact_email, status, amount, currency, ordered_at)
         ON CONFLICT DO NOTHING
         RETURNING id"

    update_by_id(id, order_number, contact_email, status, amount, currency, ordered_at):
        "UPDATE orders o
         SET order_number = coalesce(i.order_number, o.order_number),
             contact_email = coalesce(i.contact_email, o.contact_email), status = coalesce(i.status, o.status),
             amount = coalesce(i.amount, o.amount), currency = coalesce(i.currency, o.currency),
             ordered_at = coalesce(i.ordered_at, o.ordered_at), updated_at = now()
         FROM (SELECT $1::text, *
               FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::numeric[], $7::text[], $8::timestamptz[])
                    WITH ORDINALITY OFFSET 0)
              AS i (account_id, id, order_number, contact_email, status, amount, currency, ordered_at, ord)
         WHERE o.account_id = i.account_id AND o.id = i.id
         RETURNING i.ord, o.id"

    update_by_key(order_number, contact_email, status, amount, currency, ordered_at):
        "UPDATE orders o
         SET contact_email = coalesce(i.contact_email, o.contact_email), status = coalesce(i.status, o.status),
             amount = coalesce(i.amount, o.amount), currency = coalesce(i.currency, o.currency),
             ordered_at = coalesce(i.ordered_at, o.ordered_at), updated_at = now()
         FROM (SELECT $1::text, *
               FROM unnest($2::text[], $3::text[], $4::text[], $5::numeric[], $6::text[], $7::timestamptz[])
                    WITH ORDINALITY OFFSET 0)
              AS i (account_id, order_number, contact_email, status, amount, currency, ordered_at, ord)
         WHERE o.account_id = i.account_id AND o.order_number = i.order_number
         RETURNING i.ord, o.id"

    delete_by_id(id):
        "DELETE FROM orders o
         USING (SELECT $1::text, * FROM unnest($2::uuid[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, id, ord)
         WHERE o.account_id = i.account_id AND o.id = i.id
         RETURNING i.ord, o.id"

    delete_by_key(order_number):
        "DELETE FROM orders o
         USING (SELECT $1::text, * FROM unnest($2::text[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, order_number, ord)
         WHERE o.account_id = i.account_id AND o.order_number = i.order_number
         RETURNING i.ord, o.id"

    find_by_key(order_number):
        "SELECT i.ord, o.id
         FROM (SELECT $1::text, * FROM unnest($2::text[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, order_number, ord)
         JOIN orders o ON o.account_id = i.account_id AND o.order_number = i.order_number"
}
