//! The log of the shim (`shim/disk.c`), and what a disk may hold after a power cut anywhere in it.
//!
//! Kept is what was synced: a file's content by a sync of the file, a name by a sync of the directory that holds it.
//! Of each later write: all, nothing, or some sectors of it. Of the later changes to the names in one directory: the
//! first few, in their order. A file whose name is lost is lost, however well it was synced.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use haneul_env::Rng;

const SECTOR: usize = 512;

/// One change that the program made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Op {
    Create { ino: u64, path: String },
    Write { ino: u64, offset: u64, bytes: Vec<u8> },
    Size { ino: u64, size: u64 },
    Zero { ino: u64, offset: u64, len: u64 },
    SyncBegin { ino: u64, sync: u64 },
    SyncEnd { sync: u64 },
    Rename { from: String, to: String },
    Unlink { path: String },
    MakeDir { ino: u64, path: String },
    Link { from: String, to: String },
}

/// The changes in the order in which they were made, each with where its record ends in the log.
///
/// The last record may be cut short, if the program was killed while it wrote it; it is left out.
pub fn read_log(bytes: &[u8]) -> Vec<(u64, Op)> {
    let mut ops = Vec::new();
    let mut at = 0;
    while let Some(length) = bytes.get(at..at + 4) {
        let length = u32::from_le_bytes(length.try_into().expect("four bytes")) as usize;
        let Some(record) = bytes.get(at + 4..at + 4 + length) else { break };
        at += 4 + length;
        ops.push((at as u64, read_op(record)));
    }
    ops
}

fn read_op(record: &[u8]) -> Op {
    let number = |at: usize| u64::from_le_bytes(record[at..at + 8].try_into().expect("eight bytes"));
    let (a, b, rest) = (number(1), number(9), &record[17..]);
    let text = || String::from_utf8(rest.to_vec()).expect("our paths are UTF-8");
    let two = || {
        let text = text();
        let (from, to) = text.split_once('\0').expect("two paths");
        (from.to_owned(), to.to_owned())
    };
    match record[0] {
        1 => Op::Create { ino: a, path: text() },
        2 => Op::Write { ino: a, offset: b, bytes: rest.to_vec() },
        3 => Op::Size { ino: a, size: b },
        4 => Op::Zero { ino: a, offset: b, len: number(17) },
        5 => Op::SyncBegin { ino: a, sync: b },
        6 => Op::SyncEnd { sync: b },
        7 => {
            let (from, to) = two();
            Op::Rename { from, to }
        }
        8 => Op::Unlink { path: text() },
        9 => Op::MakeDir { ino: a, path: text() },
        10 => {
            let (from, to) = two();
            Op::Link { from, to }
        }
        other => panic!("the log has an operation {other}"),
    }
}

/// A disk that remembers which of its changes are safe.
pub struct Disk {
    nodes: Vec<Node>,
    /// Inode numbers are used again, so each stands for the last node that had it.
    by_ino: HashMap<u64, usize>,
    /// The number of changes so far, by which syncs know what came before them.
    now: u64,
    syncs: HashMap<u64, (usize, u64)>,
}

enum Node {
    File { safe: Vec<u8>, pending: Vec<(u64, Change)> },
    Dir { now: Names, safe: Names, pending: Vec<(u64, Naming)> },
}

type Names = BTreeMap<String, usize>;

enum Change {
    Write(u64, Vec<u8>),
    Size(u64),
}

#[derive(Clone)]
struct Naming {
    name: String,
    node: Option<usize>,
    /// The directory that the file moved to: its old name goes only if the new one is there.
    moved_to: Option<(usize, String)>,
}

const ROOT: usize = 0;

impl Disk {
    /// What is in `dir`, all of it safe.
    pub fn of(dir: &Path) -> io::Result<Disk> {
        let root = Node::Dir { now: Names::new(), safe: Names::new(), pending: Vec::new() };
        let mut disk = Disk { nodes: vec![root], by_ino: HashMap::new(), now: 0, syncs: HashMap::new() };
        disk.by_ino.insert(fs::metadata(dir)?.ino(), ROOT);
        disk.load(ROOT, dir)?;
        Ok(disk)
    }

