//! Cost of a row in the reader, from memory: `cargo bench -p csv-intake`. The figures are per pass over [`ROWS`] rows.

#![allow(clippy::expect_used, reason = "a benchmark whose own data is wrong has nothing to measure")]

use csv_intake::{CsvReader, ReadLimits, ReadOptions, Record};
use divan::Bencher;
use divan::counter::ItemsCount;

const ROWS: usize = 10_000;

fn main() {
    divan::main();
}

fn read(bencher: Bencher, row: impl Fn(usize) -> String) {
    let rows = (0..ROWS).map(row);
    let file: &'static [u8] =
        std::iter::once("email,name,age,note\n".to_owned()).chain(rows).collect::<String>().leak().as_bytes();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers needs nothing");
    bencher.counter(ItemsCount::new(ROWS)).bench_local(|| {
        runtime.block_on(async {
            let options = ReadOptions::default();
            let mut reader =
                CsvReader::open(file, ReadLimits::ACCEPTED, &options).await.expect("it is well-formed");
            let mut record = Record::new();
            while reader.next_row(&mut record).await.expect("it is well-formed").is_some() {
                divan::black_box(&record);
            }
        });
    });
}

#[divan::bench]
fn plain(bencher: Bencher) {
    read(bencher, |n| format!("user{n:08}@example.com,Name {n},{},likes tea\n", n % 100));
}

#[divan::bench]
fn quoted(bencher: Bencher) {
    read(bencher, |n| {
        format!("\"user{n:08}@example.com\",\"Name {n}\",\"{}\",\"likes \"\"tea\"\"\"\n", n % 100)
    });
}

#[divan::bench]
fn several_lines(bencher: Bencher) {
    read(bencher, |n| format!("user{n:08}@example.com,Name {n},{},\"likes\ntea\"\n", n % 100));
}

#[divan::bench]
fn blank(bencher: Bencher) {
    read(bencher, |_| ",,,\n".to_owned());
}

/// Each row opens a quote that is never closed.
#[divan::bench]
fn malformed(bencher: Bencher) {
    read(bencher, |n| format!("user{n}\",Name,\"likes tea\n"));
}
