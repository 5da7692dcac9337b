//! Templates against the examples of both peers' documentation and sources.

mod record;

use super::*;

use record::Record;

/// What the Go plugin's documentation and tests show.
#[test]
fn templates_of_the_go_plugin_mean_the_same() {
    for (text, expected) in [
        ("fluent-bit-cloudwatch", "fluent-bit-cloudwatch"),
        ("prefix-$(tag)", "prefix-web.firelens.0a1b"),
        (
            "fluent-bit-cloudwatch-$(uuid)-$(tag)",
            "fluent-bit-cloudwatch-UUID-web.firelens.0a1b",
        ),
        (
            "from-fluent-bit-$(pam['item2']['subitem'])-$(ecs_task_id)-$(ecs_cluster)",
            "from-fluent-bit-rice-TASK-CLUSTER",
        ),
        (
            "/eks/$(kubernetes['namespace_name'])/$(kubernetes['pod_name'])",
            "/eks/my-namespace/myapp-5468c5d4d7-n2swr",
        ),
        (
            "$(kubernetes['namespace_name'])/$(kubernetes['container_name'])",
            "my-namespace/myapp",
        ),
        (
            "/aws/ecs/$(tag[0])/$(tag[1])/$(details['region'])/$(details['az'])/$(ident)",
            "/aws/ecs/web/firelens/us-west-2/a/cron",
        ),
        (
            "$(ecs_task_id).$(ecs_cluster).$(ecs_task_arn).$(uuid).$(tag).\
             $(pam['item2']['subitem2']['more']).$(pam['item'])",
            "TASK.CLUSTER.ARN.UUID.web.firelens.0a1b.final.soup",
        ),
        ("$(kubernetes['annotations']['fluentbit.io/tag'])", "thetag"),
        ("$(pam['a.b'])", "dotted"),
        ("$(tag[0])$(tag[1])", "webfirelens"),
        ("$(st)$(st['a']['b'])", "stst"),
        ("$(host)/$(ident)/$(tag[1])", "h1/cron/firelens"),
        ("100$ and $5 $ $$ $", "100$ and $5 $ $$ $"),
        ("$$(tag[0])", "$web"),
    ] {
        assert_eq!(rendered(text), expected, "{text}");
    }
}

/// What the C plugin's documentation and the record accessor's tests show.
#[test]
fn templates_of_the_c_plugin_mean_the_same() {
    for (text, expected) in [
        (
            "application-logs-$kubernetes['host'].$kubernetes['namespace_name']",
            "application-logs-ip-10-1-128-166.us-east-2.compute.internal.my-namespace",
        ),
        (
            "$kubernetes['pod_name'].$kubernetes['container_name']",
            "myapp-5468c5d4d7-n2swr.myapp",
        ),
        ("$task.$host", "t1.h1"),
        ("$task.resource.$host", "t1.resource.h1"),
        ("$task.fooo.$host", "t1.fooo.h1"),
        ("fooo$task", "fooot1"),
        ("fooo____$task", "fooo____t1"),
        ("fooo/bar$host", "fooo/barh1"),
        (
            "$task extra $pam['item'] final access",
            "t1 extra soup final access",
        ),
        ("k => \"$task\", $n (int)", "k => \"t1\", 7 (int)"),
        ("$kubernetes['annotations']['fluentbit.io/tag']", "thetag"),
        (
            "from.new.$task.$pam['item2']['subitem'].out",
            "from.new.t1.rice.out",
        ),
        ("$key-dash.$a/b,$_x", "dash.slash,under"),
        ("$array[0].$array[2][1].$array[1]['name']", "zero.six.Jane"),
        ("$pam['it''s']", "quoted"),
        ("$st['a'].$st[0]", "st.st"),
        ("$TAG", "web.firelens.0a1b"),
        ("$TAG.x", "web.firelens.0a1b.x"),
        ("$TAG[0].$TAG[2]", "web.0a1b"),
        ("<$TAG[3]>.<$TAG[99]>", "<>.<>"),
        ("$TAG[0][1]", "web[1]"),
        ("$TAGS", "web.firelens.0a1bS"),
        ("$tag", "a key called tag"),
    ] {
        assert_eq!(rendered(text), expected, "{text}");
    }
}

