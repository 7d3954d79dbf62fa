/* io/config/config.c: configurations: parsing, merging, setting, canonical JSON. The tree itself is config_node.c's.
 *
 * Invariant: the later of two layers wins, key by key; a list is replaced as a whole. Must not know any key's meaning.
 */
#include "io/config/config.h"

#include <stdio.h>

#include "base/file.h"
#include "base/limits.h"
#include "io/config/config_int.h"

enum { CONFIG_ARENA_BYTES_MAX = 1 << 28 };

status config_init(struct config *c, struct err *err)
{
	*c = (struct config){0};
	arena_init(&c->arena, CONFIG_ARENA_BYTES_MAX);
	const status code = config_add(c, NULL, STR(""), CONFIG_EMPTY_MAP, &c->root, err);
	if (code != OK) arena_deinit(&c->arena);
	return code;
}

void config_deinit(struct config *c)
{
	arena_deinit(&c->arena);
	*c = (struct config){0};
}

status config_parse(struct config *c, enum config_format format, struct str text, const char *name,
	struct config_node **out, struct err *err)
{
	const char *origin = arena_strndup(&c->arena, name, strlen(name));
	if (origin == NULL) return fail_nomem(err);
	struct config_node *top = NULL;
	TRY(format == CONFIG_JSON ? config_parse_json(c, text, origin, &top, err)
				  : config_parse_yaml(c, text, origin, &top, err));
	if (top->kind == CONFIG_NULL) top->kind = CONFIG_MAP; /* a file of comments */
	TRY(config_map(top, err));
	*out = top;
	return OK;
}

status config_parse_file(struct config *c, const char *path, struct config_node **out, struct err *err)
{
	struct buf text;
	buf_init(&text, CONFIG_FILE_BYTES_MAX + (1 << 17));
	const size_t n = strlen(path);
	const enum config_format format = n > 5 && strcmp(path + n - 5, ".json") == 0 ? CONFIG_JSON : CONFIG_YAML;
	status code = file_read(path, CONFIG_FILE_BYTES_MAX, &text, err);
	if (code == E_NOT_FOUND) code = fail(err, E_USAGE, "configuration: no file %s", path);
	if (code == OK) code = config_parse(c, format, (struct str){(const char *)text.p, text.n}, path, out, err);
	buf_deinit(&text);
	return code;
}

/* ---- merging and setting ---- */

void config_node_detach(const struct config_node *child)
{
	struct config_node *parent = child->parent;
	struct config_node *before = NULL;
	for (struct config_node *n = parent->first; n != child; n = n->next) before = n;
	if (before != NULL)
		before->next = child->next;
	else
		parent->first = child->next;
	if (parent->last == child) parent->last = before;
	parent->n--;
}

/* Put `node` (free) into the place of `old`, or as a new member. */
static status child_put(
	struct config *c, struct config_node *parent, struct str key, struct config_node *node, struct err *err)
{
	const struct config_node *old = config_node_child(parent, key);
	if (old != NULL) config_node_detach(old);
	return config_node_attach(c, parent, key, node, err);
}

/* Two maps of one key, waiting to be merged. */
struct pair {
	struct config_node *into;
	const struct config_node *from;
	struct pair *below;
};

static status merge_member(struct config *c, struct config_node *into, const struct config_node *from,
	struct pair **stack, struct err *err)
{
	struct config_node *old = config_node_child(into, from->key);
	if (old != NULL && old->kind == CONFIG_MAP && from->kind == CONFIG_NULL)
		return OK; /* all its keys are commented out */
	if (old == NULL || old->kind != CONFIG_MAP || from->kind != CONFIG_MAP) {
		struct config_node *copy = NULL;
		TRY(config_node_copy(c, from, &copy, err));
		return child_put(c, into, from->key, copy, err);
	}
	struct pair *pair = ARENA_NEW(&c->arena, struct pair, 1);
	if (pair == NULL) return fail_nomem(err);
	*pair = (struct pair){old, from, *stack};
	*stack = pair;
	return OK;
}

