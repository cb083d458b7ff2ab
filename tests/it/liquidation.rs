//! The simulated venue on margin: what it refuses, when it closes, and who pays.

use std::time::Duration;

use proptest::prelude::*;
use tradewright::account::{MarginTerms, MarginTiers};
use tradewright::backtest::{Backtest, Run, Simulation, Tape};
use tradewright::engine::{Command, Input};
use tradewright::sim::{FeeSchedule, PathModel, SimConfig, SimVenue};
use tradewright::strategy::{self as trading, Advice, Event};
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, AssetId, Bar, Decimal, Facts, FillReport, Funding,
    Instrument, InstrumentId, Instruments, Intent, Leg, Mark, MarketEvent, Order, OrderFlags,
    OrderId, OrderKind, OrderReport, OrderUpdate, Period, Price, Purpose, Qty, Quote, Side, SlotId,
    Timestamp,
};

use crate::sim_world::{dec, word};

const PERP: InstrumentId = InstrumentId(0);
const ETH: InstrumentId = InstrumentId(1);
const COIN: InstrumentId = InstrumentId(2);

fn table() -> Instruments {
    let mut table = Instruments::new();
    table.add(Instrument::linear_perpetual("PERP", "BTC", "USDT")).unwrap();
    table.add(Instrument::linear_perpetual("ETH", "ETH", "USDT")).unwrap();
    table.add(Instrument::inverse_perpetual("COIN", "BTC", "USD")).unwrap();
    table
}

/// Ten times leverage, closed at 5 %, 1 % for the liquidation.
fn terms() -> MarginTerms {
    let tiers = MarginTiers::flat(dec("0.1"), dec("0.05")).unwrap();
    MarginTerms::new(tiers).with_liquidation_fee(dec("0.01")).unwrap()
}

fn config(cash: &str) -> SimConfig {
    SimConfig::default()
        .with_balance("USDT", dec(cash))
        .with_balance("BTC", dec("1"))
        .with_margin("PERP", terms())
        .with_margin("ETH", terms())
        .with_margin("COIN", terms())
}

fn minute(minute: i64) -> Timestamp {
    Timestamp::from_secs(60 * (minute + 1)).unwrap()
}

fn usdt() -> AssetId {
    table().find_asset("USDT").unwrap()
}

struct World {
    venue: SimVenue,
    minute: i64,
    next: u64,
}

impl World {
    fn new(config: SimConfig) -> Self {
        let venue = SimVenue::new(&table(), config).unwrap();
        let mut world = Self { venue, minute: 0, next: 1 };
        for id in [PERP, ETH, COIN] {
            world.bar(id, [100.0; 4]);
        }
        world
    }

    fn words(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.venue.poll())
            .map(|(_, update)| match update.report {
                OrderReport::Liquidated(fill) => forced(&update, &fill),
                report => word(&report),
            })
            .collect()
    }

    fn market(&mut self, event: MarketEvent) -> Vec<String> {
        self.minute += 1;
        self.venue.on_market(minute(self.minute), &event);
        self.words()
    }

    fn bar(&mut self, id: InstrumentId, ohlc: [f64; 4]) -> Vec<String> {
        self.market(MarketEvent::Bar(Bar::new(id, Period::MINUTE, ohlc, 1e6).unwrap()))
    }

    fn send(&mut self, mut intent: Intent) -> Vec<String> {
        intent.reference = 100.0;
        let at = minute(self.minute);
        let id = OrderId::new(1, SlotId(1), self.next);
        self.next += 1;
        self.venue.submit(at, &Command::Place(Order { id, created_at: at, intent }));
        self.words()
    }

    fn order(&mut self, id: InstrumentId, units: i64, kind: OrderKind) -> Vec<String> {
        let side = if units > 0 { Side::Buy } else { Side::Sell };
        let quantity = Qty::from(units.abs());
        self.send(Intent { kind, ..Intent::market(SlotId(1), id, side, quantity) })
    }

    /// Opens a position at 100.
    fn hold(&mut self, id: InstrumentId, units: i64) {
        assert_eq!(self.order(id, units, OrderKind::Market), ["accepted"]);
        let words = self.bar(id, [100.0; 4]);
        assert_eq!(words, [format!("fill {}@100", units.abs())]);
    }

    fn cash(&self) -> Decimal {
        self.venue.balance(usdt()).unwrap()
    }

    fn fund(&self) -> Decimal {
        self.venue.insurance_fund(usdt())
    }
}

