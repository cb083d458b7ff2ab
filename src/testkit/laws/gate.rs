use core::time::Duration;

use proptest::prelude::{Strategy, any, prop};
use rust_decimal::Decimal;

use crate::risk::{GateEvent, OrderGate, Refusal, split};
use crate::testkit::inputs::{Scene, asked, orders, scenes, table};
use crate::testkit::{BrokenLaw, Fault, Suite};
use crate::types::{
    Facts, Fill, FillReport, InstrumentId, LimitKey, Liquidity, MarketEvent, Money, Order, Price,
    Print, Qty, Side, Timestamp, TradeId,
};

const PURE: &str = "a check is pure: asked twice, it answers the same";
const EXITS: &str = "what may leave of a refused order is at most what reduces";
const CLOSED: &str = "an order that passes without a mark passes with one";
const RESTORED: &str = "a restored gate answers as the saved one";
const FREE: &str = "a cancel that waits is told a time after now at which it is nearer to leaving";
const LIMITS: &str = "a limit of another name is not this gate's";

/// What happens around a gate between two orders.
#[derive(Clone, Copy, Debug)]
enum Happening {
    Cancelled,
    Amended,
    Filled,
    Ended,
    Market,
}

/// One order at a gate: when it comes, what the account is then, and what follows if it passes.
#[derive(Clone, Debug)]
struct Visit {
    pause_ms: u32,
    scene: Scene,
    order: Order,
    then: Vec<Happening>,
}

impl Suite {
    /// The laws of [`OrderGate`] on drawn orders and accounts: pure checks, of a refused order at
    /// most the reducing part left, no order let through for want of a mark, waiting cancels that
    /// are told when to come again, and a saved state that answers alike.
    ///
    /// `build` makes the gate; every order that passes is told as placed, and some are then
    /// amended, cancelled, filled and ended.
    ///
    /// ```
    /// use core::time::Duration;
    /// use tradewright::risk::MessageThrottle;
    /// use tradewright::testkit::Suite;
    ///
    /// Suite::new().gate(|| MessageThrottle::new(5, Duration::from_secs(1)).unwrap())?;
    /// # Ok::<(), tradewright::testkit::BrokenLaw>(())
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn gate<G: OrderGate>(&self, build: impl Fn() -> G) -> Result<(), BrokenLaw> {
        self.check(build().name(), &visits(), |visits| laws(&build, visits))
    }
}

fn visits() -> impl Strategy<Value = Vec<Visit>> {
    let instruments = table();
    let of_each = instruments.iter().map(|instrument| orders(instrument, 1..2));
    let order = proptest::strategy::Union::new(of_each.map(Strategy::boxed));
    let happening = prop::sample::select(vec![
        Happening::Cancelled,
        Happening::Amended,
        Happening::Filled,
        Happening::Ended,
        Happening::Market,
    ]);
    let then = prop::collection::vec(happening, 0..3);
    let pause = (any::<bool>(), 0_u32..3_000);
    let visit = (pause, scenes(), order, then).prop_filter_map(
        "an order",
        |((is_still, pause_ms), scene, orders, then)| {
            let order = orders.first().copied()?;
            let pause_ms = if is_still { 0 } else { pause_ms };
            Some(Visit { pause_ms, scene, order, then })
        },
    );
    prop::collection::vec(visit, 1..12).prop_map(|mut visits| {
        for (sequence, visit) in (1_u64..).zip(&mut visits) {
            visit.order.id = crate::types::OrderId::new(1, visit.order.intent.slot, sequence);
        }
        visits
    })
}

fn laws<G: OrderGate>(build: &impl Fn() -> G, visits: &[Visit]) -> Result<(), Fault> {
    let mut gate = build();
    let other = gate.set_limit(&LimitKey::all("nobody's"), Decimal::ONE);
    Fault::unless(other == Ok(None), LIMITS, || format!("{other:?}"))?;
    let mut at = Timestamp::EPOCH.after(Duration::from_secs(86_400));
    for visit in visits {
        at = at.after(Duration::from_millis(u64::from(visit.pause_ms)));
        let answer = asks(&gate, visit, at)?;
        let saved = gate.save().map_err(|error| Fault::new(RESTORED, error.to_string()))?;
        let mut restored = build();
        restored.restore(&saved).map_err(|error| Fault::new(RESTORED, error.to_string()))?;
        let same = look(&visit.scene, at, |facts| restored.check(&visit.order, facts));
        Fault::unless(is_same(&same, &answer), RESTORED, || format!("{same:?}, not {answer:?}"))?;
        if answer.is_ok() {
            // Who goes on is the restored one: what it forgot is missed later.
            gate = restored;
            follow(&mut gate, visit, at);
        }
        waits(&gate, visit, at)?;
    }
    Ok(())
}

