//! Every metric that the engine feeds is moved by one: one that nobody feeds fails here. Those of
//! the edge are moved in `edge_metrics.rs`.

use std::collections::BTreeSet;
use std::time::Duration;

use tradewright::engine::{Control, Input, SlotConfig};
use tradewright::metrics::{Feed, catalogue};
use tradewright::prelude::*;
use tradewright::risk::{
    Ceiling, PortfolioGuard, PortfolioRisk, PortfolioRiskSettings, RealtimeRiskManager, StopPlan,
    StopWidth, rule_from_fn,
};
use tradewright::types::{
    ActionRequest, AdjustmentCause, AdjustmentKind, AlertAction, AlertLevel, Funding, Halt,
    HaltCause, HaltScope, Label, LimitChange, LimitKey, Money, OrderId, OrderKind, OrderReport,
    Reason, ReasonCode, RejectReason, Signal,
};

use super::lab::{Lab, ONE, PERP, SHARE, USD, VIX, dec, price, with_alerts};

#[test]
fn every_metric_that_the_engine_feeds_is_moved() {
    let mut moved = BTreeSet::new();
    for scenario in [trades, orders, money, risk, controls] {
        moved.extend(scenario());
    }
    let is_fed = |feed: Feed| matches!(feed, Feed::Engine(_));
    let fed: BTreeSet<&str> =
        catalogue().filter(|spec| is_fed(spec.feed)).map(|spec| spec.name).collect();
    let missing: Vec<&&str> = fed.difference(&moved).collect();
    assert!(missing.is_empty(), "nothing has moved {missing:?}");
    let unknown: Vec<&&str> = moved.difference(&fed).collect();
    assert!(unknown.is_empty(), "not the engine's in the catalogue, and moved: {unknown:?}");
}

/// Profit, loss, breakeven, both sides, a second day.
fn trades() -> BTreeSet<&'static str> {
    let mut lab = Lab::new(|builder| builder);
    lab.deposit("100000");
    lab.round_trip(SHARE, ["100", "110"]);
    lab.round_trip(SHARE, ["110", "100"]);
    lab.round_trip(PERP, ["100", "90"]);
    // A signal in a position that has it already.
    let orders = lab.says(SHARE, 100.0, |advice| advice.buy(Confidence::FULL));
    lab.report(&orders[0], OrderReport::Accepted);
    let mut execution = lab.execution("100.05", "10", "-0.5");
    execution.before_slippage = price("100");
    lab.report(&orders[0], OrderReport::Fill(execution));
    lab.says(SHARE, 101.0, |advice| advice.buy(Confidence::FULL));
    lab.bar(VIX, 17.5);
    lab.pass(86_400);
    lab.bar(SHARE, 102.0);
    lab.moved
}

fn entry() -> Signal {
    let (tag, reason) = (Label::default(), Label::default());
    Signal { instrument: SHARE, side: Side::Buy, confidence: Confidence::FULL, tag, reason }
}

/// Every way of an order.
fn orders() -> BTreeSet<&'static str> {
    let plan = StopPlan::new(StopWidth::Fraction(0.05)).unwrap();
    let plan = plan.trailing(StopWidth::Fraction(0.05)).unwrap();
    let shape = |slot: SlotConfig<Box<dyn Strategy>>| slot.stop(plan);
    let mut lab = Lab::with(shape, |builder| builder);
    lab.deposit("100000");
    let limit = |lab: &mut Lab, reports: &[OrderReport]| {
        let kind = OrderKind::Limit { price: price("90") };
        let signal = entry();
        let orders = lab.says(SHARE, 100.0, move |advice| advice.enter(signal, kind, None));
        for report in reports {
            lab.report(&orders[0], *report);
        }
    };
    let amended = OrderReport::Amended { quantity: Qty::new(dec("8")), price: Some(price("91")) };
    limit(&mut lab, &[OrderReport::Rejected(RejectReason::InsufficientFunds)]);
    limit(&mut lab, &[OrderReport::Accepted, amended, OrderReport::Cancelled]);
    limit(&mut lab, &[OrderReport::Accepted, OrderReport::Triggered, OrderReport::Expired]);
    let refused = OrderReport::ChangeRefused(RejectReason::NotFound);
    limit(&mut lab, &[OrderReport::Accepted, refused, OrderReport::Cancelled]);
    let orders = lab.says(SHARE, 100.0, |advice| advice.buy(Confidence::FULL));
    let stops = lab.fill(&orders[0], "100", "0");
    lab.report(&stops[0], OrderReport::Accepted);
    lab.bar(SHARE, 120.0);
    lab.bar(SHARE, 121.0);
    // An order that nobody knows.
    let mut stranger = stops[0];
    stranger.id = OrderId::new(9, ONE, 99);
    lab.report(&stranger, OrderReport::Accepted);
    lab.moved
}

