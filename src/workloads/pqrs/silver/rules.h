/* workloads/pqrs/silver/rules.h: the keyword classifier (contract section 4) and the entities found in a ticket's first text.
 *
 *   text -> fold (lower case, no accents, symbols to spaces) -> tokens -> keyword hits per class -> prediction
 *
 * A symbol separates tokens: "no-respuesta" is two. A keyword of several words hits where its words follow each other
 * with one separator between. Each occurrence counts. Ties go to the first class in P Q R S and alta media baja order;
 * no hit gives P and media with score 0. score = hits of the predicted type / hits of all types.
 */
#ifndef PQR_PQRS_RULES_H
#define PQR_PQRS_RULES_H

#include "workloads/pqrs/config/config.h"

struct rules; /* compiled keywords and scratch buffers; one thread at a time */

struct prediction {
	enum pqrs_type type;
	enum pqrs_priority priority;
	int64_t score; /* decimal(5,4), unscaled: 0..10000 */
	uint32_t type_hits[TYPE_N], priority_hits[PRIORITY_N];
	struct str explain_json;  /* views the rules until the next call */
	struct str entities_json; /* same */
};

/* cfg is borrowed during the call. */
status rules_create(const struct pqrs_config *cfg, struct rules **out, struct err *err) MUST_USE;
void rules_destroy(struct rules *r);

/* Classify valid UTF-8; either text may be empty. E_NOMEM.
 * explain_json: {"keywords":[...],"priority":{"alta":n,"baja":n,"media":n},"type":{"P":n,...}}; keywords in order of first hit,
 * at most RULES_KEYWORDS_MAX. entities_json: see entities.h. */
enum { RULES_KEYWORDS_MAX = 16 };
status rules_classify(
	struct rules *r, struct str subject, struct str text, struct prediction *out, struct err *err) MUST_USE;

/* Fold text into dst[3 * n + 64 + ...]; exposed for tests: the bytes that classification sees. Returns the length; text.n <= INT32_MAX.
 * dst has room for rules_fold_bound(text.n) bytes. */
size_t rules_fold_bound(size_t n);
size_t rules_fold(const struct rules *r, struct str text, char *dst);
void rules_fold_force_plain(struct rules *r, bool plain); /* tests: code point by code point through the library */

#endif