    fn load(&mut self, into: usize, dir: &Path) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            let (meta, path) = (entry.metadata()?, entry.path());
            let node = if meta.is_dir() { self.new_dir() } else { self.new_file(fs::read(&path)?) };
            self.by_ino.insert(meta.ino(), node);
            let name = entry.file_name().into_string().expect("our names are UTF-8");
            if let Node::Dir { now, safe, .. } = &mut self.nodes[into] {
                now.insert(name.clone(), node);
                safe.insert(name, node);
            }
            if meta.is_dir() {
                self.load(node, &path)?;
            }
        }
        Ok(())
    }

    /// Applies a change that the log has.
    pub fn apply(&mut self, op: &Op) {
        self.now += 1;
        match op {
            Op::Create { ino, path } => {
                let node = self.new_file(Vec::new());
                self.by_ino.insert(*ino, node);
                self.name(path, Some(node), None);
            }
            Op::MakeDir { ino, path } => {
                let node = self.new_dir();
                self.by_ino.insert(*ino, node);
                self.name(path, Some(node), None);
            }
            Op::Write { ino, offset, bytes } => self.change(*ino, Change::Write(*offset, bytes.clone())),
            Op::Zero { ino, offset, len } => {
                self.change(*ino, Change::Write(*offset, vec![0; *len as usize]));
            }
            Op::Size { ino, size } => self.change(*ino, Change::Size(*size)),
            Op::SyncBegin { ino, sync } => {
                let node = *self.by_ino.get(ino).expect("what is synced was opened");
                self.syncs.insert(*sync, (node, self.now));
            }
            Op::SyncEnd { sync } => {
                let (node, before) = self.syncs.remove(sync).expect("it began");
                self.make_safe(node, before);
            }
            Op::Unlink { path } => self.name(path, None, None),
            Op::Link { from, to } => {
                let node = self.find(from);
                self.name(to, Some(node), None);
            }
            Op::Rename { from, to } => {
                let node = self.find(from);
                self.name(to, Some(node), None);
                let (dir, name) = self.parent(to);
                self.name(from, None, Some((dir, name)));
            }
        }
    }

    fn new_file(&mut self, safe: Vec<u8>) -> usize {
        self.nodes.push(Node::File { safe, pending: Vec::new() });
        self.nodes.len() - 1
    }

    fn new_dir(&mut self) -> usize {
        self.nodes.push(Node::Dir { now: Names::new(), safe: Names::new(), pending: Vec::new() });
        self.nodes.len() - 1
    }

    fn change(&mut self, ino: u64, change: Change) {
        let node = *self.by_ino.get(&ino).expect("what is written was opened");
        let Node::File { pending, .. } = &mut self.nodes[node] else { panic!("a directory was written") };
        pending.push((self.now, change));
    }

    fn name(&mut self, path: &str, node: Option<usize>, moved_to: Option<(usize, String)>) {
        let (dir, name) = self.parent(path);
        let Node::Dir { now, pending, .. } = &mut self.nodes[dir] else {
            panic!("{path} is in no directory")
        };
        match node {
            Some(node) => now.insert(name.clone(), node),
            None => now.remove(&name),
        };
        pending.push((self.now, Naming { name, node, moved_to }));
    }

    fn parent(&self, path: &str) -> (usize, String) {
        match path.rsplit_once('/') {
            Some((dir, name)) => (self.find(dir), name.to_owned()),
            None => (ROOT, path.to_owned()),
        }
    }

    fn find(&self, path: &str) -> usize {
        path.split('/').fold(ROOT, |at, name| match &self.nodes[at] {
            Node::Dir { now, .. } => *now.get(name).unwrap_or_else(|| panic!("{path} is not there")),
            Node::File { .. } => panic!("{path} goes through a file"),
        })
    }

    fn make_safe(&mut self, node: usize, before: u64) {
        match &mut self.nodes[node] {
            Node::File { safe, pending } => {
                let later = pending.split_off(pending.partition_point(|(at, _)| *at <= before));
                for (_, change) in std::mem::replace(pending, later) {
                    apply(safe, &change);
                }
            }
            Node::Dir { safe, pending, .. } => {
                let later = pending.split_off(pending.partition_point(|(at, _)| *at <= before));
                for (_, naming) in std::mem::replace(pending, later) {
                    rename(safe, naming);
                }
            }
        }
    }

    /// Writes into the empty directory `to` what the disk may hold if the power is cut now.
    pub fn after_power_cut(&self, rng: &Rng, to: &Path) -> io::Result<()> {
        let kept = self.kept_names(rng);
        self.write_dir(ROOT, &kept, &|node| self.content_after_cut(node, rng), to)
    }

    /// Writes into the empty directory `to` all that was done, as if everything had been synced: if this is not what is
    /// there, something was not recorded.
    pub fn as_it_was(&self, to: &Path) -> io::Result<()> {
        let names = self.nodes.iter().map(|node| match node {
            Node::Dir { now, .. } => now.clone(),
            Node::File { .. } => Names::new(),
        });
        let content = |node: usize| match &self.nodes[node] {
            Node::File { safe, pending } => {
                let mut bytes = safe.clone();
                pending.iter().for_each(|(_, change)| apply(&mut bytes, change));
                bytes
            }
            Node::Dir { .. } => Vec::new(),
        };
        self.write_dir(ROOT, &names.collect::<Vec<_>>(), &content, to)
    }

    /// The names in each directory after a cut.
    fn kept_names(&self, rng: &Rng) -> Vec<Names> {
        // First how many changes each directory keeps, since a move is seen in two of them.
        let kept: Vec<usize> = self
            .nodes
            .iter()
            .map(|node| match node {
                Node::Dir { pending, .. } => match rng.below(3) {
                    0 => 0,
                    1 => pending.len(),
                    _ => rng.below(pending.len() as u64 + 1) as usize,
                },
                Node::File { .. } => 0,
            })
            .collect();
        let has = |dir: usize, name: &str, node: usize| match &self.nodes[dir] {
            Node::Dir { safe, pending, .. } => {
                let mut names = safe.clone();
                pending[..kept[dir]].iter().for_each(|(_, naming)| rename(&mut names, naming.clone()));
                names.get(name) == Some(&node)
            }
            Node::File { .. } => false,
        };
        let names = |(at, node): (usize, &Node)| {
            let Node::Dir { safe, pending, .. } = node else { return Names::new() };
            let mut names = safe.clone();
            for (_, naming) in &pending[..kept[at]] {
                if let (Some((dir, name)), Some(node)) = (&naming.moved_to, names.get(&naming.name))
                    && *dir != at
                    && !has(*dir, name, *node)
                {
                    continue;
                }
                rename(&mut names, naming.clone());
            }
            names
        };
        self.nodes.iter().enumerate().map(names).collect()
    }

    fn content_after_cut(&self, node: usize, rng: &Rng) -> Vec<u8> {
        let Node::File { safe, pending } = &self.nodes[node] else { return Vec::new() };
        let mut bytes = safe.clone();
        // Often all or nothing of a file, since any single loss hides behind others.
        let mood = rng.below(4);
        for (_, change) in pending {
            match (mood, change) {
                (0, _) => {}
                (1, _) => apply(&mut bytes, change),
                (_, Change::Size(_)) if rng.below(2) == 0 => apply(&mut bytes, change),
                (_, Change::Size(_)) => {}
                (_, Change::Write(offset, written)) => match rng.below(3) {
                    0 => {}
                    1 => apply(&mut bytes, change),
                    _ => tear(&mut bytes, *offset, written, rng),
                },
            }
        }
        bytes
    }

    fn write_dir(
        &self,
        node: usize,
        names: &[Names],
        content: &impl Fn(usize) -> Vec<u8>,
        to: &Path,
    ) -> io::Result<()> {
        for (name, child) in &names[node] {
            let path = to.join(name);
            match &self.nodes[*child] {
                Node::File { .. } => fs::write(path, content(*child))?,
                Node::Dir { .. } => {
                    fs::create_dir(&path)?;
                    self.write_dir(*child, names, content, &path)?;
                }
            }
        }
        Ok(())
    }
}

