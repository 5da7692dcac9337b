//! `add_entity`: the entity of the service that logged a record, from the record's Kubernetes metadata.
//!
//! The fields are those of the C plugin. The entity is sent once per request, separately from the events,
//! and its source keys (`aws_entity…`) are removed from the message. Records with different entities are
//! sent in different requests.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::naming::template::Step;
use crate::record::chunk_reader::{Field, Record};
use crate::record::field_path;
use crate::record::msgpack::{Cursor, Token};

/// Reads entities from records.
#[derive(Debug)]
pub struct Entities {
    fields: Vec<(Part, Vec<Step>)>,
}

/// A field of an entity.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Part {
    Account,
    Cluster,
    Environment,
    Instance,
    Name,
    NameSource,
    Namespace,
    Node,
    Platform,
    Workload,
}

type Found = BTreeMap<Part, String>;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Entity<'f> {
    key_attributes: BTreeMap<&'static str, &'f str>,
    attributes: BTreeMap<&'static str, &'f str>,
}

impl Default for Entities {
    fn default() -> Self {
        let step = |key: &str| Step::Key(key.into());
        let path = |key: &str| match key.split_once('.') {
            Some((parent, key)) => vec![step(parent), step(key)],
            None => vec![step(key)],
        };
        Self {
            fields: PATHS
                .into_iter()
                .map(|(source, key)| (source, path(key)))
                .collect(),
        }
    }
}

impl Entities {
    /// Appends a record's entity as JSON. Appends nothing if required fields are missing.
    pub(super) fn append(&self, record: &Record<'_, '_>, out: &mut Vec<u8>) {
        let mut found = self.found(record);
        complete(&mut found);
        let get = |source| found.get(&source).map(String::as_str);
        let (Some(name), Some(account)) = (get(Part::Name), get(Part::Account)) else {
            return;
        };
        let mut key_attributes = BTreeMap::from([
            ("Type", "BatchSink"),
            ("Name", name),
            ("AwsAccountId", account),
        ]);
        key_attributes.extend(get(Part::Environment).map(|value| ("Environment", value)));
        let attributes = attributes(&found);
        let entity = Entity {
            key_attributes,
            attributes,
        };
        out.extend(serde_json::to_vec(&entity).unwrap_or_default());
    }

    fn found(&self, record: &Record<'_, '_>) -> Found {
        let value = |path: &[Step]| {
            let mut text = Vec::new();
            field_path::scalar(record, path, &mut text);
            let text = String::from_utf8_lossy(&text);
            text.chars().take(MAX_CHARACTERS).collect::<String>()
        };
        let is_map = |raw| matches!(Cursor::new(raw).token(), Ok(Token::Map(_)));
        let nested = record.value(KUBERNETES).is_some_and(is_map);
        let fields = self.fields.iter();
        fields
            .filter(|(_, path)| nested || path.len() == 1)
            .map(|(source, path)| (*source, value(path)))
            .filter(|(_, value)| !value.is_empty())
            .collect()
    }
}

/// Adds the fields that follow from other fields.
fn complete(found: &mut Found) {
    let has = |found: &Found, source| found.contains_key(&source);
    if !has(found, Part::Name)
        && !has(found, Part::NameSource)
        && let Some(workload) = found.get(&Part::Workload).cloned()
    {
        found.insert(Part::Name, workload);
        found.insert(Part::NameSource, "K8sWorkload".into());
    }
    if !has(found, Part::Environment)
        && let (Some(platform), Some(cluster), Some(namespace)) = (
            found.get(&Part::Platform),
            found.get(&Part::Cluster),
            found.get(&Part::Namespace),
        )
    {
        let environment = format!("{platform}:{cluster}/{namespace}");
        found.insert(Part::Environment, environment);
    }
}

fn attributes(found: &Found) -> BTreeMap<&'static str, &str> {
    let (platform, cluster) = match found.get(&Part::Platform).map(String::as_str) {
        Some("eks") => ("AWS::EKS", Some("EKS.Cluster")),
        Some("k8s") => ("K8s", Some("K8s.Cluster")),
        _ => ("Generic", None),
    };
    let named = [
        (cluster, Part::Cluster),
        (Some("K8s.Namespace"), Part::Namespace),
        (Some("K8s.Node"), Part::Node),
        (Some("K8s.Workload"), Part::Workload),
        (Some("EC2.InstanceId"), Part::Instance),
        (Some("AWS.ServiceNameSource"), Part::NameSource),
    ];
    let known = named
        .into_iter()
        .filter_map(|(name, source)| Some((name?, found.get(&source)?.as_str())));
    known.chain([("PlatformType", platform)]).collect()
}

/// A record's members without those of the entity. `buffer` holds a map that had to be rewritten.
pub(super) fn without_entity<'r>(fields: &[Field<'r>], buffer: &'r mut Vec<u8>) -> Vec<Field<'r>> {
    let kubernetes = fields.iter().rev().find(|field| field.is(KUBERNETES));
    let is_rewritten = kubernetes.is_some_and(|field| rewrite(field.value, buffer));
    let buffer: &'r [u8] = buffer;
    let kept = fields.iter().filter(|field| !is_entity_field(field));
    kept.map(|field| Field {
        value: if is_rewritten && field.is(KUBERNETES) {
            buffer
        } else {
            field.value
        },
        ..*field
    })
    .collect()
}

