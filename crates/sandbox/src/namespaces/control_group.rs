//! Control groups: limits on all processes of a sandbox together. Version 2 where it has the controllers, else 1.
//!
//! What is limited for each sandbox and not for each process is memory, processes and processors; without control
//! groups memory is watched and the kernel's limits per user stand in for the rest.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::{Limits, Usage};

/// Where this host lets us make groups.
#[derive(Clone, Debug)]
pub(crate) enum Hierarchies {
    V2 {
        parent: PathBuf,
    },
    /// A folder for each controller that is there.
    V1 {
        memory: Option<PathBuf>,
        pids: Option<PathBuf>,
        cpu: Option<PathBuf>,
        cpuacct: Option<PathBuf>,
    },
}

/// Our groups are named so, with our process id: `haneul-PID-NUMBER`.
const PREFIX: &str = "haneul-";

impl Hierarchies {
    /// What can really be written to, tried out.
    pub(crate) fn find() -> Option<Hierarchies> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").ok()?;
        let own = fs::read_to_string("/proc/self/cgroup").ok()?;
        v2(&mounts).or_else(|| v1(&mounts, &own))
    }

    pub(crate) fn name(&self) -> &'static str {
        match self {
            Hierarchies::V2 { .. } => "control groups v2",
            Hierarchies::V1 { .. } => "control groups v1",
        }
    }

    fn parents(&self) -> Vec<&PathBuf> {
        match self {
            Hierarchies::V2 { parent } => vec![parent],
            Hierarchies::V1 { memory, pids, cpu, cpuacct } => {
                let mut all: Vec<&PathBuf> = [memory, pids, cpu, cpuacct].into_iter().flatten().collect();
                all.sort();
                all.dedup();
                all
            }
        }
    }

    /// Takes away the groups of servers that were killed.
    pub(crate) fn sweep(&self) {
        for parent in self.parents() {
            for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
                let name = entry.file_name();
                let Some(rest) = name.to_str().and_then(|name| name.strip_prefix(PREFIX)) else { continue };
                let pid = rest.split('-').next().unwrap_or_default();
                if !Path::new("/proc").join(pid).exists() {
                    let _ = fs::remove_dir(entry.path());
                }
            }
        }
    }

    /// Makes a group with `limits` for the sandbox `number`, and puts `pid` into it.
    pub(crate) fn enter(&self, number: u64, pid: u32, limits: &Limits, in_memory: u64) -> io::Result<Group> {
        let name = format!("{PREFIX}{}-{number}", std::process::id());
        // A file system in memory counts as the memory of who writes to it; it has a limit of its own.
        let memory_max = limits.memory_bytes.saturating_add(in_memory);
        let at = |parent: &Option<PathBuf>| {
            let folder = parent.as_ref().map(|parent| parent.join(&name));
            folder.map(|folder| fs::create_dir_all(&folder).map(|()| folder)).transpose()
        };
        let group = match self {
            Hierarchies::V2 { parent } => Group::V2(at(&Some(parent.clone()))?.unwrap_or_default()),
            Hierarchies::V1 { memory, pids, cpu, cpuacct } => {
                Group::V1 { memory: at(memory)?, pids: at(pids)?, cpu: at(cpu)?, cpuacct: at(cpuacct)? }
            }
        };
        group.limit(limits, memory_max)?;
        for folder in group.folders() {
            write(folder, "cgroup.procs", pid)?;
        }
        Ok(group)
    }
}

/// The group of one sandbox; taken away when dropped, once its processes are gone.
#[derive(Debug)]
pub(crate) enum Group {
    V2(PathBuf),
    V1 { memory: Option<PathBuf>, pids: Option<PathBuf>, cpu: Option<PathBuf>, cpuacct: Option<PathBuf> },
}

impl Group {
    fn folders(&self) -> Vec<&PathBuf> {
        match self {
            Group::V2(folder) => vec![folder],
            Group::V1 { memory, pids, cpu, cpuacct } => {
                let mut all: Vec<&PathBuf> = [memory, pids, cpu, cpuacct].into_iter().flatten().collect();
                all.sort();
                all.dedup();
                all
            }
        }
    }

