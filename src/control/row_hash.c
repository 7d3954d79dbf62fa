/* control/row_hash.c: see row_hash.h. Column by column: the type is looked at once, a value of a dictionary is hashed once.
 *
 * Knows values and schemas; must not know a database.
 */
#include "control/row_hash.h"

#include "base/alloc.h"
#include "base/hash.h"
#include "base/time.h"
#include "io/utf8.h"

/* Kinds of values never meet: each has a salt of its own. */
#define SALT_NULL UINT64_C(0x9ae16a3b2f90404f)
#define SALT_INT UINT64_C(0xc949d7c7509e6557)
#define SALT_REAL UINT64_C(0xff51afd7ed558ccd)
#define SALT_TEXT UINT64_C(0xc4ceb9fe1a85ec53)
#define SALT_BYTES UINT64_C(0x87c37b91114253d5)
#define SALT_STRANGE UINT64_C(0x4cf5ad432745937f)
#define SALT_SECOND UINT64_C(0x52dce729da3ed6b1)

/* A bijection that spreads every bit (the finaliser of MurmurHash3 with constants of D. Stafford, "Better bit mixing"). */
static uint64_t mix(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return x ^ (x >> 31);
}

static struct row_value of_word(uint64_t word, uint64_t salt)
{
	return (struct row_value){{mix(word ^ salt), mix(word + salt + SALT_SECOND)}};
}

static struct row_value of_bytes(const void *p, size_t n, uint64_t salt)
{
	uint8_t hash[XXH128_BYTES];
	struct row_value v;
	hash_xxh128(p, n, hash);
	memcpy(v.bits, hash, sizeof v.bits);
	v.bits[0] ^= salt;
	v.bits[1] += salt;
	return v;
}

struct row_value row_value_null(void)
{
	return (struct row_value){{SALT_NULL, ~SALT_NULL}};
}

struct row_value row_value_strange(void)
{
	return (struct row_value){{SALT_STRANGE, ~SALT_STRANGE}};
}

struct row_value row_value_int(int64_t v)
{
	return of_word((uint64_t)v, SALT_INT);
}

struct row_value row_value_date(int32_t date)
{
	return row_value_int(date < DATE_MIN ? DATE_MIN : date > DATE_MAX ? DATE_MAX : date);
}

struct row_value row_value_time(int64_t us)
{
	const int64_t min = DATE_MIN * US_PER_DAY, max = (DATE_MAX + INT64_C(1)) * US_PER_DAY - 1;
	return row_value_int(us < min ? min : us > max ? max : us);
}

struct row_value row_value_real(double v)
{
	uint64_t bits;
	if (v != v) return row_value_null();
	v += 0.0; /* a zero without sign */
	memcpy(&bits, &v, sizeof bits);
	return of_word(bits, SALT_REAL);
}

struct row_value row_value_bytes(struct str s)
{
	return of_bytes(s.p, s.n, SALT_BYTES);
}

struct row_value row_value_text(struct str s)
{
	return of_bytes(s.p, s.n, SALT_TEXT);
}

void row_hash_init(struct row_hash *h)
{
	*h = (struct row_hash){{SALT_NULL, SALT_SECOND}, SALT_REAL};
}

static inline void add(struct row_hash *h, bool key, struct row_value v)
{
	if (key) {
		h->key[0] = mix(h->key[0] ^ v.bits[0]) + SALT_INT;
		h->key[1] = mix(h->key[1] ^ v.bits[1]) + SALT_TEXT;
	} else {
		h->rest = mix(h->rest ^ v.bits[0] ^ (v.bits[1] << 1)) + SALT_BYTES;
	}
}

void row_hash_add(struct row_hash *h, enum row_side side, struct row_value v)
{
	if (side != ROW_NOWHERE) add(h, side == ROW_KEY, v);
}

enum row_side row_hash_side(const struct table_schema *schema, size_t column)
{
	bool keyed = false;
	if (strcmp(schema->columns[column].name, "run_id") == 0) return ROW_NOWHERE;
	for (size_t i = 0; i < schema->n_columns; i++) keyed |= schema->columns[i].key;
	return schema->columns[column].key || !keyed ? ROW_KEY : ROW_REST;
}

/* ---- a batch ------------------------------------------------------------------------------------------------------------ */

