//! The task's metadata, as the variables that AWS's init images export.

use std::env;
use std::thread;
use std::time::{Duration, Instant};

use serde::Deserialize;

use crate::http;

/// What the task metadata endpoint, version 4, says of the task.
///
/// Source: "Amazon ECS task metadata endpoint version 4", response of `/task`.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct Metadata {
    cluster: String,
    #[serde(rename = "TaskARN")]
    task_arn: String,
    family: String,
    revision: String,
    launch_type: String,
    availability_zone: String,
}

impl Metadata {
    /// Asks the endpoint, again for some seconds where it does not answer: at a task's start it may
    /// come later than the containers. Outside of a task there is none, and a line says so.
    ///
    /// # Errors
    ///
    /// That there is an endpoint, and no answer of it: the variables would be empty for good.
    pub fn ask() -> Result<Self, String> {
        let Ok(base) = env::var(ENDPOINT) else {
            println!("log router: init has no metadata of the task: {ENDPOINT} is not set");
            return Ok(Self::default());
        };
        let began = Instant::now();
        let mut pause = FIRST_PAUSE;
        loop {
            let problem = match asked(&base) {
                Ok(metadata) => return Ok(metadata),
                Err(problem) => problem,
            };
            if began.elapsed() + pause > LONGEST {
                let seconds = began.elapsed().as_secs();
                return Err(format!(
                    "the task's metadata ({ENDPOINT}) could not be read for {seconds} s: {problem}"
                ));
            }
            println!("log router: init has no metadata of the task yet, and asks again: {problem}");
            thread::sleep(pause);
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// The task's region.
    #[must_use]
    pub fn region(&self) -> Option<&str> {
        self.task_arn
            .split(':')
            .nth(3)
            .filter(|region| !region.is_empty())
    }

    /// Each variable and its value, where there is one and the environment has none yet.
    #[must_use]
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        self.all(|name| env::var_os(name).is_some_and(|value| !value.is_empty()))
    }

    fn all(&self, is_set: impl Fn(&str) -> bool) -> Vec<(&'static str, String)> {
        let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
        let definition = match self.family.is_empty() || self.revision.is_empty() {
            true => String::new(),
            false => format!("{}:{}", self.family, self.revision),
        };
        let all = [
            ("FLB_AWS_USER_AGENT", "ecs-init".to_owned()),
            ("AWS_REGION", self.region().unwrap_or_default().to_owned()),
            ("AWS_AVAILABILITY_ZONE", self.availability_zone.clone()),
            ("ECS_CLUSTER", last(&self.cluster)),
            ("ECS_TASK_ARN", self.task_arn.clone()),
            ("ECS_TASK_ID", last(&self.task_arn)),
            ("ECS_FAMILY", self.family.clone()),
            ("ECS_LAUNCH_TYPE", self.launch_type.clone()),
            ("ECS_REVISION", self.revision.clone()),
            ("ECS_TASK_DEFINITION", definition),
        ];
        let new = all
            .into_iter()
            .filter(|(name, value)| !value.is_empty() && !is_set(name));
        new.collect()
    }
}

fn asked(base: &str) -> Result<Metadata, String> {
    let (authority, path) =
        http::parts(base).ok_or_else(|| format!("`{base}` is no address of HTTP"))?;
    let text = http::get(authority, &format!("{path}/task"), PATIENCE);
    let text = text.map_err(|problem| problem.text().to_owned())?;
    serde_json::from_str(&text).map_err(|problem| format!("{base}/task: {problem}"))
}

const ENDPOINT: &str = "ECS_CONTAINER_METADATA_URI_V4";
/// For one question: the endpoint is on the task's own machine.
const PATIENCE: Duration = Duration::from_secs(5);
/// For all questions.
const LONGEST: Duration = Duration::from_secs(20);
const FIRST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

#[cfg(test)]
mod tests {
    use super::*;

    const TASK: &str = r#"{
        "Cluster": "arn:aws:ecs:eu-west-1:123456789012:cluster/prod",
        "TaskARN": "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f9d",
        "Family": "shop", "Revision": "7", "LaunchType": "FARGATE", "AvailabilityZone": "eu-west-1b",
        "Containers": []
    }"#;

    #[test]
    fn each_variable_has_the_value_of_awss_init() {
        let metadata: Metadata = serde_json::from_str(TASK).unwrap();
        let expected = [
            ("FLB_AWS_USER_AGENT", "ecs-init"),
            ("AWS_REGION", "eu-west-1"),
            ("AWS_AVAILABILITY_ZONE", "eu-west-1b"),
            ("ECS_CLUSTER", "prod"),
            (
                "ECS_TASK_ARN",
                "arn:aws:ecs:eu-west-1:123456789012:task/prod/0f9d",
            ),
            ("ECS_TASK_ID", "0f9d"),
            ("ECS_FAMILY", "shop"),
            ("ECS_LAUNCH_TYPE", "FARGATE"),
            ("ECS_REVISION", "7"),
            ("ECS_TASK_DEFINITION", "shop:7"),
        ];
        let expected = expected.map(|(name, value)| (name, value.to_owned()));
        assert_eq!(metadata.all(|_| false), expected);
    }

    #[test]
    fn a_variable_that_is_set_stays() {
        let metadata: Metadata = serde_json::from_str(TASK).unwrap();
        let names: Vec<_> = metadata.all(|name| name.starts_with("ECS_"));
        assert_eq!(names.len(), 3);
    }

    #[test]
    fn without_metadata_there_is_only_the_user_agent() {
        let variables = Metadata::default().all(|_| false);
        assert_eq!(variables, [("FLB_AWS_USER_AGENT", "ecs-init".to_owned())]);
        assert_eq!(Metadata::default().region(), None);
    }
}
