use core::cell::RefCell;
use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::types::{Classification, Classify};
use crate::types::{Instrument, InstrumentId, Instruments};

use super::near::near_matches;
use super::parameter::{text_of, to_map};
use super::{
    BadParameter, Fingerprint, ParameterSpec, Parameters, Strategy, builtin, combinator, portfolio,
};

/// Strategies in strategies: a configuration that is nested deeper is a mistake.
const DEEPEST_NESTING: usize = 16;

/// Strategies by name: the built-ins and the host's own.
///
/// ```
/// use tradewright::strategy::{StrategyContext, StrategyRegistry};
/// use tradewright::types::{Instrument, Instruments};
///
/// let mut table = Instruments::new();
/// let shares = table.add(Instrument::stock("AAPL", "USD"))?;
/// let universe = [shares];
/// let context = StrategyContext::new(&table, &universe);
///
/// let registry = StrategyRegistry::new();
/// let built = registry.build_json("BREAKOUT", r#"{"lookback": 55}"#, &context)?;
/// assert_eq!(built.strategy.name(), "BREAKOUT");
///
/// let refused = registry.build_json("BREAKOUT", r#"{"lookbak": 55}"#, &context).unwrap_err();
/// assert_eq!(
///     refused.to_string(),
///     "BREAKOUT: there is no parameter `lookbak`, did you mean `lookback`? \
///      Known are `lookback`, `volume_factor`, `arithmetic`"
/// );
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct StrategyRegistry {
    entries: BTreeMap<String, Entry>,
}

impl StrategyRegistry {
    /// A registry of the built-in strategies.
    pub fn new() -> Self {
        let mut registry = Self::empty();
        builtin::register(&mut registry);
        combinator::register(&mut registry);
        portfolio::register(&mut registry);
        registry
    }

    /// A registry without any strategy.
    pub const fn empty() -> Self {
        Self { entries: BTreeMap::new() }
    }

    /// Registers a strategy under a name with its parameters and the function that builds it.
    ///
    /// # Errors
    /// [`RegisterError`]: the name is taken, empty or too long, or the parameters' default is
    /// not a map or is out of its own range.
    pub fn register<P, F>(
        &mut self,
        name: &str,
        description: &str,
        build: F,
    ) -> Result<(), RegisterError>
    where
        P: Parameters,
        F: Fn(P, &StrategyContext<'_>) -> Result<Box<dyn Strategy>, BuildError>,
        F: Send + Sync + 'static,
    {
        let name = name.to_owned();
        if name.is_empty() || name.len() > 31 {
            return Err(RegisterError::BadName { name });
        }
        if self.entries.contains_key(&name) {
            return Err(RegisterError::Duplicate { name });
        }
        let bad_default = |fault| RegisterError::BadDefault { name: name.clone(), fault };
        P::default().check().map_err(bad_default)?;
        let defaults = to_map(&P::default()).map_err(bad_default)?;
        let entry = Entry {
            description: description.to_owned(),
            specs: P::SPECS,
            defaults,
            build: Box::new(move |values, context| {
                let parameters: P = parse(values)?;
                parameters.check()?;
                let canonical = Value::Object(to_map(&parameters)?);
                Ok((build(parameters, context)?, canonical))
            }),
        };
        self.entries.insert(name, entry);
        Ok(())
    }

    /// Builds a strategy from its name and its parameters in any self-describing serde format:
    /// a map of names, in which a missing parameter has its default.
    ///
    /// # Errors
    /// [`BuildError`] with the name, parameter and value that were refused and what is allowed.
    pub fn build<'de, D: Deserializer<'de>>(
        &self,
        name: &str,
        parameters: D,
        context: &StrategyContext<'_>,
    ) -> Result<Built, BuildError> {
        let inside = |cause| BuildError::In { strategy: name.to_owned(), cause: Box::new(cause) };
        let entry = self.entries.get(name).ok_or_else(|| self.unknown(name))?;
        let given = match Value::deserialize(parameters) {
            Ok(Value::Object(map)) => map,
            Ok(Value::Null) => Map::new(),
            Ok(other) => {
                return Err(inside(BuildError::NoMap { found: text_of(&other) }));
            }
            Err(error) => return Err(inside(BuildError::NoMap { found: error.to_string() })),
        };
        self.build_entry(name, entry, given, context).map_err(inside)
    }

    /// Builds a strategy with its defaults.
    ///
    /// # Errors
    /// As [`StrategyRegistry::build`].
    pub fn build_default(
        &self,
        name: &str,
        context: &StrategyContext<'_>,
    ) -> Result<Built, BuildError> {
        self.build(name, Value::Object(Map::new()), context)
    }

    /// Builds a strategy from parameters in JSON text.
    ///
    /// # Errors
    /// As [`StrategyRegistry::build`].
    pub fn build_json(
        &self,
        name: &str,
        parameters: &str,
        context: &StrategyContext<'_>,
    ) -> Result<Built, BuildError> {
        let value: Value = serde_json::from_str(parameters).map_err(|error| BuildError::In {
            strategy: name.to_owned(),
            cause: Box::new(BuildError::NoMap { found: error.to_string() }),
        })?;
        self.build(name, value, context)
    }

    /// Every strategy with its parameters, ordered by name: what a user interface or a sweep is
    /// built from.
    pub fn list(&self) -> Vec<StrategyInfo> {
        let info = |(name, entry): (&String, &Entry)| StrategyInfo {
            name: name.clone(),
            description: entry.description.clone(),
            parameters: entry.parameters(),
        };
        self.entries.iter().map(info).collect()
    }

    /// All names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    fn unknown(&self, name: &str) -> BuildError {
        BuildError::UnknownStrategy {
            name: name.chars().take(80).collect(),
            near: near_matches(name, self.names()),
            known: self.names().map(str::to_owned).collect(),
        }
    }

