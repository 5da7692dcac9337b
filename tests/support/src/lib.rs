//! What the tests and the demo run against.

pub mod aws;
pub mod chunk;
pub mod faults;
pub mod host;
