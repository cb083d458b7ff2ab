//! Bytes that are nearly right, so that a fuzzer comes past the first check of a format.

/// What the first byte asks for: the rest as it is, or `valid` with some bytes overwritten. An edit
/// takes four bytes: three for the place, one for the value.
pub fn raw_or_edited(valid: &[u8], bytes: &[u8]) -> Vec<u8> {
    match bytes.split_first() {
        Some((0, rest)) => rest.to_vec(),
        Some((_, edits)) => edited(valid, edits),
        None => Vec::new(),
    }
}

fn edited(valid: &[u8], edits: &[u8]) -> Vec<u8> {
    let mut bytes = valid.to_vec();
    for edit in edits.chunks_exact(4) {
        let place = u32::from_le_bytes([edit[0], edit[1], edit[2], 0]) as usize;
        if let Some(place) = place.checked_rem(bytes.len()) {
            bytes[place] = edit[3];
        }
    }
    bytes
}
