//! Random files against a sequential model: final records, outcomes and counts must equal those of applying the rows
//! one after another, however the platform distributes, folds and reorders them.

use std::cell::Cell;
use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use testkit::Upload;
use tokio::runtime::Runtime;
use uuid::Uuid;

use crate::support::{Bench, Contact, run};

const CASES: u32 = 40;
/// Records that exist before each case.
const SEEDED: usize = 3;

#[derive(Debug, Clone)]
struct Case {
    action: &'static str,
    on_conflict: &'static str,
    deduplicate: bool,
    columns: Vec<&'static str>,
    rows: Vec<RawRow>,
}

/// Indexes rather than values, so that a failing case shrinks and prints well.
#[derive(Debug, Clone)]
struct RawRow {
    /// 0 none, 1..=SEEDED a seeded record's id, beyond: an unknown one.
    id: usize,
    /// 0 none, 1..=KEYS a key (the first SEEDED of them exist), beyond: not an address.
    email: usize,
    /// 0 none, else a name.
    name: usize,
    /// 0 none, 1..=3 good, 4 too old, 5 no number.
    age: usize,
}

const KEYS: usize = 7;

fn case() -> impl Strategy<Value = Case> {
    let row = (0..SEEDED + 2, 0..KEYS + 2, 0..4usize, 0..6usize).prop_map(|(id, email, name, age)| RawRow {
        id,
        email,
        name,
        age,
    });
    let columns = prop_oneof![
        Just(vec!["email", "name", "age"]),
        Just(vec!["age", "name", "email"]),
        Just(vec!["id", "name"]),
        Just(vec!["email", "name"]),
        Just(vec!["id", "email", "name"]),
    ];
    let action =
        prop_oneof![Just("bulk_create"), Just("bulk_update"), Just("bulk_upsert"), Just("bulk_delete")];
    let on_conflict = prop_oneof![Just("skip"), Just("error"), Just("update")];
    (action, on_conflict, any::<bool>(), columns, prop::collection::vec(row, 1..40)).prop_filter_map(
        "the header must suit the action",
        |(action, on_conflict, deduplicate, columns, rows)| {
            let suits = columns.contains(&"email") || !["bulk_create", "bulk_upsert"].contains(&action);
            let both = columns.contains(&"id") && columns.contains(&"email");
            // The order in which one file exchanges keys between records is up to the database (docs/decisions/0004). A
            // row whose cells are all empty is a blank line and not a row.
            let has_value = |row: &RawRow| {
                let cells = [("id", row.id), ("email", row.email), ("name", row.name), ("age", row.age)];
                cells.iter().any(|(column, value)| columns.contains(column) && *value != 0)
            };
            let rows: Vec<_> = rows.into_iter().filter(has_value).collect();
            let suits = suits && !rows.is_empty();
            suits.then_some(Case { action, on_conflict, deduplicate, columns, rows }).filter(|case| {
                !(both && case.action == "bulk_update")
                    || case.rows.iter().all(|row| row.id == 0 || row.email == 0)
            })
        },
    )
}

/// Values behind a case's indexes.
struct World {
    seeded: Vec<Uuid>,
    unknown: Vec<Uuid>,
}

impl World {
    fn id(&self, index: usize) -> Option<Uuid> {
        match index {
            0 => None,
            n if n <= SEEDED => Some(self.seeded[n - 1]),
            n => Some(self.unknown[n - SEEDED - 1]),
        }
    }

    fn csv(&self, case: &Case) -> String {
        let mut csv = case.columns.join(",") + "\n";
        for row in &case.rows {
            let cells = case.columns.iter().map(|column| match *column {
                "id" => self.id(row.id).map(|id| id.to_string()).unwrap_or_default(),
                "email" => email_cell(row.email),
                "name" => name(row.name).unwrap_or_default(),
                _ => ["", "1", "2", "3", "999", "abc"][row.age].to_owned(),
            });
            csv += &(cells.collect::<Vec<_>>().join(",") + "\n");
        }
        csv
    }
}

fn email(key: usize) -> String {
    format!("key{key}@example.com")
}

fn email_cell(index: usize) -> String {
    match index {
        0 => String::new(),
        n if n <= KEYS => email(n),
        _ => "nonsense".to_owned(),
    }
}

fn name(index: usize) -> Option<String> {
    (index > 0).then(|| format!("Name {index}"))
}

/// Status and code of each row, and the records after all rows.
type Expected = (Vec<(&'static str, &'static str)>, BTreeMap<String, (Option<Uuid>, String, Option<i32>)>);

/// Applies row after row. Records are identified by key; ids are known for seeded and uploaded records.
fn expected(case: &Case, world: &World) -> Expected {
    let mut model = Model {
        records: (1..=SEEDED)
            .map(|n| (email(n), (Some(world.seeded[n - 1]), format!("Seed {n}"), None)))
            .collect(),
        seen: HashSet::new(),
    };
    let outcomes = case.rows.iter().map(|row| model.row(case, world, row)).collect();
    (outcomes, model.records)
}

