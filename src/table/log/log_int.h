/* table/log/log_int.h: what the modules that read a log share beyond table/log/log.h. */
#ifndef PQR_TABLE_LOG_LOG_INT_H
#define PQR_TABLE_LOG_LOG_INT_H

#include "table/log/log.h"

/* delta_log_read's lines of a text already in memory, followed by JSON_SCAN_PADDING readable bytes. */
status delta_log_lines(
	struct str text, const char *key, struct arena *arena, const struct delta_visitor *v, struct err *err) MUST_USE;
/* Members of the commitInfo that pqr writes, as they stand in the text: what it is told by, and its digest of the whole file (base/seal.h). In a
 * text of JSON no string holds them, for its quotes are escaped. */
#define LOG_ENGINE "\"engineInfo\":\"pqr/"
#define LOG_SEAL "\"pqrSeal\":\""
/* The commitInfo of a commit file, copied to arena; empty when it has none. Reads 16 KiB where it stands first, else the file. */
status delta_log_info(struct store *store, const char *key, struct arena *arena, struct delta_commit_info *out,
	struct err *err) MUST_USE;
/* Move the strings of *info to arena. */
status delta_info_copy(struct delta_commit_info *info, struct arena *arena, struct err *err) MUST_USE;
/* The time of a commit by its info, else by its file. */
int64_t delta_info_ms(const struct delta_commit_info *info, int64_t modified_ms);

/* What a log still holds: versions [oldest, latest] can be read unless files are broken. latest == -1: no table. */
struct delta_log_range {
	int64_t oldest, latest;
};
struct delta_log_range delta_log_range(const struct delta_log_list *l);
/* The commit file of version in the list, or NULL. O(log n). */
const struct delta_log_file *delta_log_commit(const struct delta_log_list *l, int64_t version);

#endif
