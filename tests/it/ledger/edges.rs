//! The books where an event is as small, as late or as large as it can be.

use proptest::prelude::*;
use tradewright::account::{
    AssetSums, Holding, Ledger, LedgerConfig, LedgerError, LotMethod, PnlCalculator, PositionMode,
};
use tradewright::types::{
    AdjustmentKind, AssetId, Decimal, Funding, Instrument, InstrumentId, Leg, Money, Qty, SlotId,
    State, StateError,
};

use super::{
    ALL, Books, FREE, INVERSE, LINEAR, ME, METHODS, OPTION, SLOTS, SPOT, config, dec, fill, price,
    signed,
};

fn multiplier(instrument: InstrumentId) -> Decimal {
    match instrument {
        LINEAR => dec("0.01"),
        OPTION => dec("10"),
        _ => Decimal::ONE,
    }
}

/// What happens to one instrument: a signed quantity at a price for a fee in thousandths, or
/// funding at a rate in millionths.
#[derive(Clone, Debug)]
enum Event {
    Fill(usize, i64, i64, i64),
    Funding(usize, i64),
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_usize..4, signed(1..8), 20_i64..60, 0_i64..50)
            .prop_map(|(index, quantity, price, fee)| Event::Fill(index, quantity, price, fee)),
        1 => (1_usize..3, -500_i64..500).prop_map(|(index, rate)| Event::Funding(index, rate)),
    ]
}

proptest! {
    /// Once everything is closed, the trades tell the ledger's realised profit, fees and
    /// funding to the last digit, no trade is empty, and nothing stays in the positions.
    #[test]
    fn the_trades_add_up_to_the_sums(
        events in prop::collection::vec(event(), 1..40),
        method in prop::sample::select(METHODS.to_vec()),
    ) {
        let mut books = Books::new(method);
        let take = |books: &mut Books, id: InstrumentId, quantity: Decimal, at: i64, fee: i64| {
            let mut fill = fill(ME, id, quantity, price(&at.to_string()));
            fill.execution.fee = Money::new(Decimal::new(fee, 3), books.table[id].settlement);
            books.book(fill).unwrap();
        };
        for event in events {
            match event {
                Event::Fill(index, quantity, at, fee) => {
                    take(&mut books, ALL[index], Decimal::from(quantity), at, fee);
                }
                Event::Funding(index, rate) => {
                    books.fund(ALL[index], rate as f64 / 1e6, 41.0).unwrap();
                }
            }
        }
        for id in ALL {
            let (held, _) = books.held(id);
            if !held.is_zero() {
                take(&mut books, id, -held, 40, 7);
            }
            prop_assert_eq!(books.ledger.holding(ME, id, Leg::Net), Holding::default());
        }
        for asset in [0, 1].map(AssetId) {
            let mut sums = AssetSums::default();
            for trade in books.closed.iter().filter(|trade| trade.gross.asset == asset) {
                prop_assert!(trade.quantity.value() > Decimal::ZERO);
                sums.realised += trade.gross.amount;
                sums.fees += trade.fees;
                sums.funding += trade.funding;
                if method != LotMethod::Average && trade.instrument != INVERSE {
                    let units = trade.side.signed(trade.quantity.value());
                    let gained = trade.exit - trade.entry;
                    let value = units * multiplier(trade.instrument) * gained;
                    prop_assert_eq!(trade.gross.amount, value);
                }
            }
            let told = books.ledger.sums(asset);
            prop_assert_eq!(
                (told.realised, told.fees, told.funding),
                (sums.realised, sums.fees, sums.funding)
            );
            prop_assert_eq!(told.cash, told.realised - told.fees + told.funding);
        }
    }
}

/// A position that is closed exactly is as if it had never been: the next one has its own
/// time, tag, lots and trades.
#[test]
fn what_is_closed_leaves_nothing_behind() {
    for method in METHODS {
        for id in ALL {
            let mut books = Books::new(method);
            for round in 1..=3 {
                books.trade(id, "3", "50", ("0.01", "USD"));
                books.trade(id, "-3", "50", FREE);
                let holding = books.ledger.holding(ME, id, Leg::Net);
                assert_eq!(holding, Holding::default(), "{method:?} {id:?}");
                assert_eq!(books.closed.len(), round, "{method:?} {id:?}");
            }
        }
    }
}

/// Events that move nothing change nothing: no empty lot waits to be closed.
#[test]
fn nothing_added_is_nothing_changed() {
    for method in METHODS {
        let mut books = Books::new(method);
        books.trade(SPOT, "2", "50", FREE);
        let before = books.ledger.clone();
        let change = Qty::ZERO;
        let kind =
            AdjustmentKind::Position { slot: ME, instrument: SPOT, change, price: price("60") };
        books.adjust(kind).unwrap();
        assert_eq!(books.ledger, before, "{method:?}");
        // The fee takes all that was bought.
        books.trade(SPOT, "1", "60", ("1", "BTC"));
        assert_eq!(books.held(SPOT), (dec("2"), dec("100")));
        assert_eq!(books.usd().fees, dec("60"));
        books.trade(SPOT, "-2", "50", FREE);
        assert_eq!(books.closed.len(), 1, "{method:?}");
        assert_eq!(books.closed[0].fees, Decimal::ZERO, "{method:?}");
    }
}

/// A fee of zero is no fee, whatever currency is written beside it.
#[test]
fn a_fee_of_nothing_needs_no_currency() {
    let mut books = Books::new(LotMethod::Average);
    let mut free = fill(ME, SPOT, dec("2"), price("50"));
    free.execution.fee = Money::zero(AssetId(99));
    books.book(free).unwrap();
    assert_eq!(books.held(SPOT), (dec("2"), dec("100")));
    free.execution.fee = Money::new(dec("0.1"), AssetId(99));
    let asset = AssetId(99);
    assert_eq!(books.book(free), Err(LedgerError::UnknownAsset { asset }));
}

