//! Free ports on 127.0.0.1.

use std::io;
use std::net::{Ipv4Addr, TcpListener};

use anyhow::{Context as _, Result};
use fake::rand::{RngExt as _, rng};

/// Below the ranges for outgoing connections on Linux and macOS. Otherwise such a connection could take a port while
/// its owner restarts.
const RANGE: std::ops::Range<u16> = 10_000..32_000;

const TRIES: usize = 200;

/// True if nothing listens on the port now.
#[must_use]
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// A port that nothing listens on now. It is not reserved, so use it soon.
pub fn free_port() -> Result<u16> {
    let mut random = rng();
    std::iter::repeat_with(|| random.random_range(RANGE))
        .take(TRIES)
        .find(|port| is_free(*port))
        .ok_or_else(|| io::Error::from(io::ErrorKind::AddrNotAvailable))
        .context("no free port found on 127.0.0.1")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_in_use_is_not_free() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, free_port().unwrap())).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
        drop(listener);
        assert!(is_free(port));
    }
}
