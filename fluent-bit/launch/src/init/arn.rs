//! The ARN of an object in S3.

use std::fmt::{self, Display};

/// `arn:PARTITION:s3:::BUCKET/KEY`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Arn {
    /// `aws`, `aws-cn` or `aws-us-gov`.
    pub partition: String,
    /// The bucket's name.
    pub bucket: String,
    /// The object's key.
    pub key: String,
}

impl Arn {
    /// Reads an ARN.
    ///
    /// # Errors
    ///
    /// That it is none of an object.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<_> = text.splitn(6, ':').collect();
        let object = match parts[..] {
            ["arn", partition, "s3", "", "", object] => Some((partition, object)),
            _ => None,
        };
        let object =
            object.and_then(|(partition, object)| Some((partition, object.split_once('/')?)));
        match object {
            Some((partition, (bucket, key))) if !bucket.is_empty() && !arn_name(key).is_empty() => {
                Ok(Self {
                    partition: partition.to_owned(),
                    bucket: bucket.to_owned(),
                    key: key.to_owned(),
                })
            }
            _ => Err(format!(
                "`{text}` is no ARN of an object in S3, such as arn:aws:s3:::bucket/key"
            )),
        }
    }

    /// The last part of the key.
    #[must_use]
    pub fn name(&self) -> &str {
        arn_name(&self.key)
    }
}

fn arn_name(key: &str) -> &str {
    key.rsplit('/').next().unwrap_or_default()
}

impl Display for Arn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "arn:{}:s3:::{}/{}",
            self.partition, self.bucket, self.key
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_objects_arn_has_a_bucket_and_a_key() {
        let text = "arn:aws-cn:s3:::b.c/folder/it: is.conf";
        let arn = Arn::parse(text).unwrap();
        assert_eq!((&*arn.partition, &*arn.bucket), ("aws-cn", "b.c"));
        assert_eq!(
            (&*arn.key, arn.name()),
            ("folder/it: is.conf", "it: is.conf")
        );
        assert_eq!(arn.to_string(), text);
    }

    #[test]
    fn anything_else_is_none() {
        for text in [
            "",
            "b/k",
            "arn:aws:s3:::bucket",
            "arn:aws:s3:::bucket/",
            "arn:aws:s3:::/k",
            "arn:aws:s3:::b/folder/",
            "arn:aws:s3:eu-west-1:1:accesspoint/a/object/k",
            "arn:aws:sqs:::b/k",
        ] {
            assert!(Arn::parse(text).is_err(), "{text}");
        }
    }
}
