//! The processes of one sandbox, seen from the host: all descendants of its first process.

use rustix::process::{Pid, Signal, kill_process};

/// Processes that are looked at, at most.
const PROCESSES_MAX: usize = 8192;

/// `root` and its descendants.
pub(crate) fn processes(root: u32) -> Vec<u32> {
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        let Ok(threads) = std::fs::read_dir(format!("/proc/{pid}/task")) else { continue };
        for thread in threads.flatten() {
            let Ok(text) = std::fs::read_to_string(thread.path().join("children")) else { continue };
            found.extend(text.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
            if found.len() >= PROCESSES_MAX {
                return found;
            }
        }
    }
    found
}

pub(crate) fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

/// Stops all processes of the tree; those that are born meanwhile too.
pub(crate) fn stop(root: u32) {
    let mut stopped = std::collections::HashSet::new();
    // Each round catches the children that were born in the round before; a fork bomb is not chased for ever, its
    // limit on processes is what ends it.
    for _ in 0..16 {
        let fresh: Vec<u32> = processes(root).into_iter().filter(|pid| stopped.insert(*pid)).collect();
        if fresh.is_empty() {
            return;
        }
        for pid in fresh {
            signal(pid, Signal::STOP);
        }
    }
}

pub(crate) fn go_on(root: u32) {
    for pid in processes(root) {
        signal(pid, Signal::CONT);
    }
}

/// What `/proc/PID/status` says of the memory of one process, in bytes.
#[derive(Clone, Copy, Default)]
pub(crate) struct Memory {
    /// Resident at most so far.
    pub(crate) peak: u64,
    pub(crate) resident: u64,
    /// Of that, what is backed by no file.
    pub(crate) anonymous: u64,
}

pub(crate) fn memory(pid: u32) -> Memory {
    let mut memory = Memory::default();
    let Ok(text) = std::fs::read_to_string(format!("/proc/{pid}/status")) else { return memory };
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        let bytes = || {
            let kilobytes = value.split_whitespace().next().and_then(|text| text.parse::<u64>().ok());
            kilobytes.unwrap_or(0) * 1024
        };
        match name {
            "VmHWM" => memory.peak = bytes(),
            "VmRSS" => memory.resident = bytes(),
            "RssAnon" => memory.anonymous = bytes(),
            _ => {}
        }
    }
    memory
}
