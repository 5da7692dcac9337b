//! CloudFormation's functions: what they give where it is known, else `${NAME}`.

use std::ops::Range;

use crate::tree::choice::branch;
use crate::tree::{Choice, Kind, Member, Node, Style};

/// A mapping of one `Ref` or `Fn::` key is that function's value; anything else stays.
#[must_use]
pub fn resolved(mut node: Node) -> Node {
    if let Kind::Map(members) = &mut node.kind {
        members.iter_mut().for_each(of_macros);
    }
    let name = match node.members() {
        [member] if member.key == "Ref" => "Ref",
        [member] => match member.key.strip_prefix("Fn::") {
            // What it repeats is read where it stands.
            Some(name) if name.starts_with(LOOP) => return node,
            Some(name) => name,
            None => return node,
        },
        _ => return node,
    };
    let name = name.to_owned();
    let argument = node.members()[0].value.clone();
    let at = node.at.clone();
    let mut value = applied(&name, argument);
    if !value.is_structure() {
        value.at = at;
        value.style = Style::Computed;
    }
    value
}

/// What a loop or a macro makes of a template is not known: its value has a choice that says so.
fn of_macros(member: &mut Member) {
    let at = member.key_at.clone();
    let key = &member.key;
    if !member.value.choices.is_empty() {
        return;
    }
    let choice = match key.strip_prefix("Fn::") {
        Some(name) if name.starts_with(LOOP) => Choice::assumed(
            at,
            format!("`{key}` is read once, with its variable unknown: check each of its items"),
        ),
        Some("Transform") => macros(at, key),
        _ => return,
    };
    member.value.choices.push(choice);
}

/// What a macro adds is known to CloudFormation alone.
fn macros(at: Range<usize>, key: &str) -> Choice {
    Choice::partial(
        at,
        format!(
            "what the macro of `{key}` adds was not read: check what `aws cloudformation get-template --template-stage Processed` prints"
        ),
    )
}

const LOOP: &str = "ForEach::";

/// The whole tree with its functions resolved, as JSON has them.
#[must_use]
pub fn everywhere(node: Node) -> Node {
    let Node {
        kind,
        at,
        style,
        choices,
    } = node;
    let kind = match kind {
        Kind::List(items) => Kind::List(items.into_iter().map(everywhere).collect()),
        Kind::Map(members) => Kind::Map(
            members
                .into_iter()
                .map(|member| Member {
                    value: everywhere(member.value),
                    ..member
                })
                .collect(),
        ),
        other => other,
    };
    resolved(Node {
        kind,
        at,
        style,
        choices,
    })
}

/// A function of this name, of this argument.
#[must_use]
pub fn applied(name: &str, argument: Node) -> Node {
    let at = argument.at.clone();
    let known = match name {
        "Sub" => sub(&argument),
        "Join" => join(&argument),
        "If" => condition(&argument),
        "Base64" => Some(argument.clone()),
        "Ref" if argument.text().as_deref() == Some("AWS::NoValue") => {
            Some(Node::new(Kind::Null, at.clone()))
        }
        "Ref" | "GetAtt" => argument_text(&argument).map(|text| Node::unknown(&text, at.clone())),
        _ => None,
    };
    known.unwrap_or_else(|| {
        let text = argument_text(&argument).unwrap_or_else(|| "...".to_owned());
        let node = Node::unknown(&format!("{name} {text}"), at.clone());
        match name {
            "Transform" => node.with(macros(at, "Fn::Transform")),
            _ => node,
        }
    })
}

/// `!Sub text`, or `!Sub [text, names]`; `${!NAME}` is a text that says `${NAME}`.
fn sub(argument: &Node) -> Option<Node> {
    let text = match argument.items() {
        [text, ..] => text,
        [] => argument,
    };
    let said = text.text()?.replace("${!", "${");
    let mut node = Node::new(Kind::Text(said), text.at.clone());
    node.style = text.style;
    Some(node)
}

fn join(argument: &Node) -> Option<Node> {
    let [between, parts] = argument.items() else {
        return None;
    };
    let parts: Option<Vec<String>> = parts.items().iter().map(Node::text).collect();
    let text = parts?.join(&between.text()?);
    let mut node = Node::new(Kind::Text(text), argument.at.clone());
    node.style = Style::Computed;
    Some(node)
}

/// `[condition, value for true, value for false]`.
fn condition(argument: &Node) -> Option<Node> {
    let [condition, yes, no] = argument.items() else {
        return None;
    };
    let name = condition.text().unwrap_or_else(|| "If".to_owned());
    branch(&name, &argument.at, yes.clone(), no.clone())
}

/// An argument as the name of what is not known.
fn argument_text(argument: &Node) -> Option<String> {
    match argument.items() {
        [] => argument.text(),
        items => {
            let parts: Option<Vec<String>> = items.iter().map(Node::text).collect();
            Some(parts?.join("."))
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::tree::{json, yaml};

    use super::*;

    #[test]
    fn both_forms_of_a_function_give_the_same() {
        for (short, long, value) in [
            ("!Ref A", "{\"Ref\": \"A\"}", "${A}"),
            (
                "!GetAtt A.Arn",
                "{\"Fn::GetAtt\": [\"A\", \"Arn\"]}",
                "${A.Arn}",
            ),
            ("!Sub 'x-${A}'", "{\"Fn::Sub\": \"x-${A}\"}", "x-${A}"),
            (
                "!Sub ['x-${B}', {B: c}]",
                "{\"Fn::Sub\": [\"x-${B}\", {\"B\": \"c\"}]}",
                "x-${B}",
            ),
            (
                "!Join ['/', [a, !Ref B]]",
                "{\"Fn::Join\": [\"/\", [\"a\", {\"Ref\": \"B\"}]]}",
                "a/${B}",
            ),
            (
                "!ImportValue x",
                "{\"Fn::ImportValue\": \"x\"}",
                "${ImportValue x}",
            ),
            (
                "!If [C, a, b]",
                "{\"Fn::If\": [\"C\", \"a\", \"b\"]}",
                "${If C.a.b}",
            ),
        ] {
            let of_yaml = yaml::parse(&format!("v: {short}\n")).unwrap();
            let of_json = everywhere(json::parse(&format!("{{\"v\": {long}}}")).unwrap());
            assert_eq!(of_yaml[0].text_of("v").as_deref(), Some(value), "{short}");
            assert_eq!(of_json.text_of("v").as_deref(), Some(value), "{long}");
        }
        let none = yaml::parse("v: !Ref AWS::NoValue\n").unwrap();
        assert_eq!(none[0].get("v"), None);
    }
}
