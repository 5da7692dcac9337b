//! The region when neither an option nor the environment has it: the profile's, the task's, the
//! instance's.

use std::time::Duration;

use aws_config::imds::region::ImdsRegionProvider;
use aws_config::meta::region::ProvideRegion;
use aws_config::profile::ProfileFileRegionProvider;
use aws_config::provider_config::ProviderConfig;
use tokio::time::timeout;

use super::{Settings, deadline};
use crate::ecs::Metadata;
use crate::instance;

/// The region of an instance.
///
/// # Errors
///
/// Where it was looked for in vain.
pub(super) async fn find(settings: &Settings) -> Result<String, String> {
    if let Some(region) = &settings.region {
        return Ok(region.clone());
    }
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
    let instance = timeout(deadline::limit(LIMIT), instance.region()).await;
    instance.ok().flatten().map(|region| region.to_string()).ok_or_else(|| {
        format!(
            "no region: set `region`, or AWS_REGION in the environment ({why}; EC2 instance metadata did not tell it either)"
        )
    })
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
    let metadata = Metadata::of(instance::environment);
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

/// The provider itself gives up after as long; it would then have tried several times.
const LIMIT: Duration = Duration::from_secs(5);
