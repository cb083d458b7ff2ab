//! Nanoseconds of an order's life, of booking a fill, and of a mark.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use tradewright::account::{Account, Ledger, LedgerConfig, LotMethod, PnlCalculator, PositionMode};
use tradewright::order::{OrderBook, OrderLifecycle};
use tradewright::types::{
    Decimal, Fill, FillReport, Instrument, InstrumentId, Instruments, Intent, Label, Leg,
    Liquidity, Money, Order, OrderId, OrderReport, Price, Purpose, Qty, Side, SlotId, Timestamp,
    TradeId,
};

const SLOT: SlotId = SlotId(1);
const HERE: InstrumentId = InstrumentId(0);
const NOW: Timestamp = Timestamp::EPOCH;

fn table() -> Instruments {
    let mut table = Instruments::new();
    for symbol in ["BTCUSDT", "ETHUSDT", "XRPUSDT"] {
        let instrument = Instrument::spot(symbol, symbol, "USDT").step("0.00001");
        table.add(instrument).unwrap();
    }
    table
}

fn fill(table: &Instruments, side: Side, price: i64) -> Fill {
    let price = Price::new(Decimal::new(price, 2)).unwrap();
    Fill {
        at: NOW,
        order: OrderId::default(),
        slot: SLOT,
        instrument: HERE,
        side,
        leg: Leg::Net,
        execution: FillReport {
            trade: TradeId(0),
            price,
            quantity: Qty::new(Decimal::new(12_345, 5)),
            fee: Money::new(Decimal::new(3_703_512, 8), table[HERE].quote),
            liquidity: Liquidity::Taker,
            before_slippage: price,
        },
        arrival: f64::NAN,
        purpose: Purpose::Entry,
        tag: Label::default(),
    }
}

/// An order's whole life: taken in, accepted, filled in two parts, remembered.
fn orders(criterion: &mut Criterion) {
    let table = table();
    let execution = fill(&table, Side::Buy, 4_321_012).execution;
    let mut book = OrderBook::new();
    let mut sequence = 0;
    let intent = Intent::market(SLOT, HERE, Side::Buy, Qty::new(Decimal::new(24_690, 5)));
    criterion.bench_function("order/open, accept, two fills", |bencher| {
        bencher.iter(|| {
            sequence += 1;
            let id = OrderId::new(1, SLOT, sequence);
            book.open(NOW, black_box(&Order { id, created_at: NOW, intent })).unwrap();
            book.apply(NOW, id, &OrderReport::Accepted).unwrap();
            book.apply(NOW, id, &OrderReport::Fill(execution)).unwrap();
            book.apply(NOW, id, &OrderReport::Fill(execution)).unwrap()
        });
    });
}

/// One fill booked: the mean of an entry and an exit, trade included.
fn fills(criterion: &mut Criterion) {
    let table = table();
    let pair = [fill(&table, Side::Buy, 4_321_012), fill(&table, Side::Sell, 4_333_107)];
    let config = |lots| LedgerConfig { lots, positions: PositionMode::Netting };
    for (name, lots) in [("average", LotMethod::Average), ("fifo", LotMethod::Fifo)] {
        let mut ledger = Ledger::new(&table, 2, config(lots));
        let mut closed = Vec::with_capacity(1);
        let mut turn = 0;
        criterion.bench_function(&format!("ledger/fill, {name}"), |bencher| {
            bencher.iter(|| {
                closed.clear();
                turn ^= 1;
                ledger.on_fill(&table, black_box(&pair[turn ^ 1]), &mut closed).unwrap()
            });
        });
    }
    let ledger = Box::new(Ledger::new(&table, 2, LedgerConfig::default()));
    let mut account = Account::new(&table, 2, table[HERE].quote, ledger).unwrap();
    let mut closed = Vec::with_capacity(1);
    let mut trade = 0;
    criterion.bench_function("account/fill with facts, average", |bencher| {
        bencher.iter(|| {
            closed.clear();
            trade += 1;
            let mut fill = pair[usize::from(trade % 2 == 0)];
            fill.execution.trade = TradeId(trade);
            black_box(account.is_repeated(HERE, fill.execution.trade));
            account.on_fill(&table, black_box(&fill), &mut closed).unwrap()
        });
    });
}

/// One mark, flat and with a position.
fn marks(criterion: &mut Criterion) {
    let table = table();
    let usdt = table[HERE].quote;
    for (name, is_held) in [("account/mark, flat", false), ("account/mark, held", true)] {
        let ledger = Box::new(Ledger::new(&table, 2, LedgerConfig::default()));
        let mut account = Account::new(&table, 2, usdt, ledger).unwrap();
        if is_held {
            let entry = fill(&table, Side::Buy, 4_321_012);
            account.on_fill(&table, &entry, &mut Vec::new()).unwrap();
        }
        let mut price = 43_210.0;
        criterion.bench_function(name, |bencher| {
            bencher.iter(|| {
                price = if price > 43_300.0 { 43_210.0 } else { price + 0.25 };
                account.mark(NOW, &table, HERE, black_box(price));
                account.book().equity()
            });
        });
    }
}

criterion_group!(benches, orders, fills, marks);
criterion_main!(benches);
