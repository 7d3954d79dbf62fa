/* table/maintain/optimize_int.h: what the parts of optimize share: the plan (optimize_plan.c), the rewriting of one bin (optimize_bin.c) and rows
 * held in memory to be ordered (optimize_held.c). */
#ifndef PQR_TABLE_MAINTAIN_OPTIMIZE_INT_H
#define PQR_TABLE_MAINTAIN_OPTIMIZE_INT_H

#include <pthread.h>

#include "table/maintain/optimize.h"

struct optimize_bin {
	const struct delta_add *const *files; /* [n_files] by path; view the base snapshot */
	size_t n_files;
	int64_t bytes;
	size_t partition; /* bins of one number have equal partition values */
	/* What a worker made of it. */
	bool lost; /* a file was gone: somebody removed it, or the table is damaged */
	struct err lost_err;
	struct delta_add *added;
	size_t n_added;
	int64_t rows;
	struct arena arena; /* owns added */
};

struct optimize {
	struct store *store;
	const char *root;
	struct delta_optimize_opts opts; /* defaults filled in */
	struct delta_snapshot *base;     /* the plan is of this version */
	struct delta_snapshot *now;      /* what the next commit builds on; may be base */
	int64_t now_ms;
	struct arena arena;
	struct table_schema schema; /* of the data columns */
	const char **columns;       /* their names */
	int zorder[8];              /* indices in them */
	struct str zorder_tag;
	struct optimize_bin *bins;
	size_t n_bins;
	size_t batch_first;   /* bins[batch_first ..] are being rewritten */
	pthread_mutex_t lock; /* guards files_done, and calls of progress */
	int64_t files_done, files_todo;
	struct delta_optimize_result result;
};

/* E_CANCELLED once it is to end. */
status optimize_go_on(const struct optimize *o, struct err *err) MUST_USE;
/* Check what was asked for against the table and fill schema, columns, zorder and zorder_tag. */
status optimize_check(struct optimize *o, struct err *err) MUST_USE;
/* Fill bins and files_todo. */
status optimize_plan(struct optimize *o, struct err *err) MUST_USE;
/* The text of f's partition column k in the order of the metadata; n == 0: null. */
struct str optimize_partition_value(const struct delta_snapshot *s, const struct delta_add *f, size_t k);
/* Rewrite one bin: files put, nothing committed. Thread-safe for distinct bins. */
status optimize_bin_rewrite(const struct optimize *o, struct optimize_bin *bin, struct err *err) MUST_USE;

/* Rows of many batches as one. */
struct held_column {
	struct column_def def;
	uint8_t *validity, *values, *data; /* values: fixed width, or offsets */
	size_t data_n, data_cap;
};
struct optimize_held {
	struct held_column *columns;
	struct column *views;
	size_t n_columns;
	int64_t n, cap; /* rows */
};
status optimize_held_init(struct optimize_held *h, const struct table_schema *schema, struct err *err) MUST_USE;
void optimize_held_deinit(struct optimize_held *h);
status optimize_held_add(struct optimize_held *h, const struct batch *b, struct err *err) MUST_USE; /* copies */
size_t optimize_held_bytes(const struct optimize_held *h);
bool optimize_held_full(const struct optimize_held *h, size_t bytes_max); /* order what there is before adding more */
struct batch optimize_held_view(struct optimize_held *h);                 /* until the next change */
void optimize_held_reset(struct optimize_held *h);

#endif
