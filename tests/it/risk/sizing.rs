use proptest::prelude::*;
use tradewright::math::VolatilityEstimator;
use tradewright::risk::{
    AllIn, ConfidenceScaled, EquityFraction, FixedCash, FixedFractional, FixedQuantity, Kelly,
    KellyEdge, Sizer, SizerError, Smallest, StopDistance, VolatilitySource, VolatilityTarget,
};
use tradewright::types::{
    Amount, Decimal, InstrumentId, MarkFact, Money, Qty, Reason, ReasonCode, Side, Signal,
    Timestamp,
};

use super::{COIN, INVERSE, LINEAR, SHARE, World, dec, signal};

fn size(sizer: &dyn Sizer, world: &World, id: InstrumentId) -> Result<Amount, Reason> {
    let book = world.book().build();
    sizer.size(&signal(id, 1.0), &world.table[id], &world.facts(&book))
}

fn quantity(text: &str) -> Result<Amount, Reason> {
    Ok(Amount::Quantity(Qty::new(dec(text))))
}

proptest! {
    /// The value never exceeds the budget, one step more would, and it lies on the step.
    #[test]
    fn a_fraction_of_equity_is_the_largest_that_fits(
        cents in 1_i64..10_000_000_000,
        mark_cents in 1_i64..10_000_000,
        per_mille in 1_i64..=1_000,
    ) {
        let world = World::new();
        let fraction = Decimal::new(per_mille, 3);
        let cash = Decimal::new(cents, 2);
        let mark = mark_cents as f64 / 100.0;
        let book = world.book().cash(world.usd, cash).mark(SHARE, Timestamp::EPOCH, mark).build();
        let sizer = EquityFraction::new(fraction).unwrap();
        let price = Decimal::new(mark_cents, 2);
        match sizer.size(&signal(SHARE, 1.0), &world.table[SHARE], &world.facts(&book)) {
            Ok(Amount::Quantity(quantity)) => {
                let quantity = quantity.value();
                prop_assert!(quantity > Decimal::ZERO && quantity.fract().is_zero());
                prop_assert!(quantity * price <= cash * fraction);
                prop_assert!((quantity + Decimal::ONE) * price > cash * fraction);
            }
            Ok(Amount::Cash(_)) => prop_assert!(false, "no cash amount"),
            Err(reason) => {
                prop_assert_eq!(reason.code, ReasonCode::SizeZero);
                prop_assert!(price > cash * fraction);
            }
        }
    }

    /// More equity or confidence never makes a size smaller.
    #[test]
    fn sizes_rise_with_equity_and_confidence(
        cash in 1_i64..1_000_000,
        more in 0_i64..1_000_000,
        confidence in 0.0..=1.0,
        surer in 0.0..=1.0,
    ) {
        let world = World::new();
        let sized = |cash: i64, confidence: f64| {
            let book = world.book().cash(world.usd, Decimal::from(cash)).build();
            let sizer = ConfidenceScaled::new(EquityFraction::default());
            match sizer.size(&signal(COIN, confidence), &world.table[COIN], &world.facts(&book)) {
                Ok(Amount::Quantity(quantity)) => quantity.value(),
                Ok(Amount::Cash(_)) | Err(_) => Decimal::ZERO,
            }
        };
        let is_sorted = confidence < surer;
        let (low, high) = if is_sorted { (confidence, surer) } else { (surer, confidence) };
        prop_assert!(sized(cash, low) <= sized(cash + more, low));
        prop_assert!(sized(cash, low) <= sized(cash, high));
        let full = sized(cash, 1.0);
        prop_assert!(sized(cash, high) <= full);
        let floor = world.table[COIN].floor_to_step(full).unwrap();
        prop_assert_eq!(full, floor);
    }
}

#[test]
fn the_default_is_a_tenth_of_equity() {
    let world = World::new();
    let sizer = EquityFraction::default();
    assert_eq!(sizer.fraction(), dec("0.1"));
    assert_eq!(size(&sizer, &world, SHARE), quantity("100"));
    assert_eq!(size(&sizer, &world, COIN), quantity("200"));
    assert_eq!(size(&sizer, &world, LINEAR), quantity("50"));
    assert_eq!(size(&sizer, &world, INVERSE), quantity("100"));
}

