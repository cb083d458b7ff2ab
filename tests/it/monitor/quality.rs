//! Fill quality: a worked example, a naive model, and a backtest's own costs.

use proptest::prelude::*;
use tradewright::backtest::Backtest;
use tradewright::metrics::MetricsSink;
use tradewright::monitor::{FillQuality, OrderQuality};
use tradewright::prelude::{
    Decimal, EquityFraction, Facts, FeeSchedule, Instrument, InstrumentId, Instruments, Price, Qty,
    Side, SimConfig, Timestamp,
};
use tradewright::sim::Slippage;
use tradewright::types::{
    Amount, AssetId, FactBookBuilder, Fill, FillReport, InstrumentKind, Intent, Liquidity,
    MarkFact, Money, Order, OrderId, OrderKind, OrderReport, OrderStatus, Purpose, Record, SlotId,
    TradeId,
};

use super::{index, secs};

/// A desk that places orders by hand and tells a reader of it.
pub struct Desk {
    table: Instruments,
    reporting: AssetId,
    pub quality: FillQuality,
    now: i64,
    marks: Vec<f64>,
    trades: u64,
}

impl Desk {
    /// A share with a multiplier of ten in dollars, and a coin's inverse contract of 100 dollars.
    pub fn new() -> Self {
        let mut table = Instruments::new();
        table.add(Instrument::stock("A", "USD").multiplier("10")).unwrap();
        table.add(Instrument::inverse_perpetual("BTCUSD", "BTC", "USD").multiplier("100")).unwrap();
        let reporting = table.find_asset("USD").unwrap();
        let quality = FillQuality::default();
        Self { table, reporting, quality, now: 0, marks: vec![0.0; 2], trades: 0 }
    }

    fn at(&self) -> Timestamp {
        secs(self.now)
    }

    pub fn mark(&mut self, instrument: usize, price: f64) {
        self.now += 1;
        self.marks[instrument] = price;
        let mut book = FactBookBuilder::new(&self.table, self.reporting);
        for (index, price) in self.marks.iter().enumerate().filter(|(_, price)| **price > 0.0) {
            // The coin in which the contract settles is worth its price in dollars.
            let rate = if index == 1 { *price } else { 1.0 };
            let mark = MarkFact { price: *price, at: self.at(), rate };
            book = book.rated_mark(InstrumentId(index as u32), mark);
        }
        let book = book.build();
        let facts = Facts::new(self.at(), SlotId::HOUSE, &self.table, &book);
        self.quality.on_mark(&facts);
    }

    pub fn place(&mut self, id: u64, intent: &Intent) -> OrderId {
        let id = OrderId::new(1, intent.slot, id);
        let order = Order { id, created_at: self.at(), intent: *intent };
        self.quality.record(self.at(), &Record::Placed { order: &order });
        id
    }

    pub fn becomes(&mut self, order: OrderId, to: OrderStatus) {
        let (from, report) = (OrderStatus::Pending, &OrderReport::Accepted);
        self.quality.record(self.at(), &Record::Transition { order, from, to, report });
    }

    pub fn fill(&mut self, order: OrderId, intent: &Intent, quantity: i64, price: &str, fee: &str) {
        self.trades += 1;
        self.now += 1;
        let price = Price::new(price.parse().unwrap()).unwrap();
        let settlement = self.table[intent.instrument].settlement;
        let fill = Fill {
            at: self.at(),
            order,
            slot: intent.slot,
            instrument: intent.instrument,
            side: intent.side,
            leg: intent.leg,
            execution: FillReport {
                trade: TradeId(self.trades.into()),
                price,
                quantity: Qty::from(quantity),
                fee: Money::new(fee.parse().unwrap(), settlement),
                liquidity: Liquidity::Taker,
                before_slippage: price,
            },
            arrival: intent.reference,
            purpose: intent.purpose,
            tag: intent.tag,
        };
        let realised = Money::zero(settlement);
        self.quality.record(self.at(), &Record::Filled { fill: &fill, realised });
    }

