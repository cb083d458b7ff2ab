//! Orders that were executed, closed trades, profit, and what money moved.

use super::labels::{CAUSE, LIQUIDITY, SIDE, STATUS, STRATEGY, SYMBOL};
use crate::metrics::{LabelSpec, MetricSpec, Unit};

/// Profit per trade, in the reporting currency.
pub(super) const PNL: &[f64] = &[-1_000.0, -500.0, -100.0, 0.0, 100.0, 500.0, 1_000.0, 5_000.0];
/// From a second to four weeks.
const HOLDING: &[f64] =
    &[1.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0, 86_400.0, 259_200.0, 604_800.0, 2_419_200.0];
/// From 1 % better than the decision's price to 1 % worse.
const SHORTFALL: &[f64] =
    &[-0.01, -0.001, -0.0005, -0.0001, 0.0, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01];
const OUTCOME: LabelSpec = LabelSpec::fixed("outcome", &["win", "loss", "even"]);

specs! {
    TRADES = MetricSpec::counter(
        "trading_trades_total",
        "Orders by what became of them; `filled` are the executed ones.",
    ).labels(&[STRATEGY, SYMBOL, SIDE, STATUS]).fed_by("Transition");
    FILLS = MetricSpec::counter("trading_fills_total", "Executions that were booked.")
        .labels(&[STRATEGY, SYMBOL, SIDE, LIQUIDITY]).fed_by("Filled");
    VOLUME = MetricSpec::counter("trading_volume_total", "Value of everything that was executed.")
        .labels(&[STRATEGY, SYMBOL]).unit(Unit::Currency).fed_by("Filled");
    TRADE_PNL = MetricSpec::histogram(
        "trading_trade_pnl", PNL,
        "Profit of closed trades, net of fees and funding.",
    ).unit(Unit::Currency).fed_by("Closed");
    TRADES_PNL = MetricSpec::histogram(
        "trading_trades_pnl", PNL,
        "Profit of a strategy's closed trades, net of fees and funding.",
    ).labels(&[STRATEGY]).unit(Unit::Currency).fed_by("Closed");
    PROFIT = MetricSpec::counter("trading_profit_total", "Sum of all winning trades, net.")
        .unit(Unit::Currency).fed_by("Closed");
    LOSS = MetricSpec::counter(
        "trading_loss_total",
        "Sum of all losing trades, net and without sign.",
    ).unit(Unit::Currency).fed_by("Closed");
    CLOSED_TRADES = MetricSpec::counter("trading_closed_trades_total", "Closed trades by outcome.")
        .labels(&[STRATEGY, OUTCOME]).fed_by("Closed");
    TRADE_DURATION = MetricSpec::histogram(
        "trading_trade_duration_seconds", HOLDING,
        "Time from the opening of a position to the close of a trade.",
    ).labels(&[STRATEGY]).unit(Unit::Seconds).fed_by("Closed");
    LAST_TRADE_AT = MetricSpec::gauge(
        "trading_last_trade_timestamp_seconds",
        "When the last trade was closed.",
    ).labels(&[STRATEGY, SYMBOL]).unit(Unit::Timestamp).fed_by("Closed");
    LAST_TRADE_PNL = MetricSpec::gauge("trading_last_trade_pnl", "Net profit of the last trade.")
        .labels(&[STRATEGY, SYMBOL]).unit(Unit::Currency).fed_by("Closed");
    POSITIONS_OPEN = MetricSpec::gauge("trading_positions_open", "Open positions.")
        .labels(&[STRATEGY]).fed_by("facts");
    DAILY_PNL = MetricSpec::gauge(
        "trading_daily_pnl",
        "Equity now less equity at the start of the day, without deposits.",
    ).unit(Unit::Currency).fed_by("facts");
    DAILY_PNL_RATIO = MetricSpec::gauge(
        "trading_daily_pnl_ratio",
        "The day's profit as a fraction of equity at its start.",
    ).unit(Unit::Ratio).fed_by("facts");
    UNREALIZED_PNL = MetricSpec::gauge(
        "trading_unrealized_pnl",
        "Profit of open positions at their marks.",
    ).unit(Unit::Currency).fed_by("facts");
    REALIZED_PNL = MetricSpec::gauge(
        "trading_realized_pnl",
        "Realised profit since the start, less fees, with funding and other income.",
    ).unit(Unit::Currency).fed_by("Filled");
    FEES_PAID = MetricSpec::counter("trading_fees_paid_total", "Fees that venues charged.")
        .labels(&[STRATEGY]).unit(Unit::Currency).fed_by("Filled");
    REBATES = MetricSpec::counter("trading_fee_rebates_total", "Fees that venues gave back.")
        .labels(&[STRATEGY]).unit(Unit::Currency).fed_by("Filled");
    SLIPPAGE = MetricSpec::counter(
        "trading_slippage_cost_total",
        "What fills cost beyond the price at which the market traded.",
    ).labels(&[STRATEGY]).unit(Unit::Currency).fed_by("Filled");
    SHORTFALL_RATIO = MetricSpec::histogram(
        "trading_fill_shortfall_ratio", SHORTFALL,
        "How much worse than the mark at the decision a fill was, as a fraction of that mark.",
    ).labels(&[STRATEGY]).unit(Unit::Ratio).fed_by("Filled");
    FUNDING_PAID = MetricSpec::counter("trading_funding_paid_total", "Funding that was paid.")
        .labels(&[SYMBOL]).unit(Unit::Currency).fed_by("Funded");
    FUNDING_RECEIVED = MetricSpec::counter(
        "trading_funding_received_total",
        "Funding that was received.",
    ).labels(&[SYMBOL]).unit(Unit::Currency).fed_by("Funded");
    PAYMENTS_MADE = MetricSpec::counter(
        "trading_payments_made_total",
        "What positions paid that is neither fee nor funding: borrowing, dividends of shorts.",
    ).labels(&[CAUSE]).unit(Unit::Currency).fed_by("Paid");
    PAYMENTS_RECEIVED = MetricSpec::counter(
        "trading_payments_received_total",
        "What positions received that is neither fee nor funding: dividends, interest.",
    ).labels(&[CAUSE]).unit(Unit::Currency).fed_by("Paid");
    DEPOSITED = MetricSpec::counter("trading_capital_deposited_total", "Money that came in.")
        .unit(Unit::Currency).fed_by("Adjusted");
    WITHDRAWN = MetricSpec::counter("trading_capital_withdrawn_total", "Money that went out.")
        .unit(Unit::Currency).fed_by("Adjusted");
    ADJUSTMENTS = MetricSpec::counter(
        "trading_adjustments_total",
        "Changes of cash or position without a fill.",
    ).labels(&[CAUSE]).fed_by("Adjusted");
    LIQUIDATIONS = MetricSpec::counter(
        "trading_liquidations_total",
        "Fills by which a venue closed a position by force.",
    ).labels(&[SYMBOL]).fed_by("Filled");
}