    fn build_entry(
        &self,
        name: &str,
        entry: &Entry,
        given: Map<String, Value>,
        context: &StrategyContext<'_>,
    ) -> Result<Built, BuildError> {
        let nesting = context.nesting + 1;
        if nesting > DEEPEST_NESTING {
            return Err(BuildError::TooDeep { limit: DEEPEST_NESTING });
        }
        entry.check_names(&given)?;
        let inner = StrategyContext {
            instruments: context.instruments,
            universe: context.universe,
            registry: Some(self),
            nesting,
            members: RefCell::default(),
        };
        let values = Values { given, defaults: &entry.defaults, specs: entry.specs };
        let (strategy, canonical) = (entry.build)(&values, &inner)?;
        let fingerprint = Fingerprint::with_members(name, &canonical, &inner.members.borrow());
        Ok(Built { strategy, fingerprint })
    }
}

impl Default for StrategyRegistry {
    fn default() -> Self {
        Self::new()
    }
}

impl core::fmt::Debug for StrategyRegistry {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        formatter.debug_set().entries(self.names()).finish()
    }
}

/// What a strategy is built for: the run's instruments and those that its slot trades.
#[derive(Debug)]
pub struct StrategyContext<'a> {
    instruments: &'a Instruments,
    universe: &'a [InstrumentId],
    registry: Option<&'a StrategyRegistry>,
    nesting: usize,
    /// Fingerprints of the strategies that were built inside of the current one.
    members: RefCell<Vec<Fingerprint>>,
}

impl<'a> StrategyContext<'a> {
    /// A context; a built-in strategy handles the events of exactly the universe.
    pub const fn new(instruments: &'a Instruments, universe: &'a [InstrumentId]) -> Self {
        let members = RefCell::new(Vec::new());
        Self { instruments, universe, registry: None, nesting: 0, members }
    }

