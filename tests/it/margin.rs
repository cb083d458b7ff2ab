//! Margin as a calculator: brackets, what is free, and the very prices of liquidation.

use proptest::prelude::*;
use tradewright::account::{
    Account, AdjustmentEffects, Ledger, LedgerConfig, LiquidationPrices, MarginBook, MarginError,
    MarginMode, MarginPosition, MarginSummary, MarginTerms, MarginTier, MarginTiers,
};
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, Decimal, Instrument, InstrumentId, Instruments,
    Leg, Money, Price, Qty, SlotId, Timestamp,
};

const LINEAR: InstrumentId = InstrumentId(0);
const INVERSE: InstrumentId = InstrumentId(1);
const OTHER: InstrumentId = InstrumentId(2);

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn table() -> Instruments {
    let mut table = Instruments::new();
    table.add(Instrument::linear_perpetual("BTCUSDT", "BTC", "USDT").step("0.001")).unwrap();
    table.add(Instrument::inverse_perpetual("BTCUSD", "BTC", "USD")).unwrap();
    table.add(Instrument::linear_perpetual("ETHUSDT", "ETH", "USDT").multiplier("0.1")).unwrap();
    table.add(Instrument::spot("BTC-USDT", "BTC", "USDT")).unwrap();
    table
}

/// The first brackets of a large venue's bitcoin contract, amounts as it publishes them.
fn published() -> Vec<MarginTier> {
    let tier = |[from, initial, maintenance, amount]: [&str; 4]| MarginTier {
        from: dec(from),
        initial: dec(initial),
        maintenance: dec(maintenance),
        amount: dec(amount),
    };
    vec![
        tier(["0", "0.008", "0.004", "0"]),
        tier(["50000", "0.01", "0.005", "50"]),
        tier(["250000", "0.02", "0.01", "1300"]),
        tier(["3000000", "0.05", "0.025", "46300"]),
    ]
}

fn terms(tiers: MarginTiers) -> MarginTerms {
    MarginTerms::new(tiers)
}

#[test]
fn brackets_meet_without_a_jump() {
    let tiers = MarginTiers::published(published()).unwrap();
    for (notional, maintenance, initial) in [
        ("0", "0", "0"),
        ("1000", "4", "8"),
        ("50000", "200", "400"),
        ("50000.01", "200.00005", "500.0001"),
        ("250000", "1200", "2500"),
        ("250001", "1200.01", "5000.02"),
        ("3000000", "28700", "60000"),
        ("10000000", "203700", "500000"),
    ] {
        assert_eq!(tiers.maintenance(dec(notional)), Some(dec(maintenance)), "{notional}");
        assert_eq!(tiers.initial(dec(notional)), Some(dec(initial)), "{notional}");
    }
    let rates: Vec<[Decimal; 3]> =
        published().iter().map(|tier| [tier.from, tier.initial, tier.maintenance]).collect();
    assert_eq!(MarginTiers::new(&rates).unwrap(), tiers);
    assert_eq!(tiers.maintenance(Decimal::MAX), Some(Decimal::MAX * dec("0.025") - dec("46300")));

    let text = serde_json::to_string(&tiers).unwrap();
    assert_eq!(serde_json::from_str::<MarginTiers>(&text).unwrap(), tiers);
}

#[test]
fn tables_that_cannot_be_are_refused() {
    let broken = |index: usize, change: fn(&mut MarginTier)| {
        let mut tiers = published();
        change(&mut tiers[index]);
        match MarginTiers::published(tiers) {
            Err(MarginError::BadTier { index, .. }) => Some(index),
            _ => None,
        }
    };
    assert_eq!(broken(0, |tier| tier.from = dec("1")), Some(0));
    assert_eq!(broken(0, |tier| tier.maintenance = dec("0.008")), Some(0));
    assert_eq!(broken(1, |tier| tier.amount = dec("49")), Some(1));
    assert_eq!(broken(1, |tier| tier.maintenance = dec("0.003")), Some(1));
    assert_eq!(broken(2, |tier| tier.from = dec("50000")), Some(2));
    assert_eq!(broken(3, |tier| tier.initial = dec("1.01")), Some(3));
    assert_eq!(broken(3, |_| ()), None);
    assert!(MarginTiers::new(&[]).is_err());
    assert!(MarginTiers::flat(Decimal::ONE, dec("0.5")).is_ok(), "no leverage at all");
    // One of the two rates may stay.
    let second = |initial, maintenance| {
        let first = [Decimal::ZERO, dec("0.1"), dec("0.05")];
        MarginTiers::new(&[first, [dec("1000"), dec(initial), dec(maintenance)]]).is_ok()
    };
    assert!(second("0.2", "0.05") && second("0.1", "0.06") && second("0.1", "0.05"));
    assert!(!second("0.09", "0.05") && !second("0.1", "0.04"));
    let flat = MarginTiers::flat(dec("0.1"), dec("0.05")).unwrap();
    assert!(terms(flat.clone()).with_leverage(dec("0.5")).is_err());
    assert!(terms(flat.clone()).with_liquidation_fee(dec("1")).is_err());
    assert!(terms(flat.clone()).with_max_notional(dec("0")).is_err());
    let mut book = MarginBook::new();
    assert!(book.is_empty());
    for paid_in_full in [InstrumentId(3), InstrumentId(9)] {
        let refused = book.set(&table(), paid_in_full, terms(flat.clone()));
        assert_eq!(refused, Err(MarginError::NoMargin { instrument: paid_in_full }));
    }
}

