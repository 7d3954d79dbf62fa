/* io/store_memory.c: an object of bytes in memory, for readers of objects. */
#include "base/alloc.h"
#include "io/store_int.h"

/* An object over bytes in memory. Must stay first: struct store_object is its beginning. */
struct memory_object {
	struct store_object object;
	const uint8_t *p;
};

static status memory_read_at(struct store_object *o, int64_t offset, void *dst, size_t n, struct err *err)
{
	const struct memory_object *m = (const struct memory_object *)(const void *)o;
	if (offset < 0 || offset > o->size || n > (size_t)(o->size - offset))
		return fail_at(err, E_CORRUPT, o->key, offset, -1, "truncated: expected %zu bytes, the object has %lld",
			n, (long long)o->size);
	if (n > 0) memcpy(dst, m->p + offset, n);
	return OK;
}

static void memory_close(struct store_object *o)
{
	mem_free(o->key);
	mem_free(o);
}

status store_object_from_memory(const void *p, size_t n, const char *key, struct store_object **out, struct err *err)
{
	struct memory_object *m = mem_zalloc(1, sizeof *m);
	char *name = mem_strdup(key);
	if (m == NULL || name == NULL) {
		mem_free(m);
		mem_free(name);
		return fail_nomem(err);
	}
	*m = (struct memory_object){
		.object = {.read_at = memory_read_at, .close = memory_close, .key = name, .size = (int64_t)n}, .p = p};
	*out = &m->object;
	return OK;
}
