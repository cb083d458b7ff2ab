//! Fields of a record, written straight to their place in the block of the run hash.

use core::mem;

use rust_decimal::Decimal;

use crate::types::{Label, Money, OrderId, Timestamp};

/// Room for a record in the making: its fields go one behind the other. Where their lengths are
/// known, every place is a constant once this is inlined.
pub(super) struct Fields<'a> {
    rest: &'a mut [u8],
}

/// The most bytes that a label takes, its length included.
pub(super) const LABEL: usize = size_of::<Label>();

impl<'a> Fields<'a> {
    #[inline(always)]
    pub(super) const fn new(room: &'a mut [u8]) -> Self {
        Self { rest: room }
    }

    /// How many bytes are not written.
    #[inline(always)]
    pub(super) const fn left(&self) -> usize {
        self.rest.len()
    }

    /// The next field.
    #[inline(always)]
    pub(super) fn put<const N: usize>(&mut self, field: [u8; N]) -> &mut Self {
        match mem::take(&mut self.rest).split_first_chunk_mut() {
            Some((place, rest)) => {
                *place = field;
                self.rest = rest;
            }
            None => debug_assert!(false, "a record has room for all of its fields"),
        }
        self
    }

    #[inline(always)]
    pub(super) fn at(&mut self, at: Timestamp) -> &mut Self {
        self.put(at.nanos().to_le_bytes())
    }

    #[inline(always)]
    pub(super) fn u8(&mut self, value: u8) -> &mut Self {
        self.put([value])
    }

    #[inline(always)]
    pub(super) fn u32(&mut self, value: u32) -> &mut Self {
        self.put(value.to_le_bytes())
    }

    #[inline(always)]
    pub(super) fn u64(&mut self, value: u64) -> &mut Self {
        self.put(value.to_le_bytes())
    }

    #[inline(always)]
    pub(super) fn f64(&mut self, value: f64) -> &mut Self {
        self.u64(value.to_bits())
    }

    #[inline(always)]
    pub(super) fn decimal(&mut self, value: Decimal) -> &mut Self {
        self.put(value.serialize())
    }

    #[inline(always)]
    pub(super) fn money(&mut self, money: &Money) -> &mut Self {
        self.decimal(money.amount).u32(u32::from(money.asset.0))
    }

    #[inline(always)]
    pub(super) fn id(&mut self, id: OrderId) -> &mut Self {
        self.u32(id.epoch()).u32(u32::from(id.slot().0)).u64(id.sequence())
    }

    /// A label with its length; mostly it is empty.
    #[inline(always)]
    pub(super) fn label(&mut self, label: &Label) -> &mut Self {
        if label.is_empty() { self.u8(0) } else { self.text(label.as_bytes()) }
    }

    #[inline(never)]
    fn text(&mut self, text: &[u8]) -> &mut Self {
        self.u8(text.len() as u8);
        match mem::take(&mut self.rest).split_at_mut_checked(text.len()) {
            Some((place, rest)) => {
                place.copy_from_slice(text);
                self.rest = rest;
            }
            None => debug_assert!(false, "a record has room for all of its fields"),
        }
        self
    }
}
