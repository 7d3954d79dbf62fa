/* base/err.h: how every fallible function of the project reports failure.
 *
 * A fallible function returns `status` (must be used), takes `struct err *err` last (may be NULL) and
 * writes its out-parameters only on success. `struct err` is owned by the caller, has a fixed size and
 * never allocates. The class says what a caller may do about it, so that nobody compares messages.
 */
#ifndef PQR_BASE_ERR_H
#define PQR_BASE_ERR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_USE __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))

enum status_code {
	OK = 0,
	E_USAGE,       /* wrong command line or configuration: exit 2 */
	E_IO,          /* the operating system refused: exit 1 */
	E_NOMEM,       /* a memory limit was reached: exit 1 */
	E_NOT_FOUND,   /* the named thing does not exist: exit 1 */
	E_EXISTS,      /* put-if-absent met an object: exit 1 */
	E_CORRUPT,     /* bytes that break their format: exit 1 */
	E_UNSUPPORTED, /* well-formed, but of a kind this version does not read: exit 1 */
	E_LIMIT,       /* over a limit of base/limits.h: exit 1 */
	E_CONFLICT,    /* somebody else changed it first: exit 1 */
	E_BUSY,        /* somebody else holds the lease: exit 1 */
	E_QUALITY,     /* a CRITICAL quality check failed: exit 3 */
	E_VERIFY,      /* a stored hash differs: exit 4 */
	E_UNREACHABLE, /* a service stayed out of reach after the retries: exit 5 */
	E_CANCELLED,   /* interrupted: exit 130 */
};
typedef enum status_code status;

enum err_class {
	ERR_FATAL = 0, /* fails the job, not the process */
	ERR_RETRY,     /* the same call may succeed later */
	ERR_CONFLICT,  /* re-read, then redo */
	ERR_DATA,      /* the input is at fault: reject or quarantine it */
	ERR_UNKNOWN,   /* sent, outcome unseen: look before retrying */
	ERR_DENIED,    /* this user may not, another may */
};

/* What a person could do about it, where that means a flag: no message names one. The command line has a text for each
 * (cli/advice.c); other callers have their own ways. */
enum err_advice {
	ADVICE_NONE = 0,
	ADVICE_OTHER_LAKE,        /* put the lake somewhere else */
	ADVICE_NO_LAKE,           /* go where it is, name it, or make it */
	ADVICE_CHECK_LAKE,        /* the lake's address looks wrong */
	ADVICE_SINGLE_WRITER,     /* say that nothing else ever writes to the lake */
	ADVICE_OTHER_CONTROL,     /* move away what stands there, or put the control plane somewhere else */
	ADVICE_NEW_RUN,           /* name a new run */
	ADVICE_OR_NEW_RUN,        /* the same, after a way to mend this one */
	ADVICE_AS_OF,             /* say which instant the run describes */
	ADVICE_SOURCE,            /* name the source of the input */
	ADVICE_SEE_QUALITY,       /* look at the checks of the run `about` */
	ADVICE_STAGE_FIRST,       /* run the stage before first, of the run `about` */
	ADVICE_RETENTION,         /* allow a retention under the table's own */
	ADVICE_WRITTEN,           /* name a run: times are those of writing */
	ADVICE_COLUMNS,           /* look which columns the table has */
	ADVICE_GET_DUCKDB,        /* fetch libduckdb, or say where it is */
	ADVICE_CONVERT,           /* run the command `about`, which makes JSON Lines of the input */
	ADVICE_PRODUCERS,         /* read how events are made */
	ADVICE_REBUILD,           /* make the lake's tables again from raw */
	ADVICE_REBUILD_ON,        /* go on with that */
	ADVICE_REPLACE_PUBLISHED, /* say that the published tables may show another history */
	ADVICE_N
};

enum { ERR_MESSAGE_MAX = 512, ERR_WHERE_MAX = 384, ERR_ABOUT_MAX = 40 };

struct err {
	status code;
	enum err_class class;
	int64_t offset;                /* byte offset in `where`; -1 = not applicable */
	int64_t line;                  /* 1-based line in `where`; -1 = not applicable */
	char message[ERR_MESSAGE_MAX]; /* what happened, and what to do about it; no flags */
	char where[ERR_WHERE_MAX];     /* object key, file or column; "" = not applicable */
	enum err_advice advice;
	char about[ERR_ABOUT_MAX]; /* what the advice names: a run's id; "" = nothing */
};

/* Fill *err (may be NULL) and return `code`. The class follows from the code; err_set_class changes it. */
status fail(struct err *err, status code, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As fail, with the place: see struct err; where may be NULL, offset and line -1. */
status fail_at(struct err *err, status code, const char *where, int64_t offset, int64_t line, const char *fmt, ...)
	PRINTF_LIKE(6, 7);

/* E_NOMEM, naming the function that asked for memory. */
#define fail_nomem(err) fail_nomem_in((err), __func__)
status fail_nomem_in(struct err *err, const char *function);

/* As fail, with strerror(errnum) appended; ENOSPC, EACCES, ... get a hint what to do. */
status fail_errno(struct err *err, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* As fail_errno, of what was to be read: the hints are about that. */
status fail_errno_read(struct err *err, int errnum, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Add the place to an error that has none yet; returns err's own code so it can be tail-called. */
status err_at(struct err *err, status code, const char *where, int64_t offset, int64_t line);
void err_set_class(struct err *err, enum err_class class);
/* Add advice to an error that has none yet; about (may be NULL) is copied. Returns code so it can be tail-called:
 * return err_advise(err, fail(err, E_CONFLICT, "..."), ADVICE_NEW_RUN, NULL); */
status err_advise(struct err *err, status code, enum err_advice advice, const char *about);
void err_clear(struct err *err);

/* One line without a newline: "where:line: message (byte offset N)". dst[size]; returns dst. */
const char *err_text(const struct err *err, char *dst, size_t size);
const char *status_name(status code); /* "E_IO" */
int status_exit(status code);         /* the process exit status of docs/cli.md */

/* Return from the calling function when the expression is not OK. */
#define TRY(expr)                                          \
	do {                                               \
		status try_status_ = (expr);               \
		if (try_status_ != OK) return try_status_; \
	} while (0)

/* A broken contract between our own functions; on in release builds. Prints and aborts. */
_Noreturn void assert_failed(const char *expr, const char *file, int line);
#define ASSERT(expr) ((expr) ? (void)0 : assert_failed(#expr, __FILE__, __LINE__))

#endif