/// The closed forms, worked out by hand.
#[test]
fn an_isolated_position_ends_where_the_closed_form_says() {
    let table = table();
    let flat = MarginTiers::flat(dec("0.1"), dec("0.005")).unwrap();
    let terms = terms(flat).isolated();
    let prices = |id: InstrumentId, quantity: &str, cost: &str, collateral: &str| {
        let (quantity, cost) = (dec(quantity), dec(cost));
        let instrument = &table[id];
        let position =
            MarginPosition { instrument, terms: &terms, quantity, cost, mark: dec("10000") };
        LiquidationPrices::of(dec(collateral), &[position]).unwrap()
    };
    // (10000 - 1000) / 0.995 and (10000 + 1000) / 1.005.
    let long = prices(LINEAR, "1", "10000", "1000");
    assert_eq!((long.below.unwrap().round_dp(8), long.above), (dec("9045.22613065"), None));
    let short = prices(LINEAR, "-1", "-10000", "1000");
    assert_eq!((short.below, short.above.unwrap().round_dp(8)), (None, dec("10945.27363184")));
    // 10000 · 1.005 / 1.1 and 10000 · 0.995 / 0.9.
    let long = prices(INVERSE, "10000", "-1", "0.1");
    assert_eq!((long.below.unwrap().round_dp(8), long.above), (dec("9136.36363636"), None));
    let short = prices(INVERSE, "-10000", "1", "0.1");
    assert_eq!((short.below, short.above.unwrap().round_dp(8)), (None, dec("11055.55555556")));
    // More behind it than it can lose.
    assert_eq!(prices(LINEAR, "1", "10000", "10000"), LiquidationPrices::default());
    assert_eq!(prices(INVERSE, "-10000", "1", "1"), LiquidationPrices::default());
    // Nothing behind it at any price.
    assert_eq!(prices(LINEAR, "-1", "1", "0").above, Some(Decimal::ZERO));
}

