/* parquet/thrift/thrift_read.c: see thrift_read.h. Invariant: t->p <= t->end, and t->error is set only together with t->p = t->end.
 * Must not know any structure of Parquet. */
#include "parquet/thrift/thrift_read.h"

void thrift_start(struct thrift *t, const uint8_t *p, size_t n)
{
	*t = (struct thrift){.p = p, .end = p + n};
}

void thrift_fail(struct thrift *t, const char *what)
{
	if (t->error == NULL) {
		t->error = what;
		t->error_at = t->p;
	}
	t->p = t->end;
}

uint64_t thrift_varint_slow(struct thrift *t)
{
	uint64_t v = 0;
	for (unsigned shift = 0; shift < 64; shift += 7) {
		if (t->p >= t->end) {
			thrift_fail(t, "metadata ends inside a number");
			return 0;
		}
		const uint8_t byte = *t->p++;
		v |= (uint64_t)(byte & 0x7F) << shift;
		if (byte < 0x80) return v;
	}
	thrift_fail(t, "a number longer than 64 bits");
	return 0;
}

bool thrift_field_next(struct thrift *t, struct thrift_field *f)
{
	if (t->p >= t->end) {
		thrift_fail(t, "metadata ends inside a struct");
		return false;
	}
	const uint8_t head = *t->p++;
	if (head == THRIFT_STOP) return false;
	f->type = head & 0x0F;
	if (f->type > THRIFT_STRUCT || f->type == THRIFT_STOP) {
		thrift_fail(t, "unknown field type");
		return false;
	}
	if (head >> 4 != 0) {
		f->id += head >> 4;
		return t->error == NULL;
	}
	const int64_t id = thrift_zigzag(t);
	if (id < INT16_MIN || id > INT16_MAX) thrift_fail(t, "field id out of range");
	f->id = (int32_t)id;
	return t->error == NULL;
}

int64_t thrift_i64(struct thrift *t, const struct thrift_field *f)
{
	if (f->type < THRIFT_I16 || f->type > THRIFT_I64) {
		thrift_fail(t, "expected an integer field");
		return 0;
	}
	return thrift_zigzag(t);
}

int32_t thrift_i32(struct thrift *t, const struct thrift_field *f)
{
	if (f->type == THRIFT_I8) {
		if (t->p >= t->end) {
			thrift_fail(t, "metadata ends inside a number");
			return 0;
		}
		return (int8_t)*t->p++;
	}
	const int64_t v = thrift_i64(t, f);
	if (v < INT32_MIN || v > INT32_MAX) {
		thrift_fail(t, "a number out of the range of 32 bits");
		return 0;
	}
	return (int32_t)v;
}

bool thrift_bool(struct thrift *t, const struct thrift_field *f)
{
	if (f->type != THRIFT_TRUE && f->type != THRIFT_FALSE) thrift_fail(t, "expected a boolean field");
	return f->type == THRIFT_TRUE;
}

struct str thrift_binary_element(struct thrift *t)
{
	const uint64_t n = thrift_varint(t);
	if (n > (uint64_t)(t->end - t->p)) {
		thrift_fail(t, "a string longer than the metadata");
		return (struct str){"", 0};
	}
	const struct str s = {(const char *)t->p, (size_t)n};
	t->p += n;
	return s;
}

struct str thrift_binary(struct thrift *t, const struct thrift_field *f)
{
	if (f->type != THRIFT_BINARY) {
		thrift_fail(t, "expected a string field");
		return (struct str){"", 0};
	}
	return thrift_binary_element(t);
}

bool thrift_bool_element(struct thrift *t)
{
	if (t->p >= t->end) {
		thrift_fail(t, "metadata ends inside a list");
		return false;
	}
	return *t->p++ == THRIFT_TRUE;
}

bool thrift_struct(struct thrift *t, const struct thrift_field *f)
{
	if (f->type != THRIFT_STRUCT) thrift_fail(t, "expected a struct field");
	return f->type == THRIFT_STRUCT;
}

/* List header: the count and its element type. Every element takes a byte at least. */
static uint64_t list_head(struct thrift *t, uint8_t *element)
{
	*element = THRIFT_STOP;
	if (t->p >= t->end) {
		thrift_fail(t, "metadata ends inside a list");
		return 0;
	}
	const uint8_t head = *t->p++;
	*element = head & 0x0F;
	const uint64_t n = head >> 4 == 15 ? thrift_varint(t) : head >> 4;
	if (n > (uint64_t)(t->end - t->p)) {
		thrift_fail(t, "a list longer than the metadata");
		return 0;
	}
	return n;
}