/// Funding, dividends, interest, withdrawals, a liquidation.
fn money() -> BTreeSet<&'static str> {
    let mut lab = Lab::new(|builder| builder);
    lab.deposit("100000");
    lab.deposit("-5000");
    let orders = lab.says(PERP, 100.0, |advice| advice.buy(Confidence::FULL));
    lab.fill(&orders[0], "100", "0");
    let orders = lab.says(SHARE, 100.0, |advice| advice.buy(Confidence::FULL));
    lab.fill(&orders[0], "100", "0");
    for rate in [0.001, -0.001] {
        lab.pass(60);
        lab.event(MarketEvent::Funding(Funding { instrument: PERP, rate, mark: 100.0 }));
    }
    let dividend = AdjustmentKind::Dividend { instrument: SHARE, amount: dec("0.5") };
    lab.adjust(AdjustmentCause::Dividend, dividend);
    let interest = AdjustmentKind::Income(Money::new(dec("-3"), USD));
    lab.adjust(AdjustmentCause::Interest, interest);
    let execution = lab.execution("80", "10", "1");
    let mut order = orders[0];
    order.intent.instrument = PERP;
    order.intent.side = Side::Sell;
    order.id = OrderId::new(9, tradewright::types::SlotId::HOUSE, 1);
    lab.report(&order, OrderReport::Liquidated(execution));
    lab.moved
}

/// Refusals, reductions, a breaker that trips, limits and portfolio figures.
fn risk() -> BTreeSet<&'static str> {
    let code = ReasonCode::Custom(Label::new("small"));
    let small = rule_from_fn("small", move |opening, _| {
        let reason = Reason::new(code, 900.0, opening.value());
        match opening.intent.tag.as_str() {
            "never" => Limit::Deny(reason),
            "less" => Limit::Cap(Qty::from(5), reason),
            _ => Limit::Allow(None),
        }
    });
    let settings = PortfolioRiskSettings { window: 40, minimum_rows: 20, ..Default::default() };
    let portfolio = PortfolioRisk::new(settings, [SHARE]).unwrap();
    let guard = PortfolioGuard::new(portfolio).var_limit(Ceiling::OfEquity(0.5)).unwrap();
    let manager = RealtimeRiskManager::builder()
        .portfolio_heat(0.5)
        .max_position_fraction(0.9)
        .with_guard(Box::new(guard))
        .with_rule(Box::new(small))
        .breaker(tradewright::risk::BreakerLimits {
            max_consecutive_losses: 1,
            ..Default::default()
        })
        .build()
        .unwrap();
    let mut lab = Lab::new(|builder| builder.risk(manager));
    lab.deposit("100000");
    for step in 0..30 {
        lab.bar(SHARE, 100.0 + f64::from(step % 7));
    }
    let tagged = |lab: &mut Lab, tag: &'static str| {
        lab.says(SHARE, 100.0, move |advice| {
            advice.tag(tag);
            advice.target(SHARE, Qty::from(10));
        })
    };
    assert!(tagged(&mut lab, "never").is_empty());
    let orders = tagged(&mut lab, "less");
    lab.report(&orders[0], OrderReport::Accepted);
    let execution = lab.execution("100", "5", "1");
    lab.report(&orders[0], OrderReport::Fill(execution));
    for step in 0..10 {
        lab.bar(SHARE, 100.0 + f64::from(step % 7));
    }
    let orders = lab.says(SHARE, 90.0, |advice| advice.sell(Confidence::FULL));
    lab.report(&orders[0], OrderReport::Accepted);
    let execution = lab.execution("90", "5", "1");
    lab.report(&orders[0], OrderReport::Fill(execution));
    lab.bar(SHARE, 90.0);
    lab.pass(Duration::from_secs(7_200).as_secs());
    lab.bar(SHARE, 90.0);
    let change = LimitChange {
        key: LimitKey::all("portfolio_heat"),
        value: dec("0.3"),
        until: None,
        actor: Label::new("desk"),
    };
    lab.input(&Input::Control(Control::Limit(change)));
    lab.moved
}

/// A pause, a failure, halts of the operator, an alert's wish, and alerts of all of it.
fn controls() -> BTreeSet<&'static str> {
    let mut lab = Lab::around(with_alerts(), |slot| slot, |builder| builder);
    lab.deposit("100000");
    lab.input(&Input::Control(Control::Pause(ONE)));
    lab.input(&Input::Control(Control::Unpause(ONE)));
    let stale = Halt::new(HaltCause::StaleData, HaltScope::Symbol(SHARE));
    lab.input(&Input::Control(Control::Halt(stale)));
    let scope = HaltScope::Symbol(SHARE);
    let acknowledgement = tradewright::types::Acknowledgement::None;
    lab.input(&Input::Control(Control::Resume { scope, acknowledgement }));
    for action in [AlertAction::HaltTrading, AlertAction::ClosePosition] {
        let alert = Label::new("heat");
        let scope = HaltScope::Account;
        let request = ActionRequest { action, scope, alert, level: AlertLevel::Error };
        lab.input(&Input::Control(Control::Act(request)));
    }
    lab.says(SHARE, 100.0, |advice| {
        advice.fail(tradewright::strategy::StrategyError::new("no more"));
    });
    lab.moved
}
