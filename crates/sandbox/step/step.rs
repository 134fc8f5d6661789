//! The last step into a sandbox: restricts itself by Landlock, then becomes the program.
//!
//! `step DESCRIPTOR [r:PATH | w:PATH | p:PATH | d:PATH]… -- PROGRAM ARGUMENT…`, run inside, after the mounts and as the
//! first process. It closes the descriptor, which is its own file. Run without arguments it ends with the number of the
//! kernel's Landlock ABI, 0 without any.
//!
//! It runs over every root file system, an image with nothing in it but one program too, so there is no C library and
//! no standard library in it: only `core` and system calls, which is why it is the one file of the project with
//! `unsafe` in it. `build.rs` compiles it into an executable of a few kilobytes that the crate carries.
#![no_std]
#![no_main]

use core::arch::{asm, global_asm};

#[cfg(target_arch = "x86_64")]
global_asm!(".globl _start", "_start:", "mov rdi, rsp", "and rsp, -16", "call {begin}", begin = sym begin);
#[cfg(target_arch = "aarch64")]
global_asm!(".globl _start", "_start:", "mov x0, sp", "bl {begin}", begin = sym begin);

#[cfg(target_arch = "x86_64")]
mod number {
    pub const WRITE: usize = 1;
    pub const CLOSE: usize = 3;
    pub const EXECVE: usize = 59;
    pub const EXIT: usize = 60;
    pub const OPENAT: usize = 257;
}
#[cfg(target_arch = "aarch64")]
mod number {
    pub const WRITE: usize = 64;
    pub const CLOSE: usize = 57;
    pub const EXECVE: usize = 221;
    pub const EXIT: usize = 93;
    pub const OPENAT: usize = 56;
}
const CREATE_RULESET: usize = 444;
const ADD_RULE: usize = 445;
const RESTRICT_SELF: usize = 446;

// linux/landlock.h
const EXECUTE: u64 = 1;
const WRITE_FILE: u64 = 1 << 1;
const READ_FILE: u64 = 1 << 2;
const READ_DIR: u64 = 1 << 3;
const TRUNCATE: u64 = 1 << 14;
const IOCTL_DEV: u64 = 1 << 15;
const MAKE_CHAR: u64 = 1 << 6;
const MAKE_BLOCK: u64 = 1 << 11;
/// What a rule for a file, not a folder, may name.
const OF_FILES: u64 = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL_DEV;
/// Abstract Unix sockets and signals, of and to whoever is not in the same sandbox.
const SCOPES: u64 = 0b11;

const OPEN_PATH: usize = 0o10000000 | 0o2000000;
const HERE: usize = -100isize as usize;

#[repr(C)]
struct Ruleset {
    files: u64,
    ports: u64,
    scopes: u64,
}

#[repr(C, packed)]
struct Beneath {
    allowed: u64,
    parent: i32,
}

