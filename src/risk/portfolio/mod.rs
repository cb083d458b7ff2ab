//! Figures of the whole portfolio: correlation, value at risk, expected shortfall.
//!
//! [`PortfolioRisk`] watches marks and fills and keeps the figures; the rules
//! [`VarLimit`](super::VarLimit) and [`CorrelatedExposure`](super::CorrelatedExposure) borrow it
//! and judge; [`PortfolioGuard`](super::PortfolioGuard) owns it and lends those rules to a chain.
//!
//! | figure | when it is computed |
//! |---|---|
//! | value of one unit of an instrument | with each mark of that instrument |
//! | returns, correlations | once per row: when the first fact comes after the row's time |
//! | value at risk, shortfall, deviations and covariances of the open portfolio | with each row and after each fill |
//! | value at risk with an opening and with working orders | for each intent, in `f64`: reads figures, covariances, unit values, and the working orders of now |
//! | correlated exposure | for each intent, in `f64`: reads correlations, unit values, and the positions and working orders of now |
//! | correlation score | when the host asks |
//! | marginal, component and incremental figures of positions | when the host asks |

mod calculator;
mod correlation;
mod error;
mod figures;
mod reckoning;
mod relations;
mod sampler;
mod settings;

pub use calculator::{PortfolioTail, PositionRisk, PositionRiskCalculator, RiskWork};
pub use correlation::{CorrelationEstimator, CorrelationMatrix};
pub use error::RiskFigureError;
pub use figures::{InstrumentRisk, PortfolioFigures, PortfolioRisk};
pub(in crate::risk) use reckoning::SeriesRisk;
pub use settings::PortfolioRiskSettings;
