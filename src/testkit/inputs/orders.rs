use proptest::prelude::*;
use proptest::sample::Index;
use rust_decimal::Decimal;

use crate::types::{
    Amount, AssetId, Fill, FillReport, Instrument, InstrumentId, Intent, Label, Leg, Liquidity,
    Money, Order, OrderFlags, OrderId, OrderKind, OrderReport, Price, Purpose, Qty, RejectReason,
    Side, SlotId, TimeInForce, Timestamp, TradeId,
};

/// So many steps of an instrument, as a quantity.
fn steps(instrument: &Instrument, count: u32) -> Qty {
    Qty::new(instrument.step.saturating_mul(Decimal::from(count.max(1))))
}

/// So many ticks of an instrument, as a price.
fn ticks(instrument: &Instrument, count: u32) -> Price {
    let value = instrument.tick.saturating_mul(Decimal::from(count.max(1)));
    // invariant: a tick is above zero, and so is its multiple.
    Price::new(value).expect("a price above zero")
}

/// Intents in one instrument: every kind, life and flag, on its tick and step.
pub fn intents(instrument: &Instrument) -> impl Strategy<Value = Intent> + Clone + use<> {
    let own = instrument.clone();
    let price = (500_u32..1_500).prop_map(move |count| ticks(&own, count));
    let kind = prop_oneof![
        4 => Just(OrderKind::Market),
        4 => price.clone().prop_map(|price| OrderKind::Limit { price }),
        2 => price.clone().prop_map(|trigger| OrderKind::StopMarket { trigger }),
        1 => (price.clone(), price.clone())
            .prop_map(|(trigger, price)| OrderKind::StopLimit { trigger, price }),
        1 => price.clone().prop_map(|trigger| OrderKind::TakeProfit { trigger }),
    ];
    let life = prop_oneof![
        6 => Just(TimeInForce::Gtc),
        1 => Just(TimeInForce::Ioc),
        1 => Just(TimeInForce::Fok),
        1 => Just(TimeInForce::Day),
        1 => (1_i64..1_000_000).prop_map(|ns| TimeInForce::Gtd(Timestamp::from_nanos(ns))),
    ];
    let flags = (any::<bool>(), prop::bool::weighted(0.2))
        .prop_map(|(post_only, reduce_only)| OrderFlags { post_only, reduce_only });
    let own = instrument.clone();
    let who = (1_u16..4, prop::sample::select(vec![Side::Buy, Side::Sell]), 1_u32..300);
    (who, kind, life, flags, price).prop_map(
        move |((slot, side, count), kind, time_in_force, mut flags, reference)| {
            flags.post_only &= matches!(kind, OrderKind::Limit { .. });
            Intent {
                kind,
                time_in_force,
                flags,
                reference: reference.to_f64(),
                ..Intent::market(SlotId(slot), own.id, side, steps(&own, count))
            }
        },
    )
}

/// Orders in one instrument, numbered from 1 as they are created.
pub fn orders(
    instrument: &Instrument,
    count: core::ops::Range<usize>,
) -> impl Strategy<Value = Vec<Order>> + use<> {
    prop::collection::vec(intents(instrument), count).prop_map(|intents| {
        let numbered = (1_u64..).zip(intents).map(|(sequence, intent)| {
            let id = OrderId::new(1, intent.slot, sequence);
            Order { id, created_at: Timestamp::EPOCH, intent }
        });
        numbered.collect()
    })
}

/// Executions in one instrument, with fees and rebates in its settlement currency; trade ids are
/// drawn and may repeat.
pub fn fills(instrument: &Instrument) -> impl Strategy<Value = Fill> + Clone + use<> {
    let own = instrument.clone();
    let side = prop::sample::select(vec![Side::Buy, Side::Sell]);
    (1_u16..4, side, 1_u32..300, 500_u32..1_500, -20_i64..100, 0_u64..1_000).prop_map(
        move |(slot, side, count, price, fee, trade)| {
            let price = ticks(&own, price);
            Fill {
                at: Timestamp::EPOCH,
                order: OrderId::new(1, SlotId(slot), trade),
                slot: SlotId(slot),
                instrument: own.id,
                side,
                leg: Leg::Net,
                execution: FillReport {
                    trade: TradeId(u128::from(trade)),
                    price,
                    quantity: steps(&own, count),
                    fee: Money::new(Decimal::new(fee, 2), own.settlement),
                    liquidity: if trade % 2 == 0 { Liquidity::Maker } else { Liquidity::Taker },
                    before_slippage: price,
                },
                arrival: price.to_f64(),
                purpose: Purpose::Entry,
                tag: Label::default(),
            }
        },
    )
}

