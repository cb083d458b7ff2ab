use proptest::prelude::*;
use tradewright::risk::{
    Assessment, Ceiling, Fact, GrossExposure, GroupExposure, Guard, HaltChange, Leverage, Limit,
    NetExposure, PositionSize, RiskChain, RiskManager, RiskRule, SymbolExposure, rule_from_fn,
    split,
};
use tradewright::types::{
    Amount, Decimal, Facts, Halt, HaltCause, HaltLevel, HaltScope, InstrumentId, Intent, Label,
    Money, Qty, Reason, ReasonCode, Side, SlotId, State, StateError,
};

use super::{COIN, LINEAR, SHARE, SLOT, World, dec, market, price};

pub fn review(manager: &dyn RiskManager, group: &[Intent], facts: &Facts<'_>) -> Assessment {
    let mut out = Assessment::default();
    manager.review(group, facts, &mut out);
    out
}

fn cap(name: &'static str, quantity: &'static str) -> Box<dyn RiskRule> {
    Box::new(rule_from_fn(name, move |opening, _facts| {
        let code = ReasonCode::Custom(Label::new(name));
        let reason = Reason::new(code, 1.0, opening.value());
        Limit::Cap(Qty::new(dec(quantity)), reason)
    }))
}

fn deny(name: &'static str) -> Box<dyn RiskRule> {
    Box::new(rule_from_fn(name, |_opening, _facts| {
        Limit::Deny(Reason::new(ReasonCode::TradingHours, 0.0, 1.0))
    }))
}

fn used(name: &'static str, share: f64) -> Box<dyn RiskRule> {
    Box::new(rule_from_fn(name, move |_opening, _facts| {
        Limit::Allow(Some(Reason::new(ReasonCode::TradingHours, 1.0, share)))
    }))
}

#[derive(Clone, Debug)]
struct Limits {
    position: f64,
    gross: f64,
    net: f64,
    symbol: f64,
    group: f64,
    leverage: f64,
}

impl Limits {
    fn rules(&self) -> Vec<Box<dyn RiskRule>> {
        vec![
            Box::new(PositionSize::new(self.position).unwrap()),
            Box::new(GrossExposure::new(Ceiling::OfEquity(self.gross)).unwrap()),
            Box::new(NetExposure::new(Ceiling::OfEquity(self.net)).unwrap()),
            Box::new(SymbolExposure::each(Ceiling::Amount(self.symbol)).unwrap()),
            Box::new(
                GroupExposure::new("pair", [SHARE, LINEAR], Ceiling::Amount(self.group)).unwrap(),
            ),
            Box::new(Leverage::new(self.leverage).unwrap()),
        ]
    }

    fn tightened(&self, by: f64) -> Self {
        let Self { position, gross, net, symbol, group, leverage } = *self;
        let [position, gross, net] = [position, gross, net].map(|limit| limit * by);
        let [symbol, group, leverage] = [symbol, group, leverage].map(|limit| limit * by);
        Self { position, gross, net, symbol, group, leverage }
    }
}

fn limits() -> impl Strategy<Value = Limits> {
    (0.0..0.5, 0.0..2.0, 0.0..1.0, 0.0..60_000.0, 0.0..90_000.0, 0.0..2.0).prop_map(
        |(position, gross, net, symbol, group, leverage)| Limits {
            position,
            gross,
            net,
            symbol,
            group,
            leverage,
        },
    )
}

#[derive(Clone, Debug)]
struct Scene {
    positions: Vec<i64>,
    working: Vec<(u32, bool, i64)>,
    legs: Vec<(u32, bool, i64)>,
}

fn scene() -> impl Strategy<Value = Scene> {
    let order = (0_u32..4, any::<bool>(), 1_i64..300);
    (
        prop::collection::vec(-200_i64..200, 4),
        prop::collection::vec(order.clone(), 0..5),
        prop::collection::vec(order, 1..4),
    )
        .prop_map(|(positions, working, legs)| Scene { positions, working, legs })
}

const fn side(buys: bool) -> Side {
    if buys { Side::Buy } else { Side::Sell }
}