#[test]
fn what_a_peer_refuses_or_misreads_has_the_obvious_meaning() {
    for (text, expected) in [
        ("$task-$host $task/$host $task_$host", "t1-h1 t1/h1 t1_h1"),
        ("$pam['item']/$task", "soup/t1"),
        ("$pam['item']-x$task/$(tag[0])", "soup-xt1/web"),
        ("$TAG[0]$TAG[1]$task", "webfirelenst1"),
        ("$pam['a b']:$task!", "spaced:t1!"),
        ("$task$", "t1$"),
        ("$_x$_x", "underunder"),
        (
            "$(array[0])-$(array[2][1])-$(array[1]['name'])",
            "zero-six-Jane",
        ),
        ("$(n)|$(f)|$(yes)|$n|$f|$yes", "7|1.5|true|7|1.5|true"),
        ("$(pam['x)y'])", "parenthesis"),
        ("$(pam['it''s'])$(pam['it's'])", "quotedquoted"),
        ("$(time:%Y-%m-%d/%H)", "2024-07-15/00"),
        ("$(time)", "a key called time"),
        ("$(uuid['x'])", "nested"),
        ("é$(tag[0])é$taské", "éwebét1é"),
    ] {
        assert_eq!(rendered(text), expected, "{text}");
    }
}

#[test]
fn both_languages_mix_in_one_text() {
    let text = "/$(ecs_cluster)/$kubernetes['host'].$(tag[0])$TAG[1],$task";
    let expected = "/CLUSTER/ip-10-1-128-166.us-east-2.compute.internal.webfirelens,t1";
    assert_eq!(rendered(text), expected);
}

#[test]
fn a_tag_part_has_any_index() {
    let record = Record {
        tag: "0.1.2.3.4.5.6.7.8.9.10.11.12",
        ..Record::default()
    };
    for (text, expected) in [
        ("$(tag[12])", "12"),
        ("$(tag[9])", "9"),
        ("$TAG[12]", "12"),
        ("$TAG[10].", "10."),
    ] {
        assert_eq!(
            rendered_for(text, &record).as_deref(),
            Ok(expected),
            "{text}"
        );
    }
    let dotless = Record {
        tag: "app",
        ..Record::default()
    };
    assert_eq!(
        rendered_for("$(tag[0])-$TAG[0]-$TAG[1]", &dotless).as_deref(),
        Ok("app-app-")
    );
}

#[test]
fn an_item_without_a_value_fails_the_whole_name_and_says_which() {
    for (text, item) in [
        ("x-$(tag)-$(nothing).stuff", "$(nothing)"),
        ("$(pam['item6']).stuff", "$(pam['item6'])"),
        ("$(tag[9]).stuff", "$(tag[9])"),
        ("$(tag[3])", "$(tag[3])"),
        ("$(pam)x", "$(pam)"),
        ("$(pam['item2'])y", "$(pam['item2'])"),
        ("$(array)", "$(array)"),
        ("$(none)", "$(none)"),
        ("$(array[3])", "$(array[3])"),
        (
            "$(pam['item2']['subitem']['x'])",
            "$(pam['item2']['subitem']['x'])",
        ),
        ("$(availability_zone)", "$(availability_zone)"),
        ("$(ecs_task_family)", "$(ecs_task_family)"),
        ("$TAG.$nothing['x'].y", "$nothing['x']"),
        ("$none", "$none"),
    ] {
        assert_eq!(
            rendered_for(text, &Record::default()),
            Err(item.to_owned()),
            "{text}"
        );
    }
}

#[test]
fn a_failure_leaves_the_buffer_as_it_was() {
    let template = Template::parse("long text $(tag) $(nothing)").expect("a template");
    let mut out = b"before".to_vec();
    let missing = template
        .render(&Record::default(), &mut out)
        .expect_err("no such key");
    assert_eq!(missing.to_string(), "`$(nothing)` has no value");
    assert_eq!(out, b"before");
}

#[test]
fn reserved_names_beat_the_record_and_new_names_yield_to_it() {
    let record = Record {
        shadowing: true,
        ..Record::default()
    };
    for variable in Variable::ALL {
        let name = variable.name();
        let reserved = ["uuid", "ecs_task_id", "ecs_cluster", "ecs_task_arn"].contains(&name);
        let rendered = rendered_for(&format!("$({name})"), &record).expect(name);
        assert_eq!(rendered != "from the record", reserved, "{name}");
        assert_eq!(
            rendered_for(&format!("${name}"), &record).as_deref(),
            Ok("from the record")
        );
    }
    assert_eq!(
        rendered("$(container_name)-$(container_id)-$(aws_region)"),
        "NAME-ID-REGION"
    );
}

