//! Keys of an account in Redis: its rate-limit buckets. Jobs do not name an account, and end by themselves after their
//! action is deleted.

use redis::RedisError;

use super::Queue;

/// Keys examined per SCAN.
const KEYS_PER_SCAN: usize = 1000;

impl Queue {
    /// Deletes every key of an account, and returns how many there were.
    ///
    /// # Errors
    /// If Redis is unavailable.
    pub(crate) async fn remove_account_keys(&self, account: &str) -> Result<usize, RedisError> {
        let keys = self.account_keys(account).await?;
        if !keys.is_empty() {
            redis::cmd("UNLINK").arg(&keys).query_async::<()>(&mut self.connection()).await?;
        }
        Ok(keys.len())
    }

    /// The keys of an account. Each contains the account id in braces, so that a cluster keeps them together.
    ///
    /// # Errors
    /// If Redis is unavailable.
    pub(crate) async fn account_keys(&self, account: &str) -> Result<Vec<String>, RedisError> {
        let pattern = format!("{}:*{{{account}}}*", self.key_prefix);
        let (mut cursor, mut found) = (0_u64, Vec::new());
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(KEYS_PER_SCAN);
            let (next, keys): (u64, Vec<String>) = scan.query_async(&mut self.connection()).await?;
            found.extend(keys);
            cursor = next;
            if cursor == 0 {
                return Ok(found);
            }
        }
    }
}