impl Scene {
    fn book(&self, world: &World) -> tradewright::types::FactBook {
        let mut builder = world.book();
        let marks = ["100", "50", "20", "40000"];
        for (id, quantity) in self.positions.iter().enumerate() {
            let id = InstrumentId(id as u32);
            let average = price(marks[id.index()]);
            builder = builder.position(SLOT, id, Decimal::from(*quantity), average);
        }
        for (id, buys, quantity) in &self.working {
            let quantity = Decimal::from(*quantity);
            builder = builder.working(SLOT, InstrumentId(*id), side(*buys), quantity);
        }
        builder.build()
    }

    fn group(&self) -> Vec<Intent> {
        let one = |(id, buys, quantity): &(u32, bool, i64)| {
            market(InstrumentId(*id), side(*buys), &quantity.to_string())
        };
        self.legs.iter().map(one).collect()
    }
}

fn chain(rules: Vec<Box<dyn RiskRule>>) -> RiskChain {
    rules.into_iter().fold(RiskChain::new(), RiskChain::with_rule)
}

proptest! {
    /// Whatever the order of the rules, the assessment is the same to the last field.
    #[test]
    fn does_not_depend_on_the_order_of_rules(
        scene in scene(),
        limits in limits(),
        turn in 0_usize..6,
    ) {
        let world = World::new();
        let book = scene.book(&world);
        let group = scene.group();
        let straight = review(&chain(limits.rules()), &group, &world.facts(&book));
        let mut turned = limits.rules();
        turned.rotate_left(turn);
        prop_assert_eq!(&review(&chain(turned), &group, &world.facts(&book)), &straight);
        let mut reversed = limits.rules();
        reversed.reverse();
        prop_assert_eq!(&review(&chain(reversed), &group, &world.facts(&book)), &straight);
        prop_assert!((0.0..=1.0).contains(&straight.risk_score));
        prop_assert_eq!(straight.approved, straight.findings.is_empty());
    }

    /// The chain approves exactly when every rule alone approves.
    #[test]
    fn is_the_conjunction_of_its_rules(scene in scene(), limits in limits()) {
        let world = World::new();
        let book = scene.book(&world);
        let group = scene.group();
        let all = review(&chain(limits.rules()), &group, &world.facts(&book));
        let alone = limits.rules().into_iter().map(|rule| {
            review(&chain(vec![rule]), &group, &world.facts(&book))
        });
        let alone: Vec<Assessment> = alone.collect();
        prop_assert_eq!(all.approved, alone.iter().all(|one| one.approved));
        let least = (0..group.len()).map(|leg| alone.iter().map(|one| one.granted[leg]).min());
        for (granted, least) in all.granted.iter().zip(least) {
            prop_assert_eq!(Some(*granted), least);
        }
    }

    /// A tighter limit never grants more, and no limit ever takes a reducing part away.
    #[test]
    fn tightening_is_monotone_and_reducing_is_free(
        scene in scene(),
        limits in limits(),
        by in 0.0..1.0,
    ) {
        let world = World::new();
        let book = scene.book(&world);
        let group = scene.group();
        let facts = world.facts(&book);
        let loose = review(&chain(limits.rules()), &group, &facts);
        let tight = review(&chain(limits.tightened(by).rules()), &group, &facts);
        prop_assert!(loose.approved || !tight.approved);
        prop_assert!(loose.risk_score <= tight.risk_score + 1e-9);
        for (leg, intent) in group.iter().enumerate() {
            let reducing = tradewright::risk::split_after(intent, &group[..leg], &facts).reducing;
            prop_assert!(tight.granted[leg] <= loose.granted[leg]);
            prop_assert!(tight.granted[leg].value() >= reducing);
            let Amount::Quantity(asked) = intent.amount else { unreachable!() };
            prop_assert!(loose.granted[leg] <= asked);
        }
    }

    /// What is granted passes with every working order filled at worst, and one step more
    /// would not: checked against sums over plain numbers.
    #[test]
    fn grants_the_largest_quantity_that_passes(scene in scene(), limits in limits()) {
        let world = World::new();
        let book = scene.book(&world);
        let intent = scene.group()[0];
        let facts = world.facts(&book);
        let parts = split(&intent, &facts);
        let verdict = review(&chain(limits.rules()), &[intent], &facts);
        let opened = verdict.granted[0].value() - parts.reducing;
        if opened > Decimal::ZERO {
            prop_assert!(passes(&scene, &limits, &facts, opened), "granted {opened}");
        }
        if opened < parts.opening {
            let step = world.table[intent.instrument].step;
            prop_assert!(!passes(&scene, &limits, &facts, opened + step), "only {opened}");
            prop_assert_eq!(verdict.largest, Some(Qty::new(opened)));
        } else {
            prop_assert_eq!(verdict.largest, None);
        }
    }
}

