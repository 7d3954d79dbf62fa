/* Any bytes as what makes an Arrow stream for append: refused in words and nothing committed, or a version that can be read again, with as many
 * rows as came. Buffers have the size that the interface asks for, as that of a producer's can't be checked; what stands in them is any. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "columnar/arrow_abi.h"
#include "fuzz.h"
#include "table/read/scan.h"
#include "table/write/append.h"

enum { COLUMNS_MAX = 5, ROWS_MAX = 9, BATCHES_MAX = 3, TEXT_BYTES = 64, FORMATS = 30 };

struct source {
	const uint8_t *p;
	size_t n;
};

static unsigned take(struct source *s, unsigned below)
{
	if (s->n == 0) return 0;
	s->n--;
	return *s->p++ % below;
}

static void take_bytes(struct source *s, void *dst, size_t n)
{
	const size_t some = n < s->n ? n : s->n;
	memset(dst, 0, n);
	memcpy(dst, s->p, some);
	s->p += some;
	s->n -= some;
}

/* One column of one array: room for the widest layout. */
struct column_bytes {
	uint8_t validity[8];
	uint8_t values[(ROWS_MAX + 2) * 16];
	uint8_t text[TEXT_BYTES];
	int64_t sizes[1];
	const void *buffers[4];
	struct ArrowArray array, dictionary;
	const void *dictionary_buffers[3];
	int32_t dictionary_offsets[4];
};
struct made {
	struct source bytes;
	size_t n_columns;
	unsigned n_batches;
	char names[COLUMNS_MAX][8];
	const char *formats[COLUMNS_MAX];
	bool nullable[COLUMNS_MAX], coded[COLUMNS_MAX];
	struct ArrowSchema schemas[COLUMNS_MAX], values[COLUMNS_MAX], *children[COLUMNS_MAX];
	struct column_bytes columns[COLUMNS_MAX];
	struct ArrowArray *arrays[COLUMNS_MAX];
	const void *no_buffer[1];
	int64_t rows; /* given so far */
};

static const char *const formats[FORMATS] = {"b", "c", "C", "s", "S", "i", "I", "l", "L", "f", "g", "u", "U", "vu", "z",
	"Z", "vz", "tdD", "tdm", "tss:", "tsm:UTC", "tsu:", "tsn:America/Bogota", "d:9,2", "d:18,0", "d:38,2", "n",
	"+l", "w:4", "e"};

static void no_schema(struct ArrowSchema *s)
{
	s->release = NULL;
}

static void no_array(struct ArrowArray *a)
{
	a->release = NULL;
}

static bool is_text(const char *format)
{
	return strpbrk(format, "uUzZ") != NULL && format[0] != 't' && format[0] != 'w';
}

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
	struct made *m = stream->private_data;
	for (size_t i = 0; i < m->n_columns; i++) {
		m->schemas[i] = (struct ArrowSchema){.format = m->coded[i] ? "i" : m->formats[i],
			.name = m->names[i],
			.flags = m->nullable[i] ? ARROW_FLAG_NULLABLE : 0,
			.release = no_schema};
		m->values[i] = (struct ArrowSchema){.format = "u", .name = "", .release = no_schema};
		if (m->coded[i]) m->schemas[i].dictionary = &m->values[i];
		m->children[i] = &m->schemas[i];
	}
	*out = (struct ArrowSchema){.format = "+s",
		.name = "",
		.n_children = (int64_t)m->n_columns,
		.children = m->children,
		.release = no_schema};
	return 0;
}

/* Text of the column's own; offsets that mostly climb, and end within it. */
static void make_offsets(struct source *s, struct column_bytes *c, bool wide, int64_t n)
{
	unsigned at = 0;
	for (int64_t i = 0; i <= n; i++) {
		const unsigned step = take(s, 16);
		if (step == 15)
			at = take(s, TEXT_BYTES);
		else if (at + step < TEXT_BYTES)
			at += step;
		if (wide)
			((int64_t *)(void *)c->values)[i] = at;
		else
			((int32_t *)(void *)c->values)[i] = (int32_t)at;
	}
}

