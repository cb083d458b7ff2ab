//! The forms of the indexer's JSON.

use core::fmt;
use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::Deserialize;
use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::types::{BookLevel, Timestamp};
use crate::venue::DecodeError;
use crate::venue::read::{self, level};

/// What stands around the contents of every frame.
#[derive(Deserialize)]
pub(super) struct Head<'a> {
    #[serde(rename = "type")]
    pub kind: &'a str,
    #[serde(borrow)]
    pub channel: Option<&'a str>,
    #[serde(borrow)]
    pub id: Option<Cow<'a, str>>,
    #[serde(default)]
    pub message_id: u64,
    #[serde(borrow)]
    pub message: Option<Cow<'a, str>>,
}

#[derive(Deserialize)]
pub(super) struct One<T> {
    pub contents: T,
}

#[derive(Deserialize)]
pub(super) struct Many<T> {
    pub contents: Vec<T>,
}

/// A snapshot holds objects, an update arrays, and an update perhaps one side alone.
#[derive(Default, Deserialize)]
pub(super) struct WireBook {
    #[serde(default)]
    pub bids: Vec<WireLevel>,
    #[serde(default)]
    pub asks: Vec<WireLevel>,
}

pub(super) fn levels(levels: Vec<WireLevel>) -> impl Iterator<Item = BookLevel> {
    levels.into_iter().map(|level| level.0)
}

#[derive(Deserialize)]
pub(super) struct WireTrades<'a> {
    #[serde(borrow)]
    pub trades: Vec<WireTrade<'a>>,
}

#[derive(Deserialize)]
pub(super) struct WireTrade<'a> {
    pub id: &'a str,
    pub side: &'a str,
    pub size: &'a str,
    pub price: &'a str,
    #[serde(borrow, rename = "type")]
    pub kind: Option<&'a str>,
    #[serde(rename = "createdAt")]
    pub created_at: &'a str,
}

#[derive(Deserialize)]
pub(super) struct WireCandles<'a> {
    #[serde(borrow)]
    pub candles: Vec<WireCandle<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireCandle<'a> {
    pub started_at: &'a str,
    #[serde(borrow)]
    pub resolution: Option<&'a str>,
    pub open: &'a str,
    pub high: &'a str,
    pub low: &'a str,
    pub close: &'a str,
    pub base_token_volume: &'a str,
}

/// A snapshot has `markets`, an update `trading`, `oraclePrices` or both.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMarkets<'a> {
    #[serde(borrow, default)]
    pub markets: BTreeMap<&'a str, WireMarket<'a>>,
    #[serde(borrow, default)]
    pub trading: BTreeMap<&'a str, WireMarket<'a>>,
    #[serde(borrow, default)]
    pub oracle_prices: BTreeMap<&'a str, WireMarket<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireMarket<'a> {
    #[serde(borrow)]
    pub clob_pair_id: Option<&'a str>,
    #[serde(borrow)]
    pub status: Option<&'a str>,
    #[serde(borrow)]
    pub oracle_price: Option<&'a str>,
    #[serde(borrow)]
    pub effective_at: Option<&'a str>,
    #[serde(borrow)]
    pub next_funding_rate: Option<&'a str>,
    #[serde(borrow, rename = "volume24H")]
    pub volume: Option<&'a str>,
    #[serde(borrow)]
    pub initial_margin_fraction: Option<&'a str>,
    #[serde(borrow)]
    pub maintenance_margin_fraction: Option<&'a str>,
    #[serde(borrow)]
    pub tick_size: Option<&'a str>,
    #[serde(borrow)]
    pub step_size: Option<&'a str>,
    pub atomic_resolution: Option<i32>,
    pub quantum_conversion_exponent: Option<i32>,
    pub step_base_quantums: Option<u64>,
    pub subticks_per_tick: Option<u64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireHeight<'a> {
    #[serde(borrow, alias = "blockHeight")]
    pub height: Cow<'a, str>,
}

