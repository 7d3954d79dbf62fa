/* cli/picture.c: from the versions that a run left to what SQL over the lake takes.
 *
 * 1. A person who names no run sees one finished run's tables together, never one's silver beside another's gold.
 * 2. A person who names a run sees its history alone, as it left it.
 */
#include "cli/picture.h"

#include "table/log/snapshot.h"

status cli_picture(
	struct store *lake, const char *run_id, struct arena *arena, struct query_picture *out, struct err *err)
{
	struct picture p;
	*out = (struct query_picture){0};
	TRY(run_id != NULL ? picture_of_run(lake, run_id, arena, &p, err) : picture_latest(lake, arena, &p, err));
	const char **tables = ARENA_NEW(arena, const char *, p.n_tables + 1);
	int64_t *versions = ARENA_NEW(arena, int64_t, p.n_tables + 1);
	if (tables == NULL || versions == NULL) return fail_nomem(err);
	for (size_t i = 0; i < p.n_tables; i++) {
		tables[i] = p.tables[i].name;
		versions[i] = p.tables[i].version;
	}
	*out = (struct query_picture){.tables = tables, .versions = versions, .n = p.n_tables};
	if (run_id != NULL) {
		out->runs = p.runs;
		out->n_runs = p.n_runs;
	}
	return OK;
}

/* Each history has claimed its head in the table that says so (flow/history.h). */
status cli_histories(struct store *lake, size_t *out, struct err *err)
{
	static const char claim[] = "pqr/history/";
	struct delta_snapshot *s = NULL;
	*out = 0;
	const status code = delta_snapshot_open(lake, "silver/tickets", DELTA_LATEST, &s, err);
	if (code == E_NOT_FOUND) return OK;
	TRY(code);
	for (size_t i = 0; i < s->n_app_txns; i++) {
		const struct str id = s->app_txns[i].app_id;
		*out += id.n >= sizeof claim - 1 && memcmp(id.p, claim, sizeof claim - 1) == 0;
	}
	delta_snapshot_close(s);
	return OK;
}
