/* io/config/config_yaml.c: YAML events to nodes. The only file that includes libyaml.
 *
 * libyaml's events come without recursion; `at` is the open map or list, `key` the map key that waits for its value.
 */
#include <yaml.h>

#include "base/limits.h"
#include "io/config/config_int.h"

enum { ANCHORS_MAX = 256 };

struct anchor {
	const char *name;
	struct config_node *node;
};

struct reader {
	struct config *c;
	const char *origin;
	struct str text;
	struct config_node *top; /* the document's node; NULL before it */
	struct config_node *at;
	struct str key;
	int32_t key_line;
	bool has_key;
	int documents;
	struct anchor anchors[ANCHORS_MAX];
	size_t n_anchors;
};

static status at_line(struct err *err, status code, const struct reader *r, size_t line)
{
	return err_at(err, code, r->origin, -1, (int64_t)line + 1);
}

static status anchor_add(struct reader *r, const yaml_char_t *name, struct config_node *node, struct err *err)
{
	if (name == NULL) return OK;
	if (r->n_anchors == ANCHORS_MAX) return fail(err, E_LIMIT, "more than %d anchors", ANCHORS_MAX);
	const char *copy = arena_strndup(&r->c->arena, (const char *)name, strlen((const char *)name));
	if (copy == NULL) return fail_nomem(err);
	r->anchors[r->n_anchors++] = (struct anchor){copy, node};
	return OK;
}

/* Attach a value where the reader stands. */
static status value_put(struct reader *r, struct config_node *node, struct err *err)
{
	if (r->at == NULL) {
		r->top = node;
		return OK;
	}
	TRY(config_node_attach(r->c, r->at, r->key, node, err));
	if (r->has_key) node->line = r->key_line; /* where a reader looks for it: the value may start a line later */
	r->has_key = false;
	r->key = (struct str){"", 0};
	return OK;
}

static bool key_wanted(const struct reader *r)
{
	return r->at != NULL && r->at->kind == CONFIG_MAP && !r->has_key;
}

static status scalar_kind(const yaml_event_t *e, struct str text, enum config_kind *out, struct err *err)
{
	const char *tag = (const char *)e->data.scalar.tag;
	if (tag != NULL && strcmp(tag, YAML_STR_TAG) != 0 && strcmp(tag, "!") != 0)
		return fail(err, E_USAGE, "the tag %.60s is not supported; write the plain value", tag);
	*out = tag != NULL || e->data.scalar.style != YAML_PLAIN_SCALAR_STYLE ? CONFIG_STRING
									      : config_kind_of_plain(text);
	return OK;
}

static status on_scalar(struct reader *r, const yaml_event_t *e, struct err *err)
{
	const struct str text = {(const char *)e->data.scalar.value, e->data.scalar.length};
	if (key_wanted(r)) {
		if (e->data.scalar.anchor != NULL) return fail(err, E_USAGE, "an anchor on a key is not supported");
		if (memchr(text.p, '\0', text.n) != NULL) return fail(err, E_USAGE, "a key holds the character U+0000");
		const char *copy = arena_strndup(&r->c->arena, text.p, text.n);
		if (copy == NULL) return fail_nomem(err);
		r->key = (struct str){copy, text.n};
		r->has_key = true;
		r->key_line = (int32_t)e->start_mark.line + 1;
		return OK;
	}
	enum config_kind kind = CONFIG_STRING;
	struct config_node *node = NULL;
	TRY(scalar_kind(e, text, &kind, err));
	TRY(config_node_create(r->c, kind, text, &node, err));
	node->origin = r->origin;
	node->line = (int32_t)e->start_mark.line + 1;
	TRY(anchor_add(r, e->data.scalar.anchor, node, err));
	return value_put(r, node, err);
}

static status on_open(struct reader *r, const yaml_event_t *e, struct err *err)
{
	const bool map = e->type == YAML_MAPPING_START_EVENT;
	const yaml_char_t *tag = map ? e->data.mapping_start.tag : e->data.sequence_start.tag;
	const yaml_char_t *anchor = map ? e->data.mapping_start.anchor : e->data.sequence_start.anchor;
	if (key_wanted(r)) return fail(err, E_USAGE, "a %s as a key is not supported", map ? "map" : "list");
	if (tag != NULL)
		return fail(err, E_USAGE, "the tag %.60s is not supported; write the plain value", (const char *)tag);
	struct config_node *node = NULL;
	TRY(config_node_create(r->c, map ? CONFIG_MAP : CONFIG_LIST, STR(""), &node, err));
	node->origin = r->origin;
	node->line = (int32_t)e->start_mark.line + 1;
	TRY(anchor_add(r, anchor, node, err));
	TRY(value_put(r, node, err));
	r->at = node;
	return OK;
}

