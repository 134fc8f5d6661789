//! Lets go of the program's code that only its start needed.
//!
//! The start of some forty services runs through code that lies all over the program, and the system maps what lies
//! around each piece of it too: over 20 MB, of which rest needs a few. The system would take them only when it is short
//! of memory. What is let go of and needed after all comes back from the page cache at the first touch.

use std::ffi::c_void;
use std::os::unix::ffi::OsStrExt as _;

use rustix::mm::{Advice, madvise};

/// How many bytes of code are let go of, whether or not they were in memory.
pub(crate) fn let_go() -> usize {
    let Ok(program) = std::env::current_exe() else { return 0 };
    let Ok(maps) = std::fs::read("/proc/self/maps") else { return 0 };
    let mut gone = 0;
    for (start, length) in code_of(&maps, program.as_os_str().as_bytes()) {
        // SAFETY: the pages are code of a file: nobody writes to them, and the same bytes are read again when they are
        // touched. There is no safe way to say it of memory that Rust has not allocated.
        #[allow(unsafe_code)]
        let done = unsafe { madvise(start as *mut c_void, length, Advice::LinuxDontNeed) };
        match done {
            Ok(()) => gone += length,
            Err(error) => tracing::debug!(%error, "code that is not needed stays in memory"),
        }
    }
    gone
}

/// Where a file is mapped to be run and not to be written, from the lines of `/proc/self/maps`.
fn code_of(maps: &[u8], file: &[u8]) -> Vec<(usize, usize)> {
    let lines = maps.split(|byte| *byte == b'\n');
    lines.filter_map(|line| code(line, file)).collect()
}

fn code(line: &[u8], file: &[u8]) -> Option<(usize, usize)> {
    let facts = std::str::from_utf8(line.strip_suffix(file)?).ok()?;
    let mut fields = facts.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    if fields.next()? != "r-xp" || fields.count() != 3 {
        return None;
    }
    let [start, end] = [start, end].map(|at| usize::from_str_radix(at, 16).ok());
    let (start, end) = (start?, end?);
    Some((start, end.checked_sub(start)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAPS: &[u8] =
        b"5591f05cb000-5591f14f1000 r--p 00000000 fe:00 5319040                    /opt/haneul
5591f14f1000-5591f44c9000 r-xp 00f25000 fe:00 5319040                    /opt/haneul
5591f44c9000-5591f45dd000 r--p 03efc000 fe:00 5319040                    /opt/haneul
5591f45dd000-5591f45e3000 rw-p 0400f000 fe:00 5319040                    /opt/haneul
7fc5add96000-7fc5adeec000 r-xp 00026000 fe:00 326279                     /usr/lib/libc.so.6
7fc5ae000000-7fc5ae001000 r-xp 00000000 fe:00 326280                     /other/opt/haneul
7ffdb5bfe000-7ffdb5c00000 r-xp 00000000 00:00 0                          [vdso]
";

    #[test]
    fn only_the_code_of_the_program() {
        assert_eq!(code_of(MAPS, b"/opt/haneul"), [(0x5591_f14f_1000, 0x2fd_8000)]);
        assert!(code_of(MAPS, b"/opt/other").is_empty());
        assert!(
            code_of(b"r-xp\n\xff - x /opt/haneul\n5-3 r-xp 0 0 0 /opt/haneul", b"/opt/haneul").is_empty()
        );
    }

    #[test]
    fn code_that_was_let_go_of_still_runs() {
        for _ in 0..3 {
            assert!(let_go() > 0, "this program's own code is found");
            assert_eq!(code_of(MAPS, b"/opt/haneul").len(), 1);
        }
    }
}
