/* tests/interop/checkpoint_copy.c: read the leaves of a checkpoint-like file by levels, and write them again.
 *
 *   checkpoint_copy IN OUT [uncompressed | snappy | zstd]
 *
 * IN has the schema below and one row group. OUT must hold the same to any reader. Exit 0, or the status's own. */
#include <stdio.h>

#include "io/store.h"
#include "parquet/nested.h"

#define LEAF(name, how, type)                                     \
	{                                                         \
		name, PARQUET_##how, PARQUET_GROUP_PLAIN, 0, type \
	}
#define GROUP(name, how, kind, n)                               \
	{                                                       \
		name, PARQUET_##how, PARQUET_GROUP_##kind, n, 0 \
	}
#define STRING_MAP(name)                                                                                          \
	GROUP(name, OPTIONAL, MAP, 1), GROUP("key_value", REPEATED, PLAIN, 2), LEAF("key", REQUIRED, COL_STRING), \
		LEAF("value", OPTIONAL, COL_STRING)
#define STRING_LIST(name) \
	GROUP(name, OPTIONAL, LIST, 1), GROUP("list", REPEATED, PLAIN, 1), LEAF("element", OPTIONAL, COL_STRING)

static const struct parquet_node nodes[] = {
	GROUP("schema", REQUIRED, PLAIN, 5),
	GROUP("add", OPTIONAL, PLAIN, 7),
	LEAF("path", REQUIRED, COL_STRING),
	STRING_MAP("partitionValues"),
	LEAF("size", OPTIONAL, COL_INT64),
	LEAF("modificationTime", OPTIONAL, COL_TIMESTAMP),
	LEAF("dataChange", OPTIONAL, COL_BOOL),
	LEAF("stats", OPTIONAL, COL_STRING),
	STRING_MAP("tags"),
	GROUP("metaData", OPTIONAL, PLAIN, 5),
	LEAF("id", OPTIONAL, COL_STRING),
	GROUP("format", OPTIONAL, PLAIN, 2),
	LEAF("provider", OPTIONAL, COL_STRING),
	STRING_MAP("options"),
	STRING_LIST("partitionColumns"),
	STRING_MAP("configuration"),
	LEAF("createdTime", OPTIONAL, COL_INT64),
	GROUP("protocol", OPTIONAL, PLAIN, 3),
	LEAF("minReaderVersion", OPTIONAL, COL_INT32),
	LEAF("minWriterVersion", OPTIONAL, COL_INT32),
	STRING_LIST("readerFeatures"),
	LEAF("day", OPTIONAL, COL_DATE),
	LEAF("price", REQUIRED, COL_DECIMAL),
};
enum { N_NODES = sizeof nodes / sizeof *nodes };

/* The leaves' levels, in the order of the file IN, which is that of nodes. */
static status copy(struct parquet_reader *r, struct arena *arena, const struct parquet_opts *opts, struct buf *out,
	struct err *err)
{
	struct parquet_levels leaves[N_NODES];
	const size_t n = parquet_reader_n_columns(r);
	size_t want = 0;
	for (size_t i = 0; i < N_NODES; i++) want += nodes[i].n_children == 0;
	if (n != want || parquet_reader_n_row_groups(r) != 1)
		return fail(err, E_USAGE, "%zu leaves in %zu row groups, expected %zu in one", n,
			parquet_reader_n_row_groups(r), want);
	for (size_t i = 0; i < n; i++) TRY(parquet_reader_levels(r, 0, (int)i, arena, &leaves[i], err));
	const struct parquet_nested file = {
		.nodes = nodes, .n_nodes = N_NODES, .leaves = leaves, .n_leaves = n, .n_rows = parquet_reader_rows(r)};
	return parquet_nested_write(&file, opts, out, err);
}

static status open_in(const char *path, struct store **store, struct store_object **object, struct parquet_reader **r,
	struct err *err)
{
	char folder[4096];
	const char *name = strrchr(path, '/');
	(void)snprintf(folder, sizeof folder, "%.*s", name != NULL ? (int)(name - path) : 1, name != NULL ? path : ".");
	TRY(store_open(folder, store, err));
	TRY(store_object_open(*store, name != NULL ? name + 1 : path, object, err));
	return parquet_reader_open(*object, r, err);
}

static status save(const char *path, const struct buf *b, struct err *err)
{
	FILE *file = fopen(path, "wb");
	if (file == NULL) return fail(err, E_IO, "cannot write %s", path);
	const bool whole = fwrite(b->p, 1, b->n, file) == b->n;
	return fclose(file) == 0 && whole ? OK : fail(err, E_IO, "cannot write %s", path);
}

int main(int argc, char **argv)
{
	if (argc < 3) {
		(void)fprintf(stderr, "usage: checkpoint_copy IN OUT [CODEC]\n");
		return 2;
	}
	const char *codec = argc > 3 ? argv[3] : "zstd";
	const struct parquet_opts opts = {.codec = strcmp(codec, "snappy") == 0 ? PARQUET_SNAPPY
						   : strcmp(codec, "zstd") == 0 ? PARQUET_ZSTD
										: PARQUET_UNCOMPRESSED};
	struct err err = {0};
	struct store *store = NULL;
	struct store_object *object = NULL;
	struct parquet_reader *r = NULL;
	struct arena arena;
	struct buf out;
	char text[1024];
	arena_init(&arena, 0);
	buf_init(&out, 0);
	status code = open_in(argv[1], &store, &object, &r, &err);
	if (code == OK) code = copy(r, &arena, &opts, &out, &err);
	if (code == OK) code = save(argv[2], &out, &err);
	if (code != OK) (void)fprintf(stderr, "%s: %s\n", status_name(code), err_text(&err, text, sizeof text));
	parquet_reader_close(r);
	store_object_close(object);
	store_close(store);
	arena_deinit(&arena);
	buf_deinit(&out);
	return status_exit(code);
}
