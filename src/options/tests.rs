//! Each kind of value, well and badly written.

use super::*;

const SPECS: &[Spec] = &[
    Spec {
        key: "region",
        form: "text",
        default: "",
        help: "The region.",
    },
    Spec {
        key: "auto_create_group",
        form: "switch",
        default: "false",
        help: "Creates.",
    },
    Spec {
        key: "days",
        form: "number",
        default: "7",
        help: "Days.",
    },
    Spec {
        key: "flush_timeout",
        form: "time",
        default: "10s",
        help: "Time.",
    },
    Spec {
        key: "mode",
        form: "word",
        default: "a",
        help: "Mode.",
    },
];

fn reader<'s>(set: &'s [(&'s str, &'s str)]) -> Reader<'s> {
    Reader::new(SPECS, move |key| {
        set.iter()
            .find(|(name, _)| *name == key)
            .map(|(_, value)| (*value).to_owned())
    })
}

#[test]
fn an_absent_option_has_its_default() {
    let reader = reader(&[]);
    assert!(!reader.switch("auto_create_group"));
    assert_eq!(reader.number("days", 1, 10), Some(7));
    let least = Duration::from_secs(1);
    assert_eq!(
        reader.duration("flush_timeout", least, least * 60),
        Some(least * 10)
    );
    assert!(reader.problems().is_empty());
}

#[test]
fn every_spelling_of_a_switch_the_host_takes_is_taken() {
    for (spelling, expected) in [("On", true), ("YES", true), ("1", true), ("True", true)]
        .into_iter()
        .chain([
            ("off", false),
            ("No", false),
            ("0", false),
            ("FALSE", false),
        ])
    {
        let set = [("auto_create_group", spelling)];
        let reader = reader(&set);
        assert_eq!(reader.switch("auto_create_group"), expected, "{spelling}");
        assert!(reader.problems().is_empty());
    }
}

#[test]
fn every_problem_is_told_with_key_value_and_what_is_allowed() {
    let set = [
        ("auto_create_group", "maybe"),
        ("days", "11"),
        ("flush_timeout", "1h"),
        ("mode", "c"),
    ];
    let reader = reader(&set);
    reader.required("region");
    reader.switch("auto_create_group");
    reader.number("days", 1, 10);
    reader.duration(
        "flush_timeout",
        Duration::from_secs(1),
        Duration::from_secs(60),
    );
    reader.choice("mode", &[("a", 1), ("b", 2)]);
    assert_eq!(
        reader.problems(),
        [
            "`region` is required: The region.",
            "`auto_create_group` is `maybe`: it must be true, on, yes, 1, false, off, no or 0",
            "`days` is `11`: it must be a whole number from 1 to 10",
            "`flush_timeout` is `1h`: it must be a time from 1s to 60s, such as 500ms, 10s or 2m",
            "`mode` is `c`: it must be one of a, b",
        ]
    );
}

#[test]
fn a_misspelt_key_is_found_and_the_right_one_named() {
    for slip in [
        "autocreate_group",
        "auto-create-group",
        "auto_craete_group",
        "auto_create_groups",
    ] {
        let set = [(slip, "true")];
        let unknown = reader(&set).unknown(&[]);
        assert_eq!(unknown.len(), 1, "{slip}");
        assert!(
            unknown[0].contains("is `auto_create_group` meant?"),
            "{slip}"
        );
    }
}

#[test]
fn an_option_may_be_set_by_another_name_but_not_by_two() {
    const ALIASES: &[Alias] = &[Alias {
        key: "mode",
        option: "days",
        value: |value| format!("1{value}"),
    }];
    let set = [("mode", "2")];
    let aliased = reader(&set);
    aliased.alias(ALIASES);
    assert_eq!(aliased.number("days", 1, 20), Some(12));
    assert_eq!(aliased.number("days", 1, 10), None);
    let problem = "`mode` is `12`: it must be a whole number from 1 to 10";
    assert_eq!(aliased.problems(), [problem]);
    let set = [("mode", "2"), ("days", "3")];
    let twice = reader(&set);
    twice.alias(ALIASES);
    assert_eq!(twice.problems().len(), 1);
}

#[test]
fn an_option_of_another_plugin_is_told_with_advice() {
    let set = [("max-buffer-size", "1m"), ("region", "x")];
    let unknown = reader(&set).unknown(&[("max-buffer-size", "it belongs to awslogs.")]);
    assert_eq!(
        unknown,
        ["`max-buffer-size` has no effect here: it belongs to awslogs."]
    );
}
