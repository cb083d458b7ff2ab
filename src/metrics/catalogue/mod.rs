//! The catalogue: every metric of the library, once.

/// Rows of the catalogue: each is a static by its name here, and part of the file's list.
macro_rules! specs {
    ($($name:ident = $spec:expr;)*) => {
        $(pub(crate) static $name: MetricSpec = $spec;)*
        pub(super) static ALL: &[&MetricSpec] = &[$(&$name),*];
    };
}

pub(crate) mod capital;
pub(crate) mod edge;
mod labels;
pub(crate) mod market;
pub(crate) mod orders;
pub(crate) mod risk;
pub(crate) mod strategy;
pub(crate) mod system;
pub(crate) mod trading;

use super::MetricSpec;

/// Every metric of the library, grouped by what it is about.
///
/// Registration, exposition, the reference page, dashboards and rules all come from this list.
///
/// ```
/// use tradewright::metrics::{MetricKind, catalogue};
///
/// let fed = catalogue().filter(|spec| !spec.is_pending()).count();
/// assert!(fed > 60);
/// let trades = catalogue().find(|spec| spec.name == "trading_trades_total").unwrap();
/// assert_eq!(trades.kind, MetricKind::Counter);
/// let labels: Vec<&str> = trades.labels.iter().map(|label| label.name).collect();
/// assert_eq!(labels, ["strategy", "symbol", "side", "status"]);
/// ```
pub fn catalogue() -> impl Iterator<Item = &'static MetricSpec> {
    catalogue_by_topic().flat_map(|(_, specs)| specs.iter().copied())
}

/// The same, with the topic of each group.
pub fn catalogue_by_topic() -> impl Iterator<Item = (&'static str, &'static [&'static MetricSpec])>
{
    TOPICS.iter().copied()
}

static TOPICS: &[(&str, &[&MetricSpec])] = &[
    ("Trades and money", trading::ALL),
    ("Capital and exposure", capital::ALL),
    ("Risk", risk::ALL),
    ("Orders", orders::ALL),
    ("Strategies and bots", strategy::ALL),
    ("Market data", market::ALL),
    ("System", system::ALL),
    ("Venues, interfaces, models", edge::ALL),
];
