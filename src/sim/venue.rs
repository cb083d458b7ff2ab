use std::collections::VecDeque;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::accept::Arrival;
use super::desk::{Desk, Feed};
use super::latency::SplitMix64;
use super::ledger::Ledger;
use super::margin::Margin;
use super::path::Session;
use super::{Latency, OpenOrder, SimConfig, SimError};
use crate::engine::Command;
use crate::types::{
    AssetId, Bar, InstrumentId, Instruments, Leg, MarketEvent, Money, OrderReport, OrderUpdate,
    Period, Qty, Timestamp, exact,
};

/// A venue in memory: see the [module](super) for the driver's loop and what is assumed.
///
/// Its whole state can be saved and restored at any moment (`types::State`).
///
/// ```
/// use tradewright::engine::Command;
/// use tradewright::sim::{SimConfig, SimVenue};
/// use tradewright::types::{
///     Bar, Instrument, Instruments, Intent, MarketEvent, Order, OrderId, OrderReport, Period,
///     Qty, Side, SlotId, Timestamp,
/// };
///
/// let mut table = Instruments::new();
/// let id = table.add(Instrument::stock("ACME", "USD"))?;
/// let mut venue = SimVenue::new(&table, SimConfig::default())?;
/// let day = |day: i64| Timestamp::from_secs(day * 86_400).unwrap();
///
/// let intent = Intent::market(SlotId(1), id, Side::Buy, Qty::from(5));
/// let order = Order { id: OrderId::new(1, SlotId(1), 1), created_at: day(1), intent };
/// venue.submit(day(1), &Command::Place(order));
/// let (_, accepted) = venue.poll().unwrap();
/// assert_eq!(accepted.report, OrderReport::Accepted);
///
/// let bar = Bar::new(id, Period::DAY, [10.0, 11.0, 9.5, 10.5], 1000.0)?;
/// venue.on_market(day(2), &MarketEvent::Bar(bar));
/// let (at, update) = venue.poll().unwrap();
/// assert_eq!(at, day(1)); // the open of the bar that closes on day 2
/// let OrderReport::Fill(fill) = update.report else { panic!("a fill") };
/// assert_eq!(fill.price.to_f64(), 10.0);
/// assert_eq!(venue.position(id), Qty::from(5));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SimVenue {
    pub(super) desks: Vec<Desk>,
    pub(super) requests: VecDeque<Request>,
    pub(super) reports: VecDeque<(Timestamp, OrderUpdate)>,
    pub(super) session: Option<Session>,
    pub(super) config: SimConfig,
    pub(super) instruments: Instruments,
    pub(super) ledger: Ledger,
    /// `None` when nothing is held on margin.
    pub(super) margin: Option<Box<Margin>>,
    random: SplitMix64,
    /// Value traded since the start, for the fee tier.
    #[serde(with = "exact")]
    pub(super) traded: Decimal,
    /// Number of the last order that was accepted.
    pub(super) sequence: u64,
    /// Number of the last trade.
    pub(super) trades: u64,
    /// Number of the last session of a bar.
    pub(super) sessions: u64,
    /// No order ends by itself before this.
    pub(super) next_expiry: Timestamp,
    /// Arrival of the last request: none overtakes it.
    last_arrival: Timestamp,
}

/// A request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Request {
    arrives_at: Timestamp,
    command: Command,
}

impl SimVenue {
    /// A venue for these instruments.
    ///
    /// # Errors
    /// [`SimError`] with the parameter that was refused.
    pub fn new(instruments: &Instruments, config: SimConfig) -> Result<Self, SimError> {
        config.check()?;
        let mut ledger = Ledger::new(instruments);
        for balance in &config.balances {
            let asset = instruments
                .find_asset(balance.asset.as_str())
                .ok_or(SimError::UnknownAsset { asset: balance.asset })?;
            let deposited = ledger.deposit(Money::new(balance.amount, asset));
            if balance.amount < Decimal::ZERO || deposited.is_none() {
                let (asset, amount) = (balance.asset, balance.amount);
                return Err(SimError::BadBalance { asset, amount });
            }
        }
        let margin = Margin::new(instruments, &config, &ledger)?;
        Ok(Self {
            margin,
            desks: (0..instruments.len()).map(|_| Desk::new()).collect(),
            requests: VecDeque::with_capacity(16),
            reports: VecDeque::with_capacity(32),
            session: None,
            random: SplitMix64::new(config.seed),
            config,
            instruments: instruments.clone(),
            ledger,
            traded: Decimal::ZERO,
            sequence: 0,
            trades: 0,
            sessions: 0,
            next_expiry: Timestamp::MAX,
            last_arrival: Timestamp::from_nanos(i64::MIN),
        })
    }