fn look<T>(scene: &Scene, at: Timestamp, ask: impl FnOnce(&Facts<'_>) -> T) -> T {
    scene.with_facts(|facts| ask(&Facts { at, ..*facts }))
}

fn is_same(one: &Result<(), Refusal>, other: &Result<(), Refusal>) -> bool {
    format!("{one:?}") == format!("{other:?}")
}

/// Asks about the order, with and without its mark.
fn asks<G: OrderGate>(
    gate: &G,
    visit: &Visit,
    at: Timestamp,
) -> Result<Result<(), Refusal>, Fault> {
    let (scene, order) = (&visit.scene, &visit.order);
    let check = |scene: &Scene| look(scene, at, |facts| gate.check(order, facts));
    let (answer, again) = (check(scene), check(scene));
    Fault::unless(is_same(&answer, &again), PURE, || format!("{answer:?}, then {again:?}"))?;
    if let Err(refusal) = &answer {
        let reducing = look(scene, at, |facts| split(&order.intent, facts).reducing);
        let left = refusal.granted.value();
        let is_exit = !left.is_sign_negative() && left <= reducing.min(asked(&order.intent));
        Fault::unless(is_exit, EXITS, || format!("{left} of {reducing}"))?;
    }
    let blind = Scene { unmarked: Some(order.intent.instrument.0), ..scene.clone() };
    let is_closed = check(&blind).is_err() || answer.is_ok();
    Fault::unless(is_closed, CLOSED, || format!("{answer:?} with a mark"))?;
    Ok(answer)
}

/// A cancel that must wait is told when to come again.
fn waits<G: OrderGate>(gate: &G, visit: &Visit, at: Timestamp) -> Result<(), Fault> {
    let cancel = |at| look(&visit.scene, at, |facts| gate.check_cancel(&visit.order, facts));
    let free = |at| look(&visit.scene, at, |facts| gate.free_at(facts));
    if cancel(at).is_ok() {
        return Ok(());
    }
    let Some(then) = free(at) else { return Ok(()) };
    let is_nearer = then > at && (cancel(then).is_ok() || free(then).is_some_and(|it| it > then));
    Fault::unless(is_nearer, FREE, || format!("{then:?} at {at:?}"))
}

/// Tells the gate what became of an order that has left.
fn follow<G: OrderGate>(gate: &mut G, visit: &Visit, at: Timestamp) {
    let (order, filled) = (&visit.order, Qty::new(asked(&visit.order.intent)));
    let price = Price::new(Decimal::ONE_HUNDRED).ok();
    let market = MarketEvent::Print(Print {
        instrument: order.intent.instrument,
        price: 100.0,
        quantity: 1.0,
        taker: Some(Side::Buy),
    });
    let mut tell =
        |event: &GateEvent<'_>| look(&visit.scene, at, |facts| gate.observe(event, facts));
    tell(&GateEvent::Placed(order));
    for happening in &visit.then {
        match happening {
            Happening::Cancelled => tell(&GateEvent::Cancelling(order)),
            Happening::Amended => {
                tell(&GateEvent::Amending(order));
                tell(&GateEvent::Amended { order: order.id, quantity: filled, price });
            }
            Happening::Filled => {
                let Some(price) = price else { continue };
                tell(&GateEvent::Filled(&fill(at, order, filled, price)));
            }
            Happening::Ended => tell(&GateEvent::Ended { order: order.id, filled }),
            Happening::Market => tell(&GateEvent::Market(&market)),
        }
    }
}

fn fill(at: Timestamp, order: &Order, quantity: Qty, price: Price) -> Fill {
    let intent = &order.intent;
    Fill {
        at,
        order: order.id,
        slot: intent.slot,
        instrument: intent.instrument,
        side: intent.side,
        leg: intent.leg,
        execution: FillReport {
            trade: TradeId(u128::from(InstrumentId(1).0)),
            price,
            quantity,
            fee: Money::zero(crate::types::AssetId::default()),
            liquidity: Liquidity::Taker,
            before_slippage: price,
        },
        arrival: price.to_f64(),
        purpose: intent.purpose,
        tag: intent.tag,
    }
}
