//! The runner: draws inputs, looks for one that breaks a law, makes it small, names the law.

use core::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::types::{Classification, Classify};
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestError, TestRunner};

/// Cases that a suite draws unless set: enough to meet every branch of a rule with several
/// thresholds, and fast enough to run at each change.
const CASES: u32 = 128;

/// Attempts to make a failing input smaller.
const MOST_SHRINKS: u32 = 4_096;

/// A run of conformance laws: how many cases are drawn, and from which seed.
///
/// Equal seeds draw equal cases, so that a change is judged the same way each time. Each suite is
/// a method, named after the trait whose laws it checks, and answers with the first law that does
/// not hold and the smallest input found that breaks it.
///
/// ```
/// use tradewright::risk::PositionSize;
/// use tradewright::testkit::Suite;
///
/// Suite::new().rule(|| PositionSize::new(0.1).unwrap())?;
/// # Ok::<(), tradewright::testkit::BrokenLaw>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a suite checks nothing until one of its laws is asked for"]
pub struct Suite {
    cases: u32,
    seed: u64,
}

impl Suite {
    /// 128 cases from seed 0.
    pub const fn new() -> Self {
        Self { cases: CASES, seed: 0 }
    }

    /// How many cases each law is tried on.
    pub const fn cases(mut self, cases: u32) -> Self {
        self.cases = cases;
        self
    }

    /// Draws other cases.
    pub const fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// The same suite with no more cases than this, for laws that are dear to try.
    pub(super) fn cases_at_most(self, most: u32) -> Self {
        self.cases(self.cases.min(most))
    }

    /// Tries a law of your own on drawn inputs; a panic in it breaks the law that nothing panics.
    ///
    /// ```
    /// use tradewright::testkit::{Fault, Suite, inputs};
    /// use tradewright::types::{Grid, InstrumentId};
    ///
    /// let bars = inputs::bars(InstrumentId(0), Grid::CENTS, inputs::BarShape::Mixed, 1..50);
    /// let law = "a bar's low is its lowest price";
    /// Suite::new().check("bars", &bars, |bars| {
    ///     let is_sound = bars.iter().all(|(_, bar)| bar.low <= bar.open.min(bar.close));
    ///     Fault::unless(is_sound, law, || "a low above the body".to_owned())
    /// })?;
    /// # Ok::<(), tradewright::testkit::BrokenLaw>(())
    /// ```
    ///
    /// # Errors
    /// [`BrokenLaw`] with the smallest input that was found to break it.
    pub fn check<P: Strategy>(
        &self,
        subject: &str,
        inputs: &P,
        law: impl Fn(&P::Value) -> Result<(), Fault>,
    ) -> Result<(), BrokenLaw> {
        let guarded = |input: &P::Value| {
            catch_unwind(AssertUnwindSafe(|| law(input)))
                .unwrap_or_else(|panic| Err(Fault::new("nothing panics", words(&*panic))))
        };
        let mut runner = TestRunner::new(Config {
            cases: self.cases,
            rng_seed: RngSeed::Fixed(self.seed),
            max_shrink_iters: MOST_SHRINKS,
            failure_persistence: None,
            ..Config::default()
        });
        let outcome = runner
            .run(inputs, |input| guarded(&input).map_err(|fault| TestCaseError::fail(fault.found)));
        let (fault, input) = match outcome {
            Ok(()) => return Ok(()),
            Err(TestError::Abort(reason)) => {
                (Fault::new("inputs can be drawn", reason.message()), String::new())
            }
            Err(TestError::Fail(reason, smallest)) => {
                let fault = guarded(&smallest).err();
                let unsteady = "equal inputs give equal answers";
                let fault = fault.unwrap_or_else(|| Fault::new(unsteady, reason.message()));
                (fault, format!("{smallest:#?}"))
            }
        };
        let (subject, seed) = (subject.to_owned(), self.seed);
        Err(BrokenLaw { subject, law: fault.law, found: fault.found, input, seed })
    }
}

impl Default for Suite {
    fn default() -> Self {
        Self::new()
    }
}

/// What one case has found: which law does not hold, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    law: &'static str,
    found: String,
}

impl Fault {
    /// A law that does not hold, and what was seen instead.
    pub fn new(law: &'static str, found: impl Into<String>) -> Self {
        Self { law, found: found.into() }
    }

    /// Nothing where the law holds, a fault with these words otherwise.
    ///
    /// # Errors
    /// The fault.
    pub fn unless(
        holds: bool,
        law: &'static str,
        found: impl FnOnce() -> String,
    ) -> Result<(), Self> {
        if holds { Ok(()) } else { Err(Self::new(law, found())) }
    }
}

/// A law that does not hold, with the smallest input that was found to break it.
///
/// Its `Debug` form is its message, so that `unwrap` and a test that returns it read well.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
pub struct BrokenLaw {
    subject: String,
    law: &'static str,
    found: String,
    input: String,
    seed: u64,
}

impl Classify for BrokenLaw {
    fn classification(&self) -> Classification {
        Classification::FAILURE
    }
}

impl BrokenLaw {
    /// Whose law: the name of the rule, strategy or type.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The law, as a sentence.
    pub const fn law(&self) -> &'static str {
        self.law
    }

    /// What was seen instead.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// The smallest input that was found, as text.
    pub fn input(&self) -> &str {
        &self.input
    }
}

impl fmt::Display for BrokenLaw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { subject, law, found, input, seed } = self;
        write!(out, "`{subject}` breaks the law \"{law}\": {found}")?;
        write!(out, "\nsmallest input found (seed {seed}): {input}")
    }
}

impl fmt::Debug for BrokenLaw {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, out)
    }
}

/// What a panic said.
fn words(panic: &(dyn core::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}
