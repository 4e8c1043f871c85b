//! The fields beside the file: each is checked as it comes, everything that is wrong is kept, and said at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bulk_core::action::{ActionConfiguration, ActionType, OnConflict};
use bulk_core::entity::{Entities, Entity};
use chrono::{DateTime, Datelike as _, Utc};

use super::header_check::HeaderCheck;
use crate::envelope::Detail;
use crate::error::ApiError;

const FIELDS: [&str; 7] =
    ["entityType", "actionType", "scheduledAt", "deduplicate", "onConflict", "mapping", "dryRun"];

/// RFC 3339 has no years beyond it, and clients that follow it could not read the answer.
const LAST_YEAR: i32 = 9999;

/// The fields that have come so far.
pub(crate) struct Form {
    seen: BTreeSet<&'static str>,
    entities: Entities,
    account: String,
    entity: Option<Arc<Entity>>,
    action_type: Option<ActionType>,
    scheduled_at: Option<DateTime<Utc>>,
    deduplicate: bool,
    on_conflict: OnConflict,
    mapping: BTreeMap<String, String>,
    dry_run: bool,
    may_be_late: bool,
    problems: Vec<Detail>,
}

/// What the caller wants, checked.
pub(crate) struct UploadRequest {
    /// What the rows are.
    pub(crate) entity: Arc<Entity>,
    /// What is done with them.
    pub(crate) action_type: ActionType,
    /// How.
    pub(crate) configuration: ActionConfiguration,
    /// When, if not at once.
    pub(crate) scheduled_at: Option<DateTime<Utc>>,
}

impl Form {
    /// A form of an account without fields; `may_be_late` lets a schedule lie in the past.
    pub(super) fn new(entities: Entities, account: &str, may_be_late: bool) -> Self {
        Self {
            entities,
            account: account.to_owned(),
            may_be_late,
            seen: BTreeSet::new(),
            entity: None,
            action_type: None,
            scheduled_at: None,
            deduplicate: false,
            on_conflict: OnConflict::default(),
            mapping: BTreeMap::new(),
            dry_run: false,
            problems: Vec::new(),
        }
    }

    /// Takes a field. What is wrong with it comes out of [`Form::finish`].
    pub(super) fn add(&mut self, name: &str, value: &str) {
        let Some(known) = FIELDS.into_iter().find(|known| *known == name) else {
            // A mistyped `dryRun` must not change records.
            let message = format!("unknown field: the fields are file, {}", FIELDS.join(", "));
            return self.refuse(shown(name), message);
        };
        if !self.seen.insert(known) {
            return self.refuse(known, "must be given only once");
        }
        let taken = match known {
            "entityType" => self.parse_entity(value).map(|entity| self.entity = Some(entity)),
            "actionType" => parse_action_type(value).map(|kind| self.action_type = Some(kind)),
            "scheduledAt" => self.parse_schedule(value).map(|at| self.scheduled_at = Some(at)),
            "deduplicate" => parse_boolean(value).map(|deduplicate| self.deduplicate = deduplicate),
            "onConflict" => parse_on_conflict(value).map(|choice| self.on_conflict = choice),
            "mapping" => parse_mapping(value).map(|mapping| self.mapping = mapping),
            _ => parse_boolean(value).map(|dry_run| self.dry_run = dry_run),
        };
        if let Err(message) = taken {
            self.refuse(known, message);
        }
    }

    fn parse_entity(&self, value: &str) -> Result<Arc<Entity>, String> {
        let entity = self.entities.find(value).ok_or_else(|| one_of(self.entities.names().into_iter()))?;
        entity.account_id(&self.account)?;
        Ok(entity.clone())
    }

    fn parse_schedule(&self, value: &str) -> Result<DateTime<Utc>, String> {
        let instant = DateTime::parse_from_rfc3339(value)
            .map_err(|_| "must be an RFC 3339 instant such as 2026-01-31T12:00:00Z".to_owned())?;
        let instant = instant.to_utc();
        if instant.year() > LAST_YEAR {
            return Err(format!("must be no later than the year {LAST_YEAR}, in UTC"));
        }
        if self.may_be_late || instant > Utc::now() {
            Ok(instant)
        } else {
            Err("must be in the future".to_owned())
        }
    }

