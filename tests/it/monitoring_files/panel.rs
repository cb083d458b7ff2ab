//! What a board is made of: panels as rows of a table, without a word of Grafana's JSON.

/// A board.
pub struct Board {
    /// Its file and stable identity.
    pub uid: &'static str,
    pub title: &'static str,
    pub about: &'static str,
    pub panels: Vec<Panel>,
}

/// The unit of amounts: the reporting currency is the host's, so only digits are grouped.
pub const MONEY: &str = "locale";

/// The kinds of panel that the boards use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    TimeSeries,
    Stat,
    Gauge,
    BarGauge,
    Pie,
    Table,
    Heatmap,
}

/// How a query is asked and its answer read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ask {
    Range,
    Instant,
    Table,
    /// Buckets of a histogram over time.
    Buckets,
}

/// One query.
pub struct Target {
    /// PromQL in which `{I` opens a selector of the chosen instances, and `{S` one of the chosen
    /// instances and strategies.
    pub short: &'static str,
    /// What its series are called.
    pub legend: &'static str,
    pub ask: Ask,
    /// The unit, where it is not the panel's.
    pub unit: Option<&'static str>,
}

impl Target {
    /// The query as Grafana sends it, but for its variables.
    pub fn expr(&self) -> String {
        let instances = "{instance=~\"$instance\"";
        let both = format!("{instances},strategy=~\"$strategy\"");
        self.short.replace("{I", instances).replace("{S", &both)
    }
}

/// A panel; places are given out row by row.
pub struct Panel {
    pub kind: Kind,
    pub title: &'static str,
    pub about: &'static str,
    pub unit: &'static str,
    pub width: u32,
    pub height: u32,
    pub targets: Vec<Target>,
    /// Colours from these values up; the first is the base.
    pub steps: Vec<(f64, &'static str)>,
    pub range: Option<(f64, f64)>,
    /// Words for values.
    pub words: Vec<(i64, &'static str, &'static str)>,
    pub is_stacked: bool,
}

impl Panel {
    pub fn new(kind: Kind, title: &'static str, about: &'static str) -> Self {
        let steps = vec![(0.0, "green")];
        let (width, height) = (8, 8);
        let (targets, words) = (Vec::new(), Vec::new());
        let (unit, range, is_stacked) = ("short", None, false);
        Self { kind, title, about, unit, width, height, targets, steps, range, words, is_stacked }
    }

    pub fn unit(mut self, unit: &'static str) -> Self {
        self.unit = unit;
        self
    }

    pub fn size(mut self, width: u32, height: u32) -> Self {
        (self.width, self.height) = (width, height);
        self
    }

    pub fn steps(mut self, steps: &[(f64, &'static str)]) -> Self {
        self.steps = steps.to_vec();
        self
    }

    pub fn range(mut self, low: f64, high: f64) -> Self {
        self.range = Some((low, high));
        self
    }

    pub fn words(mut self, words: &[(i64, &'static str, &'static str)]) -> Self {
        self.words = words.to_vec();
        self
    }

    pub fn stacked(mut self) -> Self {
        self.is_stacked = true;
        self
    }

    /// A query, asked as panels of this kind ask.
    pub fn ask(self, short: &'static str, legend: &'static str) -> Self {
        let ask = match self.kind {
            Kind::TimeSeries => Ask::Range,
            Kind::Heatmap => Ask::Buckets,
            Kind::Table => Ask::Table,
            Kind::Stat | Kind::Gauge | Kind::BarGauge | Kind::Pie => Ask::Instant,
        };
        self.ask_as(ask, short, legend)
    }

    pub fn ask_as(mut self, ask: Ask, short: &'static str, legend: &'static str) -> Self {
        self.targets.push(Target { short, legend, ask, unit: None });
        self
    }

    /// Gives the last query a unit of its own.
    pub fn in_unit(mut self, unit: &'static str) -> Self {
        self.targets.last_mut().expect("a query before its unit").unit = Some(unit);
        self
    }
}

pub fn series(title: &'static str, about: &'static str) -> Panel {
    Panel::new(Kind::TimeSeries, title, about)
}

pub fn stat(title: &'static str, about: &'static str) -> Panel {
    Panel::new(Kind::Stat, title, about)
}

pub fn gauge(title: &'static str, about: &'static str) -> Panel {
    Panel::new(Kind::Gauge, title, about)
}

pub fn bars(title: &'static str, about: &'static str) -> Panel {
    Panel::new(Kind::BarGauge, title, about)
}

pub fn pie(title: &'static str, about: &'static str) -> Panel {
    Panel::new(Kind::Pie, title, about)
}

pub fn table(title: &'static str, about: &'static str) -> Panel {
    Panel::new(Kind::Table, title, about)
}

pub fn heatmap(title: &'static str, about: &'static str) -> Panel {
    Panel::new(Kind::Heatmap, title, about)
}
