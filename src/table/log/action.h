/* table/log/action.h: the actions of a Delta log as structs, and their JSON lines.
 *
 * Source: Delta Transaction Log Protocol (delta-io/delta, PROTOCOL.md), "Actions". Knows one line of a log; must not know
 * files, versions or which action wins (table/log/snapshot.h).
 *
 * Paths are kept decoded (percent-encoding undone): "month=2025-09/run_id=.../part-0.parquet", relative to the table's
 * folder. An absolute path or URI, one with an empty, "." or ".." part or a control character is E_CORRUPT when it is
 * parsed: nothing a log says leads out of the table. All strings view the arena they were parsed into.
 */
#ifndef PQR_TABLE_LOG_ACTION_H
#define PQR_TABLE_LOG_ACTION_H

#include "table/path.h"

struct delta_strings {
	const struct str *items;
	size_t n;
};

/* "Deletion Vectors": kept so that such a file can be told from the same file without one, and refused by name. */
struct delta_dv {
	struct str unique_id; /* storageType + pathOrInlineDv [+ "@" + offset]; n == 0: none */
};

struct delta_add {
	struct str path;
	struct delta_pairs partition; /* values in "Partition Value Serialization"; null and "" both mean null */
	int64_t size;                 /* bytes */
	int64_t modified_ms;          /* since the epoch */
	bool data_change;
	struct str stats; /* "Per-file Statistics", JSON text; n == 0: none */
	struct delta_pairs tags;
	struct delta_dv dv;
};

struct delta_remove {
	struct str path;
	int64_t deleted_ms; /* deletionTimestamp; 0 = not given */
	bool data_change;
	bool extended; /* extendedFileMetadata: partition and size are given */
	struct delta_pairs partition;
	int64_t size; /* -1 = not given */
	struct delta_dv dv;
};

struct delta_protocol {
	int32_t min_reader, min_writer;
	struct delta_strings reader_features, writer_features; /* of reader 3, writer 7 */
};

struct delta_metadata {
	struct str id, name, description; /* name, description: n == 0 = none */
	struct str schema;                /* schemaString, JSON text */
	struct delta_strings partition_columns;
	struct delta_pairs configuration;
	int64_t created_ms; /* -1 = not given */
};

struct delta_app_txn {
	struct str app_id;
	int64_t version;
	int64_t updated_ms; /* lastUpdated; -1 = not given */
};

struct delta_domain {
	struct str domain, configuration;
	bool removed;
};

/* commitInfo: free form; these members are read, the rest is in `text`. */
struct delta_commit_info {
	int64_t timestamp_ms; /* -1 = not given */
	int64_t in_commit_ms; /* inCommitTimestamp; -1 = not given */
	struct str operation; /* "WRITE"; n == 0 = not given */
	struct str engine;    /* engineInfo */
	struct str txn_id;    /* the UUID that tells one's own commit from another's */
	struct str text;      /* the whole object, as written */
};

/* Reference to a part of a v2 checkpoint. */
struct delta_sidecar {
	struct str path; /* a file name in _delta_log/_sidecars */
	int64_t size;
};

enum delta_kind {
	DELTA_OTHER, /* an action this version does not know: ignored */
	DELTA_ADD,
	DELTA_REMOVE,
	DELTA_PROTOCOL,
	DELTA_METADATA,
	DELTA_APP_TXN,
	DELTA_DOMAIN,
	DELTA_COMMIT_INFO,
	DELTA_CDC, /* without effect on the table: nothing of it is kept */
	DELTA_SIDECAR,
	DELTA_CHECKPOINT_METADATA, /* v2: nothing of it is needed */
};
struct delta_action {
	enum delta_kind kind;
	union {
		struct delta_add add;
		struct delta_remove remove;
		struct delta_protocol protocol;
		struct delta_metadata metadata;
		struct delta_app_txn app_txn;
		struct delta_domain domain;
		struct delta_commit_info info;
		struct delta_sidecar sidecar;
	};
};

/* One line of a log file, without its newline; followed by JSON_SCAN_PADDING readable bytes. Strings of *out are copied into
 * arena where they have escapes and else view line, which must live as long. Unknown members are ignored. E_CORRUPT with the
 * offset in the line: broken JSON, a missing or mistyped member, a number out of range, a path that leads out of the table. */
status delta_action_parse(struct str line, struct arena *arena, struct delta_action *out, struct err *err) MUST_USE;

/* Append one line with its newline. info.text is written as it is. */
void delta_action_json(struct buf *out, const struct delta_action *a);

#endif
