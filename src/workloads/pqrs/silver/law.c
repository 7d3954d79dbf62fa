/* workloads/pqrs/silver/law.c: the effective-dated rows of the law, oldest first. Must not know tickets: holds and answers do not decide which
 * law is in force. */
#include "workloads/pqrs/silver/law.h"

const struct law_row *law_of(const struct pqrs_config *cfg, enum request_kind kind, int32_t received)
{
	const struct law_row *row = cfg->law.rows;
	ASSERT(cfg->law.n > 0);
	for (size_t i = 1; i < cfg->law.n; i++) {
		const struct law_row *next = &cfg->law.rows[i];
		const bool in_course = next->in_course && calendar_add_business_days(cfg->calendar, received,
								  row->days[kind]) >= next->from;
		if (received >= next->from || in_course) row = next;
	}
	return row;
}
