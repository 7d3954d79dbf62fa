/* app/run_sql.h: what is asked of the control plane about runs, by commands and the server alike. */
#ifndef PQR_APP_RUN_SQL_H
#define PQR_APP_RUN_SQL_H

/* Stages and layers in the order they come in. */
#define RUN_SQL_IN_ORDER(column) \
	"CASE " column " WHEN 'raw' THEN 0 WHEN 'bronze' THEN 1 WHEN 'silver' THEN 2 WHEN 'gold' THEN 3 ELSE 4 END"
/* Of the workload $1, or of all where that is empty. */
#define RUN_SQL_LATEST_FIRST " FROM meta.runs WHERE $1 IN ('', workload) ORDER BY started_at DESC, run_id"
/* Of the run $1. */
#define RUN_SQL_QUALITY                                                                   \
	"SELECT * FROM meta.quality_checks WHERE run_id = $1 ORDER BY " RUN_SQL_IN_ORDER( \
		"layer") ", dataset, check_name"

#endif
