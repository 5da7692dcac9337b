//! Creates the retry ledger of an output section.

use std::path::Path;

use cbindings::Settings;
use ring::digest::{Context, SHA256};

use crate::delivery::attempt::RetryLedger;
use crate::delivery::ledger::journal::Identity;
use crate::destination::Destination;
use crate::options::{Spec, common};
use crate::telemetry::Telemetry;

/// The retry ledger of an output section, with a journal if `resume_path` is set.
#[must_use]
pub(super) fn retries<D: Destination>(
    resume_path: Option<&Path>,
    settings: &Settings,
    telemetry: &Telemetry,
) -> RetryLedger {
    let plugin = D::NAME.to_str().unwrap_or_default();
    let identity = || identity(settings, D::OPTIONS, plugin);
    RetryLedger::new(
        telemetry.clone(),
        resume_path.map(|path| (path, identity())),
    )
}

/// The identity of the journal: the version, the plugin, and the options that affect how records become
/// events. A chunk that was tried with other options is sent whole, as its events may differ.
fn identity(settings: &Settings, specs: &[Spec], plugin: &'static str) -> Identity {
    let mut context = Context::new(&SHA256);
    let mut add = |text: &str| {
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    };
    add(crate::VERSION);
    add(plugin);
    let mut keys: Vec<&str> = specs.iter().map(|spec| spec.key).collect();
    keys.sort_unstable();
    keys.retain(|key| !common::WITHOUT_EFFECT_ON_EVENTS.contains(key));
    for (key, value) in keys
        .iter()
        .filter_map(|key| Some((key, settings.option(key)?)))
    {
        add(key);
        add(&value);
    }
    let mut hash = [0; 32];
    hash.copy_from_slice(context.finish().as_ref());
    Identity { plugin, hash }
}
