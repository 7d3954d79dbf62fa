/* workloads/pqrs/bronze/event.h: one raw line to typed values, and typed values to bronze columns.
 *
 *   window of whole lines --event_next--> struct event (views) --event_batch_append--> one builder a column
 *
 * The contract is CONTRACTS section 1 and 2 (docs/contracts.md). What decides a line's fate, in this order:
 *   1. too_long: over the parser's limit without its line end ("\n" or "\r\n"); white space only: no event (EVENT_BLANK);
 *   2. invalid_utf8, not_json, not_object: of the whole line;
 *   3. the envelope in contract order: event_id, ticket_id, event_type, ts, data, schema_version, tenant_id;
 *   4. the members of data in the order of the contract's table for that event_type.
 * Of one member: missing, then bad_type, then bad_uuid, bad_timestamp or bad_enum. The first finding is the reason.
 *
 * A member given twice counts once in `duplicate_members`; the last one wins (a second `data` replaces the whole first).
 * A byte order mark at the start of a line is white space; what else is read with tolerance says enum event_tolerance.
 * null is the same as absent. A member the contract does not name for this event_type is kept in `extra`, byte for byte:
 * {"x":1,"data":{"y":[2]}}, members in the order of the line, then members of data that belong to other event types in
 * column order. Escapes are decoded, text is not normalised.
 */
#ifndef PQR_PQRS_EVENT_H
#define PQR_PQRS_EVENT_H

#include "base/hash.h"
#include "base/time.h"
#include "columnar/batch.h"
#include "io/lines.h"
#include "workloads/pqrs/contract/schema.h"

enum event_verdict {
	EVENT_VALID,
	EVENT_BLANK,
	EVENT_TOO_LONG,
	EVENT_INVALID_UTF8,
	EVENT_NOT_JSON,
	EVENT_NOT_OBJECT,
	EVENT_MISSING,  /* :field */
	EVENT_BAD_TYPE, /* :field */
	EVENT_BAD_UUID, /* :field */
	EVENT_BAD_TIMESTAMP,
	EVENT_BAD_ENUM, /* :field */
	EVENT_CONFLICTING_DUPLICATE,
};
/* What was read though it is not quite what the contract says; bits of event.tolerated. */
enum event_tolerance {
	TOLERATED_BOM,       /* a byte order mark at the start of the line */
	TOLERATED_NUMBER,    /* a number for a text: dane_city_code, external_id */
	TOLERATED_OFFSET,    /* -0500 or -05 */
	TOLERATED_NO_ZONE,   /* a time without offset: of the parser's zone */
	TOLERATED_WORD,      /* a word of a list in other case or with accents */
	TOLERATED_SURROGATE, /* half of a UTF-16 pair (\ud800): U+FFFD, also in extra */
	TOLERATED_N
};
extern const char *const event_tolerance_names[TOLERATED_N]; /* "bom", ... */
enum { EVENT_DATA = BRONZE_EXTRA, EVENT_REASON_BYTES = 48 }; /* as a field, EVENT_DATA is `data` itself */

struct event_reason {
	enum event_verdict verdict;
	int field; /* enum bronze_column or EVENT_DATA */
};
/* "missing:text"; dst holds EVENT_REASON_BYTES; returns dst. */
const char *event_reason_text(struct event_reason r, char *dst);

/* Values view the line or the parser's scratch: valid until the next event_next. */
struct event {
	struct str line; /* as it stands, without '\n' */
	uint64_t set;    /* bit c: column c has a value, in str[c] or num[c] by its type */
	int type;        /* enum pqrs_event_type; -1 unknown */
	bool has_ts;     /* num[BRONZE_TS] holds a time, whatever else is wrong with the line */
	uint32_t duplicate_members;
	uint64_t tolerated; /* bits by enum event_tolerance */
	struct str str[BRONZE_EXTRA + 1];
	int64_t num[BRONZE_EXTRA];
	uint8_t event_id[UUID_BYTES];
	char id_text[2][UUID_CHARS]; /* lower-cased ids, when the line had upper case */
	char number_text[2][24];     /* whole numbers where texts belong, written otherwise than by digits alone */
};

struct event_parser; /* scratch, and the key orders seen; one thread; what it learnt never changes a result */
status event_parser_create(struct event_parser **out, struct err *err) MUST_USE;
void event_parser_destroy(struct event_parser *e);
/* Times without offset are of this zone, borrowed; without one they are no times. */
void event_parser_set_zone(struct event_parser *e, const struct tz *zone);
/* Longer lines are too_long; at most, and by default, see base/limits.h. */
void event_parser_set_line_max(struct event_parser *e, size_t bytes);
/* The line at c->p (c->p < c->limit), which ends at '\n' or at limit; c->p moves behind it. */
struct event_reason event_next(struct event_parser *e, struct line_cursor *c, struct event *out);
/* E_NOMEM once scratch memory ran out; every verdict since then is void. */
status event_parser_check(const struct event_parser *e, struct err *err) MUST_USE;
void event_parser_force_plain(struct event_parser *e, bool plain); /* tests: never guess the key order */

/* A text as RFC 3339 time: the common shapes quickly, the rest by time_parse. p has 32 readable bytes behind it. */
bool event_time_parse(struct event_parser *e, struct str text, int64_t *out) MUST_USE;

/* ---- batch: one builder for each bronze column ---- */
struct event_batch {
	struct builder columns[BRONZE_N_COLUMNS];
	int32_t raw_object_index, source_index; /* dictionary indices of the rows to come */
	int32_t day;
	int32_t enum_index[BRONZE_N_COLUMNS][8]; /* dictionary index of an enum's value; -1 = not interned yet */
	int64_t n_rows;
	struct {
		uint8_t (*items)[UUID_BYTES];
		size_t n, cap;
	} ids; /* event ids of the rows */
	bool failed;
};
void event_batch_init(struct event_batch *b);
void event_batch_deinit(struct event_batch *b);
void event_batch_reset(struct event_batch *b); /* no rows, and no origin of those to come */
/* Rows to come are of this object, until the next call or reset. day: its UTC date. Copies. E_NOMEM. */
status event_batch_origin(
	struct event_batch *b, struct str raw_object, struct str source, int32_t day, struct err *err) MUST_USE;
/* One row, whole: no builder is touched unless all will be. line: 1-based. false: no memory, and no row. What a builder lacks shows in
 * event_batch_finish. */
bool event_batch_append(struct event_batch *b, const struct event *ev, int64_t line);
/* About `rows` rows in all are to come, like those that are there: room for them at once, not by doubling. */
void event_batch_expect(struct event_batch *b, int64_t rows);
/* columns[BRONZE_N_COLUMNS] view the builders until the next append or reset. E_NOMEM. */
status event_batch_finish(struct event_batch *b, struct column *columns, struct err *err) MUST_USE;

/* The parsed content of an event, as one view a column; p == NULL: null. Numbers view num. Only members that the contract names under
 * the event's type count, and ids, ts and tenant_id: an export that adds members or another schema_version tells the same event. */
struct event_content {
	struct str value[BRONZE_EXTRA + 1];
	int64_t num[BRONZE_EXTRA + 1];
};
void event_content_of(const struct event *ev, struct event_content *out);
void event_batch_content(const struct event_batch *b, int64_t row, struct event_content *out);
bool event_content_eq(const struct event_content *a, const struct event_content *b);
/* XXH3-128 over the content; scratch is reset. false: out of memory. */
bool event_content_hash(const struct event_content *c, struct buf *scratch, uint8_t out[XXH128_BYTES]) MUST_USE;

#endif