fn forced(update: &OrderUpdate, fill: &FillReport) -> String {
    let (units, price) = (fill.quantity.value().normalize(), fill.price.value().normalize());
    assert_eq!(update.order, OrderId::default());
    format!("liquidated {} {units}@{price} fee {}", update.side, fill.fee.amount.normalize())
}

fn limit(price: &str) -> OrderKind {
    OrderKind::Limit { price: Price::new(dec(price)).unwrap() }
}

fn stop(price: &str) -> OrderKind {
    OrderKind::StopMarket { trigger: Price::new(dec(price)).unwrap() }
}

const POOR: [&str; 1] = ["rejected InsufficientFunds"];

#[test]
fn orders_need_initial_margin() {
    let mut world = World::new(config("1000"));
    assert_eq!(world.order(PERP, 101, OrderKind::Market), POOR);
    assert_eq!(world.order(PERP, 60, limit("100")), ["accepted"]);
    // The working order counts, on either instrument; the other side does not add to it.
    assert_eq!(world.order(PERP, 41, limit("99")), POOR);
    assert_eq!(world.order(ETH, 41, limit("99")), POOR);
    assert_eq!(world.order(PERP, -60, limit("101")), ["accepted"]);
    assert_eq!(world.order(ETH, 40, limit("99")), ["accepted"]);
    assert_eq!(world.venue.free_margin(usdt()), Some(dec("1000")));

    let mut world = World::new(config("1000"));
    world.hold(PERP, 100);
    assert_eq!(world.venue.free_margin(usdt()), Some(Decimal::ZERO));
    assert_eq!(world.order(ETH, 1, OrderKind::Market), POOR);
    // What reduces is never refused, even with nothing free; a flip needs margin for the rest.
    world.bar(PERP, [98.0; 4]);
    assert_eq!(world.order(PERP, -300, OrderKind::Market), POOR);
    assert_eq!(world.order(PERP, -100, OrderKind::Market), ["accepted"]);
    assert_eq!(world.bar(PERP, [98.0; 4]), ["fill 100@98"]);
    assert_eq!(world.cash(), dec("800"));
}

#[test]
fn margin_is_judged_again_at_the_fill() {
    let mut world = World::new(config("1000"));
    assert_eq!(world.order(PERP, 100, OrderKind::Market), ["accepted"]);
    // The market jumped: 100 units at 101 need 1010.
    assert_eq!(world.bar(PERP, [101.0; 4]), POOR);
    assert_eq!((world.cash(), world.venue.position(PERP)), (dec("1000"), Qty::ZERO));
    // The largest notional binds too.
    let terms = terms().with_max_notional(dec("500")).unwrap();
    let poor = SimConfig::default().with_balance("USDT", dec("1000")).with_margin("PERP", terms);
    let mut world = World::new(poor);
    assert_eq!(world.order(PERP, 6, limit("100")), POOR);
    assert_eq!(world.order(PERP, 5, limit("100")), ["accepted"]);
}

#[test]
fn terms_that_cannot_be_are_refused() {
    let table = table();
    let refused = |config: SimConfig| SimVenue::new(&table, config).is_err();
    assert!(refused(SimConfig::default().with_margin("PERP", terms())));
    assert!(refused(config("1").with_margin("NONE", terms())));
    let text = serde_json::to_string(&config("1")).unwrap();
    assert_eq!(serde_json::from_str::<SimConfig>(&text).unwrap(), config("1"));
    assert!(!serde_json::to_string(&SimConfig::default()).unwrap().contains("margin"));
}

