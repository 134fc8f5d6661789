/*
 * Records what a program does to the files under one directory: preload it with
 *
 *   LD_PRELOAD=…/libdisk.so HANEUL_DISK_DIR=/abs/dir HANEUL_DISK_LOG=/abs/log [HANEUL_DISK_NOSYNC=1]
 *
 * Every change is made and written to the log under one lock, so the log has the order in which things happened.
 * With NOSYNC, syncs are only logged: the log says what they promised, and runs are quick on slow disks.
 * `src/disk.rs` reads the log and makes up what a disk would hold after a power cut anywhere in it.
 *
 * A call that would change files in a way that is not recorded ends the program: no gap goes unnoticed. Writable shared
 * mappings are refused with EACCES, since their writes cannot be seen.
 *
 * Calls go to the kernel directly; there is nothing to look up and no order of initialisation to get right.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>
#include <linux/falloc.h>
#include <linux/fs.h>

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

static void fail(const char *what) {
    char text[256];
    int len = snprintf(text, sizeof text, "disk shim: %s is not recorded\n", what);
    syscall(SYS_write, 2, text, len);
    abort();
}

__attribute__((constructor)) static void start(void) {
    const char *d = getenv("HANEUL_DISK_DIR"), *l = getenv("HANEUL_DISK_LOG");
    if (!d || !l) return;
    int fd = syscall(SYS_openat, AT_FDCWD, l, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) fail("without its log, anything");
    /* Out of the way of programs that look at low descriptors. */
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 512);
    if (log_fd < 0) log_fd = fd; else syscall(SYS_close, fd);
    no_sync = getenv("HANEUL_DISK_NOSYNC") != NULL;
    dir_len = strlen(d);
    if (dir_len >= sizeof dir) fail("a path that long");
    memcpy(dir, d, dir_len + 1);
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
        ssize_t done = syscall(SYS_writev, log_fd, at, n);
        if (done < 0) {
            if (errno == EINTR) continue;
            fail("with a full log, anything");
        }
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

