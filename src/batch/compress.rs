//! Text -> compressed data. Each text becomes a complete stream.
//!
//! The state of an algorithm is allocated once and used again for each text. Allocating the state of
//! gzip costs more than compressing one log line.

use flate2::{Compress, Crc, FlushCompress, Status};
use snap::raw;
use zstd::bulk;
use zstd::zstd_safe::compress_bound;

/// How data is compressed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Compression {
    /// RFC 1952.
    Gzip,
    /// RFC 1950.
    Zlib,
    /// Snappy's block format, without framing, as the C plugin sends it.
    Snappy,
    /// RFC 8878.
    Zstd,
}

/// Compresses texts one by one.
pub struct Compressor(State);

enum State {
    Gzip(Compress),
    Zlib(Compress),
    Snappy(Box<raw::Encoder>),
    Zstd(bulk::Compressor<'static>),
}

impl Compressor {
    /// Allocates the state of an algorithm.
    ///
    /// # Panics
    ///
    /// If the allocation fails.
    #[must_use]
    pub fn new(compression: Compression) -> Self {
        Self(match compression {
            Compression::Gzip => State::Gzip(Compress::new(flate2::Compression::default(), false)),
            Compression::Zlib => State::Zlib(Compress::new(flate2::Compression::default(), true)),
            Compression::Snappy => State::Snappy(Box::new(raw::Encoder::new())),
            Compression::Zstd => {
                State::Zstd(bulk::Compressor::new(ZSTD_LEVEL).expect("memory for zstd"))
            }
        })
    }

    /// Replaces the content of `out` with the compressed text.
    ///
    /// # Panics
    ///
    /// If the text has 4 GiB or more. No chunk is that large.
    pub fn compress(&mut self, text: &[u8], out: &mut Vec<u8>) {
        out.clear();
        match &mut self.0 {
            State::Gzip(state) => gzip(state, text, out),
            State::Zlib(state) => deflate(state, text, out),
            State::Snappy(encoder) => {
                out.resize(raw::max_compress_len(text.len()), 0);
                let len = encoder.compress(text, out).expect("room for any result");
                out.truncate(len);
            }
            State::Zstd(compressor) => {
                out.reserve(compress_bound(text.len()));
                let done = compressor.compress_to_buffer(text, out);
                done.expect("room for any result");
            }
        }
    }
}

impl std::fmt::Debug for Compressor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            State::Gzip(_) => "Compressor(Gzip)",
            State::Zlib(_) => "Compressor(Zlib)",
            State::Snappy(_) => "Compressor(Snappy)",
            State::Zstd(_) => "Compressor(Zstd)",
        })
    }
}

/// The maximum length of a text whose compressed form stays within the limit for any content.
///
/// Snappy has the largest worst case of the four algorithms: text length / 6 + 32 bytes more.
#[must_use]
pub const fn max_incompressible_len(limit: usize) -> usize {
    limit.saturating_sub(32) / 7 * 6
}

fn gzip(state: &mut Compress, text: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(GZIP_HEAD);
    deflate(state, text, out);
    let mut crc = Crc::new();
    crc.update(text);
    out.extend_from_slice(&crc.sum().to_le_bytes());
    out.extend_from_slice(&crc.amount().to_le_bytes());
}

/// Appends a complete stream in the format of the state.
fn deflate(state: &mut Compress, text: &[u8], out: &mut Vec<u8>) {
    state.reset();
    loop {
        let rest = &text[usize::try_from(state.total_in()).unwrap_or(text.len())..];
        out.reserve(rest.len() / 4 + 512);
        let status = state.compress_vec(rest, out, FlushCompress::Finish);
        if status.expect("a state that was reset") == Status::StreamEnd {
            break;
        }
    }
}

/// Magic number, deflate, no flags, no time, no extra flags, unknown operating system (RFC 1952).
const GZIP_HEAD: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

/// The default of zstd.
const ZSTD_LEVEL: i32 = 3;

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    const ALL: [Compression; 4] = [
        Compression::Gzip,
        Compression::Zlib,
        Compression::Snappy,
        Compression::Zstd,
    ];

    fn plain(compression: Compression, data: &[u8]) -> Vec<u8> {
        match compression {
            Compression::Gzip => {
                let mut text = Vec::new();
                let read = flate2::read::GzDecoder::new(data).read_to_end(&mut text);
                read.map(|_| text).unwrap()
            }
            Compression::Zlib => {
                let mut text = Vec::new();
                let read = flate2::read::ZlibDecoder::new(data).read_to_end(&mut text);
                read.map(|_| text).unwrap()
            }
            Compression::Snappy => raw::Decoder::new().decompress_vec(data).unwrap(),
            Compression::Zstd => zstd::stream::decode_all(data).unwrap(),
        }
    }

    #[test]
    fn each_text_becomes_a_complete_stream() {
        let long = "a line that repeats\n".repeat(100_000);
        for compression in ALL {
            let mut compressor = Compressor::new(compression);
            let mut out = b"from before".to_vec();
            for text in ["one\n", "", long.as_str(), "two\n"] {
                compressor.compress(text.as_bytes(), &mut out);
                assert_eq!(plain(compression, &out), text.as_bytes(), "{compression:?}");
            }
        }
    }

    #[test]
    fn incompressible_text_of_the_maximum_length_fits() {
        let seed = 0x5eed_c0de;
        println!("seed {seed:#x}");
        let mut random = fastrand::Rng::with_seed(seed);
        for compression in ALL {
            let mut compressor = Compressor::new(compression);
            let mut out = Vec::new();
            for limit in [64, 100, 1000, 70_000, 1_024_000] {
                let text: Vec<u8> = (0..max_incompressible_len(limit))
                    .map(|_| random.u8(..))
                    .collect();
                compressor.compress(&text, &mut out);
                assert!(out.len() <= limit, "{compression:?} {limit}: {}", out.len());
                assert_eq!(plain(compression, &out), text);
            }
        }
    }
}
