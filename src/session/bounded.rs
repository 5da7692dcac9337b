//! An answer's body, read up to a bound.

use aws_smithy_types::body::SdkBody;
use aws_smithy_types::byte_stream::ByteStream;

use crate::fault::Chain;

/// Reads a document of a metadata or credentials endpoint.
///
/// # Errors
///
/// Why it cannot be read; also when it is larger than any such document.
pub async fn body(body: SdkBody) -> Result<Vec<u8>, String> {
    let mut stream = ByteStream::new(body);
    let mut read = Vec::new();
    while let Some(part) = stream.next().await {
        let part = part.map_err(|error| Chain(&error).to_string())?;
        if read.len() + part.len() > MOST_BYTES {
            let most = MOST_BYTES / 1024;
            return Err(format!("an answer of more than {most} KiB"));
        }
        read.extend_from_slice(&part);
    }
    Ok(read)
}

/// A task's metadata is some 10 KiB, a document of credentials some 2 KiB.
const MOST_BYTES: usize = 1024 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn an_answer_is_read_up_to_the_bound() {
        let whole = vec![b'x'; MOST_BYTES];
        assert_eq!(body(SdkBody::from(whole.clone())).await, Ok(whole));
        let more = SdkBody::from(vec![b'x'; MOST_BYTES + 1]);
        let why = body(more).await.unwrap_err();
        assert_eq!(why, "an answer of more than 1024 KiB");
    }
}
