//! How each byte is written.

use crate::Depth;

/// Room for the longest form of a byte, `\\\\u001f`, rounded up to what is copied at once.
pub(crate) const LONGEST: usize = 8;

/// How a byte is written.
#[derive(Clone, Copy)]
#[repr(align(16))]
pub(crate) struct Form {
    pub(crate) bytes: [u8; LONGEST],
    pub(crate) len: u8,
    /// How many of the bytes the outermost string's reader will not see.
    pub(crate) overhead: u8,
}

pub(crate) type Table = [Form; 256];

pub(crate) static ONCE: Table = table(Depth::Once);
pub(crate) static TWICE: Table = table(Depth::Twice);

/// Whether a byte must be escaped.
pub(crate) const fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

const fn table(depth: Depth) -> Table {
    let mut table = [form(0, depth); 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = form(byte as u8, depth);
        byte += 1;
    }
    table
}

#[expect(clippy::cast_possible_truncation, reason = "at most LONGEST")]
const fn form(byte: u8, depth: Depth) -> Form {
    let mut inner = [0; LONGEST];
    let inner_len = escape_once(byte, &mut inner);
    match depth {
        // The stored text is the one byte.
        Depth::Once => Form {
            bytes: inner,
            len: inner_len as u8,
            overhead: inner_len as u8 - 1,
        },
        // The stored text is the inner escape.
        Depth::Twice => {
            let mut bytes = [0; LONGEST];
            let mut len = 0;
            let mut at = 0;
            while at < inner_len {
                if is_special(inner[at]) {
                    bytes[len] = b'\\';
                    len += 1;
                }
                bytes[len] = inner[at];
                len += 1;
                at += 1;
            }
            Form {
                bytes,
                len: len as u8,
                overhead: (len - inner_len) as u8,
            }
        }
    }
}

const fn escape_once(byte: u8, to: &mut [u8; LONGEST]) -> usize {
    if !is_special(byte) {
        to[0] = byte;
        return 1;
    }
    to[0] = b'\\';
    to[1] = match byte {
        b'"' | b'\\' => byte,
        0x08 => b'b',
        0x0c => b'f',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => b'u',
    };
    if to[1] != b'u' {
        return 2;
    }
    to[2] = b'0';
    to[3] = b'0';
    to[4] = HEX[(byte >> 4) as usize];
    to[5] = HEX[(byte & 0x0f) as usize];
    6
}

const HEX: &[u8; 16] = b"0123456789abcdef";
