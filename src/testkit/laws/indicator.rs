use core::cmp::Ordering;
use core::fmt::Debug;

use crate::math::Indicator;
use crate::testkit::{BrokenLaw, Fault, Suite};
use crate::types::State;

impl Suite {
    /// The laws of [`Indicator`] on drawn inputs: batch equals streaming, reset equals new, what
    /// is refused leaves no trace, the first value comes with the warm-up, `value` repeats the
    /// last answer, and a restored indicator is the saved one.
    ///
    /// `inputs` draws series on which the indicator is defined once it is warm and that are
    /// longer than its warm-up; `refused` are inputs that it must not take.
    ///
    /// ```
    /// use proptest::prelude::*;
    /// use tradewright::math::Sma;
    /// use tradewright::testkit::Suite;
    ///
    /// let prices = prop::collection::vec(1.0..1000.0, 10..40);
    /// Suite::new().indicator(&Sma::new(5).unwrap(), &prices, &[f64::NAN, f64::INFINITY])?;
    /// # Ok::<(), tradewright::testkit::BrokenLaw>(())
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`].
    pub fn indicator<I, P>(
        &self,
        fresh: &I,
        inputs: &P,
        refused: &[I::Input],
    ) -> Result<(), BrokenLaw>
    where
        I: Indicator + State + Clone + Debug + PartialEq,
        I::Input: Debug,
        I::Output: Debug + PartialEq,
        P: proptest::strategy::Strategy<Value = Vec<I::Input>>,
    {
        let name = core::any::type_name::<I>().rsplit("::").next().unwrap_or_default();
        self.check(name, inputs, |series| laws(fresh, series, refused))
    }
}

fn laws<I>(fresh: &I, series: &[I::Input], refused: &[I::Input]) -> Result<(), Fault>
where
    I: Indicator + State + Clone + Debug + PartialEq,
    I::Input: Debug,
    I::Output: Debug + PartialEq,
{
    let mut streamed = fresh.clone();
    let answers = stream(&mut streamed, series, refused)?;

    let mut twin = fresh.clone();
    let mut batch = Vec::new();
    let taken = twin.batch(series, &mut batch);
    let is_same = taken.is_ok() && batch == answers && twin == streamed;
    Fault::unless(is_same, "batch equals streaming", || format!("{batch:?}, not {answers:?}"))?;

    let restoring = "a restored indicator is the saved one";
    let saved = streamed.save().map_err(|error| Fault::new(restoring, error.to_string()))?;
    let mut restored = fresh.clone();
    restored.restore(&saved).map_err(|error| Fault::new(restoring, error.to_string()))?;
    let found = || format!("{restored:?}, not {streamed:?}");
    Fault::unless(restored == streamed, restoring, found)?;

    streamed.reset();
    let is_new = streamed == *fresh && streamed.value().is_none();
    Fault::unless(is_new, "reset equals new", || format!("{streamed:?}, not {fresh:?}"))?;
    let again = stream(&mut streamed, series, &[])?;
    Fault::unless(again == answers, "reset equals new", || format!("{again:?}, not {answers:?}"))
}

/// Feeds a series, with what must be refused before each input.
fn stream<I>(
    indicator: &mut I,
    series: &[I::Input],
    refused: &[I::Input],
) -> Result<Vec<Option<I::Output>>, Fault>
where
    I: Indicator + State + Clone + Debug + PartialEq,
    I::Input: Debug,
    I::Output: Debug + PartialEq,
{
    let warmup = indicator.warmup();
    let mut answers = Vec::with_capacity(series.len());
    for (index, &input) in series.iter().enumerate() {
        for &bad in refused {
            let before = indicator.clone();
            let answer = indicator.update(bad);
            let law = "what is refused leaves no trace";
            Fault::unless(answer.is_err() && *indicator == before, law, || {
                format!("{bad:?} was answered by {answer:?} and left {indicator:?} of {before:?}")
            })?;
        }
        let answer = indicator.update(input).map_err(|error| {
            Fault::new("what is sound is taken", format!("{input:?} was refused: {error}"))
        })?;
        let repeated = indicator.value();
        let law = "the value repeats the last answer";
        Fault::unless(repeated == answer, law, || format!("{repeated:?} after {answer:?}"))?;
        let seen = index.saturating_add(1);
        let is_timely = match seen.cmp(&warmup) {
            Ordering::Less => answer.is_none(),
            Ordering::Equal => answer.is_some(),
            Ordering::Greater => true,
        };
        Fault::unless(is_timely, "the first value comes with the warm-up", || {
            format!("{answer:?} after {seen} inputs, warm-up {warmup}")
        })?;
        answers.push(answer);
    }
    Ok(answers)
}
