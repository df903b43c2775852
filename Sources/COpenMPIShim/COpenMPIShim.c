#define _GNU_SOURCE
#include "COpenMPIShim.h"

#include <errno.h>
#include <fcntl.h>
#include <mpi.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

// Open MPI's handles are pointers. (MPICH's are integers: this shim is for Open MPI.)
_Static_assert(sizeof(MPI_Comm) == sizeof(void *) && sizeof(MPI_Request) == sizeof(void *), "handles are pointers");

static MPI_Datatype datatype(cmpi_type type) {
    switch (type) {
    case CMPI_BYTE: return MPI_BYTE;
    case CMPI_INT32: return MPI_INT32_T;
    case CMPI_INT64: return MPI_INT64_T;
    case CMPI_UINT32: return MPI_UINT32_T;
    case CMPI_FLOAT: return MPI_FLOAT;
    }
    return MPI_DATATYPE_NULL;
}

static MPI_Op reduction(cmpi_operation operation) { return operation == CMPI_SUM ? MPI_SUM : MPI_MAX; }

// MARK: Start and end

int cmpi_initialise(int *multiple) {
    int level = MPI_THREAD_SINGLE;
    int code = MPI_Init_thread(NULL, NULL, MPI_THREAD_MULTIPLE, &level);
    *multiple = level >= MPI_THREAD_MULTIPLE;
    return code != MPI_SUCCESS ? code : MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
}

int cmpi_finalise(void) { return MPI_Finalize(); }

int cmpi_is_running(void) {
    int initialised = 0, finalised = 0;
    MPI_Initialized(&initialised);
    MPI_Finalized(&finalised);
    return initialised && !finalised;
}

