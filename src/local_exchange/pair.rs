use crate::venue::binance::BinanceMarket;

/// One thing for each market.
#[derive(Clone, Debug)]
pub(super) struct Pair<T> {
    spot: T,
    futures: T,
}

impl<T> Pair<T> {
    pub(super) const fn new(spot: T, futures: T) -> Self {
        Self { spot, futures }
    }

    pub(super) const fn of(&self, market: BinanceMarket) -> &T {
        match market {
            BinanceMarket::Spot => &self.spot,
            BinanceMarket::UsdFutures => &self.futures,
        }
    }

    pub(super) const fn of_mut(&mut self, market: BinanceMarket) -> &mut T {
        match market {
            BinanceMarket::Spot => &mut self.spot,
            BinanceMarket::UsdFutures => &mut self.futures,
        }
    }
}

/// Both markets.
pub(super) const MARKETS: [BinanceMarket; 2] = [BinanceMarket::Spot, BinanceMarket::UsdFutures];