#[test]
fn fractions_outside_of_their_range_are_refused() {
    for text in ["0", "-1", "100.1"] {
        let value = dec(text);
        assert_eq!(EquityFraction::new(value), Err(SizerError::BadFraction { value }));
    }
    assert!(EquityFraction::new(dec("100")).is_ok());
}

#[test]
fn equity_that_is_unknown_or_gone_gives_no_size() {
    let world = World::new();
    let sizer = EquityFraction::default();
    let refused = |builder: tradewright::types::FactBookBuilder<'_>| {
        let book = builder.build();
        sizer.size(&signal(SHARE, 1.0), &world.table[SHARE], &world.facts(&book)).unwrap_err().code
    };
    assert_eq!(refused(world.book().equity(f64::NAN)), ReasonCode::InvalidInput);
    assert_eq!(refused(world.book().cash(world.usd, dec("0"))), ReasonCode::InvalidInput);
    assert_eq!(refused(world.book().cash(world.usd, dec("-5"))), ReasonCode::InvalidInput);
    let unmarked = world.book().rated_mark(SHARE, MarkFact::default());
    assert_eq!(refused(unmarked), ReasonCode::InvalidInput);
    assert_eq!(refused(world.book().cash(world.usd, dec("999"))), ReasonCode::SizeZero);
    assert_eq!(
        refused(world.book().mark(SHARE, Timestamp::EPOCH, 0.004)),
        ReasonCode::InvalidInput
    );
}

#[test]
fn an_unknown_rate_gives_no_size() {
    let world = World::new();
    for rate in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let mark = MarkFact { price: 4e4, at: Timestamp::EPOCH, rate };
        let book = world.book().rated_mark(INVERSE, mark).build();
        let instrument = &world.table[INVERSE];
        let sized =
            EquityFraction::default().size(&signal(INVERSE, 1.0), instrument, &world.facts(&book));
        assert_eq!(sized.unwrap_err().code, ReasonCode::InvalidInput, "{rate}");
    }
}

#[test]
fn minima_are_reasons() {
    let world = World::new();
    let fixed = |text: &str| FixedQuantity::new(dec(text)).unwrap();
    assert_eq!(size(&fixed("0.39"), &world, COIN), quantity("0.3"));
    let small = Reason::new(ReasonCode::SizeZero, 0.3, 0.2);
    assert_eq!(size(&fixed("0.29"), &world, COIN), Err(small));
    let zero = Reason::new(ReasonCode::SizeZero, 0.1, 0.09);
    assert_eq!(size(&fixed("0.09"), &world, COIN), Err(zero));
    let book = world.book().mark(COIN, Timestamp::EPOCH, 33.0).build();
    let refused = fixed("0.3").size(&signal(COIN, 1.0), &world.table[COIN], &world.facts(&book));
    assert_eq!(refused, Err(Reason::new(ReasonCode::MinNotional, 10.0, 9.9)));
    assert_eq!(size(&fixed("7.9"), &world, SHARE), quantity("7"));
    let value = dec("0");
    assert_eq!(FixedQuantity::new(value), Err(SizerError::NotPositive { what: "quantity", value }));
    assert_eq!(FixedQuantity::try_from(Qty::from(3)), FixedQuantity::new(dec("3")));
}

#[test]
fn cash_amounts_are_in_the_quote_currency() {
    let world = World::new();
    let money = |text: &str| Ok(Amount::Cash(Money::new(dec(text), world.usd)));
    assert_eq!(size(&AllIn, &world, SHARE), money("100000"));
    assert_eq!(size(&FixedCash::new(dec("12.5")).unwrap(), &world, COIN), money("12.5"));
    let little = size(&FixedCash::new(dec("9.99")).unwrap(), &world, COIN);
    assert_eq!(little, Err(Reason::new(ReasonCode::MinNotional, 10.0, 9.99)));
    assert_eq!(size(&FixedCash::new(dec("10")).unwrap(), &world, COIN), money("10"));
    let value = dec("-1");
    assert_eq!(FixedCash::new(value), Err(SizerError::NotPositive { what: "cash amount", value }));
    for cash in ["0", "-3"] {
        let book = world.book().cash(world.usd, dec(cash)).build();
        let refused = AllIn.size(&signal(SHARE, 1.0), &world.table[SHARE], &world.facts(&book));
        assert_eq!(refused.unwrap_err().code, ReasonCode::BuyingPower);
    }
}