static bool is_inside(const struct config_node *node, const struct config_node *top)
{
	for (; node != NULL; node = node->parent) {
		if (node == top) return true;
	}
	return false;
}

static status on_alias(struct reader *r, const yaml_event_t *e, struct err *err)
{
	const char *name = (const char *)e->data.alias.anchor;
	if (key_wanted(r)) return fail(err, E_USAGE, "an alias as a key is not supported");
	for (size_t i = r->n_anchors; i-- > 0;) { /* the latest anchor of a name stands */
		struct config_node *copy = NULL;
		if (strcmp(r->anchors[i].name, name) != 0) continue;
		if (is_inside(r->at, r->anchors[i].node))
			return fail(err, E_USAGE, "the alias *%.60s stands inside what it names", name);
		TRY(config_node_copy(r->c, r->anchors[i].node, &copy, err));
		return value_put(r, copy, err);
	}
	return fail(err, E_USAGE, "the alias *%.60s names no anchor", name);
}

static status on_event(struct reader *r, const yaml_event_t *e, struct err *err)
{
	switch (e->type) {
	case YAML_DOCUMENT_START_EVENT:
		return ++r->documents > 1 ? fail(err, E_USAGE, "a second document (---); expected one") : OK;
	case YAML_SCALAR_EVENT: return on_scalar(r, e, err);
	case YAML_MAPPING_START_EVENT:
	case YAML_SEQUENCE_START_EVENT: return on_open(r, e, err);
	case YAML_MAPPING_END_EVENT:
	case YAML_SEQUENCE_END_EVENT: r->at = r->at->parent; return OK;
	case YAML_ALIAS_EVENT: return on_alias(r, e, err);
	default: return OK;
	}
}

/* Does a tab stand in the white space that line (from 0) begins with? */
static bool tab_indents(struct str text, size_t line)
{
	size_t i = 0;
	for (; i < text.n && line > 0; i++) line -= text.p[i] == '\n';
	while (i < text.n && text.p[i] == ' ') i++;
	return i < text.n && text.p[i] == '\t';
}

static status parser_fail(const yaml_parser_t *p, const struct reader *r, struct err *err)
{
	if (p->error == YAML_MEMORY_ERROR) return fail_nomem(err);
	const char *problem = p->problem != NULL ? p->problem : "unreadable";
	if (p->error == YAML_READER_ERROR) {
		const status code = fail(err, E_USAGE, "not YAML: %s", problem);
		return err_at(err, code, r->origin, (int64_t)p->problem_offset, -1);
	}
	(void)fail(err, E_USAGE, "not YAML: %s%s%s (column %zu)%s", p->context != NULL ? p->context : "",
		p->context != NULL ? ": " : "", problem, p->problem_mark.column + 1,
		tab_indents(r->text, p->problem_mark.line) ? "; YAML is indented with spaces, not tabs" : "");
	return at_line(err, E_USAGE, r, p->problem_mark.line);
}

static status read_events(struct reader *r, yaml_parser_t *parser, struct err *err)
{
	for (bool end = false; !end;) {
		yaml_event_t event;
		if (!yaml_parser_parse(parser, &event)) return parser_fail(parser, r, err);
		end = event.type == YAML_STREAM_END_EVENT;
		const status code = on_event(r, &event, err);
		const size_t line = event.start_mark.line;
		yaml_event_delete(&event);
		if (code != OK) return at_line(err, code, r, line);
	}
	if (r->top != NULL) return OK;
	TRY(config_node_create(r->c, CONFIG_NULL, STR(""), &r->top, err));
	r->top->origin = r->origin;
	r->top->line = 1;
	return OK;
}

status config_parse_yaml(
	struct config *c, struct str text, const char *origin, struct config_node **out, struct err *err)
{
	yaml_parser_t parser;
	struct reader *r = ARENA_ZNEW(&c->arena, struct reader, 1);
	if (r == NULL) return fail_nomem(err);
	*r = (struct reader){.c = c, .origin = origin, .text = text, .key = {"", 0}};
	if (!yaml_parser_initialize(&parser)) return fail_nomem(err);
	yaml_parser_set_input_string(&parser, (const unsigned char *)(text.n > 0 ? text.p : ""), text.n);
	const status code = read_events(r, &parser, err);
	yaml_parser_delete(&parser);
	if (code == OK) *out = r->top;
	return code;
}
