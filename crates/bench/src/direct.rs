//! The limit: the same rows inserted directly into PostgreSQL, without parsing, checking, chunking, storing or
//! counting.
//!
//! The fastest known way, measured against one connection, `COPY` into a staging table, and larger batches: set-based
//! statements over `unnest`, a thousand rows per transaction, over four connections. Rows with equal keys use the same
//! connection, which is required wherever the last one wins, and are folded within their batch.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use anyhow::Result;
use futures::future::try_join_all;
use sqlx::{PgConnection, PgPool};

use crate::table::ACCOUNT;
use crate::workload::{Action, Contact, Workload, contact};

const CONNECTIONS: u32 = 4;
const BATCH: usize = 1000;

/// The rows of a statement by column.
#[derive(Default)]
struct Batch {
    emails: Vec<String>,
    names: Vec<String>,
    ages: Vec<i32>,
    place: HashMap<String, usize>,
}

impl Batch {
    fn push(&mut self, row: Contact) {
        if let Some(&index) = self.place.get(&row.email) {
            self.names[index] = row.name;
            self.ages[index] = row.age;
            return;
        }
        self.place.insert(row.email.clone(), self.emails.len());
        self.emails.push(row.email);
        self.names.push(row.name);
        self.ages.push(row.age);
    }
}

/// Applies the rows and returns the time it took, without the time for generating them.
///
/// # Errors
/// If the database refuses a statement.
pub async fn run(pool: &PgPool, workload: &Workload, order: &[u32], seed: u64) -> Result<Duration> {
    let lanes = lanes(order, seed);
    let connections = try_join_all((0..CONNECTIONS).map(|_| pool.acquire())).await?;
    let started = Instant::now();
    let work = connections.into_iter().zip(lanes).map(|(mut connection, batches)| async move {
        for batch in batches {
            apply(&mut connection, workload.action, &batch).await?;
        }
        anyhow::Ok(())
    });
    try_join_all(work).await?;
    Ok(started.elapsed())
}

fn lanes(order: &[u32], seed: u64) -> Vec<Vec<Batch>> {
    let mut lanes: Vec<Vec<Batch>> = (0..CONNECTIONS).map(|_| vec![Batch::default()]).collect();
    for &number in order {
        let lane = &mut lanes[(number % CONNECTIONS) as usize];
        if lane.last().is_some_and(|batch| batch.emails.len() == BATCH) {
            lane.push(Batch::default());
        }
        if let Some(batch) = lane.last_mut() {
            batch.push(contact(number, seed));
        }
    }
    lanes
}

async fn apply(connection: &mut PgConnection, action: Action, batch: &Batch) -> Result<()> {
    let statement = match action {
        Action::Create => {
            "INSERT INTO contacts (account_id, email, name, age)
             SELECT $1, i.email, i.name, i.age
             FROM unnest($2::text[], $3::text[], $4::int4[]) AS i (email, name, age)
             ON CONFLICT DO NOTHING"
        }
        Action::Update => {
            "UPDATE contacts c SET name = i.name, age = i.age, updated_at = now()
             FROM unnest($2::text[], $3::text[], $4::int4[]) AS i (email, name, age)
             WHERE c.account_id = $1 AND c.email = i.email"
        }
        Action::Upsert => {
            "INSERT INTO contacts (account_id, email, name, age)
             SELECT $1, i.email, i.name, i.age
             FROM unnest($2::text[], $3::text[], $4::int4[]) AS i (email, name, age)
             ON CONFLICT (account_id, email)
             DO UPDATE SET name = excluded.name, age = excluded.age, updated_at = now()"
        }
        Action::Delete => {
            "DELETE FROM contacts c
             USING unnest($2::text[], $3::text[], $4::int4[]) AS i (email, name, age)
             WHERE c.account_id = $1 AND c.email = i.email"
        }
    };
    sqlx::query(statement)
        .bind(ACCOUNT)
        .bind(&batch.emails)
        .bind(&batch.names)
        .bind(&batch.ages)
        .execute(connection)
        .await?;
    Ok(())
}
