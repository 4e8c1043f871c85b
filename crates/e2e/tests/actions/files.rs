//! Tables of files as people have them (`tests/data/cases`): each is uploaded as its case says, and what becomes of it is
//! compared with what its owner would want. `POST /uploads/inspect` has to foretell it.

mod case;
mod round_trip;
mod samples;
mod upload;

use futures::StreamExt as _;

use crate::support::Bench;
use case::Case;

/// Cases that run at once.
const AT_ONCE: usize = 2;

/// Runs every case of a table in an account of its own, and tells of all that do not hold.
async fn run(table: &str) {
    let cases: Vec<Case> = serde_json::from_str(table).unwrap();
    let bench = Bench::start().await;
    let count = cases.len();
    let running = cases.into_iter().enumerate().map(|(number, case)| {
        let bench = &bench;
        async move { (case.name.clone(), case.problems(bench, &format!("case{number}")).await) }
    });
    let ended: Vec<_> = futures::stream::iter(running).buffered(AT_ONCE).collect().await;
    let failed: Vec<String> = ended
        .into_iter()
        .filter(|(_, problems)| !problems.is_empty())
        .map(|(name, problems)| format!("{name}:\n    {}", problems.join("\n    ")))
        .collect();
    assert!(failed.is_empty(), "{} of {count} cases do not hold:\n{}", failed.len(), failed.join("\n"));
}

#[tokio::test]
async fn exports_of_known_products_are_taken_as_they_are() {
    run(include_str!("../data/cases/exports.json")).await;
}

#[tokio::test]
async fn encodings_are_read_where_they_are_named_and_named_where_they_are_not() {
    run(include_str!("../data/cases/encodings.json")).await;
}

#[tokio::test]
async fn lines_and_delimiters_are_found_however_a_file_was_made() {
    run(include_str!("../data/cases/lines.json")).await;
}

#[tokio::test]
async fn a_file_that_is_no_table_is_refused_by_its_kind() {
    run(include_str!("../data/cases/other.json")).await;
}

#[tokio::test]
async fn values_are_taken_where_they_mean_one_thing_and_refused_where_they_could_mean_two() {
    run(include_str!("../data/cases/values.json")).await;
}

#[tokio::test]
async fn callers_may_have_their_habits() {
    run(include_str!("../data/cases/habits.json")).await;
}
