/* api/capsule.c: what a Python binding without compiled code cannot do itself. A destructor written in Python, as ctypes makes it, would be
 * called while the exception of a consumer that failed is on its way, and replace it. */
#include <dlfcn.h>
#include <string.h>

#include "api/api_int.h"
#include "base/alloc.h"

typedef void *(*capsule_pointer)(void *capsule, const char *name);

/* PyCapsule_GetPointer of the interpreter that calls, which is in the process then; NULL without one. */
static void *pointer_of(void *capsule, const char *name)
{
	capsule_pointer get = NULL;
	void *symbol = dlsym(RTLD_DEFAULT, "PyCapsule_GetPointer");
	memcpy(&get, &symbol, sizeof get);
	return get != NULL ? get(capsule, name) : NULL;
}

struct ArrowArrayStream *pqr_stream_alloc(void)
{
	return mem_zalloc(1, sizeof(struct ArrowArrayStream));
}

struct ArrowSchema *pqr_schema_alloc(void)
{
	return mem_zalloc(1, sizeof(struct ArrowSchema));
}

void pqr_stream_capsule_free(void *capsule)
{
	struct ArrowArrayStream *stream = pointer_of(capsule, "arrow_array_stream");
	if (stream == NULL) return;
	if (stream->release != NULL) stream->release(stream);
	mem_free(stream);
}

void pqr_schema_capsule_free(void *capsule)
{
	struct ArrowSchema *schema = pointer_of(capsule, "arrow_schema");
	if (schema == NULL) return;
	if (schema->release != NULL) schema->release(schema);
	mem_free(schema);
}
