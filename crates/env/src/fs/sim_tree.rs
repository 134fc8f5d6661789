//! The state of a simulated disk: inodes and names, each with what is durable, what is current, and the difference
//! between the two as a list of changes in the order they were made.

use std::collections::{BTreeMap, HashMap};
use std::io;
use std::path::{Path, PathBuf};

use crate::Rng;

pub(super) type InodeId = u64;

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Node {
    Dir,
    File(InodeId),
}

#[derive(Default)]
pub(super) struct Inode {
    pub(super) current: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Write>,
    /// Something was punched out of it once.
    punched: bool,
}

/// What a disk gives room for at once, in bytes.
const PAGE: usize = 4096;

/// What a disk writes wholly or not.
const SECTOR: usize = 512;

enum Write {
    /// `extends` when it made the file longer. One that did not shows nothing beyond the length that survived.
    At {
        offset: usize,
        bytes: Vec<u8>,
        extends: bool,
    },
    Len(usize),
}

/// A change of names. Syncing the directory of any path in it makes it durable.
enum Naming {
    Link { path: PathBuf, node: Node },
    Unlink { path: PathBuf },
    Rename { from: PathBuf, to: PathBuf, node: Node },
}

#[derive(Default)]
pub(super) struct Tree {
    pub(super) names: BTreeMap<PathBuf, Node>,
    pub(super) inodes: HashMap<InodeId, Inode>,
    durable_names: BTreeMap<PathBuf, Node>,
    pending: Vec<Naming>,
    next_inode: InodeId,
}

/// How much of what was not synced a crash leaves. Real disks do all of these.
#[derive(Clone, Copy)]
enum Survival {
    Nothing,
    Prefix(usize),
    Subset,
    Everything,
}

impl Survival {
    fn draw(rng: &Rng, changes: usize) -> Survival {
        match rng.below(4) {
            0 => Survival::Nothing,
            1 => Survival::Prefix(rng.below(changes as u64 + 1) as usize),
            2 => Survival::Subset,
            _ => Survival::Everything,
        }
    }

    fn keeps(self, index: usize, rng: &Rng) -> bool {
        match self {
            Survival::Nothing => false,
            Survival::Prefix(count) => index < count,
            Survival::Subset => rng.below(2) == 0,
            Survival::Everything => true,
        }
    }
}

impl Inode {
    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let extends = offset + bytes.len() > self.current.len();
        put(&mut self.current, offset, bytes);
        self.pending.push(Write::At { offset, bytes: bytes.to_vec(), extends });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.current.resize(len, 0);
        self.pending.push(Write::Len(len));
    }

    pub(super) fn punch(&mut self, offset: usize, len: usize) {
        let len = len.min(self.current.len().saturating_sub(offset));
        if len > 0 {
            self.punched = true;
            self.write(offset, &vec![0; len]);
        }
    }

    /// Pages of zeros take no room where something was punched out.
    pub(super) fn allocated(&self) -> u64 {
        if !self.punched {
            return self.current.len() as u64;
        }
        let pages = self.current.chunks(PAGE).filter(|page| page.iter().any(|byte| *byte != 0));
        pages.map(|page| page.len() as u64).sum()
    }

    pub(super) fn sync(&mut self) {
        for write in self.pending.drain(..) {
            write.apply(&mut self.durable);
        }
    }

    /// Some of the pending writes reach the disk; the rest never will, though reads still show them until the crash.
    pub(super) fn sync_and_fail(&mut self, rng: &Rng) {
        let survival = Survival::draw(rng, self.pending.len());
        for (index, write) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            if survival.keeps(index, rng) {
                write.apply(&mut self.durable);
            }
        }
    }

    fn crash(&mut self, rng: &Rng) {
        let survival = Survival::draw(rng, self.pending.len());
        for (index, write) in std::mem::take(&mut self.pending).into_iter().enumerate() {
            if survival.keeps(index, rng) {
                let torn = rng.below(3) == 0;
                let pieces = if torn { write.tear(rng) } else { vec![write] };
                for piece in pieces {
                    piece.apply(&mut self.durable);
                }
            }
        }
        self.current = self.durable.clone();
    }

    /// Changes what is on the platter behind everyone's back.
    pub(super) fn flip_bit(&mut self, offset: usize, bit: u8) {
        for content in [&mut self.current, &mut self.durable] {
            if let Some(byte) = content.get_mut(offset) {
                *byte ^= 1 << (bit & 7);
            }
        }
    }
}

impl Write {
    fn apply(&self, to: &mut Vec<u8>) {
        match self {
            Write::At { offset, bytes, extends: true } => put(to, *offset, bytes),
            Write::At { offset, bytes, extends: false } => {
                let room = to.len().saturating_sub(*offset).min(bytes.len());
                let offset = (*offset).min(to.len());
                put(to, offset, &bytes[..room]);
            }
            Write::Len(len) => to.resize(*len, 0),
        }
    }

