//! `kinesis.so`, as Fluent Bit loads it.
cbindings::export!(router::plugin::Plugin<router::kinesis::Kinesis>);
