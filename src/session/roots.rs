//! The certificates that TLS trusts: the system's (`SSL_CERT_FILE`, `SSL_CERT_DIR`) and those of
//! `AWS_CA_BUNDLE`.
//!
//! The SDK's connector panics over a bundle it cannot read and over a system without certificates,
//! so both are looked at before it sees them.

use aws_smithy_http_client::tls::{TlsContext, TrustStore};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::options::Reader;

/// Where trust comes from.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(super) struct Roots {
    system: bool,
    bundle: Option<Vec<u8>>,
}

impl Roots {
    /// Reads `AWS_CA_BUNDLE` and looks whether the system has any; the reader has the problems.
    pub(super) fn read(
        reader: &Reader<'_>,
        environment: impl Fn(&str) -> Option<String>,
        needed: bool,
    ) -> Self {
        let bundle = environment("AWS_CA_BUNDLE").and_then(|path| {
            read_bundle(&path)
                .inspect_err(|why| reader.problem(format_args!("AWS_CA_BUNDLE is `{path}`: {why}")))
                .ok()
        });
        let found = rustls_native_certs::load_native_certs();
        let mut store = RootCertStore::empty();
        let (usable, _) = store.add_parsable_certificates(found.certs);
        if needed && usable == 0 && bundle.is_none() && reader.problems().is_empty() {
            let why: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
            reader.problem(format_args!(
                "no root certificates were found, so no server can be trusted: install the system's \
                 ca-certificates, or name a file in SSL_CERT_FILE or AWS_CA_BUNDLE {}",
                why.join("; ")
            ));
        }
        Self {
            system: usable > 0,
            bundle,
        }
    }

    /// For the SDK's connector.
    pub(super) fn context(&self) -> TlsContext {
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
