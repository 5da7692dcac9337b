//! The timeline as SVG: three lines over shaded faults.

use std::fmt::Write;

use super::super::timeline::Timeline;
use super::escaped;

/// The chart. A style makes it a picture of its own; in a page it takes the page's colours.
pub(super) fn svg(timeline: &Timeline, faults: &[(String, f64, f64)], style: &str) -> String {
    let chart = Chart::of(timeline);
    let style = match style {
        "" => String::new(),
        style => format!(
            "<style>{style}</style><rect width=\"100%\" height=\"100%\" fill=\"var(--page)\"/>\n"
        ),
    };
    let total = |list: &[u64]| list.iter().sum::<u64>();
    let what = format!(
        "{} records offered, {} accepted, {} in requests that were not accepted and sent again",
        total(&timeline.offered),
        total(&timeline.accepted),
        total(&timeline.retried)
    );
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-labelledby=\"chart-title chart-what\" font-family=\"system-ui, sans-serif\" font-size=\"13\">\n\
         <title id=\"chart-title\">Records over time</title>\n<desc id=\"chart-what\">{what}; faults are shaded.</desc>\n\
         {style}{}{}{}{}</svg>\n",
        chart.faults(faults),
        chart.axes(),
        chart.line(&timeline.offered, "offered", "7 3", 0),
        chart.line(&timeline.accepted, "accepted", "none", 1)
            + &chart.line(&timeline.retried, "retried", "2 2", 2),
    )
}

/// Scales.
struct Chart {
    step: f64,
    seconds: f64,
    most: f64,
}

impl Chart {
    fn of(timeline: &Timeline) -> Self {
        let step = timeline.step.as_secs_f64();
        let lists = [&timeline.offered, &timeline.accepted, &timeline.retried];
        let most = lists.into_iter().flatten().max().copied().unwrap_or(0);
        Self {
            step,
            seconds: (step * timeline.offered.len() as f64).max(step),
            most: round_up((most as f64 / step).max(1.0)),
        }
    }

    fn x(&self, second: f64) -> f64 {
        LEFT + second / self.seconds * (WIDTH - LEFT - RIGHT)
    }

    fn y(&self, rate: f64) -> f64 {
        HEIGHT - BOTTOM - rate / self.most * (HEIGHT - TOP - BOTTOM)
    }

    /// A line of steps, and its name in the legend.
    fn line(&self, list: &[u64], name: &str, dashes: &str, place: usize) -> String {
        let mut points = String::new();
        for (index, count) in list.iter().enumerate() {
            let y = self.y(*count as f64 / self.step);
            for edge in [index, index + 1] {
                let x = self.x(self.step * edge as f64);
                let _ = write!(points, "{x:.1},{y:.1} ");
            }
        }
        let drawn =
            format!("stroke=\"var(--{name})\" stroke-width=\"2\" stroke-dasharray=\"{dashes}\"");
        let x = LEFT + 150.0 * place as f64;
        format!(
            "<polyline points=\"{}\" fill=\"none\" {drawn}/>\n<line x1=\"{x}\" x2=\"{}\" y1=\"14\" y2=\"14\" {drawn}/>\
             <text x=\"{}\" y=\"18\" fill=\"var(--{name})\">{name}</text>\n",
            points.trim_end(),
            x + 30.0,
            x + 36.0
        )
    }

    /// Shades each fault; the names stand on three levels, so that neighbours do not touch.
    fn faults(&self, faults: &[(String, f64, f64)]) -> String {
        let mut svg = String::new();
        for (index, (name, from, to)) in faults.iter().enumerate() {
            let (left, width) = (self.x(*from), (self.x(*to) - self.x(*from)).max(2.0));
            let level = TOP - 8.0 - 16.0 * (index % 3) as f64;
            let short = name.split(" (").next().unwrap_or(name);
            let anchor = if left > WIDTH - 140.0 { "end" } else { "start" };
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{TOP}\" width=\"{width:.1}\" height=\"{}\" fill=\"var(--shade)\"/>\
                 <line x1=\"{left:.1}\" x2=\"{left:.1}\" y1=\"{level}\" y2=\"{}\" stroke=\"var(--line)\"/>\
                 <text x=\"{left:.1}\" y=\"{level}\" text-anchor=\"{anchor}\" fill=\"var(--ink)\">{}</text>",
                HEIGHT - TOP - BOTTOM,
                HEIGHT - BOTTOM,
                escaped(short)
            );
        }
        svg
    }

    fn axes(&self) -> String {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        let mut svg = format!(
            "<path d=\"M{LEFT} {TOP}V{bottom}H{right}\" fill=\"none\" stroke=\"var(--ink)\"/>\n\
             <text x=\"{}\" y=\"{}\" text-anchor=\"middle\" fill=\"var(--ink)\">seconds</text>\n",
            f64::midpoint(LEFT, right),
            HEIGHT - 6.0
        );
        for tick in 0..=4 {
            let rate = self.most * f64::from(tick) / 4.0;
            let _ = writeln!(
                svg,
                "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"var(--ink)\">{rate:.0}/s</text>",
                LEFT - 6.0,
                self.y(rate) + 4.0
            );
        }
        let every = round_up(self.seconds / 8.0);
        for tick in 0..=(self.seconds / every) as u32 {
            let second = (every * f64::from(tick) * 100.0).round() / 100.0;
            let _ = writeln!(
                svg,
                "<text x=\"{:.1}\" y=\"{}\" text-anchor=\"middle\" fill=\"var(--ink)\">{second}</text>",
                self.x(second),
                bottom + 18.0
            );
        }
        svg
    }
}

/// The next of 1, 2, 4, 5 and 10 times a power of ten.
fn round_up(number: f64) -> f64 {
    let power = 10_f64.powf(number.log10().floor());
    let factors = [1.0, 2.0, 4.0, 5.0, 10.0];
    let mut rounds = factors.into_iter().map(|factor| factor * power);
    rounds.find(|round| *round >= number).unwrap_or(number)
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 340.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 84.0;
const BOTTOM: f64 = 44.0;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scales_end_at_round_numbers() {
        let rounds = [0.03, 1.0, 3.6, 420.0, 5600.0].map(round_up);
        assert_eq!(rounds, [0.04, 1.0, 4.0, 500.0, 10_000.0]);
    }
}
