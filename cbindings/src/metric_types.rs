//! Types of metrics and their values.

/// A metric family: the series of one name.
#[derive(Clone, Debug)]
pub struct Family {
    /// The name, after [`PREFIX`].
    pub name: &'static str,
    /// The help text: one sentence.
    pub help: &'static str,
    /// The type of its values.
    pub kind: Kind,
    /// The names of its labels; the label `name` of the instance is put in front of them.
    pub labels: Vec<&'static str>,
    /// The label values of each series.
    pub series: Vec<Vec<&'static str>>,
}

/// The type of a metric.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number that never decreases.
    Counter,
    /// A current value.
    Gauge,
    /// Counts of observations up to each of these upper bounds.
    Histogram(&'static [f64]),
}

/// The value of one series.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// The value of a counter or a gauge.
    Number(f64),
    /// The value of a histogram.
    Histogram {
        /// Cumulative counts: one for each bound, and the count of all observations.
        buckets: Vec<u64>,
        /// The sum of all observations.
        sum: f64,
    },
}

/// The prefix of every metric name on the endpoint.
pub const PREFIX: &str = "fluentbit_output_aws_";
