//! The metadata endpoints of a task or an instance: container credentials, ECS task metadata, IMDSv2.

use std::collections::BTreeMap;

use hyper::http::Method;
use hyper::http::request::Parts;
use serde_json::{Value, json};

use super::answer::Answer;
use super::clock::iso8601;
use super::keys::Issued;
use super::service::{Service, locked};

/// What the task metadata endpoint says.
#[derive(Clone, Debug)]
pub struct Task {
    /// Cluster: its short name or its ARN, as ECS gives either.
    pub cluster: String,
    /// ARN of the task.
    pub task_arn: String,
    /// Family of the task definition.
    pub family: String,
    /// Revision of the task definition.
    pub revision: String,
    /// Availability zone.
    pub availability_zone: String,
    /// Names of the containers; the first is the one that asks.
    pub containers: Vec<String>,
}

/// One document of a metadata endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Document {
    EcsCredentials,
    EcsTask,
    EcsContainer,
    ImdsToken,
    ImdsRole,
    ImdsCredentials(String),
    ImdsRegion,
    ImdsZone,
}

/// Session tokens of IMDSv2 and when they expire, in milliseconds of the Unix epoch.
#[derive(Debug, Default)]
pub(super) struct ImdsTokens {
    expiries: BTreeMap<String, i64>,
}

impl Document {
    pub(super) fn at(method: &Method, path: &str) -> Option<Self> {
        if path == "/latest/api/token" {
            return (method == Method::PUT).then_some(Self::ImdsToken);
        }
        let below = path.strip_prefix("/latest/meta-data/");
        match (path, below) {
            ("/creds", _) => Some(Self::EcsCredentials),
            (_, Some("placement/region")) => Some(Self::ImdsRegion),
            (_, Some("placement/availability-zone")) => Some(Self::ImdsZone),
            (_, Some(below)) => match below.strip_prefix("iam/security-credentials/")? {
                "" => Some(Self::ImdsRole),
                role => Some(Self::ImdsCredentials(role.to_owned())),
            },
            _ => Self::ecs(path),
        }
    }

    /// `/v3/<container>` and `/v4/<container>`, each with `/task` below it.
    fn ecs(path: &str) -> Option<Self> {
        let container = path
            .strip_prefix("/v3/")
            .or_else(|| path.strip_prefix("/v4/"))?;
        match container.split_once('/') {
            None => Some(Self::EcsContainer),
            Some((_, "task")) => Some(Self::EcsTask),
            Some(_) => None,
        }
    }

    pub(super) fn operation(&self) -> &'static str {
        match self {
            Self::EcsCredentials => "EcsCredentials",
            Self::EcsTask => "EcsTask",
            Self::EcsContainer => "EcsContainer",
            Self::ImdsToken => "ImdsToken",
            Self::ImdsRole => "ImdsRole",
            Self::ImdsCredentials(_) => "ImdsCredentials",
            Self::ImdsRegion => "ImdsRegion",
            Self::ImdsZone => "ImdsZone",
        }
    }

    pub(super) fn answer(&self, service: &Service, head: &Parts) -> Answer {
        let task = &service.settings.task;
        match self {
            Self::EcsCredentials => container_credentials(service, head),
            Self::EcsTask => document(&task.task()),
            Self::EcsContainer => document(&task.container(&task.containers[0])),
            Self::ImdsToken => locked(&service.imds_tokens).issued(head, service.clock.now_ms()),
            _ if !locked(&service.imds_tokens).admit(head, service.clock.now_ms()) => {
                Answer::refused(401)
            }
            Self::ImdsRole => Answer::text(&service.settings.role),
            Self::ImdsCredentials(role) if *role == service.settings.role => {
                instance_credentials(service)
            }
            Self::ImdsCredentials(_) => Answer::refused(404),
            Self::ImdsRegion => Answer::text(&service.settings.region),
            Self::ImdsZone => Answer::text(&task.availability_zone),
        }
    }
}

