//! Strategies of strategies: votes, filters, opposites and cooldowns.

use std::sync::{Arc, Mutex};

use tradewright::strategy::{
    Advice, Advised, Cooldown, Event, Filter, Gate, Invert, MarketCondition,
    MarketConditionClassifier, MarketConditionParameters, QuoteSize, Strategy, StrategyContext,
    StrategyRegistry, WeightedVote, from_fn,
};
use tradewright::types::{
    Bar, Confidence, Decimal, FactBook, FactBookBuilder, Facts, Instrument, InstrumentId,
    Instruments, MarketEvent, Period, Price, Qty, Side, SlotId, State, Timestamp,
};

const ID: InstrumentId = InstrumentId(0);
const SLOT: SlotId = SlotId(1);

/// A strategy that says on each event what the script says next: +0.5 is BUY with confidence 0.5.
fn script(name: &'static str, votes: &[f64]) -> Box<dyn Strategy> {
    let votes: Vec<f64> = votes.to_vec();
    let mut votes = votes.into_iter();
    Box::new(from_fn(name, move |_, _, advice: &mut Advice| match votes.next() {
        Some(vote) if vote > 0.0 => advice.buy(Confidence::clamped(vote)),
        Some(vote) if vote < 0.0 => advice.sell(Confidence::clamped(-vote)),
        _ => {}
    }))
}

struct World {
    table: Instruments,
    book: FactBook,
}

impl World {
    fn with_position(quantity: i64) -> Self {
        let mut table = Instruments::new();
        table.add(Instrument::stock("KO", "USD")).unwrap();
        let usd = table.find_asset("USD").unwrap();
        let price = Price::new(Decimal::from(100)).unwrap();
        let book = FactBookBuilder::new(&table, usd)
            .mark(ID, Timestamp::EPOCH, 100.0)
            .position(SLOT, ID, Decimal::from(quantity), price)
            .build();
        Self { table, book }
    }

    fn tell(&self, strategy: &mut dyn Strategy, event: &MarketEvent) -> Advice {
        let facts = Facts::new(Timestamp::EPOCH, SLOT, &self.table, &self.book);
        let mut advice = Advice::new();
        advice.begin(ID);
        strategy.on_event(&Event::Market(event), &facts, &mut advice);
        advice
    }

    /// What it says on a bar: the signal with its sign, `None` for HOLD.
    fn ask(&self, strategy: &mut dyn Strategy) -> Option<f64> {
        let advice = self.tell(strategy, &MarketEvent::Bar(bar(100.0)));
        assert_eq!(advice.error(), None);
        match advice.items() {
            [] => None,
            [Advised::Signal(signal)] => Some(match signal.side {
                Side::Buy => signal.confidence.value(),
                Side::Sell => -signal.confidence.value(),
            }),
            other => panic!("{other:?}"),
        }
    }
}

fn bar(close: f64) -> Bar {
    Bar::new(ID, Period::DAY, [close, close + 1.0, close - 1.0, close], 10.0).unwrap()
}

#[test]
fn a_vote_weighs_and_counts_holders_against() {
    let world = World::with_position(0);
    let members = || {
        vec![
            (script("A", &[1.0, 1.0, 0.0, -1.0, 0.5]), 2.0),
            (script("B", &[1.0, -1.0, 1.0, -1.0, 0.5]), 1.0),
        ]
    };
    let mut vote = WeightedVote::new(members(), 0.5, 1).unwrap();
    let said: Vec<_> = (0..6).map(|_| world.ask(&mut vote)).collect();
    assert_eq!(said, [Some(1.0), None, None, Some(-1.0), Some(0.5), None]);
    let mut eager = WeightedVote::new(members(), 0.3, 1).unwrap();
    let said: Vec<_> = (0..3).map(|_| world.ask(&mut eager).is_some()).collect();
    assert_eq!(said, [true, true, true]);
}

#[test]
fn a_vote_is_remembered_for_its_bars_and_decided_when_somebody_votes() {
    let world = World::with_position(0);
    let members = |memory| {
        let votes = vec![
            (script("A", &[1.0, 0.0, 0.0, 0.0]), 1.0),
            (script("B", &[0.0, 0.0, 1.0, 1.0]), 1.0),
        ];
        WeightedVote::new(votes, 1.0, memory).unwrap()
    };
    for (memory, expected) in [
        (1, [None, None, None, None]),
        (3, [None, None, Some(1.0), None]),
        (4, [None, None, Some(1.0), Some(1.0)]),
    ] {
        let mut vote = members(memory);
        assert_eq!([(); 4].map(|()| world.ask(&mut vote)), expected, "{memory}");
    }
}

