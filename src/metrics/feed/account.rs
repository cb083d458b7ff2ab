use super::Names;
use super::lazy::Dense;
use crate::metrics::catalogue::{capital, market, orders, risk, trading};
use crate::metrics::{GaugeHandle, Meter};
use crate::types::{DayBoundary, Facts, Instrument, Side, SlotId, Timestamp, to_f64};

/// Equity, drawdown, the day, exposure, positions: what the facts say after every input.
pub(super) struct AccountFeed<M: Meter> {
    day: DayBoundary,
    day_ends: Timestamp,
    /// Equity at the start of the day, moved along by deposits.
    day_began_with: f64,
    peak: f64,
    max_drawdown: f64,
    /// Deposits less withdrawals that the equity of the facts does not show yet.
    shift: f64,
    equity: f64,
    gross: f64,
    /// Cash, positions or working orders have changed.
    is_dirty: bool,
    /// Cash or positions have.
    is_moved: bool,
    /// Exposure to an inverse contract does not move as equity does.
    has_inverse: bool,
    anchor: Anchor,
    /// Slots whose positions have changed; the first of them is the house.
    changed: Vec<bool>,
    gauges: Gauges<M>,
    positions: Vec<M::Gauge>,
    cash: Dense<M::Gauge>,
}

/// The last full sums over all instruments. Between two of them nothing is booked, so that equity
/// moves by the profit of open positions alone, and the sums follow it at the cost of an addition.
#[derive(Clone, Copy, Default)]
struct Anchor {
    equity: f64,
    net: f64,
    unrealized: f64,
    /// Events since then.
    age: u32,
}

/// After so many events the sums are taken anew: rates of currencies move equity too.
const OLDEST: u32 = 64;

struct Gauges<M: Meter> {
    equity: M::Gauge,
    peak: M::Gauge,
    capital: M::Gauge,
    capital_total: M::Gauge,
    used: M::Gauge,
    utilization: M::Gauge,
    gross: M::Gauge,
    net: M::Gauge,
    leverage: M::Gauge,
    drawdown: M::Gauge,
    max_drawdown: M::Gauge,
    daily: M::Gauge,
    daily_ratio: M::Gauge,
    unrealized: M::Gauge,
    reserved: [M::Gauge; 2],
    vix: M::Gauge,
}

impl<M: Meter> Gauges<M> {
    fn new(meter: &M) -> Self {
        let gauge = |spec| meter.gauge(spec, &[]);
        Self {
            equity: gauge(&capital::EQUITY),
            peak: gauge(&capital::PEAK_EQUITY),
            capital: gauge(&capital::CAPITAL),
            capital_total: gauge(&capital::CAPITAL_TOTAL),
            used: gauge(&capital::CAPITAL_USED),
            utilization: gauge(&capital::CAPITAL_UTILIZATION),
            gross: gauge(&capital::GROSS),
            net: gauge(&capital::NET),
            leverage: gauge(&capital::LEVERAGE),
            drawdown: gauge(&risk::CURRENT_DRAWDOWN),
            max_drawdown: gauge(&risk::MAX_DRAWDOWN),
            daily: gauge(&trading::DAILY_PNL),
            daily_ratio: gauge(&trading::DAILY_PNL_RATIO),
            unrealized: gauge(&trading::UNREALIZED_PNL),
            reserved: ["BUY", "SELL"].map(|side| meter.gauge(&orders::RESERVED, &[side])),
            vix: gauge(&market::VIX),
        }
    }
}

impl<M: Meter> AccountFeed<M> {
    pub(super) fn new(meter: &M, names: &Names, day: DayBoundary) -> Self {
        let place = |slot| meter.gauge(&trading::POSITIONS_OPEN, &[names.strategy(slot)]);
        Self {
            day,
            day_ends: Timestamp::from_nanos(i64::MIN),
            day_began_with: f64::NAN,
            peak: f64::NAN,
            max_drawdown: 0.0,
            shift: 0.0,
            equity: f64::NAN,
            gross: f64::NAN,
            is_dirty: true,
            is_moved: true,
            has_inverse: names.has_inverse(),
            anchor: Anchor::default(),
            changed: vec![true; names.slots().saturating_sub(1)],
            gauges: Gauges::new(meter),
            // Not of the place for what the run did not name: it holds nothing.
            positions: (0..names.slots().saturating_sub(1)).map(place).collect(),
            cash: Dense::default(),
        }
    }

    /// Equity in the reporting currency as it was last seen; NaN before.
    pub(super) const fn equity(&self) -> f64 {
        self.equity
    }

    /// Money came in (positive) or went out: no profit, and no drawdown.
    pub(super) fn deposit(&mut self, amount: f64) {
        if amount.is_finite() {
            self.shift += amount;
        }
    }

    /// Working orders have changed, and nothing else.
    pub(super) const fn touch_orders(&mut self) {
        self.is_dirty = true;
    }

    /// Cash has changed.
    pub(super) const fn touch(&mut self) {
        self.is_dirty = true;
        self.is_moved = true;
    }

    /// A position of a slot has changed.
    pub(super) fn touch_slot(&mut self, place: usize) {
        self.touch();
        if let Some(changed) = self.changed.get_mut(place) {
            *changed = true;
        }
    }

    /// Any position may have changed.
    pub(super) fn touch_all(&mut self) {
        self.touch();
        self.changed.fill(true);
    }

