//! The region when neither an option nor the environment has it: the profile's, the task's, the
//! instance's.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use once_cell::sync::Lazy;
use tokio::time::timeout;

use super::deadline;
use super::http::Network;
use crate::aws::ecs_metadata::Metadata;
use crate::aws::session::Settings;
use crate::aws::single_flight::SingleFlight;
use crate::options::env::environment;

/// The region of an instance.
///
/// Sections that have to look for it, and would look in the same places, share one look-up.
///
/// # Errors
///
/// Where it was looked for in vain.
pub(crate) async fn find(settings: &Settings) -> Result<String, String> {
    if let Some(region) = &settings.region {
        return Ok(region.clone());
    }
    let inquiry = inquiry(settings);
    let settings = settings.clone();
    let answer = inquiry.ask(|| async move { look_up(&settings).await });
    let limit = deadline::limit(LONGEST);
    timeout(limit, answer).await.unwrap_or_else(|_| {
        let seconds = limit.as_secs_f64();
        Err(format!("{NO_REGION} (no answer in {seconds:.1} s)"))
    })
}

/// The look-up of these settings. It is kept for the life of the process, as no section can hold
/// it: there is one for each profile that a configuration names.
fn inquiry(settings: &Settings) -> Arc<SingleFlight<String>> {
    let key = (settings.identity.profile.clone(), settings.network.clone());
    let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || Arc::new(SingleFlight::new(LEAST_PAUSE, MOST_PAUSE));
    known.entry(key).or_insert_with(new).clone()
}

async fn look_up(settings: &Settings) -> Result<String, String> {
    let client = settings.network.client();
    let config = ProviderConfig::without_region().with_http_client(client);
    if let Some(region) = of_profile(settings, &config).await {
        return Ok(region);
    }
    let why = match of_task().await {
        Ok(region) => return Ok(region),
        Err(why) => why,
    };
    let instance = ImdsRegionProvider::builder().configure(&config).build();
    let instance = timeout(LIMIT, instance.region()).await;
    let instance = instance.ok().flatten().map(|region| region.to_string());
    instance
        .ok_or_else(|| format!("{NO_REGION} ({why}; EC2 instance metadata did not tell it either)"))
}

async fn of_profile(settings: &Settings, config: &ProviderConfig) -> Option<String> {
    let mut profile = ProfileFileRegionProvider::builder().configure(config);
    if let Some(name) = &settings.identity.profile {
        profile = profile.profile_name(name);
    }
    let region = profile.build().region().await;
    region.map(|region| region.to_string())
}

/// A task's ARN has its region: `arn:aws:ecs:eu-west-1:…`.
async fn of_task() -> Result<String, String> {
    let metadata = Metadata::of(environment);
    let task = metadata.task().await?;
    let region = task
        .arn
        .split(':')
        .nth(3)
        .filter(|region| !region.is_empty());
    region
        .map(str::to_owned)
        .ok_or_else(|| format!("the ECS task's ARN `{}` has no region", task.arn))
}

/// Where a region is looked for: the profile, and the way to the instance metadata.
type Place = (Option<String>, Network);

static KNOWN: Lazy<Mutex<HashMap<Place, Arc<SingleFlight<String>>>>> = Lazy::new(Mutex::default);

const NO_REGION: &str = "no region: set `region`, or AWS_REGION in the environment";
/// The whole look-up; each of its parts ends earlier by itself.
const LONGEST: Duration = Duration::from_secs(10);
/// The pauses between look-ups that fail.
const LEAST_PAUSE: Duration = Duration::from_millis(500);
const MOST_PAUSE: Duration = Duration::from_secs(2);
/// The provider itself gives up after as long; it would then have tried several times.
const LIMIT: Duration = Duration::from_secs(5);
