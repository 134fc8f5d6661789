//! Root file systems to run programs over: a directory as it is, a tar file, or an OCI image layout (image-spec v1),
//! unpacked once under our own folder by the digest of what they came from.
//!
//! Every archive is hostile: an entry that leads outside is refused, devices are left out, set-user-id bits are taken
//! away, and sizes have limits. What is mounted over an image must be a folder in it, or bubblewrap would follow a link
//! of the image's.

use std::cell::Cell;
use std::fs;
use std::io::{self, ErrorKind, Read};
use std::path::{Component, Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// What all files of an image may take, unpacked.
pub const BYTES_MAX: u64 = 16 << 30;
pub const ENTRIES_MAX: u64 = 1_000_000;
/// Of an image (Docker's own limit).
pub const LAYERS_MAX: usize = 127;
/// Of an index, a manifest, a configuration.
const DOCUMENT_BYTES_MAX: u64 = 4 << 20;
/// Indexes within indexes.
const DEPTH_MAX: usize = 3;
/// Of one entry's long names and attributes, which the archive's reader keeps in memory.
const HEADERS_BYTES_MAX: u64 = 1 << 20;

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
    let mut room = BYTES_MAX;
    layer(file, &digest, store, &mut room)
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
        bytes: layers.iter().filter_map(|layer| layer["size"].as_u64()).fold(0, u64::saturating_add),
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
        let mut room = BYTES_MAX;
        for (at, descriptor) in self.layers.iter().enumerate() {
            // The same one again, as empty layers are: overlayfs takes a folder once, and the uppermost is what is seen.
            if self.layers[at + 1..].iter().any(|above| above["digest"] == descriptor["digest"]) {
                continue;
            }
            let media = descriptor["mediaType"].as_str().unwrap_or_default();
            if media.ends_with("zstd") {
                return Err(invalid("layers compressed by zstd are not unpacked; build the image with gzip"));
            }
            let digest = hex_of(descriptor)?;
            let there = store.join("layers").join(&digest);
            if there.is_dir() {
                take(&mut room, unpacked_bytes(store, &digest))?;
            } else {
                layer(&blob(folder, descriptor)?, &digest, store, &mut room)?;
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
        let fresh = folder.join("etc").join(unused(name));
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

/// A name that nobody else works under, in this process or another one.
fn unused(name: &str) -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!(".{name}.{}.{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Unpacks a layer, unless it is there; what it takes is taken from `room`.
fn layer(file: &Path, digest: &str, store: &Path, room: &mut u64) -> io::Result<PathBuf> {
    // By the digest's first byte, so that what several prepare at once is unpacked once.
    static UNPACKING: [Mutex<()>; 256] = [const { Mutex::new(()) }; 256];
    let stripe = digest.get(..2).and_then(|byte| usize::from_str_radix(byte, 16).ok()).unwrap_or(0);
    let _turn = UNPACKING[stripe].lock();
    let target = store.join("layers").join(digest);
    if target.is_dir() {
        take(room, unpacked_bytes(store, digest))?;
        return Ok(target);
    }
    let fresh = store.join("layers").join(unused(digest));
    fs::create_dir_all(&fresh)?;
    let unpacked = unpack_file(file, &fresh, room).and_then(|bytes| {
        let sizes = store.join("sizes");
        fs::create_dir_all(&sizes)?;
        fs::write(sizes.join(digest), bytes.to_string())?;
        // Whole or not at all; another process's is as good.
        match fs::rename(&fresh, &target) {
            Err(error) if !target.is_dir() => Err(error),
            _ => Ok(()),
        }
    });
    // Nothing is there any more when it was renamed.
    let _ = fs::remove_dir_all(&fresh);
    unpacked.map(|()| target)
}

/// What a layer that is there counts with in each image that has it.
fn unpacked_bytes(store: &Path, digest: &str) -> u64 {
    let text = fs::read_to_string(store.join("sizes").join(digest)).unwrap_or_default();
    text.parse().unwrap_or(0)
}

fn take(room: &mut u64, bytes: u64) -> io::Result<()> {
    *room = room.checked_sub(bytes).ok_or_else(|| invalid("the image is too large"))?;
    Ok(())
}

fn unpack_file(file: &Path, target: &Path, room: &mut u64) -> io::Result<u64> {
    let mut head = [0; 2];
    let gzipped = fs::File::open(file)?.read(&mut head)? == 2 && head == [0x1f, 0x8b];
    let open = io::BufReader::new(fs::File::open(file)?);
    match gzipped {
        true => unpack(flate2::read::MultiGzDecoder::new(open), target, room),
        false => unpack(open, target, room),
    }
}

/// Reads no more than it is allowed to at the time.
struct Allowed<'a, R> {
    read: R,
    bytes: &'a Cell<u64>,
}

impl<R: Read> Read for Allowed<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.read.read(buffer)?;
        let left = self.bytes.get().checked_sub(read as u64);
        self.bytes.set(left.ok_or_else(|| invalid("the headers of an archive are too large"))?);
        Ok(read)
    }
}

/// Gives what all files take together.
fn unpack(archive: impl Read, target: &Path, room: &mut u64) -> io::Result<u64> {
    let allowed = Cell::new(HEADERS_BYTES_MAX);
    let mut archive = tar::Archive::new(Allowed { read: archive.take(BYTES_MAX), bytes: &allowed });
    archive.set_preserve_permissions(true);
    archive.set_preserve_ownerships(false);
    // Nothing that we unpack may run with the rights of its owner, who is us.
    archive.set_mask(0o6000);
    let (mut all, mut bytes) = (archive.entries()?, 0u64);
    for _ in 0..ENTRIES_MAX {
        // All that is read until the next entry is its headers.
        allowed.set(HEADERS_BYTES_MAX);
        let Some(entry) = all.next() else { return Ok(bytes) };
        let mut entry = entry.map_err(malformed)?;
        allowed.set(u64::MAX);
        take(room, entry.size())?;
        bytes += entry.size();
        unpack_entry(&mut entry, target)?;
        // What is not unpacked is not left to be skipped as if it were headers.
        io::copy(&mut entry, &mut io::sink()).map_err(malformed)?;
    }
    Err(invalid("the image is too large"))
}

fn unpack_entry(entry: &mut tar::Entry<'_, impl Read>, target: &Path) -> io::Result<()> {
    let kind = entry.header().entry_type();
    if kind.is_block_special() || kind.is_character_special() || kind.is_fifo() {
        return Ok(());
    }
    let path = entry.path().map_err(malformed)?.into_owned();
    if path.components().any(|part| matches!(part, Component::ParentDir)) {
        return Err(invalid("an archive leads outside"));
    }
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    if let Some(hidden) = name.strip_prefix(".wh.") {
        if matches!(hidden, "" | "." | "..") {
            return Err(invalid("an archive leads outside"));
        }
        let folder = folder_in(target, path.parent().unwrap_or(Path::new("")))?;
        return whiteout(&folder, hidden).map_err(malformed);
    }
    // Follows no link out of the target.
    match entry.unpack_in(target).map_err(malformed)? {
        true => Ok(()),
        false => Err(invalid("an archive leads outside")),
    }
}

/// Makes `folder` below `target`. A link that the archive made earlier must not lead us out, so none is followed.
fn folder_in(target: &Path, folder: &Path) -> io::Result<PathBuf> {
    let mut there = target.to_owned();
    for part in folder.components() {
        let Component::Normal(part) = part else { continue };
        there.push(part);
        match fs::symlink_metadata(&there) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(invalid("an archive leads outside")),
            Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir(&there).map_err(malformed)?,
            Err(error) => return Err(malformed(error)),
        }
    }
    Ok(there)
}

