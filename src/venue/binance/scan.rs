use crate::types::BookLevel;
use crate::venue::read::{eight_digits, plain};

/// A place in a frame of JSON that is written as Binance writes its streams: without white space,
/// texts of plain ASCII, whole numbers, and names of one letter that come once.
///
/// Every step gives nothing where the frame is not so, which says nothing about the frame: then
/// it is read with all of JSON in mind.
#[derive(Debug)]
pub(super) struct Scan<'a> {
    rest: &'a [u8],
}

/// Stands for the name `pu`, the only one of two letters that means something.
pub(super) const PU: u8 = b'[';
/// Stands for every other name that is longer than a letter, and means nothing.
pub(super) const OTHER: u8 = 0;

impl<'a> Scan<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(super) const fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    pub(super) fn is_before(&self, text: &[u8]) -> bool {
        self.rest.starts_with(text)
    }

    /// Goes past exactly these bytes.
    #[inline]
    pub(super) fn eat(&mut self, text: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(text)?;
        Some(())
    }

    /// Goes through an object and lets `take` read the value behind each name.
    #[inline]
    pub(super) fn object(
        &mut self,
        mut take: impl FnMut(&mut Self, u8) -> Option<()>,
    ) -> Option<()> {
        let mut seen = 0_u64;
        self.eat(b"{")?;
        loop {
            let letter = self.name()?;
            if letter != OTHER {
                // Letters and what stands for `pu` differ in their lower six bits.
                let bit = 1 << (letter & 63);
                if seen & bit != 0 {
                    return None;
                }
                seen |= bit;
            }
            take(self, letter)?;
            match self.byte()? {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    #[inline]
    fn name(&mut self) -> Option<u8> {
        if let [b'"', letter, b'"', b':', rest @ ..] = self.rest {
            self.rest = rest;
            return letter.is_ascii_alphabetic().then_some(*letter);
        }
        let name = self.text()?;
        self.eat(b":")?;
        match name {
            b"pu" => Some(PU),
            // These make another kind of frame.
            b"id" | b"event" => None,
            _ => Some(OTHER),
        }
    }

    /// Goes past a text, and gives what is between its quotes.
    #[inline]
    pub(super) fn text(&mut self) -> Option<&'a [u8]> {
        let inside = self.rest.strip_prefix(b"\"")?;
        let text = inside.get(..plain_length(inside)?)?;
        self.rest = inside.get(text.len() + 1..)?;
        Some(text)
    }

    /// A text that is a plain decimal.
    #[inline]
    pub(super) fn decimal(&mut self) -> Option<f64> {
        plain(self.text()?)
    }

    /// A whole number of zero or more.
    #[inline]
    pub(super) fn number(&mut self) -> Option<u64> {
        let digits = self.digits()?;
        // Times and ids have many digits: the first eight are read at once.
        let (begin, rest) = match digits.split_first_chunk::<8>() {
            Some((eight, rest)) => (eight_digits(*eight)?, rest),
            None => (0, digits),
        };
        Some(rest.iter().fold(begin, |value, digit| value * 10 + u64::from(digit & 15)))
    }

    /// The digits of a whole number, as JSON has it, that an `u64` holds.
    #[inline]
    fn digits(&mut self) -> Option<&'a [u8]> {
        let length = self.rest.iter().position(|byte| !byte.is_ascii_digit())?;
        let (digits, rest) = self.rest.split_at_checked(length)?;
        let has_zeros_before = length > 1 && digits.first() == Some(&b'0');
        if length == 0 || length > MOST_DIGITS || has_zeros_before {
            return None;
        }
        self.rest = rest;
        Some(digits)
    }

    #[inline]
    pub(super) fn flag(&mut self) -> Option<bool> {
        match self.eat(b"true") {
            Some(()) => Some(true),
            None => self.eat(b"false").map(|()| false),
        }
    }

    /// Goes past a text, a whole number or a flag that nobody asked for.
    #[inline]
    pub(super) fn skip(&mut self) -> Option<()> {
        match self.rest.first()? {
            b'"' => self.text().map(|_| ()),
            b't' | b'f' => self.flag().map(|_| ()),
            _ => self.digits().map(|_| ()),
        }
    }

    /// Levels of a book: each a price above zero and a quantity of zero or more.
    pub(super) fn levels(&mut self) -> Option<Vec<BookLevel>> {
        self.eat(b"[")?;
        if self.eat(b"]").is_some() {
            return Some(Vec::new());
        }
        let mut levels = Vec::with_capacity(FEW_LEVELS);
        loop {
            self.eat(b"[")?;
            let price = self.decimal().filter(|price| *price > 0.0)?;
            self.eat(b",")?;
            let quantity = self.decimal()?;
            self.eat(b"]")?;
            levels.push(BookLevel { price, quantity });
            match self.byte()? {
                b',' => {}
                b']' => return Some(levels),
                _ => return None,
            }
        }
    }
}

