//! Products, keyed by stock keeping unit.

use rust_decimal::Decimal;
use uuid::Uuid;
use validator::Validate;

use super::record::record;
use super::{Cells, Column, ColumnKind, Entity};

const ID: usize = 0;
const SKU: usize = 1;
const NAME: usize = 2;
const PRICE: usize = 3;
const CURRENCY: usize = 4;
const STOCK: usize = 5;

const PRICE_SCALE: u32 = 2;

/// A row of a products file. Every value may be absent: what must be there depends on the action.
#[derive(Debug, Clone, Validate)]
pub struct Product {
    id: Option<Uuid>,
    #[validate(length(min = 1, max = 64, message = "must have 1 to 64 characters"))]
    sku: Option<String>,
    #[validate(length(min = 1, max = 255, message = "must have 1 to 255 characters"))]
    name: Option<String>,
    price: Option<Decimal>,
    currency: Option<String>,
    #[validate(range(min = 0, message = "must be 0 or more"))]
    stock: Option<i32>,
}

impl Entity for Product {
    const TYPE: &'static str = "product";
    const ID_COLUMN: usize = ID;
    const KEY_COLUMN: usize = SKU;
    // A price says nothing without its currency, so a new product needs both; one whose stock nobody counts has none.
    const COLUMNS: &'static [Column] = &[
        Column {
            name: "id",
            kind: ColumnKind::Uuid,
            required: false,
            rule: "the record's id; a new record without one is given one",
            example: "0192d3f0-7c1e-7b7a-9d55-3f1f0e6a4c12",
        },
        Column {
            name: "sku",
            kind: ColumnKind::Text,
            required: true,
            rule: "1 to 64 characters, trimmed, told apart by case; the key",
            example: "TEA-EARL-GREY-250",
        },
        Column {
            name: "name",
            kind: ColumnKind::Text,
            required: true,
            rule: "1 to 255 characters",
            example: "Earl Grey, 250 g",
        },
        Column {
            name: "price",
            kind: ColumnKind::Decimal,
            required: true,
            rule: "0 or more, with at most 15 digits before the point and 2 after it",
            example: "12.50",
        },
        Column {
            name: "currency",
            kind: ColumnKind::Choice,
            required: true,
            rule: "an ISO 4217 code in capitals",
            example: "EUR",
        },
        Column {
            name: "stock",
            kind: ColumnKind::Integer,
            required: false,
            rule: "a whole number between 0 and 2147483647",
            example: "40",
        },
    ];

    fn read(cells: &mut Cells<'_>) -> Self {
        Self {
            id: cells.uuid(ID),
            sku: cells.key(SKU),
            name: cells.text(NAME),
            price: cells.amount(PRICE, PRICE_SCALE),
            currency: cells.currency(CURRENCY),
            stock: cells.integer(STOCK),
        }
    }
}

record! {
    Product { id, sku, name, price, currency, stock } with key sku;

    insert(id, sku, name, price, currency, stock):
        "INSERT INTO products (account_id, id, sku, name, price, currency, stock)
         SELECT $1, i.id, i.sku, i.name, i.price, i.currency, i.stock
         FROM unnest($2::uuid[], $3::text[], $4::text[], $5::numeric[], $6::text[], $7::int4[])
              AS i (id, sku, name, price, currency, stock)
         ON CONFLICT DO NOTHING
         RETURNING id"

    update_by_id(id, sku, name, price, currency, stock):
        "UPDATE products p
         SET sku = coalesce(i.sku, p.sku), name = coalesce(i.name, p.name), price = coalesce(i.price, p.price),
             currency = coalesce(i.currency, p.currency), stock = coalesce(i.stock, p.stock), updated_at = now()
         FROM (SELECT $1::text, *
               FROM unnest($2::uuid[], $3::text[], $4::text[], $5::numeric[], $6::text[], $7::int4[])
                    WITH ORDINALITY OFFSET 0)
              AS i (account_id, id, sku, name, price, currency, stock, ord)
         WHERE p.account_id = i.account_id AND p.id = i.id
         RETURNING i.ord, p.id"

    update_by_key(sku, name, price, currency, stock):
        "UPDATE products p
         SET name = coalesce(i.name, p.name), price = coalesce(i.price, p.price),
             currency = coalesce(i.currency, p.currency), stock = coalesce(i.stock, p.stock), updated_at = now()
         FROM (SELECT $1::text, *
               FROM unnest($2::text[], $3::text[], $4::numeric[], $5::text[], $6::int4[])
                    WITH ORDINALITY OFFSET 0)
              AS i (account_id, sku, name, price, currency, stock, ord)
         WHERE p.account_id = i.account_id AND p.sku = i.sku
         RETURNING i.ord, p.id"

    delete_by_id(id):
        "DELETE FROM products p
         USING (SELECT $1::text, * FROM unnest($2::uuid[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, id, ord)
         WHERE p.account_id = i.account_id AND p.id = i.id
         RETURNING i.ord, p.id"

    delete_by_key(sku):
        "DELETE FROM products p
         USING (SELECT $1::text, * FROM unnest($2::text[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, sku, ord)
         WHERE p.account_id = i.account_id AND p.sku = i.sku
         RETURNING i.ord, p.id"

    find_by_key(sku):
        "SELECT i.ord, p.id
         FROM (SELECT $1::text, * FROM unnest($2::text[]) WITH ORDINALITY OFFSET 0)
              AS i (account_id, sku, ord)
         JOIN products p ON p.account_id = i.account_id AND p.sku = i.sku"
}
