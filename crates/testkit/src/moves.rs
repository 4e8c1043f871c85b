//! Checks the SQL against the state machines. A trigger in every test database records each change of a status, and at
//! the end of the test the recorded changes are compared with the allowed moves of both machines.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::PgPool;

const ACTIONS: &str = include_str!("../../core/src/action/moves.txt");
const CHUNKS: &str = include_str!("../../core/src/chunk/moves.txt");

/// Applied to every test database. A change is recorded in its own transaction, so a rolled back one is not recorded.
/// There is no unique key, since it would make independent transactions wait for one another.
pub(crate) const OBSERVE: &str = "
    CREATE TABLE observed_moves (machine text NOT NULL, old_status text NOT NULL, new_status text NOT NULL);
    CREATE FUNCTION observe_move() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        INSERT INTO public.observed_moves VALUES (TG_TABLE_NAME, OLD.status, NEW.status);
        RETURN NULL;
    END $$;
    CREATE TRIGGER observe_move AFTER UPDATE ON bulk_actions FOR EACH ROW
        WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION observe_move();
    CREATE TRIGGER observe_move AFTER UPDATE ON bulk_action_chunks FOR EACH ROW
        WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION observe_move();";

/// The recorded moves that are not allowed, each as a sentence.
pub(crate) async fn undrawn_moves(pool: &PgPool) -> sqlx::Result<Vec<String>> {
    let observed: Vec<(String, String, String)> =
        sqlx::query_as("SELECT DISTINCT machine, old_status, new_status FROM observed_moves")
            .fetch_all(pool)
            .await?;
    let drawn = BTreeMap::from([("bulk_actions", drawn(ACTIONS)), ("bulk_action_chunks", drawn(CHUNKS))]);
    let undrawn = observed.into_iter().filter(|(machine, from, to)| {
        !drawn.get(machine.as_str()).is_some_and(|moves| moves.contains(&(from.as_str(), to.as_str())))
    });
    Ok(undrawn.map(|(machine, from, to)| format!("{machine}.status went from {from} to {to}")).collect())
}

fn drawn(text: &str) -> BTreeSet<(&str, &str)> {
    let lines =
        text.lines().filter_map(|line| line.split_once(':')).filter(|(from, _)| !from.starts_with('#'));
    lines.flat_map(|(from, followers)| followers.split_whitespace().map(move |to| (from, to))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_drawings_are_read() {
        assert!(
            drawn(ACTIONS).contains(&("failed", "processing"))
                && !drawn(ACTIONS).contains(&("failed", "queued"))
        );
        assert!(
            drawn(CHUNKS).contains(&("running", "done")) && !drawn(CHUNKS).contains(&("pending", "done"))
        );
    }
}
