//! A place in a template's text, and the steps in brackets that both languages share.

use super::{Problem, Step};

/// The part of a text that is still to be read.
pub(super) struct Cursor<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Cursor<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn at(&self) -> usize {
        self.at
    }

    pub(super) fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    /// What has been read since an earlier place.
    pub(super) fn since(&self, start: usize) -> &'t str {
        &self.text[start..self.at]
    }

    /// Passes a token if it comes next.
    pub(super) fn eat(&mut self, token: &str) -> bool {
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    /// Passes all characters up to the first that is not wanted.
    pub(super) fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'t str {
        let rest = self.rest();
        let end = rest.find(|c| !wanted(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Gives back the last bytes that were read.
    pub(super) fn back(&mut self, bytes: usize) {
        self.at -= bytes;
    }

    pub(super) fn problem(&self, offset: usize, sentence: impl Into<String>) -> Problem {
        Problem::at(self.text, offset, sentence.into())
    }

    /// The problem of a text that begins at an offset of this one.
    pub(super) fn moved(&self, offset: usize, inner: Problem) -> Problem {
        let mut problem = self.problem(offset, inner.sentence);
        problem.column += inner.column - 1;
        problem
    }

    /// Reads `['key']` and `[0]`, as many as come.
    pub(super) fn steps(&mut self) -> Result<Vec<Step>, Problem> {
        let mut steps = Vec::new();
        while self.rest().starts_with('[') {
            steps.push(self.step()?);
        }
        Ok(steps)
    }

    /// Reads `[0]`; the bracket comes next.
    pub(super) fn index(&mut self) -> Result<usize, Problem> {
        let open = self.at;
        self.eat("[");
        let digits = self.take_while(|c| c.is_ascii_digit());
        if digits.is_empty() || !self.eat("]") {
            return Err(self.problem(open, NO_STEP));
        }
        digits
            .parse()
            .map_err(|_| self.problem(open + 1, format!("the number {digits} is too large")))
    }

    fn step(&mut self) -> Result<Step, Problem> {
        let open = self.at;
        if !self.eat("['") {
            return self.index().map(Step::Index);
        }
        let Some((key, length)) = quoted(self.rest()) else {
            return Err(self.problem(open, "a key that begins with `['` has no closing `']`"));
        };
        self.at += length;
        Ok(Step::Key(key))
    }
}

/// Reads a key up to `']`: the key, and how many bytes that took with the end.
///
/// A quote is written twice; one alone is accepted where it cannot be the end.
fn quoted(text: &str) -> Option<(Box<str>, usize)> {
    let mut key = String::new();
    let mut rest = text;
    loop {
        let (before, after) = rest.split_once('\'')?;
        key.push_str(before);
        if let Some(end) = after.strip_prefix(']') {
            return Some((key.into(), text.len() - end.len()));
        }
        key.push('\'');
        rest = after.strip_prefix('\'').unwrap_or(after);
    }
}

const NO_STEP: &str = "a `[` must begin `['key']` or `[0]`: a key in quotes or a number";
