use std::collections::BTreeMap;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;

use crate::config::{LogLevel, LogModule};

/// What is told of which module.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    pub(super) usual: LogLevel,
    pub(super) modules: BTreeMap<LogModule, LogLevel>,
}

impl Levels {
    pub(super) fn targets(&self) -> Targets {
        let modules = self.modules.iter();
        let modules = modules.map(|(module, level)| (module.as_str(), filter(*level)));
        Targets::new().with_default(filter(self.usual)).with_targets(modules)
    }
}

const fn filter(level: LogLevel) -> LevelFilter {
    match level {
        LogLevel::Error => LevelFilter::ERROR,
        LogLevel::Warn => LevelFilter::WARN,
        LogLevel::Info => LevelFilter::INFO,
        LogLevel::Debug => LevelFilter::DEBUG,
        LogLevel::Trace => LevelFilter::TRACE,
    }
}
