//! The one integration binary: one file per behaviour.

mod indicator_laws;
mod indicators;
