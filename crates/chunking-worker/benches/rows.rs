//! Cost of a row in the chunking worker, step by step and without any store: `cargo bench -p chunking-worker`.
//!
//! The figures are per pass over [`ROWS`] contacts; divan prints rows per second beside the time.

#![allow(clippy::expect_used, reason = "a benchmark whose own data is wrong has nothing to measure")]

use std::sync::Arc;

use bulk_core::action::{ActionType, Intake};
use bulk_core::chunk::{ChunkEncoder, content_hash, decode_chunk};
use bulk_core::entity::{ColumnMap, Entities, Entity};
use chunking_worker::dedupe::SeenKeys;
use chunking_worker::partition::partition_of;
use csv_intake::header::Mapping;
use csv_intake::{CsvReader, ReadLimits, ReadOptions, Record};
use divan::Bencher;
use divan::counter::ItemsCount;

const ROWS: usize = 10_000;
const PARTITIONS: u16 = 8;

fn main() {
    divan::main();
}

/// The reader needs a source with a static lifetime.
fn file() -> &'static [u8] {
    let rows = (0..ROWS).map(|n| format!("user{n:08}@example.com,Name {n},{}\n", n % 100));
    std::iter::once("email,name,age\n".to_owned()).chain(rows).collect::<String>().leak().as_bytes()
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().build().expect("a runtime without drivers needs nothing")
}

/// Header and rows of [`file`].
fn records() -> (Vec<String>, Vec<Record>) {
    let file = file();
    runtime().block_on(async {
        let mut reader = CsvReader::open(file, ReadLimits::ACCEPTED, &ReadOptions::default())
            .await
            .expect("the file is well-formed");
        let (mut records, mut record) = (Vec::new(), Record::new());
        while reader.next_row(&mut record).await.expect("the file is well-formed").is_some() {
            records.push(record.clone());
        }
        (reader.header().to_vec(), records)
    })
}

fn contact(header: &[String]) -> (Arc<Entity>, ColumnMap) {
    let contact = Entities::built_in().find("contact").expect("contacts are built in").clone();
    let layout = contact
        .layout(header, &Mapping::new(), &Intake::default(), ActionType::BulkUpsert)
        .expect("the columns are those of a contact");
    (contact, layout.map)
}

/// Identity of each row, as returned by the check.
fn identities() -> Vec<u128> {
    let (header, records) = records();
    let (contact, map) = contact(&header);
    let check = |record| contact.check_row(&map, ActionType::BulkUpsert, record);
    records.iter().map(|record| check(record).expect("every row is valid").identity).collect()
}

#[divan::bench]
fn parse(bencher: Bencher) {
    let (file, runtime) = (file(), runtime());
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        runtime.block_on(async {
            let mut reader = CsvReader::open(file, ReadLimits::ACCEPTED, &ReadOptions::default())
                .await
                .expect("the file is well-formed");
            let mut record = Record::new();
            while reader.next_row(&mut record).await.expect("the file is well-formed").is_some() {
                divan::black_box(&record);
            }
        });
    });
}

#[divan::bench]
fn validate(bencher: Bencher) {
    let (header, records) = records();
    let (contact, map) = contact(&header);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        for record in &records {
            let _ = divan::black_box(contact.check_row(&map, ActionType::BulkUpsert, record));
        }
    });
}

#[divan::bench]
fn deduplicate(bencher: Bencher) {
    let identities = identities();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let mut seen = SeenKeys::default();
        identities.iter().filter(|&&identity| seen.first_time(identity)).count()
    });
}

#[divan::bench]
fn partition(bencher: Bencher) {
    let identities = identities();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        let places = identities.iter().map(|&identity| partition_of(Some(identity), 1, PARTITIONS));
        places.fold(0_i64, |sum, place| sum + i64::from(divan::black_box(place)))
    });
}

#[divan::bench]
fn encode_chunk(bencher: Bencher) {
    let (header, records) = records();
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| encoded(&header, &records));
}

#[divan::bench]
fn hash_and_decode_chunk(bencher: Bencher) {
    let (header, records) = records();
    let chunk = encoded(&header, &records);
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| (content_hash(&chunk), decode_chunk(&chunk, ROWS)));
}

fn encoded(header: &[String], records: &[Record]) -> Vec<u8> {
    let mut encoder = ChunkEncoder::new(header);
    for (row, record) in (1..).zip(records) {
        encoder.push(row, None, record.iter());
    }
    encoder.finish()
}
