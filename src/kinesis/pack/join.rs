//! Texts of one partition key -> one Kinesis record.

use super::{Join, Packer, compressed};
use crate::batch::MOST_OPEN;
use crate::kinesis::aggregate;
use crate::kinesis::partition_key::{self, RANDOM_BYTES};

impl Packer {
    /// Joins a text with others of its key by newlines, or packs it alone.
    pub(super) fn join_line(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        let room = JOINED_BYTES.min(self.sure_room(key));
        if text.len() > room {
            return self.alone(key, text, time);
        }
        let Some(ordinal) = self.take_ordinal() else {
            return;
        };
        let group = self.group(key);
        let newline = usize::from(!self.packing.newline);
        if self.groups.bytes(group) + newline + text.len() > room {
            self.close_group(group);
        }
        let begins = self.groups.is_empty(group);
        let lines = self.groups.add(group, ordinal, time);
        if newline > 0 && !begins {
            lines.push(b'\n');
        }
        lines.extend_from_slice(text);
    }

    /// Adds a text to the user records of its partition key, or packs it alone.
    pub(super) fn join_user_record(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        let mut buffer = std::mem::take(&mut self.data);
        let data = compressed(&mut self.compressor, text, &mut buffer);
        let room = JOINED_BYTES - aggregate::overhead(key.map_or(RANDOM_BYTES, str::len));
        let bytes = aggregate::appended(data.len());
        let is_large = bytes > room;
        if !is_large && let Some(ordinal) = self.take_ordinal() {
            let group = self.group(key);
            if self.groups.bytes(group) + bytes > room {
                self.close_group(group);
            }
            aggregate::append(data, self.groups.add(group, ordinal, time));
        }
        self.data = buffer;
        if is_large {
            self.alone(key, text, time);
        }
    }

    /// Packs a text that is too large to be joined.
    fn alone(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        self.begin_alone(key);
        self.record(key, text, time);
    }

    /// Ends what has been joined under a key before a record of that key which is not joined.
    pub fn begin_alone(&mut self, key: Option<&str>) {
        if key.is_some()
            && let Some(group) = self.groups.find(key)
        {
            self.close_group(group);
        }
    }

    /// The group of a key.
    fn group(&mut self, key: Option<&str>) -> usize {
        if let Some(group) = self.groups.find(key) {
            return group;
        }
        if self.groups.count() >= MOST_OPEN {
            self.close_groups();
        }
        self.groups.insert(key)
    }

    /// Makes a Kinesis record of what has been joined.
    fn close_group(&mut self, group: usize) {
        let Some(group) = self.groups.take(group) else {
            return;
        };
        // A new key for each record: a shard that throttles one does not get the next one too.
        let key = group.key.unwrap_or_else(|| partition_key::random().into());
        let mut buffer = std::mem::take(&mut self.data);
        let data = if self.packing.join == Join::Kpl {
            aggregate::finished(&key, &group.data, &mut buffer);
            &buffer
        } else {
            compressed(&mut self.compressor, &group.data, &mut buffer)
        };
        self.put_joined(Some(&key), data, group.time, &group.ordinals);
        self.data = buffer;
    }

    pub(super) fn close_groups(&mut self) {
        for group in 0..self.groups.count() {
            self.close_group(group);
        }
        self.groups.forget();
    }
}

/// Texts are joined up to so many bytes. A shard takes 1 MiB a second: a record of that size can be
/// throttled for as long as other producers write to its shard. The service bills records by 25 KiB,
/// so that larger records save little.
pub(super) const JOINED_BYTES: usize = 256 * 1024;
