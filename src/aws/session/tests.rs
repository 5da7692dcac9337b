use super::*;
use crate::cloudwatch::options::OPTIONS;

fn read(set: &[(&str, &str)], environment: &[(&str, &str)]) -> (Settings, Vec<String>) {
    let find = |set: &[(&str, &str)], key: &str| {
        set.iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| (*value).to_owned())
    };
    let reader = Reader::new(OPTIONS, |key| find(set, key));
    let settings = Settings::read(&reader, |key| find(environment, key));
    (settings, reader.problems())
}

#[test]
fn the_region_comes_from_the_option_then_the_environment() {
    let environment = [("AWS_REGION", "b"), ("AWS_DEFAULT_REGION", "c")];
    let region = |set, environment| read(set, environment).0.region;
    assert_eq!(region(&[("region", "a")], &environment).unwrap(), "a");
    assert_eq!(region(&[], &environment).unwrap(), "b");
    assert_eq!(region(&[], &environment[1..]).unwrap(), "c");
    assert_eq!(region(&[], &[]), None);
}

#[test]
fn the_scheme_of_an_endpoint_defaults_to_https() {
    for (value, expected) in [
        ("logs.example.com", "https://logs.example.com"),
        ("https://logs.example.com/", "https://logs.example.com"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("host:8443/path", "https://host:8443/path"),
    ] {
        let (settings, problems) = read(&[("region", "a"), ("endpoint", value)], &[]);
        assert_eq!(settings.endpoint.as_deref(), Some(expected));
        assert!(problems.is_empty());
    }
    for value in ["https://", "ftp://host", "http://a b", "/path"] {
        assert_eq!(
            read(&[("region", "a"), ("endpoint", value)], &[]).1.len(),
            1,
            "{value}"
        );
    }
}

#[test]
fn an_unusable_ca_bundle_is_a_problem_that_names_the_file() {
    for (path, error) in [
        ("/nowhere/ca.pem", "cannot be read"),
        (
            concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"),
            "no certificate",
        ),
    ] {
        let problems = read(&[("region", "a")], &[("AWS_CA_BUNDLE", path)]).1;
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(
            problems[0].contains(path) && problems[0].contains(error),
            "{problems:?}"
        );
    }
}

#[test]
fn an_unusable_proxy_is_a_problem_that_names_the_variable() {
    let problems = read(
        &[("region", "a")],
        &[("https_proxy", "socks5://proxy:1080")],
    )
    .1;
    assert_eq!(problems.len(), 1);
    assert!(problems[0].starts_with("https_proxy"), "{problems:?}");
}

#[test]
fn characters_not_allowed_in_extra_user_agent_become_dashes() {
    let name = format!("aws-fluent-bit-plugin-{VERSION}");
    assert_eq!(app_name(None).as_ref(), name);
    assert_eq!(
        app_name(Some("my app/1")).as_ref(),
        format!("{name}-my-app-1")
    );
}
