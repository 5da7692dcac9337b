use super::*;

#[test]
fn the_endpoint_response_is_parsed() {
    let answer = r#"{"Cluster":"prod","TaskARN":"arn:aws:ecs:eu-west-1:123456789012:task/prod/0f9d",
        "Family":"shop","Revision":"7","AvailabilityZone":"eu-west-1a",
        "Containers":[{"DockerId":"d-1","Name":"web","Type":"NORMAL"}]}"#;
    let task: Task = serde_json::from_str(answer).unwrap();
    assert_eq!(
        (task.id(), task.family.as_str(), task.revision.as_str()),
        ("0f9d", "shop", "7")
    );
    assert_eq!(
        (task.container_id("web"), task.container_id("x")),
        (Some("d-1"), None)
    );
    let version_3: Task = serde_json::from_str(r#"{"Cluster":"c","TaskARN":"a/b"}"#).unwrap();
    assert_eq!(
        (version_3.id(), version_3.availability_zone.as_str()),
        ("b", "")
    );
}

#[test]
fn version_4_of_the_endpoint_is_preferred() {
    let both_versions = Metadata::of(|name| Some(format!("http://{name}")));
    assert_eq!(
        both_versions.shared.endpoint.uris,
        [
            "http://ECS_CONTAINER_METADATA_URI_V4",
            "http://ECS_CONTAINER_METADATA_URI"
        ]
    );
    let version_3 = Metadata::of(|name| (name == VARIABLES[1]).then(|| "http://old".into()));
    assert_eq!(version_3.shared.endpoint.uris, ["http://old"]);
    assert!(Metadata::of(|_| None).shared.endpoint.uris.is_empty());
}
