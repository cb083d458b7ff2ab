use core::time::Duration;

use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::envelope::span;
use super::filter::{self, LotRule, NotionalRule, PercentRule, PriceRule, TrailingRule};
use super::order::parse;
use crate::types::{Instrument, InstrumentBuilder, Label, Timestamp};
use crate::venue::read::instant;
use crate::venue::{DecodeError, Limited, Listing, RateBudget, VenueListings};

/// What Binance lists and by which rules: the answer to `exchangeInfo`, spot and USD-margined
/// futures.
///
/// The venue adds filters, states and limits at any time: what is not known is passed over and
/// counted, and a symbol that cannot be read costs no other one.
///
/// ```
/// use tradewright::types::Instruments;
/// use tradewright::venue::binance::ExchangeInfo;
///
/// let body = br#"{"serverTime":1633998511098,"rateLimits":[{"rateLimitType":"REQUEST_WEIGHT",
///     "interval":"MINUTE","intervalNum":1,"limit":6000}],"symbols":[{"symbol":"ETHBTC",
///     "status":"TRADING","baseAsset":"ETH","quoteAsset":"BTC","filters":[
///     {"filterType":"PRICE_FILTER","minPrice":"0.000001","maxPrice":"9","tickSize":"0.00000100"},
///     {"filterType":"LOT_SIZE","minQty":"0.001","maxQty":"9","stepSize":"0.0001"}]}]}"#;
/// let info = ExchangeInfo::decode(body)?;
/// let mut table = Instruments::new();
/// for symbol in &info.symbols {
///     table.add(symbol.instrument().ok_or("no tick or step")?)?;
/// }
/// assert_eq!(table.find("ETHBTC").unwrap().tick.to_string(), "0.000001");
/// let budget = info.budget(20);
/// # assert_ne!(budget, tradewright::venue::RateBudget::new(20));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ExchangeInfo {
    /// The venue's time.
    pub at: Option<Timestamp>,
    /// The limits of weights and orders: what, within which span, how much.
    pub limits: Vec<(Limited, Duration, u32)>,
    /// The symbols, in the venue's order.
    pub symbols: Vec<SymbolRules>,
    /// Limits that [`RateBudget`] does not count (`RAW_REQUESTS`), or that are not known.
    pub other_limits: u64,
    /// Symbols that could not be read.
    pub unreadable: u64,
}

/// The rules of one symbol.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct SymbolRules {
    /// The venue's name.
    pub symbol: String,
    /// Whether it trades.
    pub status: SymbolStatus,
    /// What is traded.
    pub base: String,
    /// What prices are in.
    pub quote: String,
    /// What profits are paid in: of futures.
    pub margin: Option<String>,
    /// The word for the kind of contract (`PERPETUAL`, `CURRENT_QUARTER`): of futures.
    pub contract: Option<Label>,
    /// The end of a dated contract.
    pub expiry: Option<Timestamp>,
    /// The words for the kinds of orders that it takes.
    pub order_types: Vec<Label>,
    /// `PRICE_FILTER`.
    pub price: Option<PriceRule>,
    /// `LOT_SIZE`.
    pub lot: Option<LotRule>,
    /// `MARKET_LOT_SIZE`, for market orders besides the other one.
    pub market_lot: Option<LotRule>,
    /// `MIN_NOTIONAL` or `NOTIONAL`.
    pub notional: Option<NotionalRule>,
    /// `PERCENT_PRICE` or `PERCENT_PRICE_BY_SIDE`.
    pub percent: Option<PercentRule>,
    /// `TRAILING_DELTA`.
    pub trailing: Option<TrailingRule>,
    /// `MAX_POSITION`, in the base asset.
    pub most_position: Option<Decimal>,
    /// `MAX_NUM_ORDERS`: working at the same time.
    pub most_orders: Option<u32>,
    /// `MAX_NUM_ALGO_ORDERS`: waiting for a trigger at the same time.
    pub most_conditional: Option<u32>,
    /// `MAX_NUM_ICEBERG_ORDERS`.
    pub most_iceberg_orders: Option<u32>,
    /// `ICEBERG_PARTS`.
    pub most_iceberg_parts: Option<u32>,
    /// `MAX_NUM_ORDER_AMENDS`: changes of one order.
    pub most_changes: Option<u32>,
    /// `MAX_NUM_ORDER_LISTS`.
    pub most_lists: Option<u32>,
    /// Filters that are not known or could not be read: an order may be refused by them.
    pub unknown_filters: u64,
}

