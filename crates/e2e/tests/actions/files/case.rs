//! One case of a table: a file, the fields that go with it, and what is to become of it.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::upload::{FilePart, inspect, post};
use crate::support::{Bench, DEADLINE, finished};

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Case {
    pub name: String,
    /// Text, or lines of it.
    file: Value,
    /// In place of text.
    hex: Option<String>,
    #[serde(default = "line_feed")]
    end: String,
    #[serde(default)]
    bom: bool,
    encoded: Option<String>,
    /// Number of times it is gzipped.
    #[serde(default)]
    gzip: usize,
    /// Bytes that are left of it.
    cut: Option<usize>,
    #[serde(default = "contact")]
    entity: String,
    #[serde(default = "upsert")]
    action: String,
    #[serde(default)]
    fields: BTreeMap<String, String>,
    file_name: Option<String>,
    file_name_star: Option<String>,
    #[serde(default)]
    no_file_name: bool,
    #[serde(rename = "type")]
    content_type: Option<String>,
    #[serde(default)]
    no_type: bool,
    #[serde(default)]
    file_first: bool,
    path: Option<String>,

    /// Statuses of a refusal; 400 where none is named.
    status: Option<Vec<u16>>,
    /// Words that the refusal must contain, and words that it must not.
    refused: Option<Vec<String>>,
    #[serde(default)]
    untold: Vec<String>,
    /// Successful, failed, skipped.
    counts: Option<[u64; 3]>,
    /// By row: what its reason has to say.
    #[serde(default)]
    reasons: BTreeMap<u64, OneOrMore>,
    /// By row: its line, as an inspection tells it.
    #[serde(default)]
    lines: BTreeMap<u64, u64>,
    /// By key: columns of the record that is there then.
    #[serde(default)]
    records: BTreeMap<String, BTreeMap<String, Value>>,
    expect_name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum OneOrMore {
    One(String),
    More(Vec<String>),
}

impl OneOrMore {
    fn all(&self) -> &[String] {
        match self {
            Self::One(one) => std::slice::from_ref(one),
            Self::More(more) => more,
        }
    }
}

fn line_feed() -> String {
    "\n".to_owned()
}

fn contact() -> String {
    "contact".to_owned()
}

fn upsert() -> String {
    "bulk_upsert".to_owned()
}

impl Case {
    /// Everything that is not as it should be.
    pub(crate) async fn problems(&self, bench: &Bench, account: &str) -> Vec<String> {
        let part = self.part().await;
        let mut fields = self.fields.clone();
        fields.entry("entityType".to_owned()).or_insert_with(|| self.entity.clone());
        fields.entry("actionType".to_owned()).or_insert_with(|| self.action.clone());
        let path = self.path.as_deref().unwrap_or("/bulk-actions");
        let (status, answer) = post(bench, account, path, &part, &fields).await;
        let (looked, look) = inspect(bench, account, &part, &fields).await;
        let mut problems = match &self.refused {
            Some(told) => self.refusal_problems(told, status, &answer),
            None if status == 201 => self.outcome_problems(bench, account, &answer, &look).await,
            None => vec![format!("refused with {status}: {answer}")],
        };
        let is_fine = looked == 200 && look["data"]["problems"] == json!([]);
        if is_fine != (status == 201) {
            problems.push(format!("the look foretold another end: {looked} {}", look["data"]["problems"]));
        }
        problems
    }

    async fn part(&self) -> FilePart {
        let mut bytes = match &self.hex {
            Some(hex) => (0..hex.len()).step_by(2).map(|at| hex[at..at + 2].to_owned()).collect::<Vec<_>>(),
            None => Vec::new(),
        }
        .iter()
        .map(|byte| u8::from_str_radix(byte, 16).unwrap())
        .collect::<Vec<u8>>();
        if self.hex.is_none() {
            bytes = super::upload::encoded(&self.text(), self.encoded.as_deref());
        }
        for _ in 0..self.gzip {
            bytes = super::upload::packed(&bytes).await;
        }
        bytes.truncate(self.cut.unwrap_or(bytes.len()));
        FilePart {
            bytes,
            file_name: (!self.no_file_name)
                .then(|| self.file_name.clone().unwrap_or("upload.csv".to_owned())),
            file_name_star: self.file_name_star.clone(),
            content_type: (!self.no_type).then(|| self.content_type.clone().unwrap_or("text/csv".to_owned())),
            comes_first: self.file_first,
        }
    }

    fn text(&self) -> String {
        let text = match &self.file {
            Value::Array(lines) => {
                lines.iter().map(|line| line.as_str().unwrap().to_owned() + &self.end).collect()
            }
            text => text.as_str().unwrap_or_default().to_owned(),
        };
        if self.bom { format!("\u{feff}{text}") } else { text }
    }

    fn refusal_problems(&self, told: &[String], status: u16, answer: &Value) -> Vec<String> {
        let said = format!("{} {}", answer["message"].as_str().unwrap_or_default(), sentences(answer));
        let mut problems = Vec::new();
        if !self.status.as_deref().unwrap_or(&[400]).contains(&status) {
            problems.push(format!("status {status}: {said}"));
        }
        let lacks = told.iter().filter(|part| !said.contains(part.as_str()));
        problems.extend(lacks.map(|part| format!("does not say `{part}`: {said}")));
        let has = self.untold.iter().filter(|part| said.contains(part.as_str()));
        problems.extend(has.map(|part| format!("says `{part}`: {said}")));
        problems
    }

    async fn outcome_problems(
        &self,
        bench: &Bench,
        account: &str,
        answer: &Value,
        look: &Value,
    ) -> Vec<String> {
        let mut problems = Vec::new();
        let file_name = answer["data"]["file"]["fileName"].as_str().unwrap();
        if self.expect_name.as_deref().is_some_and(|wanted| wanted != file_name) {
            problems.push(format!("it is called {file_name}"));
        }
        let (client, id) = (bench.platform.client(account), answer["data"]["id"].as_str().unwrap());
        let detail = client.wait_finished(id, DEADLINE).await;
        if detail["status"] != "completed" {
            return vec![format!("it has {}: {}", detail["status"], detail["error"])];
        }
        let done = finished(&client, id, detail).await;
        let (success, failed, skipped) = done.counts();
        if self.counts.is_some_and(|counts| counts != [success, failed, skipped]) {
            let reasons: Vec<_> = done.results.keys().take(9).map(|row| done.reason(*row)).collect();
            problems.push(format!("counts {success}, {failed}, {skipped}: {reasons:?}"));
        }
        for (row, told) in &self.reasons {
            let reason = done.results.get(row).map_or("no row", |_| done.reason(*row));
            let lacks = told.all().iter().filter(|part| !reason.contains(part.as_str()));
            problems.extend(lacks.map(|part| format!("row {row} does not say `{part}`: {reason}")));
        }
        for (row, line) in &self.lines {
            let rows = look["data"]["rows"].as_array().unwrap();
            let found = rows.iter().find(|found| found["row"] == *row).map(|found| &found["line"]);
            if found != Some(&json!(line)) {
                problems.push(format!("row {row} stands on line {found:?}"));
            }
        }
        problems.extend(self.record_problems(bench, account).await);
        problems
    }

    async fn record_problems(&self, bench: &Bench, account: &str) -> Vec<String> {
        if self.records.is_empty() {
            return Vec::new();
        }
        let there = records(bench, account, &self.entity).await;
        let mut problems = Vec::new();
        for (key, columns) in &self.records {
            let Some(record) = there.get(key) else {
                problems.push(format!("no record {key:?}: {:?}", there.keys()));
                continue;
            };
            let other = columns.iter().filter(|(column, value)| record[column.as_str()] != **value);
            problems.extend(other.map(|(column, _)| format!("{key:?} has the {column} {}", record[column])));
        }
        problems
    }
}

fn sentences(answer: &Value) -> String {
    let details = answer["error"]["details"].as_array().into_iter().flatten();
    let sentence = |detail: &Value| {
        [&detail["field"], &detail["message"]]
            .map(|text| text.as_str().unwrap_or_default().to_owned())
            .join(" ")
    };
    details.map(sentence).collect::<Vec<_>>().join("; ")
}

/// An account's records by their keys.
async fn records(bench: &Bench, account: &str, entity: &str) -> BTreeMap<String, Value> {
    let query = match entity {
        "contact" => {
            "SELECT email, jsonb_build_object('name', name, 'age', age) FROM contacts WHERE account_id = $1"
        }
        "product" => {
            "SELECT sku, jsonb_build_object('name', name, 'price', price::text, 'currency', currency, 'stock', stock)
             FROM products WHERE account_id = $1"
        }
        _ => {
            r#"SELECT order_number, jsonb_build_object('contactEmail', contact_email, 'status', status,
                 'amount', amount::text, 'currency', currency,
                 'orderedAt', to_char(ordered_at AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
             FROM orders WHERE account_id = $1"#
        }
    };
    let rows: Vec<(String, Value)> =
        sqlx::query_as(query).bind(account).fetch_all(bench.env.pool()).await.unwrap();
    rows.into_iter().collect()
}
