//! A file's sections by how Fluent Bit takes them: parsers, stream tasks and the rest come to it in
//! different ways.

/// A file in pieces; a piece without a section is empty.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Pieces {
    /// Sections of a pipeline, with the comments, commands and whatever has no section.
    pub others: Vec<u8>,
    /// `[PARSER]` and `[MULTILINE_PARSER]`, for Fluent Bit's `-R`.
    pub parsers: Vec<u8>,
    /// `[STREAM_TASK]`, for `Streams_File`.
    pub streams: Vec<u8>,
    /// Whether the first piece has a section or a command.
    pub has_others: bool,
}

impl Pieces {
    /// Parts a file by its sections. Bytes are bytes: a comment may have any.
    #[must_use]
    pub fn of(text: &[u8]) -> Self {
        let mut pieces = Self::default();
        let mut kind = Kind::Others;
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let trimmed = line.trim_ascii();
            if trimmed.starts_with(b"[") {
                kind = Kind::of(trimmed);
            }
            let is_command = trimmed.starts_with(b"@");
            let is_content = !trimmed.is_empty() && !trimmed.starts_with(b"#");
            let piece = match kind {
                _ if is_command => &mut pieces.others,
                Kind::Others => &mut pieces.others,
                Kind::Parsers => &mut pieces.parsers,
                Kind::Streams => &mut pieces.streams,
            };
            piece.extend_from_slice(line);
            pieces.has_others |= is_command || (is_content && kind == Kind::Others);
        }
        pieces
    }

    /// Whether it has sections of more than one kind.
    #[must_use]
    pub fn is_mixed(&self) -> bool {
        let kinds = [
            self.has_others,
            !self.parsers.is_empty(),
            !self.streams.is_empty(),
        ];
        kinds.iter().filter(|has| **has).count() > 1
    }
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Kind {
    Others,
    Parsers,
    Streams,
}

impl Kind {
    /// The kind of the section that a line begins.
    fn of(line: &[u8]) -> Self {
        let name = line.strip_prefix(b"[").unwrap_or(line);
        let name = name.split(|byte| *byte == b']').next().unwrap_or_default();
        match name.trim_ascii().to_ascii_uppercase().as_slice() {
            b"PARSER" | b"MULTILINE_PARSER" => Self::Parsers,
            b"STREAM_TASK" => Self::Streams,
            _ => Self::Others,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_parted_by_its_sections() {
        let text = b"# \xff\n[SERVICE]\n Flush 1\n [parser]\n Name a\n@SET b=c\n[STREAM_TASK]\n Name s\n[FILTER]\n Regex log [PARSER]\n";
        let pieces = Pieces::of(text);
        assert_eq!(pieces.parsers, b" [parser]\n Name a\n");
        assert_eq!(pieces.streams, b"[STREAM_TASK]\n Name s\n");
        assert_eq!(
            pieces.others,
            b"# \xff\n[SERVICE]\n Flush 1\n@SET b=c\n[FILTER]\n Regex log [PARSER]\n"
        );
        assert!(pieces.is_mixed());
    }

    #[test]
    fn a_file_of_one_kind_is_not_mixed() {
        for (text, has_others) in [
            (
                &b"# own\n[PARSER]\n Name a\n[MULTILINE_PARSER]\n"[..],
                false,
            ),
            (b"[STREAM_TASK]\n", false),
            (b"[FILTER]\n Name grep\n", true),
            (b"@INCLUDE x\n", true),
            (b"", false),
        ] {
            let pieces = Pieces::of(text);
            assert_eq!((pieces.is_mixed(), pieces.has_others), (false, has_others));
        }
    }
}
