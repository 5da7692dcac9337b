//! `firehose.so`, as Fluent Bit loads it.
cbindings::export!(router::firehose::FirehoseOutput);
