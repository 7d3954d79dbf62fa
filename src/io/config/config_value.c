/* io/config/config_value.c: reading typed values, and the errors that name file, line and key. */
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <strings.h>

#include "base/time.h"
#include "io/config/config_int.h"

enum { PATH_CHARS_MAX = 256, FOUND_CHARS_MAX = 96 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* [-+]? digits with at most one point, then perhaps an exponent. */
static bool is_number(struct str s)
{
	size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
	size_t n_digits = 0;
	for (; i < s.n && is_digit(s.p[i]); i++) n_digits++;
	if (i < s.n && s.p[i] == '.') {
		for (i++; i < s.n && is_digit(s.p[i]); i++) n_digits++;
	}
	if (n_digits == 0) return false;
	if (i < s.n && (s.p[i] == 'e' || s.p[i] == 'E')) {
		i++;
		if (i < s.n && (s.p[i] == '-' || s.p[i] == '+')) i++;
		const size_t from = i;
		while (i < s.n && is_digit(s.p[i])) i++;
		if (i == from) return false;
	}
	return i == s.n;
}

static bool is_one_of(struct str s, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (str_is(s, words[i])) return true;
	}
	return false;
}

enum config_kind config_kind_of_plain(struct str s)
{
	static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};
	static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
	if (is_one_of(s, nulls, 5)) return CONFIG_NULL;
	if (is_one_of(s, bools, 6)) return CONFIG_BOOL;
	return is_number(s) ? CONFIG_NUMBER : CONFIG_STRING;
}

static size_t put_str(char *dst, size_t size, size_t at, struct str s)
{
	for (size_t i = 0; i < s.n && at + 1 < size; i++) dst[at++] = s.p[i];
	if (at < size) dst[at] = '\0';
	return at;
}

static uint32_t item_index(const struct config_node *node)
{
	uint32_t i = 0;
	for (const struct config_node *n = node->parent->first; n != NULL && n != node; n = n->next) i++;
	return i;
}

const char *config_node_path(const struct config_node *node, char *dst, size_t size)
{
	const struct config_node *chain[64];
	size_t n = 0;
	for (; node->parent != NULL && n < 64; node = node->parent) chain[n++] = node;
	size_t at = 0;
	if (size > 0) dst[0] = '\0';
	while (n-- > 0) {
		if (chain[n]->parent->kind == CONFIG_LIST) {
			char index[16];
			(void)snprintf(index, sizeof index, "[%u]", item_index(chain[n]));
			at = put_str(dst, size, at, str_of(index));
			continue;
		}
		if (at > 0) at = put_str(dst, size, at, STR("."));
		at = put_str(dst, size, at, chain[n]->key);
	}
	return dst;
}

static status err_place(const struct config_node *node, struct err *err)
{
	return err_at(err, E_USAGE, node->origin, -1, node->line > 0 ? node->line : -1);
}

status config_fail(const struct config_node *node, struct err *err, const char *fmt, ...)
{
	char path[PATH_CHARS_MAX];
	char text[ERR_MESSAGE_MAX];
	va_list args;
	va_start(args, fmt);
	(void)vsnprintf(text, sizeof text, fmt, args);
	va_end(args);
	config_node_path(node, path, sizeof path);
	(void)fail(err, E_USAGE, "%s%s%.*s", path, path[0] != '\0' ? ": " : "", (int)(ERR_MESSAGE_MAX - PATH_CHARS_MAX),
		text);
	return err_place(node, err);
}

/* What stands there, for people. */
static const char *found(const struct config_node *node, char dst[FOUND_CHARS_MAX])
{
	char uri[FOUND_CHARS_MAX - 8];
	switch (node->kind) {
	case CONFIG_NULL: return "nothing";
	case CONFIG_LIST: return "a list";
	case CONFIG_MAP: return "a map";
	default: break;
	}
	if (node->secret) return "\"***\"";
	(void)snprintf(dst, FOUND_CHARS_MAX, node->kind == CONFIG_STRING ? "\"%s\"" : "%s",
		config_uri_redact(node->text, uri, sizeof uri));
	return dst;
}

#define EXPECTED(node, err, fmt, ...) \
	config_fail((node), (err), "expected " fmt ", found %s", __VA_ARGS__, found((node), (char[FOUND_CHARS_MAX]){0}))

static bool is_text_of(const struct config_node *node, enum config_kind kind)
{
	return node->kind == kind || (node->loose && node->kind == CONFIG_STRING);
}

status config_bool(const struct config_node *node, bool *out, struct err *err)
{
	if (!is_text_of(node, CONFIG_BOOL) || config_kind_of_plain(node->text) != CONFIG_BOOL)
		return EXPECTED(node, err, "%s", "true or false");
	*out = node->text.p[0] == 't' || node->text.p[0] == 'T';
	return OK;
}

