//! The region when neither an option nor the environment sets it: from the profile, the ECS task or
//! the EC2 instance, in this order.

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

/// Returns the region of an output instance.
///
/// Instances that search the same sources share one search.
///
/// # Errors
///
/// When no source has a region. The text names the sources.
pub(crate) async fn find(settings: &Settings) -> Result<String, String> {
    if let Some(region) = &settings.region {
        return Ok(region.clone());
    }
    let search = search(settings);
    let settings = settings.clone();
    let answer = search.ask(|| async move { look_up(&settings).await });
    let limit = deadline::limit(SEARCH_TIMEOUT);
    timeout(limit, answer).await.unwrap_or_else(|_| {
        let seconds = limit.as_secs_f64();
        Err(format!("{NO_REGION} (no answer in {seconds:.1} s)"))
    })
}

/// The search for these settings. Searches are never dropped; there is one for each profile and
/// network configuration.
fn search(settings: &Settings) -> Arc<SingleFlight<String>> {
    let key = (settings.identity.profile.clone(), settings.network.clone());
    let mut searches = SEARCHES.lock().unwrap_or_else(PoisonError::into_inner);
    let new = || Arc::new(SingleFlight::new(MIN_PAUSE, MAX_PAUSE));
    searches.entry(key).or_insert_with(new).clone()
}

async fn look_up(settings: &Settings) -> Result<String, String> {
    let client = settings.network.client();
    let config = ProviderConfig::without_region().with_http_client(client);
    if let Some(region) = from_profile(settings, &config).await {
        return Ok(region);
    }
    let why = match from_task().await {
        Ok(region) => return Ok(region),
        Err(why) => why,
    };
    let instance = ImdsRegionProvider::builder().configure(&config).build();
    let instance = timeout(IMDS_TIMEOUT, instance.region()).await;
    let instance = instance.ok().flatten().map(|region| region.to_string());
    instance
        .ok_or_else(|| format!("{NO_REGION} ({why}; EC2 instance metadata did not tell it either)"))
}

async fn from_profile(settings: &Settings, config: &ProviderConfig) -> Option<String> {
    let mut profile = ProfileFileRegionProvider::builder().configure(config);
    if let Some(name) = &settings.identity.profile {
        profile = profile.profile_name(name);
    }
    let region = profile.build().region().await;
    region.map(|region| region.to_string())
}

/// The region of the ECS task, from its ARN: `arn:aws:ecs:eu-west-1:…`.
async fn from_task() -> Result<String, String> {
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

/// The sources of a region: the profile, and the network to the instance metadata.
type Sources = (Option<String>, Network);

static SEARCHES: Lazy<Mutex<HashMap<Sources, Arc<SingleFlight<String>>>>> =
    Lazy::new(Mutex::default);

const NO_REGION: &str = "no region: set `region`, or AWS_REGION in the environment";
/// Timeout of the whole search; each source has a shorter timeout.
const SEARCH_TIMEOUT: Duration = Duration::from_secs(10);
/// The first and the longest pause between failed searches.
const MIN_PAUSE: Duration = Duration::from_millis(500);
const MAX_PAUSE: Duration = Duration::from_secs(2);
/// Timeout of EC2 instance metadata, as long as the SDK provider's own; it retries within this time.
const IMDS_TIMEOUT: Duration = Duration::from_secs(5);