    /// Looks at the facts; true when another day has begun.
    #[inline]
    pub(super) fn look(&mut self, facts: &Facts<'_>, meter: &M) -> bool {
        let (equity, gross) = (facts.equity(), facts.book.gross());
        let is_new_day = facts.at >= self.day_ends;
        // Nothing held, nothing booked: the commonest event changes nothing.
        if equity == self.equity && gross == self.gross && !self.is_dirty && !is_new_day {
            return false;
        }
        self.take(equity, gross);
        let is_first = self.day_ends == Timestamp::from_nanos(i64::MIN);
        if is_new_day {
            self.day_ends = self.day.next(facts.at);
            self.day_began_with = equity;
        }
        self.show(equity, gross);
        let is_old = self.anchor.age >= OLDEST && gross > 0.0;
        if self.is_dirty || is_old || self.has_inverse {
            self.show_exposure(facts);
        } else {
            self.follow(equity);
        }
        self.is_dirty = false;
        if core::mem::take(&mut self.is_moved) {
            self.show_holdings(facts, meter);
        }
        is_new_day && !is_first
    }

    fn take(&mut self, equity: f64, gross: f64) {
        (self.equity, self.gross) = (equity, gross);
        let shift = core::mem::take(&mut self.shift);
        self.day_began_with += shift;
        self.peak += shift;
        // Also true for the first equity, when there is no peak yet.
        if !(equity <= self.peak) && equity.is_finite() {
            self.peak = equity;
        }
    }

    fn show(&mut self, equity: f64, gross: f64) {
        let gauges = &self.gauges;
        gauges.equity.set(equity);
        gauges.capital.set(equity);
        gauges.capital_total.set(equity);
        gauges.gross.set(gross);
        gauges.peak.set(self.peak);
        gauges.used.set(if gross > equity { equity } else { gross });
        let leverage = if gross == 0.0 { 0.0 } else { gross / equity };
        gauges.leverage.set(leverage);
        // No more than all of the equity is in use.
        let is_over = gross > equity && equity != 0.0;
        gauges.utilization.set(if is_over { 1.0 } else { leverage.clamp(0.0, 1.0) });
        let drawdown = match self.peak > 0.0 {
            true => (self.peak - equity) / self.peak,
            false => 0.0,
        };
        if drawdown > self.max_drawdown {
            self.max_drawdown = drawdown;
        }
        gauges.drawdown.set(drawdown);
        gauges.max_drawdown.set(self.max_drawdown);
        let daily = equity - self.day_began_with;
        gauges.daily.set(daily);
        gauges.daily_ratio.set(if daily == 0.0 { 0.0 } else { daily / self.day_began_with });
    }

    /// The sums as equity has moved since they were taken.
    fn follow(&mut self, equity: f64) {
        self.anchor.age = self.anchor.age.saturating_add(1);
        let moved = equity - self.anchor.equity;
        self.gauges.net.set(self.anchor.net + moved);
        self.gauges.unrealized.set(self.anchor.unrealized + moved);
    }

    /// Sums over all instruments: net exposure, profit of open positions, working orders.
    fn show_exposure(&mut self, facts: &Facts<'_>) {
        let (mut net, mut unrealized, mut reserved) = (0.0, 0.0, [0.0, 0.0]);
        for (instrument, position) in facts.instruments.iter().zip(facts.book.nets()) {
            let working = facts.book.working(instrument.id);
            if position.size == 0.0 && working.orders == 0 {
                continue;
            }
            let Some(mark) = facts.book.mark(instrument.id) else { continue };
            let value = instrument.value_f64(position.size, mark.price);
            net += exposure(instrument, position.size, mark.price) * mark.rate;
            unrealized += (value - to_f64(position.cost)) * mark.rate;
            for (sum, side) in reserved.iter_mut().zip([Side::Buy, Side::Sell]) {
                let units = to_f64(working.side(side));
                *sum += exposure(instrument, units, mark.price) * mark.rate;
            }
        }
        self.anchor = Anchor { equity: facts.equity(), net, unrealized, age: 0 };
        self.gauges.net.set(net);
        self.gauges.unrealized.set(unrealized);
        for (gauge, sum) in self.gauges.reserved.iter().zip(reserved) {
            gauge.set(sum);
        }
    }

    /// Open positions of the strategies that have traded, and cash.
    fn show_holdings(&mut self, facts: &Facts<'_>, meter: &M) {
        for ((slot, gauge), changed) in (0_u16..).zip(&self.positions).zip(&mut self.changed) {
            if !core::mem::take(changed) {
                continue;
            }
            let open = facts
                .instruments
                .iter()
                .filter(|instrument| !facts.book.position(SlotId(slot), instrument.id).is_flat());
            gauge.set(open.count() as f64);
        }
        let assets = (0_u16..).zip(facts.instruments.assets());
        for (asset, entry) in assets {
            let amount = facts.book.cash(crate::types::AssetId(asset));
            if amount.is_zero() && !self.cash.has(usize::from(asset)) {
                continue;
            }
            let make = || meter.gauge(&capital::CASH, &[entry.code.as_str()]);
            self.cash.with(usize::from(asset), make, |gauge| gauge.set(to_f64(amount)));
        }
    }

    /// The volatility index has a new mark.
    pub(super) fn show_index(&self, level: f64) {
        self.gauges.vix.set(level);
    }
}

/// Signed value of so many units at a price; an inverse contract's is positive when long.
fn exposure(instrument: &Instrument, units: f64, price: f64) -> f64 {
    let value = instrument.value_f64(units, price);
    if instrument.kind.is_inverse() { -value } else { value }
}
