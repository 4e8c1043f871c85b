//! The fields beside the file. Each is checked on arrival, and all problems are reported together.

mod fields;
mod parse;

pub(crate) use fields::{FIELDS, InspectionForm, UploadForm};

use std::collections::BTreeSet;
use std::sync::Arc;

use bulk_core::action::{ActionConfiguration, ActionType};
use bulk_core::entity::{Entities, Entity};
use chrono::{DateTime, Utc};
use csv_intake::ReadOptions;

use self::fields::Field;
use super::header_check::HeaderCheck;
use crate::envelope::Detail;
use crate::error::ApiError;

/// Fields that affect whether a header is valid.
const HEADER_FIELDS: [&str; 4] = ["mapping", "unknownColumns", "defaults", "headerLine"];

/// The fields received so far.
pub(super) struct Form {
    seen: BTreeSet<&'static str>,
    entities: Entities,
    account: String,
    entity: Option<Arc<Entity>>,
    action_type: Option<ActionType>,
    scheduled_at: Option<DateTime<Utc>>,
    configuration: ActionConfiguration,
    may_be_late: bool,
    problems: Vec<Detail>,
}

/// A checked upload request.
pub(super) struct UploadRequest {
    /// Entity that the rows describe.
    pub(super) entity: Arc<Entity>,
    /// Operation applied to each row.
    pub(super) action_type: ActionType,
    /// Options chosen at upload.
    pub(super) configuration: ActionConfiguration,
    /// Start time, if not immediately.
    pub(super) scheduled_at: Option<DateTime<Utc>>,
}

/// A checked request to inspect a file.
pub(super) struct Inquiry {
    /// Entity that the rows describe.
    pub(super) entity: Arc<Entity>,
    /// Operation, if it is already chosen.
    pub(super) action_type: Option<ActionType>,
    /// Options chosen at upload.
    pub(super) configuration: ActionConfiguration,
}

impl Inquiry {
    /// Effective operation, if it is already chosen.
    pub(super) fn action_in_effect(&self) -> Option<ActionType> {
        self.action_type.map(|action| action.in_effect(self.configuration.on_conflict))
    }
}

impl Form {
    /// An empty form of an account. `may_be_late` accepts a start time in the past.
    pub(super) fn new(entities: Entities, account: &str, may_be_late: bool) -> Self {
        Self {
            entities,
            account: account.to_owned(),
            may_be_late,
            seen: BTreeSet::new(),
            entity: None,
            action_type: None,
            scheduled_at: None,
            configuration: ActionConfiguration::default(),
            problems: Vec::new(),
        }
    }

    /// Adds a field. [`Form::finish`] reports its problems.
    pub(super) fn add(&mut self, name: &str, value: &str) {
        let Some(field) = Field::find(name) else {
            // Unknown fields are errors: a mistyped `dryRun` must not change records.
            let names: Vec<_> = FIELDS.iter().map(|field| field.name).collect();
            let message = format!("unknown field: the fields are file, {}", names.join(", "));
            return self.refuse(shown(name), message);
        };
        if !self.seen.insert(field.name) {
            return self.refuse(field.name, "must be given only once");
        }
        if let Err(message) = field.read(self, value) {
            self.refuse(field.name, message);
        }
    }

