//! The board of trading: sixteen panels.

use super::panel::{Board, MONEY, Panel, bars, gauge, heatmap, pie, series, stat};

pub fn board() -> Board {
    let mut panels = money();
    panels.extend(strategies());
    panels.extend(flow());
    panels.extend(models());
    Board {
        uid: "tradewright-trading",
        title: "Trading",
        about: "Profit, positions, capital, orders, data, models and errors.",
        panels,
    }
}

fn money() -> Vec<Panel> {
    vec![
        series("Daily and unrealised PnL", "The day's profit, and that of open positions.")
            .unit(MONEY)
            .size(12, 8)
            .ask("sum(trading_daily_pnl{I})", "day")
            .ask("sum(trading_unrealized_pnl{I})", "unrealised"),
        stat("Open positions", "Positions of the chosen strategies.")
            .size(6, 8)
            .ask("sum(trading_positions_open{S})", "open"),
        stat("Circuit breaker", "Whether any halt is in force, whatever its cause and scope.")
            .size(6, 8)
            .steps(&[(0.0, "green"), (1.0, "red")])
            .words(&[(0, "OK", "green"), (1, "HALTED", "red")])
            .ask("max(trading_circuit_breaker_active{I})", "breaker"),
        gauge("Capital utilisation", "Capital in use as a fraction of all capital.")
            .unit("percentunit")
            .size(6, 8)
            .range(0.0, 1.0)
            .steps(&[(0.0, "green"), (0.6, "yellow"), (0.8, "orange"), (0.95, "red")])
            .ask("max(trading_capital_utilization{I})", "in use"),
        gauge("VIX", "Last mark of the instrument that the host named as volatility index.")
            .unit("none")
            .size(6, 8)
            .range(0.0, 80.0)
            .steps(&[(0.0, "green"), (20.0, "yellow"), (30.0, "orange"), (40.0, "red")])
            .ask("max(trading_market_vix{I})", "VIX"),
    ]
}

fn strategies() -> Vec<Panel> {
    vec![
        pie("Trades by strategy", "Executed orders since the start of the process.")
            .size(12, 8)
            .ask("sum by (strategy) (trading_trades_total{S,status=\"filled\"})", "{{strategy}}"),
        bars("Win rate by strategy", "Winning trades as a fraction of all closed trades.")
            .unit("percentunit")
            .range(0.0, 1.0)
            .steps(&[(0.0, "red"), (0.4, "yellow"), (0.5, "green")])
            .ask("avg by (strategy) (trading_strategy_win_rate{S})", "{{strategy}}"),
        bars("Positions by strategy", "Open positions of each strategy.")
            .ask("sum by (strategy) (trading_positions_open{S})", "{{strategy}}"),
    ]
}

fn flow() -> Vec<Panel> {
    vec![
        series("Fill versus reject rate", "Orders filled whole and orders refused, a second.")
            .unit("ops")
            .ask("sum(rate(trading_orders_filled_total{S}[$__rate_interval]))", "filled")
            .ask("sum(rate(trading_orders_rejected_total{S}[$__rate_interval]))", "rejected"),
        heatmap("Fill time", "Time from an order's creation until it was filled whole.")
            .unit("s")
            .ask(
                "sum by (le) \
                 (increase(trading_order_fill_time_seconds_bucket{S}[$__rate_interval]))",
                "{{le}}",
            ),
        series(
            "Data quality",
            "Market events a second, whether data are stale, the 95th percentile of a symbol's age \
             at its next event, gaps and refused events a second.",
        )
        .ask(
            "sum by (symbol) (rate(trading_market_data_updates_total{I}[$__rate_interval]))",
            "{{symbol}} events/s",
        )
        .in_unit("ops")
        .ask("max(trading_market_data_stale{I})", "stale")
        .in_unit("bool")
        .ask(
            "histogram_quantile(0.95, sum by (le) \
             (rate(trading_market_data_age_seconds_bucket{I}[$__rate_interval])))",
            "age p95",
        )
        .in_unit("s")
        .ask("sum(rate(trading_market_data_gaps_total{I}[$__rate_interval]))", "gaps/s")
        .ask("sum(rate(trading_market_data_refused_total{I}[$__rate_interval]))", "refused/s"),
        series("Breaker triggers by reason", "Halts that began since the start, by cause.")
            .ask("sum by (reason) (trading_circuit_breaker_triggers_total{I})", "{{reason}}")
            .ask("max(trading_circuit_breaker_triggers_today{I})", "today"),
    ]
}

fn models() -> Vec<Panel> {
    vec![
        stat("Model accuracy", "Fraction of a model's predictions that came true.")
            .unit("percentunit")
            .size(6, 8)
            .range(0.0, 1.0)
            .steps(&[(0.0, "red"), (0.5, "yellow"), (0.6, "green")])
            .ask("avg by (model) (trading_ml_model_accuracy{I})", "{{model}}"),
        pie("Prediction distribution", "Predictions of the chosen time.").size(6, 8).ask(
            "sum by (prediction) (increase(trading_ml_predictions_total{I}[$__range]))",
            "{{prediction}}",
        ),
        series("Errors by component", "Errors since the start, by component and severity.")
            .size(6, 8)
            .ask(
                "sum by (component, severity) (trading_system_errors_total{I})",
                "{{component}} {{severity}}",
            ),
        heatmap("API latency", "Time until our own interface answered.").unit("s").size(6, 8).ask(
            "sum by (le) \
             (increase(trading_api_request_duration_seconds_bucket{I}[$__rate_interval]))",
            "{{le}}",
        ),
    ]
}