    /// Chooses which bars of an instrument match orders; bars of other periods do not. Without
    /// a choice it is the finest period seen so far.
    pub fn drive_by(&mut self, instrument: InstrumentId, period: Period) {
        if let Some(desk) = self.desks.get_mut(instrument.index()) {
            desk.period = Some(period);
            desk.chosen = true;
        }
    }

    /// Takes a request in at the time that it was sent; what comes of it is reported by
    /// [`SimVenue::poll`]. Alerts are none of the venue's business and are passed over.
    pub fn submit(&mut self, at: Timestamp, command: &Command) {
        if matches!(command, Command::Alert(_)) {
            return;
        }
        if self.config.latency == Latency::None && self.requests.is_empty() {
            self.receive(at, command, Arrival::Direct);
            return;
        }
        let way = self.config.latency.draw(&mut self.random);
        let arrives_at = at.after(way).max(self.last_arrival);
        self.last_arrival = arrives_at;
        self.requests.push_back(Request { arrives_at, command: *command });
    }

    /// Begins a market event; for a bar, `at` is its close. What it does to orders is reported
    /// by [`SimVenue::poll`].
    ///
    /// Events that no market can have, events that are older than their predecessor, and bars
    /// that do not match orders (see [`SimVenue::drive_by`]) change nothing.
    #[inline]
    pub fn on_market(&mut self, at: Timestamp, event: &MarketEvent) {
        match event {
            MarketEvent::Bar(bar) if self.pass(at, bar) => {}
            _ => self.begin(at, event),
        }
    }

    /// Lets a bar pass for which no order, request or report waits; false, and nothing seen, when
    /// the bar is not of this kind.
    #[inline]
    pub(crate) fn pass(&mut self, at: Timestamp, bar: &Bar) -> bool {
        if !self.is_at_rest() {
            return false;
        }
        let Some(desk) = self.desks.get_mut(bar.instrument.index()) else { return false };
        let passes = (desk.is_idle() & (desk.feed == Feed::Bars))
            && desk.period == Some(bar.period)
            && at >= desk.seen_at;
        if passes {
            desk.see_bar(at, bar);
        }
        passes
    }

    /// The next report, in order of time within a market event: what happens at the open of a
    /// bar carries the time of the open, what happens inside carries the time of the close.
    #[inline]
    pub fn poll(&mut self) -> Option<(Timestamp, OrderUpdate)> {
        if self.reports.is_empty() && self.session.is_some() {
            self.advance();
        }
        self.reports.pop_front()
    }

    /// The report that [`SimVenue::poll`] would take out, left where it is.
    #[inline]
    pub(crate) fn first_report(&mut self) -> Option<&(Timestamp, OrderUpdate)> {
        if self.reports.is_empty() && self.session.is_some() {
            self.advance();
        }
        self.reports.front()
    }

    /// Takes out what [`SimVenue::first_report`] has shown.
    #[inline]
    pub(crate) fn forget_first_report(&mut self) {
        self.reports.pop_front();
    }

    /// True when nothing is to be reported and no request is on its way.
    #[inline]
    pub(crate) fn is_at_rest(&self) -> bool {
        (self.reports.is_empty() & self.requests.is_empty()) && self.session.is_none()
    }

    /// False when [`SimVenue::poll`] has nothing to say for sure.
    #[inline]
    pub(crate) fn has_news(&self) -> bool {
        !self.reports.is_empty() || self.session.is_some()
    }

    /// Adds cash of an asset, which from now on limits what can be bought with it.
    ///
    /// # Errors
    /// [`SimError::BadBalance`] for an unknown asset or when the sum has too many digits.
    pub fn deposit(&mut self, money: Money) -> Result<(), SimError> {
        self.ledger.deposit(money).ok_or_else(|| {
            let asset = self.instruments.code(money.asset).into();
            SimError::BadBalance { asset, amount: money.amount }
        })
    }

