/* table/path.h: keys of data in the lake and what their folders say. The one place that composes and parses them.
 *
 *   silver/tickets/month=2025-09/run_id=0a1b.../part-<xxh128>.parquet
 *   \____ root __/ \__ folders, one a value __/ \______ name _______/
 *
 *   key    = [ root "/" ] *( folder "/" ) name
 *   folder = escaped-column "=" ( escaped-value / "__HIVE_DEFAULT_PARTITION__" )
 *
 * Folders as Hive makes them (FileUtils.makePartName, escapePathName) and Delta keeps them for tables without column mapping: a byte
 * that would mean something in a path is %XX, two hexadecimal digits; null and "" are the default partition. Hive escapes control
 * characters and "#%'*\/:=?\{[]^ ; here every byte but letters, digits and -._~ is escaped, so that a key is plain ASCII and no
 * value, not even "..", is read as another part of the path. Reading undoes any %XX, and a '%' without two digits stands for itself
 * (unescapePathName), so that folders of other writers are understood.
 *
 * What folders say is a convention. Of a file that a Delta log names, the log's partitionValues decide.
 */
#ifndef PQR_TABLE_PATH_H
#define PQR_TABLE_PATH_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/hash.h"

#define PATH_NULL "__HIVE_DEFAULT_PARTITION__"
enum {
	PATH_KEY_MAX = 1024, /* bytes of a key and its NUL; S3 takes keys of 1024 bytes */
	PATH_PART_NAME_CHARS = sizeof "part-.parquet" - 1 + HEX_XXH128_CHARS,
};

/* One entry of a map<string,string>: partition values, and a log's configuration and tags. */
struct delta_pair {
	struct str key;
	struct str value; /* p == NULL: null */
};
struct delta_pairs {
	const struct delta_pair *items;
	size_t n;
};
/* The value of key, or NULL: not there. O(n). */
const struct delta_pair *delta_pairs_get(const struct delta_pairs *l, struct str key);
/* Pairs and their texts into arena; false: out of memory. */
bool delta_pairs_copy(const struct delta_pairs *l, struct arena *arena, struct delta_pairs *out) MUST_USE;

/* ---- keys ---- */

/* Append "month=2025-09/run_id=U", without a '/' at the end; nothing for no values. */
void path_folders(struct buf *out, const struct delta_pairs *values);
/* dst = the key of a file; root "": none. E_LIMIT: over PATH_KEY_MAX - 1 bytes. */
status path_key(char dst[PATH_KEY_MAX], const char *root, const struct delta_pairs *values, const char *name,
	struct err *err) MUST_USE;
/* dst = where the table named "silver.tickets" lies: "silver/tickets". E_LIMIT. */
status path_table_root(char dst[PATH_KEY_MAX], const char *table, struct err *err) MUST_USE;
/* The values of the folders that stand together before the name, in their order; names and values view key, or arena where an
 * escape was undone. E_NOMEM. */
status path_values(const char *key, struct arena *arena, struct delta_pairs *out, struct err *err) MUST_USE;
/* Would path_values give these values in this order? "" counts as null. */
bool path_tells(const char *key, const struct delta_pairs *values);
/* Is there a folder of this column and value before the name? */
bool path_has(const char *key, struct str column, struct str value);

/* Is this part of a path the folder of that column? *value is what stands behind the '=', still escaped. */
bool path_folder_of(struct str part, struct str column, struct str *value);
/* Does a folder's escaped value mean this one? value.p == NULL or n == 0: null. */
bool path_value_is(struct str escaped, struct str value);

/* The name of a file that was named for its content, part-<xxh128>.parquet, NUL at the end. */
void path_part_name(const uint8_t hash[XXH128_BYTES], char dst[PATH_PART_NAME_CHARS + 1]);
/* The hash that the last part of a path holds; false: it has another name. */
bool path_part_hash(struct str path, uint8_t hash[XXH128_BYTES]);

/* ---- paths of a Delta log: relative to the table's folder, a URI's path with RFC 3986 escapes over those of the folders ---- */

/* A decoded path leads to a file below the table's folder: not absolute, no empty, "." or ".." part, no control character, UTF-8,
 * not in _delta_log. E_CORRUPT. */
status path_check(struct str path, struct err *err) MUST_USE;
/* Undo the escapes (RFC 3986 section 2.1) into arena, then check. */
status path_url_decode(struct str text, struct arena *arena, struct str *out, struct err *err) MUST_USE;
/* Append the path percent-encoded: every byte but letters, digits and -._~/=!$&'()*+,;:@ . */
void path_url_encode(struct buf *out, struct str path);

#endif
