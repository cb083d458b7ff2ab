//! An engine with a venue made of hands, and a reader that keeps what is told of parents.

use serde::{Deserialize, Serialize};
use std::time::Duration;

use tradewright::engine::{Command, Control, Engine, Input, SlotConfig};
use tradewright::metrics::MetricsSink;
use tradewright::strategy::{Advice, Event, Strategy};
use tradewright::types::{
    Adjustment, AdjustmentCause, AdjustmentKind, Bar, Confidence, Decimal, ExecutionPlan, Facts,
    FillReport, Halt, HaltCause, HaltLevel, HaltScope, InstrumentId, Intent, Liquidity,
    MarketEvent, Money, Order, OrderReport, OrderUpdate, ParentOrder, ParentStep, Period, Price,
    Qty, Record, Side, Timestamp, TradeId,
};

use crate::engine_world::{A, B, ONE, USD, instruments, minute};

pub const MINUTE: Duration = Duration::from_secs(60);

pub fn price(text: &str) -> Price {
    Price::new(text.parse().unwrap()).unwrap()
}

pub fn twap(minutes: u32, slices: u32) -> ExecutionPlan {
    ExecutionPlan::twap(minutes * MINUTE, slices).unwrap()
}

/// Does with A what the volume of a bar of B says.
#[derive(Serialize, Deserialize)]
pub struct Obedient {
    pub adjusted: u32,
    pub refused: u32,
}

impl Strategy for Obedient {
    fn name(&self) -> &str {
        "OBEDIENT"
    }

    fn on_event(&mut self, event: &Event<'_>, _: &Facts<'_>, advice: &mut Advice) {
        match event {
            Event::Adjusted(_) => self.adjusted += 1,
            Event::Refused { .. } => self.refused += 1,
            _ => {}
        }
        let Some(bar) = event.bar().filter(|bar| bar.instrument == B) else { return };
        let mut execute = |target: i64, plan| advice.execute(A, Qty::from(target), plan);
        let limit = price("100");
        match bar.volume as i64 {
            1 => execute(60, twap(10, 5)),
            2 => execute(-30, twap(10, 5)),
            3 => execute(0, twap(10, 5)),
            4 => execute(40, ExecutionPlan::iceberg(Qty::from(5), limit).unwrap()),
            5 => execute(50, ExecutionPlan::participation(60 * MINUTE, 0.1).unwrap()),
            6 => advice.cancel_all(),
            7 => advice.target(A, Qty::from(20)),
            8 => advice.signal(A, Side::Sell, Confidence::FULL),
            9 => execute(40, twap(10, 2).limited(limit)),
            10 => execute(60, ExecutionPlan::vwap(10 * MINUTE, [1.0, 0.0, 2.0]).unwrap()),
            _ => {}
        }
    }
}

/// What was told of parents.
#[derive(Default)]
pub struct Parents(pub Vec<(ParentOrder, ParentStep)>);

impl MetricsSink for Parents {
    fn record(&mut self, _at: Timestamp, record: &Record<'_>) {
        if let Record::Parent { order, step } = record {
            self.0.push((**order, *step));
        }
    }
}

pub struct Floor {
    pub engine: Engine<Obedient, Parents>,
    pub at: Timestamp,
    trade: u128,
}

impl Floor {
    pub fn new(plan: Option<ExecutionPlan>) -> Self {
        let mut floor = Self { engine: engine(plan), at: minute(0), trade: 0 };
        let money = AdjustmentKind::Capital(Money::new(Decimal::from(100_000), USD));
        floor.adjust(AdjustmentCause::Deposit, money);
        floor.market(A, 0.0);
        floor
    }

    pub fn input(&mut self, input: &Input) -> Vec<Command> {
        let mut out = Vec::new();
        self.engine.handle(self.at, input, &mut out).unwrap();
        out
    }

    pub fn wait(&mut self, seconds: u64) -> Vec<Command> {
        self.at = self.at.after(Duration::from_secs(seconds));
        self.input(&Input::Time)
    }

