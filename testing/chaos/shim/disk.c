/*
 * Records what a program does to the files under one directory: preload it with
 *
 *   LD_PRELOAD=…/libdisk.so HANEUL_DISK_DIR=/abs/dir HANEUL_DISK_LOG=/abs/log [HANEUL_DISK_NOSYNC=1]
 *
 * Every change is made and written to the log under one lock, so the log has the order in which things happened.
 * With NOSYNC, syncs are only logged: the log says what they promised, and runs are quick on slow disks.
 * `src/disk.rs` reads the log and makes up what a disk would hold after a power cut anywhere in it.
 *
 * A seccomp filter traps every system call that can change files, whoever makes it: libraries that do without libc's
 * functions too. The handler of the signal makes the call in the program's stead, from the one place that the filter
 * lets through. Calls that would change files in a way that is not recorded end the program: no gap goes unnoticed.
 * Writable shared mappings are refused with EACCES, since their writes cannot be seen.
 *
 * The filter outlives exec and the handler does not, so a program under it cannot start others.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/audit.h>
#include <linux/falloc.h>
#include <linux/filter.h>
#include <linux/fs.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <ucontext.h>
#include <unistd.h>

#ifndef __x86_64__
#error "the shim knows the registers of x86-64 only"
#endif

/* The log: u32 length of the rest, u8 operation, u64 a, u64 b, bytes; little-endian. src/disk.rs knows the same. */
enum { CREATE = 1, WRITE, SIZE, ZERO, SYNC_BEGIN, SYNC_END, RENAME, UNLINK, MKDIR, LINK };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char dir[PATH_MAX];
static size_t dir_len;
static int log_fd = -1;
static int no_sync;
static uint64_t syncs;

#define FDS 65536
enum { UNKNOWN = 0, OURS, OTHERS };
static unsigned char kinds[FDS];

/* The only place whose system calls pass the filter. Gives the kernel's answer: an error is negative. */
long shim_raw(long number, ...);
extern const char shim_raw_end[];
__asm__(
    ".text\n.globl shim_raw\n.hidden shim_raw\n.type shim_raw, @function\nshim_raw:\n"
    "mov %rdi, %rax\nmov %rsi, %rdi\nmov %rdx, %rsi\nmov %rcx, %rdx\nmov %r8, %r10\nmov %r9, %r8\nmov 8(%rsp), %r9\n"
    "syscall\n.globl shim_raw_end\n.hidden shim_raw_end\nshim_raw_end:\nret\n");

#define raw(number, a, b, c, d, e) shim_raw(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), 0L)

static void fail(const char *what) {
    char text[256];
    int len = snprintf(text, sizeof text, "disk shim: %s is not recorded\n", what);
    raw(SYS_write, 2, text, len, 0, 0);
    abort();
}

static void record(int op, uint64_t a, uint64_t b, const struct iovec *parts, int count, size_t bytes) {
    unsigned char head[21];
    uint32_t rest = 17 + bytes;
    memcpy(head, &rest, 4);
    head[4] = op;
    memcpy(head + 5, &a, 8);
    memcpy(head + 13, &b, 8);
    struct iovec all[IOV_MAX];
    all[0] = (struct iovec){head, sizeof head};
    int n = 1;
    for (int i = 0; i < count && bytes > 0 && n < IOV_MAX; i++) {
        size_t take = parts[i].iov_len < bytes ? parts[i].iov_len : bytes;
        all[n++] = (struct iovec){parts[i].iov_base, take};
        bytes -= take;
    }
    struct iovec *at = all;
    while (n > 0) {
        long done = raw(SYS_writev, log_fd, at, n, 0, 0);
        if (done == -EINTR) continue;
        if (done < 0) fail("with a full log, anything");
        while (n > 0 && (size_t)done >= at->iov_len) done -= at->iov_len, at++, n--;
        if (n > 0) at->iov_base = (char *)at->iov_base + done, at->iov_len -= done;
    }
}

static void record_text(int op, uint64_t a, uint64_t b, const char *text, size_t len) {
    struct iovec part = {(void *)text, len};
    record(op, a, b, &part, 1, len);
}

