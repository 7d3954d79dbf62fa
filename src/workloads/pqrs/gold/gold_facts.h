/* workloads/pqrs/gold/gold_facts.h: what the daily gold tables need of each ticket, as arrays of small integers.
 *
 *   silver batches --gold_facts_add--> codes in order of appearance --gold_facts_rank--> codes in byte order
 *
 * After gold_facts_rank a smaller code means a smaller string (byte order, as Parquet and SQL "C" collation sort), so
 * rows sorted by codes are sorted by key. Strings are looked at once per dictionary entry, not once per row.
 */
#ifndef PQR_PQRS_GOLD_FACTS_H
#define PQR_PQRS_GOLD_FACTS_H

#include "base/map.h"
#include "columnar/batch.h"
#include "workloads/pqrs/gold/day_map.h"

/* Codes of the contract's values, in byte order of the values. */
enum gold_channel { GOLD_CALL, GOLD_CHAT, GOLD_EMAIL, GOLD_OTHER_DIGITAL, GOLD_WEBFORM, GOLD_CHANNELS };
enum gold_type { GOLD_P, GOLD_Q, GOLD_R, GOLD_S, GOLD_TYPES };
enum gold_priority { GOLD_ALTA, GOLD_BAJA, GOLD_MEDIA, GOLD_PRIORITIES };
enum gold_sla { GOLD_IN_TIME, GOLD_LATE, GOLD_NOT_STARTED, GOLD_SLA_STATES };
extern const char *const gold_channel_names[GOLD_CHANNELS];
extern const char *const gold_type_names[GOLD_TYPES];
extern const char *const gold_priority_names[GOLD_PRIORITIES];
extern const char *const gold_sla_names[GOLD_SLA_STATES];
#define GOLD_NO_DAY INT32_MIN

/* Columns of a silver batch; NULL = this task does not need it. */
struct gold_source {
	int64_t n;
	const struct column *created_at, *closed_at, *answered_at,
		*sla_due_at; /* timestamp; all but the first nullable */
	const struct column *channel, *type, *priority, *sla_status;
	const struct column *department, *dane, *tenant; /* nullable */
	const struct column *score;                      /* predictions only: decimal(5,4) */
};

struct gold_geo {
	uint32_t department, dane;
}; /* codes */

struct gold_facts {
	struct arena *arena;
	size_t n, cap;
	int64_t as_of; /* until when a ticket without an answer is late; set by the caller before the first add */
	/* [cap] each, NULL when not asked for */
	int32_t *created, *closed; /* local dates; closed: GOLD_NO_DAY while open */
	int64_t *overdue_us;       /* from sla_due_at to the answer, or as_of, of a closed LATE ticket, else 0; >= 0 */
	uint8_t *channel, *type, *priority, *sla;
	uint32_t *geo, *tenant; /* codes */
	int32_t *score;         /* ten-thousandths */
	/* names by code; after gold_facts_rank: string columns, sorted */
	struct builder departments, danes, tenants;
	struct column department_names, dane_names, tenant_names;
	struct {
		struct gold_geo *items;
		size_t n, cap;
	} geos;               /* by code; sorted by (department, dane) after rank */
	struct map geo_codes; /* until rank */
};

/* which: a source with any non-NULL pointer for each field wanted. Room for cap rows. */
status gold_facts_init(struct gold_facts *f, struct arena *arena, size_t cap, const struct gold_source *which,
	struct err *err) MUST_USE;
void gold_facts_deinit(struct gold_facts *f);
/* Append a batch; scratch may be reset afterwards. E_CORRUPT: a null or a value that silver's contract does not allow. */
status gold_facts_add(struct gold_facts *f, const struct gold_source *in, struct day_map *days, struct arena *scratch,
	struct err *err) MUST_USE;
/* Renumber; once, after the last add. */
status gold_facts_rank(struct gold_facts *f, struct err *err) MUST_USE;

/* Codes of a column of one of a few names, never null. E_CORRUPT names the value and the column (what). dst[c->n]. */
status gold_enum_codes(const struct column *c, const char *what, const char *const *names, uint8_t n_names,
	uint8_t *dst, struct err *err) MUST_USE;
/* Codes of a nullable column of any strings, in order of appearance in names (a dictionary builder); null gets the code
 * of `missing`. dst[c->n]. */
status gold_text_codes(const struct column *c, const char *missing, struct builder *names, struct arena *scratch,
	uint32_t *dst, struct err *err) MUST_USE;
/* A dictionary column over fixed names, for the tables' columns; lives in arena. */
status gold_names_column(
	const char *const *names, size_t n, struct arena *arena, struct column *out, struct err *err) MUST_USE;

#endif