static void make_column(struct made *m, size_t i, int64_t n)
{
	struct source *s = &m->bytes;
	struct column_bytes *c = &m->columns[i];
	const char *format = m->formats[i];
	const bool text = is_text(format), views = format[0] == 'v';
	const int64_t offset = take(s, 3) == 2;
	take_bytes(s, c->validity, sizeof c->validity);
	take_bytes(s, c->text, sizeof c->text);
	if (!text || views || m->coded[i])
		take_bytes(s, c->values, sizeof c->values);
	else
		make_offsets(s, c, strpbrk(format, "UZ") != NULL, n + offset);
	c->sizes[0] = sizeof c->text;
	c->buffers[0] = take(s, 3) == 0 ? NULL : c->validity;
	c->buffers[1] = c->values;
	c->buffers[2] = c->text;
	c->buffers[3] = c->sizes;
	c->array = (struct ArrowArray){.length = n + offset,
		.null_count = c->buffers[0] == NULL ? 0 : -1,
		.offset = offset,
		.n_buffers = m->coded[i] || !text ? 2
			     : views              ? 4
						  : 3,
		.buffers = c->buffers,
		.release = no_array};
	c->array.length -= offset;
	m->arrays[i] = &c->array;
	if (!m->coded[i]) return;
	for (int k = 0; k < 4; k++) c->dictionary_offsets[k] = k * 8;
	c->dictionary_buffers[0] = NULL;
	c->dictionary_buffers[1] = c->dictionary_offsets;
	c->dictionary_buffers[2] = c->text;
	c->dictionary =
		(struct ArrowArray){.length = 3, .n_buffers = 3, .buffers = c->dictionary_buffers, .release = no_array};
	c->array.dictionary = &c->dictionary;
	for (int64_t k = 0; k < n + offset; k++) {
		int32_t *index = (int32_t *)(void *)c->values + k;
		if (*index < -1 || *index > 3) *index &= 1;
	}
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
	struct made *m = stream->private_data;
	*out = (struct ArrowArray){.release = NULL};
	if (m->n_batches-- == 0) {
		m->n_batches = 0;
		return 0;
	}
	const int64_t n = take(&m->bytes, ROWS_MAX + 1);
	for (size_t i = 0; i < m->n_columns; i++) make_column(m, i, n);
	m->rows += n;
	*out = (struct ArrowArray){.length = n,
		.n_buffers = 1,
		.buffers = m->no_buffer,
		.n_children = (int64_t)m->n_columns,
		.children = m->arrays,
		.release = no_array};
	return take(&m->bytes, 32) == 31 ? 5 /* EIO */ : 0;
}

static const char *last_error(struct ArrowArrayStream *stream)
{
	(void)stream;
	return "the producer failed";
}

static void no_stream(struct ArrowArrayStream *stream)
{
	stream->release = NULL;
}

static void make(struct made *m, const uint8_t *data, size_t size, struct ArrowArrayStream *out)
{
	*m = (struct made){.bytes = {data, size}};
	m->n_columns = take(&m->bytes, COLUMNS_MAX + 1);
	m->n_batches = take(&m->bytes, BATCHES_MAX + 1);
	for (size_t i = 0; i < m->n_columns; i++) {
		m->formats[i] = formats[take(&m->bytes, FORMATS)];
		const unsigned kind = take(&m->bytes, 8);
		m->nullable[i] = kind & 1;
		m->coded[i] = kind == 6;
		m->names[i][0] = (char)('a' + i);
		if (kind >= 4) take_bytes(&m->bytes, m->names[i] + 1, 2); /* any byte, up to a NUL */
	}
	*out = (struct ArrowArrayStream){get_schema, get_next, last_error, no_stream, m};
}

/* ---- the table ---- */

static const char root[] = "t";

static status forget(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	return store_delete(arg, e->key, NULL);
}

/* Every row can be read, and there are as many as came. */
static void check_rows(struct store *store, int64_t version, int64_t rows)
{
	struct delta_snapshot *s = NULL;
	struct delta_scan *scan = NULL;
	const struct delta_scan_opts o = {.batch_rows_max = 4};
	struct batch b;
	struct err err = {0};
	bool end = false;
	int64_t n = 0;
	ASSERT(delta_snapshot_open(store, root, version, &s, &err) == OK);
	ASSERT(delta_scan_open(s, &o, &scan, &err) == OK);
	while (!end) {
		ASSERT(delta_scan_next(scan, &b, &end, &err) == OK);
		if (!end) n += b.n_rows;
	}
	ASSERT(n == rows);
	delta_scan_close(scan);
	delta_snapshot_close(s);
}

static struct store *lake_of_process(void)
{
	static struct store *lake;
	static char dir[64];
	struct err err = {0};
	if (lake != NULL) return lake;
	(void)snprintf(dir, sizeof dir, "%s/pqr-fuzz-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	ASSERT(mkdtemp(dir) != NULL);
	ASSERT(store_open(dir, &lake, &err) == OK);
	return lake;
}

static void lake_remove(void)
{
	struct store *lake = lake_of_process();
	char command[128];
	(void)snprintf(command, sizeof command, "rm -rf %s", store_uri(lake));
	store_close(lake);
	if (system(command) != 0) (void)fprintf(stderr, "left behind: %s\n", command);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct made m;
	static bool registered;
	struct ArrowArrayStream stream;
	struct err err = {0};
	int64_t version = -1;
	struct store *lake = lake_of_process();
	if (!registered) registered = atexit(lake_remove) == 0;
	make(&m, data, size, &stream);
	static const char *const by[] = {"a"};
	const struct delta_append_opts o = {.partition_by = by, .n_partition_by = m.n_columns > 1 && (size & 1)};
	const status code = delta_append(lake, root, &stream, &o, &version, &err);
	if (code == OK)
		check_rows(lake, version, m.rows);
	else
		ASSERT(err.message[0] != '\0' && code != E_NOMEM);
	if (code != OK) {
		struct delta_snapshot *s = NULL;
		ASSERT(delta_snapshot_open(lake, root, DELTA_LATEST, &s, NULL) == E_NOT_FOUND);
	}
	ASSERT(store_list(lake, root, forget, lake, &err) == OK);
	return 0;
}
