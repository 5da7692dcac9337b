//! One script: what is logged, what goes wrong, and when the section is closed in the middle.

use std::path::Path;
use std::time::Duration;

use super::logged::{Layout, Logged, place};
use super::target::{STREAM, Target};
use super::trouble::Trouble;
use crate::aws::StandIn;
use crate::chunk::Random;
use crate::kpl::user_records;

/// A script, made from its seed alone.
#[derive(Debug)]
pub struct Script {
    pub(super) seed: u64,
    target: Target,
    pub(super) layout: Layout,
    pub(super) chunks: Vec<Logged>,
    pub(super) trouble: Trouble,
    pub(super) concurrency: usize,
    aggregated: bool,
    /// Whether the section has `resume_path`.
    pub(super) resumes: bool,
    pub(super) stops: Vec<Stop>,
}

/// An end of the section in the middle of its flushes, after which it is opened again.
#[derive(Clone, Copy, Debug)]
pub(super) struct Stop {
    /// After the section was opened.
    pub(super) after: Duration,
    /// Whether only what was in `resume_path` at that time is there afterwards, as if the process had been
    /// killed then.
    pub(super) is_kill: bool,
}

impl Script {
    /// The script of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::with_seed(seed);
        let target = Target::of(seed, random.once_in(2));
        let layout = Layout::random(&mut random);
        let chunks = chunks(&mut random, seed, layout);
        let poisoned = chunks.iter().any(Logged::is_poisoned);
        let places = layout.destinations * chunks.len();
        let trouble = Trouble::random(&mut random, target, poisoned, places);
        let concurrency = *random.one_of(&[1, 2, 8, 8]);
        // A record that several texts are joined in is refused as a whole.
        let joins = target != Target::CloudWatch;
        let aggregated = joins && !poisoned && random.once_in(4);
        let resumes = random.once_in(2);
        let stops = if random.once_in(3) {
            1 + random.below(3)
        } else {
            0
        };
        let stops = (0..stops)
            .map(|_| Stop {
                after: Duration::from_millis(random.below(900) as u64),
                is_kill: resumes && random.once_in(3),
            })
            .collect();
        Self {
            seed,
            target,
            layout,
            chunks,
            trouble,
            concurrency,
            aggregated,
            resumes,
            stops,
        }
    }

    /// The service that the section delivers to.
    #[must_use]
    pub fn target(&self) -> Target {
        self.target
    }

    /// The section's options.
    pub(super) fn options(
        &self,
        service: &StandIn,
        directory: &Path,
        flush_timeout: Duration,
    ) -> Vec<(&'static str, String)> {
        let mut options = vec![
            // A region of its own, as the rate limiters of one region are shared.
            ("region", format!("script-{}", self.seed)),
            ("endpoint", service.url()),
            ("log_key", "log".to_owned()),
            ("flush_timeout", format!("{}s", flush_timeout.as_secs())),
            ("concurrency", self.concurrency.to_string()),
        ];
        options.extend(self.target.options(self.seed, self.group()));
        if self.aggregated {
            options.push((self.target.aggregation(self.seed), "on".to_owned()));
        }
        if self.resumes {
            options.push(("resume_path", directory.to_string_lossy().into_owned()));
        }
        if self.trouble.credentials {
            options.push(("credentials_endpoint", service.credentials_uri()));
        }
        options
    }

    /// Makes what the plugin does not make itself, and the trouble.
    pub(super) fn prepare(&self, service: &StandIn) {
        service.clear();
        service.forget();
        match self.target {
            Target::CloudWatch => {}
            Target::Firehose => (0..self.layout.destinations)
                .for_each(|number| service.create_delivery_stream(&place(number))),
            Target::Kinesis => service.create_kinesis_stream(STREAM),
        }
        self.trouble.begin(service);
    }

    /// The lines that the service holds.
    pub(super) fn stored(&self, service: &StandIn) -> Vec<String> {
        let places = (0..self.layout.destinations).map(place);
        match self.target {
            Target::CloudWatch => {
                let group = self.group();
                let events = places.flat_map(|stream| service.events(&group, &stream));
                events.map(|event| event.message).collect()
            }
            Target::Firehose => {
                let records = places.flat_map(|stream| service.records(&stream));
                records.flat_map(|record| lines(&record)).collect()
            }
            Target::Kinesis => {
                let records = service.kinesis_records(STREAM).into_iter();
                records.flat_map(|record| lines(&record.data)).collect()
            }
        }
    }

    /// Makes the stand-in ready for another script.
    pub(super) fn end(&self, service: &StandIn) {
        service.clear();
        service.delete_group(&self.group());
    }

    fn group(&self) -> String {
        format!("script-{}", self.seed)
    }
}

/// The lines of a record, which several texts may be joined in.
pub(super) fn lines(record: &[u8]) -> Vec<String> {
    if let Some(records) = user_records(record) {
        let texts = records.into_iter().map(|(_, text)| text);
        return texts.flat_map(|text| lines(&text)).collect();
    }
    let text = String::from_utf8_lossy(record);
    text.lines().map(str::to_owned).collect()
}

/// One chunk or a few, of which some are equal; now and then more than are delivered at once.
fn chunks(random: &mut Random, seed: u64, layout: Layout) -> Vec<Logged> {
    let mut chunks: Vec<Logged> = Vec::new();
    let count = if layout.destinations < 100 && random.once_in(8) {
        1 + random.below(12)
    } else {
        1 + random.below(3)
    };
    for number in 0..count {
        let chunk = if number > 0 && random.once_in(2) {
            chunks[0].clone()
        } else {
            Logged::random(random, (seed, number), layout)
        };
        chunks.push(chunk);
    }
    chunks
}
