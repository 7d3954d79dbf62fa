/* io/config/config.h: configuration as a tree that remembers where each value came from.
 *
 *   defaults < file (YAML or JSON) < environment PQR_<SECTION>_<KEY> < flags          later wins
 *
 * Every node knows its file and line (or variable, or flag), so that an error reads
 * "pqr.yaml:7: simulation.seed: expected an integer from 0 to 10, found "abc"" (E_USAGE). YAML comes in through libyaml,
 * hidden in io/config/config_yaml.c; scalars are typed by the YAML 1.2 core schema. It must not know any key: keys come as tables of
 * struct config_key from the modules that own them.
 *
 * Invariants: 1. members of a map are kept in byte order of their keys, without repeats; 2. texts are valid UTF-8 without NUL,
 * NUL-terminated; 3. depth, values and members are bounded by base/limits.h, aliases counted by what they stand for.
 * Not thread-safe while it is built; reading is.
 */
#ifndef PQR_IO_CONFIG_CONFIG_H
#define PQR_IO_CONFIG_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"

enum config_kind { CONFIG_NULL, CONFIG_BOOL, CONFIG_NUMBER, CONFIG_STRING, CONFIG_LIST, CONFIG_MAP };

struct config_node {
	enum config_kind kind;
	bool loose;         /* written in a variable or flag: a text that is read as whatever type its key has */
	bool secret;        /* never shown in an error */
	int32_t line;       /* 1-based line in `origin`; 0 = origin is no file */
	uint32_t n;         /* members or items */
	const char *origin; /* "pqr.yaml", "environment variable PQR_SIMULATION_SEED", a flag, "default" */
	struct str key;     /* name in its map; empty in a list and at the root */
	struct str text;    /* scalars, as written */
	struct config_node *parent, *first, *last, *next;
};

struct config {
	struct arena arena;       /* owns all nodes and texts */
	struct config_node *root; /* a map */
	uint32_t n_nodes;
};

status config_init(struct config *c, struct err *err) MUST_USE;
void config_deinit(struct config *c);

/* ---- building ---- */

/* A new node below parent (NULL: not attached to anything), with parent's origin and line; texts are copied, key is ignored
 * below a list. out may be NULL. E_USAGE: the map has that key; E_LIMIT: too deep or too many. */
struct config_value {
	enum config_kind kind;
	struct str text;
}; /* text of a scalar */
#define CONFIG_EMPTY_MAP ((struct config_value){CONFIG_MAP, {"", 0}})
status config_add(struct config *c, struct config_node *parent, struct str key, struct config_value value,
	struct config_node **out, struct err *err) MUST_USE;
/* Parse text into a tree of c's that is not attached yet; *out is a map, also for an empty document. name appears in errors.
 * E_USAGE with line: not YAML or JSON, repeated key, unknown alias, several documents; E_LIMIT. */
enum config_format { CONFIG_YAML, CONFIG_JSON };
status config_parse(struct config *c, enum config_format format, struct str text, const char *name,
	struct config_node **out, struct err *err) MUST_USE;
/* config_parse of a file; JSON when its name ends in ".json". */
status config_parse_file(struct config *c, const char *path, struct config_node **out, struct err *err) MUST_USE;
/* Lay a copy of `from` (a map, of c or of a configuration that outlives c) over `into` (a map of c): maps are merged, everything
 * else is replaced; a section without a value changes nothing. Merged maps take from's place in errors. */
status config_merge(
	struct config *c, struct config_node *into, const struct config_node *from, struct err *err) MUST_USE;
/* Set one scalar by its dotted path, maps on the way made or replaced; origin is what errors will name. Both are copied. */
status config_set(struct config *c, const char *path, const char *value, const char *origin, struct err *err) MUST_USE;

/* ---- reading ---- */

/* By dotted path; NULL: not there. node may be NULL. */
const struct config_node *config_find(const struct config_node *node, const char *path);
/* The same, E_USAGE when it is not there. */
status config_need(
	const struct config_node *node, const char *path, const struct config_node **out, struct err *err) MUST_USE;
const char *config_node_path(
	const struct config_node *node, char *dst, size_t size); /* "topics[3].name"; returns dst */

