//! The values of a template's variables, for one chunk.
//!
//! A FireLens tag is `CONTAINER-firelens-TASKID`, so two of them are in every chunk's tag; the rest
//! is the instance's own or the ECS metadata's, and where there is no metadata, what FireLens has
//! written into each record. The container is the one that logged, not the
//! router's own, which is why its name never comes from the metadata.

use std::time::SystemTime;

use crate::aws::ecs_metadata::Task;
use crate::naming::template::{Source, Step, Variable};
use crate::record::chunk_reader::Record;
use crate::record::field_path;
use crate::record::msgpack::{Cursor, Token};

/// What an instance knows from its start.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The region it sends to.
    pub region: String,
    /// Text made up once.
    pub uuid: String,
}

impl Fixed {
    /// What an instance for this region knows, with a text of its own.
    #[must_use]
    pub fn new(region: &str) -> Self {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        Self {
            region: region.to_owned(),
            uuid: uuid(now.as_secs(), &mut fastrand::Rng::new()),
        }
    }
}

/// What is known while one chunk is routed.
#[derive(Clone, Copy, Debug)]
pub struct Variables<'c> {
    fixed: &'c Fixed,
    task: Option<&'c Task>,
    firelens: Option<(&'c str, &'c str)>,
}

impl<'c> Variables<'c> {
    /// Collects what is known for a chunk of this tag.
    #[must_use]
    pub fn new(fixed: &'c Fixed, task: Option<&'c Task>, tag: &'c str) -> Self {
        Self {
            fixed,
            task,
            firelens: firelens(tag),
        }
    }

    /// Whether the task is known; until then its variables are looked for in each record.
    #[must_use]
    pub fn knows_the_task(&self) -> bool {
        self.task.is_some()
    }

    /// A variable's value; an empty one is none.
    #[must_use]
    pub fn get(&self, variable: Variable) -> Option<&str> {
        let task = |value: fn(&Task) -> &str| self.task.map(value);
        let value = match variable {
            Variable::AvailabilityZone => task(|task| &task.availability_zone),
            Variable::AwsRegion => Some(self.fixed.region.as_str()),
            Variable::ContainerId => self.container_id(),
            Variable::ContainerName => self.firelens.map(|(name, _)| name),
            Variable::EcsCluster => task(|task| &task.cluster),
            Variable::EcsTaskArn => task(|task| &task.arn),
            Variable::EcsTaskFamily => task(|task| &task.family),
            Variable::EcsTaskId => task(Task::id).or(self.firelens.map(|(_, id)| id)),
            Variable::EcsTaskRevision => task(|task| &task.revision),
            Variable::Uuid => Some(self.fixed.uuid.as_str()),
        };
        value.filter(|value| !value.is_empty())
    }

    /// The logging container's, if it was there when the metadata was asked for. Docker's own log
    /// driver writes it into each record too, which is what a template looks at first.
    fn container_id(&self) -> Option<&str> {
        let (name, _) = self.firelens?;
        self.task?.container_id(name)
    }
}

/// The container and the task that a FireLens tag names; `None` for another tag.
#[must_use]
pub fn firelens(tag: &str) -> Option<(&str, &str)> {
    let (container, task) = tag.rsplit_once("-firelens-")?;
    let of_an_id = |byte: u8| byte.is_ascii_hexdigit() || byte == b'-';
    let is_id = !task.is_empty() && task.bytes().all(of_an_id);
    is_id.then_some((container, task))
}

/// What a template may ask of one record and its surroundings.
#[derive(Debug)]
pub struct Surroundings<'s> {
    /// The record.
    pub record: &'s Record<'s, 's>,
    /// Its tag.
    pub tag: &'s str,
    /// What is known besides.
    pub variables: Variables<'s>,
}

impl Source for Surroundings<'_> {
    fn tag(&self) -> &str {
        self.tag
    }

    fn time(&self) -> (i64, u32) {
        (self.record.time.seconds, self.record.time.nanos)
    }

    fn field(&self, path: &[Step], out: &mut Vec<u8>) -> bool {
        field_path::scalar(self.record, path, out)
    }

    fn variable(&self, variable: Variable) -> Option<&str> {
        let known = self.variables.get(variable);
        known.or_else(|| self.of_the_record(variable))
    }
}

impl Surroundings<'_> {
    /// What FireLens has written into the record of the task that logged it
    /// (`enable-ecs-log-metadata`), for when there is no metadata to ask.
    fn of_the_record(&self, variable: Variable) -> Option<&str> {
        let value = match variable {
            Variable::EcsCluster => self.text(b"ecs_cluster"),
            Variable::EcsTaskArn => self.text(b"ecs_task_arn"),
            Variable::EcsTaskId => self.text(b"ecs_task_arn")?.rsplit('/').next(),
            Variable::EcsTaskFamily => Some(self.definition()?.0),
            Variable::EcsTaskRevision => Some(self.definition()?.1),
            _ => None,
        };
        value.filter(|value| !value.is_empty())
    }

    /// Family and revision of the task definition.
    fn definition(&self) -> Option<(&str, &str)> {
        self.text(b"ecs_task_definition")?.rsplit_once(':')
    }

    fn text(&self, key: &[u8]) -> Option<&str> {
        match Cursor::new(self.record.value(key)?).token() {
            Ok(Token::Str(text)) => str::from_utf8(text).ok(),
            _ => None,
        }
    }
}

