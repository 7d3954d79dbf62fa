/* flow/layout.h: are the tables of a lake laid out as this version writes them?
 *
 * A table's partition columns are its layout: the version before had events by source and day. Rows of both can't stand in one table.
 */
#ifndef PQR_FLOW_LAYOUT_H
#define PQR_FLOW_LAYOUT_H

#include "flow/workload.h"

/* E_UNSUPPORTED: the table of events has other partition columns than the workload's; the message names both. OK where there is no
 * such table. Costs a look at one table's log. */
status flow_layout_check(struct store *lake, const struct workload *w, struct err *err) MUST_USE;

#endif
