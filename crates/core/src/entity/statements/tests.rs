//! Snapshots of complete SQL statements.

use std::fmt::Write as _;

use crate::entity::{Entities, Entity, parse};

fn shown(entity: &Entity) -> String {
    let mut text = String::new();
    for (name, statement) in entity.statements().named() {
        let columns: Vec<_> =
            statement.columns.iter().map(|&column| entity.columns()[column].name.as_str()).collect();
        let _ = writeln!(text, "-- {name}({})\n{}\n", columns.join(", "), statement.sql);
    }
    text
}

#[test]
fn the_statements_of_the_entities_that_come_with_the_platform() {
    for entity in Entities::built_in().all() {
        insta::assert_snapshot!(entity.name(), shown(entity));
    }
}

/// Names that are SQL keywords or contain quotes, ids from the database, accounts as UUIDs, no update time.
#[test]
fn the_statements_of_an_entity_over_a_table_of_ones_own() {
    let text = r#"name = "client"
table = "crm.select"
account = { column = "tenant", type = "uuid" }
id = { column = "client_no", type = "bigint", generated = true }
updated_at = false
key = "ord"

[[column]]
name = "ord"
kind = "integer"

[[column]]
name = "since"
sql = "a\"b"
kind = "date"
"#;
    insta::assert_snapshot!("client", shown(&parse("client.toml", text).unwrap()));
}

#[test]
fn every_statement_names_the_account_and_matches_by_two_columns() {
    for entity in Entities::built_in().all() {
        let statements = entity.statements().named();
        for (name, statement) in statements.iter().filter(|(name, _)| *name != "insert") {
            assert!(statement.sql.contains("\"account_id\""), "{name}");
            assert_eq!(statement.sql.matches("WHERE").count(), 1, "{name}");
        }
    }
}
