//! The board of the whole: ten panels.

use super::panel::{Ask, Board, MONEY, Panel, bars, gauge, series, stat, table};

pub fn board() -> Board {
    let mut panels = activity();
    panels.extend(edges());
    Board {
        uid: "tradewright-overview",
        title: "Trading overview",
        about: "The whole system at a glance: trades, bots, risk, venues, health.",
        panels,
    }
}

fn activity() -> Vec<Panel> {
    vec![
        bars("Total trades by strategy", "Executed orders since the start of the process.")
            .ask("sum by (strategy) (trading_trades_total{S,status=\"filled\"})", "{{strategy}}"),
        bars(
            "Active bots",
            "Bots by the states that any of them is in, and those that run by strategy.",
        )
        .ask("sum by (state) (bot_state{S}) > 0", "all {{state}}")
        .ask("sum by (strategy) (bot_state{S,state=\"running\"}) > 0", "{{strategy}}"),
        bars(
            "Trade PnL distribution",
            "Closed trades of the chosen time by net profit, each bar up to its bound and above \
             the one before it; and the mean profit of a trade since the start, from the counters \
             of profit and loss.",
        )
        .ask_as(
            Ask::Buckets,
            "sum by (le) (increase(trading_trade_pnl_bucket{I}[$__range]))",
            "{{le}}",
        )
        .ask(
            "(sum(trading_profit_total{I}) - sum(trading_loss_total{I})) \
             / sum(trading_closed_trades_total{I})",
            "average",
        )
        .in_unit(MONEY),
        gauge("Risk", "Drawdown now, circuit breaker and halts, losing trades in a row.")
            .steps(&[(0.0, "green"), (0.05, "yellow"), (0.1, "orange"), (0.2, "red")])
            .range(0.0, 1.0)
            .unit("percentunit")
            .ask("max(risk_max_drawdown{I})", "drawdown")
            .ask("max(trading_circuit_breaker_active{I})", "breaker active")
            .in_unit("bool_yes_no")
            .ask("max(risk_consecutive_losses{I})", "losses in a row")
            .in_unit("none"),
        table(
            "Strategy performance",
            "Signals of the chosen time, win rate since the start, 95th percentile of the time for \
             one event.",
        )
        .ask("sum by (strategy) (increase(trading_strategy_signals_total{S}[$__range]))", "signals")
        .ask("avg by (strategy) (trading_strategy_win_rate{S})", "win rate")
        .in_unit("percentunit")
        .ask(
            "histogram_quantile(0.95, sum by (strategy, le) \
             (rate(strategy_execution_seconds_bucket{S}[$__rate_interval])))",
            "execution p95",
        )
        .in_unit("s"),
    ]
}

fn edges() -> Vec<Panel> {
    vec![
        series("WebSocket activity", "Open connections, messages and errors a second.")
            .ask("sum by (exchange) (websocket_connections_active{I})", "{{exchange}} open")
            .ask(
                "sum by (exchange) (rate(websocket_messages_total{I}[$__rate_interval]))",
                "{{exchange}} messages/s",
            )
            .ask(
                "sum by (exchange, error_type) (rate(websocket_errors_total{I}[$__rate_interval]))",
                "{{exchange}} {{error_type}}/s",
            ),
        series("Exchange API", "Calls a second, latency at three percentiles, errors a second.")
            .size(12, 8)
            .ask(
                "sum by (exchange, endpoint) (rate(exchange_api_calls_total{I}[$__rate_interval]))",
                "{{exchange}} {{endpoint}}/s",
            )
            .ask(
                "histogram_quantile(0.5, sum by (exchange, le) \
                 (rate(exchange_api_latency_seconds_bucket{I}[$__rate_interval])))",
                "{{exchange}} p50",
            )
            .in_unit("s")
            .ask(
                "histogram_quantile(0.95, sum by (exchange, le) \
                 (rate(exchange_api_latency_seconds_bucket{I}[$__rate_interval])))",
                "{{exchange}} p95",
            )
            .in_unit("s")
            .ask(
                "histogram_quantile(0.99, sum by (exchange, le) \
                 (rate(exchange_api_latency_seconds_bucket{I}[$__rate_interval])))",
                "{{exchange}} p99",
            )
            .in_unit("s")
            .ask(
                "sum by (exchange, error_type) \
                 (rate(exchange_api_errors_total{I}[$__rate_interval]))",
                "{{exchange}} {{error_type}}/s",
            ),
        stat(
            "System health",
            "Bots that run of all bots, how much of the chosen time the engine answered, memory, \
             CPU and time since the start.",
        )
        .size(12, 8)
        .ask("sum(bot_state{I,state=\"running\"}) / sum(bot_state{I})", "bots running")
        .in_unit("percentunit")
        .ask("avg(avg_over_time(up{I}[$__range]))", "availability")
        .in_unit("percentunit")
        .ask("sum(process_resident_memory_bytes{I})", "memory")
        .in_unit("bytes")
        .ask("sum(rate(process_cpu_seconds_total{I}[$__rate_interval]))", "CPU")
        .in_unit("percentunit")
        .ask("min(time() - process_start_time_seconds{I})", "up for")
        .in_unit("s"),
        series("Trade volume", "Value executed a second, by symbol and strategy.")
            .unit(MONEY)
            .size(12, 8)
            .stacked()
            .ask(
                "sum by (symbol, strategy) (rate(trading_volume_total{S}[$__rate_interval]))",
                "{{symbol}} {{strategy}}",
            ),
        table(
            "Recent trades",
            "When the last trade of a strategy in a symbol closed, and its net profit.",
        )
        .size(12, 8)
        .ask("trading_last_trade_timestamp_seconds{S} * 1000", "closed")
        .in_unit("dateTimeAsIso")
        .ask("trading_last_trade_pnl{S}", "net profit")
        .in_unit(MONEY),
    ]
}
