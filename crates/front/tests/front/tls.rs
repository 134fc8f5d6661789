use std::sync::Arc;

use haneul_front::serve::tls;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio_rustls::TlsConnector;

use crate::socket::Served;

async fn ask(served: &Served, roots: RootCertStore, name: &str) -> std::io::Result<String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from(name.to_owned()).unwrap();
    let mut socket = TlsConnector::from(Arc::new(config)).connect(name, served.connect().await).await?;
    socket.write_all(b"GET /_haneul/health HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await?;
    let mut answer = Vec::new();
    // A server may close without close_notify.
    let _ = socket.read_to_end(&mut answer).await;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

#[tokio::test]
async fn tls_and_plain_http_on_one_port() {
    let dir = tempfile::tempdir().unwrap();
    let names = vec!["cloud.example.com:4566".to_owned(), "192.0.2.1".to_owned()];
    let ca = || CertificateDer::from_pem_file(dir.path().join("ca.pem")).unwrap();
    let first = {
        tls::own_authority(dir.path(), &names).unwrap();
        ca()
    };
    // The second start keeps the authority.
    let config = tls::own_authority(dir.path(), &names).unwrap();
    assert_eq!(first, ca());
    let served = Served::start(|settings| settings.tls = Some(config)).await;
    let mut roots = RootCertStore::empty();
    roots.add(ca()).unwrap();
    for name in [
        "localhost",
        "127.0.0.1",
        "::1",
        "bucket.s3.localhost",
        "cloud.example.com",
        "b.s3.cloud.example.com",
        "192.0.2.1",
    ] {
        let answer = ask(&served, roots.clone(), name).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{name}: {answer}");
    }
    assert!(ask(&served, roots, "elsewhere.example.com").await.is_err());
    assert!(ask(&served, RootCertStore::empty(), "localhost").await.is_err());
    assert!(served.is_well().await, "plain");
    let mode = std::os::unix::fs::PermissionsExt::mode(
        &std::fs::metadata(dir.path().join("ca-key.pem")).unwrap().permissions(),
    );
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn files_of_the_operators_own() {
    let dir = tempfile::tempdir().unwrap();
    tls::own_authority(dir.path(), &[]).unwrap();
    let (ca, key) = (dir.path().join("ca.pem"), dir.path().join("ca-key.pem"));
    assert!(tls::from_files(&ca, &key).is_ok());
    assert!(tls::from_files(&key, &ca).is_err());
    assert!(tls::from_files(&dir.path().join("absent"), &key).is_err());
}
