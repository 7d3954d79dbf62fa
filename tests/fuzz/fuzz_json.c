/* Any bytes as a JSON text: the fast and the plain scanner agree on verdict and place; what walking sees is what skipping saw;
 * UTF-8 by blocks is UTF-8 by bytes; a decoded string fits and is UTF-8. */
#include <string.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"

static bool skip_all(const char *text, size_t n, struct json_scan *s)
{
	json_start(s, text, n);
	return json_skip(s, NULL) && json_end(s);
}

static void string_check(const struct json_string *string)
{
	char *dst = mem_alloc(string->raw.n);
	ASSERT(dst != NULL);
	const size_t n = json_unescape(string->raw, dst);
	ASSERT(n <= string->raw.n);
	ASSERT(string->has_escape || n == string->raw.n);
	if (utf8_valid(string->raw.p, string->raw.n)) ASSERT(utf8_valid(dst, n));
	mem_free(dst);
}

static bool value_take(struct json_scan *s)
{
	struct json_string string;
	struct str text;
	enum json_kind kind;
	int64_t number;
	switch (json_peek(s)) {
	case JSON_STRING:
		if (!json_take_string(s, &string)) return false;
		string_check(&string);
		return true;
	case JSON_NUMBER:
		if (!json_take_number(s, &text)) return false;
		if (json_number_i64(text, &number)) ASSERT(text.n > 0);
		return true;
	case JSON_TRUE:
	case JSON_FALSE:
	case JSON_NULL: return json_take_literal(s, &kind);
	default: return json_skip(s, &text);
	}
}

/* Top-level members or elements one by one. */
static bool walk_all(const char *text, size_t n, struct json_scan *s)
{
	struct json_string key;
	json_start(s, text, n);
	const enum json_kind kind = json_peek(s);
	if (kind == JSON_OBJECT) {
		if (!json_object_begin(s)) return false;
		while (json_object_next(s, &key)) {
			string_check(&key);
			if (!value_take(s)) return false;
		}
	} else if (kind == JSON_ARRAY) {
		if (!json_array_begin(s)) return false;
		while (json_array_next(s)) {
			if (!value_take(s)) return false;
		}
	} else if (!value_take(s)) {
		return false;
	}
	return json_end(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_alloc(size + JSON_SCAN_PADDING);
	ASSERT(text != NULL);
	if (size > 0) memcpy(text, data, size);
	memset(text + size, '"', JSON_SCAN_PADDING);
	struct json_scan fast, plain, walked;
	ASSERT(utf8_valid(text, size) == utf8_valid_plain(text, size));
	const bool accepted = skip_all(text, size, &fast);
	ASSERT(accepted == (fast.error == NULL));
	ASSERT(accepted == walk_all(text, size, &walked));
	json_scan_force_plain(true);
	ASSERT(accepted == skip_all(text, size, &plain));
	json_scan_force_plain(false);
	ASSERT(fast.error == plain.error && fast.error_at == plain.error_at);
	ASSERT(fast.error == NULL || fast.error_at <= size);
	mem_free(text);
	return 0;
}