static const char *absolute(int at, const char *path, char *into) {
    if (path[0] == '/') return path;
    char link[64];
    ssize_t len;
    if (at == AT_FDCWD) {
        if (!getcwd(into, PATH_MAX)) return path;
        len = strlen(into);
    } else {
        snprintf(link, sizeof link, "/proc/self/fd/%d", at);
        len = syscall(SYS_readlinkat, AT_FDCWD, link, into, PATH_MAX - 1);
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
    int saved = errno;
    ssize_t len = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
    errno = saved;
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
static void unlocked(void) {
    int saved = errno;
    pthread_mutex_unlock(&lock);
    errno = saved;
}

/* ---- opening and closing ---- */

static int do_open(int at, const char *path, int flags, mode_t mode) {
    char into[PATH_MAX];
    const char *name = log_fd < 0 ? NULL : ours(absolute(at, path, into));
    if (!name || !*name) {
        int fd = syscall(SYS_openat, at, path, flags, mode);
        if (fd >= 0 && fd < FDS) kinds[fd] = UNKNOWN;
        return fd;
    }
    if ((flags & O_TMPFILE) == O_TMPFILE) fail("O_TMPFILE");
    if (flags & O_DSYNC) fail("O_SYNC");
    locked();
    struct stat before;
    int existed = fstatat(at, path, &before, AT_SYMLINK_NOFOLLOW) == 0;
    int fd = syscall(SYS_openat, at, path, flags, mode);
    if (fd >= 0) {
        if (fd < FDS) kinds[fd] = OURS;
        if (!existed) record_text(CREATE, ino_of(fd, NULL), 0, name, strlen(name));
        else if ((flags & O_TRUNC) && before.st_size > 0) record(SIZE, before.st_ino, 0, NULL, 0, 0);
    }
    unlocked();
    return fd;
}

#define OPEN_MODE(flags, last)                                       \
    mode_t mode = 0;                                                 \
    if ((flags) & (O_CREAT | __O_TMPFILE)) {                         \
        va_list more;                                                \
        va_start(more, last);                                        \
        mode = va_arg(more, mode_t);                                 \
        va_end(more);                                                \
    }

int open(const char *path, int flags, ...) { OPEN_MODE(flags, flags) return do_open(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { OPEN_MODE(flags, flags) return do_open(AT_FDCWD, path, flags, mode); }
int openat(int at, const char *path, int flags, ...) { OPEN_MODE(flags, flags) return do_open(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { OPEN_MODE(flags, flags) return do_open(at, path, flags, mode); }
int creat(const char *path, mode_t mode) { return do_open(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
    if (fd == log_fd && fd >= 0) return 0;
    if (fd >= 0 && fd < FDS) kinds[fd] = UNKNOWN;
    return syscall(SYS_close, fd);
}

int dup2(int from, int to) {
    if (to >= 0 && to < FDS) kinds[to] = UNKNOWN;
    return from == to ? fcntl(from, F_GETFD) < 0 ? -1 : to : syscall(SYS_dup3, from, to, 0);
}

int dup3(int from, int to, int flags) {
    if (to >= 0 && to < FDS) kinds[to] = UNKNOWN;
    return syscall(SYS_dup3, from, to, flags);
}

/* ---- writing ---- */

static ssize_t do_writev(int fd, const struct iovec *parts, int count, off_t offset, int at_offset) {
    if (!is_ours(fd))
        return at_offset ? syscall(SYS_pwritev, fd, parts, count, offset, 0) : syscall(SYS_writev, fd, parts, count);
    locked();
    uint64_t size, ino = ino_of(fd, &size);
    int append = fcntl(fd, F_GETFL) & O_APPEND;
    off_t start = append ? (off_t)size : at_offset ? offset : lseek(fd, 0, SEEK_CUR);
    ssize_t done = at_offset ? syscall(SYS_pwritev, fd, parts, count, offset, 0) : syscall(SYS_writev, fd, parts, count);
    if (done > 0) record(WRITE, ino, start, parts, count, done);
    unlocked();
    return done;
}

ssize_t write(int fd, const void *bytes, size_t len) {
    if (!is_ours(fd)) return syscall(SYS_write, fd, bytes, len);
    struct iovec part = {(void *)bytes, len};
    return do_writev(fd, &part, 1, 0, 0);
}
ssize_t pwrite(int fd, const void *bytes, size_t len, off_t offset) {
    struct iovec part = {(void *)bytes, len};
    return do_writev(fd, &part, 1, offset, 1);
}
ssize_t pwrite64(int fd, const void *bytes, size_t len, off_t offset) { return pwrite(fd, bytes, len, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count) { return do_writev(fd, parts, count, 0, 0); }
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return do_writev(fd, parts, count, offset, 1); }
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset) { return do_writev(fd, parts, count, offset, 1); }
ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    if (is_ours(fd) && flags != 0) fail("pwritev2 with flags");
    return do_writev(fd, parts, count, offset, offset != -1);
}
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    return pwritev2(fd, parts, count, offset, flags);
}

int ftruncate(int fd, off_t size) {
    if (!is_ours(fd)) return syscall(SYS_ftruncate, fd, size);
    locked();
    int done = syscall(SYS_ftruncate, fd, size);
    if (done == 0) record(SIZE, ino_of(fd, NULL), size, NULL, 0, 0);
    unlocked();
    return done;
}
int ftruncate64(int fd, off_t size) { return ftruncate(fd, size); }

int truncate(const char *path, off_t size) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    int done = ftruncate(fd, size);
    close(fd);
    return done;
}
int truncate64(const char *path, off_t size) { return truncate(path, size); }

int fallocate(int fd, int mode, off_t offset, off_t len) {
    if (!is_ours(fd)) return syscall(SYS_fallocate, fd, mode, offset, len);
    if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE)) fail("fallocate of that kind");
    locked();
    int done = syscall(SYS_fallocate, fd, mode, offset, len);
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
int fallocate64(int fd, int mode, off_t offset, off_t len) { return fallocate(fd, mode, offset, len); }
int posix_fallocate(int fd, off_t offset, off_t len) { return fallocate(fd, 0, offset, len) == 0 ? 0 : errno; }
int posix_fallocate64(int fd, off_t offset, off_t len) { return posix_fallocate(fd, offset, len); }

/* ---- making it last ---- */

/* What a sync promises is what was done before it began: others go on writing meanwhile. */
static int do_sync(int fd, long call) {
    if (!is_ours(fd)) return syscall(call, fd);
    locked();
    uint64_t id = ++syncs;
    record(SYNC_BEGIN, ino_of(fd, NULL), id, NULL, 0, 0);
    unlocked();
    int done = no_sync ? 0 : syscall(call, fd);
    locked();
    if (done == 0) record(SYNC_END, 0, id, NULL, 0, 0);
    unlocked();
    return done;
}
int fsync(int fd) { return do_sync(fd, SYS_fsync); }
int fdatasync(int fd) { return do_sync(fd, SYS_fdatasync); }
/* Promises nothing. */
int sync_file_range(int fd, off_t offset, off_t len, unsigned flags) {
    return is_ours(fd) ? 0 : syscall(SYS_sync_file_range, fd, offset, len, flags);
}
int syncfs(int fd) {
    if (is_ours(fd)) fail("syncfs");
    return syscall(SYS_syncfs, fd);
}

/* ---- names ---- */

int renameat2(int from_at, const char *from, int to_at, const char *to, unsigned flags) {
    char a[PATH_MAX], b[PATH_MAX];
    const char *x = log_fd < 0 ? NULL : ours(absolute(from_at, from, a));
    const char *y = log_fd < 0 ? NULL : ours(absolute(to_at, to, b));
    if (!x && !y) return syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (!x || !y || (flags & RENAME_EXCHANGE)) fail("a rename across the border, or an exchange");
    locked();
    int done = syscall(SYS_renameat2, from_at, from, to_at, to, flags);
    if (done == 0) record_two(RENAME, x, y);
    unlocked();
    return done;
}
int renameat(int from_at, const char *from, int to_at, const char *to) { return renameat2(from_at, from, to_at, to, 0); }
int rename(const char *from, const char *to) { return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0); }

int unlinkat(int at, const char *path, int flags) {
    char into[PATH_MAX];
    const char *name = log_fd < 0 ? NULL : ours(absolute(at, path, into));
    if (!name) return syscall(SYS_unlinkat, at, path, flags);
    locked();
    int done = syscall(SYS_unlinkat, at, path, flags);
    if (done == 0) record_text(UNLINK, 0, 0, name, strlen(name));
    unlocked();
    return done;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int at, const char *path, mode_t mode) {
    char into[PATH_MAX];
    const char *name = log_fd < 0 ? NULL : ours(absolute(at, path, into));
    if (!name || !*name) return syscall(SYS_mkdirat, at, path, mode);
    locked();
    int done = syscall(SYS_mkdirat, at, path, mode);
    if (done == 0) {
        struct stat st;
        if (fstatat(at, path, &st, AT_SYMLINK_NOFOLLOW) != 0) fail("a directory without stat");
        record_text(MKDIR, st.st_ino, 0, name, strlen(name));
    }
    unlocked();
    return done;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int linkat(int from_at, const char *from, int to_at, const char *to, int flags) {
    char a[PATH_MAX], b[PATH_MAX];
    const char *x = log_fd < 0 ? NULL : ours(absolute(from_at, from, a));
    const char *y = log_fd < 0 ? NULL : ours(absolute(to_at, to, b));
    if (!x && !y) return syscall(SYS_linkat, from_at, from, to_at, to, flags);
    if (!x || !y || (flags & AT_EMPTY_PATH)) fail("a link across the border");
    locked();
    int done = syscall(SYS_linkat, from_at, from, to_at, to, flags);
    if (done == 0) record_two(LINK, x, y);
    unlocked();
    return done;
}
int link(const char *from, const char *to) { return linkat(AT_FDCWD, from, AT_FDCWD, to, 0); }

int symlinkat(const char *target, int at, const char *path) {
    char into[PATH_MAX];
    if (log_fd >= 0 && ours(absolute(at, path, into))) fail("a symbolic link");
    return syscall(SYS_symlinkat, target, at, path);
}
int symlink(const char *target, const char *path) { return symlinkat(target, AT_FDCWD, path); }

/* ---- what cannot be seen ---- */

void *mmap(void *at, size_t len, int prot, int flags, int fd, off_t offset) {
    if (fd >= 0 && (prot & PROT_WRITE) && (flags & MAP_SHARED) && is_ours(fd)) {
        errno = EACCES;
        return MAP_FAILED;
    }
    return (void *)syscall(SYS_mmap, at, len, prot, flags, fd, offset);
}
void *mmap64(void *at, size_t len, int prot, int flags, int fd, off_t offset) { return mmap(at, len, prot, flags, fd, offset); }

/* Callers fall back to reading and writing. */
ssize_t copy_file_range(int in, off_t *in_at, int out, off_t *out_at, size_t len, unsigned flags) {
    if (is_ours(out)) {
        errno = EXDEV;
        return -1;
    }
    return syscall(SYS_copy_file_range, in, in_at, out, out_at, len, flags);
}
ssize_t sendfile(int out, int in, off_t *offset, size_t len) {
    if (is_ours(out)) {
        errno = EINVAL;
        return -1;
    }
    return syscall(SYS_sendfile, out, in, offset, len);
}
ssize_t sendfile64(int out, int in, off_t *offset, size_t len) { return sendfile(out, in, offset, len); }
ssize_t splice(int in, off_t *in_at, int out, off_t *out_at, size_t len, unsigned flags) {
    if (is_ours(out)) {
        errno = EINVAL;
        return -1;
    }
    return syscall(SYS_splice, in, in_at, out, out_at, len, flags);
}
