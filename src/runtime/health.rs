use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use crate::live::{BotStatus, RunnerHandle, StopSignal, TaskError};
use crate::resilience::{ComponentRole, HealthBoard, HealthBoardConfig, SystemVerdict};
use crate::types::{Label, OperatingMode, Timestamp};
use crate::venue::{Clock, ExchangeClient, MarketDataStream, SessionState};

const MARKET: Label = Label::new("market_data");
const VENUE: Label = Label::new("order_entry");
const BOOKS: Label = Label::new("books");
const STRATEGIES: Label = Label::new("strategies");

/// What does not ask the venue is looked at so often.
const LOOK: Duration = Duration::from_secs(1);

/// Watches the components of a system.
#[derive(Clone)]
pub(super) struct HealthWatch {
    board: Arc<Mutex<HealthBoard>>,
    every: Duration,
    clock: Arc<dyn Clock>,
    client: Arc<dyn ExchangeClient>,
    market: Arc<dyn MarketDataStream>,
    bots: RunnerHandle,
}

impl HealthWatch {
    pub(super) fn new(
        config: HealthBoardConfig,
        clock: Arc<dyn Clock>,
        doors: (Arc<dyn ExchangeClient>, Arc<dyn MarketDataStream>),
        bots: RunnerHandle,
    ) -> Self {
        let (client, market) = doors;
        let mut board = HealthBoard::new(config);
        for name in [MARKET, VENUE, BOOKS, STRATEGIES] {
            board.add(name, ComponentRole::Essential);
        }
        let (board, every) = (Arc::new(Mutex::new(board)), config.check_every);
        Self { board, every, clock, client, market, bots }
    }

    /// The system as it is now.
    pub(super) fn verdict(&self) -> SystemVerdict {
        self.on_board(|board, at| board.verdict(at, OperatingMode::Normal))
    }

    /// Looks at bots and connections each second and asks the venue at each check, until it is
    /// asked to end.
    pub(super) async fn run(self, mut stop: StopSignal) -> Result<(), TaskError> {
        let mut ask_at = self.clock.monotonic();
        loop {
            let now = self.clock.monotonic();
            if now >= ask_at {
                ask_at = now.after(self.every);
                self.ask().await;
            }
            self.look();
            let until = self.clock.monotonic().after(LOOK.min(self.every));
            tokio::select! {
                biased;
                () = stop.asked() => return Ok(()),
                () = self.clock.sleep_until(until) => {}
            }
        }
    }

    /// Asks the venue for its time: the way that orders take, without an order.
    async fn ask(&self) {
        let begun = self.clock.monotonic();
        let answer = self.client.server_time().await;
        let nanos = self.clock.monotonic().since(begun);
        self.on_board(|board, at| match answer {
            Ok(_) => board.on_success(at, VENUE, nanos),
            Err(_) => board.on_failure(at, VENUE),
        });
    }

    fn look(&self) {
        let views = self.bots.views();
        let state = self.market.status();
        let looks = [
            (MARKET, matches!(state, SessionState::Live | SessionState::Polling)),
            (BOOKS, views.iter().all(|view| view.is_reconciled)),
            (STRATEGIES, views.iter().all(|view| view.status != BotStatus::Error)),
        ];
        let verdict = self.on_board(|board, at| {
            for (name, works) in looks {
                match works {
                    true => board.on_success(at, name, Duration::ZERO),
                    false => board.on_failure(at, name),
                };
            }
            board.check(at, OperatingMode::Normal)
        });
        let Some(verdict) = verdict else { return };
        let (is_ready, status) = (verdict.is_ready, verdict.status);
        tracing::info!(is_ready, ?status, "health");
    }

    fn on_board<T>(&self, act: impl FnOnce(&mut HealthBoard, Timestamp) -> T) -> T {
        let at = self.clock.wall();
        act(&mut self.board.lock().unwrap_or_else(PoisonError::into_inner), at)
    }
}
