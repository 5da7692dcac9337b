//! The chunks of a script: what is logged, for which destinations, and which events are poisoned.

use crate::chunk::{Chunk, Random, Time, map};

/// One chunk of a script. Two chunks with the same plan are equal byte for byte.
#[derive(Clone, Debug)]
pub(super) struct Logged {
    seed: u64,
    pub(super) number: usize,
    lines: usize,
    filler: usize,
    /// Lines that the service never accepts, nor any request that holds one.
    poisoned: Vec<usize>,
}

/// Where and when the lines of a script's chunks belong.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    /// Log streams or delivery streams.
    pub(super) destinations: usize,
    /// Days over which the events are spread, in no order.
    pub(super) days: usize,
}

impl Layout {
    /// A few destinations, or hundreds; today, or a backlog of many days.
    pub(super) fn random(random: &mut Random) -> Self {
        let destinations = match random.below(5) {
            0 => 100 + random.below(400),
            1 => 1,
            _ => 1 + random.below(5),
        };
        let days = if random.once_in(5) {
            2 + random.below(11)
        } else {
            1
        };
        Self { destinations, days }
    }
}

impl Logged {
    /// The chunk of this number in the script of a seed.
    pub(super) fn random(
        random: &mut Random,
        (seed, number): (u64, usize),
        layout: Layout,
    ) -> Self {
        let many = layout.destinations >= 100;
        let long = !many && random.once_in(8);
        let lines = match (many, long) {
            (true, _) => layout.destinations * (1 + random.below(2)),
            (_, true) => 1 + random.below(40),
            _ => 1 + random.below(800),
        };
        let filler = if long { 150_000 } else { random.below(200) };
        let poisoned = if !many && !long && random.once_in(6) {
            (0..1 + random.below(3))
                .map(|_| random.below(lines))
                .collect()
        } else {
            Vec::new()
        };
        Self {
            seed,
            number,
            lines,
            filler,
            poisoned,
        }
    }

    /// Whether the service refuses some of its events for good.
    pub(super) fn is_poisoned(&self) -> bool {
        !self.poisoned.is_empty()
    }

    /// The texts of its events.
    pub(super) fn texts(&self) -> impl Iterator<Item = String> {
        let filler = "x".repeat(self.filler);
        (0..self.lines).map(move |line| {
            let mark = if self.poisoned.contains(&line) {
                POISON
            } else {
                ""
            };
            let Self { seed, number, .. } = self;
            format!("{seed} chunk {number} line {line} {mark}{filler}")
        })
    }

    /// The chunk as the plugin is given it; `now` in milliseconds.
    pub(super) fn chunk(&self, layout: Layout, now: u64) -> Chunk {
        let records = self.texts().enumerate().map(|(line, text)| {
            let place = place(line % layout.destinations);
            let day = (line * 7919 % layout.days) as u64;
            let time = now - 60_000 + line as u64 - day * DAY_MS;
            let body = map([("log", text.as_str()), ("place", &place)]);
            (Time::millis(time), body)
        });
        records.fold(Chunk::new(), |chunk, (time, body)| chunk.v2(time, body))
    }
}

/// The number of the chunk that an event is in.
pub(super) fn number(text: &str) -> Option<usize> {
    text.split(' ').nth(2)?.parse().ok()
}

/// The name of a destination.
pub(super) fn place(number: usize) -> String {
    format!("place-{number}")
}

/// Text of the events that the service does not accept.
pub(super) const POISON: &str = "poisoned ";

const DAY_MS: u64 = 86_400_000;