/// An error of the archive's own is told apart from one of this host, which another try may mend. The reader's words
/// have paths of the host in them, so they are for our log alone.
fn malformed(error: io::Error) -> io::Error {
    match error.kind() {
        ErrorKind::Other
        | ErrorKind::InvalidData
        | ErrorKind::InvalidInput
        | ErrorKind::InvalidFilename
        | ErrorKind::UnexpectedEof
        | ErrorKind::NotFound
        | ErrorKind::AlreadyExists
        | ErrorKind::NotADirectory
        | ErrorKind::IsADirectory
        | ErrorKind::DirectoryNotEmpty => {
            tracing::info!(%error, "a layer is refused");
            invalid("a layer of the image is not an archive that can be unpacked")
        }
        _ => error,
    }
}

/// Says to overlayfs what an OCI layer says with `.wh.` names (image-spec, Whiteouts).
fn whiteout(folder: &Path, hidden: &str) -> io::Result<()> {
    use rustix::fs::{FileType, Mode, XattrFlags, makedev, mknodat, setxattr};
    if hidden == ".wh..opq" {
        setxattr(folder, "trusted.overlay.opaque", b"y", XattrFlags::empty())?;
        return Ok(());
    }
    let path = folder.join(hidden);
    match mknodat(rustix::fs::CWD, &path, FileType::CharacterDevice, Mode::empty(), makedev(0, 0)) {
        // The layer's own file of the name hides the lower one as well.
        Ok(()) | Err(rustix::io::Errno::EXIST) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

fn digest_of(file: &Path) -> io::Result<String> {
    let mut hash = Sha256::new();
    io::copy(&mut fs::File::open(file)?, &mut hash)?;
    Ok(hex::encode(hash.finalize()))
}

fn json(file: &Path) -> io::Result<Value> {
    let mut text = Vec::new();
    fs::File::open(file)?.take(DOCUMENT_BYTES_MAX).read_to_end(&mut text)?;
    serde_json::from_slice(&text)
        .map_err(|error| invalid(&format!("a document of the image is not JSON: {error}")))
}

fn invalid(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
