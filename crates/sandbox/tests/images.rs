//! Archives and OCI layouts, honest and hostile.

mod trial;

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use haneul_sandbox::image::{self, Image, Reference};
use haneul_sandbox::{Mount, Root};
use sha2::{Digest, Sha256};

enum Entry<'a> {
    File(&'a str, &'a str),
    Link(&'a str, &'a str),
    Hard(&'a str, &'a str),
    /// With these permissions.
    Program(&'a str, &'a [u8], u32),
    Device(&'a str),
    /// Says that it is so long, and is not.
    Huge(&'a str, u64),
    /// What follows has a GNU name so long.
    Named(usize),
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
            Entry::Program(path, bytes, mode) => {
                name(path);
                header.set_mode(*mode);
                header.set_size(bytes.len() as u64);
                header.set_cksum();
                builder.append(&header, *bytes).unwrap();
            }
            Entry::Device(path) => {
                name(path);
                header.set_entry_type(tar::EntryType::Char);
                header.set_device_major(1).unwrap();
                header.set_device_minor(1).unwrap();
                header.set_size(0);
                header.set_cksum();
                builder.append(&header, std::io::empty()).unwrap();
            }
            Entry::Huge(path, size) => {
                name(path);
                header.set_size(*size);
                header.set_cksum();
                builder.append(&header, std::io::empty()).unwrap();
            }
            Entry::Named(length) => {
                name("././@LongLink");
                header.set_entry_type(tar::EntryType::GNULongName);
                header.set_size(*length as u64);
                header.set_cksum();
                builder.append(&header, "n".repeat(*length).as_bytes()).unwrap();
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

#[test]
fn devices_rights_of_owners_and_sizes() {
    let store = tempfile::tempdir().unwrap();
    let entries = [Entry::Device("memory"), Entry::Program("su", b"x", 0o6755), Entry::File("after", "x")];
    let folder = unpack(&entries, store.path()).unwrap();
    assert!(!folder.join("memory").exists() && folder.join("after").exists());
    let mode = std::fs::metadata(folder.join("su")).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o755, "{mode:o}");
    let huge = unpack(&[Entry::Huge("huge", image::BYTES_MAX + 1)], store.path()).unwrap_err();
    assert!(huge.to_string().contains("too large"), "{huge}");
    let names: Vec<_> = std::fs::read_dir(store.path().join("layers")).unwrap().flatten().collect();
    assert_eq!(names.len(), 1, "what was refused is taken away: {names:?}");
}

#[test]
fn several_that_prepare_the_same_layer_at_once_unpack_it_once() {
    let store = tempfile::tempdir().unwrap();
    let names: Vec<String> = (0..200).map(|number| format!("dir/{number}")).collect();
    let entries: Vec<Entry<'_>> = names.iter().map(|name| Entry::File(name, "x")).collect();
    let file = store.path().join("archive.tar");
    std::fs::write(&file, archive(&entries)).unwrap();
    std::thread::scope(|scope| {
        let all: Vec<_> = (0..8).map(|_| scope.spawn(|| image::tar(&file, store.path()).unwrap())).collect();
        for folder in all {
            assert_eq!(std::fs::read_dir(folder.join().unwrap().join("dir")).unwrap().count(), names.len());
        }
    });
    assert_eq!(std::fs::read_dir(store.path().join("layers")).unwrap().count(), 1);
}

#[test]
fn whiteouts_make_no_folder_outside_and_hide_no_file_of_their_layer() {
    let (outside, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let there = outside.path().to_str().unwrap();
    let absolute = format!("{there}/fresh/.wh.x");
    for entries in [
        &[Entry::Link("way", there), Entry::File("way/fresh/.wh.x", "")][..],
        &[Entry::File("file", ""), Entry::File("file/.wh.x", "")],
        &[Entry::File("dir/.wh...", "")],
    ] {
        let error = unpack(entries, store.path()).unwrap_err();
        assert!(error.to_string().contains("leads outside"), "{error}");
    }
    // An absolute name is one within the image.
    unpack(&[Entry::File(&absolute, "")], store.path()).unwrap();
    assert!(std::fs::read_dir(outside.path()).unwrap().next().is_none());
    let both = [Entry::File("dir/app", "new"), Entry::File("dir/.wh.app", "")];
    let folder = unpack(&both, store.path()).unwrap();
    assert_eq!(std::fs::read_to_string(folder.join("dir/app")).unwrap(), "new");
}

#[test]
fn long_names_have_a_limit_and_broken_archives_name_no_path_of_ours() {
    let store = tempfile::tempdir().unwrap();
    let folder = unpack(&[Entry::Named(200), Entry::File("short", "x")], store.path()).unwrap();
    assert!(folder.join("n".repeat(200)).exists());
    for entries in [
        &[Entry::Named(2 << 20), Entry::File("short", "x")][..],
        // Longer than a file system takes.
        &[Entry::Named(300), Entry::File("short", "x")],
        &[Entry::Hard("hard", "missing")],
        &[Entry::File("file", ""), Entry::File("file/below", "")],
    ] {
        let error = unpack(entries, store.path()).unwrap_err();
        assert_eq!(error.kind(), std::io::ErrorKind::InvalidData, "{error}");
        assert!(!error.to_string().contains(store.path().to_str().unwrap()), "{error}");
    }
    // What is left out is not counted as names.
    let skipped = [Entry::Program("dir/", &vec![0; 2 << 20], 0o755), Entry::File("after", "x")];
    assert!(unpack(&skipped, store.path()).unwrap().join("after").exists());
}

/// Writes a layout with one image of `layers`, named `latest`, as `oci-layout` tools do. With its own index in between
/// when `nested`.
fn layout(folder: &Path, layers: &[Vec<u8>], config: &serde_json::Value, nested: bool) {
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
    let config = serde_json::json!({ "architecture": "amd64", "os": "linux", "config": config });
    let config = put(config.to_string().as_bytes(), "application/vnd.oci.image.config.v1+json");
    let manifest = serde_json::json!({ "schemaVersion": 2, "config": config, "layers": layers });
    let mut top = put(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
    if nested {
        let mut ours = top;
        let mut other = ours.clone();
        other["platform"] = serde_json::json!({ "os": "linux", "architecture": "riscv64" });
        let own = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        ours["platform"] = serde_json::json!({ "os": "linux", "architecture": own });
        let index = serde_json::json!({ "schemaVersion": 2, "manifests": [other, ours] });
        top = put(index.to_string().as_bytes(), "application/vnd.oci.image.index.v1+json");
    }
    top["annotations"] = serde_json::json!({ "org.opencontainers.image.ref.name": "latest" });
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [top] });
    std::fs::write(folder.join("index.json"), index.to_string()).unwrap();
}

fn config() -> serde_json::Value {
    serde_json::json!({ "Entrypoint": ["/app"], "Cmd": ["a"], "Env": ["A=b"], "WorkingDir": "/w" })
}

#[test]
fn an_oci_layout_is_read_and_its_blobs_are_checked() {
    for nested in [false, true] {
        let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let first = archive(&[Entry::File("app", "one"), Entry::File("old", "x")]);
        let second = archive(&[Entry::File("app", "two")]);
        layout(folder.path(), &[first, second], &config(), nested);
        let image = image::oci_layout(folder.path(), Reference::Name("latest")).unwrap();
        let Image { digest, entrypoint, command, environment, working_directory, .. } = &image;
        assert_eq!(
            (entrypoint.concat(), command.concat(), environment.concat(), working_directory.as_str()),
            ("/app".into(), "a".into(), "A=b".into(), "/w")
        );
        // By its digest too, which is the manifest's.
        assert_eq!(image::oci_layout(folder.path(), Reference::Digest(digest)).unwrap(), image);
        let layers = image.unpack(folder.path(), store.path()).unwrap();
        let texts: Vec<_> =
            layers[1..].iter().map(|layer| std::fs::read_to_string(layer.join("app")).unwrap()).collect();
        assert_eq!(texts, ["one", "two"]);
        let missing = image::oci_layout(folder.path(), Reference::Name("other")).unwrap_err();
        assert_eq!(missing.kind(), std::io::ErrorKind::NotFound);
        // A path is no digest, whatever it leads to.
        let path = format!("sha256:{}", "../".repeat(21) + "x");
        assert!(image::oci_layout(folder.path(), Reference::Digest(&path)).is_err());
        // One bit of one blob.
        let blob = folder.path().join("blobs/sha256").join(digest.trim_start_matches("sha256:"));
        let mut bytes = std::fs::read(&blob).unwrap();
        bytes[0] ^= 1;
        std::fs::write(&blob, bytes).unwrap();
        let error = image::oci_layout(folder.path(), Reference::Only).unwrap_err();
        assert!(error.to_string().contains("digest"), "{error}");
    }
}

#[test]
fn a_layer_that_comes_twice_is_mounted_once() {
    let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let [empty, app] = [archive(&[]), archive(&[Entry::File("app", "x")])];
    layout(folder.path(), &[empty.clone(), app, empty], &config(), false);
    let image = image::oci_layout(folder.path(), Reference::Only).unwrap();
    // The second time they are there already.
    for _ in 0..2 {
        let layers = image.unpack(folder.path(), store.path()).unwrap();
        assert_eq!(layers.len(), 3);
        assert!(layers[1].join("app").exists() && !layers[2].join("app").exists());
    }
}

#[test]
fn an_image_with_links_where_we_mount_is_refused() {
    let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    layout(folder.path(), &[archive(&[Entry::Link("proc", "/etc")])], &config(), false);
    let image = image::oci_layout(folder.path(), Reference::Only).unwrap();
    let error = image.unpack(folder.path(), store.path()).unwrap_err();
    assert!(error.to_string().contains("/proc of the image is not a folder"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_runs_with_its_whiteouts_and_without_a_shell() {
    if trial::sandbox().is_none() || !trial::is_root() {
        println!("skipped: only root can mount layers");
        return;
    }
    // The one program that needs nothing else: our own step, which has an exit of its own without arguments.
    let (folder, store) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    trial::readable(store.path());
    let python =
        archive(&[Entry::File("dir/gone", "1"), Entry::File("dir/kept", "1"), Entry::File("wiped/old", "1")]);
    let second = archive(&[
        Entry::File("dir/.wh.gone", ""),
        Entry::File("wiped/.wh..wh..opq", ""),
        Entry::File("wiped/new", "2"),
        Entry::Link("leak", "/etc/shadow"),
    ]);
    layout(folder.path(), &[python, second], &config(), false);
    let image = image::oci_layout(folder.path(), Reference::Only).unwrap();
    let layers = image.unpack(folder.path(), store.path()).unwrap();
    // With a shell: the host's, mounted into the image's root.
    let script = "cd /; ls dir wiped; cat leak; touch /x /dir/x 2> /dev/null && echo WROTE; cat /etc/hosts | head -c 9";
    let mut trial = trial::Trial::new(&["/usr/bin/sh", "-c", script]);
    let mut usr = layers.clone();
    let mounted = store.path().join("mounted");
    for name in ["usr", "lib64", "lib", "bin"] {
        std::fs::create_dir_all(mounted.join(name)).unwrap();
    }
    std::fs::remove_dir(mounted.join("bin")).unwrap();
    std::os::unix::fs::symlink("usr/bin", mounted.join("bin")).unwrap();
    usr.push(mounted);
    trial.program.root = Root::Layers(usr);
    for name in ["/usr", "/lib64", "/lib"] {
        if Path::new(name).exists() {
            let source = std::fs::canonicalize(name).unwrap();
            trial.program.mounts.push(Mount::ReadOnly { source, target: name.into() });
        }
    }
    let seen = trial.run().await.unwrap();
    assert_eq!(seen.out(), "dir:\nkept\n\nwiped:\nnew\n127.0.0.1", "{}", seen.err());
    // The control: without the second layer what it hides is there.
    assert!(layers[1].join("dir/gone").exists() && layers[1].join("wiped/old").exists());
}