/// Whether a symbol trades.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SymbolStatus {
    /// Orders are taken.
    Trading,
    /// Orders can only be taken back (`CANCEL_ONLY`).
    CancelOnly,
    /// No orders: the venue's word (`HALT`, `BREAK`, `SETTLING`, ...).
    Closed(Label),
}

impl ExchangeInfo {
    /// Reads the answer.
    ///
    /// # Errors
    /// [`DecodeError`] when it is not of this form as a whole.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        const WHAT: &str = "exchangeInfo";
        let wire: WireInfo<'_> = parse(WHAT, bytes)?;
        let at = wire.at.map(|time| instant(WHAT, "serverTime", time)).transpose()?;
        let mut info =
            Self { at, limits: Vec::new(), symbols: Vec::new(), other_limits: 0, unreadable: 0 };
        for raw in wire.limits {
            match parse::<WireLimit<'_>>(WHAT, raw.get().as_bytes()).ok().and_then(limit) {
                Some(limit) => info.limits.push(limit),
                None => info.other_limits += 1,
            }
        }
        for raw in wire.symbols {
            match symbol(raw) {
                Ok(rules) => info.symbols.push(rules),
                Err(_) => info.unreadable += 1,
            }
        }
        Ok(info)
    }

    /// The limits as a budget that keeps `reserve_percent` back for cancels.
    pub fn budget(&self, reserve_percent: u8) -> RateBudget {
        let mut budget = RateBudget::new(reserve_percent);
        self.limit(&mut budget);
        budget
    }

    /// Tells the limits to a budget that is in use.
    pub fn limit(&self, budget: &mut RateBudget) {
        for &(limited, span, most) in &self.limits {
            budget.limit(limited, span, most);
        }
    }

    /// The same for all venues: instruments with their rules, and a budget.
    pub fn listings(&self, reserve_percent: u8) -> VenueListings {
        let mut passed_over = self.unreadable.saturating_add(self.other_limits);
        let mut listings = Vec::new();
        for rules in &self.symbols {
            passed_over = passed_over.saturating_add(rules.unknown_filters);
            match rules.instrument() {
                Some(instrument) => listings.push(Listing {
                    name: rules.symbol.clone(),
                    instrument,
                    is_trading: rules.status == SymbolStatus::Trading,
                }),
                None => passed_over = passed_over.saturating_add(1),
            }
        }
        VenueListings { listings, passed_over, budget: self.budget(reserve_percent) }
    }
}

impl SymbolRules {
    /// The symbol as an instrument, to be added to a table; `None` where the library cannot
    /// express it: without a tick or a step, with a name of more than 31 bytes, or settled in
    /// another asset than it is priced in.
    pub fn instrument(&self) -> Option<InstrumentBuilder> {
        let (price, lot) = (self.price?, self.lot?);
        let is_named = (1..=31).contains(&self.symbol.len());
        let is_gridded = price.tick > Decimal::ZERO && lot.step > Decimal::ZERO;
        let is_linear = self.margin.as_ref().is_none_or(|margin| *margin == self.quote);
        if !(is_named && is_gridded && is_linear) {
            return None;
        }
        let (symbol, base, quote) = (&self.symbol, &self.base, &self.quote);
        let mut builder = match (self.contract, self.expiry) {
            (None, _) => Instrument::spot(symbol, base, quote),
            (Some(word), _) if word.as_str().contains("PERPETUAL") => {
                Instrument::linear_perpetual(symbol, base, quote)
            }
            (Some(_), Some(expiry)) => Instrument::future(symbol, base, quote, expiry),
            (Some(_), None) => return None,
        };
        builder = builder.tick(&price.tick.to_string()).step(&lot.step.to_string());
        if lot.least > Decimal::ZERO {
            builder = builder.min_quantity(&lot.least.to_string());
        }
        match self.notional {
            Some(rule) if rule.least > Decimal::ZERO => {
                Some(builder.min_notional(&rule.least.to_string()))
            }
            Some(_) | None => Some(builder),
        }
    }

