//! Texts of one partition key -> one Kinesis record.

use super::{Join, Packer, compressed};
use crate::batch::MAX_OPEN;
use crate::kinesis::aggregate;
use crate::kinesis::partition_key::{self, RANDOM_BYTES};

impl Packer {
    /// Joins a text with others of its key by newlines, or packs it as a record.
    pub(super) fn join_line(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        let room = JOINED_BYTES.min(self.room_for_any_text(key));
        if text.len() > room {
            return self.pack_alone(key, text, time);
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

    /// Adds a text to the user records of its partition key, or packs it as a record.
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
            self.pack_alone(key, text, time);
        }
    }

    /// Packs a text that is too large to be joined.
    fn pack_alone(&mut self, key: Option<&str>, text: &[u8], time: i64) {
        self.begin_alone(key);
        self.record(key, text, time);
    }

    /// Closes the joined record of a key before a record of that key that is not joined.
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
        if self.groups.count() >= MAX_OPEN {
            self.close_groups();
        }
        self.groups.insert(key)
    }

    /// Makes a Kinesis record of the joined texts.
    fn close_group(&mut self, group: usize) {
        let Some(group) = self.groups.take(group) else {
            return;
        };
        // Each record has a new key, so consecutive records do not go to the same throttled shard.
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

/// Maximum size in bytes of a joined record. A shard accepts 1 MiB a second, so a record of 1 MiB could be
/// throttled for as long as other producers write to the shard. The service bills records in units of
/// 25 KiB, so larger records save little.
pub(super) const JOINED_BYTES: usize = 256 * 1024;