/// What a subaccount's channel tells; `account` is of the venue's former version.
#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(super) struct WireAccount<'a> {
    #[serde(borrow)]
    pub subaccount: Option<WireSubaccount<'a>>,
    #[serde(borrow)]
    pub orders: Vec<WireOrder<'a>>,
    #[serde(borrow)]
    pub fills: Vec<WireFill<'a>>,
    #[serde(borrow)]
    pub perpetual_positions: Vec<WirePosition<'a>>,
    #[serde(borrow)]
    pub asset_positions: Vec<WireAsset<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireSubaccount<'a> {
    #[serde(borrow)]
    pub equity: Option<&'a str>,
    #[serde(borrow)]
    pub free_collateral: Option<&'a str>,
    #[serde(borrow, default)]
    pub open_perpetual_positions: BTreeMap<&'a str, WirePosition<'a>>,
    #[serde(borrow, default)]
    pub asset_positions: BTreeMap<&'a str, WireAsset<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireOrder<'a> {
    pub id: &'a str,
    #[serde(borrow)]
    pub client_id: Option<&'a str>,
    #[serde(borrow)]
    pub ticker: Option<&'a str>,
    pub side: &'a str,
    pub size: &'a str,
    #[serde(borrow)]
    pub price: Option<&'a str>,
    #[serde(borrow)]
    pub total_filled: Option<&'a str>,
    pub status: &'a str,
    #[serde(borrow)]
    pub good_til_block: Option<&'a str>,
    #[serde(borrow)]
    pub good_til_block_time: Option<&'a str>,
    #[serde(borrow)]
    pub client_metadata: Option<&'a str>,
    #[serde(borrow)]
    pub order_flags: Option<&'a str>,
    #[serde(borrow)]
    pub time_in_force: Option<&'a str>,
    #[serde(borrow)]
    pub trigger_price: Option<&'a str>,
    #[serde(borrow)]
    pub updated_at: Option<&'a str>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WireFill<'a> {
    pub id: &'a str,
    #[serde(borrow)]
    pub order_id: Option<&'a str>,
    pub side: &'a str,
    pub size: &'a str,
    pub price: &'a str,
    #[serde(borrow)]
    pub fee: Option<&'a str>,
    pub liquidity: &'a str,
    #[serde(rename = "type")]
    pub kind: &'a str,
    #[serde(borrow)]
    pub ticker: Option<&'a str>,
    #[serde(borrow)]
    pub market: Option<&'a str>,
    pub created_at: &'a str,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePosition<'a> {
    pub market: &'a str,
    pub side: &'a str,
    pub status: &'a str,
    pub size: &'a str,
    #[serde(borrow)]
    pub entry_price: Option<&'a str>,
}

#[derive(Deserialize)]
pub(super) struct WireAsset<'a> {
    #[serde(borrow, alias = "denom")]
    pub symbol: &'a str,
    pub side: &'a str,
    pub size: &'a str,
}

pub(super) fn parse<'a, T: Deserialize<'a>>(
    what: &'static str,
    bytes: &'a [u8],
) -> Result<T, DecodeError> {
    serde_json::from_slice(bytes).map_err(|error| read::malformed(what, &error))
}

/// `2023-04-04T00:29:19.353Z`.
pub(super) fn time(
    what: &'static str,
    field: &'static str,
    text: &str,
) -> Result<Timestamp, DecodeError> {
    text.parse().map_err(|_| read::number(what, field, text))
}

/// An id as a number: a UUID, or up to 32 hexadecimal digits.
pub(super) fn uuid(
    what: &'static str,
    field: &'static str,
    text: &str,
) -> Result<u128, DecodeError> {
    let mut value: u128 = 0;
    let mut digits = 0;
    for char in text.chars().filter(|char| *char != '-') {
        let digit = char.to_digit(16).filter(|_| digits < 32);
        let digit = digit.ok_or_else(|| read::number(what, field, text))?;
        (value, digits) = (value << 4 | u128::from(digit), digits + 1);
    }
    if digits == 0 { Err(read::number(what, field, text)) } else { Ok(value) }
}

/// `["price", "size"]` or `{"price": .., "size": ..}`.
pub(super) struct WireLevel(BookLevel);

impl<'de> Deserialize<'de> for WireLevel {
    #[inline]
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LevelVisitor)
    }
}

struct LevelVisitor;

impl<'de> Visitor<'de> for LevelVisitor {
    type Value = WireLevel;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a price and a size as texts")
    }

    #[inline]
    fn visit_seq<A: SeqAccess<'de>>(self, mut values: A) -> Result<WireLevel, A::Error> {
        let price: Option<&str> = values.next_element()?;
        let size: Option<&str> = values.next_element()?;
        while values.next_element::<IgnoredAny>()?.is_some() {}
        sound(price, size)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireLevel, A::Error> {
        let (mut price, mut size) = (None, None);
        while let Some(key) = map.next_key::<&str>()? {
            match key {
                "price" => price = Some(map.next_value()?),
                "size" => size = Some(map.next_value()?),
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        sound(price, size)
    }
}

fn sound<E: Error>(price: Option<&str>, size: Option<&str>) -> Result<WireLevel, E> {
    let (Some(price), Some(size)) = (price, size) else {
        return Err(E::custom("a level without a price or a size"));
    };
    level("level", price, size).map(WireLevel).map_err(E::custom)
}
