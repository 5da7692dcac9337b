//! One script: what is logged, what goes wrong, and what the service holds in the end.

use std::collections::HashMap;
use std::env;
use std::sync::LazyLock;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Tally;
use crate::aws::{Action, ErrorAnswer, PartialFailure, Rule, StandIn};
use crate::chunk::{Chunk, Random, Time, map};
use crate::host::{Instance, PluginHost, Verdict};

/// A script, made from its seed alone.
#[derive(Debug)]
pub struct Script {
    seed: u64,
    firehose: bool,
    streams: usize,
    /// Lines of each chunk; equal chunks have equal lines.
    chunks: Vec<Vec<String>>,
    rules: Vec<Rule>,
    ambiguous: bool,
}

impl Script {
    /// The script of a seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut random = Random::seeded(seed);
        let firehose = random.once_in(2);
        let streams = if firehose { 1 } else { 1 + random.below(5) };
        let mut chunks: Vec<Vec<String>> = Vec::new();
        for number in 0..1 + random.below(3) {
            let again = number > 0 && random.once_in(2);
            let lines = if again {
                chunks[0].clone()
            } else {
                lines(&mut random, number)
            };
            chunks.push(lines);
        }
        let operation = if firehose {
            "PutRecordBatch"
        } else {
            "PutLogEvents"
        };
        let rules: Vec<Rule> = (0..1 + random.below(5))
            .map(|_| rule(&mut random, operation))
            .collect();
        let ambiguous = rules.iter().any(loses_an_answer);
        Self {
            seed,
            firehose,
            streams,
            chunks,
            rules,
            ambiguous,
        }
    }

    /// Whether the plugin is `firehose`.
    #[must_use]
    pub fn is_firehose(&self) -> bool {
        self.firehose
    }

    /// Plays the script to its end.
    ///
    /// # Panics
    ///
    /// When the plugin refuses its options.
    #[must_use]
    pub fn play(&self, host: &PluginHost, service: &StandIn) -> Tally {
        service.clear();
        service.forget();
        let instance = self.open(host, service);
        if self.firehose {
            service.create_delivery_stream("ds");
        }
        for rule in &self.rules {
            service.script(rule.clone());
        }
        let began = now_millis();
        let results: Vec<(bool, usize, usize)> = thread::scope(|scope| {
            let instance = &instance;
            let bringers: Vec<_> = self
                .chunks
                .iter()
                .map(|lines| scope.spawn(move || self.bring(instance, lines, began)))
                .collect();
            bringers
                .into_iter()
                .map(|bringer| bringer.join().unwrap_or((false, 1, 0)))
                .collect()
        });
        let lines = instance.exit();
        let unanswered = lines
            .iter()
            .any(|line| tells_of_an_unanswered_request(&line.text));
        let mut tally = self.compare(service, unanswered);
        tally.hung = results.iter().map(|(_, hung, _)| hung).sum();
        tally.retries = results.iter().map(|(_, _, retries)| retries).sum();
        if !tally.is_clean() {
            eprintln!("seed {}: {tally} {self:?}", self.seed);
            lines.iter().for_each(|line| eprintln!("  {}", line.text));
        }
        tally
    }

    fn open(&self, host: &PluginHost, service: &StandIn) -> Instance {
        let url = service.url();
        let timeout = format!("{}s", FLUSH_TIMEOUT.as_secs());
        let options: &[(&str, &str)] = if self.firehose {
            &[("delivery_stream", "ds"), ("log_key", "log")]
        } else {
            &[
                ("log_group_name", "group"),
                ("log_stream_name", "$(stream)"),
                ("auto_create_group", "on"),
                ("log_key", "log"),
            ]
        };
        let mut options = options.to_vec();
        options.extend([
            ("region", "eu-west-1"),
            ("endpoint", &url),
            ("flush_timeout", &timeout),
        ]);
        host.instance(&options)
            .unwrap_or_else(|lines| panic!("{lines:?}"))
    }

    /// Brings a chunk until it is done, as the host does; answers whether, how many flushes were
    /// late, and how many asked for the chunk again.
    fn bring(&self, instance: &Instance, lines: &[String], began: u64) -> (bool, usize, usize) {
        let chunk = self.chunk(lines, began);
        let mut hung = 0;
        for tries in 0..MOST_TRIES {
            let start = Instant::now();
            let verdict = instance.flush("tag", chunk.bytes());
            hung += usize::from(start.elapsed() > FLUSH_TIMEOUT.mul_f64(LATEST_ANSWER));
            if verdict == Verdict::Ok {
                return (true, hung, tries);
            }
        }
        (false, hung, MOST_TRIES)
    }

    fn chunk(&self, lines: &[String], began: u64) -> Chunk {
        let record = |(number, line): (usize, &String)| {
            let stream = format!("stream-{}", number % self.streams);
            (
                Time::millis(began - 60_000 + number as u64),
                map([("log", line.as_str()), ("stream", &stream)]),
            )
        };
        let records = lines.iter().enumerate().map(record);
        records.fold(Chunk::new(), |chunk, (time, body)| chunk.v2(time, body))
    }

    fn compare(&self, service: &StandIn, unanswered: bool) -> Tally {
        let mut balance: HashMap<String, isize> = HashMap::new();
        for line in self.chunks.iter().flatten() {
            *balance.entry(line.clone()).or_default() -= 1;
        }
        for stored in self.stored(service) {
            *balance.entry(stored).or_default() += 1;
        }
        let more: isize = balance.values().filter(|count| **count > 0).sum();
        let less: isize = balance.values().filter(|count| **count < 0).sum();
        let (duplicated, ambiguous) = if self.ambiguous || unanswered {
            (0, more)
        } else {
            (more, 0)
        };
        Tally {
            scripts: 1,
            events: self.chunks.iter().map(Vec::len).sum(),
            lost: less.unsigned_abs(),
            duplicated: duplicated.unsigned_abs(),
            ambiguous: ambiguous.unsigned_abs(),
            ..Tally::default()
        }
    }

    fn stored(&self, service: &StandIn) -> Vec<String> {
        if self.firehose {
            let records = service.records("ds").into_iter();
            return records
                .map(|record| {
                    String::from_utf8_lossy(&record)
                        .trim_end_matches('\n')
                        .to_owned()
                })
                .collect();
        }
        let streams = service.streams().into_iter();
        let events = streams.flat_map(|(group, stream)| service.events(&group, &stream));
        events.map(|event| event.message).collect()
    }
}

