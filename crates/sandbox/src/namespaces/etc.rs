//! The `/etc` that programs see: enough for a C library, name lookups on the loopback interface and TLS, and nothing of
//! the host's own users, names or secrets.

use std::path::{Path, PathBuf};

/// The names of the loopback interface.
pub(crate) const HOSTS: &str =
    "127.0.0.1 localhost localhost.localdomain sandbox.localdomain sandbox io-001.127.0.0.1\n::1 localhost\n";

/// What is written by us, under `etc` of the state folder.
const FILES: &[(&str, &str)] = &[
    (
        "passwd",
        "root:x:0:0:root:/root:/sbin/nologin\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n\
         sbx_user1051:x:993:990::/home/sbx_user1051:/sbin/nologin\n",
    ),
    ("group", "root:x:0:\nnobody:x:65534:\nsbx_user1051:x:990:\n"),
    // As Lambda's environments call themselves too; and where clients of S3 that are given our address send the answers of
    // S3 Object Lambda's functions.
    ("hosts", HOSTS),
    // Nobody answers there, and a lookup fails at once instead of waiting.
    ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"),
    ("nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\nservices: files\nprotocols: files\n"),
    ("machine-id", "00000000000000000000000000000000\n"),
];

/// What interpreters look for there, and what says nothing of the host but its software.
const OF_THE_HOST: &[&str] = &[
    "alternatives",
    "ca-certificates",
    "crypto-policies",
    "java",
    "java-11-openjdk",
    "java-17-openjdk",
    "java-21-openjdk",
    "java-25-openjdk",
    "java-8-openjdk",
    "ld.so.cache",
    "ld.so.conf",
    "ld.so.conf.d",
    "mime.types",
    "pki/ca-trust",
    "pki/tls/certs",
    "protocols",
    "services",
    "ssl/cert.pem",
    "ssl/certs",
    "ssl/openssl.cnf",
];

/// # Errors
/// When the files cannot be written.
pub(super) fn write(state: &Path) -> std::io::Result<PathBuf> {
    let folder = state.join("etc");
    std::fs::create_dir_all(&folder)?;
    for (name, text) in FILES {
        let file = folder.join(name);
        if std::fs::read_to_string(&file).is_ok_and(|there| there == *text) {
            continue;
        }
        // Another process with the same folder must never read half a file.
        let fresh = folder.join(format!(".{name}.{}", std::process::id()));
        std::fs::write(&fresh, text)?;
        std::fs::rename(&fresh, &file)?;
    }
    Ok(folder)
}

/// Sources, and where they are seen.
pub(super) fn mounts(folder: &Path) -> impl Iterator<Item = (PathBuf, PathBuf)> {
    let ours = FILES.iter().map(|(name, _)| (folder.join(name), Path::new("/etc").join(name)));
    let theirs = OF_THE_HOST.iter().map(|name| Path::new("/etc").join(name)).filter(|path| path.exists());
    ours.chain(theirs.map(|path| (path.clone(), path)))
}
