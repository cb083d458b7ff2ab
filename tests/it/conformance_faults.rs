//! The conformance suites find what they are there to find: planted faults, one for each law.

mod risk;

use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};
use tradewright::account::{
    AdjustmentEffects, AssetSums, Holding, Ledger, LedgerConfig, LedgerError, LotMethod,
    PnlCalculator,
};
use tradewright::math::{Indicator, InputError};
use tradewright::metrics::MetricsSink;
use tradewright::order::{
    Applied, InFlight, OrderBook, OrderError, OrderLifecycle, OrderState, Reserved,
};
use tradewright::prelude::*;
use tradewright::risk::{Assessment, Fact, HaltChange, RiskChain, RiskManager, rule_from_fn};
use tradewright::testkit::{BrokenLaw, Fault, ScriptedVenue, Suite, inputs};
use tradewright::types::{
    Adjustment, AssetId, Fill, Funding, HaltCause, Intent, Leg, Money, Order, OrderId, OrderReport,
    Reason, ReasonCode, Record, SlotId, State, StateError, Trade,
};

const REASON: Reason = Reason::new(ReasonCode::SymbolQuantity, 5.0, 9.0);

#[track_caller]
fn breaks(outcome: Result<(), BrokenLaw>, law: &str) {
    let broken = outcome.expect_err(law);
    assert!(broken.law().contains(law), "{broken}");
    assert!(!broken.input().is_empty() && broken.to_string().contains(law), "{broken}");
}

#[test]
fn rules_with_faults_are_found() {
    let suite = Suite::new();
    let open_to_nan = || {
        rule_from_fn("open", |_, facts| {
            if facts.equity() < 50_000.0 { Limit::Deny(REASON) } else { Limit::Allow(None) }
        })
    };
    breaks(suite.rule(open_to_nan), "an unknown number");
    let negative = || {
        rule_from_fn("negative", |opening, facts| {
            let left = 50 - i64::try_from(facts.net(opening.intent.instrument).quantity).unwrap();
            Limit::Cap(Qty::from(left), REASON)
        })
    };
    breaks(suite.rule(negative), "never enlarges");
    let moody = || {
        let calls = AtomicU32::new(0);
        rule_from_fn("moody", move |_, _| match calls.fetch_add(1, Ordering::Relaxed) % 2 {
            0 => Limit::Allow(None),
            _ => Limit::Deny(REASON),
        })
    };
    breaks(suite.rule(moody), "pure");
    // Half of what is asked, and half of that again.
    let halves = || {
        rule_from_fn("halves", |opening, _| {
            Limit::Cap(Qty::new(opening.quantity / Decimal::TWO), REASON)
        })
    };
    breaks(suite.rule(halves), "grants again");
    let panics = || rule_from_fn("panics", |opening, _| panic!("of {}", opening.quantity));
    breaks(suite.rule(panics), "nothing panics");
    // The more is held, the more is allowed.
    let generous = || {
        rule_from_fn("generous", |opening, _| {
            if opening.held_value >= 5_000.0 { Limit::Allow(None) } else { Limit::Deny(REASON) }
        })
    };
    breaks(suite.monotone_rule(generous), "who holds more");
}

/// A mean of two that forgets to refuse, to reset, or to be steady.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Mean {
    fault: u8,
    last: Option<f64>,
    value: Option<f64>,
}

impl Indicator for Mean {
    type Input = f64;
    type Output = f64;

    fn update(&mut self, input: f64) -> Result<Option<f64>, InputError> {
        let refused = InputError::NotFinite { field: "value", value: input };
        if !input.is_finite() && self.fault == 0 {
            self.last = None;
        }
        if !input.is_finite() {
            return Err(refused);
        }
        self.value = self.last.map(|last| (last + input) / 2.0);
        self.last = Some(input);
        Ok(self.value)
    }

    fn value(&self) -> Option<f64> {
        if self.fault == 1 { self.last } else { self.value }
    }

    fn warmup(&self) -> usize {
        if self.fault == 2 { 3 } else { 2 }
    }

    fn reset(&mut self) {
        self.value = None;
        if self.fault != 3 {
            self.last = None;
        }
    }