    /// A bar at 100.
    pub fn market(&mut self, instrument: InstrumentId, volume: f64) -> Vec<Command> {
        let bar = Bar::new(instrument, Period::MINUTE, [100.0; 4], volume).unwrap();
        self.input(&Input::Market(MarketEvent::Bar(bar)))
    }

    /// Tells the strategy what to do.
    pub fn say(&mut self, code: u32) -> Vec<Command> {
        self.market(B, f64::from(code))
    }

    pub fn adjust(&mut self, cause: AdjustmentCause, kind: AdjustmentKind) -> Vec<Command> {
        self.input(&Input::Adjustment(Adjustment { cause, kind }))
    }

    pub fn halt(&mut self, level: HaltLevel) -> Vec<Command> {
        let scope = HaltScope::Symbol(A);
        self.input(&Input::Control(Control::Halt(Halt {
            level,
            ..Halt::new(HaltCause::Operator, scope)
        })))
    }

    pub fn report(&mut self, order: &Order, report: OrderReport) -> Vec<Command> {
        let Intent { instrument, side, leg, .. } = order.intent;
        let update = OrderUpdate { order: order.id, instrument, side, leg, report };
        self.input(&Input::Order(update))
    }

    pub fn fill(&mut self, order: &Order, quantity: impl Into<Decimal>) -> Vec<Command> {
        self.trade += 1;
        let execution = FillReport {
            trade: TradeId(self.trade),
            price: price("100"),
            quantity: Qty::new(quantity.into()),
            fee: Money::zero(USD),
            liquidity: Liquidity::Taker,
            before_slippage: price("100"),
        };
        self.report(order, OrderReport::Fill(execution))
    }

    pub fn held(&self) -> Decimal {
        self.engine.account().book().position(ONE, A).quantity
    }

    pub fn live(&self) -> Vec<Order> {
        self.engine.orders().live().iter().map(|state| state.order).collect()
    }

    /// Saves everything and goes on with another engine.
    pub fn restart(&mut self, plan: Option<ExecutionPlan>) {
        let saved = self.engine.save().unwrap();
        let mut other = engine(plan);
        other.restore(&saved).unwrap();
        other.sink_mut().0 = std::mem::take(&mut self.engine.sink_mut().0);
        assert_eq!(other.save().unwrap(), saved);
        assert_eq!(other.deadline(), self.engine.deadline());
        self.engine = other;
    }

    /// Fills every live order until nothing lives and nothing is due.
    pub fn finish(&mut self) {
        for _ in 0..10_000 {
            if let Some(state) = self.engine.orders().live().first().copied() {
                self.fill(&state.order, state.remaining());
                continue;
            }
            let Some(due) = self.engine.deadline() else { return };
            self.at = due.max(self.at);
            self.input(&Input::Time);
        }
        panic!("no end");
    }
}

pub fn engine(plan: Option<ExecutionPlan>) -> Engine<Obedient, Parents> {
    let mut slot = SlotConfig::new(Obedient { adjusted: 0, refused: 0 });
    if let Some(plan) = plan {
        slot = slot.execution(plan);
    }
    let builder = Engine::builder(instruments(), USD).slot(slot);
    builder.sink(Parents::default()).build().unwrap()
}

pub fn placed(commands: &[Command]) -> Vec<Order> {
    let place = |command: &Command| match command {
        Command::Place(order) => Some(*order),
        _ => None,
    };
    commands.iter().filter_map(place).collect()
}

pub fn quantities(commands: &[Command]) -> Vec<String> {
    placed(commands)
        .iter()
        .map(|order| match order.intent.amount {
            tradewright::types::Amount::Quantity(quantity) => {
                format!("{} {quantity}", order.intent.side)
            }
            tradewright::types::Amount::Cash(_) => "cash".to_owned(),
        })
        .collect()
}

pub fn cancels(commands: &[Command]) -> usize {
    commands.iter().filter(|command| matches!(command, Command::Cancel { .. })).count()
}
