//! A time as a calendar shows it.
//!
//! Days are turned into dates by counting 400-year cycles of 146,097 days from
//! 1 March of year 0, so that the leap day is the last day of a year. All of it
//! is 64-bit arithmetic that cannot overflow for any 64-bit second.

use super::zone::Zone;

/// One instant, taken apart in one zone.
pub(super) struct BrokenDownTime<'z> {
    pub(super) secs: i64,
    pub(super) nanos: u32,
    pub(super) zone: &'z Zone,
    /// Seconds east of UTC.
    pub(super) offset: i32,
    pub(super) year: i64,
    /// From 1.
    pub(super) month: i64,
    /// From 1.
    pub(super) day: i64,
    /// From 0, so 1 January is 0.
    pub(super) day_of_year: i64,
    /// From 0, which is Sunday.
    pub(super) weekday: i64,
    /// The second of the day, 0 to 86,399.
    clock: i64,
}

impl<'z> BrokenDownTime<'z> {
    /// Takes an instant apart; nanoseconds beyond a second are cut.
    pub(super) fn at(secs: i64, nanos: u32, zone: &'z Zone) -> Self {
        let offset = zone.offset(secs);
        let local = secs.saturating_add(offset.into());
        let days = local.div_euclid(DAY);
        let (year, month, day) = date(days);
        Self {
            secs,
            nanos: nanos.min(999_999_999),
            zone,
            offset,
            year,
            month,
            day,
            day_of_year: day_of_year(year, month, day),
            weekday: (days + THURSDAY).rem_euclid(7),
            clock: local.rem_euclid(DAY),
        }
    }

    pub(super) fn hour(&self) -> i64 {
        self.clock / 3600
    }

    /// The hour on a dial: 12, 1, 2, … 11.
    pub(super) fn dial_hour(&self) -> i64 {
        (self.hour() + 11) % 12 + 1
    }

    pub(super) fn minute(&self) -> i64 {
        self.clock / 60 % 60
    }

    pub(super) fn second(&self) -> i64 {
        self.clock % 60
    }

    /// The week of the year, 0 to 53, when weeks begin on `first` (0 is Sunday).
    pub(super) fn week_from(&self, first: i64) -> i64 {
        (self.day_of_year + 7 - (self.weekday - first).rem_euclid(7)) / 7
    }

    /// The ISO 8601 year and week: a week belongs to the year of its Thursday.
    pub(super) fn iso_week(&self) -> (i64, i64) {
        let thursday = self.day_of_year + 3 - (self.weekday + 6) % 7;
        let (year, day) = if thursday < 0 {
            (self.year - 1, thursday + year_length(self.year - 1))
        } else if thursday >= year_length(self.year) {
            (self.year + 1, thursday - year_length(self.year))
        } else {
            (self.year, thursday)
        };
        (year, day / 7 + 1)
    }
}

/// Year, month and day of a day counted from 1 January 1970.
fn date(days: i64) -> (i64, i64, i64) {
    let days = days + CYCLE_TO_1970;
    let (cycle, day) = (days.div_euclid(CYCLE), days.rem_euclid(CYCLE));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let from_march = (5 * day + 2) / 153;
    let day = day - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    (cycle * 400 + year + i64::from(month <= 2), month, day)
}

fn day_of_year(year: i64, month: i64, day: i64) -> i64 {
    let leap_day = month > 2 && year_length(year) == 366;
    (367 * month - 362) / 12 - if month > 2 { 2 } else { 0 } + i64::from(leap_day) + day - 1
}

fn year_length(year: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if leap { 366 } else { 365 }
}

const DAY: i64 = 86_400;
/// The weekday of 1 January 1970.
const THURSDAY: i64 = 4;
const CYCLE: i64 = 146_097;
/// Days from 1 March of year 0 to 1 January 1970.
const CYCLE_TO_1970: i64 = 719_468;

#[cfg(test)]
mod tests {
    use super::*;

    /// Walks the calendar a day at a time, by the schoolbook rules.
    #[test]
    fn eight_hundred_years_agree_with_counting_on_fingers() {
        let (mut year, mut month, mut day, mut of_year) = (1600, 1, 1, 0);
        // `date -u -d 1600-01-01 +%s` is -11676096000.
        for days in -11_676_096_000 / DAY..-11_676_096_000 / DAY + 2 * CYCLE {
            let moment = BrokenDownTime::at(days * DAY, 0, &Zone::Utc);
            assert_eq!((moment.year, moment.month, moment.day), (year, month, day));
            assert_eq!(moment.day_of_year, of_year, "{year}-{month}-{day}");
            day += 1;
            of_year += 1;
            if day > month_length(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month, of_year) = (year + 1, 1, 0);
            }
        }
    }

    #[test]
    fn the_ends_of_time_have_a_date() {
        for secs in [i64::MIN, i64::MIN + 1, i64::MAX - 1, i64::MAX] {
            let moment = BrokenDownTime::at(secs, u32::MAX, &Zone::Utc);
            assert!((1..=12).contains(&moment.month));
            assert!((1..=31).contains(&moment.day));
            assert_eq!(moment.nanos, 999_999_999);
        }
    }

    fn month_length(year: i64, month: i64) -> i64 {
        match month {
            2 => year_length(year) - 337,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        }
    }
}