    pub fn last(&self) -> OrderQuality {
        *self.quality.orders().last().unwrap()
    }
}

pub fn intent(instrument: u32, side: Side, quantity: i64, reference: f64) -> Intent {
    let market = Intent::market(SlotId(1), InstrumentId(instrument), side, Qty::from(quantity));
    Intent { reference, ..market }
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-9 * expected.abs().max(1.0), "{found}, not {expected}");
}

/// 100 bought by hand, worked out on paper: decided at 10.00, arrived at 10.05, 60 filled at
/// 10.10 and the rest given up at 10.20; each unit is worth ten times its price.
#[test]
fn a_worked_example() {
    let mut desk = Desk::new();
    desk.mark(0, 10.0);
    let buy = intent(0, Side::Buy, 100, 10.0);
    let order = desk.place(1, &buy);
    desk.mark(0, 10.05);
    desk.becomes(order, OrderStatus::Open);
    desk.mark(0, 10.15);
    desk.becomes(order, OrderStatus::PartiallyFilled);
    desk.fill(order, &buy, 40, "10.08", "7");
    desk.fill(order, &buy, 20, "10.14", "5");
    assert_eq!(desk.quality.summary().working, 1);
    desk.mark(0, 10.20);
    desk.becomes(order, OrderStatus::Cancelled);
    desk.mark(0, 11.0);

    let row = desk.last();
    let shortfall = row.shortfall.unwrap();
    near(shortfall.delay, 50.0);
    near(shortfall.execution, 30.0);
    near(shortfall.opportunity, 60.0);
    near(shortfall.fees, 12.0);
    near(row.average.unwrap(), 10.10);
    near(row.slippage_bps.unwrap(), 100.0);
    assert_eq!((row.decision, row.arrival, row.end), (Some(10.0), Some(10.05), Some(10.20)));
    assert_eq!((row.fill_ratio, row.filled), (Some(0.6), 60.0));
    assert_eq!((row.secs_to_first_fill, row.secs_to_fill), (Some(3.0), Some(4.0)));
    let summary = desk.quality.summary();
    near(summary.all.bps(summary.all.costs.total()).unwrap(), 152.0);
    near(summary.all.fill_ratio.unwrap(), 0.6);
    near(summary.all.slippage_bps.unwrap(), 100.0);
    near(summary.all.ordered, 10_000.0);
    let slips: Vec<f64> =
        desk.quality.fills().iter().map(|row| row.slippage_bps.unwrap()).collect();
    near(slips[0], 80.0);
    near(slips[1], 140.0);
    assert!(summary.to_string().contains("152.0 bp"), "{summary}");
}

/// A stop decides at its trigger; one that was not touched, and a quote that was pulled, have
/// missed nothing.
#[test]
fn what_stops_and_quotes_cost() {
    let mut desk = Desk::new();
    desk.mark(0, 10.0);
    let trigger = Price::new(Decimal::from(9)).unwrap();
    let stop = Intent { kind: OrderKind::StopMarket { trigger }, ..intent(0, Side::Sell, 5, 10.0) };
    let order = desk.place(1, &stop);
    desk.becomes(order, OrderStatus::Open);
    desk.mark(0, 8.9);
    desk.becomes(order, OrderStatus::Filled);
    desk.fill(order, &stop, 5, "8.91", "0");
    desk.mark(0, 8.0);
    let row = desk.last();
    near(row.shortfall.unwrap().execution, 5.0 * 0.09 * 10.0);
    near(row.shortfall.unwrap().total(), 4.5);
    assert_eq!(row.secs_to_fill, Some(0.0));

    let untouched = desk.place(2, &stop);
    let quote = Intent { purpose: Purpose::Quote, ..intent(0, Side::Buy, 5, 8.0) };
    let quote = desk.place(3, &quote);
    desk.mark(0, 9.0);
    desk.becomes(untouched, OrderStatus::Cancelled);
    desk.becomes(quote, OrderStatus::Cancelled);
    desk.mark(0, 9.0);
    let summary = desk.quality.summary();
    assert_eq!((summary.all.orders, summary.all.filled_orders, summary.working), (3, 1, 0));
    near(summary.all.costs.total(), 4.5);
    near(summary.all.fill_ratio.unwrap(), 1.0);
}