static void record_two(int op, const char *from, const char *to) {
    struct iovec parts[2] = {{(void *)from, strlen(from) + 1}, {(void *)to, strlen(to)}};
    record(op, 0, 0, parts, 2, parts[0].iov_len + parts[1].iov_len);
}

/* The path below our directory, or NULL for others' paths. "" is the directory itself. */
static const char *ours(const char *path) {
    if (log_fd < 0 || strncmp(path, dir, dir_len) != 0) return NULL;
    if (path[dir_len] != 0 && path[dir_len] != '/') return NULL;
    path += dir_len;
    while (*path == '/') path++;
    if (strstr(path, "../") || strstr(path, "./") || strstr(path, "//")) fail("a path with dots");
    return path;
}

/* `path`, made absolute by way of `into` where it is not. */
static const char *absolute(int at, const char *path, char *into) {
    if (path[0] == '/') return path;
    char link[64];
    ssize_t len;
    if (at == AT_FDCWD) {
        if (!getcwd(into, PATH_MAX)) return path;
        len = strlen(into);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        len = readlink(link, into, PATH_MAX - 1);
        if (len < 0) return path;
    }
    snprintf(into + len, PATH_MAX - len, "/%s", path);
    return into;
}

static int is_ours(int fd) {
    if (log_fd < 0 || fd < 0) return 0;
    if (fd < FDS && kinds[fd] != UNKNOWN) return kinds[fd] == OURS;
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, path, sizeof path - 1);
    int found = 0;
    if (len > 0) {
        path[len] = 0;
        found = strncmp(path, dir, dir_len) == 0 && (path[dir_len] == '/' || path[dir_len] == 0);
    }
    if (fd < FDS) kinds[fd] = found ? OURS : OTHERS;
    return found;
}

static uint64_t ino_of(int fd, uint64_t *size) {
    struct stat st;
    if (fstat(fd, &st) != 0) fail("a file without fstat");
    if (size) *size = st.st_size;
    return st.st_ino;
}

static void locked(void) { pthread_mutex_lock(&lock); }
static void unlocked(void) { pthread_mutex_unlock(&lock); }

static void forget(int fd) {
    if (fd >= 0 && fd < FDS) kinds[fd] = UNKNOWN;
}

/* ---- opening, writing, syncing ---- */

static long do_open(int at, const char *path, int flags, mode_t mode) {
    char into[PATH_MAX];
    const char *name = ours(absolute(at, path, into));
    if (!name || !*name) {
        long fd = raw(SYS_openat, at, path, flags, mode, 0);
        forget(fd);
        return fd;
    }
    if ((flags & O_TMPFILE) == O_TMPFILE) fail("O_TMPFILE");
    if (flags & O_DSYNC) fail("O_SYNC");
    locked();
    struct stat before;
    int existed = fstatat(at, path, &before, AT_SYMLINK_NOFOLLOW) == 0;
    long fd = raw(SYS_openat, at, path, flags, mode, 0);
    if (fd >= 0) {
        if (fd < FDS) kinds[fd] = OURS;
        if (!existed) record_text(CREATE, ino_of(fd, NULL), 0, name, strlen(name));
        else if ((flags & O_TRUNC) && before.st_size > 0) record(SIZE, before.st_ino, 0, NULL, 0, 0);
    }
    unlocked();
    return fd;
}

/* `call` is the pwritev or writev that was asked for, or what stands for a plain write. */
static long do_write(int fd, const struct iovec *parts, int count, off_t offset, int at_offset) {
    locked();
    uint64_t size, ino = ino_of(fd, &size);
    int append = fcntl(fd, F_GETFL) & O_APPEND;
    off_t start = append ? (off_t)size : at_offset ? offset : lseek(fd, 0, SEEK_CUR);
    long done = at_offset ? raw(SYS_pwritev, fd, parts, count, offset, 0) : raw(SYS_writev, fd, parts, count, 0, 0);
    if (done > 0) record(WRITE, ino, start, parts, count, done);
    unlocked();
    return done;
}

static long do_truncate(int fd, off_t size) {
    locked();
    long done = raw(SYS_ftruncate, fd, size, 0, 0, 0);
    if (done == 0) record(SIZE, ino_of(fd, NULL), size, NULL, 0, 0);
    unlocked();
    return done;
}

