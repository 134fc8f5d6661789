use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::{Component, Path, PathBuf};

use haneul_env::Env;
use haneul_store::Store;
use sha2::{Digest, Sha256};

use crate::cli::StateCommand;
use crate::{Result, config, data};

/// The first member of an export, so that a file of something else is refused at once.
const FORMAT: (&str, &[u8]) = ("haneul-export", b"1\n");
/// The store's own stream.
const STORE: &str = "store.stream";
/// The last member: the SHA-256 of all contents before it. Without it the file is not whole.
const END: &str = "end";
/// What an export leaves out: the store, which is written as a stream that any engine reads.
const LEFT_OUT: &[&str] = &["store", "manifest", "lock"];

pub(crate) fn run(command: &StateCommand) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| format!("cannot start: {error}"))?;
    match command {
        StateCommand::Export { file, data_dir } => {
            let dir = config::data_dir(data_dir.clone())?;
            runtime.block_on(export(&dir, file))
        }
        StateCommand::Import { file, data_dir } => {
            let dir = config::data_dir(data_dir.clone())?;
            runtime.block_on(import(&dir, file))
        }
        StateCommand::Reset { data_dir, yes } => {
            let dir = config::data_dir(data_dir.clone())?;
            if !yes {
                return Err(format!(
                    "this deletes everything in {}; say --yes if you mean it",
                    dir.display()
                ));
            }
            let _held = data::open(&dir)?;
            data::wipe(&dir)?;
            println!("{} is empty", dir.display());
            Ok(())
        }
    }
}

async fn export(dir: &Path, file: &Path) -> Result<()> {
    let cloud = data::cloud_dir(dir);
    if !cloud.join("manifest").exists() {
        return Err(format!("there is no state in {}; --data-dir names another directory", dir.display()));
    }
    let _held = data::open(dir)?;
    let store = Store::open(&Env::real(), &cloud).map_err(|error| error.to_string())?;
    let failed = |error: io::Error| format!("cannot write {}: {error}", file.display());

    // The stream goes to a file first, because a member's length stands before its content.
    let stream_path = file.with_extension("store-part");
    let stream = File::create(&stream_path).map_err(failed)?;
    let written = store.export(BufWriter::new(stream)).await.map_err(|error| error.to_string());
    let mut written = written?;
    written.flush().map_err(failed)?;
    drop(written);
    store.close().await.map_err(|error| error.to_string())?;

    let part = file.with_extension("part");
    let mut archive = Archive::new(File::create(&part).map_err(failed)?);
    archive.add(FORMAT.0, &mut &FORMAT.1[..], FORMAT.1.len() as u64).map_err(failed)?;
    let files = files_under(&cloud).map_err(failed)?;
    println!("writing the store and {} files", files.len());
    for (done, path) in files.iter().enumerate() {
        let name = path.strip_prefix(&cloud).map_err(|error| error.to_string())?;
        archive.add_file(&name.to_string_lossy(), path).map_err(failed)?;
        if (done + 1) % 10_000 == 0 {
            println!("  {} files", done + 1);
        }
    }
    archive.add_file(STORE, &stream_path).map_err(failed)?;
    archive.finish().map_err(failed)?;
    fs::remove_file(&stream_path).map_err(failed)?;
    fs::rename(&part, file).map_err(failed)?;
    println!("{} holds all state of {}", file.display(), dir.display());
    Ok(())
}

async fn import(dir: &Path, file: &Path) -> Result<()> {
    let source = File::open(file).map_err(|error| format!("cannot read {}: {error}", file.display()))?;
    let held = data::open(dir)?;
    let cloud = data::cloud_dir(dir);
    if !files_under(&cloud).map_err(|error| error.to_string())?.is_empty() || cloud.join("manifest").exists()
    {
        return Err(format!("{} is not empty; `haneul state reset --yes` empties it", dir.display()));
    }
    let stream_path = dir.join("haneul.import");
    let imported = async {
        // The store first: it begins only in an empty directory.
        let store = Store::open(&Env::real(), &cloud).map_err(|error| error.to_string())?;
        unpack(source, &cloud, &stream_path)?;
        let stream = File::open(&stream_path).map_err(|error| error.to_string())?;
        store.import(BufReader::new(stream)).await.map_err(|error| error.to_string())?;
        store.close().await.map_err(|error| error.to_string())?;
        fs::remove_file(&stream_path).map_err(|error| error.to_string())
    }
    .await;
    if let Err(error) = imported {
        // Half a state must never be taken for a whole one.
        data::wipe(dir)?;
        return Err(format!("{}: {error}; nothing was imported", file.display()));
    }
    drop(held);
    println!("{} now holds the state of {}", dir.display(), file.display());
    Ok(())
}

/// Writes the members of an export and their common hash.
struct Archive {
    tar: tar::Builder<BufWriter<File>>,
    hash: Sha256,
}

impl Archive {
    fn new(file: File) -> Archive {
        Archive { tar: tar::Builder::new(BufWriter::with_capacity(1 << 20, file)), hash: Sha256::new() }
    }