    /// Notes something that is wrong with a field.
    pub(super) fn refuse(&mut self, field: impl Into<String>, message: impl Into<String>) {
        self.problems.push(Detail::new(field, message));
    }

    /// Something is wrong already.
    pub(super) fn is_refused(&self) -> bool {
        !self.problems.is_empty()
    }

    /// What to hold a header against, once every field that bears on it has come. `mapping` is one of them, and for a create
    /// `onConflict`: while they may still come, a header that does not fit may yet be made to.
    pub(super) fn header_check(&self) -> Option<HeaderCheck> {
        let (entity, action_type) = (self.entity.clone()?, self.action_type?);
        let needs_conflict = action_type == ActionType::BulkCreate && !self.seen.contains("onConflict");
        if needs_conflict || !self.seen.contains("mapping") || self.is_refused() {
            return None;
        }
        let action_type = action_type.in_effect(self.on_conflict);
        Some(HeaderCheck { entity, action_type, mapping: self.mapping.clone() })
    }

    /// Everything that is wrong so far, as the end of the request.
    pub(super) fn into_refusal(self) -> ApiError {
        ApiError::Validation(self.problems)
    }

    /// The checked request.
    ///
    /// # Errors
    /// Everything that is wrong with the fields, missing ones included.
    pub(super) fn finish(mut self) -> Result<UploadRequest, ApiError> {
        for required in ["entityType", "actionType"] {
            if !self.seen.contains(required) {
                self.refuse(required, "is required");
            }
        }
        match (self.entity.clone(), self.action_type) {
            (Some(entity), Some(action_type)) if !self.is_refused() => Ok(UploadRequest {
                entity,
                action_type,
                configuration: ActionConfiguration {
                    deduplicate: self.deduplicate,
                    on_conflict: self.on_conflict,
                    mapping: self.mapping,
                    dry_run: self.dry_run,
                },
                scheduled_at: self.scheduled_at,
            }),
            _ => Err(self.into_refusal()),
        }
    }
}

/// The part of a stranger's name that an answer repeats.
fn shown(name: &str) -> String {
    name.chars().take(64).collect()
}

fn one_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    format!("must be one of {}", names.collect::<Vec<_>>().join(", "))
}

fn parse_action_type(value: &str) -> Result<ActionType, String> {
    ActionType::parse(value).ok_or_else(|| one_of(ActionType::ALL.into_iter().map(ActionType::as_str)))
}

fn parse_on_conflict(value: &str) -> Result<OnConflict, String> {
    OnConflict::parse(value).ok_or_else(|| one_of(OnConflict::ALL.into_iter().map(OnConflict::as_str)))
}

fn parse_boolean(value: &str) -> Result<bool, String> {
    value.parse().map_err(|_| "must be true or false".to_owned())
}

fn parse_mapping(value: &str) -> Result<BTreeMap<String, String>, String> {
    serde_json::from_str(value)
        .map_err(|_| "must be a JSON object of strings, from CSV header to column".to_owned())
}

#[cfg(test)]
mod tests {
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
        assert_eq!(configuration.mapping["E-Mail"], "email");
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        assert_eq!(refused(&[]), ["entityType", "actionType"]);
        let fields = [
            ("dryRun", "yes"),
            ("deduplicate", "TRUE"),
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
        let fields = [("entityType", "contact"), ("actionType", "bulk_upsert"), ("mapping", "{}")];
        assert!(form(&fields[..2]).header_check().is_none(), "a mapping may follow the file");
        assert!(form(&fields).header_check().is_some());
        let create = [fields[0], ("actionType", "bulk_create"), fields[2], ("onConflict", "update")];
        assert!(form(&create[..3]).header_check().is_none(), "a create that updates needs less");
        let check = form(&create).header_check();
        assert!(check.is_some_and(|check| check.action_type == ActionType::BulkUpsert));
    }
}
