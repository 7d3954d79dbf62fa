/* workloads/clickstream/event.h: one raw line to an event or the reason why it is none.
 *
 * In this order: too_long; white space only: blank; invalid_utf8, not_json, not_object, of the whole line; then member by member in the
 * contract's order: missing, bad_type, then what the member alone may break. null is the same as absent; of a member given twice the
 * last counts; one that the contract does not name is kept, byte for byte, in extra.
 */
#ifndef PQR_CLICKSTREAM_EVENT_H
#define PQR_CLICKSTREAM_EVENT_H

#include "base/uuid_table.h"
#include "io/lines.h"
#include "workloads/clickstream/schema.h"

enum clickstream_verdict {
	CLICK_VALID,
	CLICK_BLANK,
	CLICK_TOO_LONG,
	CLICK_INVALID_UTF8,
	CLICK_NOT_JSON,
	CLICK_NOT_OBJECT,
	CLICK_MISSING,   /* :member */
	CLICK_BAD_TYPE,  /* :member */
	CLICK_BAD_UUID,  /* :member */
	CLICK_BAD_VALUE, /* :member: user_id under 1, page without / */
	CLICK_BAD_ENUM,  /* :member */
	CLICK_BAD_TIMESTAMP,
	CLICK_VERDICTS
};
enum clickstream_member { MEMBER_ID, MEMBER_USER, MEMBER_TYPE, MEMBER_PAGE, MEMBER_TIMESTAMP, MEMBER_SOURCE, MEMBERS };
struct clickstream_reason {
	enum clickstream_verdict verdict;
	int member;
};
enum { CLICK_REASON_BYTES = 32 };
const char *clickstream_reason_text(
	struct clickstream_reason r, char dst[CLICK_REASON_BYTES]); /* "missing:page"; returns dst */

/* Texts view the line or the parser. */
struct clickstream_event {
	struct str line; /* as it stands, without '\n' */
	char id[36];     /* lower case */
	int64_t user;
	int type, source;
	struct str page;
	int64_t ts;
	bool has_ts;      /* whatever else is wrong with the line */
	struct str extra; /* n 0: none */
};
struct clickstream_parser {
	size_t line_bytes_max;
	struct buf page, extra; /* scratch of one line */
	bool failed;            /* there was no memory for one */
};
void clickstream_parser_init(struct clickstream_parser *p, size_t line_bytes_max);
void clickstream_parser_deinit(struct clickstream_parser *p);
/* The line at c->p (c->p < c->limit), which moves behind it. */
/* One event by itself, which may hold any byte; utf8_ok: it is known to be valid UTF-8. JSON_SCAN_PADDING readable bytes follow it. */
struct clickstream_reason clickstream_parse(
	struct clickstream_parser *p, struct str line, bool utf8_ok, struct clickstream_event *out);
struct clickstream_reason clickstream_next(
	struct clickstream_parser *p, struct line_cursor *c, struct clickstream_event *out);
/* E_NOMEM once scratch ran out; every verdict since is void. */
status clickstream_parser_check(const struct clickstream_parser *p, struct err *err) MUST_USE;

#endif
