/* workloads/pqrs/explain/explain_text.h: an explanation of a due date as text and as JSON. */
#ifndef PQR_PQRS_EXPLAIN_TEXT_H
#define PQR_PQRS_EXPLAIN_TEXT_H

#include "base/buf.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/silver/explain.h"

/* A row of silver.tickets. */
struct explain_row {
	const char *ticket_id, *external_id, *type, *status, *run_id; /* external_id: "" = none */
	int64_t created_at, due_at, answered_at;                      /* STATE_NEVER: none */
	int32_t term, hold_days;
};
struct explain_view {
	const struct explain_row *row;
	const struct explain *x;
	const struct pqrs_config *cfg;
	int64_t as_of;
};

/* Append; lines of the text have at most 80 columns as long as names do not fill them alone. */
void explain_text(const struct explain_view *v, struct buf *out);
void explain_json(const struct explain_view *v, struct buf *out);

#endif
