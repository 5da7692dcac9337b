//! Roles that are assumed with base credentials.

use crate::child::Case;
use crate::{KEYS, aws};

const SHOP: &str = "arn:aws:iam::123456789012:role/shop";
const POD: &str = "arn:aws:iam::123456789012:role/pod";

#[test]
fn a_role_is_assumed_and_the_endpoint_is_used() {
    let aws = aws();
    let outcome = Case::new(&aws.url())
        .set_all(&KEYS)
        .option("role_arn", SHOP)
        .option("external_id", "a b&c")
        .option("sts_endpoint", &aws.url())
        .run();
    let line = outcome.delivered();
    assert!(
        line.contains(SHOP) && line.contains("credentials from environment"),
        "{line}"
    );
    let role = &aws.assumed_roles()[0];
    assert_eq!(role.role_arn, SHOP);
    assert_eq!(role.external_id.as_deref(), Some("a b&c"));
    assert_eq!(role.session_name, "fluent-bit");
    assert_eq!(aws.events("g", "s").len(), 1);
}

#[test]
fn the_pods_role_comes_before_the_options() {
    let aws = aws();
    let outcome = Case::new(&aws.url())
        .set_all(&KEYS)
        .set("EKS_POD_EXECUTION_ROLE", POD)
        .option("role_arn", SHOP)
        .option("external_id", "x")
        .option("sts_endpoint", &aws.url())
        .run();
    outcome.delivered();
    let roles = aws.assumed_roles();
    let roles: Vec<_> = roles
        .iter()
        .map(|role| (role.role_arn.as_str(), role.external_id.as_deref()))
        .collect();
    assert_eq!(roles, [(POD, None), (SHOP, Some("x"))]);
}

#[test]
fn outputs_of_one_role_assume_it_once() {
    let aws = aws();
    let outcome = Case::new(&aws.url())
        .set_all(&KEYS)
        .option("role_arn", SHOP)
        .option("sts_endpoint", &aws.url())
        .instances(20)
        .run();
    outcome.delivered();
    assert_eq!(aws.assumed_roles().len(), 1);
}
