/* io/json/json_doc.h: small JSON documents as a tree: configuration, task specs, commits. Rows never come this way (io/json/json_scan.h).
 *
 * The library (jansson) stays behind this header. Strict RFC 8259; a repeated member is an error; integers are int64. Nodes
 * view the document and are valid until its destroy. Reading functions return false when the node is missing (NULL) or of
 * another kind, and leave *out alone, so that a chain of look-ups needs one check at its end.
 */
#ifndef PQR_IO_JSON_JSON_DOC_H
#define PQR_IO_JSON_JSON_DOC_H

#include "base/buf.h"

struct json_doc;
struct json_node;

enum json_doc_kind {
	JSON_DOC_NULL,
	JSON_DOC_BOOL,
	JSON_DOC_INT,
	JSON_DOC_REAL,
	JSON_DOC_STRING,
	JSON_DOC_ARRAY,
	JSON_DOC_OBJECT
};

/* E_CORRUPT with line and byte offset; E_NOMEM. text is borrowed. */
status json_doc_parse(struct str text, struct json_doc **out, struct err *err) MUST_USE;
void json_doc_destroy(struct json_doc *d); /* NULL is fine */
const struct json_node *json_doc_root(const struct json_doc *d);

enum json_doc_kind json_node_kind(const struct json_node *n); /* NULL: JSON_DOC_NULL */
const struct json_node *json_node_get(
	const struct json_node *n, const char *key);                       /* member; NULL: none, or no object */
size_t json_node_n(const struct json_node *n);                             /* items or members; 0 for the other kinds */
const struct json_node *json_node_at(const struct json_node *n, size_t i); /* array item; NULL past the end */
bool json_node_equal(const struct json_node *a, const struct json_node *b); /* kind and content; two NULLs are equal */
bool json_node_bool(const struct json_node *n, bool *out) MUST_USE;
bool json_node_i64(const struct json_node *n, int64_t *out) MUST_USE;
bool json_node_f64(const struct json_node *n, double *out) MUST_USE;     /* an integer, too */
bool json_node_str(const struct json_node *n, struct str *out) MUST_USE; /* NUL-terminated too; holds no NUL itself */

/* Members one after another, in the document's order: start with *at = NULL; false at the end.
 * for (const void *at = NULL; json_node_next(n, &at, &key, &value);) ... */
bool json_node_next(const struct json_node *n, const void **at, struct str *key, const struct json_node **value);

#endif