/// Value of one unit of each instrument at its mark.
const UNITS: [f64; 4] = [100.0, 50.0, 200.0, 100.0];

/// Adds the opening to the scene by plain arithmetic and holds every limit against it.
fn passes(scene: &Scene, limits: &Limits, facts: &Facts<'_>, opened: Decimal) -> bool {
    let (id, buys, _) = scene.legs[0];
    let own = id as usize;
    let opened = tradewright::types::to_f64(opened);
    let mut up: Vec<f64> = scene.positions.iter().map(|position| *position as f64).collect();
    let mut down = up.clone();
    for (id, buys, quantity) in &scene.working {
        let target = if *buys { &mut up } else { &mut down };
        target[*id as usize] += if *buys { 1.0 } else { -1.0 } * *quantity as f64;
    }
    // The opening starts from zero where the position lies on the other side.
    let held = if buys { up[own].max(0.0) } else { (-down[own]).max(0.0) };
    let own_worst = up[own].abs().max(down[own].abs());
    let resulting = (held + opened) * UNITS[own];
    let gross_of = |index: usize| {
        let worst = up[index].abs().max(down[index].abs());
        if index == own {
            own_worst.max(held + opened) * UNITS[index]
        } else {
            worst * UNITS[index]
        }
    };
    let gross: f64 = (0..4).map(gross_of).sum();
    let signed: f64 =
        (0..4).map(|index| if buys { up[index] } else { -down[index] } * UNITS[index]).sum();
    let net = signed + opened * UNITS[own];
    let group = gross_of(0) + gross_of(2);
    let equity = facts.equity();
    let fits = |value: f64, limit: f64| value <= limit * (1.0 + 1e-12);
    fits(resulting, limits.position * equity)
        && fits(gross, limits.gross * equity)
        && fits(net, limits.net * equity)
        && fits(resulting, limits.symbol)
        && (id % 2 == 1 || fits(group, limits.group))
        && fits(gross, limits.leverage * equity)
}

#[test]
fn the_least_of_all_answers_counts_and_every_objection_is_listed() {
    let world = World::new();
    let book = world.book().build();
    let rules = vec![cap("seven", "7"), used("half", 0.5), cap("four", "4.5"), cap("wide", "99")];
    let verdict = review(&chain(rules), &[market(SHARE, Side::Buy, "9")], &world.facts(&book));
    assert!(!verdict.approved);
    assert_eq!(verdict.granted, [Qty::from(4)], "rounded down to the step");
    assert_eq!(verdict.largest, Some(Qty::from(4)));
    assert_eq!(verdict.risk_score, 1.0);
    let names: Vec<_> = verdict.findings.iter().map(|finding| finding.rule).collect();
    assert_eq!(names, ["four", "seven"], "the severest first");
    assert_eq!(verdict.findings[1].granted, Qty::from(7));
    assert_eq!(verdict.findings[1].intent, 0);
    assert_eq!(verdict.findings[1].reason.observed, 900.0);
}

#[test]
fn the_score_is_the_highest_utilisation() {
    let world = World::new();
    let book = world.book().build();
    let rules = vec![used("low", 0.25), used("high", 0.75), cap("wide", "99")];
    let chain = chain(rules);
    let verdict = review(&chain, &[market(SHARE, Side::Buy, "9")], &world.facts(&book));
    assert!(verdict.approved && verdict.findings.is_empty());
    assert_eq!(verdict.risk_score, 1.0, "the cap's reason has 900 of 1");
    let chain = RiskChain::new().with_rule(used("low", 0.25)).with_rule(used("high", 0.75));
    let verdict = review(&chain, &[market(SHARE, Side::Buy, "9")], &world.facts(&book));
    assert_eq!(verdict.risk_score, 0.75);
    assert!(chain.names().eq(["low", "high"]));
}

