/// A plain decimal as an `f64`: digits with at most one point, few enough that one division
/// rounds as the text itself would. None for every other text, numbers among them.
///
/// A whole number below 2^53 and a power of ten up to 10^22 are exact in an `f64`, so that their
/// quotient is the nearest one to the decimal (W. D. Clinger, 1990, "How to read floating point
/// numbers accurately").
///
/// ```text
/// "61826.01000000" = 6_182_601_000_000 / 10^8
/// ```
#[inline]
pub(in crate::venue) fn plain(text: &[u8]) -> Option<f64> {
    if text.len() > MOST_DIGITS + 1 {
        return None;
    }
    let (mut mantissa, mut length) = (0, 0);
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        mantissa = mantissa * 10 + u64::from(digit);
        length += 1;
    }
    let fraction = match text.get(length..)? {
        [] => &[][..],
        [b'.', fraction @ ..] => fraction,
        _ => return None,
    };
    let count = length + fraction.len();
    if count == 0 || count > MOST_DIGITS {
        return None;
    }
    // Venues write eight decimals: those are read at once.
    let (eight, rest) = match fraction.split_first_chunk::<8>() {
        Some((eight, rest)) => (Some(eight), rest),
        None => (None, fraction),
    };
    if let Some(eight) = eight {
        mantissa = mantissa * 100_000_000 + eight_digits(*eight)?;
    }
    mantissa = digits(mantissa, rest)?;
    if mantissa > MOST_EXACT {
        return None;
    }
    Some(mantissa as f64 / *POWERS.get(fraction.len())?)
}

/// So many digits are no more than an `u64` holds.
const MOST_DIGITS: usize = 18;
/// Every whole number up to this one is exact in an `f64`.
const MOST_EXACT: u64 = 1 << 53;
const POWERS: [f64; MOST_DIGITS + 1] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18,
];

#[inline]
fn digits(mut value: u64, text: &[u8]) -> Option<u64> {
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + u64::from(digit);
    }
    Some(value)
}

/// Eight digits in three multiplications (D. Lemire, 2022, "Quickly parsing eight digits").
#[inline]
pub(in crate::venue) fn eight_digits(text: [u8; 8]) -> Option<u64> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGH: u64 = 0xf0f0_f0f0_f0f0_f0f0;
    let word = u64::from_le_bytes(text);
    // A digit has 3 in its upper half, and has it still when six are added.
    let above = word.wrapping_add(0x0606_0606_0606_0606);
    if word & HIGH != ZEROS || above & HIGH != ZEROS {
        return None;
    }
    let pairs = word.wrapping_sub(ZEROS);
    let pairs = pairs.wrapping_mul(10).wrapping_add(pairs >> 8);
    const MASK: u64 = 0x0000_00ff_0000_00ff;
    let upper = (pairs & MASK).wrapping_mul(0x000f_4240_0000_0064);
    let lower = ((pairs >> 16) & MASK).wrapping_mul(0x0000_2710_0000_0001);
    Some(upper.wrapping_add(lower) >> 32)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_is_what_the_standard_library_reads(
            text in "[0-9]{0,10}(\\.[0-9]{0,12})?",
        ) {
            let ours = plain(text.as_bytes());
            if let Some(ours) = ours {
                prop_assert_eq!(ours.to_bits(), text.parse::<f64>().unwrap().to_bits());
            }
            // Fifteen digits are always few enough.
            let count = text.bytes().filter(u8::is_ascii_digit).count();
            prop_assert!(ours.is_some() || count == 0 || count > 15, "{text} was left");
        }

        #[test]
        fn damaged_numbers_are_left_or_read_alike(
            text in "[0-9]{1,6}\\.[0-9]{6,9}",
            place in any::<prop::sample::Index>(),
            byte in 0_u8..128,
        ) {
            let mut bytes = text.into_bytes();
            let place = place.index(bytes.len());
            bytes[place] = byte;
            let text = core::str::from_utf8(&bytes).unwrap();
            if let Some(ours) = plain(&bytes) {
                prop_assert_eq!(Ok(ours.to_bits()), text.parse::<f64>().map(f64::to_bits));
            }
        }
    }

    #[test]
    fn the_bounds_of_what_is_exact() {
        let exact = (1_u64 << 53).to_string();
        assert_eq!(plain(exact.as_bytes()), Some(9_007_199_254_740_992.0));
        for text in ["9007199254740993", "", ".", "1.2.3", "-1", "+1", "1e5", "NaN", "inf", "1 "] {
            assert_eq!(plain(text.as_bytes()), None, "{text}");
        }
        assert_eq!(plain(b"61826.01000000"), Some(61_826.01));
        assert_eq!(plain(b"0.00009000"), Some(0.000_09));
    }
}