#[test]
fn the_account_tells_margin_by_position() {
    let table = table();
    let (usdt, slots) = (table.find_asset("USDT").unwrap(), 2);
    let ledger = Box::new(Ledger::new(&table, slots, LedgerConfig::default()));
    let mut account = Account::new(&table, slots, usdt, ledger).unwrap();
    let mut adjust = |kind| {
        let adjustment = Adjustment { cause: AdjustmentCause::Deposit, kind };
        let effects = &mut AdjustmentEffects::default();
        account.adjust(Timestamp::EPOCH, &table, &adjustment, effects).unwrap();
    };
    adjust(AdjustmentKind::Capital(Money::new(dec("3000"), usdt)));
    for (instrument, change, price) in [(LINEAR, "1", "10000"), (OTHER, "-100", "500")] {
        let (change, price) = (Qty::new(dec(change)), Price::new(dec(price)).unwrap());
        adjust(AdjustmentKind::Position { slot: SlotId(1), instrument, change, price });
    }
    let mut book = MarginBook::new();
    let flat = MarginTiers::flat(dec("0.1"), dec("0.05")).unwrap();
    book.set(&table, LINEAR, terms(flat.clone())).unwrap();
    book.set(&table, OTHER, terms(flat).isolated()).unwrap();
    account.mark(Timestamp::EPOCH, &table, LINEAR, 9_500.0);
    account.mark(Timestamp::EPOCH, &table, OTHER, 505.0);

    let margin = account.margin(&table, &book, usdt).unwrap();
    // 3000 less 500 that the isolated one holds, less 500 lost.
    assert_eq!((margin.cross.balance, margin.cross.initial), (dec("2000"), dec("950")));
    assert_eq!((margin.cross.maintenance, margin.cross.free()), (dec("475"), dec("1050")));
    assert_eq!(margin.cross.ratio(), 0.2375);
    let [cross, isolated] = margin.positions[..] else { panic!("two positions") };
    assert_eq!((cross.instrument, cross.leg, cross.mode), (LINEAR, Leg::Net, MarginMode::Cross));
    // (10000 - 2500) / 0.95
    assert_eq!(cross.liquidation.below.unwrap().round_dp(6), dec("7894.736842"));
    assert_eq!((isolated.instrument, isolated.mode), (OTHER, MarginMode::Isolated));
    assert_eq!(isolated.margin.balance, dec("450"));
    // (5000 + 500) / (10 · 1.05)
    assert_eq!(isolated.liquidation.above.unwrap().round_dp(6), dec("523.809524"));
    // Of two cross positions each stands behind the other with what its margin leaves.
    let mut both = MarginBook::new();
    let flat = MarginTiers::flat(dec("0.1"), dec("0.05")).unwrap();
    both.set(&table, LINEAR, terms(flat.clone())).unwrap();
    both.set(&table, OTHER, terms(flat)).unwrap();
    let both = account.margin(&table, &both, usdt).unwrap();
    // (10000 - (3000 - 50 - 252.5)) / 0.95
    let below = both.positions[0].liquidation.below.unwrap();
    assert_eq!(below.round_dp(6), dec("7686.842105"));
    let text = serde_json::to_string(&margin).unwrap();
    assert_eq!(serde_json::from_str::<tradewright::account::AccountMargin>(&text).unwrap(), margin);
}

/// Rising brackets out of small numbers.
fn tiers() -> impl Strategy<Value = MarginTiers> {
    prop::collection::vec((1i64..40, 1i64..12), 1..5).prop_map(|steps| {
        let (mut from, mut rate) = (0, 3);
        let rates: Vec<[Decimal; 3]> = steps
            .iter()
            .enumerate()
            .map(|(index, (width, step))| {
                from += if index == 0 { 0 } else { width * 997 };
                rate += step;
                [Decimal::from(from), Decimal::new(2 * rate, 3), Decimal::new(rate, 3)]
            })
            .collect();
        MarginTiers::new(&rates).unwrap()
    })
}

proptest! {
    /// Marked exactly at the liquidation price the position is breached, one tick before it
    /// is not: linear and inverse, in every bracket, alone and beside another position.
    #[test]
    fn the_liquidation_price_is_exact(
        tiers in tiers(),
        quantity in prop_oneof![1i64..4_000, -4_000i64..-1],
        entry in 2_000i64..90_000,
        collateral in 1i64..4_000_000,
        is_inverse in any::<bool>(),
        beside in (-300i64..300, 2_000i64..90_000, 2_000i64..90_000),
    ) {
        let table = table();
        let terms = terms(tiers);
        let id = if is_inverse { INVERSE } else { LINEAR };
        let instrument = &table[id];
        let digits = u32::from(instrument.price_grid.digits());
        let quantity = if is_inverse { Decimal::from(quantity) } else { Decimal::new(quantity, 3) };
        let entry = Decimal::new(entry, digits);
        let collateral = Decimal::new(collateral, if is_inverse { 4 } else { 3 });
        let position = |mark| MarginPosition {
            instrument,
            terms: &terms,
            quantity,
            cost: instrument.value(quantity, entry).unwrap().round_dp(12),
            mark,
        };
        let (other, other_entry, other_mark) = beside;
        let other = Decimal::from(other);
        let cost = table[OTHER].value(other, Decimal::new(other_entry, 2)).unwrap();
        let other = MarginPosition {
            instrument: &table[OTHER],
            terms: &terms,
            quantity: other,
            cost,
            mark: Decimal::new(other_mark, 2),
        };
        let others: Vec<_> = if is_inverse { Vec::new() } else { vec![other] };
        let behind = MarginSummary::of(collateral, &others).unwrap();
        let prices =
            LiquidationPrices::of(behind.balance - behind.maintenance, &[position(entry)]).unwrap();
        let prices = prices.on_grid(digits);
        let is_breached = |mark| {
            let all: Vec<_> = others.iter().copied().chain([position(mark)]).collect();
            MarginSummary::of(collateral, &all).unwrap().is_breached()
        };
        let tick = Decimal::new(1, digits);
        match (prices.below, prices.above) {
            (Some(below), None) => {
                prop_assert!(is_breached(below), "{below}");
                prop_assert!(!is_breached(below + tick), "{below} and a tick");
                prop_assert!(prices.reached(below) && !prices.reached(below + tick));
            }
            (None, Some(above)) if above.is_zero() => {
                prop_assert!(is_breached(tick) && is_breached(entry));
            }
            (None, Some(above)) => {
                prop_assert!(is_breached(above), "{above}");
                if above > tick {
                    prop_assert!(!is_breached(above - tick), "{above} and a tick");
                }
            }
            (None, None) => {
                for mark in [tick, entry, entry * Decimal::from(1_000)] {
                    prop_assert!(!is_breached(mark), "{mark}");
                }
            }
            (Some(_), Some(_)) => prop_assert!(false, "one leg has one side"),
        }
    }

    /// A long and a short leg of one instrument have a price on either side, or one that is
    /// breached everywhere.
    #[test]
    fn hedged_legs_are_closed_on_both_sides(
        tiers in tiers(),
        long in 1i64..4_000,
        short in 1i64..4_000,
        collateral in 1i64..200_000,
    ) {
        let (table, terms) = (table(), terms(tiers));
        let instrument = &table[LINEAR];
        let entry = dec("300");
        let legs = |mark| [long, -short].map(|units| {
            let quantity = Decimal::new(units, 3);
            let cost = instrument.value(quantity, entry).unwrap();
            MarginPosition { instrument, terms: &terms, quantity, cost, mark }
        });
        let collateral = Decimal::new(collateral, 3);
        let prices = LiquidationPrices::of(collateral, &legs(entry)).unwrap().on_grid(2);
        for cents in [1i64, 5_000, 20_000, 29_000, 30_000, 31_000, 45_000, 90_000, 500_000] {
            let mark = Decimal::new(cents, 2);
            let summary = MarginSummary::of(collateral, &legs(mark)).unwrap();
            prop_assert_eq!(summary.is_breached(), prices.reached(mark), "{}", mark);
        }
    }
}

