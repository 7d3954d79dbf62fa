/* io/config/config_node.c: the tree of a configuration: making, finding, attaching and copying nodes.
 *
 * Invariants: 1. members of a map stand in byte order of their keys, each key once; 2. depth, nodes and keys of a map are bounded
 * (base/limits.h), so that walks need no recursion; 3. texts are copied into the configuration's arena. Must not know file formats.
 */
#include "base/limits.h"
#include "io/config/config_int.h"

status config_node_create(
	struct config *c, enum config_kind kind, struct str text, struct config_node **out, struct err *err)
{
	if (c->n_nodes >= CONFIG_NODES_MAX)
		return fail(err, E_LIMIT, "configuration: more than %d values (aliases count as what they stand for)",
			CONFIG_NODES_MAX);
	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		return fail(err, E_USAGE, "a text holds the character U+0000");
	struct config_node *node = ARENA_ZNEW(&c->arena, struct config_node, 1);
	const char *copy = node == NULL ? NULL : text.n == 0 ? "" : arena_strndup(&c->arena, text.p, text.n);
	if (copy == NULL) return fail_nomem(err);
	node->kind = kind;
	node->text = (struct str){copy, text.n};
	node->key = (struct str){"", 0};
	c->n_nodes++;
	*out = node;
	return OK;
}

uint32_t config_node_depth(const struct config_node *node)
{
	uint32_t depth = 0;
	for (; node->parent != NULL; node = node->parent) depth++;
	return depth;
}

const struct config_node *config_node_after(const struct config_node *node, const struct config_node *top)
{
	if (node->first != NULL) return node->first;
	for (; node != top; node = node->parent) {
		if (node->next != NULL) return node->next;
	}
	return NULL;
}

struct config_node *config_node_child(const struct config_node *map, struct str key)
{
	for (struct config_node *n = map->first; n != NULL; n = n->next) {
		if (str_eq(n->key, key)) return n;
	}
	return NULL;
}

/* The member after which key belongs; NULL: at the front. *same: the member that has the key. */
static struct config_node *map_place(const struct config_node *map, struct str key, struct config_node **same)
{
	*same = NULL;
	if (map->last == NULL || str_cmp(map->last->key, key) < 0) return map->last;
	struct config_node *before = NULL;
	for (struct config_node *n = map->first; n != NULL; n = n->next) {
		const int order = str_cmp(n->key, key);
		if (order == 0) *same = n;
		if (order >= 0) return before;
		before = n;
	}
	return before;
}

static void link_after(struct config_node *parent, struct config_node *before, struct config_node *node)
{
	node->parent = parent;
	node->next = before != NULL ? before->next : parent->first;
	if (before != NULL)
		before->next = node;
	else
		parent->first = node;
	if (node->next == NULL) parent->last = node;
	parent->n++;
}

status config_node_attach(
	struct config *c, struct config_node *parent, struct str key, struct config_node *node, struct err *err)
{
	ASSERT(parent->kind == CONFIG_LIST || parent->kind == CONFIG_MAP);
	if (config_node_depth(parent) + 1 >= CONFIG_DEPTH_MAX)
		return fail(err, E_LIMIT, "maps and lists nested over %d deep", CONFIG_DEPTH_MAX);
	if (parent->kind == CONFIG_LIST) {
		link_after(parent, parent->last, node);
		return OK;
	}
	struct config_node *same;
	struct config_node *before = map_place(parent, key, &same);
	if (same != NULL)
		return fail(err, E_USAGE, "the key \"%.*s\" stands twice in one map, first on line %d",
			(int)(key.n < 80 ? key.n : 80), key.p, same->line);
	if (parent->n >= CONFIG_MAP_KEYS_MAX)
		return fail(err, E_LIMIT, "more than %d keys in one map", CONFIG_MAP_KEYS_MAX);
	const char *copy = arena_strndup(&c->arena, key.p, key.n);
	if (copy == NULL) return fail_nomem(err);
	node->key = (struct str){copy, key.n};
	link_after(parent, before, node);
	return OK;
}

status config_add(struct config *c, struct config_node *parent, struct str key, struct config_value value,
	struct config_node **out, struct err *err)
{
	struct config_node *node = NULL;
	TRY(config_node_create(c, value.kind, value.text, &node, err));
	node->origin = parent != NULL ? parent->origin : "";
	node->line = parent != NULL ? parent->line : 0;
	if (parent != NULL) TRY(config_node_attach(c, parent, key, node, err));
	if (out != NULL) *out = node;
	return OK;
}

status config_node_copy(struct config *c, const struct config_node *from, struct config_node **out, struct err *err)
{
	struct config_node *top = NULL;
	struct config_node *at = NULL; /* copy of n's parent */
	const struct config_node *parent = NULL;
	for (const struct config_node *n = from; n != NULL; n = config_node_after(n, from)) {
		struct config_node *copy = NULL;
		TRY(config_node_create(c, n->kind, n->text, &copy, err));
		copy->line = n->line;
		copy->origin = n->origin;
		copy->loose = n->loose;
		if (top == NULL) {
			top = copy;
		} else {
			while (parent != n->parent) { /* climb in both trees together */
				parent = parent->parent;
				at = at->parent;
			}
			TRY(config_node_attach(c, at, n->key, copy, err));
		}
		if (n->first != NULL) {
			parent = n;
			at = copy;
		}
	}
	*out = top;
	return OK;
}
