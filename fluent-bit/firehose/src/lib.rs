//! `firehose.so`, as Fluent Bit loads it.
cbindings::export!(router::plugin::Plugin<router::firehose::Firehose>);