#[test]
fn a_problem_points_at_its_column() {
    for (text, column, words) in [
        ("x$(tag", 2, "no closing `)`"),
        ("é-$(a['b']", 3, "no closing `)`"),
        ("x$(pam['item')z", 7, "no closing `']`"),
        ("$(pam['it''])", 6, "no closing `']`"),
        ("$(pam[item])", 6, "must begin `['key']` or `[0]`"),
        ("$(pam[-1])", 6, "must begin"),
        ("$(pam[])", 6, "must begin"),
        ("$(pam['deep'].q['x'])", 14, "only `)`"),
        ("a$()", 2, "needs a name"),
        ("$(['a'])", 1, "needs a name"),
        ("$(tag[z])", 6, "must begin"),
        ("$(tag['x'])", 1, "takes one number"),
        ("$(tag[0][1])", 1, "takes one number"),
        ("$(tag[99999999999999999999])", 7, "too large"),
        ("$abc['a'", 5, "no closing `']`"),
        ("$abc['a'.x", 5, "no closing `']`"),
        ("$abc[x]", 5, "must begin"),
        ("$TAG[x]", 5, "must begin"),
        ("$TAG[1", 5, "must begin"),
        ("ok é $(time:%Y-%Q)", 16, "`%Q` means no part of a time"),
        ("$(time:)", 8, "time format is empty"),
        ("$(time:%Y", 1, "no closing `)`"),
    ] {
        let problem = Template::parse(text).expect_err(text);
        assert_eq!(problem.column, column, "{text}: {problem}");
        assert!(problem.sentence.contains(words), "{text}: {problem}");
    }
}

#[test]
fn a_template_knows_what_it_depends_on() {
    let none = DependsOn::default();
    for (text, expected) in [
        ("constant $ $1", none),
        ("", none),
        ("$(tag)", DependsOn { tag: true, ..none }),
        ("$(tag[1])$TAG[1]", DependsOn { tag: true, ..none }),
        (
            "$key",
            DependsOn {
                record: true,
                ..none
            },
        ),
        ("$(time:%d)", DependsOn { time: true, ..none }),
        (
            "$(ecs_cluster)",
            DependsOn {
                variables: true,
                ..none
            },
        ),
        (
            "$(container_id)",
            DependsOn {
                record: true,
                variables: true,
                ..none
            },
        ),
    ] {
        let template = Template::parse(text).expect(text);
        assert_eq!(template.depends_on(), expected, "{text}");
        assert_eq!(template.is_constant(), expected == none, "{text}");
        let varies = expected.record || expected.time;
        assert_eq!(
            template.depends_on().varies_within_a_chunk(),
            varies,
            "{text}"
        );
    }
}

#[test]
fn a_template_knows_whether_it_needs_ecs_metadata() {
    for variable in Variable::ALL {
        let template = Template::parse(&format!("x-$({})", variable.name())).expect("a template");
        for other in Variable::ALL {
            assert_eq!(template.uses(other), other == variable);
        }
        let without = matches!(variable, Variable::Uuid | Variable::AwsRegion);
        assert_eq!(template.needs_ecs_metadata(), !without, "{variable:?}");
    }
    let template = Template::parse("$ecs_cluster.$(ecs_cluster['x'])$(tag)").expect("a template");
    assert!(!template.needs_ecs_metadata());
}

#[test]
fn the_parts_of_a_template_are_its_whole_text() {
    let seed = 0x7e3a_91a7_e5ee_d001;
    println!("seed {seed:#x}");
    let mut state: u64 = seed;
    let tokens = [
        "$", "(", ")", "[", "]", "'", "TAG", "tag", "a", "é", "0", ".", "-", "/", "time:", "%Y",
    ];
    for _ in 0..60_000 {
        let text: String = (0..9)
            .map(|_| {
                state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                tokens[(state >> 33) as usize % tokens.len()]
            })
            .collect();
        match Template::parse(&text) {
            Ok(template) => {
                let parts: String = template.parts.iter().map(|part| &*part.text).collect();
                assert_eq!(parts, text);
                let _ = template.render(&Record::default(), &mut Vec::new());
            }
            Err(problem) => assert!((1..=text.chars().count() + 1).contains(&problem.column)),
        }
    }
}

fn rendered(text: &str) -> String {
    rendered_for(text, &Record::default()).expect(text)
}

/// The name, or the item that is missing.
fn rendered_for(text: &str, source: &Record) -> Result<String, String> {
    let template = Template::parse(text).unwrap_or_else(|problem| panic!("{text}: {problem}"));
    let mut out = Vec::new();
    match template.render(source, &mut out) {
        Ok(()) => Ok(String::from_utf8(out).expect("text")),
        Err(missing) => Err(missing.item.to_owned()),
    }
}