    /// All instruments of the run.
    pub const fn instruments(&self) -> &'a Instruments {
        self.instruments
    }

    /// The ids of the instruments that the slot trades.
    pub const fn universe(&self) -> &'a [InstrumentId] {
        self.universe
    }

    /// The instruments that the slot trades, at least one.
    ///
    /// # Errors
    /// [`BuildError::Universe`] without any, [`BuildError::UnknownInstrument`] for an id of
    /// another table.
    pub fn traded(&self) -> Result<Vec<&'a Instrument>, BuildError> {
        if self.universe.is_empty() {
            return Err(BuildError::Universe { needed: "at least one instrument", found: 0 });
        }
        let find = |&id: &InstrumentId| {
            self.instruments.get(id).ok_or(BuildError::UnknownInstrument { instrument: id })
        };
        self.universe.iter().map(find).collect()
    }

    /// Builds a strategy inside of another one, from the registry that is building that one.
    ///
    /// # Errors
    /// As [`StrategyRegistry::build`]; [`BuildError::NoRegistry`] outside of a registry.
    pub fn build(&self, name: &str, parameters: &Value) -> Result<Box<dyn Strategy>, BuildError> {
        let registry = self.registry.ok_or(BuildError::NoRegistry)?;
        let built = registry.build(name, parameters, self)?;
        self.members.borrow_mut().push(built.fingerprint);
        Ok(built.strategy)
    }
}

/// A strategy from the registry.
pub struct Built {
    /// The strategy.
    pub strategy: Box<dyn Strategy>,
    /// Hash of name and parameters, to be saved with the strategy's state.
    pub fingerprint: Fingerprint,
}

impl core::fmt::Debug for Built {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let name = self.strategy.name();
        write!(formatter, "Built({name} {})", self.fingerprint)
    }
}

/// A registered strategy, for lists.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StrategyInfo {
    /// Its name.
    pub name: String,
    /// What it does, in one line.
    pub description: String,
    /// Its parameters.
    pub parameters: Vec<ParameterInfo>,
}

/// A parameter of a registered strategy, for lists.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParameterInfo {
    /// Name, type, range and description.
    #[serde(flatten)]
    pub spec: ParameterSpec,
    /// The value that it has when it is not given.
    pub default: Value,
}

/// Why a strategy was not registered; the call has to be corrected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name is taken; a registered strategy cannot be replaced.
    #[error("a strategy `{name}` is registered already")]
    Duplicate {
        /// The refused name.
        name: String,
    },
    /// Names travel in records, which hold 31 bytes.
    #[error("`{name}` is no name of 1 to 31 bytes")]
    BadName {
        /// The refused name.
        name: String,
    },
    /// The default of the parameter type does not keep its own ranges.
    #[error("the defaults of `{name}` are wrong: {fault}")]
    BadDefault {
        /// The strategy.
        name: String,
        /// The parameter that is out of range.
        fault: BadParameter,
    },
}

impl Classify for RegisterError {
    fn classification(&self) -> Classification {
        Classification::SETTINGS
    }
}

/// Why a strategy was not built; the configuration has to be corrected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No strategy has this name.
    #[error("there is no strategy `{name}`{}", hint(near, known))]
    UnknownStrategy {
        /// The refused name.
        name: String,
        /// Registered names that look like it, the nearest first.
        near: Vec<String>,
        /// All registered names.
        known: Vec<String>,
    },
    /// The strategy has no parameter of this name.
    #[error("there is no parameter `{parameter}`{}", hint(near, known))]
    UnknownParameter {
        /// The refused name.
        parameter: String,
        /// Parameters whose names look like it, the nearest first.
        near: Vec<String>,
        /// All parameters.
        known: Vec<String>,
    },
    /// A parameter has a value that it cannot have.
    #[error(transparent)]
    Parameter(#[from] BadParameter),
    /// Parameters are a map of names to values.
    #[error("parameters must be a map of names to values, not {found}")]
    NoMap {
        /// What was found, or the format's own error.
        found: String,
    },
    /// The slot trades too few or too many instruments for this strategy.
    #[error("it needs {needed}, its slot trades {found}")]
    Universe {
        /// What the strategy needs.
        needed: &'static str,
        /// How many instruments the slot trades.
        found: usize,
    },
    /// The universe names an instrument that is not in the table.
    #[error("instrument number {} is unknown", .instrument.0)]
    UnknownInstrument {
        /// The refused id.
        instrument: InstrumentId,
    },
    /// A strategy of strategies can be built by name only inside of a registry.
    #[error("members are built by name inside of a registry only")]
    NoRegistry,
    /// Strategies are nested too deeply.
    #[error("strategies are nested more than {limit} levels deep")]
    TooDeep {
        /// The deepest allowed level.
        limit: usize,
    },
    /// A host's strategy has its own reason.
    #[error("{0}")]
    Refused(String),
    /// The strategy inside of which the cause lies.
    #[error("{strategy}: {cause}")]
    In {
        /// The strategy's name.
        strategy: String,
        /// What is wrong.
        cause: Box<BuildError>,
    },
}

