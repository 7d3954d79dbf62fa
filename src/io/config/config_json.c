/* io/config/config_json.c: JSON text to nodes, through the strict scanner. */
#include "base/limits.h"
#include "io/config/config_int.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"

struct reader {
	struct config *c;
	const char *origin;
	struct json_scan scan;
	const char *counted; /* the newlines before here are in `line` */
	int32_t line;
	struct config_node *at;
};

static int32_t line_now(struct reader *r)
{
	while (r->counted < r->scan.p) {
		const char *eol = memchr(r->counted, '\n', (size_t)(r->scan.p - r->counted));
		if (eol == NULL) break;
		r->counted = eol + 1;
		r->line++;
	}
	r->counted = r->counted < r->scan.p ? r->scan.p : r->counted;
	return r->line;
}

static status string_text(struct reader *r, const struct json_string *s, struct str *out, struct err *err)
{
	*out = s->raw;
	if (!s->has_escape) return OK;
	char *copy = arena_alloc(&r->c->arena, s->raw.n + 1, 1);
	if (copy == NULL) return fail_nomem(err);
	*out = (struct str){copy, json_unescape(s->raw, copy)};
	return OK;
}

/* A scalar's kind and text; false: the scan has the error. */
static bool take_scalar(
	struct reader *r, enum json_kind json, struct json_string *string, struct str *text, enum config_kind *kind)
{
	enum json_kind literal;
	switch (json) {
	case JSON_STRING: *kind = CONFIG_STRING; return json_take_string(&r->scan, string);
	case JSON_NUMBER: *kind = CONFIG_NUMBER; return json_take_number(&r->scan, text);
	default:
		if (!json_take_literal(&r->scan, &literal)) return false;
		*kind = literal == JSON_NULL ? CONFIG_NULL : CONFIG_BOOL;
		*text = literal == JSON_TRUE ? STR("true") : literal == JSON_FALSE ? STR("false") : STR("null");
		return true;
	}
}

/* The next value, attached below r->at; a container becomes r->at. */
static status take_value(struct reader *r, struct str key, struct config_node **top, struct err *err)
{
	const enum json_kind json = json_peek(&r->scan);
	enum config_kind kind = json == JSON_OBJECT ? CONFIG_MAP : CONFIG_LIST;
	struct str text = STR("");
	struct json_string string = {0};
	if (json == JSON_NONE) return OK; /* the caller sees scan.error */
	const bool container = json == JSON_OBJECT || json == JSON_ARRAY;
	const int32_t line = line_now(r);
	if (!container && !take_scalar(r, json, &string, &text, &kind)) return OK;
	if (json == JSON_STRING) TRY(string_text(r, &string, &text, err));
	struct config_node *node = NULL;
	TRY(config_node_create(r->c, kind, text, &node, err));
	node->origin = r->origin;
	node->line = line;
	if (r->at != NULL)
		TRY(config_node_attach(r->c, r->at, key, node, err));
	else
		*top = node;
	if (!container) return OK;
	r->at = node;
	const bool begun = json == JSON_OBJECT ? json_object_begin(&r->scan) : json_array_begin(&r->scan);
	ASSERT(begun); /* json_peek saw its first byte; only the scanner's own depth limit could refuse, and ours is lower */
	return OK;
}

static status read_all(struct reader *r, struct config_node **top, struct err *err)
{
	TRY(take_value(r, STR(""), top, err));
	while (r->at != NULL && r->scan.error == NULL) {
		struct json_string key = {0};
		struct str name = STR("");
		const bool map = r->at->kind == CONFIG_MAP;
		if (map ? !json_object_next(&r->scan, &key) : !json_array_next(&r->scan)) {
			if (r->scan.error == NULL) r->at = r->at->parent;
			continue;
		}
		if (map) TRY(string_text(r, &key, &name, err));
		TRY(take_value(r, name, top, err));
	}
	return OK;
}

status config_parse_json(
	struct config *c, struct str text, const char *origin, struct config_node **out, struct err *err)
{
	if (text.n >= CONFIG_FILE_BYTES_MAX)
		return fail(err, E_LIMIT, "%s: larger than %d bytes", origin, CONFIG_FILE_BYTES_MAX);
	char *padded = arena_alloc(&c->arena, text.n + JSON_SCAN_PADDING, 1);
	if (padded == NULL) return fail_nomem(err);
	if (text.n > 0) memcpy(padded, text.p, text.n);
	memset(padded + text.n, 0, JSON_SCAN_PADDING);
	if (!utf8_valid(padded, text.n)) {
		const status code = fail(err, E_USAGE, "not UTF-8");
		return err_at(err, code, origin, (int64_t)utf8_valid_prefix(padded, text.n), -1);
	}
	struct reader r = {.c = c, .origin = origin, .counted = padded, .line = 1};
	struct config_node *top = NULL;
	json_start(&r.scan, padded, text.n);
	const status code = read_all(&r, &top, err);
	if (code != OK) return err_at(err, code, origin, -1, line_now(&r));
	if (r.scan.error != NULL || !json_end(&r.scan)) {
		const status bad = fail(err, E_USAGE, "not JSON: %s",
			r.scan.error != NULL ? r.scan.error : "more text after the value");
		r.scan.p = padded + (r.scan.error_at < text.n ? r.scan.error_at : text.n);
		return err_at(err, bad, origin, -1, line_now(&r));
	}
	*out = top;
	return OK;
}
