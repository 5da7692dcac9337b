//! `cloudwatch.so`, as Fluent Bit loads it.
cbindings::export!(router::plugin::Plugin<router::cloudwatch::CloudWatch>);
