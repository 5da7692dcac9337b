//! The report: one HTML file with the timeline, the account, the samples and the metrics.
//!
//! It has no script and loads nothing. Its colours follow the reader's choice of light or dark, its
//! tables have captions and headers, and the timeline's figures are in a table too.

mod chart;

use std::fmt::Write;

use super::account::{Account, Row};
use super::chaos::POISON;
use super::router::Metrics;
use super::samples::Sample;
use super::timeline::Timeline;

/// The timeline as a picture of its own.
pub(super) fn picture(account: &Account) -> String {
    chart::svg(&account.timeline, &account.faults, COLOURS)
}

/// The whole page.
pub(super) fn page(account: &Account, host: &str, lines: &str, metrics: &Metrics) -> String {
    let result = if account.is_clean() {
        "clean"
    } else {
        "failed"
    };
    let summary = escaped(&account.summary());
    let chart = chart::svg(&account.timeline, &account.faults, "");
    let body = [
        section(
            "timeline",
            "Timeline",
            &(chart + &figures(&account.timeline)),
        ),
        section("destinations", "Destinations", &destinations(&account.rows)),
        section("faults", "Faults", &faults(account)),
        section("samples", "Sample events", &samples(&account.samples)),
        section("metrics", "Metrics at the end", &shown_metrics(metrics)),
    ]
    .concat();
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>Log router demo: {summary}</title>\n<style>\n{COLOURS}{STYLE}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">To the report</a>\n<header>\n<h1>Log router demo</h1>\n\
         <p id=\"summary\" class=\"{result}\">{summary}</p>\n<p>Router: {}. Lines: {}.</p>\n</header>\n\
         <main id=\"main\">\n{body}</main>\n</body>\n</html>\n",
        escaped(host),
        escaped(lines),
    )
}

fn section(id: &str, title: &str, body: &str) -> String {
    format!("<section aria-labelledby=\"{id}\">\n<h2 id=\"{id}\">{title}</h2>\n{body}</section>\n")
}

/// A table that can be scrolled by keyboard where it is too wide.
fn table(caption: &str, head: &[&str], rows: &[Vec<String>]) -> String {
    let mut html = format!(
        "<div class=\"wide\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n<table>\n<caption>{caption}</caption>\n<thead><tr>"
    );
    for name in head {
        let _ = write!(html, "<th scope=\"col\">{name}</th>");
    }
    html.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        let (first, others) = row.split_first().expect("a table has columns");
        let _ = write!(html, "<tr><th scope=\"row\">{}</th>", escaped(first));
        for cell in others {
            let is_number = cell.parse::<f64>().is_ok();
            let class = if is_number { " class=\"number\"" } else { "" };
            let _ = write!(html, "<td{class}>{}</td>", escaped(cell));
        }
        html.push_str("</tr>\n");
    }
    html + "</tbody>\n</table>\n</div>\n"
}

fn destinations(rows: &[Row]) -> String {
    let cells = |row: &Row| {
        let numbers = [
            row.sent.to_string(),
            row.stored.to_string(),
            row.bytes.to_string(),
            row.requests.to_string(),
            row.failed.to_string(),
            row.retried.to_string(),
        ];
        let names = [row.kind.to_owned(), row.places.clone()];
        names.into_iter().chain(numbers).collect()
    };
    let head = [
        "Output",
        "Where",
        "Sent",
        "Stored",
        "Bytes",
        "Requests",
        "Not accepted",
        "Records in these",
    ];
    table(
        "What each destination has",
        &head,
        &rows.iter().map(cells).collect::<Vec<_>>(),
    )
}

/// The numbers of the chart as a table, for screen readers.
fn figures(timeline: &Timeline) -> String {
    let row = |place: usize| {
        let at = timeline.step.as_secs_f64() * place as f64;
        let lists = [&timeline.offered, &timeline.accepted, &timeline.retried];
        let numbers = lists.map(|list| list[place].to_string());
        std::iter::once(format!("{at:.2}")).chain(numbers).collect()
    };
    let rows: Vec<Vec<String>> = (0..timeline.offered.len()).map(row).collect();
    let head = ["From second", "Offered", "Accepted", "Retried"];
    let table = table("Records in each interval", &head, &rows);
    format!("<details>\n<summary>The same as a table</summary>\n{table}</details>\n")
}

