use super::lazy::{Dense, Keyed};
use super::rates::Rates;
use super::{Names, market};
use crate::metrics::catalogue::trading;
use crate::metrics::{CounterHandle, GaugeHandle, HistogramHandle, Meter};
use crate::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, Fill, InstrumentId, Liquidity, Money, Purpose,
    Side, Trade, to_f64,
};

/// Fills, funding, payments, deposits: what money moved.
pub(super) struct MoneyFeed<M: Meter> {
    realized: f64,
    realized_gauge: M::Gauge,
    deposited: M::Counter,
    withdrawn: M::Counter,
    slots: Dense<SlotMoney<M>>,
    /// By slot, instrument, side and liquidity.
    fills: Dense<M::Counter>,
    /// By slot and instrument.
    volume: Dense<M::Counter>,
    last_trades: Dense<LastTrade<M>>,
    /// By instrument.
    liquidations: Dense<M::Counter>,
    funding: Dense<[M::Counter; 2]>,
    payments: Keyed<&'static str, [M::Counter; 2]>,
    adjustments: Keyed<&'static str, M::Counter>,
}

struct SlotMoney<M: Meter> {
    fees: M::Counter,
    rebates: M::Counter,
    slippage: M::Counter,
    shortfall: M::Histogram,
}

struct LastTrade<M: Meter> {
    at: M::Gauge,
    pnl: M::Gauge,
}

impl<M: Meter> SlotMoney<M> {
    fn new(meter: &M, strategy: &str) -> Self {
        Self {
            fees: meter.counter(&trading::FEES_PAID, &[strategy]),
            rebates: meter.counter(&trading::REBATES, &[strategy]),
            slippage: meter.counter(&trading::SLIPPAGE, &[strategy]),
            shortfall: meter.histogram(&trading::SHORTFALL_RATIO, &[strategy]),
        }
    }
}

impl<M: Meter> MoneyFeed<M> {
    pub(super) fn new(meter: &M, names: &Names) -> Self {
        let mut slots = Dense::default();
        for place in names.bots() {
            slots.get(place, || SlotMoney::new(meter, names.strategy(place)));
        }
        let realized_gauge = meter.gauge(&trading::REALIZED_PNL, &[]);
        realized_gauge.set(0.0);
        Self {
            realized: 0.0,
            realized_gauge,
            deposited: meter.counter(&trading::DEPOSITED, &[]),
            withdrawn: meter.counter(&trading::WITHDRAWN, &[]),
            slots,
            fills: Dense::default(),
            volume: Dense::default(),
            last_trades: Dense::default(),
            liquidations: Dense::default(),
            funding: Dense::default(),
            payments: Keyed::default(),
            adjustments: Keyed::default(),
        }
    }

    fn earn(&mut self, amount: f64) {
        if amount.is_finite() {
            self.realized += amount;
            self.realized_gauge.set(self.realized);
        }
    }

    /// A fill was booked.
    pub(super) fn filled(
        &mut self,
        fill: &Fill,
        realised: Money,
        rates: &Rates,
        (names, meter): (&Names, &M),
    ) {
        let fee = rates.value(fill.execution.fee);
        self.earn(rates.value(realised) - fee);
        let (place, symbol) = (names.slot(fill.slot), names.instrument(fill.instrument));
        let pair = place * names.instruments() + symbol;
        self.count_fill(fill, pair, names, meter);
        let price = fill.execution.price.to_f64();
        let quantity = to_f64(fill.execution.quantity.value());
        let unit = names.unit_value(symbol);
        let amount = |difference: f64| rates.settled(fill.instrument, difference);
        let strategy = names.strategy(place);
        let make = || meter.counter(&trading::VOLUME, &[strategy, names.symbol(symbol)]);
        self.volume.with(pair, make, |volume| volume.add(amount(unit.at(quantity, price).abs())));
        let make = || SlotMoney::new(meter, strategy);
        let Some(slot) = self.slots.get(place, make) else { return };
        slot.fees.add(fee);
        slot.rebates.add(-fee);
        let sign = if fill.side == Side::Buy { 1.0 } else { -1.0 };
        let before = fill.execution.before_slippage.to_f64();
        let worse = unit.at(quantity, price) - unit.at(quantity, before);
        slot.slippage.add(amount(sign * worse));
        slot.shortfall.observe(sign * (price - fill.arrival) / fill.arrival);
    }

