//! The options that add a record's time.

use support::alone::alone;
use support::chunk::{Chunk, Time, map};

use super::{Case, texts};

pub(crate) const CASES: &[Case] = &[
    ("time_key", the_time_is_added_in_place_of_what_is_there),
    ("time_key_format", both_families_spell_fractions),
    ("time_key_zone", the_zone_is_the_one_of_the_option),
];

/// 15 July 2024, 00:34:05.012345678 UTC.
fn chunk() -> Chunk {
    let time = Time::Event {
        seconds: 1_721_003_645,
        nanoseconds: 12_345_678,
    };
    Chunk::new().v2(time, map([("time", "old"), ("log", "x")]))
}

fn the_time_is_added_in_place_of_what_is_there() {
    let utc = ("time_key_zone", "utc");
    for (options, expected) in [
        (
            &[("time_key", "time")][..],
            "{\"log\":\"x\",\"time\":\"2024-07-15T00:34:05\"}\n",
        ),
        (
            &[("time_key", "time"), ("log_key", "time")],
            "2024-07-15T00:34:05\n",
        ),
        (&[("time_key", "t"), ("log_key", "time")], "old\n"),
        (
            &[
                ("time_key", "t.s"),
                ("replace_dots", "_"),
                ("data_keys", "t.s"),
            ],
            "{\"t_s\":\"2024-07-15T00:34:05\"}\n",
        ),
        (
            &[("time_key", "time"), ("data_keys", "log")],
            "{\"log\":\"x\"}\n",
        ),
    ] {
        assert_eq!(texts(&[options, &[utc]].concat(), &chunk()), [expected]);
    }
}

/// `%L` is three digits, as in the Go plugin; the C plugin's nine are `%9N`.
fn both_families_spell_fractions() {
    for (format, expected) in [
        ("%H:%M:%S.%L", "00:34:05.012"),
        ("%3N %6N %9N %f", "012 012345 012345678 012345"),
        ("%d/%b/%Y:%H:%M:%S %z", "15/Jul/2024:00:34:05 +0000"),
        ("%s%%L", "1721003645%L"),
    ] {
        let options = [
            ("time_key", "t"),
            ("time_key_format", format),
            ("time_key_zone", "utc"),
            ("log_key", "t"),
        ];
        assert_eq!(texts(&options, &chunk()), [format!("{expected}\n")]);
    }
}

fn the_zone_is_the_one_of_the_option() {
    the_zone_is_local_unless_it_is_utc();
}

/// The zone is read from `TZ`, which only a process of its own can have another value for.
#[test]
fn the_zone_is_local_unless_it_is_utc() {
    let test = "time::the_zone_is_local_unless_it_is_utc";
    if !alone(test, &[("TZ", Some("EST5EDT,M3.2.0,M11.1.0"))]) {
        return;
    }
    for (zone, expected) in [
        (None, "2024-07-14 20:34 -0400 EDT\n"),
        (Some("local"), "2024-07-14 20:34 -0400 EDT\n"),
        (Some("utc"), "2024-07-15 00:34 +0000 UTC\n"),
    ] {
        let mut options = vec![
            ("time_key", "t"),
            ("time_key_format", "%F %R %z %Z"),
            ("log_key", "t"),
        ];
        options.extend(zone.map(|zone| ("time_key_zone", zone)));
        assert_eq!(texts(&options, &chunk()), [expected], "{zone:?}");
    }
}
