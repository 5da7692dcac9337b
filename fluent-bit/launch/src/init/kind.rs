//! Parsers told from other configuration, as Fluent Bit takes them in different ways.

/// What a file has.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Kind {
    /// Sections of a pipeline, or none.
    Configuration,
    /// Sections of parsers alone.
    Parsers,
    /// Both. AWS's init uses only the parsers of such a file, and so is it done here.
    Mixed,
}

impl Kind {
    /// Looks at the names of a file's sections.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let sections = text
            .lines()
            .filter_map(|line| line.trim().strip_prefix('['));
        let names = sections.filter_map(|line| line.split(']').next());
        let is_parser = |name: &str| {
            ["PARSER", "MULTILINE_PARSER"].contains(&&*name.trim().to_ascii_uppercase())
        };
        let (parsers, others): (Vec<_>, Vec<_>) = names.partition(|name| is_parser(name));
        match (parsers.is_empty(), others.is_empty()) {
            (true, _) => Self::Configuration,
            (false, true) => Self::Parsers,
            (false, false) => Self::Mixed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_what_its_sections_are() {
        let cases = [
            (
                "[FILTER]\n    Name grep\n    Regex log [PARSER]\n",
                Kind::Configuration,
            ),
            ("# [PARSER]\n@SET a=b\n", Kind::Configuration),
            ("\n [PARSER]\n Name a\n[multiline_parser]\n", Kind::Parsers),
            ("[SERVICE]\n[PARSER]\n", Kind::Mixed),
        ];
        for (text, kind) in cases {
            assert_eq!(Kind::of(text), kind, "{text}");
        }
    }
}
