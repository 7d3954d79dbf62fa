/* parquet/read/stats.c: least and greatest value of a flat column in one row group ("Statistics" in parquet.thrift).
 *
 * min_value and max_value count only in a file that says TYPE_ORDER for its columns; the older min and max, whose order was
 * never said, only for signed integers, where every writer meant the same. What does not decode is absent: a reader without
 * a bound reads more, nothing worse. */
#include <math.h>

#include "parquet/nested.h"
#include "parquet/read/reader_int.h"

struct bounds {
	struct str min, max;         /* p == NULL: absent */
	struct str old_min, old_max; /* deprecated */
	int64_t null_count;
};

static bool read_bounds(const struct reader_chunk *chunk, struct bounds *b)
{
	struct thrift t;
	struct thrift_field f = {0};
	thrift_start(&t, chunk->stats, chunk->stats_n);
	*b = (struct bounds){.null_count = -1};
	while (thrift_field_next(&t, &f)) {
		switch (f.id) {
		case 1: b->old_max = thrift_binary(&t, &f); break;
		case 2: b->old_min = thrift_binary(&t, &f); break;
		case 3: b->null_count = thrift_i64(&t, &f); break;
		case 5: b->max = thrift_binary(&t, &f); break;
		case 6: b->min = thrift_binary(&t, &f); break;
		default: thrift_skip(&t, f.type);
		}
	}
	return t.error == NULL;
}

static bool signed_integer(const struct reader_leaf *leaf)
{
	return (leaf->physical == PHYSICAL_INT32 || leaf->physical == PHYSICAL_INT64) &&
	       leaf->convert != CONVERT_U32_I64 && leaf->convert != CONVERT_U64_I64;
}

/* A bound of a type that becomes an integer. */
static bool bound_integer(const struct reader_leaf *leaf, struct str s, int64_t *out)
{
	const uint8_t *p = (const uint8_t *)s.p;
	if (leaf->physical == PHYSICAL_BOOLEAN) {
		*out = s.n > 0 && (p[0] & 1);
		return s.n == 1;
	}
	if (leaf->convert == CONVERT_BYTES_DECIMAL) {
		const uint32_t end = (uint32_t)s.n;
		return s.n > 0 && reader_convert_byte_decimals(leaf, p, &end, 1, out, NULL) == OK;
	}
	if (s.n != leaf->width) return false;
	if (col_type_width(leaf->info.def.type) == sizeof(int64_t)) return reader_convert(leaf, p, 1, out, NULL) == OK;
	int32_t narrow;
	if (reader_convert(leaf, p, 1, &narrow, NULL) != OK) return false;
	*out = narrow;
	return true;
}

/* A zero bound stands for both zeros: -0.0 below, +0.0 above. A NaN is no bound. */
static bool bound_float(const struct reader_leaf *leaf, struct str s, double zero, double *out)
{
	if (s.n != leaf->width) return false;
	if (leaf->physical == PHYSICAL_FLOAT) {
		float v;
		memcpy(&v, s.p, sizeof v);
		*out = (double)v;
	} else {
		memcpy(out, s.p, sizeof *out);
	}
	if (*out == 0) *out = zero;
	return !isnan(*out);
}

static void convert_bounds(const struct reader_leaf *leaf, const struct bounds *b, struct parquet_stats *out)
{
	switch (leaf->info.def.type) {
	case COL_STRING:
	case COL_BINARY:
		out->min_bytes = b->min;
		out->max_bytes = b->max;
		out->has_min = b->min.p != NULL;
		out->has_max = b->max.p != NULL;
		break;
	case COL_FLOAT:
	case COL_DOUBLE:
		out->has_min = b->min.p != NULL && bound_float(leaf, b->min, -0.0, &out->min_f64);
		out->has_max = b->max.p != NULL && bound_float(leaf, b->max, 0.0, &out->max_f64);
		break;
	default:
		out->has_min = b->min.p != NULL && bound_integer(leaf, b->min, &out->min_i64);
		out->has_max = b->max.p != NULL && bound_integer(leaf, b->max, &out->max_i64);
	}
}

status parquet_reader_stats(
	const struct parquet_reader *r, size_t row_group, int column, struct parquet_stats *out, struct err *err)
{
	ASSERT(row_group < r->n_row_groups && column >= 0 && (size_t)column < r->n_leaves);
	const struct reader_leaf *leaf = &r->leaves[column];
	const struct reader_chunk *chunk = &r->row_groups[row_group].chunks[column];
	struct parquet_stats stats = {.null_count = -1};
	struct bounds b;
	if (!leaf->info.supported) return fail_at(err, E_UNSUPPORTED, r->key, -1, -1, "%s", leaf->info.reason);
	if (chunk->unreadable == NULL && chunk->stats != NULL && read_bounds(chunk, &b)) {
		if (b.null_count >= 0 && b.null_count <= chunk->n_values) stats.null_count = b.null_count;
		if (!r->ordered) b.min = b.max = (struct str){0};
		if (b.min.p == NULL && b.max.p == NULL && signed_integer(leaf)) {
			b.min = b.old_min;
			b.max = b.old_max;
		}
		if (leaf->physical != PHYSICAL_INT96) convert_bounds(leaf, &b, &stats);
	}
	*out = stats;
	return OK;
}
