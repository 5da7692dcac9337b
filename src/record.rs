//! A chunk -> its records: MessagePack, times, and the fields that options name.

pub mod chunk_reader;
pub mod field_path;
pub mod log_key;
pub mod msgpack;
pub mod repeated_fields;
pub mod timestamp;