    fn limit(&self, limits: &Limits, memory_max: u64) -> io::Result<()> {
        match self {
            Group::V2(folder) => {
                write(folder, "memory.max", memory_max)?;
                let _ = write(folder, "memory.swap.max", 0);
                let _ = write(folder, "memory.oom.group", 1);
                write(folder, "pids.max", limits.processes_max)?;
                // From 2…262144 to 1…10000, as systemd and runc do.
                let weight = 1 + (u64::from(limits.cpu_weight).clamp(2, 262_144) - 2) * 9_999 / 262_142;
                write(folder, "cpu.weight", weight)?;
                if let Some(millis) = limits.cpu_millis {
                    write(folder, "cpu.max", format!("{} 100000", u64::from(millis) * 100))?;
                }
            }
            Group::V1 { memory, pids, cpu, .. } => {
                if let Some(memory) = memory {
                    write(memory, "memory.limit_in_bytes", memory_max)?;
                    // Only there when swap is counted.
                    let _ = write(memory, "memory.memsw.limit_in_bytes", memory_max);
                }
                if let Some(pids) = pids {
                    write(pids, "pids.max", limits.processes_max)?;
                }
                if let Some(cpu) = cpu {
                    write(cpu, "cpu.shares", limits.cpu_weight.clamp(2, 262_144))?;
                    if let Some(millis) = limits.cpu_millis {
                        write(cpu, "cpu.cfs_period_us", 100_000)?;
                        write(cpu, "cpu.cfs_quota_us", u64::from(millis) * 100)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// What the processes hold that is backed by no file, and not in a file system in memory; `None` when not counted.
    pub(crate) fn anonymous_bytes(&self) -> Option<u64> {
        let (folder, field) = match self {
            Group::V2(folder) => (folder, "anon"),
            Group::V1 { memory, .. } => (memory.as_ref()?, "total_rss"),
        };
        let text = fs::read_to_string(folder.join("memory.stat")).ok()?;
        let value = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(' '))?;
        value.trim().parse().ok()
    }

    /// Whether the kernel killed a process of the group for want of memory.
    pub(crate) fn ran_out_of_memory(&self) -> bool {
        let (folder, file) = match self {
            Group::V2(folder) => (folder, "memory.events"),
            Group::V1 { memory: Some(memory), .. } => (memory, "memory.oom_control"),
            Group::V1 { memory: None, .. } => return false,
        };
        let text = fs::read_to_string(folder.join(file)).unwrap_or_default();
        let kills = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
        kills.is_some_and(|count| count.trim() != "0")
    }

    pub(crate) fn add_usage(&self, usage: &mut Usage) {
        let number = |folder: &Path, file: &str| -> Option<u64> {
            fs::read_to_string(folder.join(file)).ok()?.trim().parse().ok()
        };
        match self {
            Group::V2(folder) => {
                let text = fs::read_to_string(folder.join("cpu.stat")).unwrap_or_default();
                let micros = text.lines().find_map(|line| line.strip_prefix("usage_usec "));
                usage.cpu_micros = micros.and_then(|text| text.trim().parse().ok()).unwrap_or(0);
            }
            Group::V1 { cpuacct, .. } => {
                let nanos = cpuacct.as_deref().and_then(|folder| number(folder, "cpuacct.usage"));
                usage.cpu_micros = nanos.unwrap_or(0) / 1000;
            }
        }
    }

    /// Freezes with the kernel's freezer, where a frozen process can still be killed: in version 2 only. In version 1
    /// it could not, and would outlive us.
    pub(crate) fn freeze(&self, frozen: bool) -> bool {
        match self {
            Group::V2(folder) => write(folder, "cgroup.freeze", u8::from(frozen)).is_ok(),
            Group::V1 { .. } => false,
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let folders: Vec<PathBuf> = self.folders().into_iter().cloned().collect();
        for folder in folders {
            // The last process may still be on its way out.
            for _ in 0..20 {
                match fs::remove_dir(&folder) {
                    Err(error) if error.raw_os_error() == Some(libc::EBUSY) => {
                        std::thread::sleep(Duration::from_millis(1));
                    }
                    _ => break,
                }
            }
        }
    }
}

fn write(folder: &Path, file: &str, value: impl ToString) -> io::Result<()> {
    let path = folder.join(file);
    // Not `fs::write`, which would create what is not there.
    let mut open = fs::OpenOptions::new().write(true).open(&path).map_err(|error| of(&path, &error))?;
    io::Write::write_all(&mut open, value.to_string().as_bytes()).map_err(|error| of(&path, &error))
}

fn of(path: &Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{}: {error}", path.display()))
}

fn v2(mounts: &str) -> Option<Hierarchies> {
    let (_, root, _) = cgroup_mounts(mounts).find(|(kind, ..)| *kind == "cgroup2")?;
    let root = Path::new(root);
    let has = fs::read_to_string(root.join("cgroup.controllers")).ok()?;
    if !["memory", "pids", "cpu"].iter().all(|wanted| has.split_whitespace().any(|name| name == *wanted)) {
        return None;
    }
    // A group of its own under the root: no process may be in a group that hands controllers on.
    let parent = root.join("haneul");
    let _ = write(root, "cgroup.subtree_control", "+memory +pids +cpu");
    fs::create_dir_all(&parent).ok()?;
    write(&parent, "cgroup.subtree_control", "+memory +pids +cpu").ok()?;
    Some(Hierarchies::V2 { parent })
}

fn v1(mounts: &str, own: &str) -> Option<Hierarchies> {
    let find = |controller: &str| {
        let (_, root, _) = cgroup_mounts(mounts).find(|(kind, _, options)| {
            *kind == "cgroup" && options.split(',').any(|option| option == controller)
        })?;
        let path = own.lines().find_map(|line| {
            let (_, rest) = line.split_once(':')?;
            let (controllers, path) = rest.split_once(':')?;
            controllers.split(',').any(|name| name == controller).then_some(path)
        })?;
        // Below our own group, so that what limits us limits what we run; in a container it may be the root.
        let under = Path::new(root).join(path.trim_start_matches('/'));
        let parent = if under.is_dir() { under } else { PathBuf::from(root) };
        // One group above all of ours: they share the processors with each other, and as one with the rest of the host.
        let all = parent.join("haneul");
        let parent = if fs::create_dir_all(&all).is_ok() { all } else { parent };
        if controller == "cpu" {
            let processors = std::thread::available_parallelism().map_or(1, usize::from);
            let _ = write(&parent, "cpu.shares", processors * 1024);
        }
        let probe = parent.join(format!("{PREFIX}{}-0", std::process::id()));
        fs::create_dir(&probe).ok()?;
        let _ = fs::remove_dir(&probe);
        Some(parent)
    };
    let (memory, pids, cpu, cpuacct) = (find("memory"), find("pids"), find("cpu"), find("cpuacct"));
    let some = memory.is_some() || pids.is_some() || cpu.is_some();
    some.then_some(Hierarchies::V1 { memory, pids, cpu, cpuacct })
}

/// Kind, folder and options of each mounted hierarchy.
fn cgroup_mounts(mounts: &str) -> impl Iterator<Item = (&str, &str, &str)> {
    mounts.lines().filter_map(|line| {
        // mountinfo: fields, a lone dash, then type, source, options (proc_pid_mountinfo(5)).
        let (before, after) = line.split_once(" - ")?;
        let folder = before.split(' ').nth(4)?;
        let mut after = after.split(' ');
        let kind = after.next()?;
        let options = after.nth(1)?;
        kind.starts_with("cgroup").then_some((kind, folder, options))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mounts_are_read() {
        let text = "25 1 0:22 / /sys/fs/cgroup/cpu rw,relatime - cgroup cgroup rw,cpu\n\
                    26 1 0:23 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n\
                    27 1 0:24 / / rw - ext4 /dev/vda rw\n";
        let found: Vec<_> = cgroup_mounts(text).collect();
        assert_eq!(found[0], ("cgroup", "/sys/fs/cgroup/cpu", "rw,cpu"));
        assert_eq!(found[1], ("cgroup2", "/sys/fs/cgroup/unified", "rw"));
        assert_eq!(found.len(), 2);
    }
}
