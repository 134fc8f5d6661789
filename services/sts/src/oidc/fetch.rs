//! One small page over HTTP/1.1: over TLS from anywhere, in the clear from this machine only.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use haneul_kit::Env;
use http_body_util::{BodyExt, Empty, Limited};
use hyper_util::rt::TokioIo;
use ring::digest;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{DigitallySignedStruct, RootCertStore, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

const BYTES_MAX: usize = 512 * 1024;
const TIME_MAX: Duration = Duration::from_secs(5);

/// `https://host[:port]/path`, or `http://` with a host that is this machine.
pub(super) struct Url {
    is_secure: bool,
    host: String,
    port: u16,
    path: String,
}

impl Url {
    pub(super) fn parse(text: &str) -> Option<Url> {
        let uri: http::Uri = text.parse().ok()?;
        let is_secure = match uri.scheme_str()? {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let authority = uri.authority()?;
        // Neither names nor passwords.
        if authority.as_str().contains('@') {
            return None;
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let is_here = host == "localhost" || host.parse().is_ok_and(|ip: IpAddr| ip.is_loopback());
        if !is_secure && !is_here {
            return None;
        }
        let port = authority.port_u16().unwrap_or(if is_secure { 443 } else { 80 });
        let path = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        Some(Url { is_secure, host, port, path })
    }

    pub(super) fn is_secure(&self) -> bool {
        self.is_secure
    }
}

pub(super) struct Fetch<'a> {
    pub env: &'a Env,
    /// SHA-1 of certificates, in hexadecimal: where no authority that this host trusts vouches for the server.
    pub thumbprints: &'a [String],
}

impl Fetch<'_> {
    /// The content of a page that is there (200); redirects are not followed.
    pub(super) async fn get(&self, url: &Url) -> Option<Bytes> {
        let page = self.env.clock.timeout(TIME_MAX, self.exchange(url)).await?;
        if let Err(why) = &page {
            tracing::warn!(
                host = url.host,
                path = url.path,
                why,
                "an identity provider's page could not be read"
            );
        }
        page.ok()
    }

    async fn exchange(&self, url: &Url) -> Result<Bytes, String> {
        let told = |error: &dyn std::fmt::Display| error.to_string();
        let tcp = TcpStream::connect((url.host.as_str(), url.port)).await.map_err(|error| told(&error))?;
        if !url.is_secure {
            // A name can point anywhere; in the clear we only talk to ourselves.
            return match tcp.peer_addr() {
                Ok(peer) if peer.ip().is_loopback() => talk(tcp, url).await,
                _ => Err("plain HTTP is for this machine only".into()),
            };
        }
        let name = ServerName::try_from(url.host.clone()).map_err(|error| told(&error))?;
        let config = self.tls().map_err(|error| told(&error))?;
        let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
        let tls = connector.connect(name, tcp).await.map_err(|error| told(&error))?;
        talk(tls, url).await
    }

    fn tls(&self) -> Result<rustls::ClientConfig, rustls::Error> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier = Verifier {
            thumbprints: self.thumbprints.iter().map(|print| print.to_ascii_lowercase()).collect(),
            authorities: authorities(&provider),
            provider: provider.clone(),
        };
        Ok(rustls::ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_no_client_auth())
    }
}

async fn talk<S>(stream: S, url: &Url) -> Result<Bytes, String>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .map_err(|error| error.to_string())?;
    let request = http::Request::get(&url.path)
        .header("host", format!("{}:{}", url.host, url.port))
        .header("accept", "application/json")
        .body(Empty::<Bytes>::new())
        .map_err(|error| error.to_string())?;
    let answering = async move {
        let answer = sender.send_request(request).await.map_err(|error| error.to_string())?;
        if answer.status() != http::StatusCode::OK {
            return Err(format!("answered {}", answer.status()));
        }
        let body = Limited::new(answer.into_body(), BYTES_MAX).collect().await;
        body.map(|body| body.to_bytes()).map_err(|error| error.to_string())
    };
    // The connection has to be driven; when it ends first, the answer may be there already.
    tokio::pin!(answering);
    tokio::select! {
        biased;
        answer = &mut answering => answer,
        _ = connection => answering.await,
    }
}

/// The certificate authorities that this host trusts; `None` where it has none.
fn authorities(provider: &Arc<CryptoProvider>) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone()).build().ok()
}

/// IAM User Guide, "Obtain the thumbprint for an OpenID Connect identity provider": authorities that are trusted decide,
/// and where none vouches, the thumbprints do.
#[derive(Debug)]
struct Verifier {
    thumbprints: Vec<String>,
    authorities: Option<Arc<WebPkiServerVerifier>>,
    provider: Arc<CryptoProvider>,
}

impl Verifier {
    fn is_pinned(&self, certificate: &CertificateDer<'_>) -> bool {
        let print = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
        let print: String = print.as_ref().iter().map(|byte| format!("{byte:02x}")).collect();
        self.thumbprints.contains(&print)
    }

    /// A pinned certificate of the chain stands for an authority.
    fn by_thumbprint(
        &self,
        end: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if self.is_pinned(end) {
            // The server's own: nothing is left to be vouched for but its name.
            rustls::client::verify_server_name(&ParsedCertificate::try_from(end)?, name)?;
            return Ok(ServerCertVerified::assertion());
        }
        let pinned = chain.iter().find(|certificate| self.is_pinned(certificate));
        let unknown = rustls::Error::InvalidCertificate(rustls::CertificateError::UnknownIssuer);
        let pinned = pinned.ok_or(unknown)?;
        let mut roots = RootCertStore::empty();
        roots.add(pinned.clone().into_owned())?;
        let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), self.provider.clone())
            .build()
            .map_err(|error| rustls::Error::General(error.to_string()))?;
        verifier.verify_server_cert(end, chain, name, &[], now)
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        end: &CertificateDer<'_>,
        chain: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if let Some(authorities) = &self.authorities
            && let Ok(verified) = authorities.verify_server_cert(end, chain, name, ocsp, now)
        {
            return Ok(verified);
        }
        self.by_thumbprint(end, chain, name, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls12_signature(message, certificate, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        rustls::crypto::verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_in_the_clear() {
        for good in
            ["http://localhost:8080/x", "http://127.0.0.1/x", "http://[::1]:80/x", "https://example.com/a?b"]
        {
            assert!(Url::parse(good).is_some(), "{good}");
        }
        for bad in [
            "http://example.com/",
            "http://169.254.169.254/latest/meta-data",
            "http://localhost.evil.example/",
            "http://localhost@evil.example/",
            "https://u:p@example.com/",
            "file:///etc/passwd",
            "ftp://localhost/",
            "/x",
            "",
        ] {
            assert!(Url::parse(bad).is_none(), "{bad}");
        }
    }
}
