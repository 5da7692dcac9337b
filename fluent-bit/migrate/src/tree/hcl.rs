//! HCL, the language of Terraform: blocks as Terraform's JSON has them, expressions as far as they
//! say what their value is.

use std::collections::BTreeMap;
use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, FuncCall, ObjectKey};
use hcl_edit::parser::parse_body;
use hcl_edit::structure::{Block, Body, Structure};

use super::{DEEPEST, Kind, Member, Node, Style};

/// Reads a file.
///
/// # Errors
///
/// Where it is no HCL, and why.
pub fn parse(text: &str) -> Result<Node, String> {
    if deepest(text) > DEEPEST {
        return Err("it is too deep".to_owned());
    }
    let body = parse_body(text).map_err(|error| {
        let location = error.location();
        let (line, column) = (location.line(), location.column());
        format!("no HCL: line {line}, column {column}: {}", error.message())
    })?;
    let mut reader = Reader {
        text,
        locals: BTreeMap::new(),
    };
    // A local may name another one, which may come later: two passes know both.
    for _ in 0..2 {
        reader.locals = reader.locals_of(&body);
    }
    let node = reader.body(&body, 0..text.len());
    Ok(node)
}

/// An upper bound of how deep the brackets are.
fn deepest(text: &str) -> usize {
    let (mut depth, mut most) = (0usize, 0);
    for byte in text.bytes() {
        match byte {
            b'{' | b'[' | b'(' => depth += 1,
            b'}' | b']' | b')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        most = most.max(depth);
    }
    most
}

struct Reader<'t> {
    text: &'t str,
    locals: BTreeMap<String, Node>,
}

impl Reader<'_> {
    fn locals_of(&self, body: &Body) -> BTreeMap<String, Node> {
        let blocks = body.get_blocks("locals");
        let attributes = blocks.flat_map(|block| block.body.attributes());
        attributes
            .map(|it| (it.key.as_str().to_owned(), self.value(&it.value)))
            .collect()
    }

    fn body(&self, body: &Body, at: Range<usize>) -> Node {
        let members = body.iter().map(|structure| match structure {
            Structure::Attribute(attribute) => Member {
                key: attribute.key.as_str().to_owned(),
                key_at: attribute.key.span().unwrap_or_default(),
                value: self.value(&attribute.value),
            },
            Structure::Block(block) => self.block(block),
        });
        Node::new(Kind::Map(members.collect()), at)
    }

    /// `resource "a" "b" {}` is the key `resource` with `{a: {b: {}}}`.
    fn block(&self, block: &Block) -> Member {
        let at = block.span().unwrap_or_default();
        let body = self.body(&block.body, at.clone());
        let labels = block.labels.iter().rev();
        let value = labels.fold(body, |inner, label| {
            let member = Member {
                key: label.as_str().to_owned(),
                key_at: label.span().unwrap_or_default(),
                value: inner,
            };
            Node::new(Kind::Map(vec![member]), at.clone())
        });
        Member {
            key: block.ident.as_str().to_owned(),
            key_at: block.ident.span().unwrap_or_default(),
            value,
        }
    }

    fn value(&self, expression: &Expression) -> Node {
        let at = expression.span().unwrap_or_default();
        let kind = match expression {
            Expression::Null(_) => Kind::Null,
            Expression::Bool(value) => Kind::Bool(**value),
            Expression::Number(_) => Kind::Number(self.source(&at).to_owned()),
            Expression::String(text) => {
                let mut node = Node::new(Kind::Text(text.as_str().to_owned()), at);
                node.style = Style::Double;
                return node;
            }
            Expression::StringTemplate(_) => return self.template(at),
            Expression::HeredocTemplate(heredoc) => {
                return self.heredoc(heredoc.indent().is_some(), at);
            }
            Expression::Array(array) => {
                Kind::List(array.iter().map(|item| self.value(item)).collect())
            }
            Expression::Object(object) => Kind::Map(
                object
                    .iter()
                    .map(|(key, value)| self.member(key, value.expr()))
                    .collect(),
            ),
            Expression::Parenthesis(inner) => return self.value(inner.inner()),
            Expression::FuncCall(call) => return self.call(call, at),
            Expression::Conditional(choice) => {
                let branches = [&choice.true_expr, &choice.false_expr];
                let mut branches = branches.into_iter().map(|branch| self.value(branch));
                let found = branches.find(Node::is_structure);
                return found.unwrap_or_else(|| Node::unknown(self.source(&at), at));
            }
            _ => return self.reference(at),
        };
        Node::new(kind, at)
    }

    fn member(&self, key: &ObjectKey, value: &Expression) -> Member {
        let (text, key_at) = match key {
            ObjectKey::Ident(ident) => (ident.as_str().to_owned(), ident.span()),
            ObjectKey::Expression(expression) => {
                let node = self.value(expression);
                (node.text().unwrap_or_default(), Some(node.at))
            }
        };
        Member {
            key: text,
            key_at: key_at.unwrap_or_default(),
            value: self.value(value),
        }
    }

    /// A text with `${...}` in it, as it is written.
    fn template(&self, at: Range<usize>) -> Node {
        let raw = self.source(&at);
        let inner = raw
            .strip_prefix('"')
            .and_then(|text| text.strip_suffix('"'));
        let inner = inner.unwrap_or(raw);
        let text = inner
            .replace("\\n", "\n")
            .replace("\\\"", "\"")
            .replace("$${", "${");
        let mut node = Node::new(Kind::Text(text), at);
        node.style = Style::Double;
        node
    }

    fn heredoc(&self, is_indented: bool, at: Range<usize>) -> Node {
        let raw = self.source(&at);
        let lines: Vec<&str> = raw.lines().skip(1).collect();
        let ends = raw.lines().last().is_some_and(|last| {
            let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
            !last.trim().is_empty() && last.trim().chars().all(is_word)
        });
        let lines = &lines[..lines.len() - usize::from(ends && !lines.is_empty())];
        let indent = |line: &&str| line.len() - line.trim_start().len();
        let filled = lines.iter().copied().filter(|line| !line.trim().is_empty());
        let margin = match is_indented || raw.starts_with("<<-") {
            true => filled.map(|line| indent(&line)).min().unwrap_or_default(),
            false => 0,
        };
        let lines = lines
            .iter()
            .map(|line| line.get(margin..).unwrap_or_default());
        let text: String = lines.map(|line| format!("{line}\n")).collect();
        let mut node = Node::new(Kind::Text(text), at);
        node.style = Style::Block;
        node
    }

    /// What a function gives, as far as its arguments are known.
    fn call(&self, call: &FuncCall, at: Range<usize>) -> Node {
        let arguments = || call.args.iter().map(|argument| self.value(argument));
        let first = || arguments().next();
        let known = match call.name.name.as_str() {
            "jsonencode" | "yamlencode" | "tolist" | "tomap" | "flatten" | "compact" | "chomp"
            | "trimspace" | "jsondecode" | "tostring" | "sensitive" | "nonsensitive" => first(),
            "concat" => concat(arguments().collect(), &at),
            "merge" => merge(arguments().collect(), &at),
            "file" | "templatefile" => first().and_then(|path| {
                Some(Node::unknown(&format!("file {}", path.text()?), at.clone()))
            }),
            _ => None,
        };
        known.unwrap_or_else(|| Node::unknown(self.source(&at), at))
    }

    /// A local that the file has, or what is not known.
    fn reference(&self, at: Range<usize>) -> Node {
        let source = self.source(&at);
        let local = source
            .strip_prefix("local.")
            .and_then(|name| self.locals.get(name));
        match local {
            Some(node) => node.clone(),
            None => Node::unknown(source, at),
        }
    }

    fn source(&self, at: &Range<usize>) -> &str {
        self.text.get(at.clone()).unwrap_or_default().trim()
    }
}

