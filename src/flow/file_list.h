/* flow/file_list.h: objects of a lake that tasks read and write, each with what is known of it. */
#ifndef PQR_FLOW_FILE_LIST_H
#define PQR_FLOW_FILE_LIST_H

#include "base/arena.h"
#include "base/hash.h"
#include "table/path.h"

/* One object. Texts and values live in its list's arena. */
struct file_ref {
	const char *table; /* "raw.pqrs", "bronze.pqrs_events", "rejects.pqrs", "silver.tickets", ... */
	const char *path;  /* key in the lake (or a file outside it, for ingest's inputs) */
	struct delta_pairs
		partition; /* values of its partition columns, whatever the folders are; of a file of a log, what the log says */
	int64_t rows;
	int64_t bytes;
	uint8_t xxh128[XXH128_BYTES];
	uint8_t sha256[SHA256_BYTES];
	const char *
		stats; /* of a part of a table: what its Delta log says of it (table/write/stats.h); NULL = not known */
	const char *made_of; /* of a part made of one other alone: a name of that part and of all else that decided its
				rows; its Delta log keeps it as a tag. NULL: not told */
	int64_t last_us;     /* an input of earlier events: none is later (flow/history.h); 0 = not known */
	bool earlier;        /* an input whose rows an earlier run of the history has folded (flow/history.h) */
};
struct file_list {
	struct file_ref *items;
	size_t n, cap;
	struct arena *arena;
};

/* Append; the texts are copied. false: out of memory. */
bool file_list_add(struct file_list *l, const struct file_ref *f) MUST_USE;
void file_list_sort(struct file_list *l); /* by path, bytewise */
/* The value of a partition column; E_CORRUPT with the file's path: it has none, or null. Views f. */
status file_ref_value(const struct file_ref *f, const char *column, struct str *out, struct err *err) MUST_USE;

#endif
