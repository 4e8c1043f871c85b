//! Usage and quotas of an account: stored bytes and open actions.
//!
//! The bytes are a number in the account's row, changed in the transactions that record an object and its removal. That
//! row is locked last, after the action's, so that transactions cannot deadlock.

use sqlx::{PgConnection, PgPool};
use thiserror::Error;

/// Quotas of an account; `None` means no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Quotas {
    /// Unfinished actions.
    pub max_open_actions: Option<u64>,
    /// Bytes of files, chunks and results.
    pub max_stored_bytes: Option<u64>,
}

/// The quota that a new action would exceed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum QuotaExceeded {
    /// Too many unfinished actions.
    #[error(
        "{used} actions of this account are unfinished, and no more than {allowed} may be: wait until one has ended, or \
         cancel one"
    )]
    OpenActions {
        /// Unfinished actions now.
        used: u64,
        /// Maximum.
        allowed: u64,
    },
    /// Too many bytes.
    #[error(
        "the files and results of this account take {used} of the {allowed} bytes that they may take, and this file does not \
         fit: delete finished actions that are not needed any more (DELETE /bulk-actions/{{id}})"
    )]
    StoredBytes {
        /// Bytes stored now.
        used: u64,
        /// Maximum.
        allowed: u64,
    },
}

/// Checks whether the account may add another action, as far as that is known before the file arrives. Returns the
/// maximum size of the file.
///
/// # Errors
/// If the database is unreachable or refuses the statement.
pub async fn room_for_upload(
    pool: &PgPool,
    account: &str,
    quotas: &Quotas,
) -> sqlx::Result<Result<u64, QuotaExceeded>> {
    if *quotas == Quotas::default() {
        return Ok(Ok(u64::MAX));
    }
    let usage = sqlx::query!(
        r#"SELECT coalesce((SELECT stored_bytes FROM account_usage WHERE account_id = $1), 0) AS "stored_bytes!",
               (SELECT count(*) FROM bulk_actions WHERE account_id = $1 AND completed_at IS NULL) AS "open!""#,
        account,
    )
    .fetch_one(pool)
    .await?;
    let (stored, open) = (unsigned(usage.stored_bytes), unsigned(usage.open));
    Ok(quotas.room(stored, open))
}

impl Quotas {
    /// Bytes left for one more action.
    fn room(&self, stored: u64, open: u64) -> Result<u64, QuotaExceeded> {
        if let Some(allowed) = self.max_open_actions
            && open >= allowed
        {
            return Err(QuotaExceeded::OpenActions { used: open, allowed });
        }
        match self.max_stored_bytes {
            Some(allowed) if stored >= allowed => Err(QuotaExceeded::StoredBytes { used: stored, allowed }),
            Some(allowed) => Ok(allowed - stored),
            None => Ok(u64::MAX),
        }
    }

    /// The quota that a file of `bytes` exceeds, given `stored` bytes and `open` actions without it.
    fn exceeded_by(&self, bytes: u64, stored: u64, open: u64) -> Option<QuotaExceeded> {
        match self.room(stored, open) {
            Err(exceeded) => Some(exceeded),
            Ok(room) if bytes > room => {
                self.max_stored_bytes.map(|allowed| QuotaExceeded::StoredBytes { used: stored, allowed })
            }
            Ok(_) => None,
        }
    }
}

/// Counts the file of a new action that the transaction has inserted, and returns the exceeded quota, if any; the
/// caller then rolls back. Locks the account's row, so of two concurrent uploads the second sees the first.
pub(super) async fn take_room(
    conn: &mut PgConnection,
    account: &str,
    file_bytes: i64,
    quotas: &Quotas,
) -> sqlx::Result<Option<QuotaExceeded>> {
    let stored = store_bytes(&mut *conn, account, file_bytes).await? - file_bytes;
    let mut open = 0;
    if quotas.max_open_actions.is_some() {
        let counted = sqlx::query_scalar!(
            r#"SELECT count(*) AS "open!" FROM bulk_actions WHERE account_id = $1 AND completed_at IS NULL"#,
            account,
        );
        open = counted.fetch_one(conn).await? - 1;
    }
    Ok(quotas.exceeded_by(unsigned(file_bytes), unsigned(stored), unsigned(open)))
}

/// Adds stored bytes to an account, and returns its total.
pub(super) async fn store_bytes(conn: &mut PgConnection, account: &str, bytes: i64) -> sqlx::Result<i64> {
    sqlx::query_scalar!(
        "INSERT INTO account_usage AS u (account_id, stored_bytes) VALUES ($1, $2)
         ON CONFLICT (account_id) DO UPDATE SET stored_bytes = u.stored_bytes + excluded.stored_bytes
         RETURNING stored_bytes",
        account,
        bytes,
    )
    .fetch_one(conn)
    .await
}

/// Subtracts removed bytes. Does nothing if the account has been erased.
pub(super) async fn free_bytes(conn: &mut PgConnection, account: &str, bytes: i64) -> sqlx::Result<()> {
    sqlx::query!(
        "UPDATE account_usage SET stored_bytes = stored_bytes - $2 WHERE account_id = $1",
        account,
        bytes
    )
    .execute(conn)
    .await?;
    Ok(())
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_reached_not_passed() {
        let quotas = Quotas { max_open_actions: Some(2), max_stored_bytes: Some(100) };
        assert_eq!(quotas.exceeded_by(40, 60, 1), None, "the last action and the last byte");
        assert_eq!(
            quotas.exceeded_by(41, 60, 1),
            Some(QuotaExceeded::StoredBytes { used: 60, allowed: 100 })
        );
        assert_eq!(quotas.exceeded_by(1, 0, 2), Some(QuotaExceeded::OpenActions { used: 2, allowed: 2 }));
        assert_eq!(quotas.room(100, 0), Err(QuotaExceeded::StoredBytes { used: 100, allowed: 100 }));
        assert_eq!(Quotas::default().exceeded_by(u64::MAX, u64::MAX, u64::MAX), None);
    }

    #[test]
    fn a_refusal_says_what_is_used_and_what_helps() {
        let refused = QuotaExceeded::StoredBytes { used: 60, allowed: 100 }.to_string();
        assert!(
            refused.contains("60 of the 100 bytes") && refused.contains("DELETE /bulk-actions/{id}"),
            "{refused}"
        );
    }
}