uint32_t thrift_list(struct thrift *t, const struct thrift_field *f, enum thrift_type element)
{
	uint8_t found;
	if (f->type != THRIFT_LIST) {
		thrift_fail(t, "expected a list field");
		return 0;
	}
	const uint64_t n = list_head(t, &found);
	const bool is_bool = element == THRIFT_TRUE && found == THRIFT_FALSE; /* both stand for bool */
	if (n > 0 && found != element && !is_bool) {
		thrift_fail(t, "a list of another type than expected");
		return 0;
	}
	if (n > UINT32_MAX) {
		thrift_fail(t, "a list of too many elements");
		return 0;
	}
	return (uint32_t)n;
}

static void skip_bytes(struct thrift *t, uint64_t n)
{
	if (n > (uint64_t)(t->end - t->p)) {
		thrift_fail(t, "a value longer than the metadata");
		return;
	}
	t->p += n;
}

/* An open container while skipping: a struct (left unused), or `left` values of alternating types. */
struct frame {
	bool is_struct;
	bool odd; /* map: the next one is a value */
	uint8_t type, other;
	uint64_t left;
};

static struct frame list_frame(struct thrift *t)
{
	struct frame f = {0};
	f.left = list_head(t, &f.type);
	f.other = f.type;
	return f;
}

static struct frame map_frame(struct thrift *t)
{
	struct frame f = {0};
	const uint64_t n = thrift_varint(t);
	if (n == 0) return f;
	if (t->p >= t->end || n > (uint64_t)(t->end - t->p)) {
		thrift_fail(t, "a map longer than the metadata");
		return f;
	}
	f.type = *t->p >> 4;
	f.other = *t->p++ & 0x0F;
	f.left = n * 2;
	return f;
}

/* Skip a value that holds no others; false when it is a container. Booleans have a byte only as elements. */
static bool skip_scalar(struct thrift *t, uint8_t type, bool in_list)
{
	switch (type) {
	case THRIFT_TRUE:
	case THRIFT_FALSE: skip_bytes(t, in_list ? 1 : 0); return true;
	case THRIFT_I8: skip_bytes(t, 1); return true;
	case THRIFT_I16:
	case THRIFT_I32:
	case THRIFT_I64: (void)thrift_varint(t); return true;
	case THRIFT_DOUBLE: skip_bytes(t, 8); return true;
	case THRIFT_BINARY: skip_bytes(t, thrift_varint(t)); return true;
	case THRIFT_LIST:
	case THRIFT_SET:
	case THRIFT_MAP:
	case THRIFT_STRUCT: return false;
	default: thrift_fail(t, "unknown field type"); return true;
	}
}

static struct frame open_frame(struct thrift *t, uint8_t type)
{
	if (type == THRIFT_STRUCT) return (struct frame){.is_struct = true};
	return type == THRIFT_MAP ? map_frame(t) : list_frame(t);
}

/* The type of the container's next value; THRIFT_STOP at its end. */
static uint8_t frame_next(struct thrift *t, struct frame *f)
{
	if (f->is_struct) {
		struct thrift_field field = {0}; /* ids do not matter here */
		return thrift_field_next(t, &field) ? field.type : (uint8_t)THRIFT_STOP;
	}
	if (f->left == 0) return THRIFT_STOP;
	f->left--;
	const uint8_t type = f->odd ? f->other : f->type;
	f->odd = !f->odd;
	if (type == THRIFT_STOP) thrift_fail(t, "unknown element type");
	return type;
}

void thrift_skip(struct thrift *t, uint8_t type)
{
	struct frame stack[THRIFT_DEPTH_MAX];
	if (skip_scalar(t, type, false)) return;
	int depth = 0;
	stack[depth++] = open_frame(t, type);
	while (depth > 0 && t->error == NULL) {
		struct frame *top = &stack[depth - 1];
		const uint8_t next = frame_next(t, top);
		if (next == THRIFT_STOP) {
			depth--;
		} else if (!skip_scalar(t, next, !top->is_struct)) {
			if (depth == THRIFT_DEPTH_MAX) {
				thrift_fail(t, "metadata nested too deeply");
				return;
			}
			stack[depth++] = open_frame(t, next);
		}
	}
}