    /// What is left of a write that was interrupted: its first bytes, or some of its sectors.
    fn tear(self, rng: &Rng) -> Vec<Write> {
        let Write::At { offset, mut bytes, extends } = self else { return vec![self] };
        if rng.below(2) == 0 {
            bytes.truncate(rng.below(bytes.len() as u64 + 1) as usize);
            return vec![Write::At { offset, bytes, extends }];
        }
        // A file that became longer is as long as it would be.
        let whole = Write::At { offset: offset + bytes.len(), bytes: Vec::new(), extends };
        let sectors = bytes.chunks(SECTOR).enumerate().filter(|_| rng.below(3) > 0);
        let sectors = sectors.map(|(index, sector)| Write::At {
            offset: offset + index * SECTOR,
            bytes: sector.to_vec(),
            extends,
        });
        sectors.chain([whole]).collect()
    }
}

fn put(content: &mut Vec<u8>, offset: usize, bytes: &[u8]) {
    if content.len() < offset + bytes.len() {
        content.resize(offset + bytes.len(), 0);
    }
    content[offset..offset + bytes.len()].copy_from_slice(bytes);
}

impl Tree {
    pub(super) fn bytes_used(&self) -> u64 {
        // A file that has lost its name takes no room, though a crash may give it back.
        let named = self.names.values().filter_map(|node| match node {
            Node::File(id) => self.inodes.get(id),
            Node::Dir => None,
        });
        named.map(Inode::allocated).sum()
    }

    pub(super) fn is_dir(&self, path: &Path) -> bool {
        path.parent().is_none() || path.as_os_str().is_empty() || self.names.get(path) == Some(&Node::Dir)
    }

    pub(super) fn make_dir(&mut self, path: &Path) {
        self.link(path, Node::Dir);
    }

    pub(super) fn make_file(&mut self, path: &Path) -> InodeId {
        self.next_inode += 1;
        let id = self.next_inode;
        self.inodes.insert(id, Inode::default());
        self.link(path, Node::File(id));
        id
    }

    fn link(&mut self, path: &Path, node: Node) {
        self.names.insert(path.to_owned(), node);
        self.pending.push(Naming::Link { path: path.to_owned(), node });
    }

    pub(super) fn unlink(&mut self, path: &Path) {
        self.names.remove(path);
        self.pending.push(Naming::Unlink { path: path.to_owned() });
    }

    pub(super) fn rename(&mut self, from: &Path, to: &Path) -> io::Result<()> {
        let node = match self.names.get(from) {
            Some(Node::File(id)) => Node::File(*id),
            // Nobody renames a directory here; a simulation that gets it wrong is worse than none.
            Some(Node::Dir) => return Err(io::ErrorKind::Unsupported.into()),
            None => return Err(io::ErrorKind::NotFound.into()),
        };
        if !to.parent().is_some_and(|dir| self.is_dir(dir)) {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.names.remove(from);
        self.names.insert(to.to_owned(), node);
        self.pending.push(Naming::Rename { from: from.to_owned(), to: to.to_owned(), node });
        Ok(())
    }

    pub(super) fn sync_dir(&mut self, dir: &Path) {
        let (due, rest) = std::mem::take(&mut self.pending).into_iter().partition(|n: &Naming| n.is_in(dir));
        self.pending = rest;
        for naming in due {
            self.make_durable(&naming);
        }
    }

    fn make_durable(&mut self, naming: &Naming) {
        match naming {
            Naming::Link { path, node } => {
                self.durable_names.insert(path.clone(), *node);
            }
            Naming::Unlink { path } => {
                self.durable_names.remove(path);
            }
            Naming::Rename { from, to, node } => {
                if self.durable_names.get(from) == Some(node) {
                    self.durable_names.remove(from);
                }
                self.durable_names.insert(to.clone(), *node);
                // The file has moved on: its first name must not come back.
                self.pending.retain(
                    |n| !matches!(n, Naming::Link { path, node: linked } if path == from && linked == node),
                );
            }
        }
    }

    /// Power is cut: what was not synced may be there, be gone, or be there in part.
    pub(super) fn crash(&mut self, rng: &Rng) {
        let pending = std::mem::take(&mut self.pending);
        let survival = Survival::draw(rng, pending.len());
        for (index, naming) in pending.iter().enumerate() {
            if survival.keeps(index, rng) {
                self.make_durable(naming);
            }
        }
        // A name in a directory that is gone is gone too. Parents sort before their children.
        let mut alive: BTreeMap<PathBuf, Node> = BTreeMap::new();
        for (path, node) in &self.durable_names {
            let parent = path.parent().unwrap_or(Path::new(""));
            let top = parent.parent().is_none();
            if top || alive.get(parent) == Some(&Node::Dir) {
                alive.insert(path.clone(), *node);
            }
        }
        let linked: Vec<InodeId> = alive
            .values()
            .filter_map(|node| if let Node::File(id) = node { Some(*id) } else { None })
            .collect();
        self.inodes.retain(|id, _| linked.contains(id));
        let mut ids: Vec<InodeId> = self.inodes.keys().copied().collect();
        ids.sort_unstable();
        for id in ids {
            self.inodes.get_mut(&id).expect("listed above").crash(rng);
        }
        self.durable_names = alive.clone();
        self.names = alive;
    }
}

impl Naming {
    fn is_in(&self, dir: &Path) -> bool {
        match self {
            Naming::Link { path, .. } | Naming::Unlink { path } => path.parent() == Some(dir),
            Naming::Rename { from, to, .. } => from.parent() == Some(dir) || to.parent() == Some(dir),
        }
    }
}