/// What cannot be priced is counted and in no sum; a fill of nobody is in the history alone.
#[test]
fn what_cannot_be_priced_is_counted() {
    let mut desk = Desk::new();
    desk.mark(0, 10.0);
    let unknown = intent(0, Side::Buy, 5, f64::NAN);
    let order = desk.place(1, &unknown);
    desk.becomes(order, OrderStatus::Filled);
    desk.fill(order, &unknown, 5, "10", "1");
    desk.mark(0, 10.0);
    assert_eq!(desk.last().shortfall, None);
    assert_eq!(desk.last().average, Some(10.0));
    desk.fill(order, &unknown, 5, "10", "1");
    let cash = Amount::Cash(Money::new(Decimal::from(50), desk.reporting));
    let cash = Intent { amount: cash, ..intent(0, Side::Buy, 1, 10.0) };
    let order = desk.place(2, &cash);
    desk.becomes(order, OrderStatus::Rejected);
    desk.mark(0, 10.0);
    let summary = desk.quality.summary();
    assert_eq!((summary.all.orders, summary.all.unpriced, summary.strays), (2, 2, 1));
    assert_eq!(summary.all.costs.total(), 0.0);
    assert_eq!(desk.quality.fills().len(), 2);
}

/// One step of an order's life: the mark moves, and perhaps something is filled.
type Step = (f64, i64, u8);

fn life() -> impl Strategy<Value = (u8, bool, i64, Vec<Step>)> {
    let step = (0.9_f64..1.1, 0_i64..40, 0_u8..4);
    (0_u8..2, any::<bool>(), 1_i64..100, prop::collection::vec(step, 1..12))
}