    /// Records a problem with a field.
    pub(super) fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Detail::new(field, message));
    }

    /// True if a problem has been recorded.
    pub(super) fn is_refused(&self) -> bool {
        !self.problems.is_empty()
    }

    /// The check of a header, once every field that affects it has arrived: `mapping` and the like, and for a create
    /// `onConflict`. Before that, a header that looks invalid may still become valid.
    pub(super) fn header_check(&self) -> Option<HeaderCheck> {
        let (entity, action_type) = (self.entity.clone()?, self.action_type?);
        let needs_conflict = action_type == ActionType::BulkCreate && !self.seen.contains("onConflict");
        let is_complete = HEADER_FIELDS.iter().all(|field| self.seen.contains(field));
        if needs_conflict || !is_complete || self.is_refused() {
            return None;
        }
        let action_type = action_type.in_effect(self.configuration.on_conflict);
        Some(HeaderCheck { entity, action_type, configuration: self.configuration.clone() })
    }

    /// Options for reading the file, as far as they are known.
    pub(super) fn read_options(&self) -> ReadOptions {
        self.configuration.intake.read
    }

    /// True if this field has arrived. A file before it may be read differently after it.
    pub(super) fn has(&self, field: &str) -> bool {
        self.seen.contains(field)
    }

    /// All problems so far as an error.
    pub(super) fn into_refusal(self) -> ApiError {
        ApiError::Validation(self.problems)
    }

    /// The checked request.
    ///
    /// # Errors
    /// All problems of the fields, including missing ones.
    pub(super) fn finish(mut self) -> Result<UploadRequest, ApiError> {
        self.require("entityType", self.entity.is_some());
        self.require("actionType", self.action_type.is_some());
        match (self.entity.clone(), self.action_type) {
            (Some(entity), Some(action_type)) if !self.is_refused() => Ok(UploadRequest {
                entity,
                action_type,
                configuration: self.configuration,
                scheduled_at: self.scheduled_at,
            }),
            _ => Err(self.into_refusal()),
        }
    }

    /// The checked request to inspect a file.
    ///
    /// # Errors
    /// All problems of the fields.
    pub(super) fn finish_inquiry(mut self) -> Result<Inquiry, ApiError> {
        self.require("entityType", self.entity.is_some());
        match self.entity.clone() {
            Some(entity) if !self.is_refused() => {
                Ok(Inquiry { entity, action_type: self.action_type, configuration: self.configuration })
            }
            _ => Err(self.into_refusal()),
        }
    }

    /// Requires a field. A field with an invalid value has already been reported.
    fn require(&mut self, field: &str, is_there: bool) {
        if !is_there && self.problems.iter().all(|problem| problem.field != field) {
            self.refuse(field, "is required");
        }
    }
}

