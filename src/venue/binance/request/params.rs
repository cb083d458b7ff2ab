use core::fmt::Write;

use rust_decimal::Decimal;

use crate::types::Timestamp;
use crate::venue::binance::text;

/// Parameters by name, their values one after the other in one text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Params {
    text: String,
    entries: Vec<Entry>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Entry {
    name: &'static str,
    end: usize,
    is_number: bool,
}

/// One parameter.
#[derive(Clone, Copy)]
pub(super) struct Param<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
    /// In JSON it stands without quotes.
    pub(super) is_number: bool,
}

impl Params {
    pub(super) fn clear(&mut self) {
        self.text.clear();
        self.entries.clear();
    }

    pub(super) fn text(&mut self, name: &'static str, value: &str) -> &mut Self {
        self.text.push_str(value);
        self.close(name, false)
    }

    /// What formats itself, such as an order's id.
    pub(super) fn display(
        &mut self,
        name: &'static str,
        value: &impl core::fmt::Display,
    ) -> &mut Self {
        // Writing to a string cannot fail.
        let _ = write!(self.text, "{value}");
        self.close(name, false)
    }

    pub(super) fn decimal(&mut self, name: &'static str, value: Option<Decimal>) -> &mut Self {
        match value {
            Some(value) => self.display(name, &value.normalize()),
            None => self,
        }
    }

    pub(super) fn number(&mut self, name: &'static str, value: impl Into<i128>) -> &mut Self {
        let value: i128 = value.into();
        let _ = write!(self.text, "{value}");
        self.close(name, true)
    }

    /// Milliseconds since 1970.
    pub(super) fn time(&mut self, name: &'static str, at: Timestamp) -> &mut Self {
        self.number(name, at.millis())
    }

    fn close(&mut self, name: &'static str, is_number: bool) -> &mut Self {
        self.entries.push(Entry { name, end: self.text.len(), is_number });
        self
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = Param<'_>> + Clone {
        let mut start = 0;
        self.entries.iter().map(move |entry| {
            let value = self.text.get(start..entry.end).unwrap_or_default();
            start = entry.end;
            Param { name: entry.name, value, is_number: entry.is_number }
        })
    }

    pub(super) fn write_query(&self, out: &mut String) {
        for (index, param) in self.iter().enumerate() {
            if index > 0 {
                out.push('&');
            }
            out.push_str(param.name);
            out.push('=');
            text::percent(param.value.as_bytes(), out);
        }
    }
}

/// Parameters in order of their names, which differ, without an allocation.
pub(super) fn sorted<'a>(
    params: impl Iterator<Item = Param<'a>> + Clone,
) -> impl Iterator<Item = Param<'a>> {
    let mut last = "";
    core::iter::from_fn(move || {
        let rest = params.clone().filter(|param| param.name > last);
        let next = rest.min_by_key(|param| param.name)?;
        last = next.name;
        Some(next)
    })
}
