//! The document is complete, and the committed copy is current.

use std::collections::BTreeSet;
use std::path::Path;

use bulk_core::entity::Entities;
use serde_json::Value;

use super::describe;
use crate::error::KINDS;

fn document() -> Value {
    describe(&Entities::built_in()).document
}

/// Path, method and description of every operation.
fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

fn committed() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

#[test]
fn the_committed_document_is_current() {
    let text = std::fs::read_to_string(committed()).unwrap_or_default();
    assert!(text == crate::openapi_json(), "docs/openapi.json is not current: run ./scripts/write-openapi");
}

#[test]
fn every_reference_leads_somewhere() {
    fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("$ref").and_then(Value::as_str));
                fields.values().for_each(|field| references(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| references(item, found)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    let document = document();
    references(&document, &mut found);
    assert!(!found.is_empty());
    for reference in found {
        assert!(document.pointer(reference.trim_start_matches('#')).is_some(), "{reference}");
    }
}

#[test]
fn every_operation_has_a_name_and_says_what_can_go_wrong() {
    let mut names = BTreeSet::new();
    for (path, method, operation) in operations(&document()) {
        let name = operation["operationId"].as_str().unwrap().to_owned();
        assert!(names.insert(name.clone()), "{name} is there twice");
        assert!(operation["summary"].is_string(), "{method} {path}");
        let responses = operation["responses"].as_object().unwrap();
        for (status, response) in responses {
            assert!(response["headers"]["X-Trace-ID"].is_object(), "{method} {path} {status}");
        }
        if path.starts_with("/bulk-actions") {
            for status in ["401", "403", "429", "503"] {
                assert!(responses.contains_key(status), "{method} {path} {status}");
            }
        }
    }
    assert!(names.len() >= 20, "{names:?}");
}

#[test]
fn every_error_code_that_is_documented_has_an_example_and_no_other_has() {
    fn codes<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
        match value {
            Value::Object(fields) => {
                found.extend(fields.get("error").and_then(|error| error["code"].as_str()));
                fields.values().for_each(|field| codes(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| codes(item, found)),
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    let document = document();
    codes(&document["paths"], &mut found);
    let documented = KINDS.iter().filter(|kind| kind.documented.is_some()).map(|kind| kind.code);
    assert_eq!(found, documented.collect());
    assert_eq!(
        KINDS.iter().filter(|kind| kind.documented.is_none()).count(),
        2,
        "a defect, and no operation"
    );
}

#[test]
fn a_new_action_leads_to_every_request_about_it() {
    let document = document();
    let created = &document["paths"]["/bulk-actions"]["post"]["responses"]["201"];
    for link in ["getBulkAction", "pauseBulkAction", "getBulkActionResults"] {
        assert_eq!(created["links"][link]["operationId"], link);
    }
}

#[test]
fn every_entity_can_be_uploaded() {
    let document = document();
    for entity in Entities::built_in().all() {
        let names = document["components"]["schemas"]["EntityType"]["enum"].as_array().unwrap();
        assert!(names.contains(&entity.name().into()));
        let body =
            &document["paths"]["/bulk-actions"]["post"]["requestBody"]["content"]["multipart/form-data"];
        assert!(body["examples"][entity.name()]["value"]["file"].is_string());
    }
}