/// A shortened client-supplied name for messages.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use bulk_core::action::OnConflict;
    use csv_intake::header::UnknownColumns;

    use super::*;

    fn form(fields: &[(&str, &str)]) -> Form {
        let mut form = Form::new(Entities::built_in(), "acme", false);
        fields.iter().for_each(|(name, value)| form.add(name, value));
        form
    }

    fn refused(fields: &[(&str, &str)]) -> Vec<String> {
        match form(fields).finish() {
            Err(ApiError::Validation(details)) => details.into_iter().map(|detail| detail.field).collect(),
            Err(other) => panic!("{other}"),
            Ok(_) => Vec::new(),
        }
    }

    #[test]
    fn every_field_is_read() {
        let request = form(&[
            ("mapping", r#"{"E-Mail":"email"}"#),
            ("dryRun", "true"),
            ("actionType", "bulk_upsert"),
            ("onConflict", "update"),
            ("scheduledAt", "2999-01-01T00:00:00+02:00"),
            ("deduplicate", "true"),
            ("entityType", "contact"),
        ]);
        let request = request.finish().map_err(|error| error.to_string()).unwrap();
        assert_eq!((request.entity.name(), request.action_type), ("contact", ActionType::BulkUpsert));
        assert_eq!(request.scheduled_at.unwrap().to_rfc3339(), "2998-12-31T22:00:00+00:00");
        let configuration = request.configuration;
        assert!(configuration.dry_run && configuration.deduplicate);
        assert_eq!(configuration.on_conflict, OnConflict::Update);
        assert_eq!(configuration.mapping["E-Mail"].as_deref(), Some("email"));
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        assert_eq!(refused(&[]), ["entityType", "actionType"]);
        let fields = [
            ("dryRun", "perhaps"),
            ("deduplicate", "2"),
            ("onConflict", "ignore"),
            ("scheduledAt", "tomorrow"),
            ("mapping", r#"{"a":1}"#),
            ("dryrun", "true"),
            ("entityType", "user"),
        ];
        let expected = [
            "dryRun",
            "deduplicate",
            "onConflict",
            "scheduledAt",
            "mapping",
            "dryrun",
            "entityType",
            "actionType",
        ];
        assert_eq!(refused(&fields), expected);
    }

    #[test]
    fn a_field_comes_once_and_a_schedule_lies_ahead() {
        let good = [("entityType", "contact"), ("actionType", "bulk_create")];
        assert!(refused(&good).is_empty());
        assert_eq!(refused(&[good[0], good[1], good[0]]), ["entityType"]);
        let late = ("scheduledAt", "2020-01-01T00:00:00Z");
        assert_eq!(refused(&[good[0], good[1], late]), ["scheduledAt"]);
        let beyond = ("scheduledAt", "9999-12-31T23:30:00-01:00");
        assert_eq!(refused(&[good[0], good[1], beyond]), ["scheduledAt"], "the year 10000 in UTC");
        let mut repeat = Form::new(Entities::built_in(), "acme", true);
        [good[0], good[1], late].iter().for_each(|(name, value)| repeat.add(name, value));
        assert!(repeat.finish().is_ok(), "a repeat may come after the time of the first");
    }

    #[test]
    fn the_header_is_checked_early_only_if_nothing_can_change_the_verdict() {
        let fields = [
            ("entityType", "contact"),
            ("actionType", "bulk_upsert"),
            ("mapping", "{}"),
            ("unknownColumns", ""),
            ("defaults", ""),
            ("headerLine", ""),
        ];
        assert!(form(&fields[..2]).header_check().is_none(), "a mapping may follow the file");
        assert!(form(&fields[..4]).header_check().is_none(), "defaults may follow the file");
        assert!(form(&fields[..5]).header_check().is_none(), "the line of the header may follow the file");
        assert!(form(&fields).header_check().is_some());
        let create = [
            fields[0],
            ("actionType", "bulk_create"),
            fields[2],
            fields[3],
            fields[4],
            fields[5],
            ("onConflict", "update"),
        ];
        assert!(form(&create[..6]).header_check().is_none(), "a create that updates needs less");
        let check = form(&create).header_check();
        assert!(check.is_some_and(|check| check.action_type == ActionType::BulkUpsert));
    }

    #[test]
    fn how_the_file_is_read_is_said_field_by_field() {
        let request = form(&[
            ("entityType", "contact"),
            ("actionType", "bulk_upsert"),
            ("unknownColumns", "ignore"),
            ("defaults", r#"{"name":"?"}"#),
            ("encoding", "latin1"),
            ("delimiter", "\t"),
            ("headerLine", " 3 "),
            ("shortRows", "fill"),
            ("emptyCells", "clear"),
            ("timezone", "Europe/Berlin"),
            ("decimal", "comma"),
            ("sheet", "Kunden"),
        ]);
        let intake = request.finish().map_err(|error| error.to_string()).unwrap().configuration.intake;
        assert_eq!(intake.unknown_columns, UnknownColumns::Ignore);
        assert_eq!(
            serde_json::to_value(&intake).unwrap(),
            serde_json::json!({
                "unknownColumns": "ignore", "defaults": { "name": "?" }, "emptyCells": "clear", "sheet": "Kunden",
                "encoding": "windows-1252", "delimiter": "\t", "headerLine": 3, "shortRows": "fill",
                "timezone": "Europe/Berlin", "decimal": "comma",
            })
        );
    }

    #[test]
    fn an_empty_optional_field_is_as_good_as_none() {
        let names = FIELDS.iter().map(|field| field.name);
        let names = names.filter(|name| !["entityType", "actionType"].contains(name));
        let mut fields: Vec<_> = names.map(|name| (name, "")).collect();
        fields.extend([("entityType", "contact"), ("actionType", "bulk_create")]);
        let request = form(&fields).finish().map_err(|error| error.to_string()).unwrap();
        assert_eq!(request.configuration, ActionConfiguration::default());
        assert_eq!(refused(&[("entityType", " "), ("actionType", "")]), ["entityType", "actionType"]);
    }
}
