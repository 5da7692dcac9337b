//! Events beyond the limit: truncated, or sent in parts.

use super::{AFTER_MESSAGE, EVENT_OVERHEAD, Encoder, UnfinishedEvent, before_message, max_text};
use crate::batch::oversize::{self, Oversize};
use crate::cloudwatch::entity::{KUBERNETES, is_entity_field};
use crate::json::escape::Depth;
use crate::json::parts::{NumberedParts, Parts};
use crate::json::pieces::Pieces;
use crate::record::chunk_reader::Record;
use crate::record::log_key::Part;
use crate::record::msgpack::{Cursor, Token};

/// An event that is sent in parts. A round writes only as many parts as it has requests for, so an
/// event of any size takes the memory of a few requests.
pub(super) struct PendingParts<'c> {
    number: usize,
    time: i64,
    parts: NumberedParts<'c>,
}

impl<'c> Encoder<'c> {
    /// Truncates or splits an event whose beginning is in the body.
    #[cold]
    pub(super) fn oversize(
        &mut self,
        part: Part<'c>,
        record: Record<'c, '_>,
        number: usize,
        time: i64,
        event: UnfinishedEvent,
    ) {
        match self.config.oversize {
            Oversize::Truncate => {
                self.counts.truncated += 1;
                self.counts.too_deep += event.more_too_deep;
                self.truncate(number, time, &event);
            }
            Oversize::Split => {
                self.counts.split += 1;
                let body = self.open[number - self.targets.first()].chosen().body();
                body.truncate(event.start);
                // The values are counted when the parts are written.
                self.json.set_too_deep(event.too_deep);
                self.pending_parts = Some(self.split(part, &record, number, time));
            }
        }
    }

    /// Truncates the event in the body.
    fn truncate(&mut self, number: usize, time: i64, event: &UnfinishedEvent) {
        let room = max_text(self.config) - oversize::TRUNCATED.len();
        let body = self.open[number - self.targets.first()].chosen().body();
        let (kept, text) = oversize::fitting_from((0, 0), &body[event.message..], room);
        body.truncate(event.message + kept);
        body.extend_from_slice(oversize::TRUNCATED.as_bytes());
        body.extend_from_slice(AFTER_MESSAGE);
        self.add(number, event.start, time, text + oversize::TRUNCATED.len());
    }

    fn split(
        &self,
        part: Part<'c>,
        record: &Record<'c, '_>,
        number: usize,
        time: i64,
    ) -> PendingParts<'c> {
        let room = max_text(self.config) - oversize::MARK_ROOM;
        let parts = || Parts::escaped(self.pieces(part, record), room);
        PendingParts {
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
        let keeps = |field: &_| !(entities && is_entity_field(field));
        let mut pieces = Pieces::record(Depth::Twice, None, record.fields, keeps, None);
        if entities {
            pieces = pieces.leaving_out(KUBERNETES, is_entity_field);
        }
        let metrics = self.config.metrics.as_ref();
        match metrics.and_then(|metrics| metrics.escaped(record)) {
            Some((member, _)) => pieces.with_members(member),
            None => pieces,
        }
    }

    /// Writes the next part of an event; `false` if there is none.
    pub(super) fn write_next_part(&mut self) -> bool {
        let Some(mut pending) = self.pending_parts.take() else {
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
        self.pending_parts = Some(pending);
        true
    }
}
