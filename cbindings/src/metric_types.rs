//! What a metric is and its values.

/// Series of one name.
#[derive(Clone, Debug)]
pub struct Family {
    /// The name, after [`PREFIX`].
    pub name: &'static str,
    /// One sentence.
    pub help: &'static str,
    /// What its values mean.
    pub kind: Kind,
    /// The names of its labels; the instance's own is put in front of them.
    pub labels: Vec<&'static str>,
    /// The label values of each series.
    pub series: Vec<Vec<&'static str>>,
}

/// What values mean.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// A number that never goes back.
    Counter,
    /// A number as it is now.
    Gauge,
    /// How often a measure was at most each of these bounds.
    Histogram(&'static [f64]),
}

/// The value of one series.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Of a counter or a gauge.
    Number(f64),
    /// Of a histogram: how many measures were at most each bound, how many there were, their sum.
    Histogram {
        /// One more than there are bounds, the last of all measures.
        buckets: Vec<u64>,
        /// All measures added up.
        sum: f64,
    },
}

/// What every name on the endpoint begins with.
pub const PREFIX: &str = "fluentbit_output_aws_";
