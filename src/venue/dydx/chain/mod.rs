//! Orders for the chain: keys, messages and signed transactions, and what a validator answers.

mod broadcast;
mod key;
mod messages;
mod order;
mod subaccount;
mod transaction;
mod translate;
mod venue_id;

pub use broadcast::{
    ChainAccount, ChainRefusal, account_request, broadcast_request, decode_account,
    decode_broadcast,
};
pub use key::{ChainKey, ChainKeyError};
pub use order::{ChainCancel, ChainExecution, ChainLife, ChainOrder, ChainTrigger};
pub use secrecy::SecretString;
pub use subaccount::{ChainAddress, ChainAddressError, Subaccount};
pub use transaction::{ChainSigner, SHORT_TERM_SEQUENCE};
pub use translate::{ChainOrderError, ChainTerms, Resting, client_id};
pub use venue_id::{hyphenated, venue_id};
