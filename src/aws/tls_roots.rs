//! The certificates that TLS trusts: the system's (`SSL_CERT_FILE`, `SSL_CERT_DIR`) and those of
//! `AWS_CA_BUNDLE`.
//!
//! The SDK's connector panics over a bundle it cannot read and over a system without certificates,
//! so both are looked at before it sees them.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::options::Reader;

/// Where trust comes from.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Roots {
    system: bool,
    bundle: Option<Vec<u8>>,
}

impl Roots {
    /// Reads `AWS_CA_BUNDLE` and looks whether the system has any; the reader has the problems.
    pub(crate) fn read(
        reader: &Reader<'_>,
        environment: impl Fn(&str) -> Option<String>,
        needed: bool,
    ) -> Self {
        let bundle = environment("AWS_CA_BUNDLE").and_then(|path| {
            read_bundle(&path)
                .inspect_err(|why| reader.problem(format_args!("AWS_CA_BUNDLE is `{path}`: {why}")))
                .ok()
        });
        let system = of_the_system();
        if let Err(why) = &system
            && needed
            && bundle.is_none()
            && reader.problems().is_empty()
        {
            reader.problem(format_args!(
                "no root certificates were found, so no server can be trusted: install the system's \
                 ca-certificates, or name a file in SSL_CERT_FILE or AWS_CA_BUNDLE {why}"
            ));
        }
        Self {
            system: system.is_ok(),
            bundle,
        }
    }

    /// For the SDK's connector.
    pub(crate) fn context(&self) -> TlsContext {
        let mut trust = TrustStore::empty().with_native_roots(self.system);
        if let Some(bundle) = &self.bundle {
            trust = trust.with_pem_certificate(bundle.clone());
        }
        TlsContext::builder()
            .with_trust_store(trust)
            .build()
            .unwrap_or_else(|_| unreachable!("only a server name makes a context fail"))
    }
}

/// A bundle of which every certificate can be used.
/// Whether the system has usable certificates, or why not. They are read once: there are some hundred,
/// and each section of a configuration asks.
fn of_the_system() -> Result<(), String> {
    static FOUND: AtomicBool = AtomicBool::new(false);
    if FOUND.load(Ordering::Relaxed) {
        return Ok(());
    }
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    let (usable, _) = store.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(why.join("; "));
    }
    FOUND.store(true, Ordering::Relaxed);
    Ok(())
}

fn read_bundle(path: &str) -> Result<Vec<u8>, String> {
    let bundle = std::fs::read(path).map_err(|error| format!("it cannot be read: {error}"))?;
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&bundle) {
        let certificate = certificate.map_err(|error| format!("it is damaged: {error}"))?;
        store
            .add(certificate)
            .map_err(|error| format!("it holds a certificate that cannot be used: {error}"))?;
    }
    if store.is_empty() {
        return Err("no certificate is in it".to_owned());
    }
    Ok(bundle)
}