    fn batch(&mut self, inputs: &[f64], out: &mut Vec<Option<f64>>) -> Result<(), InputError> {
        for input in inputs {
            let answer = self.update(*input)?;
            out.push(if self.fault == 4 { answer.map(|value| value + 1.0) } else { answer });
        }
        Ok(())
    }
}

#[test]
fn indicators_with_faults_are_found() {
    let prices = proptest::collection::vec(1.0..100.0, 3..9);
    let laws = ["no trace", "repeats", "warm-up", "reset equals new", "batch equals streaming"];
    for (fault, law) in (0..).zip(laws) {
        let fresh = Mean { fault, last: None, value: None };
        breaks(Suite::new().indicator(&fresh, &prices, &[f64::NAN]), law);
    }
    let sound = Mean { fault: 9, last: None, value: None };
    Suite::new().indicator(&sound, &prices, &[f64::NAN]).unwrap();
}

/// Buys at every bar above the first; what it saves is not all that it knows.
#[derive(Debug, Serialize, Deserialize)]
struct Forgetful {
    early: bool,
    #[serde(skip)]
    seen: u32,
}

impl Strategy for Forgetful {
    fn name(&self) -> &'static str {
        "FORGETFUL"
    }

    fn warmup(&self) -> usize {
        if self.early { 5 } else { 0 }
    }

    fn on_event(&mut self, event: &Event<'_>, _: &Facts<'_>, advice: &mut Advice) {
        self.seen += u32::from(event.bar().is_some());
        if self.early || self.seen % 3 == 1 {
            advice.buy(Confidence::FULL);
        }
    }
}

#[test]
fn strategies_with_faults_are_found() {
    let suite = Suite::new().cases(32);
    breaks(suite.strategy(|_| Forgetful { early: false, seen: 0 }), "restored");
    breaks(suite.strategy(|_| Forgetful { early: true, seen: 0 }), "warm-up");
    let runs = AtomicU32::new(0);
    let leaky = |_: &_| {
        let before = runs.fetch_add(1, Ordering::Relaxed);
        from_fn("LEAKY", move |_, _, advice| {
            if before.is_multiple_of(2) {
                advice.buy(Confidence::FULL);
            }
        })
    };
    breaks(suite.strategy(leaky), "the same events");
}

/// A chain with one fault of its own.
struct Faulty {
    fault: u8,
    chain: RiskChain,
}

impl State for Faulty {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.chain.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.fault = if self.fault == 3 { 0 } else { self.fault };
        self.chain.restore(state)
    }
}

impl RiskManager for Faulty {
    fn observe(&mut self, fact: &Fact<'_>, facts: &Facts<'_>, changes: &mut Vec<HaltChange>) {
        self.chain.observe(fact, facts, changes);
    }

    fn review(&self, group: &[Intent], facts: &Facts<'_>, out: &mut Assessment) {
        self.chain.review(group, facts, out);
        match self.fault {
            0 => out.approved = false,
            1 => {
                out.granted.fill(Qty::ZERO);
                out.approved = false;
            }
            2 => out.granted.fill(Qty::from(1_000_000)),
            3 => out.risk_score = 0.5,
            _ => out.granted.truncate(0),
        }
    }

    fn release(&mut self, cause: HaltCause, facts: &Facts<'_>) {
        self.chain.release(cause, facts);
    }
}

#[test]
fn managers_with_faults_are_found() {
    let laws = ["approved says", "what reduces", "every intent", "restored", "every intent"];
    for (fault, law) in (0..).zip(laws) {
        let build = || Faulty { fault, chain: RiskChain::new() };
        breaks(Suite::new().manager("faulty", build), law);
    }
}

/// An order book that answers as if one thing were otherwise.
#[derive(Serialize, Deserialize)]
struct Sloppy {
    fault: u8,
    book: OrderBook,
}

impl OrderLifecycle for Sloppy {
    fn open(&mut self, at: Timestamp, order: &Order) -> Result<(), OrderError> {
        self.book.open(at, order)
    }

