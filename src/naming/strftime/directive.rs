//! What a format is made of, and how each piece is written.

use crate::naming::strftime::broken_down_time::BrokenDownTime;

/// One step of rendering a format.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Directive {
    /// So many digits of the fraction of a second, cut and not rounded.
    Fraction(u8),
    Literal(Box<str>),
    Number {
        field: Field,
        width: u8,
        pad: Pad,
    },
    Word(Word),
}

/// A number of the clock or the calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field {
    Century,
    Day,
    DayOfYear,
    DialHour,
    Epoch,
    Hour,
    IsoWeek,
    IsoYear,
    IsoYearOfCentury,
    Minute,
    MondayWeek,
    Month,
    Second,
    SundayWeek,
    /// Monday is 1, Sunday 7.
    WeekdayFromMonday,
    /// Sunday is 0.
    WeekdayFromSunday,
    Year,
    YearOfCentury,
}

/// Text that depends on the time and has no width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Word {
    Meridiem,
    MeridiemLower,
    Month,
    MonthShort,
    Offset,
    Weekday,
    WeekdayShort,
    ZoneName,
}

/// What fills a number up to its width.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Pad {
    None,
    Space,
    Zero,
}

impl Directive {
    /// Appends this piece of a time.
    pub(super) fn write(&self, moment: &BrokenDownTime<'_>, out: &mut Vec<u8>) {
        match self {
            Self::Fraction(digits) => write_fraction(moment.nanos, *digits, out),
            Self::Literal(text) => out.extend_from_slice(text.as_bytes()),
            Self::Number { field, width, pad } => {
                write_number(field.of(moment), (*width).into(), *pad, out);
            }
            Self::Word(word) => word.write(moment, out),
        }
    }
}

impl Field {
    fn of(self, moment: &BrokenDownTime<'_>) -> i64 {
        match self {
            Self::Century => moment.year.div_euclid(100),
            Self::Day => moment.day,
            Self::DayOfYear => moment.day_of_year + 1,
            Self::DialHour => moment.dial_hour(),
            Self::Epoch => moment.secs,
            Self::Hour => moment.hour(),
            Self::IsoWeek => moment.iso_week().1,
            Self::IsoYear => moment.iso_week().0,
            Self::IsoYearOfCentury => moment.iso_week().0.rem_euclid(100),
            Self::Minute => moment.minute(),
            Self::MondayWeek => moment.week_from(1),
            Self::Month => moment.month,
            Self::Second => moment.second(),
            Self::SundayWeek => moment.week_from(0),
            Self::WeekdayFromMonday => (moment.weekday + 6) % 7 + 1,
            Self::WeekdayFromSunday => moment.weekday,
            Self::Year => moment.year,
            Self::YearOfCentury => moment.year.rem_euclid(100),
        }
    }
}

impl Word {
    fn write(self, moment: &BrokenDownTime<'_>, out: &mut Vec<u8>) {
        let afternoon = moment.hour() >= 12;
        let text = match self {
            Self::Meridiem => {
                if afternoon {
                    "PM"
                } else {
                    "AM"
                }
            }
            Self::MeridiemLower => {
                if afternoon {
                    "pm"
                } else {
                    "am"
                }
            }
            Self::Month => month(moment),
            Self::MonthShort => &month(moment)[..3],
            Self::Offset => return write_offset(moment.offset, out),
            Self::Weekday => weekday(moment),
            Self::WeekdayShort => &weekday(moment)[..3],
            Self::ZoneName => return moment.zone.write_name(moment.secs, out),
        };
        out.extend_from_slice(text.as_bytes());
    }
}

/// Appends the first digits of nanoseconds below a second.
pub(super) fn write_fraction(nanos: u32, digits: u8, out: &mut Vec<u8>) {
    let start = out.len();
    out.resize(start + usize::from(digits), b'0');
    overwrite_fraction(nanos, &mut out[start..]);
}

/// Replaces digits by as many of nanoseconds below a second.
pub(super) fn overwrite_fraction(nanos: u32, digits: &mut [u8]) {
    let mut rest = nanos;
    for _ in digits.len()..9 {
        rest /= 10;
    }
    for digit in digits.iter_mut().rev() {
        *digit = decimal(u64::from(rest));
        rest /= 10;
    }
}

/// Appends a number; the sign of a negative one does not count for its width.
fn write_number(value: i64, width: usize, pad: Pad, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut start = digits.len();
    let mut rest = value.unsigned_abs();
    while rest > 0 || start == digits.len() {
        start -= 1;
        digits[start] = decimal(rest);
        rest /= 10;
    }
    let missing = width.saturating_sub(digits.len() - start);
    let padded = |pad| std::iter::repeat_n(pad, missing);
    if pad == Pad::Space {
        out.extend(padded(b' '));
    }
    if value < 0 {
        out.push(b'-');
    }
    if pad == Pad::Zero {
        out.extend(padded(b'0'));
    }
    out.extend_from_slice(&digits[start..]);
}

/// Appends an offset as `+hhmm`; seconds, which only historical offsets have, are cut.
fn write_offset(offset: i32, out: &mut Vec<u8>) {
    out.push(if offset < 0 { b'-' } else { b'+' });
    let minutes = i64::from(offset.unsigned_abs() / 60);
    write_number(minutes / 60 * 100 + minutes % 60, 4, Pad::Zero, out);
}

fn decimal(number: u64) -> u8 {
    // The remainder is below ten.
    b'0' + (number % 10) as u8
}

fn month(moment: &BrokenDownTime<'_>) -> &'static str {
    MONTHS[moment.month as usize - 1]
}

fn weekday(moment: &BrokenDownTime<'_>) -> &'static str {
    WEEKDAYS[moment.weekday as usize]
}

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const WEEKDAYS: [&str; 7] = [
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
];
