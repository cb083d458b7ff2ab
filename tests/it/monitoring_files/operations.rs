//! The board behind the others: orders, costs, capital, bots, engine, process.

use super::panel::{Board, MONEY, Panel, heatmap, series, stat, table};

pub fn board() -> Board {
    let mut panels = orders();
    panels.extend(costs());
    panels.extend(bots());
    panels.extend(engine());
    panels.extend(program());
    Board {
        uid: "tradewright-operations",
        title: "Operations",
        about: "The life of orders, what trading costs, the bots, the engine and its process.",
        panels,
    }
}

fn orders() -> Vec<Panel> {
    vec![
        series("Orders submitted", "Orders sent to a venue, a second, by type and side.")
            .unit("ops")
            .ask(
                "sum by (order_type, side) \
                 (rate(trading_orders_submitted_total{S}[$__rate_interval]))",
                "{{order_type}} {{side}}",
            ),
        series("Orders open", "Orders on their way or working.")
            .ask("sum by (strategy) (trading_orders_open{S})", "{{strategy}}"),
        series("Value of working orders", "What they would add at mark if they filled.")
            .unit(MONEY)
            .ask("sum by (side) (trading_orders_reserved_value{I})", "{{side}}"),
        series("Ends without a fill", "Orders cancelled, expired and refused since the start.")
            .ask("sum(trading_orders_cancelled_total{S})", "cancelled")
            .ask("sum(trading_orders_expired_total{S})", "expired")
            .ask("sum by (reason) (trading_orders_rejected_total{S})", "refused: {{reason}}"),
        series("Changes", "Working orders that were amended, and changes that were refused.")
            .ask("sum(trading_orders_amended_total{S})", "amended")
            .ask("sum by (reason) (trading_order_changes_refused_total{S})", "refused: {{reason}}"),
        series("Order anomalies", "What must not happen to an order, did, and was survived.")
            .steps(&[(0.0, "green"), (1.0, "red")])
            .ask("sum by (anomaly) (trading_order_anomalies_total{I})", "{{anomaly}}"),
        heatmap("Acknowledge time", "Time until the venue accepted or refused an order.")
            .unit("s")
            .ask(
                "sum by (le) \
                 (increase(trading_order_acknowledge_time_seconds_bucket{S}[$__rate_interval]))",
                "{{le}}",
            ),
        series("Fills", "Executions that were booked, a second.").unit("ops").ask(
            "sum by (side, liquidity) (rate(trading_fills_total{S}[$__rate_interval]))",
            "{{side}} {{liquidity}}",
        ),
        series("Shortfall", "How much worse than the mark at the decision fills were.")
            .unit("percentunit")
            .ask(
                "histogram_quantile(0.5, sum by (le) \
                 (rate(trading_fill_shortfall_ratio_bucket{S}[$__rate_interval])))",
                "p50",
            )
            .ask(
                "histogram_quantile(0.95, sum by (le) \
                 (rate(trading_fill_shortfall_ratio_bucket{S}[$__rate_interval])))",
                "p95",
            ),
    ]
}

fn costs() -> Vec<Panel> {
    vec![
        series("Fees and slippage", "Since the start.")
            .unit(MONEY)
            .ask("sum by (strategy) (trading_fees_paid_total{S})", "{{strategy}} fees")
            .ask("sum by (strategy) (trading_fee_rebates_total{S})", "{{strategy}} rebates")
            .ask("sum by (strategy) (trading_slippage_cost_total{S})", "{{strategy}} slippage"),
        series("Funding and payments", "Since the start.")
            .unit(MONEY)
            .ask("sum(trading_funding_paid_total{I})", "funding paid")
            .ask("sum(trading_funding_received_total{I})", "funding received")
            .ask("sum by (cause) (trading_payments_made_total{I})", "{{cause}} paid")
            .ask("sum by (cause) (trading_payments_received_total{I})", "{{cause}} received"),
        series("Deposits and adjustments", "Money in and out, and changes without a fill.")
            .ask("sum(trading_capital_deposited_total{I})", "deposited")
            .in_unit(MONEY)
            .ask("sum(trading_capital_withdrawn_total{I})", "withdrawn")
            .in_unit(MONEY)
            .ask("sum by (cause) (trading_adjustments_total{I})", "{{cause}} adjustments"),
        series("Profit", "Realised profit, and the sums of winning and losing trades.")
            .unit(MONEY)
            .ask("sum(trading_realized_pnl{I})", "realised")
            .ask("sum(trading_profit_total{I})", "won")
            .ask("sum(trading_loss_total{I})", "lost"),
        series("Capital", "Capital, what is behind open positions, and cash by asset.")
            .unit(MONEY)
            .ask("sum(trading_capital{I})", "capital")
            .ask("sum(trading_capital_used{I})", "used")
            .ask("sum by (asset) (trading_cash{I})", "cash {{asset}}"),
        stat("Day's return", "The day's profit as a fraction of equity at its start.")
            .unit("percentunit")
            .steps(&[(-1.0, "red"), (-0.02, "yellow"), (0.0, "green")])
            .ask("max(trading_daily_pnl_ratio{I})", "today"),
    ]
}

