//! The other built-in strategies: followers of trends, pairs, grid and market maker.

use tradewright::math::{Ema, Indicator};
use tradewright::strategy::{
    Advice, Advised, Event, QuoteSize, Strategy, StrategyContext, StrategyRegistry,
};
use tradewright::types::{
    Bar, Book, BookLevel, Decimal, FactBook, FactBookBuilder, Facts, Fill, FillReport, Instrument,
    InstrumentId, Instruments, Intent, Label, Leg, Liquidity, MarketEvent, Money, OrderId, Period,
    Price, Purpose, Qty, Quote, Reason, ReasonCode, Side, SlotId, Timestamp, TradeId,
};

const Y: InstrumentId = InstrumentId(0);
const X: InstrumentId = InstrumentId(1);
const SLOT: SlotId = SlotId(1);

struct World {
    table: Instruments,
    book: FactBook,
    strategy: Box<dyn Strategy>,
}

impl World {
    fn new(name: &str, parameters: &str) -> Self {
        let mut table = Instruments::new();
        let universe =
            ["KO", "PEP"].map(|symbol| table.add(Instrument::stock(symbol, "USD")).unwrap());
        let context = StrategyContext::new(&table, &universe);
        let built = StrategyRegistry::new().build_json(name, parameters, &context).unwrap();
        let mut world = Self { table, book: FactBook::default(), strategy: built.strategy };
        world.hold(&[]);
        world
    }

    fn hold(&mut self, positions: &[(InstrumentId, i64)]) {
        let usd = self.table.find_asset("USD").unwrap();
        let mut builder = FactBookBuilder::new(&self.table, usd);
        for (id, quantity) in positions {
            let builder_with_mark = builder.mark(*id, Timestamp::EPOCH, 100.0);
            builder = builder_with_mark.position(SLOT, *id, Decimal::from(*quantity), price("100"));
        }
        self.book = builder.build();
    }

    fn tell(&mut self, at: u64, event: &Event<'_>) -> Vec<Advised> {
        let facts = Facts::new(seconds(at), SLOT, &self.table, &self.book);
        let mut advice = Advice::new();
        advice.begin(match event {
            Event::Market(market) => market.instrument(),
            Event::Fill(fill) => fill.instrument,
            Event::Refused { intent, .. } => intent.instrument,
            _ => Y,
        });
        self.strategy.on_event(event, &facts, &mut advice);
        assert_eq!(advice.error(), None);
        advice.items().to_vec()
    }

    fn close(&mut self, at: u64, id: InstrumentId, close: f64) -> Vec<Advised> {
        self.tell(at, &Event::Market(&MarketEvent::Bar(bar(id, close))))
    }

    fn top(&mut self, at: u64, bid: f64, ask: f64) -> Vec<Advised> {
        let quote = Quote { instrument: Y, bid, bid_quantity: 1.0, ask, ask_quantity: 1.0 };
        self.tell(at, &Event::Market(&MarketEvent::Quote(quote)))
    }

    fn fill(&mut self, side: Side, at: &str, quantity: i64) -> Vec<Advised> {
        let execution = FillReport {
            trade: TradeId(1),
            price: price(at),
            quantity: Qty::from(quantity),
            fee: Money::zero(self.table.find_asset("USD").unwrap()),
            liquidity: Liquidity::Maker,
            before_slippage: price(at),
        };
        let fill = Fill {
            at: seconds(0),
            order: OrderId::default(),
            slot: SLOT,
            instrument: Y,
            side,
            leg: Leg::Net,
            execution,
            arrival: f64::NAN,
            purpose: Purpose::Quote,
            tag: Label::default(),
        };
        self.tell(0, &Event::Fill(&fill))
    }
}

fn bar(id: InstrumentId, close: f64) -> Bar {
    Bar::new(id, Period::DAY, [close, close + 1.0, close - 1.0, close], 10.0).unwrap()
}

fn price(text: &str) -> Price {
    Price::new(Decimal::from_str_exact(text).unwrap()).unwrap()
}

fn seconds(at: u64) -> Timestamp {
    Timestamp::from_secs(1_700_000_000 + at as i64).unwrap()
}

