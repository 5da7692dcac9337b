//! Options that name groups and streams.

use crate::{Case, record, sent};

pub(crate) const CASES: &[Case] = &[
    ("log_group_name", || {
        arrives(&[("log_group_name", "/ecs/$(tag[1])")], ("/ecs/web", "web"));
    }),
    ("log_stream_name", || {
        arrives(
            &[("log_stream_name", "$(tag)-$(level)")],
            ("/ecs/web", "app.web-info"),
        );
    }),
    ("log_stream_prefix", || {
        let options = [("log_stream_name", ""), ("log_stream_prefix", "from-")];
        arrives(&options, ("/ecs/web", "from-app.web"));
    }),
    ("log_group_template", || {
        arrives(&[("log_group_template", "/t/$level")], ("/t/info", "web"));
        arrives(&[("log_group_template", "/t/$none")], ("/ecs/web", "web"));
    }),
    ("log_stream_template", || {
        arrives(
            &[("log_stream_template", "$TAG[0].$level")],
            ("/ecs/web", "app.info"),
        );
        arrives(&[("log_stream_template", "$none")], ("/ecs/web", "web"));
    }),
    ("default_log_group_name", || {
        let options = [
            ("log_group_name", "$(none)"),
            ("default_log_group_name", "/d"),
        ];
        arrives(&options, ("/d", "web"));
    }),
    ("default_log_stream_name", || {
        let options = [
            ("log_stream_name", "$(none)"),
            ("default_log_stream_name", "d"),
        ];
        arrives(&options, ("/ecs/web", "d"));
    }),
];

fn arrives(options: &[(&str, &str)], (group, stream): (&str, &str)) {
    let options = [&[("auto_create_group", "true")], options].concat();
    let (aws, _) = sent(&options, record([("level", "info")]));
    assert_eq!(
        aws.events(group, stream).len(),
        1,
        "{options:?}: {:?}",
        aws.streams()
    );
}
