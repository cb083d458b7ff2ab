use core::ops::Range;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::instruments::table_of;
use crate::account::{AdjustmentEffects, LedgerError, PnlCalculator};
use crate::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AssetId, Fill, FillReport, Funding, Instrument,
    InstrumentId, Instruments, Label, Leg, Liquidity, Money, OptionRight, OrderId, Price, Purpose,
    Qty, Side, SlotId, Timestamp, TradeId,
};

/// The table of [`money_events`]: BTC against USD, a perpetual of 0.01 BTC, an inverse one of 100
/// USD, an option on 10 BTC; BNB pays fees. The assets are BTC 0, USD 1, BNB 2.
pub fn money_table() -> Instruments {
    let option =
        Instrument::option("BTC-C", ["BTC", "USD"], (OptionRight::Call, "100"), Timestamp::MAX);
    let entries = [
        Instrument::spot("BTCUSD", "BTC", "USD"),
        Instrument::linear_perpetual("BTCPERP", "BTC", "USD").multiplier("0.01"),
        Instrument::inverse_perpetual("XBTUSD", "BTC", "USD").multiplier("100"),
        option.multiplier("10"),
    ];
    // Sound as they are written; the tests build it.
    let mut table = table_of(entries).unwrap_or_default();
    let _ = table.asset("BNB");
    table
}

/// One thing that moves money or a position, in whole units and prices of [`money_table`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MoneyEvent {
    /// An execution.
    Fill {
        /// Whose position.
        slot: u16,
        /// In what.
        instrument: usize,
        /// Signed units.
        quantity: i64,
        /// At what price.
        price: i64,
        /// Asset and hundredths of the fee.
        fee: (usize, i64),
    },
    /// A fill of slot 1 whose fee in BNB is worth three of the settlement currency each.
    Charged {
        /// In what.
        instrument: usize,
        /// Signed units.
        quantity: i64,
        /// At what price.
        price: i64,
        /// Hundredths of a BNB.
        fee: i64,
    },
    /// Funding on every position.
    Funding {
        /// On what.
        instrument: usize,
        /// Ten-thousandths.
        rate: i64,
        /// The price that values the positions.
        mark: i64,
    },
    /// USD come in or go out.
    Capital(i64),
    /// USD are earned or lost.
    Income(i64),
    /// A position is taken over or leaves.
    Position {
        /// Whose.
        slot: u16,
        /// In what.
        instrument: usize,
        /// Signed units.
        change: i64,
        /// What a unit is worth.
        price: i64,
    },
    /// Every position is closed at a price that moves cash.
    Settlement {
        /// Of what.
        instrument: usize,
        /// The price.
        price: i64,
    },
    /// A dividend.
    Dividend {
        /// Of what.
        instrument: usize,
        /// Hundredths for each unit.
        cents: i64,
    },
    /// Short positions pay for what they borrowed.
    BorrowFee {
        /// Of what.
        instrument: usize,
        /// The price that values the positions.
        price: i64,
        /// Ten-thousandths.
        rate: i64,
    },
    /// Every unit becomes two.
    Split {
        /// Of what.
        instrument: usize,
    },
}

/// Lists of money events: mostly fills of two slots, mixed with everything else that can happen
/// to an account. A fee in the base asset is not among them.
pub fn money_events(length: Range<usize>) -> impl Strategy<Value = Vec<MoneyEvent>> + Clone {
    use MoneyEvent as E;
    let signed = |range: Range<i64>| {
        (range, any::<bool>()).prop_map(|(size, is_buy)| if is_buy { size } else { -size })
    };
    let (any, price) = (0_usize..4, 20_i64..60);
    let event = prop_oneof![
        10 => (1_u16..3, any.clone(), signed(1..6), price.clone(), (0_usize..3, -2_i64..9))
            .prop_map(|(slot, instrument, quantity, price, (asset, fee))| {
                // Asset 0 is the base of instrument 0.
                let fee = (if instrument == 0 { asset.max(1) } else { asset }, fee);
                E::Fill { slot, instrument, quantity, price, fee }
            }),
        1 => (1_usize..3, -9_i64..9, price.clone())
            .prop_map(|(instrument, rate, mark)| E::Funding { instrument, rate, mark }),
        1 => signed(1..1_000).prop_map(E::Capital),
        1 => signed(1..1_000).prop_map(E::Income),
        1 => (1_u16..3, any.clone(), signed(1..6), price.clone()).prop_map(
            |(slot, instrument, change, price)| E::Position { slot, instrument, change, price }
        ),
        1 => (any.clone(), 1_i64..60)
            .prop_map(|(instrument, price)| E::Settlement { instrument, price }),
        1 => (any.clone(), 0_i64..200)
            .prop_map(|(instrument, cents)| E::Dividend { instrument, cents }),
        1 => (any.clone(), price.clone(), 0_i64..90)
            .prop_map(|(instrument, price, rate)| E::BorrowFee { instrument, price, rate }),
        2 => (any.clone(), signed(1..6), price, -2_i64..9).prop_map(
            |(instrument, quantity, price, fee)| E::Charged { instrument, quantity, price, fee }
        ),
        1 => any.prop_map(|instrument| E::Split { instrument }),
    ];
    prop::collection::vec(event, length)
}

