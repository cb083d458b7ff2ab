//! The board of risk: limits, halts, refusals, loss at stake, exposure, alerts.

use super::panel::{Board, MONEY, Panel, bars, series, stat, table};

pub fn board() -> Board {
    let mut panels = now();
    panels.extend(limits());
    panels.extend(refusals());
    panels.extend(at_stake());
    panels.extend(alerts());
    Board {
        uid: "tradewright-risk",
        title: "Risk",
        about: "How much of every limit is used, what is halted and refused, what is at stake.",
        panels,
    }
}

const HALTED: &[(i64, &str, &str)] = &[(0, "no", "green"), (1, "YES", "red")];

fn now() -> Vec<Panel> {
    vec![
        stat("Halt level", "The severest level that is in force anywhere.")
            .size(8, 4)
            .steps(&[(0.0, "green"), (1.0, "red")])
            .words(&[(1, "in force", "blue")])
            .ask("max by (state) (trading_halt_state{I}) == 1", "{{state}}"),
        stat("Any halt", "Whether any halt is in force.")
            .size(4, 4)
            .steps(&[(0.0, "green"), (1.0, "red")])
            .words(HALTED)
            .ask("max(trading_circuit_breaker_active{I})", "halted"),
        stat("Risk score", "The highest utilisation of all limits.")
            .size(4, 4)
            .unit("percentunit")
            .steps(&[(0.0, "green"), (0.8, "yellow"), (1.0, "red")])
            .ask("max(trading_risk_score{I})", "score"),
        stat("Breaker trips", "Times that loss streak or trade rate stopped trading.")
            .size(4, 4)
            .steps(&[(0.0, "green"), (1.0, "orange")])
            .ask("sum(risk_circuit_breaker_trips_total{I})", "trips"),
        stat("Losses in a row", "Losing trades in a row, of the account.")
            .size(4, 4)
            .steps(&[(0.0, "green"), (3.0, "yellow"), (5.0, "red")])
            .ask("max(risk_consecutive_losses{I})", "losses"),
    ]
}

fn limits() -> Vec<Panel> {
    vec![
        bars("Limit utilisation", "How much of every limit is used; 1 while that is not known.")
            .size(12, 10)
            .unit("percentunit")
            .range(0.0, 1.0)
            .steps(&[(0.0, "green"), (0.6, "yellow"), (0.8, "orange"), (1.0, "red")])
            .ask("max by (limit) (trading_risk_limit_utilization{I})", "{{limit}}"),
        table("Limits", "Every limit: what it watches and where it binds, in its own unit.")
            .size(12, 10)
            .ask("max by (limit) (trading_risk_limit_observed{I})", "observed")
            .ask("max by (limit) (trading_risk_limit_value{I})", "limit's value")
            .ask("max by (limit) (trading_risk_limit_utilization{I})", "used")
            .in_unit("percentunit"),
        series("Halts in force", "Halts in force by scope.")
            .ask("sum by (scope) (trading_halts_active{I})", "{{scope}}"),
        series("Halts begun and ended", "Since the start, by cause and scope.")
            .ask("sum by (cause, scope) (trading_halts_total{I})", "{{cause}} {{scope}} begun")
            .ask(
                "sum by (cause, scope) (trading_halts_ended_total{I})",
                "{{cause}} {{scope}} ended",
            ),
        series("Limits changed", "Limits that were changed while the engine ran.")
            .ask("sum by (limit) (trading_limit_changes_total{I})", "{{limit}}"),
    ]
}

fn refusals() -> Vec<Panel> {
    vec![
        series("Risk checks", "Intents that were let through, and that were refused, a second.")
            .unit("ops")
            .ask("sum by (result) (rate(risk_checks_total{I}[$__rate_interval]))", "{{result}}"),
        series("Refusals by rule", "Intents that were refused whole since the start.")
            .ask("sum by (reason) (trading_risk_refusals_total{S})", "{{reason}}"),
        series("Reductions by rule", "Intents of which less was granted than asked.")
            .ask("sum by (reason) (trading_risk_reductions_total{S})", "{{reason}}"),
        series("Limit breaches", "Intents that came up against a limit, since the start.")
            .ask("sum by (limit_type) (trading_risk_limit_breaches_total{I})", "{{limit_type}}"),
        series("Signals that led nowhere", "Signals and targets without an intent, by reason.")
            .ask("sum by (reason) (trading_signals_passed_total{S})", "{{reason}}"),
        series("Stops", "First stops of positions, and stops that were moved, since the start.")
            .ask("sum by (strategy) (trading_stops_placed_total{S})", "{{strategy}} placed")
            .ask("sum by (strategy) (trading_stops_moved_total{S})", "{{strategy}} moved")
            .ask("sum by (strategy) (trading_orders_triggered_total{S})", "{{strategy}} triggered"),
    ]
}

fn at_stake() -> Vec<Panel> {
    vec![
        series("Portfolio heat", "What would be lost down to all stops, as a fraction of equity.")
            .unit("percentunit")
            .ask("max(trading_portfolio_heat_ratio{I})", "heat"),
        series("Value at risk", "Value at risk, and the mean loss beyond it.")
            .unit(MONEY)
            .ask("sum(trading_value_at_risk{I})", "value at risk")
            .ask("sum(trading_expected_shortfall{I})", "expected shortfall"),
        series("Drawdown", "Below the peak now, and the largest since the start.")
            .unit("percentunit")
            .ask("max(risk_max_drawdown{I})", "now")
            .ask("max(trading_max_drawdown{I})", "largest"),
        series("Drawdown of bots", "Of realised profit, as a fraction of the account's equity.")
            .unit("percentunit")
            .ask("max by (bot_id, strategy) (bot_drawdown{S})", "{{bot_id}} {{strategy}} now")
            .ask(
                "max by (bot_id, strategy) (bot_max_drawdown{S})",
                "{{bot_id}} {{strategy}} largest",
            ),
        series("Equity", "Equity and its peak.")
            .unit(MONEY)
            .ask("sum(risk_current_equity{I})", "equity")
            .ask("sum(trading_peak_equity{I})", "peak"),
        series("Losses in a row, by bot", "A bot's losing trades in a row.").ask(
            "max by (bot_id, strategy) (bot_consecutive_losses{S})",
            "{{bot_id}} {{strategy}}",
        ),
        series("Exposure", "Value of all positions at their marks, without and with signs.")
            .unit(MONEY)
            .ask("sum(trading_exposure_gross{I})", "gross")
            .ask("sum(trading_exposure_net{I})", "net"),
        series("Leverage", "Gross exposure over equity.")
            .unit("none")
            .ask("max(trading_leverage_ratio{I})", "leverage"),
        series("Margin", "Margin behind open positions, and margin that is free.")
            .unit(MONEY)
            .ask("sum(trading_margin_used{I})", "used")
            .ask("sum(trading_margin_available{I})", "free"),
    ]
}

fn alerts() -> Vec<Panel> {
    vec![
        series("Alerts", "Alerts whose condition lasts, and alerts that were raised, by level.")
            .ask("sum by (level) (trading_alerts_active{I})", "{{level}} active")
            .ask("sum by (level) (trading_alerts_total{I})", "{{level}} raised"),
        series("Actions of alerts", "What alerts asked for and what came of it, since the start.")
            .ask(
                "sum by (action, outcome) (trading_alert_actions_total{I})",
                "{{action}} {{outcome}}",
            ),
        series("Liquidations", "Fills by which a venue closed a position by force.")
            .steps(&[(0.0, "green"), (1.0, "red")])
            .ask("sum by (symbol) (trading_liquidations_total{I})", "{{symbol}}"),
    ]
}
