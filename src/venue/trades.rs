use serde::{Deserialize, Serialize};

/// Numbered trades of one market, each once and in order, with the holes that a lost connection
/// leaves told and filled.
///
/// Trades carry consecutive numbers. What was seen is dropped; a hole asks for the trades within
/// and keeps what comes after until they are handed in, or are given up. It keeps a bounded
/// number of trades: beyond, the hole is given up.
///
/// ```
/// use tradewright::venue::{TradeAction, TradeStream};
///
/// let mut stream = TradeStream::new(100);
/// let mut out = Vec::new();
/// stream.on_trade(7, "seven", &mut out);
/// stream.on_trade(7, "seven again", &mut out);
/// stream.on_trade(9, "nine", &mut out);
/// assert_eq!(out, [TradeAction::Trade("seven"), TradeAction::Fetch { from: 8, to: 8 }]);
/// stream.on_trade(8, "eight", &mut out);
/// assert_eq!(out[2..], [TradeAction::Trade("eight"), TradeAction::Trade("nine")]);
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TradeStream<T> {
    most: usize,
    /// The number that comes next; `None` before the first trade.
    next: Option<u64>,
    /// Trades behind a hole, by their number.
    waiting: Vec<(u64, T)>,
    /// The last number that was asked for.
    asked: Option<u64>,
    repeated: u64,
    missed: u64,
}

/// What a [`TradeStream`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TradeAction<T> {
    /// The next trade.
    Trade(T),
    /// Fetch these trades and hand them in, or call [`TradeStream::give_up`].
    Fetch {
        /// The first number that is missing.
        from: u64,
        /// The last number that is missing.
        to: u64,
    },
    /// These trades are lost: bars that span them are not whole.
    Missed {
        /// The first number that is missing.
        from: u64,
        /// The last number that is missing.
        to: u64,
    },
}

impl<T> TradeStream<T> {
    /// A stream that begins with whatever trade comes first, and keeps at most `most` trades
    /// behind a hole.
    pub const fn new(most: usize) -> Self {
        Self { most, next: None, waiting: Vec::new(), asked: None, repeated: 0, missed: 0 }
    }

    /// Takes a trade, of the stream or of what was fetched.
    pub fn on_trade(&mut self, number: u64, trade: T, out: &mut Vec<TradeAction<T>>) {
        let next = *self.next.get_or_insert(number);
        let place = self.waiting.binary_search_by_key(&number, |(number, _)| *number);
        match place {
            Err(place) if number >= next => self.waiting.insert(place, (number, trade)),
            Err(_) | Ok(_) => {
                self.repeated = self.repeated.saturating_add(1);
                return;
            }
        }
        self.release(out);
        if self.waiting.len() > self.most {
            self.give_up(out);
        }
        self.ask(out);
    }

    /// What is missing cannot be had: the trades behind the hole are told, and the hole is, too.
    pub fn give_up(&mut self, out: &mut Vec<TradeAction<T>>) {
        if let (Some(from), Some((first, _))) = (self.next, self.waiting.first()) {
            let first = *first;
            self.missed = self.missed.saturating_add(first.saturating_sub(from));
            self.next = Some(first);
            out.push(TradeAction::Missed { from, to: first.saturating_sub(1) });
            self.release(out);
        }
        self.asked = None;
        self.ask(out);
    }

    /// The number that comes next: where a back-fill begins after a lost connection.
    pub const fn next_number(&self) -> Option<u64> {
        self.next
    }

    /// Trades that came more than once.
    pub const fn repeated(&self) -> u64 {
        self.repeated
    }

    /// Trades that were given up.
    pub const fn missed(&self) -> u64 {
        self.missed
    }

    /// Tells what follows without a hole.
    fn release(&mut self, out: &mut Vec<TradeAction<T>>) {
        let Some(mut next) = self.next else { return };
        let is_next =
            |(index, (number, _)): (usize, &(u64, T))| *number == next.saturating_add(index as u64);
        let ready = self.waiting.iter().enumerate().take_while(|entry| is_next(*entry)).count();
        for (number, trade) in self.waiting.drain(..ready) {
            next = number.saturating_add(1);
            out.push(TradeAction::Trade(trade));
        }
        self.next = Some(next);
    }

    /// Asks for the first hole, once.
    fn ask(&mut self, out: &mut Vec<TradeAction<T>>) {
        let (Some(from), Some((first, _))) = (self.next, self.waiting.first()) else { return };
        let to = first.saturating_sub(1);
        if self.asked.is_none_or(|asked| asked < to) {
            self.asked = Some(to);
            out.push(TradeAction::Fetch { from, to });
        }
    }
}