/// Long 100 at 100 with 1000: closed at (10000 - 1000) / 95 = 94.736.., on the grid 94.73.
#[test]
fn a_bar_closes_a_position_on_its_way() {
    for path in [PathModel::WorstFirst, PathModel::OpenHighLowClose, PathModel::NearestFirst] {
        let mut world = World::new(config("1000").with_path(path));
        world.hold(PERP, 100);
        assert_eq!(world.bar(PERP, [100.0, 101.0, 94.74, 95.0]), [""; 0]);
        // The target beyond the high comes before it only where the path says so.
        let words = world.bar(PERP, [100.0, 101.0, 94.0, 96.0]);
        assert_eq!(words, ["liquidated SELL 100@94.73 fee 94.73"], "{path:?}");
        // 527 lost, 94.73 paid to the fund.
        assert_eq!((world.cash(), world.fund()), (dec("378.27"), dec("94.73")));
        assert_eq!(world.venue.position(PERP), Qty::ZERO);
        assert_eq!(world.bar(PERP, [90.0; 4]), [""; 0]);
    }
    // A short: (10000 + 1000) / 105 = 104.76..
    let mut world = World::new(config("1000"));
    world.hold(PERP, -100);
    assert_eq!(world.bar(PERP, [100.0, 104.76, 100.0, 104.0]), [""; 0]);
    let words = world.bar(PERP, [104.0, 106.0, 103.0, 103.0]);
    assert_eq!(words, ["liquidated BUY 100@104.77 fee 104.77"]);
}

#[test]
fn a_stop_before_the_liquidation_price_saves_the_position() {
    for (trigger, words) in [
        ("95", vec!["triggered", "fill 100@95"]),
        ("94.73", vec!["cancelled", "liquidated SELL 100@94.73 fee 94.73"]),
        ("94", vec!["cancelled", "liquidated SELL 100@94.73 fee 94.73"]),
    ] {
        let mut world = World::new(config("1000"));
        world.hold(PERP, 100);
        let side = Side::Sell;
        world.send(Intent {
            kind: stop(trigger),
            purpose: Purpose::StopLoss,
            flags: OrderFlags { reduce_only: true, ..OrderFlags::default() },
            ..Intent::market(SlotId(1), PERP, side, Qty::from(100))
        });
        assert_eq!(world.bar(PERP, [100.0, 100.0, 90.0, 92.0]), words, "{trigger}");
    }
    // On a path a target that comes first saves it as well.
    let saves = config("1000").with_path(PathModel::OpenHighLowClose);
    let mut world = World::new(saves);
    world.hold(PERP, 100);
    world.order(PERP, -100, limit("101"));
    assert_eq!(world.bar(PERP, [100.0, 102.0, 90.0, 92.0]), ["fill 100@101"]);
}

#[test]
fn a_gap_closes_at_the_open_and_the_fund_bears_what_is_beyond() {
    let mut world = World::new(config("1000"));
    world.hold(PERP, 100);
    // 9 a unit are left of 10: closed at the open, 1 % of 9100 is more than what is left.
    assert_eq!(world.bar(PERP, [91.0; 4]), ["liquidated SELL 100@91 fee 91"]);
    assert_eq!((world.cash(), world.fund()), (dec("9"), dec("91")));

    let mut world = World::new(config("1000"));
    world.hold(PERP, 100);
    // Beyond 90 nothing is left: the fund takes the position over there and loses the rest.
    assert_eq!(world.bar(PERP, [85.0; 4]), ["liquidated SELL 100@90 fee 0"]);
    assert_eq!((world.cash(), world.fund()), (Decimal::ZERO, dec("-500")));
}