fn bots() -> Vec<Panel> {
    vec![
        table("Bots", "Every bot: its status and its profit.")
            .size(12, 8)
            .words(&[(0, "0 stopped", "text"), (3, "3 failed", "red")])
            .ask("max by (bot_id, strategy) (bot_status{S})", "status")
            .ask("max by (bot_id, strategy) (bot_realized_pnl{S})", "realised profit")
            .in_unit(MONEY),
        table("Strategies", "Closed trades of every strategy.")
            .size(12, 8)
            .ask("max by (strategy) (trading_strategy_trades_today{S})", "trades today")
            .ask("max by (strategy) (trading_strategy_avg_pnl{S})", "mean profit")
            .in_unit(MONEY)
            .ask("max by (strategy) (trading_strategy_sharpe_ratio{S})", "Sharpe per trade")
            .ask("max by (strategy) (trading_strategy_failures_total{S})", "failures"),
        series("Closed trades", "Since the start, by outcome.")
            .ask("sum by (outcome) (trading_closed_trades_total{S})", "{{outcome}}"),
        series("Profit of trades", "Median and tails of net profit.")
            .unit(MONEY)
            .ask(
                "histogram_quantile(0.05, sum by (le) (rate(trading_trades_pnl_bucket{S}[1h])))",
                "p5",
            )
            .ask(
                "histogram_quantile(0.5, sum by (le) (rate(trading_trades_pnl_bucket{S}[1h])))",
                "p50",
            )
            .ask(
                "histogram_quantile(0.95, sum by (le) (rate(trading_trades_pnl_bucket{S}[1h])))",
                "p95",
            ),
        series("Time in a trade", "From the opening of a position to the close of a trade.")
            .unit("s")
            .ask(
                "histogram_quantile(0.5, sum by (strategy, le) \
                 (rate(trading_trade_duration_seconds_bucket{S}[1h])))",
                "{{strategy}} p50",
            ),
    ]
}

fn engine() -> Vec<Panel> {
    vec![
        series("Records", "Records of the engine, a second.").unit("ops").ask(
            "sum by (record) (rate(trading_records_total{I}[$__rate_interval]))",
            "{{record}}",
        ),
        series("Market events", "Market events that the engine took in, a second.")
            .unit("ops")
            .ask(
                "sum by (type) (rate(trading_market_events_total{I}[$__rate_interval]))",
                "{{type}}",
            ),
        series("Marks", "Last mark of every instrument.")
            .unit("none")
            .ask("max by (symbol) (trading_mark_price{I})", "{{symbol}}"),
        stat("Engine's time", "Time of the last market event: its own in a backtest.")
            .unit("dateTimeAsIso")
            .ask("max(trading_last_event_timestamp_seconds{I}) * 1000", "last event"),
        stat("Version", "Version of the library, by instance.")
            .ask("max by (version, instance) (trading_build_info{I})", "{{version}} {{instance}}"),
        stat("Market condition", "The condition that the market is in.")
            .ask("max by (condition) (trading_market_condition{I}) == 1", "{{condition}}"),
    ]
}

fn program() -> Vec<Panel> {
    vec![
        series("Reaction", "Time from a venue's frame to the order that followed.").unit("s").ask(
            "histogram_quantile(0.99, sum by (le) \
             (rate(trading_frame_to_order_seconds_bucket{I}[$__rate_interval])))",
            "p99",
        ),
        series("Queues and modes", "Entries that wait, and the mode of degradation in force.")
            .ask("max by (queue) (trading_queue_depth{I})", "{{queue}}")
            .ask("max by (mode) (trading_degradation_mode{I})", "mode {{mode}}"),
        series("Repairs", "Reconciliations, restarts and reconnections since the start.")
            .ask("sum by (result) (trading_reconciliations_total{I})", "reconciled {{result}}")
            .ask("sum by (component) (trading_restarts_total{I})", "{{component}} restarted")
            .ask("sum by (exchange) (websocket_reconnects_total{I})", "{{exchange}} reconnected"),
        series("Journal", "Records, bytes and failures a second, and the time to be safe on disk.")
            .ask("sum(rate(trading_journal_records_total{I}[$__rate_interval]))", "records/s")
            .ask("sum(rate(trading_journal_bytes_total{I}[$__rate_interval]))", "bytes/s")
            .in_unit("Bps")
            .ask("sum(rate(trading_journal_errors_total{I}[$__rate_interval]))", "failures/s")
            .ask(
                "histogram_quantile(0.99, sum by (le) \
                 (rate(trading_journal_sync_seconds_bucket{I}[$__rate_interval])))",
                "sync p99",
            )
            .in_unit("s"),
        series("Service", "Clients, requests, commands and refused credentials.")
            .ask("sum(trading_service_clients{I})", "clients")
            .ask(
                "sum by (status) (rate(trading_api_requests_total{I}[$__rate_interval]))",
                "status {{status}}/s",
            )
            .ask(
                "sum by (command, result) (trading_service_commands_total{I})",
                "{{command}} {{result}}",
            )
            .ask("sum(trading_service_auth_failures_total{I})", "refused credentials"),
        series("Process", "Virtual memory, open files and time since the start.")
            .ask("sum(process_virtual_memory_bytes{I})", "virtual memory")
            .in_unit("bytes")
            .ask("sum(process_open_fds{I})", "open files")
            .ask("min(trading_system_uptime_seconds{I})", "up for")
            .in_unit("s"),
        series("Venues", "Open connections over all exchanges, and request budgets in use.")
            .ask("sum(trading_websocket_connections{I})", "connections")
            .ask(
                "max by (exchange) (exchange_rate_limit_used_ratio{I})",
                "{{exchange}} budget used",
            )
            .in_unit("percentunit"),
        series("Training", "How long trainings take, and how long ago the last one was.")
            .unit("s")
            .ask(
                "histogram_quantile(0.5, sum by (le) \
                 (rate(trading_ml_training_duration_seconds_bucket{I}[1d])))",
                "duration p50",
            )
            .ask("time() - max(trading_ml_last_training_timestamp{I})", "last one, ago"),
    ]
}