impl MoneyEvent {
    /// Books the event; pieces of position that it closed are appended to `effects.closed`.
    ///
    /// # Errors
    /// Those of the books.
    pub fn book<P: PnlCalculator + ?Sized>(
        &self,
        at: Timestamp,
        table: &Instruments,
        books: &mut P,
        effects: &mut AdjustmentEffects,
    ) -> Result<(), LedgerError> {
        let hundredths = |amount: i64| Decimal::new(amount, 2);
        match *self {
            Self::Fill { slot, instrument, quantity, price, fee: (asset, fee) } => {
                let owner = (SlotId(slot), id(instrument));
                let fill = fill(at, owner, (quantity, price), (hundredths(fee), asset));
                books.on_fill(table, &fill, &mut effects.closed).map(drop)
            }
            Self::Charged { instrument, quantity, price, fee } => {
                let owner = (SlotId(1), id(instrument));
                let fill = fill(at, owner, (quantity, price), (hundredths(fee), 2));
                let settlement = table.get(id(instrument)).map(|found| found.settlement);
                let worth = hundredths(fee.saturating_mul(3));
                let worth = Money::new(worth, settlement.unwrap_or_default());
                books.on_charged_fill(table, &fill, worth, &mut effects.closed).map(drop)
            }
            Self::Funding { instrument, rate, mark } => {
                let (rate, mark) = (rate as f64 / 1e4, mark as f64);
                let funding = Funding { instrument: id(instrument), rate, mark };
                books.on_funding(at, table, &funding, &mut effects.paid)
            }
            _ => {
                let Some(kind) = self.adjustment() else { return Ok(()) };
                let adjustment = Adjustment { cause: AdjustmentCause::Reconciliation, kind };
                books.adjust(at, table, &adjustment, effects)
            }
        }
    }

    /// The adjustment that the event is; `None` for fills and funding.
    pub fn adjustment(&self) -> Option<AdjustmentKind> {
        let usd = |amount: i64| Money::new(Decimal::from(amount), AssetId(1));
        let instrument = |index: usize| id(index);
        Some(match *self {
            Self::Fill { .. } | Self::Charged { .. } | Self::Funding { .. } => return None,
            Self::Capital(amount) => AdjustmentKind::Capital(usd(amount)),
            Self::Income(amount) => AdjustmentKind::Income(usd(amount)),
            Self::Position { slot, instrument: index, change, price } => AdjustmentKind::Position {
                slot: SlotId(slot),
                instrument: instrument(index),
                change: Qty::from(change),
                price: whole(price),
            },
            Self::Settlement { instrument: index, price } => AdjustmentKind::Settlement {
                instrument: instrument(index),
                price: Decimal::from(price),
            },
            Self::Dividend { instrument: index, cents } => AdjustmentKind::Dividend {
                instrument: instrument(index),
                amount: Decimal::new(cents, 2),
            },
            Self::BorrowFee { instrument: index, price, rate } => AdjustmentKind::BorrowFee {
                instrument: instrument(index),
                price: whole(price),
                rate: Decimal::new(rate, 4),
            },
            Self::Split { instrument: index } => AdjustmentKind::Split {
                instrument: instrument(index),
                numerator: 2,
                denominator: 1,
            },
        })
    }
}

fn fill(
    at: Timestamp,
    (slot, instrument): (SlotId, InstrumentId),
    (quantity, price): (i64, i64),
    (fee, asset): (Decimal, usize),
) -> Fill {
    let side = if quantity < 0 { Side::Sell } else { Side::Buy };
    let asset = AssetId(u16::try_from(asset).unwrap_or(u16::MAX));
    let price = whole(price);
    Fill {
        at,
        order: OrderId::default(),
        slot,
        instrument,
        side,
        leg: Leg::Net,
        execution: FillReport {
            trade: TradeId(1),
            price,
            quantity: Qty::new(Decimal::from(quantity.unsigned_abs())),
            fee: Money::new(fee, asset),
            liquidity: Liquidity::Taker,
            before_slippage: price,
        },
        arrival: f64::NAN,
        purpose: Purpose::Entry,
        tag: Label::default(),
    }
}

fn id(index: usize) -> InstrumentId {
    InstrumentId(u32::try_from(index).unwrap_or(u32::MAX))
}

/// A price of so many units, one at least.
fn whole(price: i64) -> Price {
    // invariant: one and more is above zero.
    Price::new(Decimal::from(price.max(1))).expect("a price above zero")
}