/// A text to tell instances apart: 27 letters and digits, beginning with the time, as a KSUID is.
#[must_use]
pub fn uuid(seconds: u64, random: &mut fastrand::Rng) -> String {
    let time = u128::from(seconds.saturating_sub(KSUID_EPOCH));
    // 62^5 is just below 2^30: the time's 32 bits fill six digits.
    let mut digits = digits::<6>(time);
    digits.extend((0..21).map(|_| DIGITS[random.usize(..DIGITS.len())]));
    digits.into_iter().map(char::from).collect()
}

fn digits<const N: usize>(mut value: u128) -> Vec<u8> {
    let mut digits = [b'0'; N];
    for digit in digits.iter_mut().rev() {
        *digit = DIGITS[(value % 62) as usize];
        value /= 62;
    }
    digits.to_vec()
}

const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// A KSUID counts its seconds from here.
const KSUID_EPOCH: u64 = 1_400_000_000;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::ecs_metadata::Container;
    use crate::record::chunk_reader::Field;
    use crate::record::timestamp::Time;

    #[test]
    fn a_firelens_tag_tells_container_and_task() {
        let fixed = Fixed {
            region: "r".into(),
            uuid: "u".into(),
        };
        let get = |tag, variable| {
            Variables::new(&fixed, None, tag)
                .get(variable)
                .map(str::to_owned)
        };
        assert_eq!(
            get("my-web-firelens-0f9d", Variable::ContainerName).as_deref(),
            Some("my-web")
        );
        assert_eq!(
            get("my-web-firelens-0f9d", Variable::EcsTaskId).as_deref(),
            Some("0f9d")
        );
        assert_eq!(get("app.log", Variable::EcsTaskId), None);
        assert_eq!(get("a-firelens-xyz", Variable::EcsTaskId), None);
        assert_eq!(get("x", Variable::Uuid).as_deref(), Some("u"));
    }

    #[test]
    fn without_metadata_the_task_is_what_firelens_wrote_into_the_record() {
        let fixed = Fixed {
            region: "r".into(),
            uuid: "u".into(),
        };
        let values = ["prod", "arn:aws:ecs:r:1:task/prod/0f9d", "shop:7"];
        let raw = values.map(|value| rmp_serde::to_vec(value).unwrap());
        let keys = ["ecs_cluster", "ecs_task_arn", "ecs_task_definition"];
        let fields: Vec<Field<'_>> = keys
            .iter()
            .zip(&raw)
            .map(|(key, value)| Field {
                key: Token::Str(key.as_bytes()),
                raw_key: &[],
                value,
            })
            .collect();
        let record = Record::alone(Time::default(), &fields);
        let known = Task {
            cluster: "known".into(),
            ..Task::default()
        };
        let get = |task, variable| {
            let variables = Variables::new(&fixed, task, "tag");
            let surroundings = Surroundings {
                record: &record,
                tag: "tag",
                variables,
            };
            surroundings.variable(variable).map(str::to_owned)
        };
        for (variable, value) in [
            (Variable::EcsCluster, "prod"),
            (Variable::EcsTaskArn, values[1]),
            (Variable::EcsTaskId, "0f9d"),
            (Variable::EcsTaskFamily, "shop"),
            (Variable::EcsTaskRevision, "7"),
        ] {
            assert_eq!(get(None, variable).as_deref(), Some(value), "{variable:?}");
        }
        assert_eq!(
            get(Some(&known), Variable::EcsCluster).as_deref(),
            Some("known")
        );
        assert_eq!(get(None, Variable::AvailabilityZone), None);
    }

    #[test]
    fn the_metadata_is_preferred_and_an_empty_value_is_none() {
        let fixed = Fixed {
            region: String::new(),
            uuid: "u".into(),
        };
        let task = Task {
            arn: "arn:aws:ecs:r:1:task/c/id".into(),
            containers: vec![Container {
                docker_id: "d-1".into(),
                name: "a".into(),
            }],
            ..Task::default()
        };
        let variables = Variables::new(&fixed, Some(&task), "a-firelens-0f");
        assert_eq!(variables.get(Variable::ContainerId), Some("d-1"));
        assert_eq!(variables.get(Variable::EcsTaskId), Some("id"));
        assert_eq!(variables.get(Variable::EcsTaskFamily), None);
        assert_eq!(variables.get(Variable::AwsRegion), None);
    }

    #[test]
    fn uuids_are_27_letters_and_digits_that_sort_by_time() {
        let mut random = fastrand::Rng::with_seed(7);
        let (early, late) = (
            uuid(1_700_000_000, &mut random),
            uuid(1_700_000_001, &mut random),
        );
        assert_eq!((early.len(), early < late), (27, true));
        assert!(early.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
