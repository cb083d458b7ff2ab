use serde::Serialize;

use crate::account::{basis_points, worse_than};
use crate::math::CompensatedSum;
use crate::types::{Fill, Instrument, Instruments, to_f64};

use super::Collector;

/// What trading cost, in the reporting currency at the rates of the time. Money is paid where
/// the number is positive, but for funding, which is positive when received.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Costs {
    /// Fees of the venue.
    pub fees: f64,
    /// Worse prices by the simulator's slippage: Σ |price - price before slippage| · quantity ·
    /// multiplier.
    pub slippage: f64,
    /// Funding received less funding paid.
    pub funding: f64,
    /// Σ price · quantity · multiplier over all fills.
    pub traded: f64,
    /// Fees over traded value, in basis points.
    pub fees_bps: Option<f64>,
    /// Slippage over traded value, in basis points.
    pub slippage_bps: Option<f64>,
    /// What fills cost against the price when their orders were decided (implementation
    /// shortfall, Perold, 1988), fees not included; fills without such a price do not count.
    pub shortfall: Option<f64>,
    /// The same over the traded value of those fills, in basis points.
    pub shortfall_bps: Option<f64>,
    /// Fills and funding payments that no rate into the reporting currency was known for; they
    /// are in none of the sums.
    pub unrated: u64,
}

impl Costs {
    pub(super) fn new(instruments: &Instruments, collector: &Collector) -> Self {
        let mut sums = Sums::default();
        let mut unrated = 0;
        for ((fill, _), (rate, fee_rate)) in collector.fills.iter().zip(&collector.rates.fills) {
            let Some(instrument) = instruments.get(fill.instrument) else { continue };
            let fee = to_f64(fill.execution.fee.amount) * fee_rate;
            if !(rate.is_finite() && fee.is_finite()) {
                unrated += 1;
                continue;
            }
            sums.fees.add(fee);
            sums.add(fill, instrument, *rate);
        }
        let mut funding = CompensatedSum::default();
        for ((.., payment), rate) in collector.funding.iter().zip(&collector.rates.funding) {
            let received = to_f64(payment.amount) * rate;
            if received.is_finite() {
                funding.add(received);
            } else {
                unrated += 1;
            }
        }
        sums.costs(funding.total(), unrated)
    }

    /// Fees, slippage and paid funding together.
    pub const fn total(&self) -> f64 {
        self.fees + self.slippage - self.funding
    }
}

#[derive(Default)]
struct Sums {
    fees: CompensatedSum,
    slippage: CompensatedSum,
    traded: CompensatedSum,
    shortfall: CompensatedSum,
    arrived: CompensatedSum,
    arrivals: u64,
}

impl Sums {
    fn add(&mut self, fill: &Fill, instrument: &Instrument, rate: f64) {
        let execution = &fill.execution;
        let size = execution.quantity.to_f64();
        let value = |price: f64| instrument.value_f64(size, price) * rate;
        let paid = value(execution.price.to_f64());
        self.traded.add(paid.abs());
        self.slippage.add((paid - value(execution.before_slippage.to_f64())).abs());
        if fill.arrival > 0.0 && fill.arrival.is_finite() {
            self.shortfall.add(worse_than(fill.side, paid, value(fill.arrival)));
            self.arrived.add(value(fill.arrival).abs());
            self.arrivals += 1;
        }
    }

    fn costs(&self, funding: f64, unrated: u64) -> Costs {
        let traded = self.traded.total();
        let shortfall = (self.arrivals > 0).then(|| self.shortfall.total());
        Costs {
            fees: self.fees.total(),
            slippage: self.slippage.total(),
            funding,
            traded,
            fees_bps: basis_points(self.fees.total(), traded),
            slippage_bps: basis_points(self.slippage.total(), traded),
            shortfall,
            shortfall_bps: shortfall.and_then(|cost| basis_points(cost, self.arrived.total())),
            unrated,
        }
    }
}