impl ImdsTokens {
    /// Instance metadata guide: a lifetime of 1 to 21,600 seconds must be asked for.
    fn issued(&mut self, head: &Parts, now_ms: i64) -> Answer {
        let lifetime: Option<i64> =
            header(head, "x-aws-ec2-metadata-token-ttl-seconds").and_then(|text| text.parse().ok());
        let Some(seconds) = lifetime.filter(|seconds| (1..=21_600).contains(seconds)) else {
            return Answer::refused(400);
        };
        let token = format!("imds-token-{}", self.expiries.len() + 1);
        self.expiries.insert(token.clone(), now_ms + seconds * 1000);
        let mut answer = Answer::text(token);
        let name = "x-aws-ec2-metadata-token-ttl-seconds".to_owned();
        answer.headers.push((name, seconds.to_string()));
        answer
    }

    fn admit(&self, head: &Parts, now_ms: i64) -> bool {
        let expiry =
            header(head, "x-aws-ec2-metadata-token").and_then(|token| self.expiries.get(token));
        expiry.is_some_and(|expiry| now_ms < *expiry)
    }
}

impl Task {
    fn task(&self) -> Value {
        let containers: Vec<_> = self
            .containers
            .iter()
            .map(|name| self.container(name))
            .collect();
        json!({
            "Cluster": self.cluster,
            "TaskARN": self.task_arn,
            "Family": self.family,
            "Revision": self.revision,
            "DesiredStatus": "RUNNING",
            "KnownStatus": "RUNNING",
            "AvailabilityZone": self.availability_zone,
            "LaunchType": "FARGATE",
            "Containers": containers,
        })
    }

    fn container(&self, name: &str) -> Value {
        let id = self.task_arn.rsplit('/').next().unwrap_or_default();
        json!({
            "DockerId": format!("{id}-{name}"),
            "Name": name,
            "DockerName": format!("ecs-{}-{}-{name}", self.family, self.revision),
            "Labels": {
                "com.amazonaws.ecs.cluster": self.cluster,
                "com.amazonaws.ecs.container-name": name,
                "com.amazonaws.ecs.task-arn": self.task_arn,
                "com.amazonaws.ecs.task-definition-family": self.family,
                "com.amazonaws.ecs.task-definition-version": self.revision,
            },
            "DesiredStatus": "RUNNING",
            "KnownStatus": "RUNNING",
            "Type": "NORMAL",
        })
    }
}

impl Default for Task {
    fn default() -> Self {
        let arn = "arn:aws:ecs:us-east-1:123456789012";
        Self {
            cluster: format!("{arn}:cluster/demo"),
            task_arn: format!("{arn}:task/demo/0123456789abcdef0123456789abcdef"),
            family: "shop".to_owned(),
            revision: "7".to_owned(),
            availability_zone: "us-east-1a".to_owned(),
            containers: ["log_router", "web", "worker"].map(str::to_owned).to_vec(),
        }
    }
}

fn container_credentials(service: &Service, head: &Parts) -> Answer {
    let wanted = service.settings.credentials_token.as_deref();
    if wanted.is_some_and(|token| header(head, "authorization") != Some(token)) {
        return Answer::refused(401);
    }
    let issued = issue(service);
    let mut credentials = pair(&issued);
    credentials["RoleArn"] = "arn:aws:iam::123456789012:role/task".into();
    document(&credentials)
}

fn instance_credentials(service: &Service) -> Answer {
    let mut credentials = pair(&issue(service));
    credentials["Code"] = "Success".into();
    credentials["Type"] = "AWS-HMAC".into();
    credentials["LastUpdated"] = iso8601(service.clock.now_ms()).into();
    document(&credentials)
}

fn issue(service: &Service) -> Issued {
    let lifetime =
        i64::try_from(service.settings.credentials_lifetime.as_millis()).unwrap_or(i64::MAX / 2);
    locked(&service.keys).issue(service.clock.now_ms() + lifetime)
}

fn pair(issued: &Issued) -> Value {
    json!({
        "AccessKeyId": issued.id,
        "SecretAccessKey": issued.secret,
        "Token": issued.token,
        "Expiration": iso8601(issued.expires_ms),
    })
}

fn document(value: &Value) -> Answer {
    Answer::of("application/json", value.to_string().into_bytes())
}

fn header<'a>(head: &'a Parts, name: &str) -> Option<&'a str> {
    head.headers.get(name)?.to_str().ok()
}