#[test]
fn reducing_parts_are_never_shown_to_a_rule() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, dec("10"), price("90")).build();
    let facts = world.facts(&book);
    let chain = chain(vec![deny("never")]);
    let close = review(&chain, &[market(SHARE, Side::Sell, "10")], &facts);
    assert!(close.approved && close.risk_score == 0.0);
    assert_eq!(close.granted, [Qty::from(10)]);
    let turn = review(&chain, &[market(SHARE, Side::Sell, "15")], &facts);
    assert_eq!(turn.granted, [Qty::from(10)], "the closing part is granted");
    assert_eq!(turn.findings[0].granted, Qty::from(10));
    assert_eq!(turn.largest, Some(Qty::ZERO));
    assert_eq!(turn.findings[0].reason.code, ReasonCode::TradingHours);
}

#[test]
fn a_position_off_the_step_can_still_be_closed() {
    let world = World::new();
    let book = world.book().position(SLOT, SHARE, dec("2.5"), price("90")).build();
    let facts = world.facts(&book);
    let verdict = review(&chain(vec![deny("never")]), &[market(SHARE, Side::Sell, "4")], &facts);
    assert_eq!(verdict.granted, [Qty::new(dec("2.5"))]);
}

#[test]
fn halted_accounts_only_reduce() {
    let world = World::new();
    for (level, granted) in
        [(HaltLevel::Active, 5), (HaltLevel::ReduceOnly, 3), (HaltLevel::Flat, 3)]
    {
        let builder = world.book().position(SLOT, SHARE, dec("-3"), price("90"));
        let book = builder.halt(level).build();
        let verdict =
            review(&RiskChain::new(), &[market(SHARE, Side::Buy, "5")], &world.facts(&book));
        assert_eq!(verdict.granted, [Qty::from(granted)], "{level:?}");
        if granted == 3 {
            let finding = &verdict.findings[0];
            assert_eq!((finding.rule, finding.reason.code), ("halt", ReasonCode::Halted));
            assert_eq!(finding.reason.observed, f64::from(level as u8));
        }
    }
}

#[test]
fn groups_stand_or_fall_together() {
    let world = World::new();
    let book = world.book().position(SLOT, COIN, dec("2"), price("50")).build();
    let facts = world.facts(&book);
    let legs = [market(SHARE, Side::Buy, "5"), market(COIN, Side::Sell, "3")];
    let whole = review(&RiskChain::new(), &legs, &facts);
    assert!(whole.approved);
    assert_eq!(whole.granted, [Qty::from(5), Qty::from(3)]);

    let only_share = rule_from_fn("share", |opening, _facts| {
        if opening.intent.instrument == SHARE {
            return Limit::Cap(Qty::from(1), Reason::new(ReasonCode::TradingHours, 1.0, 5.0));
        }
        Limit::Allow(None)
    });
    let fallen = review(&chain(vec![Box::new(only_share)]), &legs, &facts);
    assert!(!fallen.approved);
    assert_eq!(fallen.granted, [Qty::ZERO, Qty::from(2)], "closing is never blocked");
    assert_eq!(fallen.largest, None);
    let of = |leg| fallen.findings.iter().find(|finding| finding.intent == leg).unwrap();
    assert_eq!((of(0).rule, of(0).reason.code), ("share", ReasonCode::TradingHours));
    assert_eq!((of(1).rule, of(1).reason.code), ("chain", ReasonCode::Group));
    assert_eq!((of(1).reason.limit, of(1).reason.observed), (2.0, 3.0));
}

#[test]
fn later_legs_see_what_earlier_legs_open() {
    let world = World::new();
    let book = world.book().build();
    let seen = std::sync::Mutex::new(Vec::new());
    // The rule outlives the borrow of a local, so that it reports through a leaked cell.
    let seen: &'static _ = Box::leak(Box::new(seen));
    let spy = rule_from_fn("spy", move |opening, _facts| {
        let (gross, net) = (opening.group_gross, opening.group_net);
        let exposure = opening.exposure;
        seen.lock().unwrap().push([
            gross,
            net,
            opening.held_value,
            exposure.gross,
            exposure.up,
            exposure.down,
        ]);
        Limit::Allow(None)
    });
    let legs = [
        market(SHARE, Side::Buy, "3"),
        market(LINEAR, Side::Sell, "2"),
        market(SHARE, Side::Buy, "1"),
    ];
    assert!(review(&chain(vec![Box::new(spy)]), &legs, &world.facts(&book)).approved);
    let seen = seen.lock().unwrap();
    assert_eq!(seen[0], [0.0; 6]);
    assert_eq!(seen[1], [300.0, 300.0, 0.0, 300.0, 300.0, 0.0]);
    assert_eq!(seen[2], [700.0, -100.0, 300.0, 700.0, 300.0, -400.0]);
}

