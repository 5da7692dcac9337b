//! Where credentials come from, and their cache.

pub(crate) mod cache;
pub(crate) mod chain;
pub(crate) mod http_endpoint;
pub(crate) mod identity;
pub(crate) mod login;
pub(crate) mod process;
pub(crate) mod registry;
pub(crate) mod uncached;
pub(crate) mod web_identity;
