//! `kinesis.so` against the fake service: the records of a chunk are stored in their stream, once.

mod batches;
mod order;
mod partial;
mod records;

use support::aws::StandIn;
use support::host::Verdict;
use support::output::KINESIS_STREAM;

fn assert_ok(verdict: Verdict) {
    assert_eq!(verdict, Verdict::Ok);
}

/// The data of the stored records as text, in stored order.
fn stored(aws: &StandIn) -> Vec<String> {
    let records = aws.kinesis_records(KINESIS_STREAM).into_iter();
    let text = |data| String::from_utf8(data).expect("the record is text");
    records.map(|record| text(record.data)).collect()
}
