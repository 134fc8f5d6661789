//! Root file systems to run programs over: a directory as it is, a tar file, or an OCI image layout (image-spec v1),
//! unpacked once under our own folder by the digest of what they came from.
//!
//! Every archive is hostile: an entry that leads outside is refused, devices are left out, set-user-id bits are taken
//! away, and sizes have limits. What is mounted over an image must be a folder in it, or bubblewrap would follow a link
//! of the image's.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What all files of one layer may take, unpacked.
pub const BYTES_MAX: u64 = 16 << 30;
pub const ENTRIES_MAX: u64 = 1_000_000;
/// Of an image (Docker's own limit).
pub const LAYERS_MAX: usize = 127;
/// Of an index, a manifest, a configuration.
const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// Indexes within indexes.
const DEPTH_MAX: usize = 3;

/// An image as its documents say it; nothing of it is unpacked yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Of the manifest: `sha256:` and 64 hexadecimal digits.
    pub digest: String,
    /// `amd64`, `arm64`.
    pub architecture: String,
    /// Of all layers as they lie in the layout.
    pub bytes: u64,
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    /// `NAME=value`.
    pub environment: Vec<String>,
    pub working_directory: String,
    /// The lowest first.
    layers: Vec<Value>,
}

/// Which image of a layout.
#[derive(Clone, Copy, Debug)]
pub enum Reference<'a> {
    /// Its only one.
    Only,
    /// By `org.opencontainers.image.ref.name`.
    Name(&'a str),
    /// By the digest of its manifest.
    Digest(&'a str),
}

/// A tar file, gzipped or not, unpacked under `store`.
///
/// # Errors
/// When it cannot be read or leads outside.
pub fn tar(file: &Path, store: &Path) -> io::Result<PathBuf> {
    let digest = digest_of(file)?;
    layer(file, &digest, store)
}

/// The image of the OCI layout in `folder`; of several platforms the host's own.
///
/// # Errors
/// `NotFound` when there is no such layout or image; `InvalidData` when the layout is not one, or a document has another
/// digest than its name.
pub fn oci_layout(folder: &Path, reference: Reference<'_>) -> io::Result<Image> {
    let index = json(&folder.join("index.json"))?;
    let manifests = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wanted = |manifest: &&Value| match reference {
        Reference::Only => true,
        Reference::Name(name) => manifest["annotations"]["org.opencontainers.image.ref.name"] == name,
        Reference::Digest(digest) => manifest["digest"] == digest,
    };
    let missing = || io::Error::new(io::ErrorKind::NotFound, "there is no such image in the layout");
    let descriptor = match (manifests.iter().filter(wanted).collect::<Vec<_>>().as_slice(), reference) {
        ([one], _) => (*one).clone(),
        // A manifest below an index is not named by the layout.
        ([], Reference::Digest(digest)) => Value::from_iter([("digest", digest)]),
        ([], _) => return Err(missing()),
        _ => return Err(invalid("the layout has several images of this name")),
    };
    let (manifest, digest) = manifest(folder, descriptor)?;
    let config = document(folder, &manifest["config"])?;
    let layers = manifest["layers"].as_array().cloned().unwrap_or_default();
    if layers.len() > LAYERS_MAX {
        return Err(invalid("the image has too many layers"));
    }
    let words = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let text = |value: &Value, otherwise: &str| match value.as_str() {
        Some(text) if !text.is_empty() => text.to_owned(),
        _ => otherwise.to_owned(),
    };
    Ok(Image {
        digest,
        architecture: text(&config["architecture"], "amd64"),
        bytes: layers.iter().filter_map(|layer| layer["size"].as_u64()).sum(),
        entrypoint: words(&config["config"]["Entrypoint"]),
        command: words(&config["config"]["Cmd"]),
        environment: words(&config["config"]["Env"]),
        working_directory: text(&config["config"]["WorkingDir"], "/"),
        layers,
    })
}

impl Image {
    /// Unpacks what is not unpacked yet of the layers, under `store`. For [`crate::Root::Layers`], the lowest first: one
    /// of ours below all, with the folders that are mounted over.
    ///
    /// # Errors
    /// When a blob has another digest than its name, an archive leads outside, or the image has links where something
    /// is to be mounted.
    pub fn unpack(&self, folder: &Path, store: &Path) -> io::Result<Vec<PathBuf>> {
        let mut layers = vec![base(store)?];
        for descriptor in &self.layers {
            let media = descriptor["mediaType"].as_str().unwrap_or_default();
            if media.ends_with("zstd") {
                return Err(invalid("layers compressed by zstd are not unpacked; build the image with gzip"));
            }
            let digest = hex_of(descriptor)?;
            let there = store.join("layers").join(&digest);
            if !there.is_dir() {
                layer(&blob(folder, descriptor)?, &digest, store)?;
            }
            layers.push(there);
        }
        for point in MOUNTED_OVER {
            // The uppermost layer that has it is the one that is seen.
            let seen = layers.iter().rev().find_map(|layer| fs::symlink_metadata(layer.join(point)).ok());
            if !seen.is_some_and(|seen| seen.is_dir()) {
                return Err(invalid(&format!("/{point} of the image is not a folder")));
            }
        }
        Ok(layers)
    }
}

/// Where something is mounted over every image.
const MOUNTED_OVER: &[&str] = &["proc", "dev", "tmp"];

/// The lowest layer of every image: an image may have nothing but one program in it.
fn base(store: &Path) -> io::Result<PathBuf> {
    let folder = store.join("base");
    for name in MOUNTED_OVER.iter().chain(&["etc", "opt", "var/task"]) {
        fs::create_dir_all(folder.join(name))?;
    }
    for (name, text) in [
        ("hosts", crate::namespaces::etc::HOSTS),
        ("resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n"),
    ] {
        let file = folder.join("etc").join(name);
        if fs::read_to_string(&file).is_ok_and(|there| there == text) {
            continue;
        }
        let fresh = folder.join("etc").join(format!(".{name}.{}", std::process::id()));
        fs::write(&fresh, text)?;
        fs::rename(&fresh, &file)?;
    }
    Ok(folder)
}

/// Follows indexes to the manifest for this host's processor.
fn manifest(folder: &Path, mut descriptor: Value) -> io::Result<(Value, String)> {
    let processor = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
    for _ in 0..DEPTH_MAX {
        let found = document(folder, &descriptor)?;
        let Some(manifests) = found["manifests"].as_array() else {
            let digest = descriptor["digest"].as_str().unwrap_or_default().to_owned();
            return Ok((found, digest));
        };
        let ours = |one: &&Value| {
            let platform = &one["platform"];
            platform.is_null() || (platform["architecture"] == processor && platform["os"] == "linux")
        };
        let found = manifests.iter().find(ours);
        descriptor = found.cloned().ok_or_else(|| invalid(&format!("the image is not for {processor}")))?;
    }
    Err(invalid("the indexes of the image are nested too deeply"))
}

fn document(folder: &Path, descriptor: &Value) -> io::Result<Value> {
    json(&blob(folder, descriptor)?)
}

/// The digits of a descriptor's digest: nothing else can be in the path that they become.
fn hex_of(descriptor: &Value) -> io::Result<String> {
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    let hex = digest.strip_prefix("sha256:").filter(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    hex.map(str::to_owned).ok_or_else(|| invalid("a digest is not of SHA-256"))
}

/// The path of a descriptor's blob, whose digest is checked.
fn blob(folder: &Path, descriptor: &Value) -> io::Result<PathBuf> {
    let hex = hex_of(descriptor)?;
    let path = folder.join("blobs/sha256").join(&hex);
    if digest_of(&path)? != hex {
        return Err(invalid("a blob has another digest than its name says"));
    }
    Ok(path)
}

fn layer(file: &Path, digest: &str, store: &Path) -> io::Result<PathBuf> {
    let target = store.join("layers").join(digest);
    if target.is_dir() {
        return Ok(target);
    }
    let fresh = store.join("layers").join(format!(".{digest}.{}", std::process::id()));
    let _ = fs::remove_dir_all(&fresh);
    fs::create_dir_all(&fresh)?;
    let mut head = [0; 2];
    let gzipped = fs::File::open(file)?.read(&mut head)? == 2 && head == [0x1f, 0x8b];
    let open = io::BufReader::new(fs::File::open(file)?);
    let unpacked = match gzipped {
        true => unpack(flate2::read::MultiGzDecoder::new(open), &fresh),
        false => unpack(open, &fresh),
    };
    if let Err(error) = unpacked {
        let _ = fs::remove_dir_all(&fresh);
        return Err(error);
    }
    // Whole or not at all; somebody else's is as good.
    if fs::rename(&fresh, &target).is_err() {
        let _ = fs::remove_dir_all(&fresh);
    }
    Ok(target)
}

fn unpack(archive: impl Read, target: &Path) -> io::Result<()> {
    let mut archive = tar::Archive::new(archive.take(BYTES_MAX));
    archive.set_preserve_permissions(true);
    archive.set_preserve_ownerships(false);
    // Nothing that we unpack may run with the rights of its owner, who is us.
    archive.set_mask(0o6000);
    let (mut entries, mut bytes) = (0u64, 0u64);
    for entry in archive.entries()? {
        let mut entry = entry?;
        entries += 1;
        bytes = bytes.saturating_add(entry.size());
        if entries > ENTRIES_MAX || bytes > BYTES_MAX {
            return Err(invalid("the image is too large"));
        }
        let kind = entry.header().entry_type();
        if kind.is_block_special() || kind.is_character_special() || kind.is_fifo() {
            continue;
        }
        let path = entry.path()?.into_owned();
        if path.components().any(|part| matches!(part, Component::ParentDir)) {
            return Err(invalid("an archive leads outside"));
        }
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(hidden) = name.strip_prefix(".wh.") {
            let folder = target.join(path.parent().unwrap_or(Path::new("")));
            fs::create_dir_all(&folder)?;
            // A link that the archive made earlier must not lead us out.
            if !folder.canonicalize()?.starts_with(target.canonicalize()?) || hidden.is_empty() {
                return Err(invalid("an archive leads outside"));
            }
            whiteout(&folder, hidden)?;
            continue;
        }
        // Follows no link out of the target.
        if !entry.unpack_in(target)? {
            return Err(invalid("an archive leads outside"));
        }
    }
    Ok(())
}

/// Says to overlayfs what an OCI layer says with `.wh.` names (image-spec, Whiteouts).
fn whiteout(folder: &Path, hidden: &str) -> io::Result<()> {
    use rustix::fs::{FileType, Mode, XattrFlags, makedev, mknodat, setxattr};
    if hidden == ".wh..opq" {
        setxattr(folder, "trusted.overlay.opaque", b"y", XattrFlags::empty())?;
        return Ok(());
    }
    let path = folder.join(hidden);
    mknodat(rustix::fs::CWD, &path, FileType::CharacterDevice, Mode::empty(), makedev(0, 0))?;
    Ok(())
}

fn digest_of(file: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut fs::File::open(file)?, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}

fn json(file: &Path) -> io::Result<Value> {
    let mut text = Vec::new();
    fs::File::open(file)?.take(DOCUMENT_BYTES_MAX).read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(|error| invalid(&format!("{}: {error}", file.display())))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
