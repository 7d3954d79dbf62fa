/* workloads/pqrs/silver/explain.h: how a ticket's due date comes about, day by day.
 *
 *   received ... day 1 = the next business day ... day (term + hold_days) = due
 *
 * It folds the ticket by the same state machine and clock as silver (state.h, sla.h), so what it says is what silver holds. Knows
 * neither tables nor text.
 */
#ifndef PQR_PQRS_EXPLAIN_H
#define PQR_PQRS_EXPLAIN_H

#include "base/arena.h"
#include "workloads/pqrs/silver/sla.h"

enum explain_reason {
	EXPLAIN_COUNTED,
	EXPLAIN_WEEKEND,
	EXPLAIN_HOLIDAY,
	EXPLAIN_HOLD,     /* a business day of a PAUSE interval */
	EXPLAIN_STOP,     /* a business day between an answer and the reopening that undid it */
	EXPLAIN_EXTENDED, /* after the term, in return for a hold or stop that came later than this day */
	EXPLAIN_REASONS,
};
extern const char *const explain_reason_names[EXPLAIN_REASONS]; /* "counted", ... */

struct explain_day {
	int32_t date;
	int32_t n; /* EXPLAIN_COUNTED: 1..term; EXPLAIN_EXTENDED: 1.. */
	enum explain_reason reason;
};
/* Local dates: the business days d with from < d <= to did not count. */
struct explain_stand {
	int32_t from, to;
	enum explain_reason reason; /* HOLD or STOP */
};

struct explain_change {
	int64_t ts;
	unsigned from, to; /* enum pqrs_state */
};
struct explain_ticket {
	int64_t created_at;
	struct explain_change *changes; /* [n], accepted ones; put into the order in which they follow each other */
	size_t n;
	struct sla_subject subject;
	int64_t as_of;
};
struct explain {
	struct ticket_state state;
	struct sla_result sla;
	struct sla_subject subject;
	const struct law_row *law; /* NULL: the term is configured */
	int32_t received, due;     /* local dates; unset before RADICATED */
	const struct explain_stand *stands;
	size_t n_stands;
	const struct explain_day
		*days; /* [n_days] from the day after reception to the due date; none before RADICATED */
	size_t n_days;
};

/* Arrays of *out live in arena. E_CORRUPT: the changes are no path of the state machine. E_LIMIT: due over 100 years later. */
status explain_ticket(const struct pqrs_config *cfg, const struct explain_ticket *t, struct arena *arena,
	struct explain *out, struct err *err) MUST_USE;

#endif