/* Typed reading. E_USAGE with place, key, what was expected and found. */
status config_bool(const struct config_node *node, bool *out, struct err *err) MUST_USE;
status config_i64(const struct config_node *node, int64_t min, int64_t max, int64_t *out, struct err *err) MUST_USE;
status config_i32(const struct config_node *node, int32_t min, int32_t max, int32_t *out, struct err *err) MUST_USE;
/* A decimal fraction, exactly, in millionths: "0.38" is 380000. A seventh digit other than 0 is refused. */
status config_millionths(
	const struct config_node *node, int64_t min, int64_t max, int64_t *out, struct err *err) MUST_USE;
status config_date(const struct config_node *node, int32_t *out, struct err *err) MUST_USE;
status config_str(
	const struct config_node *node, struct str *out, struct err *err) MUST_USE; /* views the tree; NUL-terminated */
status config_choice(
	const struct config_node *node, const char *const *choices, size_t n, size_t *out, struct err *err) MUST_USE;
status config_list(
	const struct config_node *node, size_t min, struct err *err) MUST_USE; /* it is a list of at least min items */
status config_map(const struct config_node *node, struct err *err) MUST_USE;   /* it is a map */
/* A map with no keys but these[n]. */
status config_keys_only(const struct config_node *node, const char *const *keys, size_t n, struct err *err) MUST_USE;
/* The path of a file that a value names: relative ones count from the folder of the file the value stands in. */
status config_file_path(const struct config_node *node, char *dst, size_t size, struct err *err) MUST_USE;

/* E_USAGE at the node: "origin:line: path: message". */
status config_fail(const struct config_node *node, struct err *err, const char *fmt, ...) PRINTF_LIKE(3, 4);

/* Canonical JSON: keys in byte order, no white space, UTF-8, numbers as their text. buf_check tells of failure. */
void config_json(const struct config_node *node, struct buf *out);
bool config_decimal_parse(struct str text, int digits,
	int64_t *out) MUST_USE; /* times 10^digits, digits <= 9; false: no decimal, or not exact */
void config_millionths_text(int64_t millionths, char dst[32]); /* shortest decimal: "0.38", "1", "-74.08" */
/* uri with the password and every query value that may be one replaced by "***". Returns dst. */
const char *config_uri_redact(struct str uri, char *dst, size_t size);

/* ---- tables of keys ---- */

enum config_type {
	CONFIG_T_BOOL,
	CONFIG_T_INT,
	CONFIG_T_DECIMAL,
	CONFIG_T_DATE,
	CONFIG_T_STRING,
	CONFIG_T_CHOICE,
	CONFIG_T_TEXTS /* a map of scalars under names of another program's, which may hold dots; no fallback */
};
struct config_key {
	const char *path; /* "simulation.seed" */
	enum config_type type;
	int64_t min, max;           /* INT; DECIMAL in millionths */
	const char *const *choices; /* CHOICE: ends with NULL */
	const char *fallback;       /* default as text; NULL: from another source, which meaning names */
	bool secret;
	const char *meaning; /* for docs/configuration.md */
	/* The version whose canonical form first knew the key, where it came after the form: canonical forms leave it out at its default,
	 * so that theirs of before the key are still theirs. 0: it stands in every form. Its fallback may never change. */
	int since;
};
struct config_keys {
	const struct config_key *items;
	size_t n;
};

const struct config_key *config_key_find(const struct config_keys *tables, size_t n, const char *path); /* NULL: none */
status config_defaults(struct config *c, const struct config_keys *tables, size_t n, struct err *err) MUST_USE;
/* Take over variables PQR_<SECTION>_<KEY> (dots become underscores, upper case); empty ones count as not set. What follows the
 * key of a CONFIG_T_TEXTS is a name in it: lower case, underscores as dots. env ends with NULL, as environ. E_USAGE: such a name in a
 * known section that is no key. */
status config_environment(
	struct config *c, const struct config_keys *tables, size_t n, const char *const *env, struct err *err) MUST_USE;
/* For canonical forms. Leave out what stands at its default and is newer than the form (since > 0), and maps that are empty then; and
 * the way back: give such keys of the table that are not there their default. */
void config_leave_out_newer(struct config_node *root, const struct config_keys *table);
status config_fill_newer(
	struct config *c, struct config_node *root, const struct config_keys *table, struct err *err) MUST_USE;
/* Every key of the tree is known and of its type and range; else E_USAGE, with the nearest known name for a typing error. */
status config_check(const struct config *c, const struct config_keys *tables, size_t n, struct err *err) MUST_USE;

#endif
