//! Fingerprint of an import: the file's content and all of its options.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use xxhash_rust::xxh3::Xxh3;

const PIECE_BYTES: usize = 256 * 1024;

/// The idempotency key under which any number of uploads of this file with these fields become one action. It is 128
/// bits of XXH3 within one account: accidental collisions do not occur in practice, and against constructed ones the
/// service compares the payloads.
pub(crate) fn key(file: &Path, fields: &[(String, String)]) -> io::Result<String> {
    let mut hash = Xxh3::new();
    let mut file = File::open(file)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut size_bytes: u64 = 0;
    loop {
        let length = file.read(&mut piece)?;
        if length == 0 {
            break;
        }
        hash.update(&piece[..length]);
        size_bytes += length as u64;
    }
    hash.update(&size_bytes.to_le_bytes());
    let mut fields: Vec<_> = fields.iter().collect();
    fields.sort();
    for (name, value) in fields {
        for text in [name, value] {
            hash.update(&(text.len() as u64).to_le_bytes());
            hash.update(text.as_bytes());
        }
    }
    Ok(format!("bulk-{:032x}", hash.digest128()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_and_choices_make_the_key_and_their_order_does_not() {
        let directory = tempfile::tempdir().unwrap();
        let (one, other) = (directory.path().join("a.csv"), directory.path().join("b.csv"));
        std::fs::write(&one, "email\na@b.c\n").unwrap();
        std::fs::write(&other, "email\na@b.d\n").unwrap();
        let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let fields = [field("entityType", "contact"), field("dryRun", "true")];
        let reversed = [fields[1].clone(), fields[0].clone()];
        let first = key(&one, &fields).unwrap();
        assert_eq!(key(&one, &reversed).unwrap(), first);
        assert_ne!(key(&other, &fields).unwrap(), first);
        assert_ne!(key(&one, &fields[..1]).unwrap(), first);
        assert!(first.len() < 64 && first.bytes().all(|byte| byte.is_ascii_graphic()), "{first}");
    }
}
