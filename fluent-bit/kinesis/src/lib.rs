//! `kinesis.so`, as Fluent Bit loads it.
cbindings::export!(router::kinesis::KinesisOutput);
