//! Names of log groups, log streams and delivery streams: templates, their variables, and what a
//! service takes.

pub(crate) mod sanitize;
pub mod strftime;
pub mod template;
pub mod variables;