#[test]
fn only_signals_can_be_voted_on() {
    let world = World::with_position(0);
    let quoter = from_fn("QUOTER", |_, _, advice: &mut Advice| {
        let price = Price::new(Decimal::from(100)).unwrap();
        advice.quote(1, Side::Buy, price, QuoteSize::Total(Qty::from(1)));
    });
    let mut vote = WeightedVote::new(vec![(Box::new(quoter), 1.0)], 0.5, 1).unwrap();
    let advice = world.tell(&mut vote, &MarketEvent::Bar(bar(100.0)));
    assert_eq!(advice.error().unwrap().to_string(), "QUOTER: only signals can be voted on");
}

#[test]
fn the_failure_of_a_member_is_the_failure_of_the_whole() {
    let world = World::with_position(0);
    let failing = || -> Box<dyn Strategy> {
        Box::new(from_fn("BROKEN", |_, _, advice: &mut Advice| advice.fail("no data")))
    };
    let gate = Gate::AgreesWith(failing());
    let whole: [Box<dyn Strategy>; 5] = [
        Box::new(WeightedVote::new(vec![(failing(), 1.0)], 0.5, 1).unwrap()),
        Box::new(Invert::new(failing())),
        Box::new(Cooldown::new(failing(), 1).unwrap()),
        Box::new(Filter::new(script("A", &[1.0]), gate)),
        Box::new(Filter::new(failing(), Gate::AgreesWith(script("A", &[1.0])))),
    ];
    for mut strategy in whole {
        let advice = world.tell(&mut *strategy, &MarketEvent::Bar(bar(100.0)));
        assert_eq!(advice.error().unwrap().to_string(), "BROKEN: no data");
    }
}

#[test]
fn the_opposite_of_the_opposite_is_the_thing_itself() {
    let world = World::with_position(0);
    let votes = [1.0, -0.25, 0.0, 0.5];
    let mut once = Invert::new(script("A", &votes));
    let mut twice = Invert::new(Box::new(Invert::new(script("A", &votes))));
    for vote in votes {
        let expected = (vote != 0.0).then_some(vote);
        assert_eq!(world.ask(&mut twice), expected);
        assert_eq!(world.ask(&mut once), expected.map(|vote| -vote));
    }
    let mut targets = Invert::new(Box::new(from_fn("T", |_, _, advice: &mut Advice| {
        advice.target(ID, Qty::from(3));
        advice.together(|legs| legs.target(ID, Qty::from(-2)));
    })));
    let advice = world.tell(&mut targets, &MarketEvent::Bar(bar(100.0)));
    let [Advised::Target { quantity, .. }, Advised::Together(legs, _)] = advice.items() else {
        panic!("{advice:?}")
    };
    assert_eq!((*quantity, legs[0].1), (Qty::from(-3), Qty::from(2)));
}

#[test]
fn a_cooldown_holds_entries_back_and_never_exits() {
    let flat = World::with_position(0);
    let mut cooldown = Cooldown::new(script("A", &[1.0; 8]), 3).unwrap();
    let said = [(); 8].map(|()| flat.ask(&mut cooldown).is_some());
    assert_eq!(said, [true, false, false, false, true, false, false, false]);
    // While long, a SELL leaves.
    let mut cooldown = Cooldown::new(script("A", &[1.0, -1.0, -1.0, 1.0]), 3).unwrap();
    assert!(flat.ask(&mut cooldown).is_some());
    let long = World::with_position(10);
    let said = [(); 3].map(|()| long.ask(&mut cooldown));
    assert_eq!(said, [Some(-1.0), Some(-1.0), None]);
}

#[test]
fn a_filter_by_agreement_passes_the_same_side_only() {
    let flat = World::with_position(0);
    let gate = || Gate::AgreesWith(script("TREND", &[0.0, 1.0, 0.0, -1.0, 0.0]));
    let mut filter = Filter::new(script("A", &[1.0, 1.0, -1.0, 1.0, -1.0]), gate());
    let said = [(); 5].map(|()| flat.ask(&mut filter));
    assert_eq!(said, [None, Some(1.0), None, None, Some(-1.0)]);
    // Exits pass whatever the trend says.
    let long = World::with_position(5);
    let mut filter = Filter::new(script("A", &[-1.0]), Gate::AgreesWith(script("TREND", &[1.0])));
    assert_eq!(long.ask(&mut filter), Some(-1.0));
}

