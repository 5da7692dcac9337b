//! An event beyond the limit: cut, or sent in parts.

use super::{AFTER_MESSAGE, EVENT_OVERHEAD, Encoder, Written, before_message, most_text};
use crate::batch::oversize::{self, Oversize};
use crate::cloudwatch::entity::{KUBERNETES, is_meant};
use crate::json::escape::Depth;
use crate::json::parts::{NumberedParts, Parts};
use crate::json::pieces::Pieces;
use crate::record::chunk_reader::Record;
use crate::record::log_key::Part;
use crate::record::msgpack::{Cursor, Token};

/// An event that is being sent in parts. A round writes as many of them as it has requests for, so
/// that an event takes the memory of some requests, however large it is.
pub(super) struct Pending<'c> {
    number: usize,
    time: i64,
    parts: NumberedParts<'c>,
}

impl<'c> Encoder<'c> {
    /// Decides about an event of which the body holds a beginning.
    #[cold]
    pub(super) fn oversize(
        &mut self,
        part: Part<'c>,
        record: Record<'c, '_>,
        number: usize,
        time: i64,
        written: Written,
    ) {
        match self.config.oversize {
            Oversize::Truncate => {
                self.counts.truncated += 1;
                self.counts.too_deep += written.more_too_deep;
                self.truncate(number, time, &written);
            }
            Oversize::Split => {
                self.counts.split += 1;
                let body = self.open[number - self.targets.first()].chosen().body();
                body.truncate(written.start);
                // They are counted when the parts are written.
                self.json.set_too_deep(written.too_deep);
                self.pending = Some(self.split(part, &record, number, time));
            }
        }
    }

    /// Cuts the event in the body.
    fn truncate(&mut self, number: usize, time: i64, written: &Written) {
        let room = most_text(self.config) - oversize::TRUNCATED.len();
        let body = self.open[number - self.targets.first()].chosen().body();
        let (kept, text) = oversize::fitting_from((0, 0), &body[written.message..], room);
        body.truncate(written.message + kept);
        body.extend_from_slice(oversize::TRUNCATED.as_bytes());
        body.extend_from_slice(AFTER_MESSAGE);
        self.add(
            number,
            written.start,
            time,
            text + oversize::TRUNCATED.len(),
        );
    }

    fn split(
        &self,
        part: Part<'c>,
        record: &Record<'c, '_>,
        number: usize,
        time: i64,
    ) -> Pending<'c> {
        let room = most_text(self.config) - oversize::MARK_ROOM;
        let parts = || Parts::escaped(self.pieces(part, record), room);
        Pending {
            number,
            time,
            parts: NumberedParts::new(parts),
        }
    }

    /// The event's text, as [`super::write`] and [`super::enriched`] write it.
    fn pieces(&self, part: Part<'c>, record: &Record<'c, '_>) -> Pieces<'c> {
        let Part::Value(raw) = part else {
            return self.record_pieces(record);
        };
        match Cursor::new(raw).token() {
            Ok(Token::Str(text) | Token::Bin(text)) => Pieces::text(text),
            _ => Pieces::value(Depth::Twice, None, raw),
        }
    }

    fn record_pieces(&self, record: &Record<'c, '_>) -> Pieces<'c> {
        let entities = self.config.entities.is_some();
        let keeps = |field: &_| !(entities && is_meant(field));
        let mut pieces = Pieces::record(Depth::Twice, None, record.fields, keeps, None);
        if entities {
            pieces = pieces.leaving_out(KUBERNETES, is_meant);
        }
        let metrics = self.config.metrics.as_ref();
        match metrics.and_then(|metrics| metrics.escaped(record)) {
            Some((member, _)) => pieces.with_members(member),
            None => pieces,
        }
    }

    /// Writes the next part of an event; `false` when there is none.
    pub(super) fn part(&mut self) -> bool {
        let Some(mut pending) = self.pending.take() else {
            return false;
        };
        let (number, time) = (pending.number, pending.time);
        let Some((part, mark)) = pending.parts.next() else {
            self.counts.too_deep += pending.parts.too_deep();
            return false;
        };
        let text = oversize::text_len(part) + mark.len();
        let index = self.choose(number, time);
        let open = self.open[index].chosen();
        let full = open.make_room(time, text + EVENT_OVERHEAD, self.counts.events);
        self.full.extend(full.map(|batch| (number, batch)));
        let body = open.body();
        let start = body.len();
        before_message(time, body);
        body.extend_from_slice(part);
        body.extend_from_slice(mark.as_bytes());
        body.extend_from_slice(AFTER_MESSAGE);
        self.add(number, start, time, text);
        self.pending = Some(pending);
        true
    }
}
