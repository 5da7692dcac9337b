//! Format text → pieces.
//!
//! A specifier is `%`, an optional flag (`-` no padding, `_` spaces, `0`
//! zeros), an optional `E` or `O` (another locale's form, here the same) and
//! a letter. A letter that stands for a whole format is replaced by it.

use super::Problem;
use crate::naming::strftime::directive::{Directive, Field, Pad, Word};

/// Reads a format, or says where it is wrong.
pub(super) fn pieces(text: &str) -> Result<Vec<Directive>, Problem> {
    if text.is_empty() {
        return Err(Problem::at(text, 0, "the time format is empty".to_owned()));
    }
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((before, spec)) = rest.split_once('%') {
        literal(before, &mut pieces);
        let percent = text.len() - spec.len() - 1;
        let taken = specifier(spec, &mut pieces)
            .map_err(|sentence| Problem::at(text, percent, sentence))?;
        rest = &spec[taken..];
    }
    literal(rest, &mut pieces);
    Ok(pieces)
}

fn literal(text: &str, pieces: &mut Vec<Directive>) {
    if !text.is_empty() {
        pieces.push(Directive::Literal(text.into()));
    }
}

/// Reads what follows a `%`; answers how many bytes that took, or a sentence.
fn specifier(spec: &str, pieces: &mut Vec<Directive>) -> Result<usize, String> {
    if let [digit @ (b'3' | b'6' | b'9'), b'N', ..] = spec.as_bytes() {
        pieces.push(Directive::Fraction(digit - b'0'));
        return Ok(2);
    }
    let pad = spec.chars().next().and_then(flag);
    let flagged = usize::from(pad.is_some());
    let at = flagged + modifier(&spec[flagged..]);
    let Some(letter) = spec[at..].chars().next() else {
        return Err("a `%` has no letter after it; write `%%` for a percent sign".to_owned());
    };
    let taken = at + letter.len_utf8();
    let Some(meaning) = meaning(letter, pad) else {
        return Err(format!(
            "`%{}` means no part of a time; {ALLOWED}",
            &spec[..taken]
        ));
    };
    pieces.extend(meaning);
    Ok(taken)
}

fn flag(symbol: char) -> Option<Pad> {
    match symbol {
        '-' => Some(Pad::None),
        '_' => Some(Pad::Space),
        '0' => Some(Pad::Zero),
        _ => None,
    }
}

/// The length of an `E` or `O` before a letter that may have it.
fn modifier(spec: &str) -> usize {
    let applies = match spec.as_bytes() {
        [b'E', letter, ..] => b"cCxXyY".contains(letter),
        [b'O', letter, ..] => b"deHImMSuUVwWy".contains(letter),
        _ => false,
    };
    usize::from(applies)
}

/// The pieces a letter stands for; only numbers take a flag.
fn meaning(letter: char, flag: Option<Pad>) -> Option<Vec<Directive>> {
    if let Some((field, width, pad)) = number(letter) {
        let pad = flag.unwrap_or(pad);
        return Some(vec![Directive::Number { field, width, pad }]);
    }
    match (flag, whole(letter)) {
        (Some(_), _) => None,
        (None, Some(format)) => pieces(format).ok(),
        (None, None) => simple(letter).map(|piece| vec![piece]),
    }
}