#[test]
fn cash_is_granted_whole_or_not_at_all() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let cash = |amount: &str| {
        let mut intent = market(SHARE, Side::Buy, "1");
        intent.amount = Amount::Cash(Money::new(dec(amount), world.usd));
        intent
    };
    let chain = chain(vec![Box::new(PositionSize::default())]);
    let small = review(&chain, &[cash("10000")], &facts);
    assert!(small.approved);
    assert_eq!(small.granted, [Qty::from(1)]);
    let large = review(&chain, &[cash("10001")], &facts);
    assert!(!large.approved);
    assert_eq!(large.granted, [Qty::ZERO]);
    assert_eq!(large.largest, None);
    assert_eq!(large.findings[0].reason.code, ReasonCode::PositionSize);
}

#[test]
fn what_cannot_be_measured_is_refused() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    for quantity in ["0", "-5"] {
        let verdict = review(&RiskChain::new(), &[market(SHARE, Side::Buy, quantity)], &facts);
        assert!(!verdict.approved);
        assert_eq!(verdict.granted, [Qty::ZERO]);
        let finding = &verdict.findings[0];
        assert_eq!((finding.rule, finding.reason.code), ("chain", ReasonCode::InvalidInput));
        assert_eq!(finding.reason.observed, dec(quantity).to_string().parse::<f64>().unwrap());
    }
    let unknown = market(InstrumentId(77), Side::Buy, "1");
    let verdict = review(&chain(vec![Box::new(PositionSize::default())]), &[unknown], &facts);
    assert_eq!(verdict.findings[0].reason.code, ReasonCode::InvalidInput);
    assert_eq!(verdict.granted, [Qty::ZERO]);
}

#[test]
fn the_buffer_is_reused() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut out = Assessment::default();
    let chain = chain(vec![cap("two", "2")]);
    chain.review(&[market(SHARE, Side::Buy, "9")], &facts, &mut out);
    chain.review(&[market(SHARE, Side::Buy, "1")], &facts, &mut out);
    let fresh = review(&chain, &[market(SHARE, Side::Buy, "1")], &facts);
    assert_eq!(out, fresh);
}

/// Wants what it is told to want.
struct Puppet {
    name: &'static str,
    wants: Option<Halt>,
    released: u32,
}

impl Puppet {
    fn boxed(name: &'static str, cause: HaltCause) -> Box<Self> {
        let wants = Some(Halt::new(cause, HaltScope::Strategy(SLOT)));
        Box::new(Self { name, wants, released: 0 })
    }
}

impl State for Puppet {
    fn save(&self) -> Result<Vec<u8>, StateError> {
        self.released.save()
    }

    fn restore(&mut self, state: &[u8]) -> Result<(), StateError> {
        self.released.restore(state)
    }
}

impl Guard for Puppet {
    fn name(&self) -> &'static str {
        self.name
    }

    /// A mark shows the wish, other facts hide it until it was released twice.
    fn watch(&mut self, fact: &Fact<'_>, _facts: &Facts<'_>) -> Option<Halt> {
        let shown = matches!(fact, Fact::Mark) || self.released > 1;
        self.wants.filter(|_| shown)
    }

    fn release(&mut self, cause: HaltCause, _facts: &Facts<'_>) {
        if self.wants.is_some_and(|halt| halt.cause == cause) {
            self.released += 1;
        }
    }
}

fn observe(manager: &mut dyn RiskManager, fact: &Fact<'_>, facts: &Facts<'_>) -> Vec<HaltChange> {
    let mut changes = Vec::new();
    manager.observe(fact, facts, &mut changes);
    changes
}

