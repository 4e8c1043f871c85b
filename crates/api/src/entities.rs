//! Startup check of the entities: their declarations are valid and match the database.

use std::io::Write as _;
use std::path::Path;

use bulk_core::config::Settings;
use bulk_core::entity::{Entities, Problem, catalog};
use sqlx::{Connection as _, PgConnection, PgPool};
use thiserror::Error;

/// Reason why entities cannot be offered.
#[derive(Debug, Error)]
pub enum EntitiesError {
    /// Declarations are invalid or do not match the database.
    #[error("{} wrong with the entities:\n{}", counted(.0.len()), list(.0))]
    Wrong(Vec<Problem>),
    /// The query failed.
    #[error("the database cannot be asked about the entities: {0}")]
    Database(#[from] sqlx::Error),
    /// No database URL is set.
    #[error("DATABASE_URL is not set")]
    NoDatabase,
    /// The output could not be written.
    #[error(transparent)]
    Output(#[from] std::io::Error),
}

fn counted(problems: usize) -> String {
    if problems == 1 { "1 thing is".to_owned() } else { format!("{problems} things are") }
}

fn list(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// Compares every entity with the database.
pub(crate) async fn check_entities(pool: &PgPool, entities: &Entities) -> Result<(), EntitiesError> {
    check(&mut *pool.acquire().await?, entities).await
}

async fn check(conn: &mut PgConnection, entities: &Entities) -> Result<(), EntitiesError> {
    let mut problems = Vec::new();
    for entity in entities.all() {
        problems.extend(catalog::check(&mut *conn, entity).await?);
    }
    if problems.is_empty() { Ok(()) } else { Err(EntitiesError::Wrong(problems)) }
}

/// The command `api entities check`: only compares and changes nothing. Needs no settings but `DATABASE_URL` and
/// `ENTITIES_DIR`.
///
/// # Errors
/// [`EntitiesError`] with all problems.
pub async fn check_command(settings: &Settings) -> Result<(), EntitiesError> {
    let directory = settings.get("ENTITIES_DIR").filter(|directory| !directory.is_empty());
    let entities = Entities::load(directory.map(Path::new)).map_err(EntitiesError::Wrong)?;
    let url = settings.get("DATABASE_URL").ok_or(EntitiesError::NoDatabase)?;
    let mut conn = PgConnection::connect(url).await?;
    let checked = check(&mut conn, &entities).await;
    conn.close().await?;
    checked?;
    let mut output = std::io::stdout().lock();
    for entity in entities.all() {
        writeln!(output, "{}: {} is as {} says", entity.name(), entity.table_sql(), entity.source().file)?;
    }
    Ok(())
}
