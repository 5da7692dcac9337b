//! The root certificates of TLS: those of the system (`SSL_CERT_FILE`, `SSL_CERT_DIR`) and those of
//! `AWS_CA_BUNDLE`.
//!
//! The SDK's connector panics on an unreadable bundle and on a system without certificates, so both
//! are checked first.

use std::sync::atomic::{AtomicBool, Ordering};

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::options::Reader;

/// The sources of root certificates.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct TlsRoots {
    system: bool,
    bundle: Option<Vec<u8>>,
}

impl TlsRoots {
    /// Reads `AWS_CA_BUNDLE` and checks the system's certificates. Problems go to the reader.
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
        let system = check_system_certificates();
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

    /// The TLS context for the SDK's connector.
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

/// Checks that the system has usable certificates; the error says why not. A success is cached: there
/// are more than 100 certificates, and each section of a configuration runs this check.
fn check_system_certificates() -> Result<(), String> {
    static IS_USABLE: AtomicBool = AtomicBool::new(false);
    if IS_USABLE.load(Ordering::Relaxed) {
        return Ok(());
    }
    let found = rustls_native_certs::load_native_certs();
    let mut store = RootCertStore::empty();
    let (usable, _) = store.add_parsable_certificates(found.certs);
    if usable == 0 {
        let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
        return Err(why.join("; "));
    }
    IS_USABLE.store(true, Ordering::Relaxed);
    Ok(())
}

/// Reads a bundle in which every certificate is usable.
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