fn number(letter: char) -> Option<(Field, u8, Pad)> {
    Some(match letter {
        'C' => (Field::Century, 2, Pad::Zero),
        'd' => (Field::Day, 2, Pad::Zero),
        'e' => (Field::Day, 2, Pad::Space),
        'G' => (Field::IsoYear, 4, Pad::Zero),
        'g' => (Field::IsoYearOfCentury, 2, Pad::Zero),
        'H' => (Field::Hour, 2, Pad::Zero),
        'I' => (Field::DialHour, 2, Pad::Zero),
        'j' => (Field::DayOfYear, 3, Pad::Zero),
        'k' => (Field::Hour, 2, Pad::Space),
        'l' => (Field::DialHour, 2, Pad::Space),
        'M' => (Field::Minute, 2, Pad::Zero),
        'm' => (Field::Month, 2, Pad::Zero),
        'S' => (Field::Second, 2, Pad::Zero),
        's' => (Field::Epoch, 1, Pad::Zero),
        'U' => (Field::SundayWeek, 2, Pad::Zero),
        'u' => (Field::WeekdayFromMonday, 1, Pad::Zero),
        'V' => (Field::IsoWeek, 2, Pad::Zero),
        'W' => (Field::MondayWeek, 2, Pad::Zero),
        'w' => (Field::WeekdayFromSunday, 1, Pad::Zero),
        'Y' => (Field::Year, 4, Pad::Zero),
        'y' => (Field::YearOfCentury, 2, Pad::Zero),
        _ => return None,
    })
}

fn whole(letter: char) -> Option<&'static str> {
    Some(match letter {
        'c' => "%a %b %e %H:%M:%S %Y",
        'D' | 'x' => "%m/%d/%y",
        'F' => "%Y-%m-%d",
        'R' => "%H:%M",
        'r' => "%I:%M:%S %p",
        'T' | 'X' => "%H:%M:%S",
        'v' => "%e-%b-%Y",
        _ => return None,
    })
}

fn simple(letter: char) -> Option<Directive> {
    Some(match letter {
        '%' => Directive::Literal("%".into()),
        'A' => Directive::Word(Word::Weekday),
        'a' => Directive::Word(Word::WeekdayShort),
        'B' => Directive::Word(Word::Month),
        'b' | 'h' => Directive::Word(Word::MonthShort),
        'f' => Directive::Fraction(6),
        'L' => Directive::Fraction(3),
        'n' => Directive::Literal("\n".into()),
        'P' => Directive::Word(Word::MeridiemLower),
        'p' => Directive::Word(Word::Meridiem),
        't' => Directive::Literal("\t".into()),
        'Z' => Directive::Word(Word::ZoneName),
        'z' => Directive::Word(Word::Offset),
        _ => return None,
    })
}

const ALLOWED: &str = "allowed are %A %a %B %b %C %c %D %d %e %F %f %G %g %H %h %I %j %k %L %l %M \
                       %m %n %P %p %R %r %S %s %T %t %U %u %V %v %W %w %X %x %Y %y %Z %z %3N %6N \
                       %9N and %%";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_specifier_named_in_the_message_is_understood_and_no_other_letter() {
        for letter in ('A'..='z').filter(char::is_ascii_alphabetic) {
            let named = ALLOWED.contains(&format!("%{letter} "));
            assert_eq!(pieces(&format!("%{letter}")).is_ok(), named, "%{letter}");
        }
        for format in ["%3N", "%6N", "%9N", "%%"] {
            assert!(pieces(format).is_ok(), "{format}");
        }
    }

    #[test]
    fn a_problem_points_at_its_percent_sign() {
        for (text, column) in [
            ("", 1),
            ("%", 1),
            ("%Y-%", 4),
            ("%%%", 3),
            ("é%Q", 2),
            ("%é", 1),
            ("%Y %3", 4),
            ("%5N", 1),
            ("%-", 1),
            ("%-A", 1),
            ("%-F", 1),
            ("%EQ", 1),
            ("%EL", 1),
            ("%OA", 1),
        ] {
            let problem = pieces(text).expect_err(text);
            assert_eq!(problem.column, column, "{text}: {problem}");
        }
    }

    #[test]
    fn a_problem_quotes_the_specifier_and_lists_the_others() {
        let problem = pieces("%Y %Q").expect_err("no such letter");
        assert!(
            problem.sentence.starts_with("`%Q` means no part"),
            "{problem}"
        );
        assert!(problem.sentence.contains("%Y %y %Z"), "{problem}");
    }
}
