/* workloads/pqrs/bronze/event_int.h: what the files of event.h share. Not for others. */
#ifndef PQR_PQRS_EVENT_INT_H
#define PQR_PQRS_EVENT_INT_H

#include "base/map.h"
#include "io/json/json_scan.h"
#include "workloads/pqrs/bronze/event.h"

enum {
	FIELD_N = 33,       /* columns up to tenant_id, then EVENT_DATA: one bit each in a uint64_t */
	FIELD_UNKNOWN = 64, /* envelope */
	FIELD_UNKNOWN_DATA = 65,
	LAYOUT_MEMBERS_MAX = 40, /* longest line whose key order is learnt: the contract has 33 members */
	LAYOUT_TEXT_MAX = 64,    /* bytes between two values */
	LAYOUT_NODES_MAX = 250,  /* key orders remembered share their prefixes; beyond this no more are learnt */
	LAYOUT_CHILDREN_MAX = 8,
};
#define BIT(field) (UINT64_C(1) << (field))

/* What follows a value up to the next one, byte for byte: `,"ticket_id":` or, at the end, `}}` and the line end. */
struct layout_node {
	char text[LAYOUT_TEXT_MAX];
	uint32_t mask_low, mask_high; /* bit i: text[i], text[32 + i] counts */
	uint8_t n;
	uint8_t field;         /* of the value behind it; FIELD_N: end of line */
	uint8_t key_at, key_n; /* unknown members: the name between its quotes, within text */
	uint8_t n_children;
	uint8_t children[LAYOUT_CHILDREN_MAX];
};

struct unknown_member {
	struct str key;
	struct str value;
	bool key_escape;
}; /* both as written */
struct unknown_list {
	struct unknown_member *items;
	size_t n, cap;
	struct map names; /* of the first `hashed` items, once there are many */
	size_t hashed;
};

/* A value met on the line, for learning its layout. */
struct layout_span {
	const char *from, *to;
	struct str key;
	uint8_t field;
};

struct event_parser {
	/* the line at hand, before its check */
	uint64_t present, strings, nulls, escapes; /* by field */
	uint64_t checked_ids;                      /* BRONZE_EVENT_ID, BRONZE_TICKET_ID: already parsed */
	uint8_t ids[2][UUID_BYTES];
	bool upper[2];
	bool lone;                 /* a lone surrogate stands in the line */
	struct str value[FIELD_N]; /* strings without quotes, the rest as written */
	struct unknown_list unknown, unknown_data;
	struct layout_span spans[LAYOUT_MEMBERS_MAX];
	size_t n_spans;     /* over LAYOUT_MEMBERS_MAX: too many */
	struct buf scratch; /* decoded strings */
	struct buf extra;
	bool failed;
	bool plain;
	size_t line_bytes_max;
	const struct tz *zone; /* of times without offset; may be NULL */
	/* the day last seen in a time: "2025-09-01" and its midnight */
	char day_text[10];
	int64_t day_us;
	/* layouts: node 0 is the root */
	uint32_t n_nodes;
	struct layout_node nodes[LAYOUT_NODES_MAX];
};

/* event_fast.c */
/* Match the line at p against the layouts learnt: fills e's line state and returns the byte behind its '\n', or NULL, the
 * state then undefined. limit[-1] == '\n'; the range is valid UTF-8. */
const char *event_layout_match(struct event_parser *e, const char *p, const char *limit);
/* Remember the layout of the valid line p[n] (its '\n' included) from e->spans. */
void event_layout_learn(struct event_parser *e, const char *p, size_t n);
/* 36 characters at p (readable), either case. *upper: some digit is an upper-case letter. */
bool event_uuid_parse(const char *p, uint8_t id[UUID_BYTES], bool *upper);
#ifdef PQR_SIMD
/* event_avx2.c: the same two, on a processor that has it. */
const char *event_layout_match_avx2(struct event_parser *e, const char *p, const char *limit);
bool event_uuid_parse_avx2(const char *p, uint8_t id[UUID_BYTES], bool *upper);
#endif

/* Containers around a field's value. */
static inline uint32_t event_field_depth(unsigned field)
{
	return field <= BRONZE_TS || field == BRONZE_SCHEMA_VERSION || field == BRONZE_TENANT_ID ||
			       field == FIELD_UNKNOWN
		       ? 1
		       : 2;
}

/* event_check.c */
/* The line's values against the contract, into *out; the members of other event types move to e->unknown_data. */
struct event_reason event_check(struct event_parser *e, struct event *out);

/* event_members.c */
void event_line_reset(struct event_parser *e); /* no members */
/* The decoded name; scratch memory, of which a whole line's was reserved, holds it until the next line. */
struct str event_name(struct event_parser *e, struct str key, bool escape);
/* false: a member of that name stands in the list already, whose value was replaced (or memory ran out). */
bool event_unknown_add(struct event_parser *e, struct unknown_list *l, const struct unknown_member *m);
void event_unknown_deinit(struct unknown_list *l);
static inline void event_set_value(struct event_parser *e, unsigned field, const char *p, size_t n, bool string)
{
	e->value[field] = (struct str){p, n};
	e->present |= BIT(field);
	if (string) e->strings |= BIT(field);
}

#endif
