//! Figures of the whole portfolio: correlation, value at risk, expected shortfall.
//!
//! [`PortfolioRisk`] watches marks and fills and keeps the figures; the rules
//! [`VarLimit`](super::VarLimit) and [`CorrelatedExposure`](super::CorrelatedExposure) borrow it
//! and judge; [`PortfolioGuard`](super::PortfolioGuard) owns it and lends those rules to a chain.
//!
//! | figure | when it is computed |
//! |---|---|
//! | returns, correlations | once per row: when the first fact comes after the row's time |
//! | value at risk, shortfall, deviations and covariances of the open portfolio | with each row and after each fill |
//! | value at risk with an opening and with working orders | for each intent, from the covariances |
//! | correlated exposure, correlation score | for each intent, from the correlations and positions of now |
//! | marginal, component and incremental figures of positions | when the host asks |

mod calculator;
mod correlation;
mod error;
mod figures;
mod sampler;
mod settings;

pub use calculator::{PortfolioTail, PositionRisk, PositionRiskCalculator, RiskWork};
pub use correlation::{CorrelationEstimator, CorrelationMatrix};
pub use error::RiskFigureError;
pub use figures::{InstrumentRisk, PortfolioFigures, PortfolioRisk};
pub use settings::PortfolioRiskSettings;
