//! Keys of all objects. An account id matches `[A-Za-z0-9_-]+` and the other parts are numbers and UUIDs, so no key can
//! point outside its account's prefix.

use uuid::Uuid;

use crate::chunk::ChunkId;

const SHEET: &str = "sheet.csv";
const WORKBOOK: &str = "workbook.xlsx";

/// Prefix of all objects of an account.
#[must_use]
pub fn account_prefix(account: &str) -> String {
    format!("accounts/{account}/")
}

/// Prefix of all objects of an action.
#[must_use]
pub fn action_prefix(account: &str, action_id: Uuid) -> String {
    format!("{}actions/{action_id}/", account_prefix(account))
}

/// The uploaded file.
#[must_use]
pub fn raw(account: &str, action_id: Uuid) -> String {
    format!("{}raw.csv", action_prefix(account, action_id))
}

/// The text of a workbook's sheet, which is what the workers read if a workbook was uploaded.
#[must_use]
pub fn sheet(account: &str, action_id: Uuid) -> String {
    format!("{}{SHEET}", action_prefix(account, action_id))
}

/// Possible keys of the file that the workers read. Which of the two it is depends on the uploaded format.
#[must_use]
pub fn read(account: &str, action_id: Uuid) -> [String; 2] {
    [raw(account, action_id), sheet(account, action_id)]
}

/// Key of the uploaded file, given the key of the file that the workers read: a workbook is stored beside its sheet's
/// text.
#[must_use]
pub fn uploaded(file_key: &str) -> String {
    file_key.strip_suffix(SHEET).map_or_else(|| file_key.to_owned(), |folder| format!("{folder}{WORKBOOK}"))
}

/// The rows of a chunk.
#[must_use]
pub fn chunk(account: &str, chunk: ChunkId) -> String {
    let ChunkId { action_id, partition, seq } = chunk;
    format!("{}chunks/{partition:03}-{seq:06}.csv", action_prefix(account, action_id))
}

/// The outcomes of a chunk's rows, written by one attempt. The attempt is part of the key, so that a worker that lost
/// its lease cannot overwrite the valid results.
#[must_use]
pub fn results(account: &str, chunk: ChunkId, attempt: i32) -> String {
    let ChunkId { action_id, partition, seq } = chunk;
    format!("{}results/{partition:03}-{seq:06}-{attempt}.csv", action_prefix(account, action_id))
}

/// Kind of an object of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ObjectKind {
    /// The rows of a chunk.
    Chunk {
        /// Partition.
        partition: i16,
        /// Position in the partition.
        seq: i32,
    },
    /// The outcomes of a chunk's rows.
    Results {
        /// Partition of the chunk.
        partition: i16,
        /// Position of the chunk in the partition.
        seq: i32,
        /// Attempt that wrote them.
        attempt: i32,
    },
}

/// Parses a key made by [`chunk`] or [`results`]; `None` for the uploaded file and all other keys.
#[must_use]
pub fn kind(prefix: &str, key: &str) -> Option<ObjectKind> {
    let (folder, name) = key.strip_prefix(prefix)?.split_once('/')?;
    let (partition, rest) = name.strip_suffix(".csv")?.split_once('-')?;
    let partition = partition.parse().ok()?;
    match folder {
        "chunks" => Some(ObjectKind::Chunk { partition, seq: rest.parse().ok()? }),
        "results" => {
            let (seq, attempt) = rest.split_once('-')?;
            Some(ObjectKind::Results { partition, seq: seq.parse().ok()?, attempt: attempt.parse().ok()? })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_read_back_as_what_they_were_made_for() {
        let action_id = Uuid::now_v7();
        let prefix = action_prefix("acme", action_id);
        for (partition, seq, attempt) in [(0, 0, 1), (255, 999_999, 12), (1000, 1_000_000, i32::MAX)] {
            let id = ChunkId { action_id, partition, seq };
            assert_eq!(kind(&prefix, &chunk("acme", id)), Some(ObjectKind::Chunk { partition, seq }));
            let expected = ObjectKind::Results { partition, seq, attempt };
            assert_eq!(kind(&prefix, &results("acme", id, attempt)), Some(expected));
        }
        assert_eq!(uploaded(&sheet("acme", action_id)), format!("{prefix}workbook.xlsx"));
        assert_eq!(uploaded(&raw("acme", action_id)), raw("acme", action_id));
        for other in [
            raw("acme", action_id),
            sheet("acme", action_id),
            uploaded(&sheet("acme", action_id)),
            format!("{prefix}chunks/x-1.csv"),
            chunk("b", ChunkId { action_id, partition: 0, seq: 0 }),
        ] {
            assert_eq!(kind(&prefix, &other), None, "{other}");
        }
    }
}
