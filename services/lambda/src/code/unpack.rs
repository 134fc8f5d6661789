use std::collections::HashSet;
use std::fs::{self, OpenOptions, Permissions};
use std::io::{self, Read};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use super::UNZIPPED_MAX;
use super::check::{Fault, Kind, look, open, target};
use super::links::Place;

/// Unpacks a package into `to`, which must not exist.
///
/// Files first and links last, and every folder on the way is one that was made here: no entry can be written through a
/// link of the same package. What is read is counted, whatever the package says of its sizes.
pub(super) fn unpack(package: &[u8], to: &Path) -> Result<(), Fault> {
    let mut archive = open(package)?;
    fs::create_dir(to)?;
    let mut folders: HashSet<Place> = HashSet::new();
    let mut links: Vec<(Place, PathBuf)> = Vec::new();
    let mut left = UNZIPPED_MAX;
    for at in 0..archive.len() {
        let mut entry = archive.by_index(at)?;
        let name = entry.name()?.into_owned();
        let (place, kind) = look(&name, entry.is_dir(), entry.unix_mode())?;
        if place.is_root() {
            continue;
        }
        for folder in place.folders() {
            make_folder(to, folder, &mut folders)?;
        }
        match kind {
            Kind::Folder => make_folder(to, place, &mut folders)?,
            Kind::Link => {
                let target = target(&mut entry)?;
                let target = place.link_to(&target).ok_or(Fault::Unsafe(name))?;
                links.push((place, target));
            }
            Kind::File { executable } => {
                let path = to.join(place.path());
                // A name that comes twice: the last one counts, as with other unzippers.
                match fs::remove_file(&path) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(Fault::NoZip),
                    _ => {}
                }
                let mode = if executable { 0o755 } else { 0o644 };
                let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&path)?;
                let copied =
                    io::copy(&mut (&mut entry).take(left + 1), &mut file).map_err(|_| Fault::NoZip)?;
                left = left.checked_sub(copied).ok_or(Fault::TooLarge)?;
                // The mask of the process must not take away what the function's user needs.
                fs::set_permissions(&path, Permissions::from_mode(mode))?;
            }
        }
    }
    for (place, target) in links {
        let path = to.join(place.path());
        match symlink(target, &path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Err(Fault::NoZip),
            other => other?,
        }
    }
    fs::set_permissions(to, Permissions::from_mode(0o755))?;
    Ok(())
}

fn make_folder(to: &Path, place: Place, folders: &mut HashSet<Place>) -> Result<(), Fault> {
    if place.is_root() || folders.contains(&place) {
        return Ok(());
    }
    let path = to.join(place.path());
    // What is there already is a file of the same name.
    fs::create_dir(&path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => Fault::NoZip,
        _ => Fault::Io(error),
    })?;
    fs::set_permissions(&path, Permissions::from_mode(0o755))?;
    folders.insert(place);
    Ok(())
}

/// Removes a folder with all it holds; no error when it is not there.
pub(super) fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::super::check::check;
    use super::*;

    fn package(entries: &[(&str, Entry)]) -> Vec<u8> {
        let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, entry) in entries {
            match entry {
                Entry::File(content, mode) => {
                    writer.start_file(*name, SimpleFileOptions::default().unix_permissions(*mode)).unwrap();
                    writer.write_all(content).unwrap();
                }
                Entry::Link(target) => {
                    writer.add_symlink(*name, *target, SimpleFileOptions::default()).unwrap();
                }
                Entry::Folder => writer.add_directory(*name, SimpleFileOptions::default()).unwrap(),
            }
        }
        writer.finish().unwrap().into_inner()
    }

    enum Entry {
        File(Vec<u8>, u32),
        Link(&'static str),
        Folder,
    }

    fn file(text: &str) -> Entry {
        Entry::File(text.as_bytes().to_vec(), 0o644)
    }

    fn place(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("haneul-unpack-{}-{name}", std::process::id()))
    }

    #[test]
    fn good_packages_come_out_as_they_are() {
        let bytes = package(&[
            ("index.py", file("print(1)")),
            ("lib/", Entry::Folder),
            ("lib/run", Entry::File(b"#!/bin/sh".to_vec(), 0o700)),
            ("lib/link", Entry::Link("../index.py")),
        ]);
        assert_eq!(check(&bytes).unwrap(), 8 + 9 + 11);
        let to = place("good");
        unpack(&bytes, &to).unwrap();
        assert_eq!(fs::read_to_string(to.join("index.py")).unwrap(), "print(1)");
        assert_eq!(fs::read_to_string(to.join("lib/link")).unwrap(), "print(1)");
        assert_eq!(fs::metadata(to.join("lib/run")).unwrap().permissions().mode() & 0o777, 0o755);
        assert_eq!(fs::metadata(to.join("index.py")).unwrap().permissions().mode() & 0o777, 0o644);
        remove(&to).unwrap();
    }

    #[test]
    fn bad_packages_are_refused_and_write_nothing_outside() {
        let cases: Vec<(&str, Vec<u8>)> = vec![
            ("nothing", Vec::new()),
            ("text", b"not a zip".to_vec()),
            ("empty", package(&[])),
            ("slip", package(&[("../slipped", file("x"))])),
            ("absolute", package(&[("/tmp/haneul-slipped", file("x"))])),
            ("link out", package(&[("a", Entry::Link("../../outside"))])),
            ("absolute link", package(&[("a", Entry::Link("/etc/passwd"))])),
            ("through a link", package(&[("a", Entry::Link("b")), ("a/x", file("x"))])),
            ("truncated", {
                let mut bytes = package(&[("a", file(&"x".repeat(10_000)))]);
                bytes.truncate(bytes.len() / 2);
                bytes
            }),
        ];
        for (name, bytes) in cases {
            let to = place("bad");
            let refused = check(&bytes).is_err() || unpack(&bytes, &to).is_err();
            assert!(refused, "{name}");
            let _ = remove(&to);
        }
        assert!(!std::env::temp_dir().join("slipped").exists());
        assert!(!Path::new("/tmp/haneul-slipped").exists());
    }

    #[test]
    fn bombs_are_too_large() {
        let zeros = vec![0u8; 70_000_000];
        let entries: Vec<(String, Entry)> =
            (0..4).map(|i| (format!("{i}"), Entry::File(zeros.clone(), 0o644))).collect();
        let named: Vec<(&str, Entry)> =
            entries.iter().map(|(n, _)| (n.as_str(), Entry::File(zeros.clone(), 0o644))).collect();
        let bytes = package(&named);
        assert!(bytes.len() < 1_000_000);
        assert!(matches!(check(&bytes), Err(Fault::TooLarge)));
    }
}