#[test]
fn confidence_scales_what_another_sizer_asks() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let scaled = |inner: Box<dyn Sizer>, id, confidence| {
        ConfidenceScaled::new(inner).size(&signal(id, confidence), &world.table[id], &facts)
    };
    let tenth = || Box::new(EquityFraction::default());
    assert_eq!(scaled(tenth(), SHARE, 0.555), quantity("55"));
    assert_eq!(scaled(tenth(), SHARE, 1.0), quantity("100"));
    assert_eq!(scaled(tenth(), SHARE, 0.009).unwrap_err().code, ReasonCode::SizeZero);
    assert_eq!(scaled(tenth(), SHARE, 0.0).unwrap_err().code, ReasonCode::SizeZero);
    let half = Ok(Amount::Cash(Money::new(dec("50000"), world.usd)));
    let cash = scaled(Box::new(AllIn), SHARE, 0.5).map(|amount| match amount {
        Amount::Cash(money) => Amount::Cash(Money::new(money.amount.normalize(), money.asset)),
        other => other,
    });
    assert_eq!(cash, half);
    assert_eq!(scaled(Box::new(AllIn), SHARE, 0.0).unwrap_err().code, ReasonCode::SizeZero);
    let tiny = FixedCash::new(dec("15")).unwrap();
    let refused = scaled(Box::new(tiny), COIN, 0.5);
    assert_eq!(refused, Err(Reason::new(ReasonCode::MinNotional, 10.0, 7.5)));
}

/// A fraction that has nine places is used as it is: a quarter of 100,000 USD are 250 shares.
#[test]
fn a_fraction_is_not_cut_without_need() {
    let world = World::new();
    let kelly = Kelly::given(KellyEdge { win_rate: 0.75, payoff: 1.0 }, 0.5, Decimal::ONE).unwrap();
    assert_eq!(kelly.fraction(), 0.25);
    assert_eq!(size(&kelly, &world, SHARE), quantity("250"));
}

/// One percent of equity over a stop two percent below the mark: 1,000 USD over 2.
#[test]
fn a_stop_can_be_a_fraction_of_the_mark() {
    let stop = StopDistance::Fraction(dec("0.02"));
    let sizer = FixedFractional::new(dec("0.01"), stop).unwrap();
    assert_eq!(size(&sizer, &World::new(), SHARE), quantity("500"));
}

/// One sizer that looks at the market makes all of them look.
#[test]
fn the_smallest_looks_where_one_of_them_does() {
    let estimator = VolatilityEstimator::CloseToClose;
    let measured =
        VolatilitySource::Measured { estimator, window: 5, bars_per_year: 252.0, period: None };
    let target = |cap: &str| VolatilityTarget::new(0.1, dec(cap), measured);
    let looking = || Smallest::new(target("1").unwrap());
    assert!(looking().is_attentive());
    assert!(looking().and(EquityFraction::default()).is_attentive());
    assert!(!Smallest::new(EquityFraction::default()).is_attentive());
    assert!(!ConfidenceScaled::new(EquityFraction::default()).is_attentive());
    let given = VolatilityTarget::new(0.1, Decimal::ONE, VolatilitySource::Given(0.2)).unwrap();
    assert!(!given.is_attentive());
    // A cap is above zero, and a whole equity may be at risk.
    assert_eq!(target("0").unwrap_err(), SizerError::BadFraction { value: Decimal::ZERO });
    let risk = |risk: &str| FixedFractional::new(dec(risk), StopDistance::Price(Decimal::ONE));
    assert!(risk("1").is_ok() && risk("1.01").is_err() && risk("0").is_err());
    let distance = StopDistance::Price(Decimal::ZERO);
    assert!(FixedFractional::new(dec("0.01"), distance).is_err());
}

/// An inverse contract loses less above its price than below it: 100 USD at 40,000 and at 50,000
/// differ by 0.0005 BTC, or 20 USD.
#[test]
fn a_short_position_is_sized_to_the_stop_above() {
    let world = World::new();
    let book = world.book().build();
    let stop = StopDistance::Price(dec("10000"));
    let sizer = FixedFractional::new(dec("0.01"), stop).unwrap();
    let short = Signal { side: Side::Sell, ..signal(INVERSE, 1.0) };
    let found = sizer.size(&short, &world.table[INVERSE], &world.facts(&book));
    assert_eq!(found, quantity("50"));
    assert_eq!(size(&sizer, &world, LINEAR), quantity("5"), "a stop below zero loses all");
}
