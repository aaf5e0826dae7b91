/* Makes one call, or all from one on, fail for files below a directory: loaded with LD_PRELOAD.

   FAULT_DIR: the directory; FAULT_CALL: write, fsync, rename or open (for writing); FAULT_NUMBER: which call of
   that kind fails, counted over all processes in the file FAULT_COUNTER; FAULT_ERROR: its errno; FAULT_EVER: all
   calls after it fail as well. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

static int *calls;
static const char *below, *kind;
static int number, error, ever;

__attribute__((constructor)) static void prepare(void) {
    const char *counter = getenv("FAULT_COUNTER");
    int (*real_open)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    if (!counter) return;
    below = getenv("FAULT_DIR");
    kind = getenv("FAULT_CALL");
    number = atoi(getenv("FAULT_NUMBER"));
    error = atoi(getenv("FAULT_ERROR"));
    ever = getenv("FAULT_EVER") != NULL;
    int fd = real_open(counter, O_RDWR | O_CLOEXEC);
    if (fd < 0) return;
    void *page = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (page != MAP_FAILED) calls = page;
}

static int is_below(const char *path) {
    return strncmp(path, below, strlen(below)) == 0;
}

static int holds(int fd) {
    char link[64], path[PATH_MAX + 1];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t length = readlink(link, path, PATH_MAX);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

static int at(int fd, const char *path) {
    char here[PATH_MAX];
    if (path[0] == '/') return is_below(path);
    if (fd != AT_FDCWD) return holds(fd);
    return getcwd(here, sizeof here) && is_below(here);
}

static int counts(const char *call) {
    return calls && strcmp(kind, call) == 0;
}

static int fails(void) {
    int now = __atomic_add_fetch(calls, 1, __ATOMIC_SEQ_CST);
    if (now != number && !(ever && now > number)) return 0;
    errno = error;
    return 1;
}

ssize_t write(int fd, const void *data, size_t size) {
    static ssize_t (*real)(int, const void *, size_t);
    if (!real) real = dlsym(RTLD_NEXT, "write");
    return counts("write") && holds(fd) && fails() ? -1 : real(fd, data, size);
}

int fsync(int fd) {
    static int (*real)(int);
    if (!real) real = dlsym(RTLD_NEXT, "fsync");
    return counts("fsync") && holds(fd) && fails() ? -1 : real(fd);
}

int rename(const char *old, const char *new) {
    static int (*real)(const char *, const char *);
    if (!real) real = dlsym(RTLD_NEXT, "rename");
    return counts("rename") && at(AT_FDCWD, new) && fails() ? -1 : real(old, new);
}

int renameat(int from, const char *old, int to, const char *new) {
    static int (*real)(int, const char *, int, const char *);
    if (!real) real = dlsym(RTLD_NEXT, "renameat");
    return counts("rename") && at(to, new) && fails() ? -1 : real(from, old, to, new);
}

#define OPEN(name, parameters, place, call)                                                   \
    int name parameters {                                                                     \
        static int (*real) parameters;                                                        \
        mode_t mode = 0;                                                                      \
        if (!real) real = dlsym(RTLD_NEXT, #name);                                            \
        if (flags & (O_CREAT | __O_TMPFILE)) {                                                \
            va_list rest;                                                                     \
            va_start(rest, flags);                                                            \
            mode = va_arg(rest, mode_t);                                                      \
            va_end(rest);                                                                     \
        }                                                                                     \
        if (counts("open") && (flags & (O_WRONLY | O_RDWR)) && at(place, path) && fails())    \
            return -1;                                                                        \
        return real call;                                                                     \
    }
OPEN(open, (const char *path, int flags, ...), AT_FDCWD, (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), AT_FDCWD, (path, flags, mode))
OPEN(openat, (int fd, const char *path, int flags, ...), fd, (fd, path, flags, mode))
OPEN(openat64, (int fd, const char *path, int flags, ...), fd, (fd, path, flags, mode))
