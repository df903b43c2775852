// What a process does about signals and limits before, or while, Swift cannot.
//
// Swift cannot: run before the constructors of the libraries that the program is linked to; promise that a function calls
// nothing that a signal handler may not.
#pragma once

// MARK: Wishes to stop

/// Begins to hear SIGUSR1, SIGTERM, SIGINT and SIGHUP, each as the same wish to stop; those that the caller has had ignored
/// (nohup) stay ignored. For `infodisent train` and `infodisent extract` it is called before any library starts, so that
/// no signal is lost; calling it again is fine.
void cprocess_hear_signals(void);

/// A file descriptor from which one byte can be read for each signal that was heard; -1 before `cprocess_hear_signals`.
int cprocess_signal_descriptor(void);

/// When a further signal ends the process at once, as if nothing were done about it: a second SIGINT (a person at a terminal)
/// always, a second SIGTERM when this many seconds have passed since the first signal; negative: never.
void cprocess_end_at_second_signal(double seconds);

/// Lets signals end the process again; at once, if one has been heard.
void cprocess_leave_signals(void);

// MARK: Memory

/// From now on abort(), which is how Swift ends where memory cannot be had, writes `text` and exits with `code` if the
/// address space of this process is limited, or the system promises no more memory than it has. `text` must live as long as
/// the process.
void cprocess_explain_abort(const char *text, int code);

/// From now on memory that is released stays with the process, up to 1 GiB at the end of its heap: large arrays that are made again and
/// again then lie where the last ones did, instead of in pages that the system has to clear first.
void cprocess_keep_released_memory(void);

/// Gives memory that was released and stays with the process back to the system, once.
void cprocess_give_back_released_memory(void);
