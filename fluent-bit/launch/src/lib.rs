//! What starts the router in its image, and what checks its health there.
//!
//! `launch` is the image's entry point: it chooses the command, sets the task up as the `init-*`
//! images of AWS do when their variables ask for it, and becomes Fluent Bit. `healthcheck` asks a
//! running Fluent Bit how it is. Both are here, apart from the plugins, so that nothing of them is
//! linked into a plugin.

pub mod buffering;
pub mod command;
mod files;
pub mod health;
mod http;
pub mod image;
pub mod init;
mod level;
mod start;

pub use start::start;