#[test]
fn isolated_positions_fall_alone() {
    let isolated = config("5000").with_margin("PERP", terms().isolated());
    let mut world = World::new(isolated);
    world.hold(PERP, 100);
    world.hold(ETH, 100);
    assert_eq!(world.venue.free_margin(usdt()), Some(dec("3000")));
    assert_eq!(world.order(ETH, 1, limit("90")), ["accepted"]);
    assert_eq!(
        world.bar(PERP, [100.0, 100.0, 80.0, 80.0]),
        ["liquidated SELL 100@94.73 fee 94.73"]
    );
    assert_eq!(world.cash(), dec("4378.27"));
    assert_eq!(world.venue.position(ETH), Qty::from(100));
    // Margin that is moved in keeps it longer; it goes back with the position.
    let mut world = World::new(config("5000").with_margin("PERP", terms().isolated()));
    world.hold(PERP, 100);
    assert!(!world.venue.move_margin(PERP, Leg::Net, dec("4001")));
    assert!(!world.venue.move_margin(ETH, Leg::Net, dec("1")));
    assert!(world.venue.move_margin(PERP, Leg::Net, dec("1000")));
    assert!(!world.venue.move_margin(PERP, Leg::Net, dec("-1001")));
    assert_eq!(world.venue.free_margin(usdt()), Some(dec("3000")));
    assert_eq!(world.bar(PERP, [100.0, 100.0, 84.22, 90.0]), [""; 0]);
    // (10000 - 2000) / 95 = 84.21
    let words = world.bar(PERP, [90.0, 90.0, 84.0, 90.0]);
    assert_eq!(words, ["liquidated SELL 100@84.21 fee 84.21"]);
    assert_eq!(world.cash(), dec("3336.79"));
}

#[test]
fn cross_positions_stand_together() {
    let mut world = World::new(config("3000"));
    world.hold(PERP, 100);
    world.hold(ETH, -150);
    world.order(ETH, -1, limit("110"));
    // 3000 + 100 (p - 100) = 5 p + 750: p = 81.57..; the larger goes first, the rest stays.
    assert_eq!(world.bar(PERP, [100.0, 100.0, 81.58, 82.0]), [""; 0]);
    let words = world.bar(PERP, [82.0, 82.0, 81.0, 82.0]);
    assert_eq!(words, ["cancelled", "liquidated BUY 150@100 fee 150"]);
    // Its profit helps: with ETH at 90 PERP may fall further.
    assert_eq!(world.venue.position(PERP), Qty::from(100));
    assert_eq!(world.cash(), dec("2850"));
    // (10000 - 2850) / 95 = 75.26
    let words = world.bar(PERP, [82.0, 82.0, 75.0, 76.0]);
    assert_eq!(words, ["liquidated SELL 100@75.26 fee 75.26"]);
}

#[test]
fn quotes_and_mark_prices_close_too() {
    let quote = |bid, ask| {
        MarketEvent::Quote(Quote {
            instrument: PERP,
            bid,
            bid_quantity: 500.0,
            ask,
            ask_quantity: 500.0,
        })
    };
    let mut world = World::new(config("1000"));
    world.hold(PERP, 100);
    assert_eq!(world.market(quote(94.0, 96.0)), [""; 0]);
    assert_eq!(world.market(quote(94.0, 95.0)), ["liquidated SELL 100@94 fee 94"]);

    // Once the venue names marks, they decide; the position is left at the bid.
    let mark = |price| MarketEvent::Mark(Mark { instrument: PERP, price });
    let mut world = World::new(config("1000"));
    world.hold(PERP, 100);
    assert_eq!(world.market(mark(99.0)), [""; 0]);
    assert_eq!(world.market(quote(90.0, 91.0)), [""; 0]);
    assert_eq!(world.market(quote(93.0, 94.0)), [""; 0]);
    assert_eq!(world.market(mark(94.74)), [""; 0]);
    assert_eq!(world.market(mark(94.73)), ["liquidated SELL 100@93 fee 93"]);
}

#[test]
fn funding_can_be_the_last_straw() {
    let funding = |rate| MarketEvent::Funding(Funding { instrument: PERP, rate, mark: 95.0 });
    for isolated in [false, true] {
        let terms = if isolated { terms().isolated() } else { terms() };
        let mut world = World::new(config("1000").with_margin("PERP", terms));
        world.hold(PERP, 100);
        world.bar(PERP, [95.0; 4]);
        // 500 are left, 475 must be: 19 are paid, then 9.5.
        assert_eq!(world.market(funding(0.002)), [""; 0]);
        let words = world.market(funding(0.001));
        assert_eq!(words, ["liquidated SELL 100@95 fee 95"], "{isolated}");
        assert_eq!(world.cash(), dec("376.5"));
    }
}

