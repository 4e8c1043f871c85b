//! An invalid declaration is refused with its line and a remedy.

use super::*;
use crate::entity::{ColumnKind, IdKind};

const GOOD: &str = r#"name = "client"
table = "crm.clients"
account = { column = "tenant", type = "uuid" }
id = { column = "client_no", type = "bigint", generated = true }
updated_at = "changed"
key = "email"

[[column]]
name = "email"
sql = "mail"
kind = "email"
aliases = ["E-Mail", "Email Address"]

[[column]]
name = "fullName"
kind = "text"
required = true
length = [1, 80]

[[column]]
name = "score"
kind = "decimal"
scale = 3
range = [-1.5, inf]
"#;

/// Problems of [`GOOD`] after replacing `from` with `to`.
fn problems(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    let changed = GOOD.replacen(from, to, 1);
    let found = parse("client.toml", &changed).map(|entity| entity.name).unwrap_err();
    found.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_declaration_says_everything_about_its_entity() {
    let client = parse("client.toml", GOOD).unwrap();
    assert_eq!(client.table_sql(), "\"crm\".\"clients\"");
    assert_eq!(client.account, AccountColumn { sql: "tenant".to_owned(), kind: AccountKind::Uuid });
    assert_eq!(client.id, IdColumn { sql: "client_no".to_owned(), kind: IdKind::Bigint, generated: true });
    assert_eq!(client.updated_at.as_deref(), Some("changed"));
    assert_eq!(client.key().name, "email");
    let columns: Vec<_> = client
        .columns
        .iter()
        .map(|column| {
            (
                column.name.as_str(),
                column.sql.as_str(),
                column.kind_name(),
                column.required,
                column.rule.as_str(),
            )
        })
        .collect();
    assert_eq!(
        columns,
        [
            (
                "id",
                "client_no",
                ColumnKind::Integer,
                false,
                "the record's id; the database gives a new record its id"
            ),
            (
                "email",
                "mail",
                ColumnKind::Email,
                true,
                "a valid e-mail address, trimmed and lower-cased; the key"
            ),
            ("fullName", "full_name", ColumnKind::Text, true, "1 to 80 characters"),
            (
                "score",
                "score",
                ColumnKind::Decimal,
                false,
                "-1.5 or more, with at most 15 digits before the point and 3 after it"
            ),
        ]
    );
}

#[test]
fn settings_that_a_declaration_omits_have_defaults() {
    let text = "name = \"note\"\ntable = \"notes\"\nkey = \"title\"\n[[column]]\nname = \"title\"\nkind = \"text\"\n";
    let note = parse("note.toml", text).unwrap();
    assert_eq!(note.table_sql(), "\"public\".\"notes\"");
    assert_eq!(note.account, AccountColumn { sql: "account_id".to_owned(), kind: AccountKind::Text });
    assert_eq!(note.id, IdColumn { sql: "id".to_owned(), kind: IdKind::Uuid, generated: false });
    assert_eq!(note.updated_at.as_deref(), Some("updated_at"));
}

#[test]
fn every_wrong_declaration_is_refused_with_its_line_and_the_repair() {
    let cases = [
        ("name = \"client\"", "name = \"the client\""),
        ("name = \"client\"\n", ""),
        ("\"crm.clients\"", "\"db.crm.clients\""),
        ("table =", "tabel ="),
        ("type = \"uuid\"", "type = \"int\""),
        ("{ column = \"tenant\", type = \"uuid\" }", "\"tenant\""),
        ("type = \"bigint\"", "type = \"serial\""),
        ("generated = true", "generated = \"yes\""),
        ("updated_at = \"changed\"", "updated_at = true"),
        ("key = \"email\"", "key = \"mail\""),
        ("key = \"email\"", "key = \"score\""),
        ("kind = \"email\"", "kind = \"e-mail\""),
        ("kind = \"email\"\n", ""),
        ("kind = \"email\"", "kind = \"choice\""),
        ("sql = \"mail\"", "sql = \"tenant\""),
        ("sql = \"mail\"", "required = false"),
        ("name = \"score\"", "name = \"Email\""),
        ("name = \"score\"", "name = \"ID\""),
        ("name = \"score\"", "name = \"_status\""),
        ("length = [1, 80]", "length = [80, 1]"),
        ("length = [1, 80]", "length = 80"),
        ("length = [1, 80]", "lenght = [1, 80]"),
        ("length = [1, 80]", "range = [1, 80]"),
        ("length = [1, 80]", "pattern = \"[A-Z\""),
        ("length = [1, 80]", "pattern = \"[A-Z]+\""),
        ("length = [1, 80]", "length = [1, 80]\nexample = \"\""),
        ("length = [1, 80]", "length = [1, 3]\nexample = \"Ada Lovelace\""),
        ("length = [1, 80]", "check = \"ibann\""),
        ("required = true", "required = yes"),
        ("scale = 3", "scale = 99"),
        ("aliases = [\"E-Mail\", \"Email Address\"]", "aliases = [\"fullname\"]"),
        ("kind = \"decimal\"", "kind = \"integer\""),
    ];
    let all: Vec<String> = cases.iter().map(|(from, to)| format!("# {to}\n{}", problems(from, to))).collect();
    insta::assert_snapshot!(all.join("\n\n"));
}

#[test]
fn all_problems_are_told_at_once_in_the_order_of_their_lines() {
    let text = "nam = \"x\"\nkey = 3\n[[column]]\nkind = \"txt\"\n[[column]]\nname = \"a\"\nkind = \"text\"\nscale = 2\n";
    let found = parse("x.toml", text).map(|entity| entity.name).unwrap_err();
    let lines: Vec<_> = found.iter().map(|problem| problem.line).collect();
    assert!(lines.is_sorted() && lines.len() >= 6, "{found:#?}");
}

#[test]
fn the_hash_is_that_of_the_text() {
    let (one, same) = (parse("a.toml", GOOD).unwrap(), parse("b.toml", GOOD).unwrap());
    assert_eq!(one.source.hash, same.source.hash);
    let other = parse("a.toml", &GOOD.replace("[1, 80]", "[1, 81]")).unwrap();
    assert_ne!(one.source.hash, other.source.hash);
}

/// The JSON schema for editors has the same keys, kinds and rules as this parser.
#[test]
fn the_schema_for_editors_agrees() {
    let schema: serde_json::Value =
        serde_json::from_str(include_str!("../../../../../entities/schema.json")).unwrap();
    let keys = |pointer: &str| -> Vec<String> {
        schema.pointer(pointer).unwrap().as_object().unwrap().keys().cloned().collect()
    };
    let sorted = |names: &[&str]| -> Vec<String> {
        let mut names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
        names.sort();
        names
    };
    let of_schema = |mut names: Vec<String>| {
        names.sort();
        names
    };
    assert_eq!(of_schema(keys("/properties")), sorted(&KEYS));
    let column = "/properties/column/items/properties";
    assert_eq!(of_schema(keys(column)), sorted(&columns::KEYS));
    let names = |pointer: String| -> Vec<String> {
        serde_json::from_value(schema.pointer(&pointer).unwrap().clone()).unwrap()
    };
    let kinds = ColumnKind::ALL.map(ColumnKind::as_str);
    assert_eq!(names(format!("{column}/kind/enum")), kinds);
    let checks = crate::entity::check::CHECKS.map(|(name, _)| name);
    assert_eq!(names(format!("{column}/check/enum")), checks);
}