#[test]
fn a_filtered_quote_is_taken_back() {
    let flat = World::with_position(0);
    let quoter = from_fn("QUOTER", |_, _, advice: &mut Advice| {
        let price = Price::new(Decimal::from(100)).unwrap();
        advice.quote(7, Side::Buy, price, QuoteSize::Total(Qty::from(1)));
        advice.target(ID, Qty::ZERO);
        advice.target(ID, Qty::from(1));
    });
    let gate = Gate::AgreesWith(script("TREND", &[1.0, -1.0]));
    let mut filter = Filter::new(Box::new(quoter), gate);
    let event = MarketEvent::Bar(bar(100.0));
    assert_eq!(flat.tell(&mut filter, &event).items().len(), 3);
    let advice = flat.tell(&mut filter, &event);
    assert!(
        matches!(
            advice.items(),
            [Advised::Pull(7), Advised::Target { quantity, .. }] if quantity.is_zero()
        ),
        "{advice:?}"
    );
}

#[test]
fn a_filter_by_condition_opens_in_the_market_it_is_for() {
    let flat = World::with_position(0);
    let classifier = MarketConditionClassifier::new(Default::default()).unwrap();
    let any_of = vec![MarketCondition::TrendingUp];
    let gate = Gate::Conditions { any_of, classifier: Box::new(classifier) };
    let mut filter = Filter::new(script("A", &[1.0; 400]), gate);
    let mut said = Vec::new();
    for day in 0..400_i32 {
        let drift = f64::from((day - 200).abs());
        let close = 300.0 - drift + f64::from(day % 3);
        let advice = flat.tell(&mut filter, &MarketEvent::Bar(bar(close)));
        assert_eq!(advice.error(), None);
        said.push(!advice.items().is_empty());
    }
    assert!(said[..100].iter().all(|said| !said), "unknown before its history");
    assert!(said[110..195].iter().all(|said| *said));
    assert!(said[260..].iter().all(|said| !said));
}

#[test]
fn an_index_instrument_takes_the_place_of_the_bars() {
    let index = InstrumentId(1);
    let parameters = MarketConditionParameters::default();
    let mut classifier = MarketConditionClassifier::with_index(parameters, index).unwrap();
    let level =
        |level: f64| MarketEvent::Bar(Bar::new(index, Period::DAY, [level; 4], 0.0).unwrap());
    let steady = |day: i32| MarketEvent::Bar(bar(100.0 + f64::from(day % 2)));
    for day in 0..40 {
        assert_eq!(classifier.on_event(&steady(day)), Ok(MarketCondition::Unknown));
    }
    for (value, expected) in [
        (12.0, MarketCondition::Calm),
        (15.0, MarketCondition::Calm),
        (20.0, MarketCondition::Ranging),
        (30.0, MarketCondition::Volatile),
        (80.0, MarketCondition::Volatile),
    ] {
        assert_eq!(classifier.on_event(&level(value)), Ok(expected), "{value}");
    }
    assert_eq!(classifier.on_event(&steady(40)), Ok(MarketCondition::Volatile));
}

#[test]
fn market_conditions_have_fixed_names_and_codes() {
    let all: Vec<_> = MarketCondition::ALL.iter().map(|c| (c.code(), c.to_string())).collect();
    let names = ["unknown", "trending_up", "trending_down", "ranging", "volatile", "calm"];
    for (index, name) in names.into_iter().enumerate() {
        assert_eq!(all[index], (index as u8, name.to_owned()));
        let json = serde_json::to_string(&MarketCondition::ALL[index]).unwrap();
        assert_eq!(json, format!("\"{name}\""));
    }
}

#[test]
fn volatility_that_rises_and_falls_is_seen() {
    let mut classifier = MarketConditionClassifier::new(Default::default()).unwrap();
    let mut seen = Vec::new();
    let mut seed = 12_345_u64;
    for day in 0..900_u32 {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let noise = ((seed >> 33) % 2001) as f64 / 1000.0 - 1.0;
        let size = match day {
            0..300 => 1.0,
            300..330 => 8.0,
            330..700 => 1.0,
            _ => 0.1,
        };
        let close = 100.0 + noise * size;
        let edge = size;
        let ohlc = [close, close + edge, close - edge, close];
        let bar = Bar::new(ID, Period::DAY, ohlc, 1.0).unwrap();
        seen.push(classifier.update(&bar).unwrap());
    }
    assert!(seen[..100].iter().all(|c| *c == MarketCondition::Unknown));
    assert!(seen[310..325].iter().all(|c| *c == MarketCondition::Volatile));
    assert_eq!(seen[730], MarketCondition::Calm);
    assert!(seen[500..600].contains(&MarketCondition::Ranging));
}