#[test]
fn inverse_positions_are_closed_in_coin() {
    let mut world = World::new(config("0"));
    world.hold(COIN, 1_000);
    let btc = table().find_asset("BTC").unwrap();
    // 1000 · 1.05 / (1 + 10) = 95.45..
    assert_eq!(world.bar(COIN, [100.0, 100.0, 95.46, 96.0]), [""; 0]);
    let words = world.bar(COIN, [96.0, 96.0, 95.0, 95.5]);
    assert_eq!(words, ["liquidated SELL 1000@95.45 fee 0.104766893661"]);
    let left = world.venue.balance(btc).unwrap();
    // 10 - 1000 / 95.45 = -0.476689366160 of profit.
    assert_eq!(left, dec("1") - dec("0.476689366160") - dec("0.104766893661"));
    assert_eq!(world.venue.insurance_fund(btc), dec("0.104766893661"));
}

/// A tape of three instruments whose prices jump, and funding now and then.
fn tape(steps: &[(u8, [i64; 4], i64)]) -> Tape {
    let mut tape = Tape::new(table());
    let mut last = [1_000_i64; 3];
    for (index, (which, moves, rate)) in steps.iter().enumerate() {
        let place = usize::from(*which % 3);
        let id = [PERP, ETH, COIN][place];
        let [gap, up, down, close] = moves;
        let open = (last[place] + gap).max(200);
        let (high, low) = (open + up.abs(), (open - down.abs()).max(100));
        let close = (open + close).clamp(low, high);
        last[place] = close;
        let ohlc = [open, high, low, close].map(|tenths| tenths as f64 / 10.0);
        let bar = Bar::new(id, Period::MINUTE, ohlc, 1e6).unwrap();
        let at = minute(i64::try_from(index).unwrap());
        tape.push(at, MarketEvent::Bar(bar)).unwrap();
        if index % 5 == 4 {
            let funding = Funding { instrument: id, rate: *rate as f64 / 1e4, mark: ohlc[3] };
            let at = at.after(Duration::from_secs(1));
            tape.push(at, MarketEvent::Funding(funding)).unwrap();
        }
    }
    tape
}

/// Wants the positions of a list, by the minute.
#[derive(serde::Serialize, serde::Deserialize)]
struct Wishes {
    wishes: Vec<i64>,
    shift: usize,
}

impl trading::Strategy for Wishes {
    fn name(&self) -> &str {
        "WISHES"
    }

    fn on_event(&mut self, event: &Event<'_>, facts: &Facts<'_>, advice: &mut Advice) {
        let Some(bar) = event.bar() else { return };
        let step = usize::try_from(facts.at.nanos() / 60_000_000_000).unwrap();
        let wanted = self.wishes[(step + 7 * self.shift) % self.wishes.len()];
        let scale = if bar.instrument == COIN { 20 } else { 1 };
        advice.target(bar.instrument, Qty::from(wanted * scale));
    }
}

/// One strategy or two on one account, three positions on margin.
fn run(tape: &Tape, wishes: &[i64], isolated: bool, (path, strategies): (PathModel, usize)) -> Run {
    let terms = if isolated { terms().isolated() } else { terms() };
    let fees = FeeSchedule::flat(dec("-0.0001"), dec("0.0005"));
    let venue = config("3000").with_margin("ETH", terms).with_fees(fees).with_path(path);
    let mut backtest = Backtest::new(tape).cash("3000").venue(venue);
    for shift in 0..strategies {
        backtest = backtest.with(Wishes { wishes: wishes.to_vec(), shift });
    }
    let (_, mut run) = backtest.prepare(()).unwrap();
    let btc = table().find_asset("BTC").unwrap();
    let kind = AdjustmentKind::Capital(tradewright::types::Money::new(dec("1"), btc));
    let deposit = Adjustment { cause: AdjustmentCause::Deposit, kind };
    run.input(minute(-1), &Input::Adjustment(deposit)).unwrap();
    run
}

