//! Tricks of hostile programs by which they would leave a sandbox, each with a control that shows that the trick works
//! where the guard is not: otherwise a denial would prove nothing.

mod trial;

use std::process::{Command, Stdio};

use haneul_sandbox::Guard;
use trial::Trial;

/// Where a trick works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Control {
    /// In the sandbox without its list of system calls.
    NoFilter,
    /// Outside, in namespaces of its own and with all capabilities over them: what keeps it in is that there are none.
    Capable,
    /// Outside, as root.
    Outside,
    /// Nowhere that a test may go; with the reason, and what is shown instead.
    None(&'static str),
}

use Control::{Capable, NoFilter, None as Nowhere, Outside};

/// Code in Python, run in a process and a folder of its own; it must fail inside.
const TRICKS: &[(&str, &str, Control)] = &[
    ("ptrace", "call(101, 0x4206, os.getppid(), 0, 0)", NoFilter),
    ("ptrace traceme", "call(101, 0, 0, 0, 0)", NoFilter),
    ("mount", "call(165, b'none', here, b'tmpfs', 0, 0)", Capable),
    (
        "mount overlay",
        "(call(165, b'none', here, b'tmpfs', 0, 0) if capable else 0); os.chdir(here); [os.mkdir(name) for name in ('u', 'w')]; call(165, b'o', here, b'overlay', 0, b'lowerdir=/usr,upperdir=u,workdir=w,userxattr')",
        Capable,
    ),
    (
        "umount",
        "(call(165, b'none', here, b'tmpfs', 0, 0) if capable else 0); call(166, here if capable else b'/usr', 2)",
        Capable,
    ),
    ("remount", "call(165, b'none', b'/', b'', 32 | 4096 | (1 << 18 if capable else 0), 0)", Capable),
    (
        "pivot_root",
        "call(165, b'none', here, b'tmpfs', 0, 0); os.chdir(here); call(155, b'.', b'.')",
        Capable,
    ),
    ("chroot", "call(161, here)", Capable),
    ("new user namespace", "call(272, 0x10000000)", NoFilter),
    ("new mount namespace", "call(272, 0x10020000)", NoFilter),
    ("clone into namespaces", "call(56, 0x10000000 | 17, 0, 0, 0, 0) or os._exit(0)", NoFilter),
    ("enter a namespace", "call(308, os.open('/proc/self/ns/net', os.O_RDONLY), 0)", Capable),
    ("add_key", "call(248, b'user', b'x', b'y', 1, -2)", NoFilter),
    ("keyctl", "call(250, 0, -2, 1)", NoFilter),
    ("bpf", "call(321, 0, here, 0)", Nowhere("without the filter the kernel looks at its arguments")),
    (
        "perf_event_open",
        "call(298, 0, 0, -1, -1, 0)",
        Nowhere("without the filter the kernel looks at its arguments"),
    ),
    ("userfaultfd", "os.close(call(323, 1))", NoFilter),
    ("io_uring", "call(425, 1, 0)", Nowhere("without the filter the kernel looks at its arguments")),
    (
        "open_by_handle_at",
        "call(304, -100, 0, 0)",
        Nowhere("without the filter the kernel looks at its arguments"),
    ),
    ("process_vm_readv", "call(310, os.getppid(), *[ctypes.c_ulong(0)] * 5)", NoFilter),
    ("init_module", "call(175, 0, 0, b'')", Nowhere("it would change the kernel of all")),
    ("kexec", "call(246, 0, 0, 0, 0)", Nowhere("it would replace the kernel of all")),
    ("reboot", "call(169, 0, 0, 0, 0)", Nowhere("it would restart the machine")),
    ("settimeofday", "call(164, 0, 0)", Outside),
    ("sethostname", "call(170, b'x', 1)", Capable),
    ("swapon", "call(167, b'/tmp/x', 0)", Nowhere("it would change the memory of all")),
    ("syslog", "call(103, 10, 0, 0)", Outside),
    ("raw sockets", "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", Capable),
    ("vsock", "socket.socket(40, socket.SOCK_STREAM)", NoFilter),
    ("setuid", "os.setuid(0)", Capable),
    ("a device", "os.mknod('memory', 0o600 | stat.S_IFCHR, os.makedev(1, 1))", Outside),
    ("the password file", "open('/etc/shadow').read(1)", Outside),
    ("a symlink to the host", "os.symlink('/etc/shadow', 'link') or open('link').read(1)", Outside),
    (
        "the root of the first process",
        "open('/proc/1/root' '/etc/shadow').read(1)",
        Nowhere("not everywhere may root look there"),
    ),
    ("its own root", "open('/proc/self/root' '/etc/shadow').read(1)", Outside),
    ("the working directory before", "open('/proc/self/cwd/../../../../../../etc/shadow').read(1)", Outside),
    (
        "more open files",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (1 << 17, 1 << 17))",
        Nowhere("what the host allows us is not known"),
    ),
    ("a higher priority", "os.nice(-5)", Outside),
    (
        "user id maps",
        "os.write(os.open('/proc/self/uid_map', os.O_WRONLY), b'0 0 1')",
        Nowhere("a map is written once, where there is one"),
    ),
    ("control groups", "os.listdir('/sys/fs/cgroup')", Outside),
    ("the names of disks", "os.listdir('/sys/block')", Outside),
    ("core dumps to a program", "open('/proc/sys/kernel/core_pattern', 'a').close()", Outside),
    (
        "the machine's requests",
        "open('/proc/sysrq-trigger', 'a').close()",
        Nowhere("not every kernel has it"),
    ),
];

