//! The sources of credentials and of the region, and the network to the services: proxies and CA bundles.
//!
//! They are read from the environment of the process. Therefore each case opens the plugin in its own
//! process. The fake service answers for the services, STS and the metadata.

mod child;
mod failing;
mod metadata;
mod network;
mod process;
mod providers;
mod region;
mod roles;
mod root;
mod secrets;
mod silence;

use support::aws::StandIn;

/// A fake service that accepts the key `AK` and issued keys, and has a log group.
fn aws() -> StandIn {
    let aws = StandIn::builder().verify("AK", "SK").start().unwrap();
    aws.create_stream("g", "s");
    aws
}

/// Keys that the fake service accepts.
const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "SK")];
