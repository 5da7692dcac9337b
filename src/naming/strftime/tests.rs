//! Formats against what `date -u -d @SECONDS +FORMAT` prints, and against each other.

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::*;

#[test]
fn formats_print_what_date_prints() {
    for (secs, expected) in [
        (
            0,
            "1970|19|70|1970|70|01|00|00|4|4|001| 0|12|12|AM|01/01/70",
        ),
        (
            -1,
            "1969|19|69|1970|70|01|52|52|3|3|365|23|11|11|PM|12/31/69",
        ),
        (
            -62_135_596_800,
            "0001|00|01|0001|01|01|00|01|1|1|001| 0|12|12|AM|01/01/01",
        ),
        (
            253_402_300_800,
            "10000|100|00|9999|99|52|00|00|6|6|001| 0|12|12|AM|01/01/00",
        ),
        (
            1_721_003_645,
            "2024|20|24|2024|24|29|28|29|1|1|197| 0|12|12|AM|07/15/24",
        ),
        (
            1_735_603_199,
            "2024|20|24|2025|25|01|52|53|1|1|365|23|11|11|PM|12/30/24",
        ),
        (
            1_609_459_199,
            "2020|20|20|2020|20|53|52|52|4|4|366|23|11|11|PM|12/31/20",
        ),
    ] {
        let format = "%Y|%C|%y|%G|%g|%V|%U|%W|%u|%w|%j|%k|%l|%I|%p|%x";
        assert_eq!(utc(format, secs, 0), expected, "{secs}");
    }
}

#[test]
fn every_specifier_has_its_meaning() {
    // 15 July 2024, 00:34:05 UTC, a Monday.
    for (format, expected) in [
        ("%Y-%m-%dT%H:%M:%S", "2024-07-15T00:34:05"),
        ("%A %a %B %b %h", "Monday Mon July Jul Jul"),
        ("%c", "Mon Jul 15 00:34:05 2024"),
        ("%D %x %F", "07/15/24 07/15/24 2024-07-15"),
        ("%R %T %X %r", "00:34 00:34:05 00:34:05 12:34:05 AM"),
        ("%v", "15-Jul-2024"),
        ("%e %k %l", "15  0 12"),
        ("%s", "1721003645"),
        ("%P%n%t%%", "am\n\t%"),
        ("%z %Z", "+0000 UTC"),
        ("%L %f %3N %6N %9N", "012 012345 012 012345 012345678"),
        ("%H:%M:%S.%LZ", "00:34:05.012Z"),
        ("%%L %%%L", "%L %012"),
        ("%-m/%-d %-H %_H %_m %0e %0k", "7/15 0  0  7 15 00"),
        ("%Ey %Od %EX", "24 15 00:34:05"),
        ("heure é %Y", "heure é 2024"),
        ("no time", "no time"),
    ] {
        assert_eq!(utc(format, 1_721_003_645, 12_345_678), expected, "{format}");
    }
}

#[test]
fn single_digit_fields_are_padded_as_their_letter_says() {
    // 5 March 2024, 07:08:09 UTC.
    assert_eq!(
        utc("%c|%v|%e|%k|%l|%j", 1_709_622_489, 0),
        "Tue Mar  5 07:08:09 2024| 5-Mar-2024| 5| 7| 7|065"
    );
}

#[test]
fn years_that_no_log_has_are_still_printed() {
    assert_eq!(
        utc("%Y-%m-%d %C%y", -62_167_219_201, 0),
        "-0001-12-31 -0199"
    );
    assert_eq!(utc("%F", 253_402_300_800, 0), "10000-01-01");
    for secs in [i64::MIN, i64::MAX] {
        assert!(utc("%c %G-%V %U %W %s %9N", secs, u32::MAX).ends_with(" 999999999"));
    }
}

#[test]
fn a_local_zone_moves_the_clock_and_names_itself() {
    let format = Format::parse("%F %T %z %Z %s").expect("a format");
    for (secs, expected) in [
        // The second before and the second of the change to summer time in 2024.
        (1_710_053_999, "2024-03-10 01:59:59 -0500 EST 1710053999"),
        (1_710_054_000, "2024-03-10 03:00:00 -0400 EDT 1710054000"),
    ] {
        let mut out = Vec::new();
        format.render(secs, 0, &new_york(), &mut out);
        assert_eq!(String::from_utf8_lossy(&out), expected);
    }
}

#[test]
fn an_offset_of_half_an_hour_keeps_its_minutes() {
    let zone = Zone::Local(TimeZone::posix("<-0330>3:30").expect("a rule"));
    let mut out = Vec::new();
    Format::parse("%H:%M %z %Z")
        .expect("a format")
        .render(0, 0, &zone, &mut out);
    assert_eq!(out, b"20:30 -0330 -0330");
}

#[test]
fn rendering_appends() {
    let mut out = b"t=".to_vec();
    Format::parse("%Y")
        .expect("a format")
        .render(0, 0, &Zone::Utc, &mut out);
    assert_eq!(out, b"t=1970");
}

proptest! {
    #[test]
    fn the_cached_text_is_the_uncached_text(
        text in prop::sample::select(vec!["%L", "%FT%T.%LZ", "%9N %s %3N %c %6N%f", "%Z %z %j", "%s.%f"]),
        zone in prop::sample::select(vec![Zone::Utc, new_york()]),
        // Few seconds, so that the cache is hit about as often as missed.
        times in prop::collection::vec((0..4_i64, any::<bool>(), 0..1_100_000_000_u32), 1..100),
    ) {
        let format = Format::parse(text).expect(text);
        let mut renderer = Renderer::new(format.clone(), zone.clone());
        for (second, is_old, nanos) in times {
            let secs = 1_710_053_998 + second - if is_old { 5_000_000_000 } else { 0 };
            let (mut cached, mut fresh) = (b"+".to_vec(), b"+".to_vec());
            renderer.render(secs, nanos, &mut cached);
            format.render(secs, nanos, &zone, &mut fresh);
            assert_eq!(cached, fresh, "{text} {secs} {nanos}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn no_text_makes_the_parser_or_the_renderer_panic(
        text in prop::collection::vec(prop::sample::select("%%%%YmdLfN369-_0EOQé ".chars().collect::<Vec<_>>()), 0..8)
            .prop_map(String::from_iter),
        secs in any::<i64>(),
    ) {
        match Format::parse(&text) {
            Ok(format) => format.render(secs, 0, &Zone::Utc, &mut Vec::new()),
            Err(problem) => assert!((1..=text.chars().count().max(1)).contains(&problem.column)),
        }
    }
}

fn utc(format: &str, secs: i64, nanos: u32) -> String {
    let mut out = Vec::new();
    Format::parse(format)
        .expect(format)
        .render(secs, nanos, &Zone::Utc, &mut out);
    String::from_utf8(out).expect("text")
}

fn new_york() -> Zone {
    Zone::Local(TimeZone::posix("EST5EDT,M3.2.0,M11.1.0").expect("a rule"))
}
