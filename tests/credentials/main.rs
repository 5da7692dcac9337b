//! Where credentials and the region come from, and the way to the services: proxies and trust.
//!
//! All of it is read from the environment, which belongs to a process; so each case opens the plugin
//! in a process of its own, and the stand-in answers for the services, STS and the metadata.

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

/// A stand-in that takes the key `AK` and those it issues, and has a group to write to.
fn aws() -> StandIn {
    let aws = StandIn::builder().verify("AK", "SK").start().unwrap();
    aws.create_stream("g", "s");
    aws
}

/// Keys that the stand-in takes.
const KEYS: [(&str, &str); 2] = [("AWS_ACCESS_KEY_ID", "AK"), ("AWS_SECRET_ACCESS_KEY", "SK")];