static bool integer(struct str s, int64_t *out)
{
	size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
	const bool negative = i > 0 && s.p[0] == '-';
	if (i == s.n) return false;
	int64_t v = 0;
	for (; i < s.n; i++) {
		if (!is_digit(s.p[i])) return false;
		const int64_t d = s.p[i] - '0';
		if (__builtin_mul_overflow(v, 10, &v) || __builtin_sub_overflow(v, d, &v))
			return false; /* counts down: the minimum fits */
	}
	return negative ? (*out = v, true) : !__builtin_sub_overflow(INT64_C(0), v, out);
}

status config_i64(const struct config_node *node, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	int64_t v = 0;
	if (!is_text_of(node, CONFIG_NUMBER) || !integer(node->text, &v) || v < min || v > max) {
		if (min == INT64_MIN && max == INT64_MAX) return EXPECTED(node, err, "%s", "an integer");
		const bool digits = node->text.n > 0 && strspn(node->text.p, "0123456789") == node->text.n;
		if (max == INT64_MAX && digits && !integer(node->text, &v))
			return EXPECTED(node, err, "an integer of at most %lld", (long long)max);
		if (max == INT64_MAX) return EXPECTED(node, err, "an integer of at least %lld", (long long)min);
		return EXPECTED(node, err, "an integer from %lld to %lld", (long long)min, (long long)max);
	}
	*out = v;
	return OK;
}

status config_i32(const struct config_node *node, int32_t min, int32_t max, int32_t *out, struct err *err)
{
	int64_t v;
	TRY(config_i64(node, min, max, &v, err));
	*out = (int32_t)v;
	return OK;
}

/* Exact: no binary fraction in between. */
bool config_decimal_parse(struct str s, int digits, int64_t *out)
{
	size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
	const bool negative = i > 0 && s.p[0] == '-';
	int64_t v = 0;
	size_t n_digits = 0;
	int n_fraction = 0;
	bool point = false;
	for (; i < s.n; i++) {
		if (s.p[i] == '.' && !point) {
			point = true;
			continue;
		}
		if (!is_digit(s.p[i])) return false;
		n_digits++;
		if (point && n_fraction == digits) {
			if (s.p[i] != '0') return false;
			continue;
		}
		n_fraction += point;
		if (v > INT64_MAX / 100) return false;
		v = v * 10 + (s.p[i] - '0');
	}
	for (; n_fraction < digits; n_fraction++) {
		if (v > INT64_MAX / 100) return false;
		v *= 10;
	}
	if (n_digits > 0) *out = negative ? -v : v;
	return n_digits > 0;
}

void config_millionths_text(int64_t v, char dst[32])
{
	const uint64_t u = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
	int n = snprintf(dst, 32, "%s%llu.%06llu", v < 0 ? "-" : "", (unsigned long long)(u / 1000000),
		(unsigned long long)(u % 1000000));
	while (dst[n - 1] == '0') n--;
	if (dst[n - 1] == '.') n--;
	dst[n] = '\0';
}

status config_millionths(const struct config_node *node, int64_t min, int64_t max, int64_t *out, struct err *err)
{
	int64_t v = 0;
	if (!is_text_of(node, CONFIG_NUMBER) || !config_decimal_parse(node->text, 6, &v) || v < min || v > max) {
		char low[32];
		char high[32];
		config_millionths_text(min, low);
		config_millionths_text(max, high);
		return EXPECTED(
			node, err, "a decimal number from %s to %s with at most 6 digits after the point", low, high);
	}
	*out = v;
	return OK;
}

status config_date(const struct config_node *node, int32_t *out, struct err *err)
{
	int32_t date;
	char why[DATE_WRONG_CHARS];
	if (node->kind != CONFIG_STRING) return EXPECTED(node, err, "%s", "a date YYYY-MM-DD");
	if (!date_parse(node->text, &date))
		return EXPECTED(node, err, "a date YYYY-MM-DD%s", date_wrong(node->text, why));
	*out = date;
	return OK;
}

status config_str(const struct config_node *node, struct str *out, struct err *err)
{
	if (node->kind == CONFIG_NUMBER || node->kind == CONFIG_BOOL)
		return EXPECTED(node, err, "%s", "a text (put it in quotes)");
	if (node->kind != CONFIG_STRING) return EXPECTED(node, err, "%s", "a text");
	*out = node->text;
	return OK;
}

static status choice_fail(const struct config_node *node, const char *const *choices, size_t n, struct err *err)
{
	char list[256] = "";
	size_t at = 0;
	for (size_t i = 0; i < n; i++) {
		if (i > 0) at = put_str(list, sizeof list, at, i + 1 == n ? STR(" or ") : STR(", "));
		at = put_str(list, sizeof list, at, str_of(choices[i]));
	}
	return EXPECTED(node, err, "%s", list);
}