fn side(said: &[Advised]) -> Option<Side> {
    match said {
        [] => None,
        [Advised::Signal(signal)] => Some(signal.side),
        other => panic!("{other:?}"),
    }
}

/// Waves of 40 bars around 100.
fn wave(index: u64) -> f64 {
    100.0 + 20.0 * libm::sin(index as f64 * core::f64::consts::TAU / 40.0)
}

#[test]
fn the_averages_cross_where_their_difference_changes_its_sign() {
    let mut world = World::new("EMA_CROSS", r#"{"fast": 3, "slow": 8}"#);
    let (mut fast, mut slow) = (Ema::new(3).unwrap(), Ema::new(8).unwrap());
    let mut previous: Option<f64> = None;
    let mut signals = 0;
    for index in 0..200 {
        let close = wave(index);
        let said = side(&world.close(index, Y, close));
        let both = fast.update(close).unwrap().zip(slow.update(close).unwrap());
        let difference = both.map(|(fast, slow)| fast - slow);
        let expected = match (previous, difference) {
            (Some(before), Some(now)) if before < 0.0 && now > 0.0 => Some(Side::Buy),
            (Some(before), Some(now)) if before > 0.0 && now < 0.0 => Some(Side::Sell),
            _ => None,
        };
        assert_eq!(said, expected, "{index}");
        signals += usize::from(said.is_some());
        previous = difference;
    }
    assert!(signals >= 8);
}

#[test]
fn reversion_and_trend_followers_alternate_on_waves() {
    for name in ["MACD", "EMA_CROSS", "RSI_REVERSION"] {
        let parameters = match name {
            "MACD" => r#"{"fast": 3, "slow": 8, "signal": 4}"#,
            "EMA_CROSS" => r#"{"fast": 3, "slow": 8}"#,
            _ => r#"{"period": 5}"#,
        };
        let mut world = World::new(name, parameters);
        let sides: Vec<_> =
            (0..400).filter_map(|index| side(&world.close(index, Y, wave(index)))).collect();
        assert!(sides.len() >= 16, "{name} {}", sides.len());
        assert!(sides.windows(2).all(|pair| pair[0] != pair[1]), "{name} {sides:?}");
    }
}

#[test]
fn rsi_confidence_is_the_depth_in_the_zone() {
    let mut world = World::new("RSI_REVERSION", r#"{"period": 2, "form": "level"}"#);
    let mut confidences = Vec::new();
    for (index, close) in [100.0, 99.0, 98.0, 97.0, 97.5, 120.0].into_iter().enumerate() {
        for advised in world.close(index as u64, Y, close) {
            let Advised::Signal(signal) = advised else { panic!("{advised:?}") };
            confidences.push((index, signal.side, signal.confidence.value()));
        }
    }
    // Two falls in a row are an index of 0: as deep as it gets.
    assert_eq!(confidences[0], (2, Side::Buy, 1.0));
    let (index, side, confidence) = *confidences.last().unwrap();
    assert_eq!((index, side), (5, Side::Sell));
    assert!((0.0..1.0).contains(&confidence));
}

#[test]
fn turtles_enter_by_signal_and_leave_by_target() {
    let mut world = World::new("DONCHIAN", r#"{"entry": 4, "exit": 2}"#);
    for (index, close) in [100.0, 101.0, 100.0, 101.0].into_iter().enumerate() {
        assert!(world.close(index as u64, Y, close).is_empty());
    }
    // Highs reach 102; a close at it is not above it.
    assert!(world.close(4, Y, 102.0).is_empty());
    assert_eq!(side(&world.close(5, Y, 104.0)), Some(Side::Buy));
    world.hold(&[(Y, 10)]);
    assert!(world.close(6, Y, 106.0).is_empty(), "it has what it wants");
    // The lows of the last two bars are 103 and 105.
    let said = world.close(7, Y, 102.5);
    assert!(
        matches!(said[..], [Advised::Target { instrument: Y, quantity, .. }] if quantity.is_zero()),
        "{said:?}"
    );
    // Below the entry range it turns round.
    assert_eq!(side(&world.close(8, Y, 90.0)), Some(Side::Sell));
    world.hold(&[(Y, -10)]);
    assert!(world.close(9, Y, 89.0).is_empty());
    let said = world.close(10, Y, 95.0);
    assert!(
        matches!(said[..], [Advised::Target { quantity, .. }] if quantity.is_zero()),
        "{said:?}"
    );
    let mut long_only = World::new("DONCHIAN", r#"{"entry": 2, "exit": 2, "direction": "long"}"#);
    for (index, close) in [100.0, 100.0, 90.0, 80.0].into_iter().enumerate() {
        assert!(long_only.close(index as u64, Y, close).is_empty());
    }
}

/// y = 2 x + 10 and a small disturbance.
fn pair(index: u64) -> (f64, f64) {
    let x = 50.0 + 5.0 * libm::sin(index as f64 / 7.0);
    let noise = if index.is_multiple_of(2) { 0.1 } else { -0.1 };
    (2.0 * x + 10.0 + noise, x)
}

fn warm_pairs() -> World {
    let mut world = World::new("PAIRS", r#"{"window": 30, "quantity": "100", "stop_z": 8}"#);
    for index in 0..60 {
        let (y, x) = pair(index);
        assert!(world.close(index, Y, y).is_empty());
        assert!(world.close(index, X, x).is_empty(), "{index}");
    }
    world
}

fn legs(said: &[Advised]) -> Option<[(InstrumentId, Decimal); 2]> {
    match said {
        [] => None,
        [Advised::Together(legs, _)] => {
            let [a, b] = legs.as_slice() else { panic!("{legs:?}") };
            Some([(a.0, a.1.value()), (b.0, b.1.value())])
        }
        other => panic!("{other:?}"),
    }
}

/// Opens the pair short: y is far too dear.
fn enter(world: &mut World) -> [(InstrumentId, Decimal); 2] {
    let (y, x) = pair(60);
    assert!(world.close(60, X, x).is_empty());
    legs(&world.close(60, Y, y + 0.6)).expect("an entry")
}

#[test]
fn both_legs_of_a_pair_are_asked_for_together() {
    let mut world = warm_pairs();
    let [(first, y), (second, x)] = enter(&mut world);
    assert_eq!((first, y), (Y, Decimal::from(-100)));
    assert_eq!(second, X);
    // The hedge ratio is about 2.
    assert!((190..=210).contains(&i64::try_from(x).unwrap()), "{x}");
    world.hold(&[(Y, -100), (X, 200)]);
    let (y, x) = pair(61);
    assert!(world.close(61, Y, y + 0.5).is_empty());
    assert_eq!(legs(&world.close(61, X, x)), None, "still dear");
    let (y, x) = pair(62);
    world.close(62, Y, y - 0.2);
    let exit = legs(&world.close(62, X, x)).expect("an exit");
    assert_eq!(exit, [(Y, Decimal::ZERO), (X, Decimal::ZERO)]);
}

#[test]
fn a_refused_leg_unwinds_the_other_and_waits() {
    let mut world = warm_pairs();
    enter(&mut world);
    let intent = Intent::market(SLOT, X, Side::Buy, Qty::from(200));
    let reason = Reason::new(ReasonCode::Backoff, 1.0, 2.0);
    let refused = Event::Refused { intent: &intent, group: None, reason: &reason };
    let flat = [(Y, Decimal::ZERO), (X, Decimal::ZERO)];
    assert_eq!(legs(&world.tell(60, &refused)), Some(flat));
    // Refused once more on the way out: not again at once, but with the next pair.
    assert_eq!(legs(&world.tell(60, &refused)), None);
    world.hold(&[(Y, -40)]);
    let (y, x) = pair(61);
    world.close(61, Y, y + 0.6);
    assert_eq!(legs(&world.close(61, X, x)), Some(flat));
    world.hold(&[]);
    // Still dear, but it waits until the spread has been back.
    let (y, x) = pair(62);
    world.close(62, Y, y + 0.6);
    assert_eq!(legs(&world.close(62, X, x)), None);
    for index in 63..120 {
        let (y, x) = pair(index);
        world.close(index, Y, y);
        assert_eq!(legs(&world.close(index, X, x)), None);
    }
    let (y, x) = pair(121);
    world.close(121, Y, y + 0.6);
    assert!(legs(&world.close(121, X, x)).is_some());
}

#[test]
fn a_bar_without_its_partner_is_left_out() {
    let (mut whole, mut holed) = (warm_pairs(), warm_pairs());
    let (y, _) = pair(59);
    assert!(holed.close(59, Y, y * 3.0).is_empty());
    assert_eq!(enter(&mut whole), enter(&mut holed));
}

#[test]
fn a_pair_goes_on_from_its_saved_state() {
    let mut world = warm_pairs();
    enter(&mut world);
    let state = world.strategy.save().unwrap();
    let mut other = World::new("PAIRS", r#"{"window": 30, "quantity": "100", "stop_z": 8}"#);
    other.strategy.restore(&state).unwrap();
    assert_eq!(other.strategy.save().unwrap(), state);
    for world in [&mut world, &mut other] {
        world.hold(&[(Y, -100), (X, 200)]);
        let (y, x) = pair(62);
        world.close(62, Y, y - 0.2);
        assert!(legs(&world.close(62, X, x)).is_some());
    }
    let mut wrong = World::new("PAIRS", r#"{"window": 31, "quantity": "100", "stop_z": 8}"#);
    assert!(wrong.strategy.restore(&state).is_err());
}

fn quotes(said: &[Advised]) -> Vec<(Side, String)> {
    let quote = |advised: &Advised| match advised {
        Advised::Quote { side, price, .. } => Some((*side, price.to_string())),
        _ => None,
    };
    said.iter().filter_map(quote).collect()
}

#[test]
fn a_grid_rests_around_the_first_price_and_turns_round_what_fills() {
    let mut world = World::new("GRID", r#"{"levels_below": 2, "levels_above": 1, "spacing": 0.1}"#);
    let said = world.close(0, Y, 100.0);
    let expected = [(Side::Buy, "90.91"), (Side::Buy, "82.64"), (Side::Sell, "110.00")];
    let expected = expected.map(|(side, price)| (side, price.to_owned()));
    assert_eq!(quotes(&said), expected);
    assert!(said.iter().all(|advised| {
        let Advised::Quote { size: QuoteSize::Total(size), .. } = advised else { return false };
        *size == Qty::from(1)
    }));
    assert!(world.close(1, Y, 95.0).is_empty(), "what rests is not said again at once");
    assert_eq!(quotes(&world.close(61, Y, 95.0)), expected, "but in time");
    // The upper buy fills: it rests as a sell one level up, under a new key.
    let said = world.fill(Side::Buy, "90.91", 1);
    let [Advised::Pull(old), Advised::Quote { key, .. }] = said[..] else { panic!("{said:?}") };
    assert!(old != key);
    assert_eq!(quotes(&said), [(Side::Sell, "100.00".to_owned())]);
    assert_eq!(quotes(&world.fill(Side::Sell, "100.00", 1)), [(Side::Buy, "90.91".to_owned())]);
    assert_eq!(quotes(&world.fill(Side::Sell, "110.00", 1)), [(Side::Buy, "100.00".to_owned())]);
    // A fall through all levels at once, filled at a better price than asked for.
    let all = world.fill(Side::Buy, "80.00", 3);
    assert_eq!(
        quotes(&all),
        [(Side::Sell, "110.00"), (Side::Sell, "100.00"), (Side::Sell, "90.91")]
            .map(|(side, price)| (side, price.to_owned()))
    );
}

#[test]
fn a_grid_counts_partial_fills() {
    let parameters = r#"{"levels_below": 1, "levels_above": 0, "spacing": 0.1, "quantity": "5"}"#;
    let mut world = World::new("GRID", parameters);
    world.close(0, Y, 100.0);
    assert!(world.fill(Side::Buy, "90.91", 2).is_empty());
    let state = world.strategy.save().unwrap();
    let mut other = World::new("GRID", parameters);
    other.strategy.restore(&state).unwrap();
    for world in [&mut world, &mut other] {
        assert_eq!(quotes(&world.fill(Side::Buy, "90.91", 3)).len(), 1);
    }
}

fn warm_maker(parameters: &str) -> World {
    let mut world = World::new("MARKET_MAKER", parameters);
    for at in 0..31 {
        let middle = 100.0 + if at % 2 == 0 { 0.05 } else { 0.0 };
        let said = world.top(at, middle - 0.01, middle + 0.01);
        assert_eq!(said.is_empty(), at < 30, "{at}");
    }
    world
}

fn bid_and_ask(said: &[Advised]) -> (Option<f64>, Option<f64>) {
    let find = |wanted: Side| {
        said.iter().find_map(|advised| match advised {
            Advised::Quote { side, price, .. } if *side == wanted => Some(price.to_f64()),
            _ => None,
        })
    };
    (find(Side::Buy), find(Side::Sell))
}

#[test]
fn a_market_maker_leans_against_its_inventory() {
    let mut flat = warm_maker("{}");
    let (bid, ask) = bid_and_ask(&flat.top(31, 99.99, 100.01));
    let (bid, ask) = (bid.unwrap(), ask.unwrap());
    assert!(bid < 100.0 && ask > 100.0);
    assert!(((100.0 - bid) - (ask - 100.0)).abs() < 0.0101, "{bid} {ask}");
    let quotes_with = |lots: i64| {
        let mut world = warm_maker("{}");
        world.hold(&[(Y, lots)]);
        bid_and_ask(&world.top(31, 99.99, 100.01))
    };
    let (long_bid, long_ask) = quotes_with(3);
    assert!(long_bid.unwrap() < bid && long_ask.unwrap() < ask);
    let (short_bid, short_ask) = quotes_with(-3);
    assert!(short_bid.unwrap() > bid && short_ask.unwrap() > ask);
    // At the limit the side that would add is taken back.
    assert_eq!(quotes_with(5).0, None);
    assert_eq!(quotes_with(-5).1, None);
}

#[test]
fn a_market_maker_pulls_what_it_no_longer_wants_and_renews_what_filled() {
    let mut world = warm_maker("{}");
    world.top(31, 99.99, 100.01);
    world.hold(&[(Y, 5)]);
    let said = world.fill(Side::Buy, "99.90", 1);
    assert!(said.iter().any(|advised| matches!(advised, Advised::Pull(0))), "{said:?}");
    let (bid, ask) = bid_and_ask(&said);
    assert!(bid.is_none() && ask.is_some());
    assert!(!world.top(32, 99.99, 100.01).iter().any(|a| matches!(a, Advised::Pull(_))));
    world.hold(&[(Y, 4)]);
    assert!(bid_and_ask(&world.top(33, 99.99, 100.01)).0.is_some());
}

#[test]
fn quotes_keep_to_the_tick_and_never_cross_the_market() {
    for (bid, ask) in [(99.99, 100.01), (99.0, 101.0), (0.01, 0.02), (49_999.37, 50_000.0)] {
        for lots in [-4, 0, 4] {
            let mut world =
                World::new("MARKET_MAKER", r#"{"warmup_samples": 1, "risk_aversion": 5}"#);
            world.hold(&[(Y, lots)]);
            world.top(0, bid, ask);
            let said = world.top(1, bid, ask);
            for advised in &said {
                let Advised::Quote { side, price, size, .. } = advised else { continue };
                assert_eq!(*size, QuoteSize::Resting(Qty::from(1)));
                assert!(world.table[Y].is_on_tick(price.value()));
                match side {
                    Side::Buy => assert!(price.to_f64() < ask, "{price} {ask}"),
                    Side::Sell => assert!(price.to_f64() > bid, "{price} {bid}"),
                }
            }
        }
    }
}

#[test]
fn a_market_maker_reads_books_and_ignores_bars() {
    let mut world = warm_maker("{}");
    assert!(world.close(31, Y, 100.0).is_empty());
    let level = |price| BookLevel { price, quantity: 1.0 };
    let book = Book { instrument: Y, bids: vec![level(99.99)], asks: vec![level(100.01)] };
    let from_book = world.tell(31, &Event::Market(&MarketEvent::Book(Box::new(book))));
    let from_quote = warm_maker("{}").top(31, 99.99, 100.01);
    assert_eq!(from_book, from_quote);
    let state = world.strategy.save().unwrap();
    let mut other = World::new("MARKET_MAKER", "{}");
    other.strategy.restore(&state).unwrap();
    assert_eq!(other.top(32, 100.0, 100.02), world.top(32, 100.0, 100.02));
}
