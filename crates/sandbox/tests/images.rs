//! Archives and OCI layouts, honest and hostile.

use std::io::Write;
use std::path::Path;

use haneul_sandbox::image;
use sha2::{Digest, Sha256};

enum Entry<'a> {
    File(&'a str, &'a str),
    Link(&'a str, &'a str),
    Hard(&'a str, &'a str),
}

fn archive(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for entry in entries {
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o644);
        // Names as they are: the crate's own setters refuse what leads outside.
        let mut name = |path: &str| {
            let field = &mut header.as_old_mut().name;
            field[..path.len()].copy_from_slice(path.as_bytes());
        };
        match entry {
            Entry::File(path, text) => {
                name(path);
                header.set_size(text.len() as u64);
                header.set_cksum();
                builder.append(&header, text.as_bytes()).unwrap();
            }
            Entry::Link(path, to) | Entry::Hard(path, to) => {
                name(path);
                let hard = matches!(entry, Entry::Hard(..));
                header.set_entry_type(if hard { tar::EntryType::Link } else { tar::EntryType::Symlink });
                header.as_old_mut().linkname[..to.len()].copy_from_slice(to.as_bytes());
                header.set_size(0);
                header.set_cksum();
                builder.append(&header, std::io::empty()).unwrap();
            }
        }
    }
    builder.into_inner().unwrap()
}

fn unpack(entries: &[Entry<'_>], store: &Path) -> std::io::Result<std::path::PathBuf> {
    let file = store.join("archive.tar");
    std::fs::write(&file, archive(entries)).unwrap();
    image::tar(&file, store)
}

#[test]
fn an_archive_is_unpacked_once() {
    let store = tempfile::tempdir().unwrap();
    let entries = [Entry::File("bin/app", "x"), Entry::Link("bin/link", "app")];
    let folder = unpack(&entries, store.path()).unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("bin/link")).unwrap(), "x");
    std::fs::write(folder.join("mark"), "kept").unwrap();
    assert_eq!(unpack(&entries, store.path()).unwrap(), folder);
    assert!(folder.join("mark").exists());
}

#[test]
fn nothing_leads_outside() {
    let outside = tempfile::tempdir().unwrap();
    let there = outside.path().to_str().unwrap();
    for entries in [
        vec![Entry::File("../escaped", "x")],
        vec![Entry::File("a/../../escaped", "x")],
        vec![Entry::Link("way", there), Entry::File("way/escaped", "x")],
        vec![Entry::Link("way", there), Entry::File("way/.wh.victim", "")],
        vec![Entry::Hard("hard", "/etc/hostname"), Entry::File("hard", "overwritten")],
    ] {
        let store = tempfile::tempdir().unwrap();
        let unpacked = unpack(&entries, store.path());
        assert!(std::fs::read_dir(outside.path()).unwrap().next().is_none(), "something was written outside");
        assert!(!store.path().join("escaped").exists() && !store.path().join("layers/escaped").exists());
        if let Ok(folder) = unpacked {
            // Refused or made harmless: an absolute name is one within the image.
            assert!(
                !folder.join("hard").exists()
                    || std::fs::read_to_string("/etc/hostname").unwrap() != "overwritten"
            );
        }
    }
}

/// A layout with one image of `layers`, as `oci-layout` tools write it.
fn layout(folder: &Path, layers: &[Vec<u8>]) {
    let blobs = folder.join("blobs/sha256");
    std::fs::create_dir_all(&blobs).unwrap();
    let put = |bytes: &[u8], media: &str| {
        let digest = hex::encode(Sha256::digest(bytes));
        std::fs::write(blobs.join(&digest), bytes).unwrap();
        serde_json::json!({ "mediaType": media, "digest": format!("sha256:{digest}"), "size": bytes.len() })
    };
    let layers: Vec<_> = layers
        .iter()
        .map(|layer| {
            let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            gzip.write_all(layer).unwrap();
            put(&gzip.finish().unwrap(), "application/vnd.oci.image.layer.v1.tar+gzip")
        })
        .collect();
    let config =
        serde_json::json!({ "config": { "Entrypoint": ["/app"], "Env": ["A=b"], "WorkingDir": "/w" } });
    let config = put(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
    let manifest = serde_json::json!({ "schemaVersion": 2, "config": config, "layers": layers });
    let manifest = put(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [manifest] });
    std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

#[test]
fn an_oci_layout_is_read_and_its_blobs_are_checked() {
    let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let first = archive(&[Entry::File("app", "one"), Entry::File("old", "x")]);
    let second = archive(&[Entry::File("app", "two")]);
    layout(folder.path(), &[first, second]);
    let image = image::oci_layout(folder.path(), None, store.path()).unwrap();
    assert_eq!(
        (image.entrypoint, image.environment, image.working_directory),
        (vec!["/app".into()], vec!["A=b".into()], "/w".into())
    );
    let texts: Vec<_> =
        image.layers.iter().map(|layer| std::fs::read_to_string(layer.join("app")).unwrap()).collect();
    assert_eq!(texts, ["one", "two"]);
    assert!(image::oci_layout(folder.path(), Some("other"), store.path()).is_err());
    // One bit of one blob.
    let blob =
        std::fs::read_dir(folder.path().join("blobs/sha256")).unwrap().flatten().next().unwrap().path();
    let mut bytes = std::fs::read(&blob).unwrap();
    bytes[0] ^= 1;
    std::fs::write(&blob, bytes).unwrap();
    let error = image::oci_layout(folder.path(), None, store.path()).unwrap_err();
    assert!(error.to_string().contains("digest"), "{error}");
}
