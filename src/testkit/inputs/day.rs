use core::ops::Range;
use core::time::Duration;

use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{events, order_lives};
use crate::engine::{Control, Input};
use crate::types::{
    Acknowledgement, Adjustment, AdjustmentCause, AdjustmentKind, Grid, Halt, HaltCause, HaltScope,
    InstrumentId, Instruments, Leg, MarketEvent, Money, OperatingMode, OrderId, OrderUpdate,
    SlotId, Timestamp,
};

/// Anything that an engine over these instruments may be told, in any order: market data, sound
/// and unsound, reports on orders that it has sent, will send or never knew, deposits, controls,
/// timers. Times mostly rise and sometimes fall.
///
/// What an engine refuses must leave it as it was; nothing may make it panic.
pub fn engine_inputs(
    instruments: &Instruments,
    length: Range<usize>,
) -> impl Strategy<Value = Vec<(Timestamp, Input)>> + use<> {
    let count = u32::try_from(instruments.len()).unwrap_or(u32::MAX);
    let reporting = instruments.iter().next().map(|first| first.quote).unwrap_or_default();
    // One more than there are: an instrument that nobody knows.
    let id = (0..count.saturating_add(1)).prop_map(InstrumentId);
    let market = id.clone().prop_flat_map(|id| {
        let wild =
            super::unsound_bars(id).prop_map(|bar| vec![Input::Market(MarketEvent::Bar(bar))]);
        let sound = events(id, Grid::CENTS, 1..4).prop_map(|events| {
            events.into_iter().map(|timed| Input::Market(timed.event)).collect::<Vec<_>>()
        });
        prop_oneof![9 => sound, 1 => wild]
    });
    let word = (id, order_lives(), any::<prop::sample::Index>(), 0_u16..4, 0_u64..12).prop_map(
        |(instrument, life, which, slot, sequence)| {
            let report = life.delivered[which.index(life.delivered.len())];
            let order = OrderId::new(1, SlotId(slot), sequence);
            let side = life.order.intent.side;
            Input::Order(OrderUpdate { order, instrument, side, leg: Leg::Net, report })
        },
    );
    let capital = (-1_000_i64..10_000).prop_map(move |amount| {
        let kind = AdjustmentKind::Capital(Money::new(Decimal::from(amount), reporting));
        Input::Adjustment(Adjustment { cause: AdjustmentCause::Deposit, kind })
    });
    let one = prop_oneof![
        4 => word,
        1 => capital,
        2 => controls().prop_map(Input::Control),
        1 => Just(Input::Time),
    ];
    let step = prop_oneof![3 => market, 2 => one.prop_map(|input| vec![input])];
    let pause = prop_oneof![20 => 0_i64..120, 1 => 0_i64..200_000, 1 => -50_i64..0];
    prop::collection::vec((pause, step), length).prop_map(|rows| {
        let mut at = Timestamp::EPOCH.after(Duration::from_secs(86_400));
        let mut inputs = Vec::new();
        for (pause, step) in rows {
            let span = Duration::from_secs(pause.unsigned_abs());
            at = if pause < 0 { at.before(span) } else { at.after(span) };
            inputs.extend(step.into_iter().map(|input| (at, input)));
        }
        inputs
    })
}

fn controls() -> impl Strategy<Value = Control> {
    let scope = prop::sample::select(vec![
        HaltScope::Account,
        HaltScope::Everything,
        HaltScope::Symbol(InstrumentId(0)),
        HaltScope::Strategy(SlotId(1)),
    ]);
    let cause = prop::sample::select(vec![
        HaltCause::Operator,
        HaltCause::KillSwitch,
        HaltCause::Drawdown,
        HaltCause::DailyLoss,
    ]);
    let acknowledgement =
        prop::sample::select(vec![Acknowledgement::None, Acknowledgement::Emergency]);
    let halt =
        (cause, scope.clone()).prop_map(|(cause, scope)| Control::Halt(Halt::new(cause, scope)));
    prop_oneof![
        2 => halt,
        3 => (scope, acknowledgement)
            .prop_map(|(scope, acknowledgement)| Control::Resume { scope, acknowledgement }),
        1 => (0_u16..4).prop_map(|slot| Control::Pause(SlotId(slot))),
        1 => (0_u16..4).prop_map(|slot| Control::Unpause(SlotId(slot))),
        1 => Just(Control::Heartbeat),
        1 => prop::sample::select(OperatingMode::ALL.to_vec()).prop_map(Control::Mode),
        1 => (0_u32..3).prop_map(|id| Control::Distrust(InstrumentId(id))),
        1 => (0_u16..4, 0_u64..12).prop_map(|(slot, sequence)| {
            Control::Uncertain(OrderId::new(1, SlotId(slot), sequence))
        }),
    ]
}
