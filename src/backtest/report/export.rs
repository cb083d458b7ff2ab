use std::io::Write;

use crate::types::{Amount, OrderKind};

use super::Report;

/// Export as CSV: one header, then one row each. Times are RFC 3339 in UTC, prices, quantities
/// and money are exact decimals; a cell without a value is empty.
///
/// # Errors
/// Each function answers the writer's own errors.
impl Report {
    /// Closed trades.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_trades_csv(&self, writer: impl Write) -> Result<(), csv::Error> {
        let mut rows = csv::Writer::from_writer(writer);
        rows.write_record([
            "strategy",
            "symbol",
            "side",
            "quantity",
            "opened_at",
            "closed_at",
            "entry",
            "exit",
            "gross",
            "fees",
            "funding",
            "net",
            "currency",
            "net_reporting",
            "held_secs",
            "tag",
        ])?;
        for (trade, result) in self.trades.iter().zip(self.trade_results()) {
            rows.write_record([
                self.strategy_name(trade.slot),
                self.symbol(trade.instrument),
                &trade.side.to_string(),
                &trade.quantity.to_string(),
                &trade.opened_at.to_string(),
                &trade.closed_at.to_string(),
                &trade.entry.to_string(),
                &trade.exit.to_string(),
                &trade.gross.amount.to_string(),
                &trade.fees.to_string(),
                &trade.funding.to_string(),
                &trade.net().map(|net| net.to_string()).unwrap_or_default(),
                self.instruments.code(trade.gross.asset),
                &number(result.net),
                &number(result.held_secs),
                trade.tag.as_str(),
            ])?;
        }
        finish(rows)
    }

    /// The equity curve with the drawdown and the benchmark beside it.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_equity_csv(&self, writer: impl Write) -> Result<(), csv::Error> {
        let mut rows = csv::Writer::from_writer(writer);
        rows.write_record(["at", "equity", "gross", "underwater", "benchmark"])?;
        let held = self.benchmark.as_ref().map(|held| held.values.as_slice()).unwrap_or_default();
        for (index, (point, depth)) in self.equity.iter().zip(self.underwater()).enumerate() {
            rows.write_record([
                point.at.to_string(),
                number(point.equity),
                number(point.gross),
                number(depth),
                held.get(index).map(|value| number(*value)).unwrap_or_default(),
            ])?;
        }
        finish(rows)
    }

    /// Executions.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_fills_csv(&self, writer: impl Write) -> Result<(), csv::Error> {
        let mut rows = csv::Writer::from_writer(writer);
        rows.write_record([
            "at",
            "order",
            "strategy",
            "symbol",
            "side",
            "quantity",
            "price",
            "before_slippage",
            "arrival",
            "fee",
            "fee_asset",
            "liquidity",
            "purpose",
            "realised",
            "currency",
            "tag",
        ])?;
        for (fill, realised) in &self.fills {
            let execution = &fill.execution;
            rows.write_record([
                &fill.at.to_string(),
                &fill.order.to_string(),
                self.strategy_name(fill.slot),
                self.symbol(fill.instrument),
                &fill.side.to_string(),
                &execution.quantity.to_string(),
                &execution.price.to_string(),
                &execution.before_slippage.to_string(),
                &number(fill.arrival),
                &execution.fee.amount.to_string(),
                self.instruments.code(execution.fee.asset),
                &format!("{:?}", execution.liquidity),
                &format!("{:?}", fill.purpose),
                &realised.amount.to_string(),
                self.instruments.code(realised.asset),
                fill.tag.as_str(),
            ])?;
        }
        finish(rows)
    }

    /// Orders and what became of them.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_orders_csv(&self, writer: impl Write) -> Result<(), csv::Error> {
        let mut rows = csv::Writer::from_writer(writer);
        rows.write_record([
            "order",
            "created_at",
            "strategy",
            "symbol",
            "side",
            "quantity",
            "cash",
            "kind",
            "limit",
            "trigger",
            "status",
            "changed_at",
            "purpose",
            "reference",
            "tag",
            "reason",
        ])?;
        for row in &self.orders {
            let intent = &row.order.intent;
            let (quantity, cash) = match intent.amount {
                Amount::Quantity(quantity) => (quantity.to_string(), String::new()),
                Amount::Cash(money) => (String::new(), money.amount.to_string()),
            };
            rows.write_record([
                &row.order.id.to_string(),
                &row.order.created_at.to_string(),
                self.strategy_name(intent.slot),
                self.symbol(intent.instrument),
                &intent.side.to_string(),
                &quantity,
                &cash,
                kind(&intent.kind),
                &text(intent.kind.limit()),
                &text(intent.kind.trigger()),
                &format!("{:?}", row.status),
                &row.changed_at.to_string(),
                &format!("{:?}", intent.purpose),
                &number(intent.reference),
                intent.tag.as_str(),
                intent.reason.as_str(),
            ])?;
        }
        finish(rows)
    }

    /// Opinions of the strategies.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn write_signals_csv(&self, writer: impl Write) -> Result<(), csv::Error> {
        let mut rows = csv::Writer::from_writer(writer);
        rows.write_record(["at", "strategy", "symbol", "side", "confidence", "tag", "reason"])?;
        for row in &self.signals {
            rows.write_record([
                &row.at.to_string(),
                self.strategy_name(row.slot),
                self.symbol(row.signal.instrument),
                &row.signal.side.to_string(),
                &number(row.signal.confidence.value()),
                row.signal.tag.as_str(),
                row.signal.reason.as_str(),
            ])?;
        }
        finish(rows)
    }
}

fn finish<W: Write>(mut rows: csv::Writer<W>) -> Result<(), csv::Error> {
    rows.flush().map_err(csv::Error::from)
}

/// The shortest text that reads back as the same number; nothing for what is no number.
fn number(value: f64) -> String {
    if value.is_finite() { value.to_string() } else { String::new() }
}

fn text(value: Option<impl ToString>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

const fn kind(kind: &OrderKind) -> &'static str {
    match kind {
        OrderKind::Market => "market",
        OrderKind::Limit { .. } => "limit",
        OrderKind::StopMarket { .. } => "stop_market",
        OrderKind::StopLimit { .. } => "stop_limit",
        OrderKind::TakeProfit { .. } => "take_profit",
        OrderKind::TrailingStop { .. } => "trailing_stop",
    }
}
