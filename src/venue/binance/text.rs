//! Text of requests, written into a buffer that is used again and again.

use core::fmt::Write;

/// Lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8], out: &mut String) {
    for byte in bytes {
        out.push(digit(byte >> 4, b'a'));
        out.push(digit(byte & 15, b'a'));
    }
}

/// 64 hexadecimal digits of either case.
pub(super) fn read_hex(text: &str) -> Option<[u8; 32]> {
    let digits: &[u8; 64] = text.as_bytes().try_into().ok()?;
    let mut bytes = [0; 32];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        let value = |digit: u8| char::from(digit).to_digit(16);
        let &[high, low] = pair else { return None };
        *byte = u8::try_from(value(high)? * 16 + value(low)?).ok()?;
    }
    Some(bytes)
}

/// UTF-8 as RFC 3986 wants it in a query: all but `A-Z a-z 0-9 - _ . ~` as `%XX`.
pub(super) fn percent(bytes: &[u8], out: &mut String) {
    for &byte in bytes {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                out.push(char::from(byte));
            }
            _ => {
                out.push('%');
                out.push(digit(byte >> 4, b'A'));
                out.push(digit(byte & 15, b'A'));
            }
        }
    }
}

/// A string of JSON with its quotes.
pub(super) fn json(text: &str, out: &mut String) {
    out.push('"');
    for char in text.chars() {
        match char {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            control if control < ' ' => {
                let _ = write!(out, "\\u{:04x}", u32::from(control));
            }
            other => out.push(other),
        }
    }
    out.push('"');
}

const fn digit(value: u8, letter: u8) -> char {
    (if value < 10 { b'0' + value } else { letter + value - 10 }) as char
}
