//! Equity, capital, exposure.

use super::labels::ASSET;
use crate::metrics::{MetricSpec, Unit};

const MARGIN: &str = "pictures of an account with derivatives";

specs! {
    EQUITY = MetricSpec::gauge("risk_current_equity", "Cash and positions at their marks.")
        .unit(Unit::Currency).fed_by("facts");
    PEAK_EQUITY = MetricSpec::gauge(
        "trading_peak_equity",
        "The highest equity since the start; deposits and withdrawals move it along.",
    ).unit(Unit::Currency).fed_by("facts");
    CAPITAL = MetricSpec::gauge("trading_capital", "Equity, under the name of capital.")
        .unit(Unit::Currency).fed_by("facts");
    CAPITAL_TOTAL = MetricSpec::gauge(
        "trading_capital_total",
        "Same as trading_capital: the one gauge that keeps a name in `_total`.",
    ).unit(Unit::Currency).fed_by("facts");
    CAPITAL_USED = MetricSpec::gauge(
        "trading_capital_used",
        "Capital behind open positions: their value, at most the equity.",
    ).unit(Unit::Currency).fed_by("facts");
    CAPITAL_UTILIZATION = MetricSpec::gauge(
        "trading_capital_utilization",
        "Capital in use as a fraction of all capital, 0 to 1.",
    ).unit(Unit::Ratio).fed_by("facts");
    MARGIN_USED = MetricSpec::gauge(
        "trading_margin_used",
        "What the venue holds back of the reporting currency as margin.",
    ).unit(Unit::Currency).told_by(MARGIN);
    MARGIN_AVAILABLE = MetricSpec::gauge(
        "trading_margin_available",
        "What the venue leaves free of the reporting currency.",
    ).unit(Unit::Currency).told_by(MARGIN);
    CASH = MetricSpec::gauge("trading_cash", "Cash of an asset, in its own units.")
        .labels(&[ASSET]).unit(Unit::Various).fed_by("facts");
    GROSS = MetricSpec::gauge(
        "trading_exposure_gross",
        "Value of all positions at their marks, without signs.",
    ).unit(Unit::Currency).fed_by("facts");
    NET = MetricSpec::gauge(
        "trading_exposure_net",
        "Value of all positions at their marks, with signs.",
    ).unit(Unit::Currency).fed_by("facts");
    LEVERAGE = MetricSpec::gauge("trading_leverage_ratio", "Gross exposure over equity.")
        .unit(Unit::Ratio).fed_by("facts");
}