static long do_allocate(int fd, int mode, off_t offset, off_t len) {
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) fail("fallocate of that kind");
    locked();
    long done = raw(SYS_fallocate, fd, mode, offset, len, 0);
    if (done == 0) {
        uint64_t size, ino = ino_of(fd, &size);
        if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) {
            uint64_t zeros = len;
            record_text(ZERO, ino, offset, (char *)&zeros, sizeof zeros);
        }
        if (!(mode & FALLOC_FL_KEEP_SIZE)) record(SIZE, ino, size, NULL, 0, 0);
    }
    unlocked();
    return done;
}

/* What a sync promises is what was done before it began: others go on writing meanwhile. */
static long do_sync(int fd, long call) {
    locked();
    uint64_t id = ++syncs;
    record(SYNC_BEGIN, ino_of(fd, NULL), id, NULL, 0, 0);
    unlocked();
    long done = no_sync ? 0 : raw(call, fd, 0, 0, 0, 0);
    locked();
    if (done == 0) record(SYNC_END, 0, id, NULL, 0, 0);
    unlocked();
    return done;
}

/* ---- names ---- */

static long do_rename(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char a[PATH_MAX], b[PATH_MAX];
    const char *x = ours(absolute(from_at, from, a)), *y = ours(absolute(to_at, to, b));
    if (!x && !y) return raw(SYS_renameat2, from_at, from, to_at, to, flags);
    if (!x || !y || (flags & RENAME_EXCHANGE)) fail("a rename across the border, or an exchange");
    locked();
    long done = raw(SYS_renameat2, from_at, from, to_at, to, flags);
    if (done == 0) record_two(RENAME, x, y);
    unlocked();
    return done;
}

static long do_link(int from_at, const char *from, int to_at, const char *to, int flags) {
    char a[PATH_MAX], b[PATH_MAX];
    const char *x = ours(absolute(from_at, from, a)), *y = ours(absolute(to_at, to, b));
    if (!x && !y) return raw(SYS_linkat, from_at, from, to_at, to, flags);
    if (!x || !y || (flags & AT_EMPTY_PATH)) fail("a link across the border");
    locked();
    long done = raw(SYS_linkat, from_at, from, to_at, to, flags);
    if (done == 0) record_two(LINK, x, y);
    unlocked();
    return done;
}

static long do_unlink(int at, const char *path, int flags) {
    char into[PATH_MAX];
    const char *name = ours(absolute(at, path, into));
    if (!name) return raw(SYS_unlinkat, at, path, flags, 0, 0);
    locked();
    long done = raw(SYS_unlinkat, at, path, flags, 0, 0);
    if (done == 0) record_text(UNLINK, 0, 0, name, strlen(name));
    unlocked();
    return done;
}

static long do_mkdir(int at, const char *path, mode_t mode) {
    char into[PATH_MAX];
    const char *name = ours(absolute(at, path, into));
    if (!name || !*name) return raw(SYS_mkdirat, at, path, mode, 0, 0);
    locked();
    long done = raw(SYS_mkdirat, at, path, mode, 0, 0);
    if (done == 0) {
        struct stat st;
        if (fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) != 0) fail("a directory without stat");
        record_text(MKDIR, st.st_ino, 0, name, strlen(name));
    }
    unlocked();
    return done;
}

static long do_symlink(const char *target, int at, const char *path) {
    char into[PATH_MAX];
    if (ours(absolute(at, path, into))) fail("a symbolic link");
    return raw(SYS_symlinkat, target, at, path, 0, 0);
}

/* ---- the trap ---- */

static const int trapped[] = {
    SYS_open, SYS_openat, SYS_creat, SYS_close, SYS_dup2, SYS_dup3, SYS_write, SYS_pwrite64, SYS_writev, SYS_pwritev,
    SYS_pwritev2, SYS_ftruncate, SYS_truncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_sync_file_range, SYS_syncfs,
    SYS_sync, SYS_rename, SYS_renameat, SYS_renameat2, SYS_link, SYS_linkat, SYS_unlink, SYS_unlinkat, SYS_rmdir,
    SYS_mkdir, SYS_mkdirat, SYS_symlink, SYS_symlinkat, SYS_copy_file_range, SYS_sendfile, SYS_splice,
    SYS_io_uring_setup, SYS_openat2, SYS_close_range,
};

