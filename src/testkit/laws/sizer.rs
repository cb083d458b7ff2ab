use proptest::prelude::{Just, Strategy, prop, prop_oneof};
use rust_decimal::Decimal;

use crate::risk::Sizer;
use crate::testkit::inputs::{BarShape, Scene, bars, scenes, table};
use crate::testkit::{BrokenLaw, Fault, Suite};
use crate::types::{
    Amount, AssetId, Bar, Confidence, Grid, Instrument, InstrumentId, Label, Leg, Money, Qty,
    Reason, Side, Signal, SlotId, Timestamp, Trade,
};

const PURE: &str = "a size is pure: asked twice, it is the same";
const POSITIVE: &str = "a size is above zero, or there is a reason why not";
const GRID: &str = "a size lies on the instrument's step and is at least its minimum";
const CLOSED: &str = "an unknown number never makes a size larger";
const RESTORED: &str = "a sizer with a restored memory sizes as the saved one";
const DEAF: &str = "a sizer that is not attentive takes nothing from bars";

/// What a sizer has seen and is asked.
#[derive(Clone, Debug)]
struct Question {
    bars: Vec<Bar>,
    trades: Vec<(i64, u32)>,
    scene: Scene,
    signal: Signal,
}

impl Suite {
    /// The laws of [`Sizer`] on drawn accounts and opinions: pure sizes above zero, on the
    /// instrument's step and not below its minimum, none larger for an unknown equity or mark,
    /// and a saved memory that sizes alike.
    ///
    /// `build` makes the sizer; it is shown bars and closed trades of the instrument first.
    ///
    /// ```
    /// use tradewright::risk::EquityFraction;
    /// use tradewright::testkit::Suite;
    ///
    /// let tenth = || EquityFraction::new("0.1".parse().unwrap()).unwrap();
    /// Suite::new().sizer("a tenth", tenth)?;
    /// # Ok::<(), tradewright::testkit::BrokenLaw>(())
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn sizer<S: Sizer>(&self, name: &str, build: impl Fn() -> S) -> Result<(), BrokenLaw> {
        self.check(name, &questions(), |question| laws(&build, question))
    }
}

fn questions() -> impl Strategy<Value = Question> {
    let confidence = prop_oneof![1 => Just(1.0), 1 => Just(0.0), 6 => 0.0..1.0];
    let side = prop::sample::select(vec![Side::Buy, Side::Sell]);
    let opinion = (0_u32..4, side, confidence);
    let trades = prop::collection::vec((-500_i64..800, 1_u32..50), 0..40);
    let lengths = prop_oneof![1 => Just(0..1), 3 => Just(20..60)];
    let bars =
        lengths.prop_flat_map(|length| bars(InstrumentId(0), Grid::CENTS, BarShape::Walk, length));
    (opinion, bars, trades, scenes()).prop_filter_map(
        "an opinion",
        |((id, side, confidence), bars, trades, scene)| {
            let (instrument, tag) = (InstrumentId(id), Label::default());
            let confidence = Confidence::new(confidence).ok()?;
            let signal = Signal { instrument, side, confidence, tag, reason: tag };
            let bars = bars.into_iter().map(|(_, bar)| Bar { instrument, ..bar }).collect();
            Some(Question { bars, trades, scene, signal })
        },
    )
}

fn laws<S: Sizer>(build: &impl Fn() -> S, question: &Question) -> Result<(), Fault> {
    let instruments = table();
    let Some(instrument) = instruments.get(question.signal.instrument) else { return Ok(()) };
    let mut sizer = build();
    let is_deaf = !sizer.is_attentive();
    let size = |sizer: &S, scene: &Scene| {
        scene.with_facts(|facts| sizer.size(&question.signal, instrument, facts))
    };
    let fresh = format!("{:?}", size(&sizer, &question.scene));
    question.bars.iter().for_each(|bar| sizer.on_bar(bar));
    let heard = format!("{:?}", size(&sizer, &question.scene));
    Fault::unless(!is_deaf || fresh == heard, DEAF, || format!("{heard}, not {fresh}"))?;
    for (gross, quantity) in &question.trades {
        sizer.on_trade(&trade(instrument, *gross, *quantity));
    }

    let answer = size(&sizer, &question.scene);
    let (text, again) = (format!("{answer:?}"), format!("{:?}", size(&sizer, &question.scene)));
    Fault::unless(text == again, PURE, || format!("{text}, then {again}"))?;
    is_sound(instrument, &answer)?;

    let unknown = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY];
    let unknown = unknown.map(|equity| Scene { equity, ..question.scene.clone() });
    let unmarked = Scene { unmarked: Some(instrument.id.0), ..question.scene.clone() };
    for scene in unknown.into_iter().chain([unmarked]) {
        let blind = size(&sizer, &scene);
        is_sound(instrument, &blind)?;
        let is_closed = amount(&blind) <= amount(&answer);
        Fault::unless(is_closed, CLOSED, || format!("{blind:?}, and {text} where all is known"))?;
    }

    let memory = sizer.save_memory().map_err(|error| Fault::new(RESTORED, error.to_string()))?;
    let mut restored = build();
    restored.restore_memory(&memory).map_err(|error| Fault::new(RESTORED, error.to_string()))?;
    let same = format!("{:?}", size(&restored, &question.scene));
    Fault::unless(same == text, RESTORED, || format!("{same}, not {text}"))
}

/// Units or money; nothing where there is a reason.
fn amount(answer: &Result<Amount, Reason>) -> Decimal {
    match answer {
        Ok(Amount::Quantity(quantity)) => quantity.value(),
        Ok(Amount::Cash(money)) => money.amount,
        Err(_) => Decimal::ZERO,
    }
}

fn is_sound(instrument: &Instrument, answer: &Result<Amount, Reason>) -> Result<(), Fault> {
    let Ok(size) = answer else { return Ok(()) };
    Fault::unless(amount(answer) > Decimal::ZERO, POSITIVE, || format!("{size:?}"))?;
    let Amount::Quantity(quantity) = size else { return Ok(()) };
    let is_on_step = instrument.floor_to_step(quantity.value()) == Some(quantity.value());
    let is_large = quantity.value() >= instrument.min_quantity;
    Fault::unless(is_on_step && is_large, GRID, || format!("{quantity}"))
}

fn trade(instrument: &Instrument, gross: i64, quantity: u32) -> Trade {
    Trade {
        slot: SlotId(1),
        instrument: instrument.id,
        leg: Leg::Net,
        side: Side::Buy,
        quantity: Qty::from(i64::from(quantity)),
        opened_at: Timestamp::EPOCH,
        closed_at: Timestamp::EPOCH,
        entry: Decimal::ONE_HUNDRED,
        exit: Decimal::ONE_HUNDRED,
        gross: Money::new(Decimal::from(gross), AssetId::default()),
        fees: Decimal::ZERO,
        funding: Decimal::ZERO,
        tag: Label::default(),
    }
}
