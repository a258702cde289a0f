//! Free ports on loopback.

use std::{
    collections::HashSet,
    hash::{BuildHasher, RandomState},
    net::TcpListener,
};

use anyhow::{Result, bail};

/// Below the range from which systems take the ports of outgoing connections (from 32768 on Linux, 49152 elsewhere), so
/// that a server finds its port free again after a restart.
const RANGE: std::ops::Range<u16> = 20000..32000;

/// `count` different ports on which nothing listens now. Someone may take one before the server does: who starts a
/// server tries again with others when it ends at once.
pub fn free(count: usize) -> Result<Vec<u16>> {
    let width = u64::from(RANGE.end - RANGE.start);
    let mut found = HashSet::new();
    // A random place to begin keeps two tasks that start at the same moment apart.
    for attempt in 0..1000_u32 {
        if found.len() == count {
            return Ok(found.into_iter().collect());
        }
        let offset = RandomState::new().hash_one(attempt) % width;
        let port = RANGE.start + u16::try_from(offset).expect("the range is narrower than 65536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            found.insert(port);
        }
    }
    bail!("fewer than {count} free ports between {} and {}", RANGE.start, RANGE.end)
}