/// So many digits are no more than an `u64` holds.
const MOST_DIGITS: usize = 18;
/// Most changes of a book within 100 ms have no more levels on a side.
const FEW_LEVELS: usize = 8;

/// How long a text is whose inside begins here, eight bytes at a time; none when something other
/// than plain ASCII comes before its closing quote.
#[inline]
fn plain_length(inside: &[u8]) -> Option<usize> {
    let (words, rest) = inside.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let stops = stops(u64::from_le_bytes(*word));
        if stops != 0 {
            let length = index * 8 + stops.trailing_zeros() as usize / 8;
            return (inside.get(length) == Some(&b'"')).then_some(length);
        }
    }
    let length = rest.iter().position(|byte| !is_plain(*byte))?;
    (rest.get(length) == Some(&b'"')).then_some(words.len() * 8 + length)
}

const fn is_plain(byte: u8) -> bool {
    byte >= b' ' && byte < 0x80 && byte != b'"' && byte != b'\\'
}

/// The upper bit of every byte that is not plain. Only the lowest one is to be trusted: the
/// subtractions borrow from the bytes above it.
#[inline]
const fn stops(word: u64) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const UPPER: u64 = ONES * 0x80;
    let quotes = word ^ (ONES * b'"' as u64);
    let escapes = word ^ (ONES * b'\\' as u64);
    let quotes = quotes.wrapping_sub(ONES) & !quotes;
    let escapes = escapes.wrapping_sub(ONES) & !escapes;
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | escapes | controls | word) & UPPER
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn texts_end_at_their_quote_or_at_what_is_not_plain(
            bytes in prop::collection::vec(prop_oneof![4 => b'0'..=b'9', 1 => any::<u8>()], 0..40),
        ) {
            let stop = bytes.iter().position(|byte| !is_plain(*byte));
            let expected = stop.filter(|stop| bytes[*stop] == b'"');
            prop_assert_eq!(plain_length(&bytes), expected);
        }

        #[test]
        fn numbers_are_read_as_json_has_them(text in "[0-9]{0,20}") {
            // In a frame something always stands behind a number.
            let read = Scan::new(format!("{text},").as_bytes()).number();
            if let Some(read) = read {
                prop_assert_eq!(serde_json::from_str::<u64>(&text).ok(), Some(read));
            }
            let is_canonical = text == "0" || !text.starts_with('0');
            let is_plain = (1..=18).contains(&text.len()) && is_canonical;
            prop_assert_eq!(read.is_some(), is_plain);
        }
    }

    #[test]
    fn names_that_come_twice_are_left() {
        let count = |text: &str| {
            let mut names = Vec::new();
            let read = Scan::new(text.as_bytes()).object(|scan, name| {
                names.push(name);
                scan.skip()
            });
            read.map(|()| names)
        };
        assert_eq!(count(r#"{"a":1,"A":"x","pu":2,"st":true}"#), Some(vec![b'a', b'A', PU, OTHER]));
        assert_eq!(count(r#"{"p":1,"pu":2,"Z":3,"z":4}"#), Some(vec![b'p', PU, b'Z', b'z']));
        for text in [r#"{"a":1,"a":2}"#, r#"{"pu":1,"pu":2}"#, r#"{"id":1}"#, "{}", r#"{"a":1"#] {
            assert_eq!(count(text), None, "{text}");
        }
    }
}
