/* table/path.c: see path.h, which has the grammar.
 *
 * Invariants:
 * 1. path_values of a key that path_key made gives the values that it was made of, "" as null (a root's last part has no '=');
 * 2. a value never adds a part to a path: its '/' is escaped, and a folder holds a '=', so it is neither "." nor "..";
 * 3. nothing here looks at a store: what a key says and what is there are two things.
 */
#include "table/path.h"

#include <stdio.h>

#include "io/utf8.h"

#define LOG_FOLDER "_delta_log"

/* ---- pairs ---- */

const struct delta_pair *delta_pairs_get(const struct delta_pairs *l, struct str key)
{
	for (size_t i = 0; i < l->n; i++) {
		if (str_eq(l->items[i].key, key)) return &l->items[i];
	}
	return NULL;
}

static bool str_copy(struct str s, struct arena *arena, struct str *out)
{
	*out = s;
	if (s.p != NULL) out->p = arena_strndup(arena, s.p, s.n);
	return s.p == NULL || out->p != NULL;
}

bool delta_pairs_copy(const struct delta_pairs *l, struct arena *arena, struct delta_pairs *out)
{
	struct delta_pair *items = ARENA_NEW(arena, struct delta_pair, l->n + 1);
	if (items == NULL) return false;
	for (size_t i = 0; i < l->n; i++) {
		if (!str_copy(l->items[i].key, arena, &items[i].key) ||
			!str_copy(l->items[i].value, arena, &items[i].value))
			return false;
	}
	*out = (struct delta_pairs){items, l->n};
	return true;
}

/* ---- escapes ---- */

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9') return c - '0';
	if (c >= 'a' && c <= 'f') return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* The byte that %XX at s.p[at] means, or -1. */
static int escaped_byte(struct str s, size_t at)
{
	if (s.p[at] != '%' || s.n - at < 3) return -1;
	const int high = hex_digit(s.p[at + 1]), low = hex_digit(s.p[at + 2]);
	return high < 0 || low < 0 ? -1 : high << 4 | low;
}

/* The text that an escaped one means: itself, or a copy in arena. */
static status unescape(struct str s, struct arena *arena, struct str *out, struct err *err)
{
	*out = s;
	if (s.n == 0 || memchr(s.p, '%', s.n) == NULL) return OK;
	char *dst = arena_alloc(arena, s.n, 1);
	if (dst == NULL) return fail_nomem(err);
	size_t n = 0;
	for (size_t i = 0; i < s.n; i++) {
		const int byte = escaped_byte(s, i);
		dst[n++] = byte >= 0 ? (char)byte : s.p[i];
		if (byte >= 0) i += 2;
	}
	*out = (struct str){dst, n};
	return OK;
}

static bool means(struct str escaped, struct str text)
{
	size_t n = 0;
	for (size_t i = 0; i < escaped.n; i++, n++) {
		const int byte = escaped_byte(escaped, i);
		if (n >= text.n || text.p[n] != (byte >= 0 ? (char)byte : escaped.p[i])) return false;
		if (byte >= 0) i += 2;
	}
	return n == text.n;
}

bool path_value_is(struct str escaped, struct str value)
{
	if (value.n == 0) return str_is(escaped, PATH_NULL);
	return !str_is(escaped, PATH_NULL) && means(escaped, value);
}

/* ---- folders ---- */

/* A value that reads as the word for null keeps apart from it by an escape of its first byte. */
static void add_value(struct buf *out, struct str value)
{
	if (value.n == 0) {
		buf_str(out, PATH_NULL);
	} else if (str_is(value, PATH_NULL)) {
		buf_str(out, "%5F");
		buf_add(out, value.p + 1, value.n - 1);
	} else {
		buf_percent(out, value, "");
	}
}

void path_folders(struct buf *out, const struct delta_pairs *values)
{
	for (size_t i = 0; i < values->n; i++) {
		ASSERT(values->items[i].key.n > 0);
		if (i > 0) buf_char(out, '/');
		buf_percent(out, values->items[i].key, "");
		buf_char(out, '=');
		add_value(out, values->items[i].value);
	}
}

status path_key(
	char dst[PATH_KEY_MAX], const char *root, const struct delta_pairs *values, const char *name, struct err *err)
{
	struct buf b;
	ASSERT(name[0] != '\0');
	buf_init(&b, PATH_KEY_MAX);
	buf_str(&b, root);
	if (root[0] != '\0') buf_char(&b, '/');
	path_folders(&b, values);
	if (values->n > 0) buf_char(&b, '/');
	buf_str(&b, name);
	buf_char(&b, '\0');
	status code = buf_check(&b, NULL);
	if (code == OK) memcpy(dst, b.p, b.n);
	buf_deinit(&b);
	if (code == E_LIMIT)
		return fail(err, E_LIMIT, "a key of over %d bytes: the values of a file in %s are too long",
			PATH_KEY_MAX - 1, root);
	return code == OK ? OK : fail_nomem(err);
}

status path_table_root(char dst[PATH_KEY_MAX], const char *table, struct err *err)
{
	const size_t n = strlen(table);
	if (n >= PATH_KEY_MAX) return fail(err, E_LIMIT, "a table's name of %zu bytes", n);
	memcpy(dst, table, n + 1);
	char *dot = strchr(dst, '.');
	if (dot != NULL) *dot = '/';
	return OK;
}

/* ---- what a key says ---- */

/* Where the folders of values begin in key[n], and how many there are; n: the bytes before the name, its '/' included. */
struct folders {
	size_t begin, end; /* of the bytes, '/' of the last one included */
	size_t n;
};