fn faults(account: &Account) -> String {
    let row = |(name, from, to): &(String, f64, f64)| {
        vec![
            name.clone(),
            format!("{from:.1}"),
            format!("{:.1}", to - from),
        ]
    };
    let rows: Vec<Vec<String>> = account.faults.iter().map(row).collect();
    if rows.is_empty() {
        return "<p>None: <code>make demo CHAOS=1</code> makes the services fail.</p>\n".to_owned();
    }
    let mut html = table(
        "What went wrong",
        &["Fault", "From second", "Seconds"],
        &rows,
    );
    if let Some(poisoned) = &account.poisoned {
        let line = poisoned
            .dropped
            .as_deref()
            .unwrap_or("no line of the router tells of it");
        let _ = write!(
            html,
            "<p>The event <q>{POISON}</q> of <code>{}</code> is refused by the service and stored nowhere. The router's line:</p>\n<pre tabindex=\"0\">{}</pre>\n",
            escaped(&poisoned.container),
            escaped(line)
        );
    }
    html
}

fn samples(samples: &[Sample]) -> String {
    let row = |sample: &Sample| {
        let stored = sample.stored.clone();
        vec![
            sample.container.name.clone(),
            sample.line.clone(),
            stored.unwrap_or_else(|| "nowhere".to_owned()),
        ]
    };
    let rows: Vec<Vec<String>> = samples.iter().map(row).collect();
    table(
        "Lines as written and as stored",
        &["Container", "Written", "Stored"],
        &rows,
    )
}

fn shown_metrics(metrics: &Metrics) -> String {
    match metrics {
        Err(why) => format!(
            "<p>No series: {}. The numbers above are what the services counted.</p>\n",
            escaped(why)
        ),
        Ok(series) => format!(
            "<p>From Fluent Bit's endpoint, just before the signal to stop; a reload sets them back to 0.</p>\n\
             <details>\n<summary>{} series</summary>\n<pre tabindex=\"0\">{}</pre>\n</details>\n",
            series.len(),
            escaped(&series.join("\n"))
        ),
    }
}

/// Text for elements and attributes.
fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}

const COLOURS: &str = include_str!("report/colours.css");
const STYLE: &str = include_str!("report/page.css");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_container_writes_cannot_become_markup() {
        let row = vec!["web".to_owned(), "<script>alert(\"&\")</script>".to_owned()];
        let html = table("Lines", &["Container", "Written"], &[row]);
        assert!(html.contains("<td>&lt;script&gt;alert(&quot;&amp;&quot;)&lt;/script&gt;</td>"));
    }

    #[test]
    fn text_can_be_read_on_both_backgrounds() {
        for theme in COLOURS.split("@media") {
            let page = colour(theme, "--page");
            for name in [
                "--ink",
                "--offered",
                "--accepted",
                "--retried",
                "--good",
                "--bad",
            ] {
                let ratio = contrast(page, colour(theme, name));
                assert!(ratio >= 4.5, "{name}: {ratio:.2} in {theme}");
            }
        }
    }

    fn colour(theme: &str, name: &str) -> [f64; 3] {
        let at = theme.find(&format!("{name}: #")).expect("a colour") + name.len() + 3;
        [0, 2, 4].map(|place| {
            let hex = &theme[at + place..at + place + 2];
            let value = f64::from(u8::from_str_radix(hex, 16).expect("two digits")) / 255.0;
            if value <= 0.040_45 {
                value / 12.92
            } else {
                ((value + 0.055) / 1.055).powf(2.4)
            }
        })
    }

    /// The contrast ratio of the Web Content Accessibility Guidelines.
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let light = |[r, g, b]: [f64; 3]| 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
        let (one, other) = (light(one), light(other));
        one.max(other) / one.min(other)
    }
}
