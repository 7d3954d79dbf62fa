/* pqrs/views.h: the views that dashboards and BI tools read, over the published gold tables. */
#ifndef PQR_PQRS_VIEWS_H
#define PQR_PQRS_VIEWS_H

#include "base/buf.h"

/* A SELECT in the common part of SQLite's and PostgreSQL's SQL. Names are SQLite's: analytics_<view>, gold_<table>. */
struct view_def {
	const char *name; /* "analytics_v_geo_daily" */
	const char *sql;  /* "SELECT ... FROM gold_kpi_volume_geo_daily ..."; no ';' */
};
enum { PQRS_VIEWS = 5 };
extern const struct view_def pqrs_views[PQRS_VIEWS]; /* in order of creation */

/* CREATE VIEW statements. PostgreSQL: the names as analytics.<view> and gold.<table>. */
void pqrs_view_sqlite(struct buf *out, const struct view_def *v);
void pqrs_view_postgres(struct buf *out, const struct view_def *v);

#endif
