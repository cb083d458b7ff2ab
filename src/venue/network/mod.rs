//! Is it safe to connect? Environment, hosts, schemes, chain and keys are compared before the
//! first connection, so that a key for real money never meets a test and the other way round.
//!
//! Nothing here reads the environment or a file: the host hands in its variables.
//!
//! | variable | meaning |
//! |---|---|
//! | `TRADEWRIGHT_NETWORK` | `mainnet`, `testnet`, `demo` or `local`; there is no default |
//! | `TRADEWRIGHT_ALLOW_MAINNET` | `real-money` allows orders on the main network |
//! | `TRADEWRIGHT_<VENUE>_API_KEY` | the key's public part |
//! | `TRADEWRIGHT_<VENUE>_API_SECRET` | its secret part, or |
//! | `TRADEWRIGHT_<VENUE>_PRIVATE_KEY_FILE` | the absolute path of a private key |
//! | `TRADEWRIGHT_<VENUE>_KEY_NETWORK` | the network that the key was made for: a key does not show it |
//! | `TRADEWRIGHT_BINANCE_REST_URL`, `.._STREAM_URL`, `.._WS_API_URL` | other addresses than the network's own; `FUTURES_` before `REST` and so on for futures |
//! | `TRADEWRIGHT_DYDX_INDEXER_URL`, `.._INDEXER_WS_URL`, `.._NODE_URL` | the same |
//! | `TRADEWRIGHT_DYDX_CHAIN_ID`, `TRADEWRIGHT_DYDX_ADDRESS` | the chain and the account |

mod credentials;
mod endpoint;
mod presets;
mod report;
mod url;
mod validator;

pub use presets::{EndpointRole, NetworkEnvironment, NetworkVenue};
pub use report::{FindingKind, NetworkEndpoint, NetworkFinding, NetworkReport, UnsafeNetworkError};
pub use validator::{NetworkAccess, NetworkValidator};
