/* flow/run_record.c: the control plane's row of the run: who runs what, and how it ended. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "flow/manifest.h"
#include "flow/run_int.h"

status flow_run_begin(struct flow *f, struct err *err)
{
	struct buf spec;
	struct control_run run;
	char user[32];
	control_run_init(&run);
	buf_init(&spec, 0);
	flow_spec_json(f, &spec);
	buf_char(&spec, '\0');
	const char *name = f->o->executed_by != NULL ? f->o->executed_by : getenv("USER");
	(void)snprintf(user, sizeof user, "uid %ld", (long)getuid());
	run.run_id = f->id.info.run_id;
	run.workload = f->w->name;
	run.seed = run_makes(&f->id.info) ? f->w->making.seed(&f->id.info) : 0;
	run.config_hash = f->id.info.config_hash;
	run.version = PQR_VERSION;
#ifdef PQR_GIT_SHA
	run.git_sha = PQR_GIT_SHA;
#endif
	run.date_min = f->id.info.date_from;
	run.date_max = f->id.info.date_to;
	run.as_of = f->id.info.as_of;
	run.started_at = time_now_us();
	run.executor = f->o->executed_with != NULL ? f->o->executed_with
		       : f->o->executor != NULL    ? f->o->executor
						   : "threads";
	run.executed_by = name != NULL && name[0] != '\0' ? name : user;
	run.spec = f->id.from_lake ? NULL : (const char *)spec.p;
	status code = buf_check(&spec, err);
	if (code == OK) code = control_run_begin(f->control, &f->held.lease, &run, err);
	buf_deinit(&spec);
	return code;
}

static int64_t rows_of_layer(const struct run_report *r, const char *layer)
{
	int64_t sum = 0;
	const size_t n = strlen(layer);
	for (size_t i = 0; i < r->rows.n; i++) {
		if (strncmp(r->rows.items[i].name, layer, n) == 0 && r->rows.items[i].name[n] == '.')
			sum += r->rows.items[i].value;
	}
	return sum;
}

/* Of each layer that is whole, and of what bronze rejected. Returns their number. */
static size_t rows_by_layer(const struct flow *f, struct control_layer_rows dst[RUN_STAGES_MAX + 1])
{
	size_t n = 0;
	for (size_t k = 0; k < f->w->n_stages; k++) {
		const char *layer = stage_layer(&f->w->stages[k]);
		const bool again = n > 0 && strcmp(dst[n - 1].layer, layer) == 0;
		if (again || !flow_layer_done(f, layer)) continue;
		if (strcmp(layer, "bronze") == 0)
			dst[n++] = (struct control_layer_rows){"rejected", f->report->rows_rejected};
		dst[n++] = (struct control_layer_rows){layer, rows_of_layer(f->report, layer)};
	}
	return n;
}

/* SHA-256 of manifest.json as it stands in the lake. */
static status manifest_hash(const struct flow *f, char hex[HEX_SHA256_CHARS + 1], struct err *err)
{
	uint8_t hash[SHA256_BYTES];
	struct buf text;
	buf_init(&text, 0);
	const status code = manifest_json(&text, f->w, &f->state.commits[0], err);
	if (code == OK) {
		hash_sha256(text.p, text.n, hash);
		hex_encode(hash, sizeof hash, hex);
	}
	buf_deinit(&text);
	return code;
}

status flow_run_report(struct flow *f, struct err *err)
{
	int64_t quality[3] = {0};
	TRY(flow_report_totals(f, err));
	TRY(control_quality_counts(f->control, f->id.info.run_id, quality, err));
	f->report->quality_pass = quality[0];
	f->report->quality_warn = quality[1];
	f->report->quality_fail = quality[2];
	return OK;
}

status flow_run_end(struct flow *f, enum run_status end, struct err *err)
{
	struct run_report *r = f->report;
	const struct run_state *done = &f->state;
	struct control_run run;
	struct control_layer_rows rows[RUN_STAGES_MAX + 1];
	char hex[HEX_SHA256_CHARS + 1];
	ASSERT(end != RUN_RUNNING && end != RUN_DEGRADED);
	TRY(flow_run_report(f, err));
	if (end == RUN_SUCCESS && r->quality_warn > 0) end = RUN_DEGRADED;
	control_run_init(&run);
	run.run_id = f->id.info.run_id;
	run.status = end;
	run.finished_at = time_now_us();
	run.as_of = f->id.info.as_of;
	run.date_min = f->id.info.date_from;
	run.date_max = f->id.info.date_to;
	if (done->n_committed > 0) {
		TRY(manifest_hash(f, hex, err));
		run.manifest_sha256 = hex;
		run.raw_objects = (int64_t)done->files[0].n;
	}
	run.n_rows = rows_by_layer(f, rows);
	run.rows = rows;
	TRY(control_run_update(f->control, &f->held.lease, &run, err));
	r->status = end;
	return OK;
}
