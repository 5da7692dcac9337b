//! The texts of members that many records share, to be written once and copied after.
//!
//! A text is kept by its member's place and by the record that brought the member (`repeated_fields`); that
//! pair is never used for another member, so nothing is compared here. Texts that were kept one after
//! another are copied together, as ECS's six members are.

use std::ops::Range;

/// The texts kept so far.
#[derive(Debug, Default)]
pub struct Known {
    text: Vec<u8>,
    members: Vec<Option<Member>>,
}

#[derive(Clone, Copy, Debug)]
struct Member {
    since: u32,
    start: u32,
    end: u32,
    overhead: u32,
}

impl Known {
    /// Where a member's text is, and how many of its bytes the service does not count.
    #[inline]
    #[must_use]
    pub fn find(&self, place: usize, since: u32) -> Option<(Range<usize>, usize)> {
        let member = self.members.get(place)?.as_ref()?;
        let range = member.start as usize..member.end as usize;
        (member.since == since).then_some((range, member.overhead as usize))
    }

    /// A text that was found.
    #[must_use]
    pub fn text(&self, range: Range<usize>) -> &[u8] {
        &self.text[range]
    }

    /// Keeps a member's text. When there is no more room all the others are forgotten.
    pub fn keep(&mut self, place: usize, since: u32, text: &[u8], overhead: usize) {
        if text.len() > ROOM || place >= PLACES {
            return;
        }
        if self.text.len() + text.len() > ROOM {
            self.text.clear();
            self.members.clear();
        }
        if self.members.len() <= place {
            self.members.resize(place + 1, None);
        }
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let start = offset(self.text.len());
        self.text.extend_from_slice(text);
        self.members[place] = Some(Member {
            since,
            start,
            end: offset(self.text.len()),
            overhead: offset(overhead),
        });
    }
}

/// Bytes of text: what the processor keeps near by. FireLens's members take a few hundred.
const ROOM: usize = 16 * 1024;
/// Members of a record that are looked after.
const PLACES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    fn found(known: &Known, place: usize, since: u32) -> Option<(&[u8], usize)> {
        let (range, overhead) = known.find(place, since)?;
        Some((known.text(range), overhead))
    }

    #[test]
    fn a_text_is_found_by_its_place_and_its_record_alone() {
        let mut known = Known::default();
        known.keep(2, 7, b"text", 3);
        assert_eq!(found(&known, 2, 7), Some((&b"text"[..], 3)));
        for (place, since) in [(2, 8), (1, 7), (3, 7)] {
            assert_eq!(found(&known, place, since), None);
        }
        known.keep(2, 9, b"new", 0);
        assert_eq!(found(&known, 2, 7), None);
        assert_eq!(found(&known, 2, 9), Some((&b"new"[..], 0)));
    }

    #[test]
    fn memory_stays_within_its_room() {
        let mut known = Known::default();
        for since in 0..1000 {
            known.keep(since as usize % 300, since, &[b'x'; 100], 0);
        }
        known.keep(0, 1, &[b'x'; ROOM + 1], 0);
        assert!(known.text.len() <= ROOM && known.members.len() <= PLACES);
        assert_eq!(found(&known, 0, 1), None);
    }
}
