/* base/err.c: filling in an error.
 *
 * Invariants: 1. a failure begins with nothing of the one before; 2. place and advice are added, never replaced: the first cause
 * stays. Allocates nothing, and knows no flag.
 */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static enum err_class class_of(status code)
{
	switch (code) {
	case E_UNREACHABLE: return ERR_RETRY;
	case E_CONFLICT:
	case E_EXISTS: return ERR_CONFLICT;
	case E_CORRUPT:
	case E_UNSUPPORTED:
	case E_LIMIT: return ERR_DATA;
	default: return ERR_FATAL;
	}
}

static void err_start(struct err *err, status code)
{
	err->code = code;
	err->class = class_of(code);
	err->offset = -1;
	err->line = -1;
	err->where[0] = '\0';
	err->advice = ADVICE_NONE;
	err->about[0] = '\0';
}

status fail(struct err *err, status code, const char *fmt, ...)
{
	if (err == NULL) return code;
	err_start(err, code);
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(err->message, sizeof err->message, fmt, args);
	va_end(args);
	return code;
}

status fail_at(struct err *err, status code, const char *where, int64_t offset, int64_t line, const char *fmt, ...)
{
	if (err == NULL) return code;
	err_start(err, code);
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(err->message, sizeof err->message, fmt, args);
	va_end(args);
	return err_at(err, code, where, offset, line);
}

status fail_nomem_in(struct err *err, const char *function)
{
	return fail(err, E_NOMEM, "out of memory (in %s)", function);
}

static const char *errno_hint(int errnum, bool reading)
{
	switch (errnum) {
	case ENOSPC:
	case EDQUOT: return "; free some space and run the same command again, it resumes";
	case EFBIG: return "; raise the limit of a file's size (ulimit -f) and run the same command again, it resumes";
	case EACCES:
	case EPERM:
	case EROFS:
		return reading ? "; give this user the right to read it" : "; give this user the right to write there";
	case EISDIR:
	case ENOTEMPTY: return reading ? "" : "; something else stands in the way there: move it";
	case ENOTDIR: return "; a file stands where a folder belongs: move it";
	case EMFILE:
	case ENFILE: return "; raise the limit of open files (ulimit -n)";
	default: return "";
	}
}

static bool wants_other_lake(int errnum)
{
	return errnum == EACCES || errnum == EPERM || errnum == EROFS || errnum == ENOTDIR;
}

static status errno_code(int errnum)
{
	return errnum == ENOENT ? E_NOT_FOUND : errnum == ENOMEM ? E_NOMEM : errnum == EEXIST ? E_EXISTS : E_IO;
}

static PRINTF_LIKE(4, 0) void errno_fill(struct err *err, int errnum, bool reading, const char *fmt, va_list args)
{
	err_start(err, errno_code(errnum));
	if (errnum == EINTR || errnum == EAGAIN || errnum == EIO) err->class = ERR_RETRY;
	if (errnum == EACCES || errnum == EPERM || errnum == EROFS) err->class = ERR_DENIED;
	if (!reading && wants_other_lake(errnum)) err->advice = ADVICE_OTHER_LAKE;
	const int n = vsnprintf(err->message, sizeof err->message, fmt, args);
	if (n < 0 || (size_t)n >= sizeof err->message) return;
	char text[128];
	const char *reason = strerror_r(errnum, text, sizeof text);
	(void)snprintf(
		err->message + n, sizeof err->message - (size_t)n, ": %s%s", reason, errno_hint(errnum, reading));
}

status fail_errno(struct err *err, int errnum, const char *fmt, ...)
{
	if (err == NULL) return errno_code(errnum);
	va_list args;
	va_start(args, fmt);
	errno_fill(err, errnum, false, fmt, args);
	va_end(args);
	return err->code;
}

status fail_errno_read(struct err *err, int errnum, const char *fmt, ...)
{
	if (err == NULL) return errno_code(errnum);
	va_list args;
	va_start(args, fmt);
	errno_fill(err, errnum, true, fmt, args);
	va_end(args);
	return err->code;
}

status err_at(struct err *err, status code, const char *where, int64_t offset, int64_t line)
{
	if (err == NULL || code == OK) return code;
	if (err->where[0] == '\0' && where != NULL) (void)snprintf(err->where, sizeof err->where, "%s", where);
	if (err->offset < 0) err->offset = offset;
	if (err->line < 0) err->line = line;
	return code;
}

status err_advise(struct err *err, status code, enum err_advice advice, const char *about)
{
	ASSERT(advice < ADVICE_N);
	if (err == NULL || code == OK || err->advice != ADVICE_NONE) return code;
	err->advice = advice;
	(void)snprintf(err->about, sizeof err->about, "%s", about != NULL ? about : "");
	return code;
}

void err_set_class(struct err *err, enum err_class class)
{
	if (err != NULL) err->class = class;
}

void err_clear(struct err *err)
{
	if (err != NULL) *err = (struct err){.offset = -1, .line = -1};
}

const char *err_text(const struct err *err, char *dst, size_t size)
{
	char place[64] = "";
	char offset[64] = "";
	if (err->line >= 0) (void)snprintf(place, sizeof place, ":%lld", (long long)err->line);
	if (err->offset >= 0) (void)snprintf(offset, sizeof offset, " (byte offset %lld)", (long long)err->offset);
	(void)snprintf(
		dst, size, "%s%s%s%s%s", err->where, place, err->where[0] != '\0' ? ": " : "", err->message, offset);
	return dst;
}

const char *status_name(status code)
{
	static const char *const names[] = {"OK", "E_USAGE", "E_IO", "E_NOMEM", "E_NOT_FOUND", "E_EXISTS", "E_CORRUPT",
		"E_UNSUPPORTED", "E_LIMIT", "E_CONFLICT", "E_BUSY", "E_QUALITY", "E_VERIFY", "E_UNREACHABLE",
		"E_CANCELLED"};
	ASSERT((size_t)code < sizeof names / sizeof names[0]);
	return names[code];
}

int status_exit(status code)
{
	switch (code) {
	case OK: return 0;
	case E_USAGE: return 2;
	case E_QUALITY: return 3;
	case E_VERIFY: return 4;
	case E_UNREACHABLE: return 5;
	case E_CANCELLED: return 130;
	default: return 1;
	}
}

_Noreturn void assert_failed(const char *expr, const char *file, int line)
{
	(void)fprintf(stderr, "pqr: internal error: %s:%d: %s\n", file, line, expr);
	abort();
}