/// Books are of the instruments that were in the table when they were opened.
#[test]
fn an_instrument_that_came_later_is_unknown() {
    let mut books = Books::new(LotMethod::Fifo);
    let instrument = books.table.add(Instrument::spot("LATE", "BTC", "USD")).unwrap();
    let unknown = LedgerError::UnknownInstrument { instrument };
    let before = books.ledger.clone();
    let late = fill(ME, instrument, dec("1"), price("50"));
    assert_eq!(books.book(late), Err(unknown));
    assert_eq!(books.fund(instrument, 0.1, 50.0), Err(unknown));
    for change in [Qty::ZERO, Qty::from(1)] {
        let kind = AdjustmentKind::Position { slot: ME, instrument, change, price: price("50") };
        assert_eq!(books.adjust(kind), Err(unknown));
    }
    let split = AdjustmentKind::Split { instrument, numerator: 2, denominator: 1 };
    assert_eq!(books.adjust(split), Err(unknown));
    let told = books.ledger.unrealized(&books.table[instrument], ME, price("50"));
    assert_eq!(told, Err(unknown));
    assert_eq!(books.ledger.holding(ME, instrument, Leg::Net), Holding::default());
    assert_eq!(books.ledger, before);
}

/// Books that are kept differently are not the same books, even while they are empty.
#[test]
fn how_books_are_kept_is_part_of_them() {
    let table = super::table();
    let of = |lots, positions| Ledger::new(&table, SLOTS, LedgerConfig { lots, positions });
    let fifo = of(LotMethod::Fifo, PositionMode::Netting);
    assert_eq!(fifo.config(), config(LotMethod::Fifo));
    assert_eq!(fifo, of(LotMethod::Fifo, PositionMode::Netting));
    assert_ne!(fifo, of(LotMethod::Lifo, PositionMode::Netting));
    assert_ne!(fifo, of(LotMethod::Fifo, PositionMode::Hedging));
    assert_ne!(fifo, Ledger::new(&table, SLOTS + 1, config(LotMethod::Fifo)));
}

/// Funding that one owner's books cannot take is paid to nobody.
#[test]
fn funding_that_fails_halfway_pays_nobody() {
    let mut books = Books::new(LotMethod::Fifo);
    books.trade(LINEAR, "200", "50", FREE);
    let huge = dec("1000000000000000000000000000");
    books.book(fill(SlotId(2), LINEAR, huge, price("0.01"))).unwrap();
    let before = books.ledger.clone();
    let mut paid = Vec::new();
    let funding = Funding { instrument: LINEAR, rate: 0.5, mark: 1e6 };
    let outcome = books.ledger.on_funding(super::at(9), &books.table, &funding, &mut paid);
    assert_eq!(outcome, Err(LedgerError::Overflow { what: "funding" }));
    assert_eq!(paid, []);
    assert_eq!(books.ledger, before);
}

/// After a split a position is the sum of its rounded lots, so that it can be closed.
#[test]
fn a_split_position_is_the_sum_of_its_lots() {
    for (method, quantity) in
        [(LotMethod::Fifo, "0.999999999999"), (LotMethod::Lifo, "0.999999999999")]
    {
        let mut books = Books::new(method);
        for _ in 0..3 {
            books.trade(SPOT, "1", "50", FREE);
        }
        let split = AdjustmentKind::Split { instrument: SPOT, numerator: 1, denominator: 3 };
        books.adjust(split).unwrap();
        assert_eq!(books.held(SPOT), (dec(quantity), dec("150")));
        books.book(fill(ME, SPOT, dec("-0.999999999999"), price("150"))).unwrap();
        assert_eq!(books.ledger.holding(ME, SPOT, Leg::Net), Holding::default());
        assert_eq!(books.closed.len(), 3);
    }
}

/// A split without a ratio is refused before it meets a position.
#[test]
fn a_split_by_zero_is_refused_of_nothing_too() {
    let mut books = Books::new(LotMethod::Average);
    let split =
        |numerator, denominator| AdjustmentKind::Split { instrument: SPOT, numerator, denominator };
    let bad = |what| Err(LedgerError::BadValue { what, value: Decimal::ZERO });
    assert_eq!(books.adjust(split(0, 1)), bad("split numerator"));
    assert_eq!(books.adjust(split(1, 0)), bad("split denominator"));
}

/// A snapshot that says it is of these books and lacks some of them is refused.
#[test]
fn a_snapshot_without_all_tables_is_refused() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Saved {
        config: LedgerConfig,
        slots: usize,
        instruments: usize,
        digits: Vec<u32>,
        positions: Vec<serde_json::Value>,
        sums: Vec<serde_json::Value>,
    }
    let mut books = Books::new(LotMethod::Fifo);
    books.trade(SPOT, "2", "50", FREE);
    let before = books.ledger.clone();
    let read = || -> Saved { rmp_serde::from_slice(&books.ledger.save().unwrap()).unwrap() };
    let whole = rmp_serde::to_vec_named(&read()).unwrap();
    let damages: [fn(&mut Saved); 2] =
        [|saved| saved.positions.truncate(3), |saved| saved.sums.truncate(1)];
    let damaged = damages.map(|damage| {
        let mut saved = read();
        damage(&mut saved);
        rmp_serde::to_vec_named(&saved).unwrap()
    });
    for bytes in damaged {
        assert!(matches!(books.ledger.restore(&bytes), Err(StateError::Unreadable(_))));
        assert_eq!(books.ledger, before);
    }
    books.ledger.restore(&whole).unwrap();
    assert_eq!(books.ledger, before);
}
