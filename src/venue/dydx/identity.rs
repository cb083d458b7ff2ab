use crate::types::{OrderId, SlotId};

/// In the highest byte of the metadata of the engine's orders. Other programs write small numbers.
const MARK: u32 = 0x74;
/// Bits of an epoch that a client id holds.
pub(super) const EPOCH_BITS: u32 = 10;
/// Bits of an order's number that a client id holds.
pub(super) const NUMBER_BITS: u32 = 22;
/// Further bits of an epoch, and those of a slot, within the metadata.
const MORE_EPOCH_BITS: u32 = 8;
const SLOT_BITS: u32 = 16;

/// The metadata under which an order goes out, so that it is known again by whoever reads it from
/// the indexer, after a restart too: a mark, eight further bits of its epoch, and its slot. The
/// chain ignores the number. Zero for an epoch above 262,143, whose orders nobody knows again.
///
/// ```
/// use tradewright::types::{OrderId, SlotId};
/// use tradewright::venue::dydx::{client_metadata, own_order};
///
/// let order = OrderId::new(1_025, SlotId(3), 17);
/// let client = 1 << 22 | 17;
/// assert_eq!(own_order(client, client_metadata(order)), Some(order));
/// // 1 is what the venue's own programs write for a market order.
/// assert_eq!(own_order(client, 1), None);
/// ```
pub fn client_metadata(order: OrderId) -> u32 {
    let more = order.epoch() >> EPOCH_BITS;
    match more >> MORE_EPOCH_BITS {
        0 => MARK << 24 | more << SLOT_BITS | u32::from(order.slot().0),
        _ => 0,
    }
}

/// The engine's order behind a client id and a metadata of the chain; none for orders of other
/// programs.
pub fn own_order(client: u32, metadata: u32) -> Option<OrderId> {
    if metadata >> 24 != MARK {
        return None;
    }
    let slot = SlotId((metadata & 0xffff) as u16);
    let more = metadata >> SLOT_BITS & 0xff;
    let epoch = more << EPOCH_BITS | client >> NUMBER_BITS;
    let number = client & ((1 << NUMBER_BITS) - 1);
    Some(OrderId::new(epoch, slot, number.into()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_order_is_known_again(
            epoch in 0_u32..1 << 18,
            slot in any::<u16>(),
            number in 0_u64..1 << NUMBER_BITS,
        ) {
            let order = OrderId::new(epoch, SlotId(slot), number);
            let client = epoch << NUMBER_BITS | number as u32;
            prop_assert_eq!(own_order(client, client_metadata(order)), Some(order));
        }
    }

    #[test]
    fn strangers_are_nobodys() {
        for metadata in [0, 1, 4, u32::MAX, client_metadata(OrderId::new(1 << 18, SlotId(1), 1))] {
            assert_eq!(own_order(7, metadata), None, "{metadata}");
        }
    }
}