/// # Safety
/// Called once, by `_start`, with the stack as the kernel gives it: the number of arguments, their pointers, a zero, the
/// environment's pointers, a zero.
unsafe extern "C" fn begin(stack: *const usize) -> ! {
    unsafe {
        let count = *stack;
        let arguments = stack.add(1);
        let environment = arguments.add(count + 1);
        let abi = call(CREATE_RULESET, 0, 0, 1, 0);
        if count < 2 {
            exit(if abi > 0 { abi as usize } else { 0 });
        }
        // The first refuses all renames between folders.
        if abi < 2 {
            fail(b"the kernel has no Landlock any more\n");
        }
        // Each ABI knows more rights: 14 in the second (REFER is the last), then TRUNCATE, (ports,) IOCTL_DEV, scopes.
        let known: u64 = match abi {
            2 => (1 << 14) - 1,
            3 | 4 => (1 << 15) - 1,
            _ => (1 << 16) - 1,
        };
        let wanted = Ruleset { files: known, ports: 0, scopes: if abi >= 6 { SCOPES } else { 0 } };
        // Older kernels refuse a structure that is longer than theirs.
        let size = if abi >= 6 { 24 } else { 8 };
        let ruleset = call(CREATE_RULESET, &raw const wanted as usize, size, 0, 0);
        if ruleset < 0 {
            fail(b"no Landlock ruleset can be made\n");
        }
        let mut next = 2;
        loop {
            if next >= count {
                fail(b"there is nothing to run\n");
            }
            let rule = *arguments.add(next) as *const u8;
            next += 1;
            let (kind, colon) = (*rule, *rule.add(1));
            if kind == b'-' && colon == b'-' {
                break;
            }
            let read = EXECUTE | READ_FILE | READ_DIR;
            let allowed = known
                & match kind {
                    b'r' => read,
                    // As `>` of a shell opens a file.
                    b'p' => read | WRITE_FILE | TRUNCATE,
                    b'd' => read | WRITE_FILE | TRUNCATE | IOCTL_DEV,
                    b'w' => !(MAKE_CHAR | MAKE_BLOCK | IOCTL_DEV),
                    _ => fail(b"an unknown rule\n"),
                };
            let parent = call(OPENAT, HERE, rule.add(2) as usize, OPEN_PATH, 0);
            if parent < 0 {
                fail(b"a path of a rule is not there\n");
            }
            let mut beneath = Beneath { allowed, parent: parent as i32 };
            if call(ADD_RULE, ruleset as usize, 1, &raw const beneath as usize, 0) < 0 {
                beneath.allowed &= OF_FILES;
                if call(ADD_RULE, ruleset as usize, 1, &raw const beneath as usize, 0) < 0 {
                    fail(b"a rule is not taken\n");
                }
            }
            call(CLOSE, parent as usize, 0, 0, 0);
        }
        if call(RESTRICT_SELF, ruleset as usize, 0, 0, 0) < 0 {
            fail(b"the restriction is not taken\n");
        }
        call(CLOSE, ruleset as usize, 0, 0, 0);
        call(CLOSE, decimal(*arguments.add(1) as *const u8), 0, 0, 0);
        if next >= count {
            fail(b"there is nothing to run\n");
        }
        let program = arguments.add(next);
        call(EXECVE, *program, program as usize, environment as usize, 0);
        fail(b"the program cannot be run\n")
    }
}

use number::{CLOSE, EXECVE, EXIT, OPENAT, WRITE};

/// # Safety
/// `text` ends with a zero.
unsafe fn decimal(mut text: *const u8) -> usize {
    let mut number = 0usize;
    unsafe {
        while matches!(*text, b'0'..=b'9') {
            number = number.wrapping_mul(10).wrapping_add((*text - b'0') as usize);
            text = text.add(1);
        }
    }
    number
}

/// As a shell says that something cannot be run.
fn fail(why: &[u8]) -> ! {
    // SAFETY: the pointer and the length are those of one slice.
    unsafe { call(WRITE, 2, why.as_ptr() as usize, why.len(), 0) };
    exit(126)
}

fn exit(code: usize) -> ! {
    loop {
        // SAFETY: takes no pointer.
        unsafe { call(EXIT, code, 0, 0, 0) };
    }
}

/// # Safety
/// What is a pointer to the call must be good for it.
#[cfg(target_arch = "x86_64")]
unsafe fn call(number: usize, a: usize, b: usize, c: usize, d: usize) -> isize {
    let answer: isize;
    // SAFETY: the kernel changes rax, rcx, r11 and nothing else of ours.
    unsafe {
        asm!("syscall", inlateout("rax") number as isize => answer, in("rdi") a, in("rsi") b, in("rdx") c, in("r10") d,
            lateout("rcx") _, lateout("r11") _, options(nostack));
    }
    answer
}

/// # Safety
/// What is a pointer to the call must be good for it.
#[cfg(target_arch = "aarch64")]
unsafe fn call(number: usize, a: usize, b: usize, c: usize, d: usize) -> isize {
    let answer: isize;
    // SAFETY: the kernel changes x0 and nothing else of ours.
    unsafe {
        asm!("svc 0", in("x8") number, inlateout("x0") a as isize => answer, in("x1") b, in("x2") c, in("x3") d,
            options(nostack));
    }
    answer
}

#[panic_handler]
fn panicked(_: &core::panic::PanicInfo<'_>) -> ! {
    exit(126)
}
