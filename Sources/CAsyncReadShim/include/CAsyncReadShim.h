// The system calls of Linux that begin reads and wait for them (io_submit(2)), for which glibc has no functions. As there, -1 and errno
// say that one failed.
#pragma once

#include <linux/aio_abi.h>
#include <sys/syscall.h>
#include <unistd.h>

static inline long casyncread_setup(unsigned limit, aio_context_t *context) {
    return syscall(SYS_io_setup, limit, context);
}

static inline long casyncread_destroy(aio_context_t context) { return syscall(SYS_io_destroy, context); }

static inline long casyncread_submit(aio_context_t context, long count, struct iocb **reads) {
    return syscall(SYS_io_submit, context, count, reads);
}

/// Waits until `count` reads have ended.
static inline long casyncread_wait(aio_context_t context, long count, struct io_event *ended) {
    return syscall(SYS_io_getevents, context, count, count, ended, (void *)0);
}
