//! TLS of our own listener — RFC 8446, RFC 9325, RFC 8705 §2.
//!
//! Cipher suites are rustls' own: only ECDHE with AEAD (RFC 9325 §4.2), no renegotiation,
//! nothing below TLS 1.2.
//!
//! Choice: a client certificate is asked for, never demanded, and any certificate passes the
//! handshake. Whom it speaks for is judged per client (RFC 8705 §2.1, §2.2); the handshake
//! only proves that the peer holds its key.
//! Left out: early data (0-RTT, RFC 8446 §2.3), because it can be replayed (RFC 8470).

use std::sync::Arc;

use rustls::{
    DigitallySignedStruct, DistinguishedName, Error, InconsistentKeys, ServerConfig, SignatureScheme,
    SupportedProtocolVersion,
    client::danger::HandshakeSignatureValid,
    crypto::{CryptoProvider, WebPkiSupportedAlgorithms, aws_lc_rs, verify_tls12_signature, verify_tls13_signature},
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem, pem::PemObject},
    server::{
        NoServerSessionStorage,
        danger::{ClientCertVerified, ClientCertVerifier},
    },
    version::{TLS12, TLS13},
};

/// The oldest TLS version the listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TlsVersion {
    /// TLS 1.2 (RFC 5246) and 1.3.
    V1_2,
    /// TLS 1.3 (RFC 8446) only.
    V1_3,
}

/// Whether peers are asked for a certificate in the handshake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificates {
    /// Never asked for.
    Off,
    /// Asked for; none and any are accepted, and judged later (RFC 8705 §2).
    Optional,
}

/// Why a certificate and key cannot serve TLS. Each text names the file and a way out.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file has a damaged PEM section.
    #[error("TLS certificate file: damaged PEM; export the chain again as PEM text")]
    CertificatePem(#[source] pem::Error),
    /// The certificate file has no CERTIFICATE section.
    #[error(
        "TLS certificate file: no certificate in it; it must hold PEM text with at least one \
         \"-----BEGIN CERTIFICATE-----\" (are certificate and key swapped, or is it DER?)"
    )]
    CertificateMissing,
    /// The certificates are PEM, but not X.509 that we understand.
    #[error("TLS certificate file: not a usable X.509 certificate")]
    Certificate(#[source] Error),
    /// The key file has a damaged PEM section.
    #[error("TLS key file: damaged PEM; export the key again as PEM text")]
    KeyPem(#[source] pem::Error),
    /// The key file has no private key section.
    #[error(
        "TLS key file: no private key in it; it must hold PEM text with \
         \"-----BEGIN PRIVATE KEY-----\" (are certificate and key swapped, or is it DER?)"
    )]
    KeyMissing,
    /// The key is protected by a passphrase.
    #[error(
        "TLS key file: the key is encrypted; decrypt it with \
         `openssl pkey -in key.pem -out plain.pem` and protect the file by its permissions"
    )]
    KeyEncrypted,
    /// The key is of a kind that cannot sign a handshake.
    #[error("TLS key file: unsupported key; use ECDSA P-256 or P-384, Ed25519, or RSA of 2048 bits or more")]
    Key(#[source] Error),
    /// Certificate and key are not a pair.
    #[error(
        "TLS certificate and key files do not belong together; the server's own certificate \
         must come first in its file, followed by the intermediates"
    )]
    Mismatch,
    /// rustls refuses the combination of settings.
    #[error("TLS settings were refused")]
    Settings(#[source] Error),
}

/// Makes aws-lc-rs the process's TLS provider. Call at start; more often does no harm.
///
/// Libraries that do not name a provider use the installed one, and panic if there is none.
pub fn install_provider() {
    if CryptoProvider::get_default().is_none() {
        // The error says that another thread was first: with the only provider of this build.
        let _ = aws_lc_rs::default_provider().install_default();
    }
}

/// The listener's TLS settings, from a PEM chain (leaf first) and its PEM private key.
///
/// # Errors
/// [`TlsError`], when the files are not a usable pair.
pub fn server_config(
    cert_pem: &[u8],
    key_pem: &[u8],
    min_version: TlsVersion,
    client_certificates: ClientCertificates,
) -> Result<ServerConfig, TlsError> {
    let chain = chain(cert_pem)?;
    let key = private_key(key_pem)?;
    let provider = Arc::new(aws_lc_rs::default_provider());
    let algorithms = provider.signature_verification_algorithms;
    // Told apart here: rustls reports a bad key and a bad certificate alike.
    provider.key_provider.load_private_key(key.clone_key()).map_err(TlsError::Key)?;

    let versions: &[&SupportedProtocolVersion] = match min_version {
        TlsVersion::V1_2 => &[&TLS13, &TLS12],
        TlsVersion::V1_3 => &[&TLS13],
    };
    let builder =
        ServerConfig::builder_with_provider(provider).with_protocol_versions(versions).map_err(TlsError::Settings)?;
    let builder = match client_certificates {
        ClientCertificates::Off => builder.with_no_client_auth(),
        ClientCertificates::Optional => builder.with_client_cert_verifier(Arc::new(AnyCertificate(algorithms))),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|error| match error {
        Error::InconsistentKeys(InconsistentKeys::KeyMismatch) => TlsError::Mismatch,
        other => TlsError::Certificate(other),
    })?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // rustls' default, held here: a request in early data could be replayed (RFC 8470 §3).
    config.max_early_data_size = 0;
    if client_certificates == ClientCertificates::Optional {
        // A resumed session repeats the certificate without proving its key again.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

fn chain(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let chain = CertificateDer::pem_slice_iter(pem).collect::<Result<Vec<_>, _>>().map_err(TlsError::CertificatePem)?;
    if chain.is_empty() {
        return Err(TlsError::CertificateMissing);
    }
    Ok(chain)
}

fn private_key(pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    // Both spellings of encrypted keys, PKCS #8 (RFC 5958 §3) and OpenSSL's older header.
    let encrypted = [&b"BEGIN ENCRYPTED PRIVATE KEY"[..], b"Proc-Type: 4,ENCRYPTED"];
    if encrypted.iter().any(|mark| pem.windows(mark.len()).any(|part| part == *mark)) {
        return Err(TlsError::KeyEncrypted);
    }
    PrivateKeyDer::from_pem_slice(pem).map_err(|error| match error {
        pem::Error::NoItemsFound => TlsError::KeyMissing,
        other => TlsError::KeyPem(other),
    })
}

/// Accepts every certificate whose key the peer proves to hold.
#[derive(Debug)]
struct AnyCertificate(WebPkiSupportedAlgorithms);

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    // No hints: self-signed certificates have no authority to name (RFC 8705 §2.2).
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _leaf: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, signature, &self.0)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, signature, &self.0)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_schemes()
    }
}
