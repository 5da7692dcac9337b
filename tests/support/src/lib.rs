//! What the tests and the demo run against.

pub mod alone;
pub mod aws;
pub mod chunk;
pub mod demo;
pub mod faults;
pub mod firelens;
pub mod gate;
pub mod host;
pub mod kpl;
pub mod oracle;
pub mod output;