    /// Takes over a change of position that was not traded here, such as a position held from
    /// before. Unknown instruments change nothing.
    pub fn adjust_position(&mut self, instrument: InstrumentId, leg: Leg, change: Qty) {
        // An overflow leaves the position as it was.
        let _ = self.ledger.adjust(instrument, leg, change.value());
    }

    /// The net position: netting mode's, or hedge mode's long and short together.
    pub fn position(&self, instrument: InstrumentId) -> Qty {
        let legs = [Leg::Net, Leg::Long, Leg::Short];
        let sum = legs.iter().try_fold(Decimal::ZERO, |sum, leg| {
            sum.checked_add(self.ledger.position(instrument, *leg))
        });
        Qty::new(sum.unwrap_or_default())
    }

    /// The position of one leg.
    pub fn position_of(&self, instrument: InstrumentId, leg: Leg) -> Qty {
        Qty::new(self.ledger.position(instrument, leg))
    }

    /// Cash of an asset; `None` while the asset is on unlimited credit.
    pub fn balance(&self, asset: AssetId) -> Option<Decimal> {
        self.ledger.balance(asset)
    }

    /// The working orders, by instrument and time priority.
    pub fn open_orders(&self) -> impl Iterator<Item = &OpenOrder> {
        self.desks.iter().flat_map(|desk| &desk.orders)
    }

    /// True when nothing is left to report and no request is on its way.
    pub fn is_idle(&self) -> bool {
        self.reports.is_empty() && self.session.is_none() && self.requests.is_empty()
    }

    /// The way of events that the shortcut of idle bars does not cover.
    #[inline(never)]
    fn begin(&mut self, at: Timestamp, event: &MarketEvent) {
        if self.session.is_some() {
            self.finish_session();
        }
        if self.margin.is_some() {
            self.mark_to_market(at, event);
        }
        match event {
            MarketEvent::Bar(bar) => self.open_session(at, bar),
            MarketEvent::Print(print) => self.on_print(at, print),
            MarketEvent::Quote(quote) => self.on_quote(at, quote),
            MarketEvent::Book(book) => self.on_book(at, book),
            MarketEvent::Funding(funding) => {
                if let Some(instrument) = self.instruments.get(funding.instrument)
                    && event.check().is_ok()
                {
                    // On overflow cash stays as it was.
                    let paid = self.ledger.fund(instrument, funding.rate, funding.mark);
                    self.funded(at, funding, paid.unwrap_or_default());
                }
            }
            MarketEvent::Mark(_) | MarketEvent::Custom(_) => {}
        }
    }

    /// A driver that did not poll to the end gets the rest of the bar's reports later.
    #[inline(never)]
    fn finish_session(&mut self) {
        let mut early = VecDeque::new();
        while self.session.is_some() {
            early.append(&mut self.reports);
            self.advance();
        }
        if !early.is_empty() {
            early.append(&mut self.reports);
            self.reports = early;
        }
    }

    /// Carries out the requests that arrive up to a time, and ends orders whose time is over
    /// before each.
    #[inline]
    pub(super) fn run_requests(&mut self, until: Timestamp) {
        if !self.requests.is_empty() {
            self.run_arrived(until);
        }
    }

    #[inline(never)]
    fn run_arrived(&mut self, until: Timestamp) {
        while let Some(request) = self.requests.front().copied() {
            if request.arrives_at > until {
                return;
            }
            self.requests.pop_front();
            self.expire(request.arrives_at);
            self.receive(request.arrives_at, &request.command, Arrival::Delayed);
        }
    }

    /// Ends the orders whose time is over.
    #[inline]
    pub(super) fn expire(&mut self, until: Timestamp) {
        if until >= self.next_expiry {
            self.end_expired(until);
        }
    }

    #[inline(never)]
    fn end_expired(&mut self, until: Timestamp) {
        let over = |order: &&OpenOrder| order.expires_at <= until;
        while let Some(order) = self.open_orders().filter(over).min_by_key(by_end).copied() {
            self.end(order.expires_at, &order, OrderReport::Expired);
        }
        let next = self.open_orders().map(|order| order.expires_at).min();
        self.next_expiry = next.unwrap_or(Timestamp::MAX);
    }
}

/// The first to end comes first; then time priority.
fn by_end(order: &&OpenOrder) -> (Timestamp, u64) {
    (order.expires_at, order.sequence)
}
