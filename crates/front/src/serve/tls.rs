use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;

use haneul_env::Clock;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use time::{Duration, OffsetDateTime};

use crate::route::host::name_of;

/// Names in every certificate of ours beside the configured ones. Wildcards reach one label, so the hosts of buckets
/// have their own.
const NAMES: &[&str] = &[
    "localhost",
    "*.localhost",
    "*.s3.localhost",
    "localhost.localstack.cloud",
    "*.localhost.localstack.cloud",
    "*.s3.localhost.localstack.cloud",
    "127.0.0.1",
    "::1",
];

/// How long a server's certificate lasts; a new one is made at every start. Apple's clients take no more than 825 days.
const SERVER_DAYS: i64 = 397;
const CA_DAYS: i64 = 3650;

/// TLS with a certificate of our own authority, whose certificate is `dir/ca.pem`: clients are told to trust that
/// (`AWS_CA_BUNDLE`). The authority is made at the first start and kept.
///
/// # Errors
/// When files cannot be read or written, or are not what we wrote.
pub fn own_authority(dir: &Path, names: &[String]) -> io::Result<Arc<ServerConfig>> {
    fs::create_dir_all(dir)?;
    let (ca_path, key_path) = (dir.join("ca.pem"), dir.join("ca-key.pem"));
    // The certificate is written last: where it is, its key is.
    let ca_key = if ca_path.exists() {
        KeyPair::from_pem(&fs::read_to_string(&key_path)?).map_err(io::Error::other)?
    } else {
        let key = KeyPair::generate().map_err(io::Error::other)?;
        write_secret(&key_path, &key.serialize_pem())?;
        let certificate = ca_params().self_signed(&key).map_err(io::Error::other)?;
        write_whole(&ca_path, &certificate.pem())?;
        key
    };
    let issuer = Issuer::new(ca_params(), ca_key);
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = server_params(names)?.signed_by(&key, &issuer).map_err(io::Error::other)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
    config(vec![certificate.der().clone()], key)
}

/// TLS with a certificate chain and key that the operator has, both in PEM.
///
/// # Errors
/// When a file cannot be read, holds nothing of its kind, or the two do not belong together.
pub fn from_files(chain: &Path, key: &Path) -> io::Result<Arc<ServerConfig>> {
    let chain: Result<Vec<_>, _> = CertificateDer::pem_file_iter(chain).map_err(io::Error::other)?.collect();
    let key = PrivateKeyDer::from_pem_file(key).map_err(io::Error::other)?;
    config(chain.map_err(io::Error::other)?, key)
}

fn config(chain: Vec<CertificateDer<'static>>, key: PrivateKeyDer<'static>) -> io::Result<Arc<ServerConfig>> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(io::Error::other)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Arc::new(config))
}

/// Always the same but for the dates, so that the issuer can be made anew from the key alone.
fn ca_params() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Haneul local certificate authority");
    params.distinguished_name.push(DnType::OrganizationName, "Haneul");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages =
        vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign, KeyUsagePurpose::DigitalSignature];
    (params.not_before, params.not_after) = validity(CA_DAYS);
    params
}

fn server_params(names: &[String]) -> io::Result<CertificateParams> {
    let mut all: Vec<String> = NAMES.iter().map(|name| (*name).to_owned()).collect();
    for name in names.iter().map(|name| name_of(name)) {
        let is_address = name.parse::<std::net::IpAddr>().is_ok();
        let wildcards = [format!("*.{name}"), format!("*.s3.{name}")];
        let wanted = std::iter::once(name.to_owned()).chain(wildcards.into_iter().filter(|_| !is_address));
        for name in wanted {
            if !all.contains(&name) {
                all.push(name);
            }
        }
    }
    let mut params = CertificateParams::new(all).map_err(io::Error::other)?;
    params.distinguished_name.push(DnType::CommonName, "localhost");
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (params.not_before, params.not_after) = validity(SERVER_DAYS);
    Ok(params)
}

/// From yesterday, because clocks differ. By the host's clock, as clients go by theirs.
fn validity(days: i64) -> (OffsetDateTime, OffsetDateTime) {
    let now =
        OffsetDateTime::from_unix_timestamp(Clock::real().now().secs()).unwrap_or(OffsetDateTime::UNIX_EPOCH);
    (now - Duration::days(1), now + Duration::days(days))
}

/// A private key, readable by its owner alone.
fn write_secret(path: &Path, text: &str) -> io::Result<()> {
    let mut file = fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let beside = path.with_extension("new");
    let mut file = fs::File::create(&beside)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside, path)
}