/// Lines that tell themselves apart; now and then long enough for several requests.
fn lines(random: &mut Random, chunk: usize) -> Vec<String> {
    let long = random.once_in(8);
    let count = 1 + random.below(if long { 40 } else { 1200 });
    let filler = "x".repeat(if long { 150_000 } else { random.below(200) });
    (0..count)
        .map(|line| format!("chunk {chunk} line {line} {filler}"))
        .collect()
}

fn rule(random: &mut Random, operation: &str) -> Rule {
    let on = if random.once_in(6) {
        "CreateLogStream"
    } else {
        operation
    };
    let rule = Rule::on(on, action(random, on)).nth(1 + random.below(4) as u64);
    rule.times(1 + random.below(5) as u64)
}

fn action(random: &mut Random, operation: &str) -> Action {
    let error = |status, code| Action::Error(ErrorAnswer::new(status, code, "as the script says"));
    match random.below(if operation == "PutRecordBatch" {
        19
    } else {
        16
    }) {
        0 => error(400, "ThrottlingException"),
        1 => error(503, "ServiceUnavailableException"),
        2 => error(500, "InternalFailure"),
        3 => error(400, "NeverHeardOfException"),
        4 => Action::Reset,
        5 => Action::Close,
        6 => error(400, "AccessDeniedException"),
        7 => Action::Garbage,
        8 => Action::AcceptThenReset,
        9 => Action::Hang,
        10 => Action::Delay(Duration::from_millis(random.below(300) as u64)),
        11 => error(502, "Unknown"),
        12 => error(400, "InvalidParameterException"),
        13 => error(400, "InvalidArgumentException"),
        14 => error(413, "Unknown"),
        15 => {
            let throttled = ErrorAnswer::new(400, "ThrottlingException", "as the script says");
            Action::Error(throttled.header("Retry-After", "1"))
        }
        _ => Action::PartialFailure(PartialFailure::every(1 + random.below(9))),
    }
}

fn loses_an_answer(rule: &Rule) -> bool {
    matches!(
        rule.action(),
        Action::AcceptThenReset | Action::AcceptThenHang | Action::Truncate
    )
}

/// The service may have taken a request in that it answered too late.
fn tells_of_an_unanswered_request(line: &str) -> bool {
    line.contains(" unanswered, ") && !line.contains(" 0 unanswered, ")
}

fn now_millis() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.map_or(0, |now| now.as_millis() as u64)
}

/// Seconds of `$FLUSH_TIMEOUT`, for builds that are slow; 1 without it.
static FLUSH_TIMEOUT: LazyLock<Duration> = LazyLock::new(|| {
    let told = env::var("FLUSH_TIMEOUT").ok();
    let seconds = told.and_then(|seconds| seconds.parse().ok()).unwrap_or(1);
    Duration::from_secs(seconds)
});

/// More than any script's rules can fail.
const MOST_TRIES: usize = 60;
/// In flush timeouts: a busy machine may add one, and half of one more.
const LATEST_ANSWER: f64 = 2.5;
