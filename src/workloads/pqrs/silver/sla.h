/* workloads/pqrs/silver/sla.h: the legal clock of a ticket (contract section 3).
 *
 * Terms count from the day after reception, in business days (Ley 1755 de 2015, art. 14), by the effective-dated calendar and law of
 * the configuration. The clock runs in START and RUN states, stands in PAUSE and STOP ones, and the answer is where it was last
 * stopped. Pure functions of configuration, ticket and as_of; times are microseconds UTC.
 */
#ifndef PQR_PQRS_SLA_H
#define PQR_PQRS_SLA_H

#include "workloads/pqrs/contract/schema.h"
#include "workloads/pqrs/silver/state.h"

enum { SLA_RISK_BUSINESS_DAYS = 2 }; /* AT_RISK: due within so many business days of as_of */

/* What the term depends on, beside the day of radication. */
struct sla_subject {
	enum pqrs_type type;
	enum request_kind request;
};

struct sla_result {
	int64_t due_at;      /* STATE_NEVER before RADICATED */
	int64_t closed_at;   /* STATE_NEVER unless now CLOSED or ARCHIVED */
	int64_t archived_at; /* STATE_NEVER unless now ARCHIVED */
	int64_t elapsed_seconds;
	int32_t term; /* business days; before RADICATED what it would be had that been at once */
	int32_t hold_days;
	enum sla_status status;
	enum sla_risk risk;
};

/* Whether the clock runs in a state (behaviour START or RUN), or pauses in it. */
bool sla_runs(const struct pqrs_config *cfg, unsigned state);
bool sla_pauses(const struct pqrs_config *cfg, unsigned state);

/* Business days d with local date(start) < d <= local date(end); 0 when end < start. */
int32_t sla_hold_days(const struct pqrs_config *cfg, int64_t start, int64_t end);

/* The term in business days of what was received on a local date, and the row of the law that says so; NULL: configured. */
int32_t sla_term(
	const struct pqrs_config *cfg, const struct sla_subject *of, int32_t received, const struct law_row **law);

/* The last microsecond of the local day that is the days-th business day after radicated_at's. days >= 0. */
int64_t sla_due_at(const struct pqrs_config *cfg, int64_t radicated_at, int32_t days);

/* Everything the clock says about a created ticket at as_of. An interval still open ends at as_of, and has no length when it
 * began after as_of (an event stream that runs ahead of the instant it is described at). */
void sla_settle(const struct pqrs_config *cfg, const struct ticket_state *t, const struct sla_subject *of,
	int64_t as_of, struct sla_result *out);

/* What a ticket without an answer says of itself in silver. */
struct sla_open {
	int64_t radicated_at; /* STATE_NEVER before RADICATED */
	int64_t elapsed_seconds;
	int32_t term, hold_days;
	unsigned state; /* enum pqrs_state; STATE_N: one that this configuration does not name, whose clock stands */
};

/* The same ticket at a later instant, without an event in between: what sla_settle would say of it at `to`, had it said *before at
 * `from`. Both whole seconds apart, else elapsed_seconds may be one too few. closed_at and archived_at are not told. */
void sla_later(
	const struct pqrs_config *cfg, const struct sla_open *before, int64_t from, int64_t to, struct sla_result *out);

#endif