status config_merge(struct config *c, struct config_node *into, const struct config_node *from, struct err *err)
{
	struct pair first = {into, from, NULL};
	for (struct pair *stack = &first; stack != NULL;) {
		struct pair *top = stack;
		stack = top->below;
		top->into->origin = top->from->origin;
		top->into->line = top->from->line;
		for (const struct config_node *n = top->from->first; n != NULL; n = n->next)
			TRY(merge_member(c, top->into, n, &stack, err));
	}
	return OK;
}

status config_set(struct config *c, const char *path, const char *value, const char *origin, struct err *err)
{
	return config_node_set(c, c->root, (struct config_setting){path, value, origin, {NULL, 0}}, err);
}

status config_node_set(struct config *c, struct config_node *root, struct config_setting s, struct err *err)
{
	const char *name = arena_strndup(&c->arena, s.origin, strlen(s.origin)), *path = s.path;
	if (name == NULL) return fail_nomem(err);
	struct config_node *at = root;
	for (;;) {
		const size_t n = path != NULL ? strcspn(path, ".") : 0;
		const struct str key = path != NULL ? (struct str){path, n} : s.member;
		const bool last = path == NULL || (path[n] == '\0' && s.member.n == 0);
		struct config_node *child = config_node_child(at, key);
		if (last || child == NULL || child->kind != CONFIG_MAP) {
			TRY(config_node_create(
				c, last ? CONFIG_STRING : CONFIG_MAP, last ? str_of(s.value) : STR(""), &child, err));
			TRY(child_put(c, at, key, child, err));
		}
		child->origin = name;
		child->line = 0;
		if (last) {
			child->loose = true;
			return OK;
		}
		at = child;
		path = path[n] == '.' ? path + n + 1 : NULL;
	}
}

/* ---- canonical JSON ---- */

/* YAML writes ".5", "+1", "007" and "1." as well: the same number becomes the same JSON text (exponents stay). */
static void json_number(struct str s, struct buf *out)
{
	size_t i = s.p[0] == '-' || s.p[0] == '+';
	if (s.p[0] == '-') buf_char(out, '-');
	while (i + 1 < s.n && s.p[i] == '0' && s.p[i + 1] >= '0' && s.p[i + 1] <= '9') i++;
	if (s.p[i] == '.') buf_char(out, '0');
	for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) buf_char(out, s.p[i]);
	if (i < s.n && s.p[i] == '.') {
		size_t end = i + 1;
		for (size_t k = end; k < s.n && s.p[k] >= '0' && s.p[k] <= '9'; k++) {
			if (s.p[k] != '0') end = k + 1;
		}
		if (end > i + 1) buf_add(out, s.p + i, end - i);
		for (i++; i < s.n && s.p[i] >= '0' && s.p[i] <= '9'; i++) {}
	}
	buf_add(out, s.p + i, s.n - i);
}

static void json_scalar(const struct config_node *node, struct buf *out)
{
	switch (node->kind) {
	case CONFIG_NULL: buf_str(out, "null"); break;
	case CONFIG_BOOL: buf_str(out, node->text.p[0] == 't' || node->text.p[0] == 'T' ? "true" : "false"); break;
	case CONFIG_NUMBER: json_number(node->text, out); break;
	default: buf_json_str(out, node->text); break;
	}
}

static bool is_container(const struct config_node *node)
{
	return node->kind == CONFIG_LIST || node->kind == CONFIG_MAP;
}

void config_json(const struct config_node *node, struct buf *out)
{
	for (const struct config_node *n = node; n != NULL;) {
		if (n != node && n != n->parent->first) buf_char(out, ',');
		if (n != node && n->parent->kind == CONFIG_MAP) {
			buf_json_str(out, n->key);
			buf_char(out, ':');
		}
		if (!is_container(n))
			json_scalar(n, out);
		else
			buf_char(out, n->kind == CONFIG_MAP ? '{' : '[');
		if (n->first != NULL) {
			n = n->first;
			continue;
		}
		if (is_container(n)) buf_char(out, n->kind == CONFIG_MAP ? '}' : ']');
		while (n != node && n->next == NULL) {
			n = n->parent;
			buf_char(out, n->kind == CONFIG_MAP ? '}' : ']');
		}
		n = n == node ? NULL : n->next;
	}
}
