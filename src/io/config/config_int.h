/* io/config/config_int.h: what the files of io/config share. */
#ifndef PQR_IO_CONFIG_CONFIG_INT_H
#define PQR_IO_CONFIG_CONFIG_INT_H

#include "io/config/config.h"

/* A node that stands nowhere yet. text is copied. */
status config_node_create(
	struct config *c, enum config_kind kind, struct str text, struct config_node **out, struct err *err) MUST_USE;
/* Put a free node below parent under key (copied; ignored below a list). Errors as config_add. */
status config_node_attach(struct config *c, struct config_node *parent, struct str key, struct config_node *node,
	struct err *err) MUST_USE;
/* A deep copy, not attached. */
status config_node_copy(
	struct config *c, const struct config_node *from, struct config_node **out, struct err *err) MUST_USE;
/* The node after `node` in document order (parents first) inside `top`; NULL at the end. */
const struct config_node *config_node_after(const struct config_node *node, const struct config_node *top);
uint32_t config_node_depth(const struct config_node *node); /* 0: has no parent */
struct config_node *config_node_child(const struct config_node *map, struct str key);
enum config_kind config_kind_of_plain(struct str text); /* YAML 1.2 core schema, section 10.3.2 */

status config_parse_yaml(
	struct config *c, struct str text, const char *origin, struct config_node **out, struct err *err) MUST_USE;
status config_parse_json(
	struct config *c, struct str text, const char *origin, struct config_node **out, struct err *err) MUST_USE;

/* Take a node out of its map or list. */
void config_node_detach(const struct config_node *child);
/* config_set below any map of c's. */
struct config_setting {
	const char *path, *value, *origin;
	struct str member; /* of the map that path names, dots and all; empty: path names the scalar */
};
status config_node_set(struct config *c, struct config_node *root, struct config_setting s, struct err *err) MUST_USE;

#endif
