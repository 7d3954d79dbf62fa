/* parquet/read/field_int.h: how a field's levels tell its rows.
 *
 * A column of the tree has a slot for each entry of a leaf below it whose repetition level is at most the number of lists around it, and
 * whose definition level is at least that of an element of the list around it. A slot is valid from valid_def on; one of a list holds an
 * element for each entry from item_def on that continues it. */
#ifndef PQR_PARQUET_READ_FIELD_INT_H
#define PQR_PARQUET_READ_FIELD_INT_H

#include "parquet/read/reader_int.h"

struct reader_shape { /* beside a column_def, with the same children */
	int leaf;     /* -1: has children */
	uint8_t valid_def;
	uint8_t item_def; /* lists and maps */
	struct reader_shape *children;
	size_t n_children;
};

/* The column that a node becomes; why: the reason if it is not read, else NULL. */
struct reader_field {
	struct column_def def;
	struct reader_shape shape;
	const char *why;
};
/* Its children are in arena. */
status reader_field_shape(const struct parquet_reader *r, uint32_t node, struct arena *arena, struct reader_field *out,
	struct err *err) MUST_USE;

#endif
