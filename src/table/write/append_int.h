/* table/write/append_int.h: rows to the writers of their partitions; append.c decides about the table, append_rows.c about the rows. */
#ifndef PQR_TABLE_WRITE_APPEND_INT_H
#define PQR_TABLE_WRITE_APPEND_INT_H

#include "table/write/append.h"
#include "table/write/write.h"

/* A column of the table: where its values come from. */
struct append_column {
	struct column_def def;
	int source; /* column of the stream; -1: null */
};

/* All rows of one combination of partition values. */
struct append_group {
	struct str key;               /* the values' texts, each after its length; in arena */
	struct delta_pairs partition; /* in arena */
	struct delta_writer *writer;  /* NULL: nothing pending */
	uint32_t n;                   /* rows of the batch at hand */
	uint32_t *rows;
};

struct append {
	struct store *store;
	const char *root;
	struct delta_txn *txn;
	size_t memory_max;
	struct delta_writer_opts writer_opts;
	struct append_column *columns; /* of the files, in the table's order */
	size_t n_columns;
	struct append_column *partition; /* in the metadata's order */
	size_t n_partition;
	struct table_schema files; /* of columns */
	struct arena arena;        /* as long as the append */
	struct arena batch;        /* as long as one array */
	struct buf key, text;
	struct {
		struct append_group *items;
		size_t n, cap;
	} groups;
	uint32_t *slots; /* open addressing by hash of the key: index + 1 */
	uint32_t slots_mask;
	uint64_t n_rows;
};

/* The rows of one array, to files and pending. */
status append_batch(struct append *a, const struct batch *in, struct err *err) MUST_USE;
/* What is pending goes to files; all of them are in the transaction then. */
status append_finish(struct append *a, struct err *err) MUST_USE;
void append_rows_deinit(struct append *a);

#endif
