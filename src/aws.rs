//! AWS SDK configuration: region, endpoint, credentials and network; and the ECS task metadata.

pub mod bounded_body;
pub mod credentials;
pub mod deadline;
pub mod ecs_metadata;
pub(crate) mod http;
pub(crate) mod identity_log;
pub(crate) mod proxy;
pub(crate) mod region;
pub mod session;
pub mod single_flight;
pub(crate) mod tls_roots;
pub(crate) mod user_agent;
