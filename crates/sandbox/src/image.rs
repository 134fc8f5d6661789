//! Root file systems to run programs over: a directory as it is, a tar file, or an OCI image layout (image-spec v1),
//! unpacked once under our own folder by the digest of what they came from.
//!
//! Every archive is hostile: an entry that leads outside is refused, devices are left out, and sizes have limits.

use std::fs;
use std::io::{self, Read};
use std::path::{Component, Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

/// What all files of one image may take, unpacked.
pub const BYTES_MAX: u64 = 16 << 30;
pub const ENTRIES_MAX: u64 = 1_000_000;

/// An image that can be run.
#[derive(Clone, Debug)]
pub struct Image {
    /// The unpacked layers, the lowest first: [`crate::Mount::Layers`] or, when it is one, [`crate::Root::Directory`].
    pub layers: Vec<PathBuf>,
    /// Of the image's configuration.
    pub entrypoint: Vec<String>,
    pub command: Vec<String>,
    pub environment: Vec<String>,
    pub working_directory: String,
}

/// A tar file, gzipped or not, unpacked under `store`.
///
/// # Errors
/// When it cannot be read or leads outside.
pub fn tar(file: &Path, store: &Path) -> io::Result<PathBuf> {
    let digest = digest_of(file)?;
    layer(file, &digest, store)
}

/// The image `reference` of the OCI layout in `folder`; its only one without.
///
/// # Errors
/// When the layout is not one, a blob has another digest than its name, or an archive leads outside.
pub fn oci_layout(folder: &Path, reference: Option<&str>, store: &Path) -> io::Result<Image> {
    let index = json(&folder.join("index.json"))?;
    let manifests = index["manifests"].as_array().map(Vec::as_slice).unwrap_or_default();
    let named = |manifest: &&Value| {
        let name = &manifest["annotations"]["org.opencontainers.image.ref.name"];
        reference.is_none_or(|wanted| name.as_str() == Some(wanted))
    };
    let manifest = match (manifests.iter().filter(named).collect::<Vec<_>>().as_slice(), reference) {
        ([only], _) => blob(folder, only)?,
        ([], _) => return Err(invalid("there is no such image in the layout")),
        _ => return Err(invalid("the layout has several images; name one")),
    };
    let manifest = json(&manifest)?;
    let config = json(&blob(folder, &manifest["config"])?)?;
    let mut layers = Vec::new();
    for descriptor in manifest["layers"].as_array().into_iter().flatten() {
        let media = descriptor["mediaType"].as_str().unwrap_or_default();
        if media.ends_with("zstd") {
            return Err(invalid("layers compressed by zstd are not unpacked; push them with gzip"));
        }
        let file = blob(folder, descriptor)?;
        let digest = descriptor["digest"].as_str().unwrap_or_default().trim_start_matches("sha256:");
        layers.push(layer(&file, digest, store)?);
    }
    let words = |value: &Value| -> Vec<String> {
        value.as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    };
    let config = &config["config"];
    Ok(Image {
        layers,
        entrypoint: words(&config["Entrypoint"]),
        command: words(&config["Cmd"]),
        environment: words(&config["Env"]),
        working_directory: config["WorkingDir"].as_str().unwrap_or("/").to_owned(),
    })
}

/// The path of a descriptor's blob, whose digest is checked.
fn blob(folder: &Path, descriptor: &Value) -> io::Result<PathBuf> {
    let digest = descriptor["digest"].as_str().unwrap_or_default();
    let hex = digest.strip_prefix("sha256:").filter(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    });
    let hex = hex.ok_or_else(|| invalid("a digest is not of SHA-256"))?;
    let path = folder.join("blobs/sha256").join(hex);
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
    fs::File::open(file)?.take(4 << 20).read_to_end(&mut text)?;
    serde_json::from_slice(&text).map_err(|error| invalid(&format!("{}: {error}", file.display())))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