/// Two legs whose margin grows as fast as their profit are closed at every price or at none: it
/// is the collateral that says which.
#[test]
fn level_lines_are_touched_everywhere_or_nowhere() {
    let table = table();
    let terms = terms(MarginTiers::flat(dec("0.6"), dec("0.5")).unwrap());
    let prices = |id, legs: [[&str; 2]; 2], collateral: &str| {
        let legs = legs.map(|[quantity, cost]| {
            let (quantity, cost) = (dec(quantity), dec(cost));
            let instrument = &table[id];
            MarginPosition { instrument, terms: &terms, quantity, cost, mark: dec("100") }
        });
        LiquidationPrices::of(dec(collateral), &legs).unwrap()
    };
    let everywhere = LiquidationPrices { below: None, above: Some(Decimal::ZERO) };
    let linear = |collateral| prices(LINEAR, [["3", "300"], ["-1", "-100"]], collateral);
    assert_eq!(linear("200"), everywhere, "2p of balance, 2p of margin");
    assert_eq!(linear("200.01"), LiquidationPrices::default());
    let inverse = |collateral| prices(INVERSE, [["1", "-0.01"], ["-3", "0.03"]], collateral);
    assert_eq!(inverse("0.02"), everywhere);
    assert_eq!(inverse("0.0201"), LiquidationPrices::default());
    // What is left at an endless price is zero, and less below it.
    let long = prices(INVERSE, [["1", "-0.01"], ["0", "0"]], "-0.01");
    assert_eq!(long, everywhere);
}

/// Leverage says how much is put in, never less than the bracket asks.
#[test]
fn leverage_is_bound_by_the_bracket() {
    let flat = || terms(MarginTiers::flat(dec("0.1"), dec("0.05")).unwrap());
    let initial = |leverage: &str| {
        let terms = flat().with_leverage(dec(leverage)).unwrap();
        assert_eq!(terms.check(), Ok(()));
        terms.initial(dec("1000")).unwrap()
    };
    assert_eq!(["1", "5", "10", "20"].map(initial), ["1000", "200", "100", "100"].map(dec));
}

/// The price itself is where the venue closes.
#[test]
fn a_price_of_liquidation_is_reached_at_itself() {
    let prices = LiquidationPrices { below: Some(dec("90")), above: Some(dec("110")) };
    let reached = |price: &str| prices.reached(dec(price));
    assert!(reached("90") && reached("89.9") && !reached("90.1"));
    assert!(reached("110") && reached("110.1") && !reached("109.9"));
}
