//! Answers about single records, read without the SDK where all records are stored.
//!
//! The SDK makes a value of each record's answer, with a string for each id: for a full request of Data
//! Firehose that took three times as long as to encode its records. Nearly every answer says that all
//! are stored, and nothing of it is needed but that. Every other answer is read by the SDK.

use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;

use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::Intercept;
use aws_smithy_runtime_api::client::interceptors::context::{
    BeforeTransmitInterceptorContextMut, Error, Output,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpResponse, OrchestratorError};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_runtime_api::client::runtime_plugin::RuntimePlugin;
use aws_smithy_runtime_api::client::ser_de::{DeserializeResponse, SharedResponseDeserializer};
use aws_smithy_types::config_bag::{ConfigBag, FrozenLayer};
use serde::Deserialize;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};

/// An operation whose answer tells of each record.
pub trait ByRecord: fmt::Debug + Send + Sync + 'static {
    /// How many records the answer tells of; `None` where one of them is not surely stored.
    fn stored(answer: &[u8]) -> Option<usize>;

    /// What the SDK is given for an answer after which all are stored: one that tells of no record.
    fn output() -> Option<Output>;

    /// The SDK's operation, which has the reader of all other answers.
    fn operation() -> impl RuntimePlugin;
}

/// Reads the answer to one request of so many records.
#[derive(Debug)]
pub struct Reader<O> {
    records: usize,
    all: Arc<AtomicBool>,
    operation: PhantomData<O>,
}

/// Whether all records of a request are stored.
#[derive(Debug)]
pub struct AllStored(Arc<AtomicBool>);

/// A reader for a request, and what it finds.
#[must_use]
pub fn reader<O: ByRecord>(records: usize) -> (Reader<O>, AllStored) {
    let all = Arc::<AtomicBool>::default();
    let reader = Reader {
        records,
        all: all.clone(),
        operation: PhantomData,
    };
    (reader, AllStored(all))
}

impl AllStored {
    /// To be asked after the answer.
    #[must_use]
    pub fn is_so(&self) -> bool {
        self.0.load(Relaxed)
    }
}

impl<O: ByRecord> Intercept for Reader<O> {
    fn name(&self) -> &'static str {
        "Stored"
    }

    fn modify_before_signing(
        &self,
        _context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let others = O::operation().config().ok_or("no reader of answers")?;
        let reader = Answers::<O> {
            records: self.records,
            all: self.all.clone(),
            others,
            operation: PhantomData,
        };
        let reader = SharedResponseDeserializer::new(reader);
        config.interceptor_state().store_put(reader);
        Ok(())
    }
}

/// In the place of the SDK's own.
#[derive(Debug)]
struct Answers<O> {
    records: usize,
    all: Arc<AtomicBool>,
    others: FrozenLayer,
    operation: PhantomData<O>,
}

impl<O: ByRecord> DeserializeResponse for Answers<O> {
    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        config: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let answer = response.body().bytes().unwrap_or_default();
        if response.status().is_success()
            && O::stored(answer) == Some(self.records)
            && let Some(output) = O::output()
        {
            self.all.store(true, Relaxed);
            return Ok(output);
        }
        match self.others.load::<SharedResponseDeserializer>() {
            Some(others) => others.deserialize_nonstreaming_with_config(response, config),
            None => Err(OrchestratorError::other("no reader of answers")),
        }
    }
}

/// What an answer says of one record.
pub(crate) trait Entry {
    /// Whether it says that the record is stored, and nothing else.
    fn is_stored(&self) -> bool;
}

/// How many entries a list has. A list with one that is not of a stored record is an error.
#[derive(Debug)]
pub(crate) struct Stored<E> {
    pub(crate) count: usize,
    entry: PhantomData<E>,
}

impl<'de, E: Entry + Deserialize<'de>> Deserialize<'de> for Stored<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(Entries(PhantomData))
    }
}

struct Entries<E>(PhantomData<E>);

impl<'de, E: Entry + Deserialize<'de>> Visitor<'de> for Entries<E> {
    type Value = Stored<E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of answers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Stored<E>, A::Error> {
        let mut count = 0;
        while let Some(entry) = entries.next_element::<E>()? {
            if !entry.is_stored() {
                return Err(A::Error::custom("a record is not stored"));
            }
            count += 1;
        }
        let entry = PhantomData;
        Ok(Stored { count, entry })
    }
}

#[cfg(test)]
pub(crate) mod tests;
