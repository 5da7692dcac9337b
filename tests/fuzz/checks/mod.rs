//! One check for each reader of bytes from outside: any input may come, and what is made of it holds
//! what the reader promises.

mod answer;
mod chunk;
mod ledger;
mod name;
mod request;

pub use answer::{put_log_events, put_record_batch, put_records};
pub use chunk::{decoder, json};
pub use ledger::ledger;
pub use name::template;
pub use request::{cloudwatch, firehose, kinesis};

/// What comes before the first mark, and what comes after it.
fn split<'a>(data: &'a [u8], mark: &[u8]) -> (&'a [u8], &'a [u8]) {
    let found = data.windows(mark.len()).position(|window| window == mark);
    match found {
        Some(at) => (&data[..at], &data[at + mark.len()..]),
        None => (data, &[]),
    }
}
