mod grid;

pub use grid::GridGate;