/// Writes a map without the members of the entity. Returns `false` if it has none.
fn rewrite(map: &[u8], out: &mut Vec<u8>) -> bool {
    let mut cursor = Cursor::new(map);
    let Ok(Token::Map(count)) = cursor.token() else {
        return false;
    };
    let members: Vec<Field<'_>> = (0..count)
        .map_while(|_| Field::read(&mut cursor).ok())
        .collect();
    let kept: Vec<_> = members
        .iter()
        .filter(|field| !is_entity_field(field))
        .collect();
    if kept.len() == members.len() {
        return false;
    }
    out.push(MAP_32);
    out.extend(u32::try_from(kept.len()).unwrap_or(u32::MAX).to_be_bytes());
    for field in kept {
        out.extend_from_slice(field.raw_key);
        out.extend_from_slice(field.value);
    }
    true
}

pub(super) fn is_entity_field(field: &Field<'_>) -> bool {
    matches!(field.key, Token::Str(key) | Token::Bin(key) if key.starts_with(PREFIX))
}

const PATHS: [(Part, &str); 10] = [
    (Part::Account, "aws_entity_account_id"),
    (Part::Cluster, "kubernetes.aws_entity_cluster"),
    (Part::Environment, "kubernetes.aws_entity_environment"),
    (Part::Instance, "aws_entity_ec2_instance_id"),
    (Part::Name, "kubernetes.aws_entity_service_name"),
    (Part::NameSource, "kubernetes.aws_entity_name_source"),
    (Part::Namespace, "kubernetes.namespace_name"),
    (Part::Node, "kubernetes.host"),
    (Part::Platform, "kubernetes.aws_entity_platform"),
    (Part::Workload, "kubernetes.aws_entity_workload"),
];
pub(super) const KUBERNETES: &[u8] = b"kubernetes";
const PREFIX: &[u8] = b"aws_entity";
/// The first byte of a MessagePack map with a count of four bytes.
const MAP_32: u8 = 0xdf;
/// Maximum length of a value: <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_Entity.html>
const MAX_CHARACTERS: usize = 512;

#[cfg(test)]
mod tests {
    use rmp_serde::to_vec;
    use serde_json::{Value, json};

    use super::*;
    use crate::json::Json;
    use crate::json::escape::Depth;
    use crate::record::timestamp::Time;

    fn with_record<T>(record: &Value, act: impl FnOnce(&Record<'_, '_>) -> T) -> T {
        let bytes = to_vec(record).unwrap();
        let mut cursor = Cursor::new(&bytes);
        let Ok(Token::Map(count)) = cursor.token() else {
            unreachable!("a map was written")
        };
        let fields: Vec<_> = (0..count)
            .map(|_| Field::read(&mut cursor).unwrap())
            .collect();
        act(&Record::alone(Time::default(), &fields))
    }

    fn entity(record: &Value) -> Option<Value> {
        let mut out = Vec::new();
        with_record(record, |record| {
            Entities::default().append(record, &mut out)
        });
        serde_json::from_slice(&out).ok()
    }

    #[test]
    fn every_field_of_the_c_plugin_is_read() {
        let found = entity(&json!({
            "aws_entity_account_id": "123456789012",
            "aws_entity_ec2_instance_id": "i-1",
            "kubernetes": {
                "aws_entity_service_name": "shop",
                "aws_entity_environment": "prod",
                "namespace_name": "web",
                "host": "node-1",
                "aws_entity_cluster": "c",
                "aws_entity_workload": "deploy",
                "aws_entity_name_source": "Instrumentation",
                "aws_entity_platform": "eks",
            },
        }));
        assert_eq!(
            found,
            Some(json!({
                "keyAttributes": {
                    "Type": "BatchSink", "Name": "shop", "Environment": "prod",
                    "AwsAccountId": "123456789012",
                },
                "attributes": {
                    "PlatformType": "AWS::EKS", "EKS.Cluster": "c", "K8s.Namespace": "web",
                    "K8s.Node": "node-1", "K8s.Workload": "deploy", "EC2.InstanceId": "i-1",
                    "AWS.ServiceNameSource": "Instrumentation",
                },
            }))
        );
    }

    #[test]
    fn missing_names_are_derived_from_workload_and_cluster() {
        let found = entity(&json!({
            "aws_entity_account_id": "1",
            "kubernetes": {
                "namespace_name": "web", "aws_entity_cluster": "c",
                "aws_entity_workload": "deploy \"x\"", "aws_entity_platform": "k8s",
            },
        }))
        .unwrap();
        assert_eq!(found["keyAttributes"]["Name"], "deploy \"x\"");
        assert_eq!(found["keyAttributes"]["Environment"], "k8s:c/web");
        assert_eq!(found["attributes"]["AWS.ServiceNameSource"], "K8sWorkload");
        assert_eq!(found["attributes"]["K8s.Cluster"], "c");
    }

    #[test]
    fn no_entity_without_its_required_fields() {
        assert_eq!(
            entity(&json!({"kubernetes": {"aws_entity_service_name": "shop"}})),
            None
        );
        assert_eq!(
            entity(&json!({"aws_entity_account_id": "1", "log": "x"})),
            None
        );
        assert_eq!(
            entity(&json!({"aws_entity_account_id": "1", "kubernetes": 7})),
            None
        );
    }

    #[test]
    fn entity_keys_are_removed_from_the_message() {
        let record = json!({
            "aws_entity_account_id": "1", "log": "x", "aws_entity_more": 2,
            "kubernetes": {"host": "n", "aws_entity_cluster": "c", "labels": {"aws_entity_x": 1}},
        });
        let mut out = Vec::new();
        with_record(&record, |record| {
            let mut buffer = Vec::new();
            let kept = without_entity(record.fields, &mut buffer);
            Json::new(Depth::Once).record(&Record::alone(record.time, &kept), &mut out);
        });
        let written: Value = serde_json::from_slice(&out).unwrap();
        assert_eq!(
            written,
            json!({"log": "x", "kubernetes": {"host": "n", "labels": {"aws_entity_x": 1}}})
        );
    }
}