/* Text as a database takes it: what is no UTF-8, or NUL, as U+FFFD. */
static status given_text(struct str s, struct row_value *out, struct err *err)
{
	if (utf8_text_prefix(s) == s.n) {
		*out = row_value_text(s);
		return OK;
	}
	struct buf mended;
	buf_init(&mended, 0);
	utf8_text_mend(&mended, s);
	const status code = buf_check(&mended, err);
	if (code == OK) *out = row_value_text((struct str){(const char *)mended.p, mended.n});
	buf_deinit(&mended);
	return code;
}

static status texts_of_dictionary(const struct column *dict, struct row_value *out, struct err *err)
{
	for (int64_t i = 0; i < dict->n; i++) {
		out[i] = row_value_null();
		if (column_valid(dict, i)) TRY(given_text(column_str(dict, i), &out[i], err));
	}
	return OK;
}

static status add_dictionary(
	struct row_hash *h, bool key, const struct column *c, const struct batch *b, struct err *err)
{
	const int32_t *index = c->values;
	struct row_value *values = mem_zalloc((size_t)c->dict->n + 1, sizeof *values);
	if (values == NULL) return fail_nomem(err);
	const status code = texts_of_dictionary(c->dict, values, err);
	for (int64_t i = 0; i < b->n_rows && code == OK; i++)
		add(&h[i], key, column_valid(c, i) ? values[index[i]] : row_value_null());
	mem_free(values);
	return code;
}

static status add_strings(struct row_hash *h, bool key, const struct column *c, const struct batch *b, struct err *err)
{
	if (c->dict != NULL) return add_dictionary(h, key, c, b, err);
	for (int64_t i = 0; i < b->n_rows; i++) {
		struct row_value v = row_value_null();
		if (column_valid(c, i) && c->type == COL_BINARY)
			v = row_value_bytes(column_str(c, i));
		else if (column_valid(c, i))
			TRY(given_text(column_str(c, i), &v, err));
		add(&h[i], key, v);
	}
	return OK;
}

/* One loop a type. */
#define ADD_VALUES(value) \
	for (int64_t i = 0; i < b->n_rows; i++) add(&h[i], key, column_valid(c, i) ? (value) : row_value_null())

static status add_column(struct row_hash *h, bool key, const struct column *c, const struct batch *b, struct err *err)
{
	double divisor = 1;
	switch (c->type) {
	case COL_STRING:
	case COL_BINARY: return add_strings(h, key, c, b, err);
	case COL_BOOL: ADD_VALUES(row_value_int(bit_get(c->values, i))); return OK;
	case COL_INT32: ADD_VALUES(row_value_int(((const int32_t *)c->values)[i])); return OK;
	case COL_INT64: ADD_VALUES(row_value_int(((const int64_t *)c->values)[i])); return OK;
	case COL_DATE: ADD_VALUES(row_value_date(((const int32_t *)c->values)[i])); return OK;
	case COL_TIMESTAMP: ADD_VALUES(row_value_time(((const int64_t *)c->values)[i])); return OK;
	case COL_FLOAT: ADD_VALUES(row_value_real((double)((const float *)c->values)[i])); return OK;
	case COL_DOUBLE: ADD_VALUES(row_value_real(((const double *)c->values)[i])); return OK;
	case COL_DECIMAL:
		for (int k = 0; k < c->scale; k++) divisor *= 10;
		ADD_VALUES(row_value_real((double)((const int64_t *)c->values)[i] / divisor));
		return OK;
	case COL_DECIMAL128:
	case COL_LIST:
	case COL_STRUCT:
	case COL_MAP: break;
	}
	ASSERT(false); /* no table of ours has one */
	return OK;
}

status row_hash_batch(const struct table_schema *schema, const struct batch *b, const char *const *partitions,
	struct row_hash *out, struct err *err)
{
	ASSERT(b->n_columns <= schema->n_columns);
	for (int64_t i = 0; i < b->n_rows; i++) row_hash_init(&out[i]);
	for (size_t k = 0; k < schema->n_columns; k++) {
		const enum row_side side = row_hash_side(schema, k);
		struct row_value v;
		if (side == ROW_NOWHERE) continue;
		if (k < b->n_columns) {
			TRY(add_column(out, side == ROW_KEY, &b->columns[k], b, err));
			continue;
		}
		TRY(given_text(str_of(partitions[k - b->n_columns]), &v, err));
		for (int64_t i = 0; i < b->n_rows; i++) add(&out[i], side == ROW_KEY, v);
	}
	return OK;
}