/// What a venue did to one order, and how the network delivered it.
#[derive(Clone, Debug, PartialEq)]
pub struct OrderLife {
    /// The order, for whole units of instrument 0.
    pub order: Order,
    /// What happened, in the order in which it happened.
    pub reports: Vec<OrderReport>,
    /// The same as it arrives: repeated, late and out of order, but nothing is lost.
    pub delivered: Vec<OrderReport>,
}

impl OrderLife {
    /// The quantity that the venue executed.
    pub fn executed(&self) -> Decimal {
        let fills = self.reports.iter().filter_map(|report| match report {
            OrderReport::Fill(fill) => Some(fill.quantity.value()),
            _ => None,
        });
        fills.fold(Decimal::ZERO, |sum, quantity| sum.saturating_add(quantity))
    }
}

/// Lives of orders: accepted or refused, filled in parts or whole, cancelled or expired, and
/// their words delivered by a network that repeats, delays and reorders.
pub fn order_lives() -> impl Strategy<Value = OrderLife> + Clone {
    let fills = prop::collection::vec((1_i64..5, 90_i64..110), 0..6);
    let end = 0_u8..4;
    let network = prop::collection::vec((any::<Index>(), any::<bool>()), 0..8);
    let order = (1_u64..1_000, any::<bool>(), 0_i64..8);
    (order, fills, end, prop::bool::weighted(0.1), network).prop_map(
        |((sequence, buys, rest), fills, end, is_refused, network)| {
            let units: i64 = fills.iter().map(|(units, _)| units).sum();
            let rest = if units == 0 { rest.max(1) } else { rest };
            let side = if buys { Side::Buy } else { Side::Sell };
            let id = OrderId::new(1, SlotId(1), sequence);
            let quantity = Qty::from(units.saturating_add(rest));
            let intent = Intent::market(SlotId(1), InstrumentId(0), side, quantity);
            let order = Order { id, created_at: Timestamp::EPOCH, intent };
            let mut reports = Vec::new();
            if is_refused {
                reports.push(OrderReport::Rejected(RejectReason::NotTrading));
            } else {
                reports.push(OrderReport::Accepted);
                let numbered = (u128::from(sequence) * 100..).zip(&fills);
                reports.extend(numbered.map(|(trade, fill)| report(trade, fill)));
                match end {
                    0 if rest > 0 => reports.push(OrderReport::Cancelled),
                    1 if rest > 0 => reports.push(OrderReport::Expired),
                    _ => {}
                }
            }
            let delivered = deliver(&reports, &network);
            OrderLife { order, reports, delivered }
        },
    )
}

fn report(trade: u128, &(units, price): &(i64, i64)) -> OrderReport {
    // invariant: prices are drawn above zero.
    let price = Price::new(Decimal::from(price)).expect("a price above zero");
    OrderReport::Fill(FillReport {
        trade: TradeId(trade),
        price,
        quantity: Qty::from(units),
        fee: Money::zero(AssetId(1)),
        liquidity: Liquidity::Taker,
        before_slippage: price,
    })
}

/// Repeats a word somewhere, or lets two neighbours change places.
fn deliver(reports: &[OrderReport], network: &[(Index, bool)]) -> Vec<OrderReport> {
    let mut delivered = reports.to_vec();
    for (place, repeats) in network {
        let place = place.index(delivered.len());
        if *repeats {
            delivered.insert(delivered.len() - place, delivered[place]);
        } else if place > 0 {
            delivered.swap(place - 1, place);
        }
    }
    delivered
}

/// Amounts are quantities throughout, so that a suite needs no venue to resolve them.
pub(in crate::testkit) fn asked(intent: &Intent) -> Decimal {
    match intent.amount {
        Amount::Quantity(quantity) => quantity.value(),
        Amount::Cash(money) => money.amount,
    }
}