    fn count_fill(&mut self, fill: &Fill, pair: usize, names: &Names, meter: &M) {
        let (place, symbol) = (names.slot(fill.slot), names.instrument(fill.instrument));
        let (side, side_word) = if fill.side == Side::Buy { (0, "BUY") } else { (1, "SELL") };
        let (liquidity, word) = match fill.execution.liquidity {
            Liquidity::Maker => (0, "maker"),
            Liquidity::Taker => (1, "taker"),
        };
        let make = || {
            let labels = [names.strategy(place), names.symbol(symbol), side_word, word];
            meter.counter(&trading::FILLS, &labels)
        };
        self.fills.with((pair * 2 + side) * 2 + liquidity, make, CounterHandle::increment);
        if fill.purpose == Purpose::Liquidation {
            let make = || meter.counter(&trading::LIQUIDATIONS, &[names.symbol(symbol)]);
            self.liquidations.with(symbol, make, CounterHandle::increment);
        }
    }

    /// A trade was closed with this net profit in the reporting currency.
    pub(super) fn closed(&mut self, trade: &Trade, net: f64, names: &Names, meter: &M) {
        let (place, symbol) = (names.slot(trade.slot), names.instrument(trade.instrument));
        let make = || {
            let labels = [names.strategy(place), names.symbol(symbol)];
            LastTrade {
                at: meter.gauge(&trading::LAST_TRADE_AT, &labels),
                pnl: meter.gauge(&trading::LAST_TRADE_PNL, &labels),
            }
        };
        self.last_trades.with(place * names.instruments() + symbol, make, |last| {
            last.at.set(market::seconds(trade.closed_at));
            last.pnl.set(net);
        });
    }

    pub(super) fn funded(
        &mut self,
        instrument: InstrumentId,
        payment: f64,
        names: &Names,
        meter: &M,
    ) {
        self.earn(payment);
        let symbol = names.instrument(instrument);
        let make = || {
            let counter = |spec| meter.counter(spec, &[names.symbol(symbol)]);
            [counter(&trading::FUNDING_PAID), counter(&trading::FUNDING_RECEIVED)]
        };
        self.funding.with(symbol, make, |[paid, received]| {
            paid.add(-payment);
            received.add(payment);
        });
    }

    pub(super) fn paid(&mut self, cause: AdjustmentCause, payment: f64, meter: &M) {
        self.earn(payment);
        let word = cause_word(cause);
        let make = |_| {
            let counter = |spec| meter.counter(spec, &[word]);
            [counter(&trading::PAYMENTS_MADE), counter(&trading::PAYMENTS_RECEIVED)]
        };
        self.payments.with(word, make, |[made, received]| {
            made.add(-payment);
            received.add(payment);
        });
    }

    /// A change without a fill; the answer is what of it counts as deposit.
    pub(super) fn adjusted(
        &mut self,
        adjustment: &Adjustment,
        rates: &Rates,
        (names, meter): (&Names, &M),
    ) -> f64 {
        let word = cause_word(adjustment.cause);
        let make = |_| meter.counter(&trading::ADJUSTMENTS, &[word]);
        self.adjustments.with(word, make, CounterHandle::increment);
        match &adjustment.kind {
            AdjustmentKind::Capital(money) => {
                let amount = rates.value(*money);
                self.deposited.add(amount);
                self.withdrawn.add(-amount);
                amount
            }
            AdjustmentKind::Income(money) => {
                self.paid(adjustment.cause, rates.value(*money), meter);
                0.0
            }
            AdjustmentKind::Position { instrument, change, price, .. } => {
                let unit = names.unit_value(names.instrument(*instrument));
                let value = unit.at(to_f64(change.value()), price.to_f64());
                rates.settled(*instrument, value)
            }
            AdjustmentKind::Split { .. }
            | AdjustmentKind::Settlement { .. }
            | AdjustmentKind::Dividend { .. }
            | AdjustmentKind::BorrowFee { .. }
            | AdjustmentKind::Exercise { .. } => 0.0,
        }
    }
}

/// The stable word of a cause.
const fn cause_word(cause: AdjustmentCause) -> &'static str {
    match cause {
        AdjustmentCause::Deposit => "deposit",
        AdjustmentCause::Withdrawal => "withdrawal",
        AdjustmentCause::Transfer => "transfer",
        AdjustmentCause::Reconciliation => "reconciliation",
        AdjustmentCause::Liquidation => "liquidation",
        AdjustmentCause::Split => "split",
        AdjustmentCause::Dividend => "dividend",
        AdjustmentCause::Expiry => "expiry",
        AdjustmentCause::Assignment => "assignment",
        AdjustmentCause::Interest => "interest",
        AdjustmentCause::Delisting => "delisting",
    }
}
