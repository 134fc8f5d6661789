use std::fmt;
use std::io::{self, Cursor, Read};

use zip::ZipArchive;

use super::UNZIPPED_MAX;
use super::links::Place;

/// Files and folders in one package: far more than any real one has, and few enough to hold in memory.
const ENTRIES_MAX: usize = 200_000;
/// Longest target of a symbolic link.
pub(super) const TARGET_LENGTH_MAX: u64 = 4096;

/// Why a package is not taken.
#[derive(Debug)]
pub(super) enum Fault {
    /// No zip, or one that is damaged.
    NoZip,
    Empty,
    TooLarge,
    /// An entry would end outside of the package's folder, or is of a kind that no package has.
    Unsafe(String),
    Io(io::Error),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::NoZip => f.write_str(
                "Could not unzip uploaded file. Please check your file, then try to upload again.",
            ),
            Fault::Empty => f.write_str("Uploaded file must be a non-empty zip"),
            Fault::TooLarge => write!(f, "Unzipped size must be smaller than {UNZIPPED_MAX} bytes"),
            Fault::Unsafe(name) => write!(
                f,
                "Could not unzip uploaded file: the entry {name:?} is not a file, folder or link inside of the package."
            ),
            Fault::Io(error) => write!(f, "Could not unzip uploaded file: {error}"),
        }
    }
}

impl From<zip::result::ZipError> for Fault {
    fn from(_: zip::result::ZipError) -> Fault {
        Fault::NoZip
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        Fault::Io(error)
    }
}

/// What an entry is.
pub(super) enum Kind {
    Folder,
    File { executable: bool },
    Link,
}

pub(super) type Archive<'a> = ZipArchive<Cursor<&'a [u8]>>;

pub(super) fn open(package: &[u8]) -> Result<Archive<'_>, Fault> {
    let archive = ZipArchive::new(Cursor::new(package))?;
    match archive.len() {
        0 => Err(Fault::Empty),
        1..=ENTRIES_MAX => Ok(archive),
        _ => Err(Fault::TooLarge),
    }
}

/// Looks at every entry's name, kind and size, and gives the size of all files together. Sizes are what the package says
/// of itself; unpacking counts for itself.
pub(super) fn check(package: &[u8]) -> Result<u64, Fault> {
    let mut archive = open(package)?;
    let mut unzipped = 0u64;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at)?;
        let name = entry.name()?.into_owned();
        let (place, kind) = look(&name, entry.is_dir(), entry.unix_mode())?;
        unzipped = unzipped.saturating_add(entry.size());
        if unzipped > UNZIPPED_MAX {
            return Err(Fault::TooLarge);
        }
        if matches!(kind, Kind::Link) {
            let target = target(&mut entry)?;
            place.link_to(&target).ok_or(Fault::Unsafe(name))?;
        }
    }
    Ok(unzipped)
}

/// Where an entry belongs and what it is.
pub(super) fn look(name: &str, is_folder: bool, mode: Option<u32>) -> Result<(Place, Kind), Fault> {
    let place = Place::of(name).ok_or_else(|| Fault::Unsafe(name.chars().take(200).collect()))?;
    let kind = match mode.map_or(0, |mode| mode & 0o170_000) {
        _ if is_folder => Kind::Folder,
        0o120_000 => Kind::Link,
        0o040_000 => Kind::Folder,
        // Archives made where there are no modes have none.
        0 | 0o100_000 => Kind::File { executable: mode.is_some_and(|mode| mode & 0o111 != 0) },
        _ => return Err(Fault::Unsafe(name.chars().take(200).collect())),
    };
    Ok((place, kind))
}

/// The target of a link, which is its content.
pub(super) fn target(entry: &mut impl Read) -> Result<String, Fault> {
    let mut target = String::new();
    entry.take(TARGET_LENGTH_MAX + 1).read_to_string(&mut target).map_err(|_| Fault::NoZip)?;
    match target.len() as u64 {
        1..=TARGET_LENGTH_MAX => Ok(target),
        _ => Err(Fault::Unsafe("a link".into())),
    }
}
