/* control/row_hash.h: rows of published tables as hashes: of the key, to find a row again, and of the rest but run_id, to tell whether
 * it says the same. A table without a key has all its columns as the key.
 *
 * Two rows hash alike where a database stores them alike: text that it would not take is mended first, NaN is null, a zero has
 * no sign, an instant outside the years that can be written is the nearest one inside.
 * Keys are taken for one with a probability of n^2 / 2^129, rests with one of 2^-64. Seeds are fixed, but the hashes are of this process:
 * they are stored nowhere. */
#ifndef PQR_CONTROL_ROW_HASH_H
#define PQR_CONTROL_ROW_HASH_H

#include "columnar/batch.h"

struct row_hash {
	uint64_t key[2], rest;
};

/* Where a column goes: kinds of a schema's columns. */
enum row_side { ROW_NOWHERE, ROW_KEY, ROW_REST };
enum row_side row_hash_side(const struct table_schema *schema, size_t column);

/* out[b->n_rows]: the rows of a batch with the data columns of the schema, and the texts of its partition columns. O(values). */
status row_hash_batch(const struct table_schema *schema, const struct batch *b, const char *const *partitions,
	struct row_hash *out, struct err *err) MUST_USE;

/* The same one value at a time, columns in order, for a row that comes from elsewhere. */
struct row_value {
	uint64_t bits[2];
};
void row_hash_init(struct row_hash *h);
void row_hash_add(struct row_hash *h, enum row_side side, struct row_value v);
struct row_value row_value_null(void);
struct row_value row_value_int(int64_t v); /* bool and integers */
struct row_value row_value_date(int32_t date);
struct row_value row_value_time(int64_t us);
struct row_value row_value_real(double v); /* floats, and decimals as the nearest double */
struct row_value row_value_text(struct str s);
struct row_value row_value_bytes(struct str s);
struct row_value row_value_strange(void); /* of a kind that the column never has */

#endif
