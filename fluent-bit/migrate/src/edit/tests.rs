use crate::tree::{hcl, json, yaml};

use super::*;

fn changed(text: &str, format: Format, change: impl Fn(&Fields, &str) -> Option<Change>) -> String {
    let node = match format {
        Format::Json => json::parse(text).unwrap(),
        Format::Yaml => yaml::parse(text).unwrap().remove(0),
        _ => hcl::parse(text).unwrap(),
    };
    let fields = Fields::of(&node, text, format);
    applied(text, &[change(&fields, text).unwrap()])
}

#[test]
fn a_key_is_set_removed_and_added_in_each_format() {
    let json = "{\n  \"a\": \"1\",\n  \"b\": \"2\"\n}";
    let yaml = "a: \"1\"\nb: 2\n";
    let hcl = "a = \"1\"\nb = \"2\"\n";
    for (text, format, set, first, last, added) in [
        (
            json,
            Format::Json,
            "{\n  \"a\": \"x\",\n  \"b\": \"2\"\n}",
            "{\n  \"b\": \"2\"\n}",
            "{\n  \"a\": \"1\"\n}",
            "{\n  \"a\": \"1\",\n  \"b\": \"2\",\n  \"c\": \"d\"\n}",
        ),
        (
            "{\"a\": \"1\", \"b\": \"2\"}",
            Format::Json,
            "{\"a\": \"x\", \"b\": \"2\"}",
            "{\"b\": \"2\"}",
            "{\"a\": \"1\"}",
            "{\"a\": \"1\", \"b\": \"2\", \"c\": \"d\"}",
        ),
        (
            yaml,
            Format::Yaml,
            "a: \"x\"\nb: 2\n",
            "b: 2\n",
            "a: \"1\"\n",
            "a: \"1\"\nb: 2\nc: d\n",
        ),
        (
            "{a: 1, b: 2}\n",
            Format::Yaml,
            "{a: x, b: 2}\n",
            "{b: 2}\n",
            "{a: 1}\n",
            "{a: 1, b: 2, c: d}\n",
        ),
        (
            hcl,
            Format::Hcl,
            "a = \"x\"\nb = \"2\"\n",
            "b = \"2\"\n",
            "a = \"1\"\n",
            "a = \"1\"\nb = \"2\"\nc = \"d\"\n",
        ),
    ] {
        let of = |change: &dyn Fn(&Fields, &str) -> Option<Change>| changed(text, format, change);
        assert_eq!(of(&|fields, text| fields.set("a", "x", text, format)), set);
        let with = [("c".to_owned(), scalar("d", "", format))];
        let one = |removed: &[usize], with: &[(String, String)]| {
            let (removed, with) = (removed.to_vec(), with.to_vec());
            of(&move |fields: &Fields, text: &str| {
                fields.without_and_with(&removed, &with, text, format).pop()
            })
        };
        assert_eq!(one(&[0], &[]), first);
        assert_eq!(one(&[1], &[]), last);
        assert_eq!(one(&[], &with), added);
    }
}

#[test]
fn an_item_of_a_yaml_list_keeps_its_dash() {
    let text = "- a: 1\n  b: 2\n";
    let node = &yaml::parse(text).unwrap()[0].items()[0].clone();
    let fields = Fields::of(node, text, Format::Yaml);
    let with = [("c".to_owned(), "d".to_owned())];
    for (removed, added, expected) in [
        (&[0][..], &[][..], "- b: 2\n"),
        (&[], &with, "- a: 1\n  b: 2\n  c: d\n"),
        (&[1], &with, "- a: 1\n  c: d\n"),
        (&[0, 1], &with, "- c: d\n"),
    ] {
        let changes = fields.without_and_with(removed, added, text, Format::Yaml);
        assert_eq!(applied(text, &changes), expected);
    }
}

#[test]
fn the_last_of_a_list_with_commas_go_with_the_comma() {
    let text = "{\"a\": 1, \"b\": 2, \"c\": 3}";
    let fields = Fields::of(&json::parse(text).unwrap(), text, Format::Json);
    let with = [("d".to_owned(), "4".to_owned())];
    for (removed, expected) in [
        (&[1, 2][..], "{\"a\": 1, \"d\": 4}"),
        (&[0, 2], "{\"b\": 2, \"d\": 4}"),
        (&[0, 1], "{\"c\": 3, \"d\": 4}"),
        (&[0, 1, 2], "{\"d\": 4}"),
    ] {
        let changes = fields.without_and_with(removed, &with, text, Format::Json);
        assert_eq!(applied(text, &changes), expected);
    }
}

#[test]
fn a_text_inside_a_document_is_written_in_its_form() {
    let yaml_text = "k:\n  x: |\n    one\n    two\n  y: z\n";
    let node = &yaml::parse(yaml_text).unwrap()[0];
    let block = node.get("k").unwrap().get("x").unwrap();
    let change = outward(yaml_text, block, "a\n\n  b\n", Format::Yaml).unwrap();
    let new = applied(yaml_text, &[change]);
    assert_eq!(new, "k:\n  x: |\n    a\n\n      b\n  y: z\n");
    let hcl_text = "x = <<-EOF\n    one\n  EOF\ny = 1\n";
    let node = hcl::parse(hcl_text).unwrap();
    let change = outward(hcl_text, node.get("x").unwrap(), "a\nb\n", Format::Hcl).unwrap();
    assert_eq!(
        applied(hcl_text, &[change]),
        "x = <<-EOF\n    a\n    b\n  EOF\ny = 1\n"
    );
}