    fn apply(
        &mut self,
        at: Timestamp,
        id: OrderId,
        report: &OrderReport,
    ) -> Result<Applied, OrderError> {
        if self.fault == 0 && matches!(report, OrderReport::Expired) {
            return self.book.apply(at, id, &OrderReport::Cancelled);
        }
        let mut applied = self.book.apply(at, id, report)?;
        if self.fault == 1 {
            applied.implied = None;
        }
        if self.fault == 2 && matches!(report, OrderReport::Fill(_)) {
            // Booked a second time.
            let _ = self.book.apply(at, id, report);
        }
        Ok(applied)
    }

    fn request(&mut self, at: Timestamp, id: OrderId, request: InFlight) -> Result<(), OrderError> {
        self.book.request(at, id, request)
    }

    fn find(&self, id: OrderId) -> Option<&OrderState> {
        self.book.find(id)
    }

    fn live(&self) -> &[OrderState] {
        self.book.live()
    }

    fn reserved(&self, slot: SlotId, instrument: InstrumentId) -> Reserved {
        let mut reserved = self.book.reserved(slot, instrument);
        if self.fault == 3 {
            reserved.orders = 0;
        }
        reserved
    }
}

#[test]
fn order_lives_with_faults_are_found() {
    let laws = ["what the table says", "what the table says", "steps are told", "reserved"];
    for (fault, law) in (0..).zip(laws) {
        let build = || Sloppy { fault, book: OrderBook::new() };
        breaks(Suite::new().lifecycle(build), law);
    }
}

/// Books with a hole.
#[derive(Debug)]
struct Leaking {
    fault: u8,
    ledger: Ledger,
}

impl State for Leaking {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.ledger.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.ledger.restore(state)
    }
}

impl PnlCalculator for Leaking {
    fn on_fill(
        &mut self,
        instruments: &Instruments,
        fill: &Fill,
        closed: &mut Vec<Trade>,
    ) -> Result<Money, LedgerError> {
        let mut fill = *fill;
        if self.fault == 0 {
            fill.execution.fee = Money::zero(fill.execution.fee.asset);
        }
        let before = closed.len();
        let realised = self.ledger.on_fill(instruments, &fill, closed);
        if self.fault == 1 {
            closed.truncate(before);
        }
        realised
    }

    fn on_funding(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        funding: &Funding,
        paid: &mut Vec<(SlotId, Money)>,
    ) -> Result<(), LedgerError> {
        self.ledger.on_funding(at, instruments, funding, paid)
    }

    fn adjust(
        &mut self,
        at: Timestamp,
        instruments: &Instruments,
        adjustment: &Adjustment,
        effects: &mut AdjustmentEffects,
    ) -> Result<(), LedgerError> {
        self.ledger.adjust(at, instruments, adjustment, effects)
    }

    fn holding(&self, slot: SlotId, instrument: InstrumentId, leg: Leg) -> Holding {
        self.ledger.holding(slot, instrument, leg)
    }

    fn unrealized(
        &self,
        instrument: &Instrument,
        slot: SlotId,
        mark: Price,
    ) -> Result<Money, LedgerError> {
        let mut profit = self.ledger.unrealized(instrument, slot, mark)?;
        if self.fault == 2 && !profit.amount.is_zero() {
            profit.amount += Decimal::new(1, 12);
        }
        Ok(profit)
    }

    fn sums(&self, asset: AssetId) -> AssetSums {
        self.ledger.sums(asset)
    }
}

#[test]
fn books_with_faults_are_found() {
    let laws = ["fees and funding", "the trades' profit", "realised and unrealised"];
    for (fault, law) in (0..).zip(laws) {
        let config = LedgerConfig::default();
        let build = |table: &_, slots| Leaking { fault, ledger: Ledger::new(table, slots, config) };
        breaks(Suite::new().pnl(LotMethod::Average, build), law);
    }
    // Books that match otherwise than they say.
    let fifo = LedgerConfig { lots: LotMethod::Fifo, ..LedgerConfig::default() };
    let build = |table: &_, slots| Ledger::new(table, slots, fifo);
    breaks(Suite::new().cases(256).pnl(LotMethod::Lifo, build), "lots cost");
}

