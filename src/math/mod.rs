//! f64 and tick kernels that know no domain type