#define HERE AT_FDCWD
#define TEXT(x) ((const char *)(x))

static long handle(long call, long a, long b, long c, long d, long e, long f) {
    switch (call) {
    case SYS_open: return do_open(HERE, TEXT(a), b, c);
    case SYS_creat: return do_open(HERE, TEXT(a), O_CREAT | O_WRONLY | O_TRUNC, b);
    case SYS_openat: return do_open(a, TEXT(b), c, d);
    case SYS_close:
        if (a == log_fd) return 0;
        forget(a);
        return raw(SYS_close, a, 0, 0, 0, 0);
    case SYS_dup2: /* fall through */
    case SYS_dup3:
        forget(b);
        return raw(call, a, b, c, 0, 0);
    case SYS_write: {
        struct iovec part = {(void *)b, c};
        return is_ours(a) ? do_write(a, &part, 1, 0, 0) : raw(call, a, b, c, 0, 0);
    }
    case SYS_pwrite64: {
        struct iovec part = {(void *)b, c};
        return is_ours(a) ? do_write(a, &part, 1, d, 1) : raw(call, a, b, c, d, 0);
    }
    case SYS_writev: return is_ours(a) ? do_write(a, (void *)b, c, 0, 0) : raw(call, a, b, c, 0, 0);
    case SYS_pwritev: return is_ours(a) ? do_write(a, (void *)b, c, d, 1) : raw(call, a, b, c, d, e);
    case SYS_pwritev2:
        if (!is_ours(a)) return shim_raw(call, a, b, c, d, e, f);
        if (f != 0) fail("pwritev2 with flags");
        return do_write(a, (void *)b, c, d, d != -1);
    case SYS_ftruncate: return is_ours(a) ? do_truncate(a, b) : raw(call, a, b, 0, 0, 0);
    case SYS_truncate: {
        long fd = do_open(HERE, TEXT(a), O_WRONLY | O_CLOEXEC, 0);
        if (fd < 0) return fd;
        long done = is_ours(fd) ? do_truncate(fd, b) : raw(SYS_ftruncate, fd, b, 0, 0, 0);
        forget(fd);
        raw(SYS_close, fd, 0, 0, 0, 0);
        return done;
    }
    case SYS_fallocate: return is_ours(a) ? do_allocate(a, b, c, d) : raw(call, a, b, c, d, 0);
    case SYS_fsync: /* fall through */
    case SYS_fdatasync: return is_ours(a) ? do_sync(a, call) : raw(call, a, 0, 0, 0, 0);
    /* Promises nothing. */
    case SYS_sync_file_range: return is_ours(a) ? 0 : raw(call, a, b, c, d, 0);
    case SYS_syncfs:
        if (is_ours(a)) fail("syncfs");
        return raw(call, a, 0, 0, 0, 0);
    case SYS_sync: return 0;
    case SYS_rename: return do_rename(HERE, TEXT(a), HERE, TEXT(b), 0);
    case SYS_renameat: return do_rename(a, TEXT(b), c, TEXT(d), 0);
    case SYS_renameat2: return do_rename(a, TEXT(b), c, TEXT(d), e);
    case SYS_link: return do_link(HERE, TEXT(a), HERE, TEXT(b), 0);
    case SYS_linkat: return do_link(a, TEXT(b), c, TEXT(d), e);
    case SYS_unlink: return do_unlink(HERE, TEXT(a), 0);
    case SYS_rmdir: return do_unlink(HERE, TEXT(a), AT_REMOVEDIR);
    case SYS_unlinkat: return do_unlink(a, TEXT(b), c);
    case SYS_mkdir: return do_mkdir(HERE, TEXT(a), b);
    case SYS_mkdirat: return do_mkdir(a, TEXT(b), c);
    case SYS_symlink: return do_symlink(TEXT(a), HERE, TEXT(b));
    case SYS_symlinkat: return do_symlink(TEXT(a), b, TEXT(c));
    /* What cannot be seen; callers fall back to reading and writing. */
    case SYS_copy_file_range: return is_ours(c) ? -EXDEV : shim_raw(call, a, b, c, d, e, f);
    case SYS_sendfile: return is_ours(a) ? -EINVAL : raw(call, a, b, c, d, 0);
    case SYS_splice: return is_ours(c) ? -EINVAL : shim_raw(call, a, b, c, d, e, f);
    case SYS_mmap: return is_ours(e) ? -EACCES : shim_raw(call, a, b, c, d, e, f);
    case SYS_io_uring_setup: /* fall through */
    case SYS_openat2: /* fall through */
    case SYS_close_range: return -ENOSYS;
    default: fail("a call that was trapped"); return 0;
    }
}