fn in_step(run: &Run) -> Result<(), TestCaseError> {
    let (engine, venue) = (run.engine(), run.venue());
    let (table, account) = (engine.instruments(), engine.account());
    for code in ["USDT", "BTC"] {
        let asset = table.find_asset(code).unwrap();
        let sums = account.sums(asset);
        // Two owners close against one another at the venue, each for itself in the account.
        if account.book().slots() == 2 {
            prop_assert_eq!(venue.balance(asset), Some(sums.cash), "{}", code);
        }
        let (mut open, mut cost) = (Decimal::ZERO, Decimal::ZERO);
        for instrument in table.iter().filter(|known| known.settlement == asset) {
            let net = account.book().net(instrument.id);
            prop_assert_eq!(venue.position(instrument.id), Qty::new(net.quantity));
            let slots = (0..3).map(|slot| account.book().position(SlotId(slot), instrument.id));
            let sum: Decimal = slots.map(|facts| facts.quantity).sum();
            prop_assert_eq!(sum, net.quantity);
            // A quotient has more digits than a sum of others can keep.
            open += instrument.value(net.quantity, dec("90")).unwrap().round_dp(12);
            cost += net.cost;
        }
        let unrealised = open - cost;
        prop_assert_eq!(
            sums.cash + unrealised - sums.deposits,
            sums.realised + unrealised - sums.fees + sums.funding
        );
    }
    Ok(())
}

fn steps() -> impl Strategy<Value = Vec<(u8, [i64; 4], i64)>> {
    let part = || -90_i64..90;
    let bar = (part(), 0i64..90, 0i64..90, part()).prop_map(|(a, b, c, d)| [a, b, c, d]);
    prop::collection::vec((any::<u8>(), bar, -20i64..20), 10..80)
}

fn paths() -> impl Strategy<Value = PathModel> {
    prop_oneof![
        Just(PathModel::WorstFirst),
        Just(PathModel::OpenHighLowClose),
        Just(PathModel::NearestFirst),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Through orders, funding and liquidations the account books what the venue did, to the
    /// last digit, for every owner; and a run that is saved in the middle goes on alike.
    #[test]
    fn account_and_venue_stay_in_step(
        steps in steps(),
        wishes in prop::collection::vec(-140i64..140, 3..20),
        isolated in any::<bool>(),
        path in (paths(), 1usize..3),
        cut in 0.0..1.0,
    ) {
        let tape = tape(&steps);
        let mut first = run(&tape, &wishes, isolated, path);
        let mut second: Option<Simulation<_, _>> = None;
        let cut = (tape.events().len() as f64 * cut) as usize;
        for (index, event) in tape.events().iter().enumerate() {
            if index == cut {
                let mut restored = run(&tape, &wishes, isolated, path);
                restored.restore(&first.save().unwrap()).unwrap();
                second = Some(restored);
            }
            first.run(std::slice::from_ref(event)).unwrap();
            in_step(&first)?;
            if let Some(second) = &mut second {
                second.run(std::slice::from_ref(event)).unwrap();
            }
        }
        let second = second.unwrap();
        prop_assert_eq!(first.hash(), second.hash());
        // The hash covers every command and record; what the venue keeps beside them is here.
        let kept = [&first, &second].map(|run| {
            let venue = run.venue();
            let assets = ["USDT", "BTC"].map(|code| {
                let asset = table().find_asset(code).unwrap();
                (venue.balance(asset), venue.insurance_fund(asset), venue.free_margin(asset))
            });
            (assets, [PERP, ETH, COIN].map(|id| venue.position(id)))
        });
        prop_assert_eq!(kept[0], kept[1]);
        // Nobody owes more than a position can still be worth.
        let free = usdt();
        if (0..3).all(|id| first.venue().position(InstrumentId(id)).is_zero()) {
            prop_assert!(first.venue().balance(free).unwrap() >= Decimal::ZERO);
        }
    }
}

/// The law above is worth nothing if nothing is liquidated.
#[test]
fn a_fall_is_recorded_as_a_liquidation_of_its_owners() {
    let fall: Vec<(u8, [i64; 4], i64)> =
        (0..20).map(|step| (0, [0, 5, 40 + step, -40], 1)).collect();
    let tape = tape(&fall);
    let wishes = [120];
    let mut run = run(&tape, &wishes, false, (PathModel::WorstFirst, 2));
    run.run(tape.events()).unwrap();
    let (_, collected) = (run.hash(), run.into_sink().0);
    let text = format!("{collected:?}");
    assert!(text.contains("Liquidation"), "{text}");
}
