/* io/config/config_canonical.c: keys that are newer than a canonical form: left out of it at their default, and put back.
 *
 * So a form, and the hash of it, stays what it was when a version adds keys: it changes only for who sets them. */
#include "io/config/config_int.h"

enum { MILLIONTHS = 6 };

/* A scalar of a canonical form against the default as the table writes it ("0.10" is 0.1). */
static bool is_default(const struct config_key *k, struct str text)
{
	const struct str fallback = str_of(k->fallback);
	const int digits = k->type == CONFIG_T_DECIMAL ? MILLIONTHS : 0;
	int64_t a, b;
	if (k->type != CONFIG_T_INT && k->type != CONFIG_T_DECIMAL) return str_eq(text, fallback);
	return config_decimal_parse(text, digits, &a) && config_decimal_parse(fallback, digits, &b) && a == b;
}

void config_leave_out_newer(struct config_node *root, const struct config_keys *table)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct config_key *k = &table->items[i];
		if (k->since == 0) continue;
		ASSERT(k->fallback != NULL);
		const struct config_node *node = config_find(root, k->path);
		if (node == NULL || !is_default(k, node->text)) continue;
		while (node != root) {
			const struct config_node *parent = node->parent;
			config_node_detach(node);
			node = parent->n == 0 ? parent : root;
		}
	}
}

status config_fill_newer(struct config *c, struct config_node *root, const struct config_keys *table, struct err *err)
{
	for (size_t i = 0; i < table->n; i++) {
		const struct config_key *k = &table->items[i];
		if (k->since == 0 || config_find(root, k->path) != NULL) continue;
		TRY(config_node_set(c, root, (struct config_setting){k->path, k->fallback, "default", {NULL, 0}}, err));
	}
	return OK;
}
