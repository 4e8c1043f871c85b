//! A results object as a reader that holds two small pieces of it: the current one and the next one, which is fetched ahead.
//!
//! A download of a large action reads one object of each partition at a time. Holding these objects whole would cost
//! some 20 MiB for each client that stops reading.

use std::cell::RefCell;
use std::io::{self, Read};
use std::rc::Rc;

use bulk_core::storage::{ObjectStore, StorageError};
use bytes::{Buf as _, Bytes};
use tokio::runtime::Handle;
use tokio_util::task::AbortOnDropHandle;

/// Bytes of a piece. Smaller ones would cost more requests, each with its own delay.
const PIECE_BYTES: u64 = 128 * 1024;

/// The first error of storage among the readers that share it; their `io::Error` does not say what it was.
pub(super) type FirstFailure = Rc<RefCell<Option<StorageError>>>;

/// Reads an object. Blocks, so it belongs on a blocking thread of the runtime.
pub(super) struct Pieces {
    runtime: Handle,
    store: ObjectStore,
    key: String,
    piece: Bytes,
    /// The next piece and its first byte; `None` after the last.
    coming: Option<(u64, AbortOnDropHandle<Result<Bytes, StorageError>>)>,
    failure: FirstFailure,
}

impl Pieces {
    /// Starts fetching the first piece.
    pub(super) fn new(runtime: Handle, store: ObjectStore, key: String, failure: FirstFailure) -> Self {
        let mut pieces = Self { runtime, store, key, piece: Bytes::new(), coming: None, failure };
        pieces.fetch(0);
        pieces
    }

    fn fetch(&mut self, from: u64) {
        let (store, key) = (self.store.clone(), self.key.clone());
        let fetch = async move { store.get_piece(&key, from, PIECE_BYTES).await };
        self.coming = Some((from, AbortOnDropHandle::new(self.runtime.spawn(fetch))));
    }

    fn next_piece(&mut self) -> io::Result<()> {
        let Some((from, coming)) = self.coming.take() else { return Ok(()) };
        let fetched = self.runtime.block_on(coming).map_err(io::Error::other)?;
        self.piece = fetched.map_err(|error| {
            self.failure.borrow_mut().get_or_insert(error);
            io::Error::other("object storage")
        })?;
        // A short piece is the last.
        if self.piece.len() as u64 == PIECE_BYTES {
            self.fetch(from + PIECE_BYTES);
        }
        Ok(())
    }
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.piece.is_empty() {
            self.next_piece()?;
        }
        let length = self.piece.len().min(buffer.len());
        self.piece.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}
