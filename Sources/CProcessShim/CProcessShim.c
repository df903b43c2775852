#define _GNU_SOURCE
#include "CProcessShim.h"

#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

// MARK: Wishes to stop

static const int heard[] = {SIGUSR1, SIGTERM, SIGINT, SIGHUP};
enum { heard_count = sizeof heard / sizeof heard[0] };

static int descriptors[2] = {-1, -1};
// Seconds of the monotonic clock at the first signal; 0 before it.
static _Atomic double first_signal;
static _Atomic int interrupts;
static _Atomic double patience = -1;

static double seconds_now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void end_by(int number) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(number, &action, NULL);
    sigset_t own;
    sigemptyset(&own);
    sigaddset(&own, number);
    pthread_sigmask(SIG_UNBLOCK, &own, NULL);
    raise(number);
}

static void hear(int number) {
    int error = errno;
    double now = seconds_now(), none = 0;
    int is_first = __c11_atomic_compare_exchange_strong(
        &first_signal, &none, now, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    if (number == SIGINT && __c11_atomic_fetch_add(&interrupts, 1, __ATOMIC_SEQ_CST) > 0) { end_by(number); }
    double limit = patience;
    if (number == SIGTERM && !is_first && limit >= 0 && now - first_signal >= limit) { end_by(number); }
    ssize_t ignored = write(descriptors[1], "", 1);
    (void)ignored;
    errno = error;
}

void cprocess_hear_signals(void) {
    if (descriptors[0] >= 0 || pipe(descriptors) != 0) { return; }
    for (int end = 0; end < 2; end++) { fcntl(descriptors[end], F_SETFD, FD_CLOEXEC); }
    // A full pipe must not keep a handler.
    fcntl(descriptors[1], F_SETFL, O_NONBLOCK);
    for (int index = 0; index < heard_count; index++) {
        struct sigaction before, action = {.sa_handler = hear, .sa_flags = SA_RESTART};
        if (sigaction(heard[index], NULL, &before) == 0 && before.sa_handler == SIG_IGN) { continue; }
        sigaction(heard[index], &action, NULL);
    }
}

int cprocess_signal_descriptor(void) { return descriptors[0]; }

void cprocess_end_at_second_signal(double seconds) { patience = seconds; }

void cprocess_leave_signals(void) {
    if (descriptors[0] < 0) { return; }
    for (int index = 0; index < heard_count; index++) {
        struct sigaction before, action = {.sa_handler = SIG_DFL};
        if (sigaction(heard[index], NULL, &before) == 0 && before.sa_handler == hear) {
            sigaction(heard[index], &action, NULL);
        }
    }
    if (first_signal != 0) { raise(SIGTERM); }
}

// MARK: Memory

/// Whether mapping memory may fail long before there is none: a limited address space, or a system that promises no more than
/// it has.
static int is_memory_limited(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) { return 1; }
    int descriptor = open("/proc/sys/vm/overcommit_memory", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) { return 0; }
    char mode = 0;
    ssize_t count = read(descriptor, &mode, 1);
    close(descriptor);
    return count == 1 && mode == '2';
}

static const char *volatile abort_text;
static volatile sig_atomic_t abort_code;

static void on_abort(int number) {
    (void)number;
    ssize_t ignored = write(STDERR_FILENO, abort_text, strlen(abort_text));
    (void)ignored;
    _exit(abort_code);
}

void cprocess_explain_abort(const char *text, int code) {
    if (!is_memory_limited()) { return; }
    abort_text = text;
    abort_code = code;
    struct sigaction action = {.sa_handler = on_abort};
    sigaction(SIGABRT, &action, NULL);
}

void cprocess_keep_released_memory(void) {
    enum { limit = 1 << 30 };
    mallopt(M_MMAP_THRESHOLD, limit);
    mallopt(M_TRIM_THRESHOLD, limit);
}

// MARK: Before all else

/// OpenBLAS starts a thread for each processor while it is loaded, and each maps 128 MiB. The program uses none of them, so
/// where memory is limited it is started again without: OpenBLAS tries for ever to get memory that it cannot
/// have.
static void start_without_blas_threads(char **arguments, char **environment) {
    if (!is_memory_limited()) { return; }
    static const char name[] = "OPENBLAS_NUM_THREADS=", setting[] = "OPENBLAS_NUM_THREADS=1";
    size_t count = 0, kept = 0;
    for (; environment[count]; count++) {
        if (strcmp(environment[count], setting) == 0) { return; }
    }
    char path[4096];
    ssize_t length = readlink("/proc/self/exe", path, sizeof path - 1);
    if (length <= 0) { return; }
    path[length] = 0;
    size_t byte_count = (count + 2) * sizeof(char *);
    char **changed = mmap(NULL, byte_count, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (changed == MAP_FAILED) { return; }
    for (size_t index = 0; index < count; index++) {
        if (strncmp(environment[index], name, sizeof name - 1) != 0) { changed[kept++] = environment[index]; }
    }
    changed[kept++] = (char *)setting;
    changed[kept] = NULL;
    execve(path, arguments, changed);
    munmap(changed, byte_count);
}

static void before_all_else(int count, char **arguments, char **environment) {
    start_without_blas_threads(arguments, environment);
    if (count > 1 && (strcmp(arguments[1], "train") == 0 || strcmp(arguments[1], "extract") == 0)) {
        cprocess_hear_signals();
    }
}

// Run by the loader before the constructors of all libraries.
__attribute__((section(".preinit_array"), used)) static void (*const first)(int, char **, char **) = before_all_else;

void cprocess_give_back_released_memory(void) { malloc_trim(0); }