fn rename(names: &mut Names, naming: Naming) {
    match naming.node {
        Some(node) => names.insert(naming.name, node),
        None => names.remove(&naming.name),
    };
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::Write(offset, written) => put(bytes, *offset, written),
        Change::Size(size) => bytes.resize(*size as usize, 0),
    }
}

fn put(bytes: &mut Vec<u8>, offset: u64, written: &[u8]) {
    let (start, end) = (offset as usize, offset as usize + written.len());
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[start..end].copy_from_slice(written);
}

/// Some sectors of a write arrive: those before a point, those after it, or any.
fn tear(bytes: &mut Vec<u8>, offset: u64, written: &[u8], rng: &Rng) {
    let way = rng.below(3);
    let point = rng.below(written.len() as u64 + 1);
    let mut at = 0;
    while at < written.len() {
        let end = (at + SECTOR - (offset as usize + at) % SECTOR).min(written.len());
        let arrives = match way {
            0 => end as u64 <= point,
            1 => at as u64 >= point,
            _ => rng.below(2) == 0,
        };
        if arrives {
            put(bytes, offset + at as u64, &written[at..end]);
        }
        at = end;
    }
    if way == 0 {
        // A write can end anywhere at the end of a file.
        let point = point as usize;
        put(bytes, offset, &written[..point]);
    }
}
