//! Whether vectors that follow each other are UTF-8.
//!
//! The method of J. Keiser and D. Lemire, "Validating UTF-8 in less than one instruction per byte"
//! (2021): three look-ups by four bits, of which each answers with the errors that its bits allow. What
//! all three allow is an error.

use crate::blocks::Vector;

/// What has been seen so far.
pub(crate) struct Check<V> {
    error: V,
    before: V,
    /// Not zero where the vector before ended within a character.
    incomplete: V,
}

impl<V: Vector> Check<V> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        let zero = V::splat(0);
        Self {
            error: zero,
            before: zero,
            incomplete: zero,
        }
    }

    /// Takes a vector of ASCII.
    #[inline(always)]
    pub(crate) fn ascii(&mut self, vector: V) {
        self.error = self.error.or(self.incomplete);
        self.incomplete = V::splat(0);
        self.before = vector;
    }

    /// Takes any vector.
    #[inline(always)]
    pub(crate) fn any(&mut self, vector: V) {
        let one_before = vector.behind::<1>(self.before);
        let special = one_before
            .high_bits()
            .look_up(&FIRST_HIGH)
            .and(one_before.and(V::splat(0x0f)).look_up(&FIRST_LOW))
            .and(vector.high_bits().look_up(&SECOND_HIGH));
        // The third byte of three and of four, and the fourth of four, must be a continuation.
        let third = vector
            .behind::<2>(self.before)
            .less_or_zero(V::splat(0xe0 - 0x80));
        let fourth = vector
            .behind::<3>(self.before)
            .less_or_zero(V::splat(0xf0 - 0x80));
        let continues = third.or(fourth).and(V::splat(0x80));
        self.error = self.error.or(continues.xor(special));
        self.incomplete = vector.less_or_zero(V::last_begins());
        self.before = vector;
    }

    /// Whether all of it was UTF-8, and the last character whole.
    #[inline(always)]
    pub(crate) fn is_valid(&self) -> bool {
        self.error.or(self.incomplete).is_zero()
    }
}

/// A lead byte is not followed by a continuation.
const TOO_SHORT: u8 = 1 << 0;
/// A continuation follows ASCII.
const TOO_LONG: u8 = 1 << 1;
const OVERLONG_3: u8 = 1 << 2;
const TOO_LARGE: u8 = 1 << 3;
const SURROGATE: u8 = 1 << 4;
const OVERLONG_2: u8 = 1 << 5;
const TOO_LARGE_1000: u8 = 1 << 6;
const OVERLONG_4: u8 = 1 << 6;
/// Two continuations: an error but where a character of three or four bytes has begun.
const TWO_CONTINUATIONS: u8 = 1 << 7;
/// Errors on which the low bits of the first byte have no influence.
const CARRY: u8 = TOO_SHORT | TOO_LONG | TWO_CONTINUATIONS;

const FIRST_HIGH: [u8; 16] = [
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TOO_LONG,
    TWO_CONTINUATIONS,
    TWO_CONTINUATIONS,
    TWO_CONTINUATIONS,
    TWO_CONTINUATIONS,
    TOO_SHORT | OVERLONG_2,
    TOO_SHORT,
    TOO_SHORT | OVERLONG_3 | SURROGATE,
    TOO_SHORT | TOO_LARGE | TOO_LARGE_1000 | OVERLONG_4,
];

const FIRST_LOW: [u8; 16] = [
    CARRY | OVERLONG_3 | OVERLONG_2 | OVERLONG_4,
    CARRY | OVERLONG_2,
    CARRY,
    CARRY,
    CARRY | TOO_LARGE,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000 | SURROGATE,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
    CARRY | TOO_LARGE | TOO_LARGE_1000,
];

const SECOND_HIGH: [u8; 16] = [
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE_1000 | OVERLONG_4,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | OVERLONG_3 | TOO_LARGE,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
    TOO_LONG | OVERLONG_2 | TWO_CONTINUATIONS | SURROGATE | TOO_LARGE,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
    TOO_SHORT,
];