#[test]
fn combined_states_are_restored_whole_or_not_at_all() {
    let mut table = Instruments::new();
    let universe = ["KO", "PEP"].map(|s| table.add(Instrument::stock(s, "USD")).unwrap());
    let context = StrategyContext::new(&table, &universe);
    let registry = StrategyRegistry::new();
    let book = FactBook::default();
    for (name, parameters) in [
        (
            "WEIGHTED_VOTE",
            r#"{"members": [{"name": "VWAP"}, {"name": "EMA_CROSS"},
                {"name": "RSI_REVERSION", "weight": 0.5}], "threshold": 0.2, "memory_bars": 3}"#,
        ),
        ("FILTER", r#"{"strategy": {"name": "VWAP"}}"#),
        (
            "FILTER",
            r#"{"strategy": {"name": "VWAP"}, "only_if": {"agrees_with": {"name": "EMA_CROSS"}}}"#,
        ),
        ("INVERT", r#"{"strategy": {"name": "MACD"}}"#),
        ("COOLDOWN", r#"{"strategy": {"name": "VWAP"}, "bars": 4}"#),
    ] {
        let build = || registry.build_json(name, parameters, &context).unwrap().strategy;
        let run = |strategy: &mut dyn Strategy, days: std::ops::Range<usize>| {
            let mut said = Vec::new();
            for day in days {
                let close = 100.0 + ((day * day * 7919) % 2000) as f64 / 100.0;
                let event = MarketEvent::Bar(bar(close));
                let facts = Facts::new(Timestamp::EPOCH, SLOT, &table, &book);
                let mut advice = Advice::new();
                advice.begin(ID);
                strategy.on_event(&Event::Market(&event), &facts, &mut advice);
                assert_eq!(advice.error(), None);
                said.push(advice.items().to_vec());
            }
            said
        };
        let whole = run(&mut *build(), 0..400);
        assert!(whole.iter().any(|said| !said.is_empty()), "{name}");
        let mut first = build();
        run(&mut *first, 0..251);
        let state = first.save().unwrap();
        let mut second = build();
        run(&mut *second, 300..330);
        let before = second.save().unwrap();
        for cut in (0..state.len()).step_by(97) {
            assert!(second.restore(&state[..cut]).is_err(), "{name} {cut}");
        }
        assert_eq!(second.save().unwrap(), before, "{name}");
        second.restore(&state).unwrap();
        assert_eq!(run(&mut *second, 251..400), whole[251..], "{name}");
        assert!(
            registry.build_default("BREAKOUT", &context).unwrap().strategy.restore(&state).is_err()
        );
    }
}

#[test]
fn a_member_that_cannot_be_restored_leaves_the_others_as_they_were() {
    #[derive(Clone, Default)]
    struct Counter(Arc<Mutex<u8>>);
    impl State for Counter {
        fn save(&self) -> Result<Vec<u8>, tradewright::types::StateError> {
            Ok(vec![*self.0.lock().unwrap()])
        }
        fn restore(&mut self, state: &[u8]) -> Result<(), tradewright::types::StateError> {
            match state {
                [13] => Err(tradewright::types::StateError::Unreadable("13".to_owned())),
                [value] => {
                    *self.0.lock().unwrap() = *value;
                    Ok(())
                }
                _ => panic!("not our state"),
            }
        }
    }
    impl Strategy for Counter {
        fn name(&self) -> &str {
            "COUNTER"
        }
        fn on_event(&mut self, _: &Event<'_>, _: &Facts<'_>, _: &mut Advice) {}
    }
    let counters = [Counter::default(), Counter::default()];
    let members =
        counters.iter().map(|c| (Box::new(c.clone()) as Box<dyn Strategy>, 1.0)).collect();
    let mut vote = WeightedVote::new(members, 0.5, 1).unwrap();
    let set = |values: [u8; 2]| {
        for (counter, value) in counters.iter().zip(values) {
            *counter.0.lock().unwrap() = value;
        }
    };
    set([5, 13]);
    let state = vote.save().unwrap();
    set([1, 2]);
    assert!(vote.restore(&state).is_err());
    assert_eq!(counters.each_ref().map(|c| *c.0.lock().unwrap()), [1, 2]);
}