proptest! {
    /// Actual against paper, worked out from all fills: the parts add up to what the account is
    /// short of against a portfolio that traded all at the price of the decision. Of each side,
    /// linear and inverse.
    #[test]
    fn the_parts_add_up_to_paper_less_actual(
        (instrument, is_buy, quantity, steps) in life(), filled_whole in any::<bool>(),
    ) {
        let mut desk = Desk::new();
        let index = usize::from(instrument);
        let mut price = 100.0_f64;
        desk.mark(index, price);
        let side = if is_buy { Side::Buy } else { Side::Sell };
        let wanted = intent(u32::from(instrument), side, quantity, price);
        let decision = price;
        let order = desk.place(1, &wanted);
        let (mut left, mut arrival, mut fills) = (quantity, None, Vec::new());
        for (change, filled, kind) in steps {
            price *= change;
            desk.mark(index, price);
            if kind == 0 && arrival.is_none() {
                desk.becomes(order, OrderStatus::Open);
                arrival = Some(price);
            }
            if kind == 1 && left > 0 && filled > 0 {
                let filled = filled.min(left);
                left -= filled;
                if arrival.is_none() {
                    desk.becomes(order, OrderStatus::PartiallyFilled);
                    arrival = Some(price);
                }
                let text = format!("{:.4}", price * 1.001);
                desk.fill(order, &wanted, filled, &text, "0.01");
                fills.push((filled as f64, text.parse::<f64>().unwrap()));
            }
        }
        if filled_whole && left > 0 {
            let text = format!("{:.4}", price * 0.99);
            desk.becomes(order, OrderStatus::Filled);
            desk.fill(order, &wanted, left, &text, "0.01");
            fills.push((left as f64, text.parse::<f64>().unwrap()));
            arrival = arrival.or(Some(f64::NAN));
            left = 0;
        } else {
            let end = if left == 0 { OrderStatus::Filled } else { OrderStatus::Cancelled };
            desk.becomes(order, end);
        }
        desk.mark(index, price);

        // A unit in dollars: ten shares; minus 100 dollars' worth of coin, at the last price.
        let is_inverse = desk.table[wanted.instrument].kind == InstrumentKind::InversePerpetual;
        let value = |size: f64, at: f64| {
            if is_inverse { -size * 100.0 / at * price } else { size * 10.0 * at }
        };
        let sign = if is_buy { 1.0 } else { -1.0 };
        let actual: f64 = fills.iter().map(|(size, at)| value(*size, *at)).sum::<f64>()
            + value(left as f64, price);
        let paper = value(quantity as f64, decision);
        let fees = fills.len() as f64 * 0.01 * if is_inverse { price } else { 1.0 };
        let row = desk.last();
        let shortfall = row.shortfall.unwrap();
        let expected = sign * (actual - paper) + fees;
        prop_assert!((shortfall.total() - expected).abs() < 1e-7, "{shortfall:?}, {expected}");
        near(shortfall.fees, fees);
        let at_arrival = arrival.filter(|it| it.is_finite()).unwrap_or(decision);
        near(shortfall.delay, sign * (value(quantity as f64, at_arrival) - paper));
        prop_assert_eq!(row.filled, (quantity - left) as f64);
        if !fills.is_empty() {
            let low = fills.iter().map(|fill| fill.1).fold(f64::MAX, f64::min);
            let high = fills.iter().map(|fill| fill.1).fold(0.0, f64::max);
            let average = row.average.unwrap();
            prop_assert!(average > low - 1e-9 && average < high + 1e-9);
        }
        let all = desk.quality.summary().all;
        near(all.costs.total(), shortfall.total());
        let slipped = fills.iter().map(|(s, at)| value(*s, *at) - value(*s, decision)).sum::<f64>();
        let base: f64 = fills.iter().map(|(size, _)| value(*size, decision).abs()).sum();
        if base > 0.0 {
            near(all.slippage_bps.unwrap(), sign * slipped / base * 10_000.0);
        }
    }
}

/// The costs of a run by two ways: by the report's own rows, and by the reader of records.
#[test]
fn a_run_costs_what_its_report_says() {
    let tape = index();
    let mut venue = SimConfig::default();
    venue.fees = FeeSchedule::flat("0.001".parse().unwrap(), "0.001".parse().unwrap());
    venue.slippage = Slippage::BasisPoints(2.0);
    let (report, quality) = Backtest::new(&tape)
        .venue(venue)
        .sizer(EquityFraction::new("0.5".parse().unwrap()).unwrap())
        .strategy_with("MEAN_REVERSION", r#"{"window":10,"std_dev_factor":1.0}"#)
        .strategy("BREAKOUT")
        .run_with(FillQuality::new(4_096).unwrap())
        .unwrap();
    let all = quality.summary().all;
    assert!(all.filled_orders > 200);
    assert_eq!(all.filled_orders, report.fills.len() as u64);
    assert_eq!(
        quality.orders().next() + quality.summary().working as u64,
        report.orders.len() as u64
    );
    assert_eq!((all.unpriced, quality.summary().strays), (0, 0));
    near(all.costs.fees, report.costs.fees);
    near(all.traded, report.costs.traded);
    near(all.slippage_bps.unwrap(), report.costs.shortfall_bps.unwrap());
    // Without latency, what is filled whole is the execution alone.
    near(all.costs.execution + all.costs.delay, report.costs.shortfall.unwrap());
    let by_strategy: f64 =
        quality.summary().by_strategy.iter().map(|it| it.figures.costs.total()).sum();
    near(by_strategy, all.costs.total());
}

impl Desk {
    /// Time and marks as at another desk.
    pub fn follow(&mut self, other: &Self) {
        (self.now, self.trades, self.marks) = (other.now, other.trades, other.marks.clone());
    }
}
