//! What Redis holds of one account: the buckets of its limits. Jobs name no account, and end by themselves once their action
//! is gone.

use redis::RedisError;

use super::Queue;

/// Keys looked at in one step.
const KEYS_PER_SCAN: usize = 1000;

impl Queue {
    /// Removes every key of an account, and says how many there were.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn remove_account_keys(&self, account: &str) -> Result<usize, RedisError> {
        let keys = self.account_keys(account).await?;
        if !keys.is_empty() {
            redis::cmd("UNLINK").arg(&keys).query_async::<()>(&mut self.connection()).await?;
        }
        Ok(keys.len())
    }

    /// The keys of an account: its id is in braces in all of them, so that a cluster keeps them together.
    ///
    /// # Errors
    /// When Redis is away.
    pub async fn account_keys(&self, account: &str) -> Result<Vec<String>, RedisError> {
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
