//! The MessagePack wire format alone: a cursor that borrows from the chunk.
//!
//! The road asks two things of a record, where it ends and what a few keys hold, a million times a
//! second; a deserializer would build values to answer. Skipping is a loop over a count of what is
//! still owed, so neither a deep nesting nor a huge announced length costs stack, memory or time
//! beyond the bytes that are there.

use std::fmt;

/// One value, or the beginning of a container.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Token<'a> {
    /// How many values follow.
    Array(u32),
    /// Raw bytes.
    Bin(&'a [u8]),
    /// `true` or `false`.
    Bool(bool),
    /// An application's own type: its number and its bytes.
    Ext(i8, &'a [u8]),
    /// A single-precision float.
    F32(f32),
    /// A double-precision float.
    F64(f64),
    /// A negative integer.
    Int(i64),
    /// How many pairs of key and value follow.
    Map(u32),
    /// Nothing.
    Nil,
    /// Text; nobody has checked that it is UTF-8.
    Str(&'a [u8]),
    /// A non-negative integer.
    Uint(u64),
}

/// Where decoding had to stop: the bytes end inside a value, or a byte means nothing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the MessagePack data ends inside a value or is damaged")
    }
}

/// A place in the bytes; reading moves it on.
#[derive(Clone, Copy, Debug)]
pub struct Cursor<'a> {
    rest: &'a [u8],
}

impl<'a> Cursor<'a> {
    /// Starts at the first byte.
    #[must_use]
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// What has not been read.
    #[must_use]
    pub fn rest(&self) -> &'a [u8] {
        self.rest
    }

    /// Reads one value, of a container only its head.
    ///
    /// # Errors
    ///
    /// [`Cut`] when the bytes end before the value does, or at the byte 0xc1, which no value has.
    #[inline]
    pub fn token(&mut self) -> Result<Token<'a>, Cut> {
        let (&marker, rest) = self.rest.split_first().ok_or(Cut)?;
        self.rest = rest;
        match marker {
            0x00..=0x7f => Ok(Token::Uint(marker.into())),
            0x80..=0x8f => Ok(Token::Map(u32::from(marker & 0x0f))),
            0x90..=0x9f => Ok(Token::Array(u32::from(marker & 0x0f))),
            0xa0..=0xbf => Ok(Token::Str(self.bytes(usize::from(marker & 0x1f))?)),
            0xe0..=0xff => Ok(Token::Int(i64::from(marker.cast_signed()))),
            // Most texts: apart from the others, so that they are read without a call.
            0xd9 => {
                let [len] = self.array()?;
                Ok(Token::Str(self.bytes(usize::from(len))?))
            }
            _ => self.marked(marker),
        }
    }

    /// Reads one whole value and returns its bytes.
    ///
    /// # Errors
    ///
    /// As [`Cursor::token`]; the cursor is then spent.
    #[inline]
    pub fn value(&mut self) -> Result<&'a [u8], Cut> {
        let start = self.rest;
        if let Some(text) = self.text() {
            return Ok(text);
        }
        self.skip(1)?;
        Ok(&start[..start.len() - self.rest.len()])
    }

    /// Moves past a text of less than 64 KiB, as nearly every value is one.
    #[inline(always)]
    fn text(&mut self) -> Option<&'a [u8]> {
        let len = match *self.rest {
            [marker @ 0xa0..=0xbf, ..] => 1 + usize::from(marker & 0x1f),
            [0xd9, len, ..] => 2 + usize::from(len),
            [0xda, high, low, ..] => 3 + usize::from(u16::from_be_bytes([high, low])),
            _ => return None,
        };
        let (text, rest) = self.rest.split_at_checked(len)?;
        self.rest = rest;
        Some(text)
    }

    /// Moves past these bytes if they are what comes next.
    #[inline]
    pub fn pass(&mut self, bytes: &[u8]) -> bool {
        let rest = self.rest.strip_prefix(bytes);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// Moves past so many values.
    fn skip(&mut self, values: u64) -> Result<(), Cut> {
        let mut owed = values;
        while owed > 0 {
            // Every value takes a byte at least: a larger announcement cannot be kept.
            if owed > self.rest.len() as u64 {
                return Err(Cut);
            }
            owed -= 1;
            match self.token()? {
                Token::Array(count) => owed += u64::from(count),
                Token::Map(count) => owed += 2 * u64::from(count),
                _ => {}
            }
        }
        Ok(())
    }

    /// The markers that are followed by more of their own.
    fn marked(&mut self, marker: u8) -> Result<Token<'a>, Cut> {
        Ok(match marker {
            0xc0 => Token::Nil,
            0xc2 => Token::Bool(false),
            0xc3 => Token::Bool(true),
            0xc4..=0xc6 => Token::Bin(self.sized(marker - 0xc4)?),
            0xc7..=0xc9 => {
                let len = self.length(marker - 0xc7)?;
                self.ext(len)?
            }
            0xca => Token::F32(f32::from_be_bytes(self.array()?)),
            0xcb => Token::F64(f64::from_be_bytes(self.array()?)),
            0xcc => Token::Uint(u8::from_be_bytes(self.array()?).into()),
            0xcd => Token::Uint(u16::from_be_bytes(self.array()?).into()),
            0xce => Token::Uint(u32::from_be_bytes(self.array()?).into()),
            0xcf => Token::Uint(u64::from_be_bytes(self.array()?)),
            0xd0 => signed(i8::from_be_bytes(self.array()?).into()),
            0xd1 => signed(i16::from_be_bytes(self.array()?).into()),
            0xd2 => signed(i32::from_be_bytes(self.array()?).into()),
            0xd3 => signed(i64::from_be_bytes(self.array()?)),
            0xd4..=0xd8 => self.ext(1 << (marker - 0xd4))?,
            0xd9..=0xdb => Token::Str(self.sized(marker - 0xd9)?),
            0xdc => Token::Array(u16::from_be_bytes(self.array()?).into()),
            0xdd => Token::Array(u32::from_be_bytes(self.array()?)),
            0xde => Token::Map(u16::from_be_bytes(self.array()?).into()),
            0xdf => Token::Map(u32::from_be_bytes(self.array()?)),
            _ => return Err(Cut),
        })
    }

    /// Bytes behind a length of one, two or four bytes.
    fn sized(&mut self, width: u8) -> Result<&'a [u8], Cut> {
        let len = self.length(width)?;
        self.bytes(len)
    }

    fn length(&mut self, width: u8) -> Result<usize, Cut> {
        Ok(match width {
            0 => u8::from_be_bytes(self.array()?).into(),
            1 => u16::from_be_bytes(self.array()?).into(),
            _ => u32::from_be_bytes(self.array()?) as usize,
        })
    }

    fn ext(&mut self, len: usize) -> Result<Token<'a>, Cut> {
        let kind = i8::from_be_bytes(self.array()?);
        Ok(Token::Ext(kind, self.bytes(len)?))
    }

    #[inline]
    fn bytes(&mut self, len: usize) -> Result<&'a [u8], Cut> {
        let (bytes, rest) = self.rest.split_at_checked(len).ok_or(Cut)?;
        self.rest = rest;
        Ok(bytes)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Cut> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or(Cut)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

