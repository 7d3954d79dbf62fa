#include "io/utf8.h"
#include "table/log/action.h"

#define LOG_FOLDER "_delta_log"

/* RFC 3986 section 3.1: "s3:", "file:". Folders as hive writes them hold a '=' before any ':', so they are none. */
static bool has_scheme(struct str path)
{
	for (size_t i = 0; i < path.n; i++) {
		const char c = path.p[i];
		const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
		if (c == ':') return i > 0;
		if (!letter && (i == 0 || !((c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.'))) return false;
	}
	return false;
}

static status path_refuse(struct str path, const char *why, struct err *err)
{
	const int n = path.n < 200 ? (int)path.n : 200;
	return fail(err, E_CORRUPT, "path '%.*s' %s", n, n > 0 ? path.p : "", why);
}

status delta_path_check(struct str path, struct err *err)
{
	if (path.n == 0) return path_refuse(path, "is empty", err);
	if (path.p[0] == '/' || has_scheme(path))
		return path_refuse(path, "is absolute: only files below the table's folder are read", err);
	for (size_t i = 0; i < path.n; i++) {
		const unsigned char c = (unsigned char)path.p[i];
		if (c < 0x20 || c == 0x7f)
			return fail(err, E_CORRUPT, "path with a control character at byte %zu: '%.*s'", i,
				(int)(i < 200 ? i : 200), path.p);
	}
	if (!utf8_valid(path.p, path.n)) return fail(err, E_CORRUPT, "path of %zu bytes is not UTF-8", path.n);
	for (size_t from = 0, at = 0; at <= path.n; at++) {
		if (at < path.n && path.p[at] != '/') continue;
		const struct str part = {path.p + from, at - from};
		if (part.n == 0 || str_is(part, ".") || str_is(part, ".."))
			return path_refuse(path, "has an empty, '.' or '..' part", err);
		if (from == 0 && str_is(part, LOG_FOLDER)) return path_refuse(path, "leads into the log", err);
		from = at + 1;
	}
	return OK;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

status delta_path_decode(struct str text, struct arena *arena, struct str *out, struct err *err)
{
	struct str path = text;
	if (text.n > 0 && memchr(text.p, '%', text.n) != NULL) {
		char *dst = arena_alloc(arena, text.n, 1);
		if (dst == NULL) return fail_nomem(err);
		size_t n = 0;
		for (size_t i = 0; i < text.n; i++) {
			dst[n] = text.p[i];
			if (text.p[i] == '%') {
				const int high = i + 2 < text.n ? hex_digit(text.p[i + 1]) : -1;
				const int low = i + 2 < text.n ? hex_digit(text.p[i + 2]) : -1;
				if (high < 0 || low < 0)
					return path_refuse(text, "has a '%' without two hexadecimal digits", err);
				dst[n] = (char)(high << 4 | low);
				i += 2;
			}
			n++;
		}
		path = (struct str){dst, n};
	}
	TRY(delta_path_check(path, err));
	*out = path;
	return OK;
}

void delta_path_encode(struct buf *out, struct str path)
{
	buf_percent(out, path, "/=!$&'()*+,;:@");
}
