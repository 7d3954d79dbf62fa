/* base/process.h: which process this is, among those that share a disk or a database with it. Thread-safe. */
#ifndef BASE_PROCESS_H
#define BASE_PROCESS_H

enum { PROCESS_HOST_MAX = 256, PROCESS_NAME_SPACE_MAX = 64 };

/* The host's name; "localhost" where it has none. NUL-terminated, cut where it is longer. */
void process_host(char dst[PROCESS_HOST_MAX]);

/* The pid name space ("pid:[4026531836]"), "" where the kernel does not tell: equal pids of two containers on one host are
 * different processes. */
void process_name_space(char dst[PROCESS_NAME_SPACE_MAX]);

#endif
