//! The form of recordings on disk: a name, then each record as length, MessagePack bytes and
//! their checksum.

use std::io::{self, Write};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// The largest record that a reader accepts: a book of some ten thousand levels.
const MOST_BYTES: u32 = 1 << 24;

/// Writes one record; `buffer` is room that is used again.
pub(super) fn write_one(
    mut to: impl Write,
    buffer: &mut Vec<u8>,
    record: &impl Serialize,
) -> io::Result<()> {
    buffer.clear();
    buffer.extend_from_slice(&[0; 4]);
    rmp_serde::encode::write(buffer, record).map_err(io::Error::other)?;
    let length = u32::try_from(buffer.len() - 4).map_err(io::Error::other)?;
    let sum = checksum(buffer.get(4..).unwrap_or_default());
    if let Some(head) = buffer.first_chunk_mut::<4>() {
        *head = length.to_le_bytes();
    }
    buffer.extend_from_slice(&sum.to_le_bytes());
    // In one piece, so that a process that is killed leaves whole records.
    to.write_all(buffer)
}

/// What stands at the head of the bytes.
pub(super) enum First<'a, T> {
    /// A record, and what comes after it.
    Record(T, &'a [u8]),
    /// A record of which the end was never written.
    Torn,
    /// No record.
    Damaged,
}

/// Reads the first record.
pub(super) fn read_one<T: DeserializeOwned>(bytes: &[u8]) -> First<'_, T> {
    let Some((length, rest)) = bytes.split_first_chunk::<4>() else { return First::Torn };
    let length = u32::from_le_bytes(*length);
    if length > MOST_BYTES {
        return First::Damaged;
    }
    let Some((body, rest)) = rest.split_at_checked(length as usize) else { return First::Torn };
    let Some((sum, rest)) = rest.split_first_chunk::<8>() else { return First::Torn };
    if u64::from_le_bytes(*sum) != checksum(body) {
        return First::Damaged;
    }
    match rmp_serde::from_slice(body) {
        Ok(record) => First::Record(record, rest),
        Err(_) => First::Damaged,
    }
}

fn checksum(body: &[u8]) -> u64 {
    twox_hash::xxhash3_128::Hasher::oneshot(body) as u64
}