status config_choice(const struct config_node *node, const char *const *choices, size_t n, size_t *out, struct err *err)
{
	for (size_t i = 0; i < n && node->kind == CONFIG_STRING; i++) {
		if (str_is(node->text, choices[i])) {
			*out = i;
			return OK;
		}
	}
	return choice_fail(node, choices, n, err);
}

status config_list(const struct config_node *node, size_t min, struct err *err)
{
	if (node->kind != CONFIG_LIST) return EXPECTED(node, err, "%s", "a list");
	if (node->n < min) return config_fail(node, err, "expected at least %zu items, found %u", min, node->n);
	return OK;
}

status config_map(const struct config_node *node, struct err *err)
{
	if (node->kind != CONFIG_MAP) return EXPECTED(node, err, "%s", "a map (key: value)");
	return OK;
}

status config_keys_only(const struct config_node *node, const char *const *keys, size_t n, struct err *err)
{
	TRY(config_map(node, err));
	for (const struct config_node *m = node->first; m != NULL; m = m->next) {
		if (is_one_of(m->key, keys, n)) continue;
		char list[256] = "";
		size_t at = 0;
		for (size_t i = 0; i < n; i++) {
			if (i > 0) at = put_str(list, sizeof list, at, STR(", "));
			at = put_str(list, sizeof list, at, str_of(keys[i]));
		}
		return config_fail(m, err, "unknown key; expected one of %s", list);
	}
	return OK;
}

const struct config_node *config_find(const struct config_node *node, const char *path)
{
	while (node != NULL && node->kind == CONFIG_MAP) {
		const char *dot = strchr(path, '.');
		node = config_node_child(node, (struct str){path, dot != NULL ? (size_t)(dot - path) : strlen(path)});
		if (dot == NULL) return node;
		path = dot + 1;
	}
	return NULL;
}

status config_need(const struct config_node *node, const char *path, const struct config_node **out, struct err *err)
{
	for (const struct config_node *at = node;;) {
		TRY(config_map(at, err));
		const char *dot = strchr(path, '.');
		const struct str key = {path, dot != NULL ? (size_t)(dot - path) : strlen(path)};
		const struct config_node *child = config_node_child(at, key);
		if (child == NULL) return config_fail(at, err, "the key \"%.*s\" is missing", (int)key.n, key.p);
		at = child;
		if (dot == NULL) {
			*out = at;
			return OK;
		}
		path = dot + 1;
	}
}

status config_file_path(const struct config_node *node, char *dst, size_t size, struct err *err)
{
	struct str path;
	TRY(config_str(node, &path, err));
	const char *slash = node->line > 0 ? strrchr(node->origin, '/') : NULL;
	const int folder = slash != NULL && path.n > 0 && path.p[0] != '/' ? (int)(slash - node->origin) + 1 : 0;
	const int n = snprintf(dst, size, "%.*s%s", folder, node->origin, path.p);
	if (n < 0 || (size_t)n >= size) return config_fail(node, err, "the path is too long");
	return OK;
}

const char *config_uri_redact(struct str uri, char *dst, size_t size)
{
	/* scheme://user:PASSWORD@host/..?password=SECRET&..; libpq also reads "host=.. password=SECRET". */
	size_t at = put_str(dst, size, 0, STR(""));
	size_t i = 0;
	const char *scheme = uri.n > 0 ? memmem(uri.p, uri.n, "://", 3) : NULL;
	if (scheme != NULL) {
		const size_t start = (size_t)(scheme - uri.p) + 3;
		/* Up to the last '@' of all: a password that should have been escaped may hold '/' and '@'. */
		const char *last = memrchr(uri.p + start, '@', uri.n - start);
		const size_t sign = last != NULL ? (size_t)(last - uri.p) : start;
		const char *colon = memchr(uri.p + start, ':', sign - start);
		if (colon != NULL) {
			at = put_str(dst, size, at, (struct str){uri.p, (size_t)(colon - uri.p) + 1});
			at = put_str(dst, size, at, STR("***"));
			i = sign;
		}
	}
	static const char *const names[] = {"password=", "passwd=", "secret=", "token=", "key="};
	while (i < uri.n) {
		size_t skip = 0;
		for (size_t k = 0; k < sizeof names / sizeof names[0] && skip == 0; k++) {
			const size_t n = strlen(names[k]);
			if (uri.n - i >= n && strncasecmp(uri.p + i, names[k], n) == 0) skip = n;
		}
		if (skip == 0) {
			at = put_str(dst, size, at, (struct str){uri.p + i, 1});
			i++;
			continue;
		}
		at = put_str(dst, size, at, (struct str){uri.p + i, skip});
		at = put_str(dst, size, at, STR("***"));
		for (i += skip; i < uri.n && uri.p[i] != '&' && uri.p[i] != ' '; i++) {}
	}
	return dst;
}