    /// True when it takes orders of this kind (`LIMIT`, `STOP_LOSS`), or does not say which.
    pub fn takes(&self, order_type: &str) -> bool {
        let mut types = self.order_types.iter();
        self.order_types.is_empty() || types.any(|known| known.as_str() == order_type)
    }
}

fn limit(wire: WireLimit<'_>) -> Option<(Limited, Duration, u32)> {
    let limited = match wire.kind {
        "REQUEST_WEIGHT" => Limited::Weight,
        "ORDERS" => Limited::Orders,
        _ => return None,
    };
    Some((limited, span(wire.interval, wire.number)?, wire.limit))
}

fn symbol(raw: &RawValue) -> Result<SymbolRules, DecodeError> {
    const WHAT: &str = "symbol";
    let wire: WireSymbol<'_> = parse(WHAT, raw.get().as_bytes())?;
    let status = match wire.status {
        "TRADING" => SymbolStatus::Trading,
        "CANCEL_ONLY" => SymbolStatus::CancelOnly,
        other => SymbolStatus::Closed(Label::new(other)),
    };
    let contract = wire.contract.filter(|word| !word.is_empty()).map(Label::new);
    let expiry = wire.expiry.map(|time| instant(WHAT, "deliveryDate", time)).transpose()?;
    let mut rules = SymbolRules {
        symbol: wire.symbol,
        status,
        base: wire.base,
        quote: wire.quote,
        margin: wire.margin,
        contract,
        expiry,
        order_types: wire.order_types.iter().map(|word| Label::new(word)).collect(),
        price: None,
        lot: None,
        market_lot: None,
        notional: None,
        percent: None,
        trailing: None,
        most_position: None,
        most_orders: None,
        most_conditional: None,
        most_iceberg_orders: None,
        most_iceberg_parts: None,
        most_changes: None,
        most_lists: None,
        unknown_filters: 0,
    };
    for raw in wire.filters {
        if !matches!(filter::read(raw, &mut rules), Ok(true)) {
            rules.unknown_filters += 1;
        }
    }
    Ok(rules)
}

#[derive(Deserialize)]
struct WireInfo<'a> {
    #[serde(rename = "serverTime")]
    at: Option<u64>,
    #[serde(borrow, default, rename = "rateLimits")]
    limits: Vec<&'a RawValue>,
    #[serde(borrow)]
    symbols: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct WireLimit<'a> {
    #[serde(rename = "rateLimitType")]
    kind: &'a str,
    interval: &'a str,
    #[serde(rename = "intervalNum")]
    number: u32,
    limit: u32,
}

#[derive(Deserialize)]
struct WireSymbol<'a> {
    symbol: String,
    status: &'a str,
    #[serde(rename = "baseAsset")]
    base: String,
    #[serde(rename = "quoteAsset")]
    quote: String,
    #[serde(rename = "marginAsset")]
    margin: Option<String>,
    #[serde(borrow, rename = "contractType")]
    contract: Option<&'a str>,
    #[serde(rename = "deliveryDate")]
    expiry: Option<u64>,
    #[serde(default, borrow, rename = "orderTypes")]
    order_types: Vec<&'a str>,
    #[serde(borrow, default)]
    filters: Vec<&'a RawValue>,
}
