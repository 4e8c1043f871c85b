//! The document is complete, and the committed copy is current.

use std::path::Path;

use super::*;

fn document() -> Value {
    super::document(&Entities::built_in())
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
    let mut names = std::collections::BTreeSet::new();
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
