/* workloads/pqrs/contract/views.h: the views that dashboards and BI tools read, over the published gold tables. */
#ifndef PQR_PQRS_VIEWS_H
#define PQR_PQRS_VIEWS_H

#include "flow/workload.h"

/* SELECTs in the common part of SQLite's and PostgreSQL's SQL, without ';'. Names as contract 6 has them: analytics.<view>, gold.<table>. */
enum { PQRS_VIEWS = 5 };
extern const struct workload_view pqrs_views[PQRS_VIEWS]; /* in order of creation */

#endif
