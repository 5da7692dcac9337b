use super::*;

const DENIED: (ErrorClass, &str) = (ErrorClass::Denied, "AccessDeniedException");
const REFUSED: (ErrorClass, &str) = (ErrorClass::Refused, "InvalidParameterException");

fn create_options(on_refused: OnRefused) -> CreateOptions {
    CreateOptions {
        tags: vec![("a".into(), "b".into())],
        kms_key_id: Some("key".into()),
        class: Some("STANDARD"),
        on_refused,
        ..CreateOptions::default()
    }
}

fn given_up(
    on_refused: OnRefused,
    (kind, code): (ErrorClass, &str),
    texts: &[&str],
) -> Vec<Option<GroupSetting>> {
    let create_options = create_options(on_refused);
    let mut settings = GroupSettings::of(&create_options);
    texts
        .iter()
        .map(|text| settings.give_up(&SendError::new(kind, code, text)))
        .collect()
}

#[test]
fn no_setting_is_removed_unless_the_option_allows_it() {
    for text in ["no", "logs:TagResource", "KMS key", "log group class"] {
        for refusal in [DENIED, REFUSED] {
            assert_eq!(given_up(OnRefused::Keep, refusal, &[text]), [None]);
        }
    }
}

#[test]
fn the_setting_that_the_service_names_is_removed() {
    assert_eq!(
        given_up(
            OnRefused::Continue,
            DENIED,
            &["not authorized to perform: logs:TagResource"]
        ),
        [Some(GroupSetting::Tags)]
    );
    assert_eq!(
        given_up(OnRefused::Continue, REFUSED, &["invalid log group class"]),
        [Some(GroupSetting::Class)]
    );
}

#[test]
fn resource_names_in_a_message_do_not_name_a_setting() {
    let texts = [
        "Group /kms/class-tag is not valid",
        "arn:aws:kms:x is not valid",
    ];
    assert_eq!(
        given_up(OnRefused::Continue, REFUSED, &texts),
        [Some(GroupSetting::Tags), Some(GroupSetting::Class)]
    );
    let texts = [
        "Value at 'tags.team' is not valid",
        "The tag `a` is not valid",
    ];
    for text in texts {
        assert_eq!(
            given_up(OnRefused::Continue, REFUSED, &[text]),
            [Some(GroupSetting::Tags)]
        );
    }
}

#[test]
fn the_key_is_never_removed() {
    let texts = [
        "The specified KMS Key Id could not be found.",
        "no",
        "no",
        "no",
    ];
    assert_eq!(
        given_up(OnRefused::Continue, REFUSED, &texts),
        [
            None,
            Some(GroupSetting::Tags),
            Some(GroupSetting::Class),
            None
        ]
    );
}

#[test]
fn no_setting_is_removed_if_create_log_group_is_denied() {
    let text = "User: arn:aws:sts::1:assumed-role/staging-kms/x is not authorized to perform: logs:CreateLogGroup on resource: arn:aws:logs:r:1:log-group:/ecs/staging-class:*";
    assert_eq!(given_up(OnRefused::Continue, DENIED, &[text]), [None]);
    let throttled = (ErrorClass::Throttled, "ThrottlingException");
    assert_eq!(given_up(OnRefused::Continue, throttled, &["tags"]), [None]);
}

fn explained(on_refused: OnRefused, (kind, code): (ErrorClass, &str), text: &str) -> String {
    let create_options = create_options(on_refused);
    let error = SendError::new(kind, code, text);
    GroupSettings::of(&create_options)
        .explain(error)
        .to_string()
}

#[test]
fn an_error_names_its_option_and_what_to_do() {
    for (text, parts) in [
        (
            "is not authorized to perform: logs:TagResource on resource: /kms/class",
            ["`new_log_group_tags`", "`on_create_refused continue`"],
        ),
        (
            "log group class",
            ["`log_group_class`", "`on_create_refused continue`"],
        ),
        ("KMS key", ["`kms_key_id`", "logs:AssociateKmsKey"]),
        (
            "no",
            [
                "`new_log_group_tags`, `kms_key_id`, `log_group_class`",
                "logs:CreateLogGroup",
            ],
        ),
    ] {
        let explained = explained(OnRefused::Keep, DENIED, text);
        for part in parts {
            assert!(explained.contains(part), "no {part} in {explained}");
        }
    }
    let text = "User: arn:aws:sts::1:assumed-role/staging/kms is not authorized to perform: logs:CreateLogGroup on resource: arn:aws:logs:r:1:log-group:/ecs/class:*";
    assert_eq!(explained(OnRefused::Keep, DENIED, text), text);
    let key = explained(OnRefused::Continue, REFUSED, "KMS key");
    assert!(!key.contains("on_create_refused"), "{key}");
}
