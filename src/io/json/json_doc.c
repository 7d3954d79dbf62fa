/* io/json/json_doc.c: a JSON text as a tree, by jansson; the only file that includes it. For documents of a screenful; events go through
 * json_scan.h.
 *
 * Invariants: 1. a member that stands twice is refused; 2. no name of jansson leaves this file.
 */
#include "io/json/json_doc.h"

#include <jansson.h>

#include "base/alloc.h"

struct json_doc {
	json_t *root;
};

/* jansson's read-only functions take a const json_t, its iterators do not; nothing here changes a node. */
static json_t *lib(const struct json_node *n)
{
	return (json_t *)(uintptr_t)n;
}

static const struct json_node *ours(const json_t *t)
{
	return (const struct json_node *)(const void *)t;
}

status json_doc_parse(struct str text, struct json_doc **out, struct err *err)
{
	json_error_t why;
	struct json_doc *d = mem_zalloc(1, sizeof *d);
	if (d == NULL) return fail_nomem(err);
	d->root = json_loadb(text.p != NULL ? text.p : "", text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &why);
	if (d->root == NULL) {
		const bool memory = json_error_code(&why) == json_error_out_of_memory;
		mem_free(d);
		const status code = fail(err, memory ? E_NOMEM : E_CORRUPT, "not a JSON document: %s", why.text);
		if (err != NULL) {
			err->offset = why.position;
			err->line = why.line;
		}
		return code;
	}
	*out = d;
	return OK;
}

void json_doc_destroy(struct json_doc *d)
{
	if (d == NULL) return;
	json_decref(d->root);
	mem_free(d);
}

const struct json_node *json_doc_root(const struct json_doc *d)
{
	return ours(d->root);
}

enum json_doc_kind json_node_kind(const struct json_node *n)
{
	if (n == NULL) return JSON_DOC_NULL;
	switch (json_typeof(lib(n))) {
	case JSON_OBJECT: return JSON_DOC_OBJECT;
	case JSON_ARRAY: return JSON_DOC_ARRAY;
	case JSON_STRING: return JSON_DOC_STRING;
	case JSON_INTEGER: return JSON_DOC_INT;
	case JSON_REAL: return JSON_DOC_REAL;
	case JSON_TRUE:
	case JSON_FALSE: return JSON_DOC_BOOL;
	case JSON_NULL: break;
	}
	return JSON_DOC_NULL;
}

const struct json_node *json_node_get(const struct json_node *n, const char *key)
{
	return json_node_kind(n) == JSON_DOC_OBJECT ? ours(json_object_get(lib(n), key)) : NULL;
}

size_t json_node_n(const struct json_node *n)
{
	const enum json_doc_kind kind = json_node_kind(n);
	if (kind == JSON_DOC_ARRAY) return json_array_size(lib(n));
	return kind == JSON_DOC_OBJECT ? json_object_size(lib(n)) : 0;
}

const struct json_node *json_node_at(const struct json_node *n, size_t i)
{
	return json_node_kind(n) == JSON_DOC_ARRAY ? ours(json_array_get(lib(n), i)) : NULL;
}

bool json_node_equal(const struct json_node *a, const struct json_node *b)
{
	if (a == NULL || b == NULL) return a == b;
	return json_equal(lib(a), lib(b)) != 0;
}

bool json_node_bool(const struct json_node *n, bool *out)
{
	if (json_node_kind(n) != JSON_DOC_BOOL) return false;
	*out = json_is_true(lib(n));
	return true;
}

bool json_node_i64(const struct json_node *n, int64_t *out)
{
	if (json_node_kind(n) != JSON_DOC_INT) return false;
	*out = json_integer_value(lib(n));
	return true;
}

bool json_node_f64(const struct json_node *n, double *out)
{
	if (json_node_kind(n) != JSON_DOC_INT && json_node_kind(n) != JSON_DOC_REAL) return false;
	*out = json_number_value(lib(n));
	return true;
}

bool json_node_str(const struct json_node *n, struct str *out)
{
	if (json_node_kind(n) != JSON_DOC_STRING) return false;
	*out = (struct str){json_string_value(lib(n)), json_string_length(lib(n))};
	return true;
}

bool json_node_next(const struct json_node *n, const void **at, struct str *key, const struct json_node **value)
{
	if (json_node_kind(n) != JSON_DOC_OBJECT) return false;
	void *iter = *at == NULL ? json_object_iter(lib(n)) : json_object_iter_next(lib(n), (void *)(uintptr_t)*at);
	if (iter == NULL) return false;
	*at = iter;
	*key = str_of(json_object_iter_key(iter));
	*value = ours(json_object_iter_value(iter));
	return true;
}