static struct folders folders_of(const char *key)
{
	const char *slash = strrchr(key, '/');
	const size_t end = slash != NULL ? (size_t)(slash - key) + 1 : 0;
	struct folders f = {end, end, 0};
	while (f.begin > 0) {
		size_t from = f.begin - 1;
		while (from > 0 && key[from - 1] != '/') from--;
		const char *equals = memchr(key + from, '=', f.begin - 1 - from);
		if (equals == NULL || equals == key + from) break;
		f.begin = from;
		f.n++;
	}
	return f;
}

/* The folder at *at; moves on to the next one. */
static struct str folder_next(const char *key, size_t *at)
{
	const char *from = key + *at;
	const size_t n = strcspn(from, "/");
	*at += n + 1;
	return (struct str){from, n};
}

/* Its two sides, still escaped. */
static void folder_split(struct str folder, struct str *column, struct str *value)
{
	const char *equals = memchr(folder.p, '=', folder.n);
	ASSERT(equals != NULL);
	*column = (struct str){folder.p, (size_t)(equals - folder.p)};
	*value = (struct str){equals + 1, folder.n - column->n - 1};
}

bool path_folder_of(struct str part, struct str column, struct str *value)
{
	struct str name;
	if (part.n == 0 || memchr(part.p, '=', part.n) == NULL) return false;
	folder_split(part, &name, value);
	return means(name, column);
}

status path_values(const char *key, struct arena *arena, struct delta_pairs *out, struct err *err)
{
	const struct folders f = folders_of(key);
	struct delta_pair *items = ARENA_NEW(arena, struct delta_pair, f.n + 1);
	if (items == NULL) return fail_nomem(err);
	size_t n = 0;
	for (size_t at = f.begin; at < f.end; n++) {
		struct str column, value;
		folder_split(folder_next(key, &at), &column, &value);
		TRY(unescape(column, arena, &items[n].key, err));
		if (value.n == 0 || str_is(value, PATH_NULL))
			items[n].value = (struct str){NULL, 0};
		else
			TRY(unescape(value, arena, &items[n].value, err));
	}
	ASSERT(n == f.n);
	*out = (struct delta_pairs){items, n};
	return OK;
}

bool path_tells(const char *key, const struct delta_pairs *values)
{
	const struct folders f = folders_of(key);
	if (f.n != values->n) return false;
	size_t at = f.begin;
	for (size_t i = 0; i < f.n; i++) {
		struct str value;
		if (!path_folder_of(folder_next(key, &at), values->items[i].key, &value)) return false;
		if (!path_value_is(value, values->items[i].value) && !(value.n == 0 && values->items[i].value.n == 0))
			return false;
	}
	return true;
}

bool path_has(const char *key, struct str column, struct str value)
{
	const struct folders f = folders_of(key);
	for (size_t at = f.begin; at < f.end;) {
		struct str is;
		if (path_folder_of(folder_next(key, &at), column, &is) && path_value_is(is, value)) return true;
	}
	return false;
}

/* ---- names ---- */

static const struct str part_before = STR("part-"), part_after = STR(".parquet");

void path_part_name(const uint8_t hash[XXH128_BYTES], char dst[PATH_PART_NAME_CHARS + 1])
{
	char hex[HEX_XXH128_CHARS + 1];
	hex_encode(hash, XXH128_BYTES, hex);
	const int n =
		snprintf(dst, PATH_PART_NAME_CHARS + 1, "%s%.*s%s", part_before.p, HEX_XXH128_CHARS, hex, part_after.p);
	ASSERT(n == PATH_PART_NAME_CHARS);
}

bool path_part_hash(struct str path, uint8_t hash[XXH128_BYTES])
{
	if (path.n < PATH_PART_NAME_CHARS) return false;
	const size_t from = path.n - PATH_PART_NAME_CHARS;
	const char *name = path.p + from;
	if (from > 0 && path.p[from - 1] != '/') return false;
	if (memcmp(name, part_before.p, part_before.n) != 0) return false;
	if (memcmp(name + part_before.n + HEX_XXH128_CHARS, part_after.p, part_after.n) != 0) return false;
	const struct str hex = {name + part_before.n, HEX_XXH128_CHARS};
	for (size_t i = 0; i < hex.n; i++) {
		if (hex.p[i] >= 'A' && hex.p[i] <= 'F') return false; /* hex_encode writes none */
	}
	return hex_decode(hex, hash, XXH128_BYTES);
}

/* ---- paths of a log ---- */

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

status path_check(struct str path, struct err *err)
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

status path_url_decode(struct str text, struct arena *arena, struct str *out, struct err *err)
{
	struct str path = text;
	if (text.n > 0 && memchr(text.p, '%', text.n) != NULL) {
		char *dst = arena_alloc(arena, text.n, 1);
		if (dst == NULL) return fail_nomem(err);
		size_t n = 0;
		for (size_t i = 0; i < text.n; i++) {
			const int byte = escaped_byte(text, i);
			if (byte < 0 && text.p[i] == '%')
				return path_refuse(text, "has a '%' without two hexadecimal digits", err);
			dst[n++] = byte >= 0 ? (char)byte : text.p[i];
			if (byte >= 0) i += 2;
		}
		path = (struct str){dst, n};
	}
	TRY(path_check(path, err));
	*out = path;
	return OK;
}

void path_url_encode(struct buf *out, struct str path)
{
	buf_percent(out, path, "/=!$&'()*+,;:@");
}