const PRELUDE: &str = "import ctypes, os, resource, signal, socket, stat, sys, tempfile
libc = ctypes.CDLL(None, use_errno=True)
capable = sys.argv[1] == 'capable'
def call(number, *args):
    done = libc.syscall(number, *args)
    if done == -1:
        raise OSError(ctypes.get_errno(), 'no')
    return done
def become_capable():
    # User, mount, host name and network namespaces; mounts stay in them.
    call(272, 0x10000000 | 0x00020000 | 0x04000000 | 0x40000000)
    open('/proc/self/setgroups', 'w').write('deny')
    open('/proc/self/uid_map', 'w').write('0 0 1')
    open('/proc/self/gid_map', 'w').write('0 0 1')
    call(165, b'none', b'/', 0, 16384 | (1 << 18), 0)
def trick(name, code):
    child = os.fork()
    if child:
        status = os.waitpid(child, 0)[1]
        if status:
            print(name + ': denied', status, flush=True)
        return
    signal.alarm(10)
    folder = tempfile.mkdtemp()
    os.chdir(folder)
    here = folder.encode()
    try:
        if capable:
            become_capable()
        exec(code, {**globals(), 'here': here})
        print(name + ': DONE', flush=True)
    except (OSError, ValueError) as error:
        print(name + ': denied', error.errno if isinstance(error, OSError) else error, flush=True)
    os._exit(0)
";

fn script(wanted: impl Fn(Control) -> bool) -> String {
    let mut script = String::from(PRELUDE);
    for (name, code, control) in TRICKS {
        if wanted(*control) {
            script.push_str(&format!("trick({name:?}, {code:?})\n"));
        }
    }
    script
}

fn outside(mode: &str, script: &str) -> String {
    let shown =
        Command::new("/usr/bin/python3").args(["-c", script, mode]).stdin(Stdio::null()).output().unwrap();
    String::from_utf8_lossy(&shown.stdout).into_owned() + &String::from_utf8_lossy(&shown.stderr)
}

/// A list of system calls by their numbers: of x86_64.
fn python() -> Option<String> {
    if !cfg!(target_arch = "x86_64") {
        println!("skipped: the tricks' system calls are numbered for x86_64");
        return None;
    }
    trial::python()
}

#[tokio::test(flavor = "multi_thread")]
async fn tricks_are_denied() {
    let Some(python) = python() else { return };
    let Some(seen) = Trial::new(&[&python, "-c", &script(|_| true), "inside"]).run().await else { return };
    let text = seen.out();
    assert_eq!(text.lines().count(), TRICKS.len(), "{text}{}", seen.err());
    let done: Vec<&str> = text.lines().filter(|line| !line.contains(": denied")).collect();
    assert!(done.is_empty(), "{done:?}");
    // Denied by the filter, which says EPERM; io_uring is said not to be there.
    for (name, _, control) in TRICKS {
        let denied =
            text.lines().find_map(|line| line.strip_prefix(&format!("{name}: denied "))).unwrap_or_default();
        match (*name, control) {
            ("io_uring", _) => assert_eq!(denied, "38"),
            (_, NoFilter | Nowhere("without the filter the kernel looks at its arguments")) => {
                assert_eq!(denied, "1", "{name}");
            }
            _ => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn tricks_work_where_the_guard_is_not() {
    let Some(python) = python() else { return };
    let filter = |control| {
        matches!(control, NoFilter | Nowhere("without the filter the kernel looks at its arguments"))
    };
    let open = Trial::new(&[&python, "-c", &script(filter), "inside"]).without(&[Guard::Seccomp]);
    let Some(seen) = open.run().await else { return };
    let text = seen.out();
    for (name, _, control) in TRICKS.iter().filter(|(_, _, control)| filter(*control)) {
        let line = text.lines().find(|line| line.starts_with(&format!("{name}: "))).unwrap_or_default();
        match control {
            NoFilter => assert_eq!(line, format!("{name}: DONE"), "{text}{}", seen.err()),
            // EINVAL or EFAULT: the call was there. Some ask for a capability before they look.
            _ => assert_ne!(line, format!("{name}: denied 1"), "{text}"),
        }
    }
    if !trial::is_root() {
        println!("skipped: what only root can do outside");
        return;
    }
    for (mode, control) in [("capable", Capable), ("plain", Outside)] {
        let text = outside(mode, &script(|one| one == control));
        for (name, _, _) in TRICKS.iter().filter(|(_, _, one)| *one == control) {
            assert!(text.contains(&format!("{name}: DONE\n")), "{mode} {name}: {text}");
        }
    }
}

/// Mounts in namespaces that the program makes by itself: the list of system calls and Landlock each keep it from that.
#[tokio::test(flavor = "multi_thread")]
async fn a_mount_in_namespaces_of_its_own_is_denied_twice() {
    let Some(python) = python() else { return };
    let script = String::from(PRELUDE)
        + "call(272, 0x10020000)
call(165, b'none', b'/tmp', b'tmpfs', 0, 0)
print('MOUNTED')
";
    let with = async |without: &[Guard]| {
        let seen = Trial::new(&[&python, "-c", &script, "inside"]).without(without).run().await?;
        Some(seen.out().contains("MOUNTED"))
    };
    let Some(both_off) = with(&[Guard::Seccomp, Guard::Landlock]).await else { return };
    assert!(both_off, "the control");
    if trial::sandbox().is_some_and(|sandbox| sandbox.describe().contains("no Landlock")) {
        println!("skipped: this kernel has no Landlock");
    } else {
        assert_eq!(with(&[Guard::Seccomp]).await, Some(false), "Landlock alone");
    }
    assert_eq!(with(&[Guard::Landlock]).await, Some(false), "the list of system calls alone");
    assert_eq!(with(&[]).await, Some(false));
}