impl Classify for BuildError {
    fn classification(&self) -> Classification {
        match self {
            Self::In { cause, .. } => cause.classification(),
            _ => Classification::SETTINGS,
        }
    }
}

impl BuildError {
    /// What is wrong, without the names of the strategies around it.
    pub fn root(&self) -> &Self {
        match self {
            Self::In { cause, .. } => cause.root(),
            other => other,
        }
    }
}

fn hint(near: &[String], known: &[String]) -> String {
    let quoted = |names: &[String]| {
        names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
    };
    match (near.is_empty(), known.is_empty()) {
        (_, true) => String::new(),
        (true, false) => format!(", known are {}", quoted(known)),
        (false, false) => format!(", did you mean {}? Known are {}", quoted(near), quoted(known)),
    }
}

type Composed = Result<(Box<dyn Strategy>, Value), BuildError>;

type BuildFn = dyn Fn(&Values<'_>, &StrategyContext<'_>) -> Composed + Send + Sync;

struct Entry {
    description: String,
    specs: &'static [ParameterSpec],
    defaults: Map<String, Value>,
    build: Box<BuildFn>,
}

impl Entry {
    fn parameters(&self) -> Vec<ParameterInfo> {
        let info = |spec: &ParameterSpec| ParameterInfo {
            spec: *spec,
            default: self.defaults.get(spec.name).cloned().unwrap_or_default(),
        };
        self.specs.iter().map(info).collect()
    }

    fn check_names(&self, given: &Map<String, Value>) -> Result<(), BuildError> {
        let known = || self.defaults.keys().map(String::as_str);
        let stranger = given.keys().find(|name| !self.defaults.contains_key(*name));
        let Some(parameter) = stranger else { return Ok(()) };
        let in_order = self.specs.iter().map(|spec| spec.name.to_owned());
        Err(BuildError::UnknownParameter {
            parameter: parameter.chars().take(80).collect(),
            near: near_matches(parameter, known()),
            known: in_order.collect(),
        })
    }
}

/// The values that were given and those that stand in for the others.
struct Values<'a> {
    given: Map<String, Value>,
    defaults: &'a Map<String, Value>,
    specs: &'static [ParameterSpec],
}

/// The typed parameters; when they cannot be read, the error names the one that cannot.
fn parse<P: Parameters>(values: &Values<'_>) -> Result<P, BuildError> {
    let mut all = values.defaults.clone();
    all.extend(values.given.iter().map(|(name, value)| (name.clone(), value.clone())));
    let error = match serde_json::from_value::<P>(Value::Object(all)) {
        Ok(parameters) => return Ok(parameters),
        Err(error) => error,
    };
    for (name, value) in &values.given {
        let mut alone = values.defaults.clone();
        alone.insert(name.clone(), value.clone());
        if let Err(error) = serde_json::from_value::<P>(Value::Object(alone)) {
            let spec = values.specs.iter().find(|spec| spec.name == name);
            let kind = spec.map_or_else(String::new, |spec| format!("{}; ", spec.kind));
            return Err(BadParameter::new(name, text_of(value), format!("{kind}{error}")).into());
        }
    }
    Err(BuildError::NoMap { found: error.to_string() })
}