#[test]
fn changes_of_a_guard_become_changes_of_halts() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let scope = HaltScope::Strategy(SLOT);
    for (cause, lifts) in [(HaltCause::StaleData, true), (HaltCause::Drawdown, false)] {
        let mut chain = RiskChain::new().with_guard(Puppet::boxed("puppet", cause));
        assert_eq!(observe(&mut chain, &Fact::Time, &facts), []);
        let raised = observe(&mut chain, &Fact::Mark, &facts);
        assert_eq!(raised, [HaltChange::Raise(Halt::new(cause, scope))]);
        assert_eq!(observe(&mut chain, &Fact::Mark, &facts), [], "told once");
        let ended = observe(&mut chain, &Fact::Time, &facts);
        let lift = HaltChange::Lift { cause, scope };
        assert_eq!(ended, if lifts { vec![lift] } else { vec![] });
    }
}

#[test]
fn a_cause_that_another_guard_still_wants_is_not_lifted() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut steady = Puppet::boxed("steady", HaltCause::StaleData);
    steady.released = 2;
    let mut chain = RiskChain::new()
        .with_guard(Puppet::boxed("puppet", HaltCause::StaleData))
        .with_guard(steady);
    assert_eq!(observe(&mut chain, &Fact::Mark, &facts).len(), 2);
    assert_eq!(observe(&mut chain, &Fact::Time, &facts), []);
}

#[test]
fn a_wanted_halt_denies_openings_in_its_scope() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut chain = RiskChain::new().with_guard(Puppet::boxed("puppet", HaltCause::Drawdown));
    let buy = market(SHARE, Side::Buy, "1");
    assert!(review(&chain, &[buy], &facts).approved);
    observe(&mut chain, &Fact::Mark, &facts);
    let verdict = review(&chain, &[buy], &facts);
    assert_eq!(verdict.findings[0].rule, "puppet");
    assert_eq!(verdict.findings[0].reason.code.to_string(), "Max drawdown exceeded");
    let mut elsewhere = buy;
    elsewhere.slot = SlotId(2);
    assert!(review(&chain, &[elsewhere], &facts).approved);
    assert!(chain.names().eq(["puppet"]));
}

#[test]
fn a_release_forgets_so_that_a_lasting_breach_is_raised_again() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let mut chain = RiskChain::new().with_guard(Puppet::boxed("puppet", HaltCause::Drawdown));
    observe(&mut chain, &Fact::Mark, &facts);
    chain.release(HaltCause::Operator, &facts);
    assert_eq!(observe(&mut chain, &Fact::Mark, &facts), [], "another cause releases nothing");
    chain.release(HaltCause::Drawdown, &facts);
    assert!(review(&chain, &[market(SHARE, Side::Buy, "1")], &facts).approved);
    assert_eq!(observe(&mut chain, &Fact::Mark, &facts).len(), 1);
}

#[test]
fn state_is_restored_by_name_or_refused_whole() {
    let world = World::new();
    let book = world.book().build();
    let facts = world.facts(&book);
    let two = |second| {
        RiskChain::new()
            .with_guard(Puppet::boxed("first", HaltCause::Drawdown))
            .with_guard(Puppet::boxed(second, HaltCause::StaleData))
    };
    let mut chain = two("second");
    observe(&mut chain, &Fact::Mark, &facts);
    chain.release(HaltCause::StaleData, &facts);
    let saved = chain.save().unwrap();

    let mut same = two("second");
    same.restore(&saved).unwrap();
    assert_eq!(same.save().unwrap(), saved);
    let again = observe(&mut same, &Fact::Mark, &facts);
    assert_eq!(again.len(), 1, "the first guard's halt is known, the second's was released");

    let mut other = two("other");
    let before = other.save().unwrap();
    let mismatch = StateError::Mismatch { expected: "other".into(), found: "second".into() };
    assert_eq!(other.restore(&saved), Err(mismatch));
    assert_eq!(other.save().unwrap(), before, "the first guard was taken back");

    let mut short = RiskChain::new();
    let error = short.restore(&saved).unwrap_err().to_string();
    assert_eq!(error, "state belongs to `a chain of 2 guards`, expected `a chain of 0 guards`");
    assert!(short.restore(b"rubbish").is_err());
}
