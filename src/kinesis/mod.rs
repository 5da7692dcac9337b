//! `Name kinesis`: the pipeline of a chunk to Kinesis Data Streams.

pub mod aggregate;
pub mod encode;
pub mod options;
pub mod pack;
pub mod partition_key;
pub mod put_records;