/// The items of all lists that are known.
fn concat(lists: Vec<Node>, at: &Range<usize>) -> Option<Node> {
    let is_known = lists.iter().any(|list| matches!(list.kind, Kind::List(_)));
    let items = lists.into_iter().flat_map(|list| match list.kind {
        Kind::List(items) => items,
        _ => vec![list],
    });
    is_known.then(|| Node::new(Kind::List(items.collect()), at.clone()))
}

/// The members of all mappings that are known; the last one of a key counts.
fn merge(maps: Vec<Node>, at: &Range<usize>) -> Option<Node> {
    let mut members: Vec<Member> = Vec::new();
    let mut is_known = false;
    for map in maps {
        if let Kind::Map(all) = map.kind {
            is_known = true;
            for member in all {
                members.retain(|other| other.key != member.key);
                members.push(member);
            }
        }
    }
    is_known.then(|| Node::new(Kind::Map(members), at.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_and_expressions_have_values_and_places() {
        let text = "locals {\n  a = [{ name = \"x\" }]\n}\nresource \"t\" \"n\" {\n  b = jsonencode(concat(local.a, [{ \"name\" = \"y-${var.z}\", n = 3 }]))\n  c = <<-EOF\n    one ${d}\n      two\n  EOF\n  e = var.f\n  g = templatefile(\"${path.module}/x.json\", {})\n}\n";
        let node = parse(text).unwrap();
        let resource = node
            .get("resource")
            .unwrap()
            .get("t")
            .unwrap()
            .get("n")
            .unwrap();
        let list = resource.get("b").unwrap().items();
        assert_eq!(list[0].text_of("name").as_deref(), Some("x"));
        assert_eq!(list[1].text_of("name").as_deref(), Some("y-${var.z}"));
        assert_eq!(
            &text[list[1].get("name").unwrap().at.clone()],
            "\"y-${var.z}\""
        );
        assert_eq!(list[1].text_of("n").as_deref(), Some("3"));
        assert_eq!(resource.text_of("c").as_deref(), Some("one ${d}\n  two\n"));
        assert!(text[resource.get("c").unwrap().at.clone()].starts_with("<<-EOF"));
        assert_eq!(resource.text_of("e").as_deref(), Some("${var.f}"));
        assert_eq!(
            resource.text_of("g").as_deref(),
            Some("${file ${path.module}/x.json}")
        );
    }

    #[test]
    fn a_fault_has_its_place() {
        let why = parse("a = [\n").unwrap_err();
        assert!(why.starts_with("no HCL: line "), "{why}");
        assert!(parse(&format!("a = {}", "[".repeat(10_000))).is_err());
    }
}
