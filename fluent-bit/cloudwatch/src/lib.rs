//! `cloudwatch.so`, as Fluent Bit loads it.
cbindings::export!(router::cloudwatch::CloudWatchOutput);
