//! HCL, the language of Terraform: blocks as Terraform's JSON has them, expressions as far as they
//! say what their value is.

mod call;
mod loops;
mod names;
mod text;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;
use std::ops::Range;

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ObjectKey, TraversalOperator};
use hcl_edit::parser::parse_body;
use hcl_edit::structure::{Block, Body, Structure};

use super::choice::{branch, one_line};
use super::{Choice, DEEPEST, Kind, Member, Node, Style};
use crate::source::Source;

use names::Names;

/// Reads a file by itself.
///
/// # Errors
///
/// Where it is no HCL, and why.
pub fn parse(text: &str) -> Result<Node, String> {
    parse_among(&Source::unnamed(text), &[]).map(|(node, _)| node)
}

/// Reads a file of a Terraform module, and the names of the other files whose locals, defaults and
/// values it uses.
///
/// # Errors
///
/// Where it is no HCL, and why.
pub fn parse_among(source: &Source, others: &[Source]) -> Result<(Node, BTreeSet<String>), String> {
    let text = &source.text;
    let body = body_of(text)?;
    let names = Names::of(source, &body, others);
    let reader = Reader::new(text, &source.name, &names);
    let node = reader.body(&body, 0..text.len());
    Ok((node, reader.used.into_inner()))
}

fn body_of(text: &str) -> Result<Body, String> {
    if deepest(text) > DEEPEST {
        return Err("it is too deep".to_owned());
    }
    parse_body(text).map_err(|error| {
        let location = error.location();
        let (line, column) = (location.line(), location.column());
        format!("no HCL: line {line}, column {column}: {}", error.message())
    })
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
    file: &'t str,
    names: &'t Names,
    /// Variables of the loops around, with their values.
    scope: RefCell<Vec<(String, Node)>>,
    /// Other files whose values were used.
    used: RefCell<BTreeSet<String>>,
    /// Items that loops may still read.
    left: Cell<usize>,
}

impl<'t> Reader<'t> {
    fn new(text: &'t str, file: &'t str, names: &'t Names) -> Self {
        Self {
            text,
            file,
            names,
            scope: RefCell::default(),
            used: RefCell::default(),
            left: Cell::new(MOST_ITEMS),
        }
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
            Expression::StringTemplate(_) => return text::template(self.source(&at), at),
            Expression::HeredocTemplate(heredoc) => {
                return text::heredoc(self.source(&at), heredoc.indent().is_some(), at);
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
            Expression::ForExpr(each) => return self.each(each, at),
            Expression::Conditional(choice) => {
                let condition = self.source(&choice.cond_expr.span().unwrap_or_default());
                let yes = self.value(&choice.true_expr);
                let no = self.value(&choice.false_expr);
                let found = branch(condition, &at, yes, no);
                return found.unwrap_or_else(|| Node::unknown(self.source(&at), at));
            }
            _ => return self.reference(expression, at),
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

    /// What a name stands for, as far as it is known: a local, a variable's default, the variable of
    /// a loop, and what is below them.
    fn reference(&self, expression: &Expression, at: Range<usize>) -> Node {
        let unknown = || Node::unknown(self.source(&at), at.clone());
        let (root, below) = match expression {
            Expression::Variable(name) => (name.as_str(), [].as_slice()),
            Expression::Traversal(path) => match &path.expr {
                Expression::Variable(name) => (name.as_str(), path.operators.as_slice()),
                _ => return unknown(),
            },
            _ => return unknown(),
        };
        let mut below = below.iter().map(|operator| operator as &TraversalOperator);
        let found = match root {
            "local" | "var" => match below.next() {
                Some(TraversalOperator::GetAttr(name)) => {
                    self.named(&format!("{root}.{}", name.as_str()), &at)
                }
                _ => None,
            },
            name => {
                let scope = self.scope.borrow();
                let mut known = scope.iter().rev();
                known
                    .find(|(known, _)| known == name)
                    .map(|(_, node)| node.clone())
            }
        };
        let found = below.try_fold(found, |node, step| node.map(|node| self.below(node, step)));
        found.flatten().unwrap_or_else(unknown)
    }

    /// A member or an item of a value that is known.
    fn below(&self, node: Node, step: &TraversalOperator) -> Option<Node> {
        let choices = node.choices.clone();
        let key = match step {
            TraversalOperator::GetAttr(name) => name.as_str().to_owned(),
            TraversalOperator::Index(index) => {
                self.value(index).text().filter(|key| !key.contains("${"))?
            }
            TraversalOperator::LegacyIndex(index) => (**index).to_string(),
            _ => return None,
        };
        let found = match &node.kind {
            Kind::Map(members) => members
                .iter()
                .find(|member| member.key == key)
                .map(|member| member.value.clone()),
            Kind::List(items) => items.get(key.parse::<usize>().ok()?).cloned(),
            _ => None,
        };
        found.map(|mut found| {
            found.choices.extend(choices);
            found
        })
    }

    /// What a local or a variable is, in whatever file.
    fn named(&self, name: &str, at: &Range<usize>) -> Option<Node> {
        let known = self.names.get(name)?;
        if known.is_foreign(self.file) {
            self.used.borrow_mut().insert(known.file.clone());
        }
        Some(known.as_read_in(self.file, name, at))
    }

    fn source(&self, at: &Range<usize>) -> &'t str {
        self.text.get(at.clone()).unwrap_or_default().trim()
    }
}

/// A part of a value that is not known, as a sentence says it.
fn not_known(construct: &str, unknown: &[&str], at: &Range<usize>) -> Choice {
    let names: Vec<String> = unknown
        .iter()
        .map(|name| format!("`{}`", one_line(name)))
        .collect();
    let (they_are, them) = match names.len() {
        1 => ("it is", "it"),
        _ => ("they are", "them"),
    };
    let text = format!(
        "of `{}` what comes from {} was not read, as {they_are} not known here: give the file that has {them}, or check that part by hand",
        one_line(construct),
        names.join(" and ")
    );
    Choice::partial(at.clone(), text)
}

/// Items that all loops of a file read together: loops in loops multiply them.
const MOST_ITEMS: usize = 1_000;

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