void cmpi_error_text(int code, char *text, int capacity) {
    char whole[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (MPI_Error_string(code, whole, &length) != MPI_SUCCESS) { strcpy(whole, "unknown MPI error"); }
    strncpy(text, whole, (size_t)capacity);
    text[capacity - 1] = 0;
}

static volatile sig_atomic_t exit_code;
static const char *volatile exit_message, *volatile exit_file, *volatile exit_line;

static void say(int descriptor, const char *text) {
    ssize_t ignored = write(descriptor, text, strlen(text));
    (void)ignored;
}

static void leave_at_once(int number) {
    (void)number;
    const char *message = exit_message, *file = exit_file, *line = exit_line;
    if (message) { say(STDERR_FILENO, message); }
    if (file && line) {
        // A disk that hangs must not keep the process: the next alarm ends it.
        signal(SIGALRM, SIG_DFL);
        sigset_t alarm_only;
        sigemptyset(&alarm_only);
        sigaddset(&alarm_only, SIGALRM);
        pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
        alarm(5);
        int descriptor = open(file, O_WRONLY | O_APPEND | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);
        if (descriptor >= 0) { say(descriptor, line); }
    }
    _exit(exit_code);
}

void cmpi_exit_after(unsigned seconds, int code, const char *message, const char *file, const char *line) {
    exit_code = code;
    exit_message = message;
    exit_file = file;
    exit_line = line;
    struct sigaction action = {.sa_handler = leave_at_once};
    sigaction(SIGALRM, &action, NULL);
    sigset_t alarm_only;
    sigemptyset(&alarm_only);
    sigaddset(&alarm_only, SIGALRM);
    pthread_sigmask(SIG_UNBLOCK, &alarm_only, NULL);
    alarm(seconds);
}

void cmpi_abort_within(unsigned seconds, int code) {
    cmpi_exit_after(seconds, code, NULL, NULL, NULL);
    if (cmpi_is_running()) { MPI_Abort(MPI_COMM_WORLD, code); }
    _exit(code);
}

static void (*leave_callback)(int);

static void at_exit(int code, void *unused) {
    (void)unused;
    leave_callback(code);
}

int cmpi_at_exit(void (*leave)(int code)) {
    leave_callback = leave;
    return on_exit(at_exit, NULL);
}

int cmpi_memory_access_error(void) {
    char from = 1, to = 0;
    struct iovec source = {&from, 1}, target = {&to, 1};
    return process_vm_readv(getpid(), &target, 1, &source, 1, 0) == 1 ? 0 : errno;
}

// MARK: Communicators

cmpi_communicator cmpi_world(void) { return MPI_COMM_WORLD; }
int cmpi_rank(cmpi_communicator communicator, int *rank) { return MPI_Comm_rank(communicator, rank); }
int cmpi_size(cmpi_communicator communicator, int *size) { return MPI_Comm_size(communicator, size); }

static int returning_errors(int code, MPI_Comm made, cmpi_communicator *result) {
    *result = made;
    return code != MPI_SUCCESS ? code : MPI_Comm_set_errhandler(made, MPI_ERRORS_RETURN);
}

int cmpi_duplicate(cmpi_communicator communicator, cmpi_communicator *copy) {
    MPI_Comm made = MPI_COMM_NULL;
    int code = MPI_Comm_dup(communicator, &made);
    return returning_errors(code, made, copy);
}

int cmpi_split_by_host(cmpi_communicator communicator, cmpi_communicator *part) {
    MPI_Comm made = MPI_COMM_NULL;
    int code = MPI_Comm_split_type(communicator, MPI_COMM_TYPE_SHARED, 0, MPI_INFO_NULL, &made);
    return returning_errors(code, made, part);
}

int cmpi_free(cmpi_communicator *communicator) {
    MPI_Comm handle = *communicator;
    int code = MPI_Comm_free(&handle);
    *communicator = NULL;
    return code;
}

// MARK: Collectives that return at once

// Open MPI's null request is an object; here it is NULL.
static int started(int code, MPI_Request made, cmpi_request *request) {
    *request = code == MPI_SUCCESS && made != MPI_REQUEST_NULL ? (cmpi_request)made : NULL;
    return code;
}

int cmpi_start_barrier(cmpi_communicator communicator, cmpi_request *request) {
    MPI_Request made = MPI_REQUEST_NULL;
    int code = MPI_Ibarrier(communicator, &made);
    return started(code, made, request);
}

int cmpi_start_allreduce(
    void *buffer, int count, cmpi_type type, cmpi_operation operation, cmpi_communicator communicator,
    cmpi_request *request) {
    MPI_Request made = MPI_REQUEST_NULL;
    int code =
        MPI_Iallreduce(MPI_IN_PLACE, buffer, count, datatype(type), reduction(operation), communicator, &made);
    return started(code, made, request);
}

int cmpi_start_broadcast(
    void *buffer, int count, cmpi_type type, int root, cmpi_communicator communicator, cmpi_request *request) {
    MPI_Request made = MPI_REQUEST_NULL;
    int code = MPI_Ibcast(buffer, count, datatype(type), root, communicator, &made);
    return started(code, made, request);
}

int cmpi_start_gather(
    const void *buffer, int count, void *received, const int *counts, const int *offsets, cmpi_type type, int root,
    cmpi_communicator communicator, cmpi_request *request) {
    MPI_Request made = MPI_REQUEST_NULL;
    int code = MPI_Igatherv(
        buffer, count, datatype(type), received, counts, offsets, datatype(type), root, communicator, &made);
    return started(code, made, request);
}

int cmpi_start_allgather(
    const void *buffer, int count, void *received, const int *counts, const int *offsets, cmpi_type type,
    cmpi_communicator communicator, cmpi_request *request) {
    MPI_Request made = MPI_REQUEST_NULL;
    int code = MPI_Iallgatherv(
        buffer, count, datatype(type), received, counts, offsets, datatype(type), communicator, &made);
    return started(code, made, request);
}

int cmpi_test(cmpi_request *request, int *done) {
    *done = 1;
    if (!*request) { return MPI_SUCCESS; }
    MPI_Request handle = *request;
    int code = MPI_Test(&handle, done, MPI_STATUS_IGNORE);
    return started(code, handle, request);
}

// MARK: Collectives that block

int cmpi_allreduce(
    void *buffer, int count, cmpi_type type, cmpi_operation operation, cmpi_communicator communicator) {
    return MPI_Allreduce(MPI_IN_PLACE, buffer, count, datatype(type), reduction(operation), communicator);
}

int cmpi_exchange(const void *buffer, void *received, int count, cmpi_type type, cmpi_communicator communicator) {
    return MPI_Alltoall(buffer, count, datatype(type), received, count, datatype(type), communicator);
}

int cmpi_allgather(
    void *buffer, const int *counts, const int *offsets, cmpi_type type, cmpi_communicator communicator) {
    return MPI_Allgatherv(
        MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, buffer, counts, offsets, datatype(type), communicator);
}

// MARK: Point to point

int cmpi_start_send(
    const void *buffer, int count, int destination, int tag, cmpi_communicator communicator, cmpi_request *request) {
    MPI_Request made = MPI_REQUEST_NULL;
    int code = MPI_Isend(buffer, count, MPI_BYTE, destination, tag, communicator, &made);
    return started(code, made, request);
}

int cmpi_start_receive(
    void *buffer, int count, int source, int tag, cmpi_communicator communicator, cmpi_request *request) {
    MPI_Request made = MPI_REQUEST_NULL;
    int code = MPI_Irecv(buffer, count, MPI_BYTE, source, tag, communicator, &made);
    return started(code, made, request);
}

int cmpi_probe(int tag, cmpi_communicator communicator, int *found, int *source) {
    MPI_Status status;
    *found = 0;
    *source = -1;
    int code = MPI_Iprobe(MPI_ANY_SOURCE, tag, communicator, found, &status);
    if (code == MPI_SUCCESS && *found) { *source = status.MPI_SOURCE; }
    return code;
}

int cmpi_receive(void *buffer, int count, int source, int tag, cmpi_communicator communicator) {
    return MPI_Recv(buffer, count, MPI_BYTE, source, tag, communicator, MPI_STATUS_IGNORE);
}
