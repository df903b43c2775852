// Open MPI, as far as MessagePassing needs it.
//
// Swift cannot call MPI itself: communicators, datatypes, operations and MPI_IN_PLACE are macros with casts, which are not
// imported. Each function here is one MPI call; it returns MPI's code (0 is success) and leaves judging it to the
// caller. Handles travel as void *. Counts are those of the C binding: at most INT_MAX.
#pragma once

#include <stdint.h>

typedef enum {
    CMPI_BYTE,
    CMPI_INT32,
    CMPI_INT64,
    CMPI_UINT32,
    CMPI_FLOAT,
} cmpi_type;

typedef enum {
    CMPI_SUM,
    CMPI_MAXIMUM,
} cmpi_operation;

typedef void *cmpi_communicator;
/// Null when nothing is under way.
typedef void *cmpi_request;

// MARK: Start and end

/// MPI_Init_thread for calls from several threads at once; `multiple` becomes 1 if that is what the library gives.
/// Errors on the world communicator are returned from then on.
int cmpi_initialise(int *multiple);
/// MPI_Finalize.
int cmpi_finalise(void);
/// 1 between MPI_Init and MPI_Finalize.
int cmpi_is_running(void);
/// MPI_Error_string, cut to `capacity` bytes with the final zero.
void cmpi_error_text(int code, char *text, int capacity);
/// Ends every rank of the job with exit code `code`, and this process after `seconds` at the latest, even if MPI_Abort
/// hangs. Does not return.
__attribute__((noreturn)) void cmpi_abort_within(unsigned seconds, int code);
/// Ends this process with exit code `code` if it still runs after `seconds`; it says `message` then, and appends `line` to
/// `file`. Each may be null; they must live as long as the process. 0 seconds: never, whatever was asked for before.
void cmpi_exit_after(unsigned seconds, int code, const char *message, const char *file, const char *line);
/// Calls `leave` with the exit code when this process exits normally.
int cmpi_at_exit(void (*leave)(int code));
/// 0 if this process may read another's memory (process_vm_readv), as Open MPI's shared-memory transport would like to;
/// otherwise errno.
int cmpi_memory_access_error(void);

// MARK: Communicators

cmpi_communicator cmpi_world(void);
int cmpi_rank(cmpi_communicator communicator, int *rank);
int cmpi_size(cmpi_communicator communicator, int *size);
/// MPI_Comm_dup; errors are returned.
int cmpi_duplicate(cmpi_communicator communicator, cmpi_communicator *copy);
/// MPI_Comm_split_type(MPI_COMM_TYPE_SHARED): the ranks that share memory with this one. Errors are returned.
int cmpi_split_by_host(cmpi_communicator communicator, cmpi_communicator *part);
int cmpi_free(cmpi_communicator *communicator);

// MARK: Collectives that return at once; cmpi_test says when they are done

int cmpi_start_barrier(cmpi_communicator communicator, cmpi_request *request);
/// In place.
int cmpi_start_allreduce(
    void *buffer, int count, cmpi_type type, cmpi_operation operation, cmpi_communicator communicator,
    cmpi_request *request);
int cmpi_start_broadcast(
    void *buffer, int count, cmpi_type type, int root, cmpi_communicator communicator, cmpi_request *request);
/// `counts` and `offsets` (in elements) are read at the root only, and must live until the request is done.
int cmpi_start_gather(
    const void *buffer, int count, void *received, const int *counts, const int *offsets, cmpi_type type, int root,
    cmpi_communicator communicator, cmpi_request *request);
/// `counts` and `offsets` (in elements) must live until the request is done.
int cmpi_start_allgather(
    const void *buffer, int count, void *received, const int *counts, const int *offsets, cmpi_type type,
    cmpi_communicator communicator, cmpi_request *request);
int cmpi_test(cmpi_request *request, int *done);

// MARK: Collectives that block, for large data that all ranks are ready for

/// In place.
int cmpi_allreduce(
    void *buffer, int count, cmpi_type type, cmpi_operation operation, cmpi_communicator communicator);
/// `count` elements to and from each rank.
int cmpi_exchange(const void *buffer, void *received, int count, cmpi_type type, cmpi_communicator communicator);
/// In place: `counts[r]` elements at `offsets[r]` from rank r.
int cmpi_allgather(
    void *buffer, const int *counts, const int *offsets, cmpi_type type, cmpi_communicator communicator);

// MARK: Point to point, in bytes

int cmpi_start_send(
    const void *buffer, int count, int destination, int tag, cmpi_communicator communicator, cmpi_request *request);
int cmpi_start_receive(
    void *buffer, int count, int source, int tag, cmpi_communicator communicator, cmpi_request *request);
/// Looks for a message with `tag` from anyone: `found` is 0 or 1, `source` its sender.
int cmpi_probe(int tag, cmpi_communicator communicator, int *found, int *source);
int cmpi_receive(void *buffer, int count, int source, int tag, cmpi_communicator communicator);