/// A signed integer in the one form that its value has.
fn signed(value: i64) -> Token<'static> {
    u64::try_from(value).map_or(Token::Int(value), Token::Uint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(bytes: &[u8]) -> Result<Token<'_>, Cut> {
        Cursor::new(bytes).token()
    }

    #[test]
    fn every_integer_form_gives_its_value() {
        assert_eq!(token(&[0x7f]), Ok(Token::Uint(127)));
        assert_eq!(token(&[0xff]), Ok(Token::Int(-1)));
        assert_eq!(
            token(&[0xcf, 255, 255, 255, 255, 255, 255, 255, 255]),
            Ok(Token::Uint(u64::MAX))
        );
        assert_eq!(
            token(&[0xd3, 128, 0, 0, 0, 0, 0, 0, 0]),
            Ok(Token::Int(i64::MIN))
        );
        assert_eq!(token(&[0xd1, 0, 5]), Ok(Token::Uint(5)));
    }

    #[test]
    fn a_value_is_returned_with_all_it_holds() {
        let bytes = [0x82, 0xa1, b'a', 0x92, 1, 2, 0xa1, b'b', 0xc0, 0x2a];
        let mut cursor = Cursor::new(&bytes);
        assert_eq!(cursor.value(), Ok(&bytes[..9]));
        assert_eq!(cursor.token(), Ok(Token::Uint(42)));
    }

    #[test]
    fn every_prefix_of_a_value_is_a_cut() {
        let bytes = [
            0x82, 0xa1, b'a', 0xc7, 2, 9, 1, 2, 0xd9, 3, b'x', b'y', b'z', 0xcb, 1, 2, 3, 4, 5, 6,
            7, 8,
        ];
        assert!(Cursor::new(&bytes).value().is_ok());
        for len in 0..bytes.len() {
            assert_eq!(
                Cursor::new(&bytes[..len]).value(),
                Err(Cut),
                "prefix of {len}"
            );
        }
    }

    #[test]
    fn an_announced_length_beyond_the_bytes_is_a_cut_at_once() {
        assert_eq!(
            Cursor::new(&[0xdd, 255, 255, 255, 255, 0]).value(),
            Err(Cut)
        );
        assert_eq!(Cursor::new(&[0xdb, 128, 0, 0, 0, 0]).value(), Err(Cut));
    }

    #[test]
    fn nesting_of_any_depth_is_skipped_without_recursion() {
        let mut bytes = vec![0x91; 1_000_000];
        bytes.push(0xc0);
        assert_eq!(Cursor::new(&bytes).value().map(<[u8]>::len), Ok(1_000_001));
    }

    #[test]
    fn the_byte_that_no_value_has_is_a_cut() {
        assert_eq!(token(&[0xc1]), Err(Cut));
    }
}
