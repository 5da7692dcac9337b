//! Template text → parts, in both languages.
//!
//! Every template that the C plugin accepts means the same here, apart from
//! what it drops or misreads: a `$` directly behind an item, a `$` at the end,
//! and `$0` to `$9`, for which an output has no regular expression. It refuses
//! `$a['b']/x` and `$a-$b`; here they mean what they look like.

use super::cursor::Cursor;
use super::{Part, Problem, Step, Value, Variable};
use crate::naming::strftime::Format;

/// Reads a template, or says where it is wrong.
pub(super) fn parts(text: &str) -> Result<Vec<Part>, Problem> {
    let mut cursor = Cursor::new(text);
    let mut parts = Vec::new();
    while !cursor.rest().is_empty() {
        let start = cursor.at();
        let value = match item(&mut cursor)? {
            Some(value) => value,
            None => literal(&mut cursor),
        };
        parts.push(Part {
            text: cursor.since(start).into(),
            value,
        });
    }
    Ok(parts)
}

/// Reads the item that begins here, if one does.
fn item(cursor: &mut Cursor<'_>) -> Result<Option<Value>, Problem> {
    let start = cursor.at();
    if cursor.eat("$(") {
        in_parentheses(cursor, start).map(Some)
    } else if cursor.eat("$TAG") {
        tag(cursor).map(Some)
    } else if begins_key(cursor.rest()) {
        cursor.eat("$");
        key(cursor).map(Some)
    } else {
        Ok(None)
    }
}

/// Passes text up to the next item; at least one character, which begins no item.
fn literal(cursor: &mut Cursor<'_>) -> Value {
    let start = cursor.at();
    while !cursor.rest().is_empty() && !begins_item(cursor.rest()) {
        cursor.eat("$");
        cursor.take_while(|c| c != '$');
    }
    Value::Literal(cursor.since(start).into())
}

fn begins_item(rest: &str) -> bool {
    rest.starts_with("$(") || begins_key(rest)
}

fn begins_key(rest: &str) -> bool {
    let name = rest.strip_prefix('$').unwrap_or_default();
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

/// The C language's `$TAG` and `$TAG[n]`; a part beyond the end prints nothing.
fn tag(cursor: &mut Cursor<'_>) -> Result<Value, Problem> {
    if !cursor.rest().starts_with('[') {
        return Ok(Value::Tag);
    }
    let index = cursor.index()?;
    Ok(Value::TagPart {
        index,
        optional: true,
    })
}

/// The C language's `$name['a'][0]`.
fn key(cursor: &mut Cursor<'_>) -> Result<Value, Problem> {
    let name = cursor.take_while(|c| c.is_ascii_alphanumeric() || "_-/".contains(c));
    let name = without_separator(name, cursor);
    let steps = cursor.steps()?;
    Ok(Value::Field {
        path: path(name, steps),
        fallback: None,
    })
}

/// Gives the `/` of `$a/$b` back to the text: no valid C template has a `$` there.
fn without_separator<'t>(name: &'t str, cursor: &mut Cursor<'_>) -> &'t str {
    let shorter = name.trim_end_matches(['-', '/', '_']);
    if shorter.is_empty() || !cursor.rest().starts_with('$') {
        return name;
    }
    cursor.back(name.len() - shorter.len());
    shorter
}

/// The Go language's `$(name['a'][0])`, after the parenthesis; `start` is the `$`.
fn in_parentheses(cursor: &mut Cursor<'_>, start: usize) -> Result<Value, Problem> {
    if cursor.eat("time:") {
        return time(cursor, start);
    }
    let name = cursor.take_while(|c| c != '[' && c != ')');
    let steps = cursor.steps()?;
    close(cursor, start)?;
    meaning(name, steps).map_err(|sentence| cursor.problem(start, sentence))
}

/// What a name with its steps stands for; only a bare name can be a variable.
fn meaning(name: &str, steps: Vec<Step>) -> Result<Value, &'static str> {
    let variable = Variable::named(name).filter(|_| steps.is_empty());
    match (name, &steps[..], variable) {
        ("", ..) => Err(EMPTY),
        ("tag", [], _) => Ok(Value::Tag),
        ("tag", &[Step::Index(index)], _) => Ok(Value::TagPart {
            index,
            optional: false,
        }),
        ("tag", ..) => Err(TAG),
        (_, _, Some(variable)) if !variable.yields_to_the_record() => Ok(Value::Variable(variable)),
        (_, _, fallback) => Ok(Value::Field {
            path: path(name, steps),
            fallback,
        }),
    }
}

/// The time of the record, in UTC because a name must not depend on the host.
fn time(cursor: &mut Cursor<'_>, start: usize) -> Result<Value, Problem> {
    let begin = cursor.at();
    let format = cursor.take_while(|c| c != ')');
    close(cursor, start)?;
    Format::parse(format)
        .map(Value::Time)
        .map_err(|problem| cursor.moved(begin, problem))
}

fn close(cursor: &mut Cursor<'_>, start: usize) -> Result<(), Problem> {
    if cursor.eat(")") {
        return Ok(());
    }
    Err(match cursor.rest() {
        "" => cursor.problem(start, "a `$(` has no closing `)`"),
        _ => cursor.problem(cursor.at(), "after `]` only `)` or another `[` may follow"),
    })
}

fn path(name: &str, steps: Vec<Step>) -> Box<[Step]> {
    std::iter::once(Step::Key(name.into()))
        .chain(steps)
        .collect()
}

const EMPTY: &str = "`$(` needs a name behind it: a key of the record, `tag`, `time:` with a \
                     format, or a variable such as `ecs_task_id`";
const TAG: &str = "`tag` takes one number at most, such as `$(tag[0])`";