/// Cannot live with a number that is none.
struct Fragile;

impl MetricsSink for Fragile {
    fn record(&mut self, _at: Timestamp, record: &Record<'_>) {
        if let Record::Passed { reason, .. } = record {
            assert!(!reason.limit.is_nan(), "a limit that is no number");
        }
    }
}

#[test]
fn sinks_with_faults_are_found() {
    breaks(Suite::new().sink("fragile", || Fragile), "nothing panics");
}

/// A law of a host's own is tried and made small like any other.
#[test]
fn a_law_of_ones_own_finds_the_smallest_input() {
    let numbers = proptest::collection::vec(0_u32..1_000, 0..20);
    let outcome = Suite::new().check("numbers", &numbers, |numbers| {
        let most = numbers.iter().max().copied().unwrap_or_default();
        Fault::unless(most < 500, "numbers are small", || format!("{most} is large"))
    });
    let broken = outcome.unwrap_err();
    assert_eq!((broken.subject(), broken.law()), ("numbers", "numbers are small"));
    assert_eq!(broken.found(), "500 is large");
    let text: String = broken.input().split_whitespace().collect();
    assert_eq!(text, "[500,]", "{broken}");
    // Another seed draws other cases, the same seed the same ones.
    let moody = Suite::new().check("numbers", &numbers, |_| Ok(()));
    assert_eq!(moody, Ok(()));
}

/// The inputs are what they say: sound where sound, unsound where unsound.
#[test]
fn drawn_inputs_are_what_they_say() -> Result<(), BrokenLaw> {
    use inputs::BarShape::{Flat, Gappy, Mixed, Outlier, Walk};
    let (suite, id) = (Suite::new(), InstrumentId(0));
    let sound = "a drawn event is sound";
    for shape in [Walk, Gappy, Flat, Outlier, Mixed] {
        let bars = inputs::bars(id, tradewright::types::Grid::CENTS, shape, 1..80);
        suite.check("bars", &bars, |bars| {
            let times = bars.windows(2).all(|pair| pair[0].0 < pair[1].0);
            let all = bars.iter().all(|(_, bar)| bar.check().is_ok());
            let flat = shape != Flat || bars.iter().all(|(_, bar)| bar.high == bar.low);
            Fault::unless(times && all && flat, sound, || format!("{shape:?}"))
        })?;
    }
    suite.check("unsound bars", &inputs::unsound_bars(id), |bar| {
        Fault::unless(bar.check().is_err(), "it is refused", || "sound".to_owned())
    })?;
    let events = inputs::events(id, tradewright::types::Grid::CENTS, 1..30);
    suite.check("events", &events, |events| {
        let all = events.iter().try_for_each(|timed| timed.event.check());
        Fault::unless(all.is_ok(), sound, || format!("{all:?}"))
    })?;
    suite.check("tables", &inputs::instruments(), |table| {
        Fault::unless(table.len() == 4, sound, || format!("{table:?}"))
    })?;
    suite.check("order lives", &inputs::order_lives(), |life| {
        let delivered = |report| life.delivered.iter().filter(|other| *other == report).count();
        let all = life.reports.iter().all(|report| delivered(report) >= 1);
        let executed = life.executed();
        let asked = match life.order.intent.amount {
            tradewright::types::Amount::Quantity(quantity) => quantity.value(),
            tradewright::types::Amount::Cash(money) => money.amount,
        };
        Fault::unless(all && executed <= asked, sound, || format!("{executed} of {asked}"))
    })?;
    let table = inputs::table();
    let share = table.get(id).unwrap();
    suite.check("orders", &inputs::orders(share, 1..20), |orders| {
        let ids: Vec<_> = orders.iter().map(|order| order.id.sequence()).collect();
        let rising = ids.windows(2).all(|pair| pair[0] < pair[1]);
        Fault::unless(rising, sound, || format!("{ids:?}"))
    })?;
    let grids = inputs::grids();
    suite.check("grids", &grids, |grid| {
        Fault::unless(grid.digits() < 9, sound, || format!("{grid:?}"))
    })?;
    assert!(!ScriptedVenue::new(&table).owes_reports());
    Ok(())
}