    fn add_file(&mut self, name: &str, path: &Path) -> io::Result<()> {
        let mut content = File::open(path)?;
        let length = content.metadata()?.len();
        self.add(name, &mut content, length)
    }

    fn add(&mut self, name: &str, content: &mut dyn Read, length: u64) -> io::Result<()> {
        let mut header = tar::Header::new_gnu();
        header.set_size(length);
        header.set_mode(0o600);
        let hash = &mut self.hash;
        hash.update(name.as_bytes());
        self.tar.append_data(&mut header, name, Hashing { content, hash })
    }

    fn finish(mut self) -> io::Result<()> {
        let digest = self.hash.clone().finalize();
        self.add(END, &mut &digest[..], digest.len() as u64)?;
        let file = self.tar.into_inner()?.into_inner().map_err(|error| error.into_error())?;
        file.sync_all()
    }
}

struct Hashing<'a> {
    content: &'a mut dyn Read,
    hash: &'a mut Sha256,
}

impl Read for Hashing<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.content.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// Unpacks an export: the store's stream to `stream_path`, everything else into `dir`.
fn unpack(source: File, dir: &Path, stream_path: &Path) -> Result<()> {
    let broken = |error: io::Error| format!("this is no whole export: {error}");
    let mut archive = tar::Archive::new(BufReader::with_capacity(1 << 20, source));
    let mut hash = Sha256::new();
    let (mut first, mut whole) = (true, false);
    for entry in archive.entries().map_err(broken)? {
        let mut entry = entry.map_err(broken)?;
        let name = entry.path().map_err(broken)?.into_owned();
        let text = name.to_string_lossy().into_owned();
        if first && text != FORMAT.0 {
            return Err("this is no export of haneul".into());
        }
        if text == END {
            let mut digest = Vec::new();
            entry.by_ref().take(64).read_to_end(&mut digest).map_err(broken)?;
            whole = digest == hash.clone().finalize().as_slice();
            break;
        }
        hash.update(text.as_bytes());
        let content = &mut entry as &mut dyn Read;
        let mut content = Hashing { content, hash: &mut hash };
        if first {
            let mut version = Vec::new();
            content.by_ref().take(64).read_to_end(&mut version).map_err(broken)?;
            if version != FORMAT.1 {
                return Err("this export was written by a newer haneul".into());
            }
            first = false;
            continue;
        }
        let target = if text == STORE { stream_path.to_path_buf() } else { inside(dir, &name)? };
        if let Some(parent) = target.parent() {
            fs::create_dir_all(parent).map_err(broken)?;
        }
        let mut file = File::create(&target).map_err(broken)?;
        copy_sparse(&mut content, &mut file).and_then(|()| file.sync_all()).map_err(broken)?;
    }
    if whole { Ok(()) } else { Err("the file is cut off or damaged".into()) }
}

/// Copies to an empty file and leaves out pages of zeros: what was punched out of a pack of blobs takes no room again.
fn copy_sparse(from: &mut dyn Read, to: &mut File) -> io::Result<()> {
    const PAGE: usize = 4096;
    let (mut buffer, mut length) = (vec![0; 64 * PAGE], 0);
    loop {
        let mut filled = 0;
        while filled < buffer.len() {
            match from.read(&mut buffer[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        if filled == 0 {
            return to.set_len(length);
        }
        for page in buffer[..filled].chunks(PAGE) {
            if page.iter().any(|byte| *byte != 0) {
                to.seek(io::SeekFrom::Start(length))?;
                to.write_all(page)?;
            }
            length += page.len() as u64;
        }
    }
}

/// `name` under `dir`; refused when it would lie elsewhere.
fn inside(dir: &Path, name: &Path) -> Result<PathBuf> {
    match name.components().all(|part| matches!(part, Component::Normal(_))) {
        true => Ok(dir.join(name)),
        false => Err(format!("it names a file outside the data directory ({})", name.display())),
    }
}

fn files_under(dir: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut folders = vec![dir.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder)? {
            let entry = entry?;
            if folder == dir && LEFT_OUT.iter().any(|left_out| entry.file_name() == *left_out) {
                continue;
            }
            let path = entry.path();
            if entry.file_type()?.is_dir() { folders.push(path) } else { found.push(path) }
        }
    }
    found.sort();
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_of_zeros_take_no_room() {
        let dir = tempfile::tempdir().unwrap();
        let mut content = vec![0; 300 * 4096 + 17];
        content[5 * 4096 + 1] = 1;
        content[299 * 4096] = 2;
        for content in [content, vec![0; 9000], b"short".to_vec(), Vec::new()] {
            let path = dir.path().join(content.len().to_string());
            let mut file = File::create(&path).unwrap();
            copy_sparse(&mut &content[..], &mut file).unwrap();
            assert!(fs::read(&path).unwrap() == content);
        }
        let allocated =
            std::os::unix::fs::MetadataExt::blocks(&fs::metadata(dir.path().join("9000")).unwrap());
        assert_eq!(allocated, 0);
    }
}