struct Model {
    records: BTreeMap<String, (Option<Uuid>, String, Option<i32>)>,
    seen: HashSet<String>,
}

impl Model {
    fn row(&mut self, case: &Case, world: &World, row: &RawRow) -> (&'static str, &'static str) {
        let has = |column: &str| case.columns.contains(&column);
        let delete = case.action == "bulk_delete";
        let targets_existing = delete || case.action == "bulk_update";
        let id = world.id(row.id).filter(|_| has("id"));
        let key = Some(email_cell(row.email)).filter(|key| has("email") && !key.is_empty());
        let name = name(row.name).filter(|_| has("name") && !delete);
        let age = Some(row.age).filter(|age| has("age") && !delete && *age > 0);

        let identified = key.is_some() || (targets_existing && id.is_some());
        // A create that updates existing records has the requirements of an upsert.
        let creates = case.action == "bulk_create" && case.on_conflict != "update";
        let complete = !creates || name.is_some();
        if key.as_deref() == Some("nonsense") || age > Some(3) || !identified || !complete {
            return ("failed", "invalid");
        }
        let by_id = id.filter(|_| targets_existing);
        let identity = by_id.map(|id| id.to_string()).or_else(|| key.clone()).unwrap();
        if !self.seen.insert(identity) && case.deduplicate {
            return ("skipped", "duplicate");
        }
        let age = age.map(|age| age as i32);
        let target = match by_id {
            Some(id) => {
                self.records.iter().find(|(_, record)| record.0 == Some(id)).map(|(key, _)| key.clone())
            }
            None => key.clone().filter(|key| self.records.contains_key(key)),
        };
        let id_taken = id.is_some_and(|id| self.records.values().any(|record| record.0 == Some(id)));
        match (case.action, target) {
            ("bulk_delete", Some(key)) => {
                self.records.remove(&key);
                ("success", "deleted")
            }
            ("bulk_create", Some(_)) if case.on_conflict == "skip" => ("skipped", "already_exists"),
            ("bulk_create", Some(_)) if case.on_conflict == "error" => ("failed", "already_exists"),
            // A row whose id and key belong to different records is refused.
            (_, Some(key)) if !targets_existing && id.is_some() && self.records[&key].0 != id => {
                ("failed", "invalid")
            }
            (_, Some(key)) => {
                let record = self.records.get_mut(&key).unwrap();
                record.1 = name.unwrap_or(record.1.clone());
                record.2 = age.or(record.2);
                ("success", "updated")
            }
            ("bulk_update" | "bulk_delete", None) => ("failed", "not_found"),
            (_, None) if name.is_none() => ("failed", "invalid"),
            (_, None) if id_taken => match (case.action, case.on_conflict) {
                ("bulk_create", "skip") => ("skipped", "already_exists"),
                ("bulk_create", "error") => ("failed", "already_exists"),
                _ => ("failed", "rejected"),
            },
            (_, None) => {
                self.records.insert(key.unwrap(), (id, name.unwrap(), age));
                ("success", "created")
            }
        }
    }
}

async fn check(bench: &Bench, account: &str, case: &Case) -> Result<(), TestCaseError> {
    let mut seeded = Vec::new();
    for n in 1..=SEEDED {
        seeded.push(bench.seed(account, &email(n), &format!("Seed {n}"), None).await);
    }
    let world = World { seeded, unknown: vec![Uuid::now_v7()] };
    let (outcomes, records) = expected(case, &world);

    let upload = Upload::contacts(case.action)
        .field("onConflict", case.on_conflict)
        .field("deduplicate", if case.deduplicate { "true" } else { "false" });
    let done = run(&bench.platform.client(account), &world.csv(case), &upload).await;

    let found: Vec<_> = (1..=case.rows.len() as u64)
        .map(|row| (done.results[&row]["_status"].clone(), done.code(row).to_owned()))
        .collect();
    let wanted: Vec<_> =
        outcomes.iter().map(|(status, code)| ((*status).to_owned(), (*code).to_owned())).collect();
    prop_assert_eq!(found, wanted);

    let stored = bench.contacts(account).await;
    let known_id =
        |email: &str, contact: &Contact| records.get(email).and_then(|record| record.0).map(|_| contact.id);
    let stored: BTreeMap<_, _> = stored
        .into_iter()
        .map(|(email, contact)| {
            let id = known_id(&email, &contact);
            (email, (id, contact.name, contact.age))
        })
        .collect();
    prop_assert_eq!(stored, records);
    Ok(())
}

#[test]
fn random_files_end_as_if_their_rows_were_applied_one_after_another() {
    let runtime = Runtime::new().unwrap();
    let bench = runtime.block_on(Bench::with_chunk_size(3));
    let accounts = Cell::new(0);
    let mut runner = TestRunner::new(Config { cases: CASES, failure_persistence: None, ..Config::default() });
    let result = runner.run(&case(), |case| {
        accounts.set(accounts.get() + 1);
        runtime.block_on(check(&bench, &format!("case-{}", accounts.get()), &case))
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
}