static void on_trap(int signal, siginfo_t *info, void *context) {
    (void)signal;
    int saved = errno;
    greg_t *at = ((ucontext_t *)context)->uc_mcontext.gregs;
    at[REG_RAX] = handle(info->si_syscall, at[REG_RDI], at[REG_RSI], at[REG_RDX], at[REG_R10], at[REG_R8], at[REG_R9]);
    errno = saved;
}

#define LOAD(field) (struct sock_filter) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, field)
#define IS(value, yes, no) (struct sock_filter) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, yes, no)
#define AND(value) (struct sock_filter) BPF_STMT(BPF_ALU | BPF_AND | BPF_K, value)
#define ANSWER(value) (struct sock_filter) BPF_STMT(BPF_RET | BPF_K, value)
#define ARGUMENT(n) (offsetof(struct seccomp_data, args) + 8 * (n))
#define POINTER offsetof(struct seccomp_data, instruction_pointer)

static void trap(void) {
    struct sigaction action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_RESTART};
    uint64_t door = (uint64_t)(uintptr_t)shim_raw_end;
    struct sock_filter code[128];
    int n = 0;
    code[n++] = LOAD(offsetof(struct seccomp_data, arch));
    code[n++] = IS(AUDIT_ARCH_X86_64, 1, 0);
    code[n++] = ANSWER(SECCOMP_RET_KILL_PROCESS);
    code[n++] = LOAD(POINTER);
    code[n++] = IS((uint32_t)door, 0, 3);
    code[n++] = LOAD(POINTER + 4);
    code[n++] = IS((uint32_t)(door >> 32), 0, 1);
    code[n++] = ANSWER(SECCOMP_RET_ALLOW);
    code[n++] = LOAD(offsetof(struct seccomp_data, nr));
    for (size_t i = 0; i < sizeof trapped / sizeof *trapped; i++) {
        code[n++] = IS(trapped[i], 0, 1);
        code[n++] = ANSWER(SECCOMP_RET_TRAP);
    }
    code[n++] = IS(SYS_mmap, 0, 6);
    code[n++] = LOAD(ARGUMENT(2));
    code[n++] = AND(PROT_WRITE);
    code[n++] = IS(0, 3, 0);
    code[n++] = LOAD(ARGUMENT(3));
    code[n++] = AND(MAP_SHARED);
    code[n++] = IS(0, 0, 1);
    code[n++] = ANSWER(SECCOMP_RET_ALLOW);
    code[n++] = ANSWER(SECCOMP_RET_TRAP);
    struct sock_fprog program = {n, code};
    if (sigaction(SIGSYS, &action, NULL) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
        fail("where system calls cannot be trapped, anything");
}

__attribute__((constructor)) static void start(void) {
    const char *d = getenv("HANEUL_DISK_DIR"), *l = getenv("HANEUL_DISK_LOG");
    if (!d || !l) return;
    int fd = open(l, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) fail("without its log, anything");
    /* Out of the way of programs that look at low descriptors. */
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 512);
    if (log_fd < 0) log_fd = fd;
    else close(fd);
    no_sync = getenv("HANEUL_DISK_NOSYNC") != NULL;
    dir_len = strlen(d);
    if (dir_len >= sizeof dir) fail("a path that long");
    memcpy(dir, d, dir_len + 1);
    trap();
}
