/* flow/run_drop.c: which run it is that takes another one out of its history, and what it is told.
 *
 * All of that follows from the dropped run, and from the mark once it stands: called again anywhere, it is the same run.
 */
#include "flow/drop.h"
#include "flow/run_int.h"

static status load_folded(struct flow *f, const char *run_id, struct commit *c, struct err *err)
{
	char key[RUN_KEY_MAX];
	int32_t date;
	TRY(commit_find(f->lake, run_id, &date, err));
	commit_key(key, date, run_id, f->w->folding.stage);
	return commit_load(f->lake, key, &f->arena, c, err);
}

static status check_droppable(const struct commit *c, struct err *err)
{
	const char *id = c->run.run_id;
	if (c->run.drops[0] != '\0')
		return fail(err, E_USAGE,
			"run %s took run %s out of its history, and is not dropped itself: ingest the "
			"other's input again",
			id, c->run.drops);
	if (run_makes(&c->run))
		return fail(err, E_USAGE, "run %s was simulated: only an ingested run can be dropped", id);
	return OK;
}

/* As the newest of the others was told; of a history of one, as the dropped run was. */
static status choose_config(struct flow *f, const struct commit *dropped, struct err *err)
{
	struct history h;
	struct commit newest = *dropped;
	bool found = false;
	TRY(flow_history_find(f, &h, err));
	for (size_t i = 0; i < h.n_runs; i++) found |= strcmp(h.runs[i], f->id.info.drops) == 0;
	if (!found)
		return fail(err, E_CONFLICT, "run %s is in no history that stands: there is nothing to take it out of",
			f->id.info.drops);
	TRY(flow_drop_check_streamed(f, &h, err));
	const bool last = strcmp(h.runs[h.n_runs - 1], f->id.info.drops) == 0;
	if (h.n_runs > 1) TRY(load_folded(f, h.runs[h.n_runs - (last ? 2 : 1)], &newest, err));
	memcpy(f->id.info.config_hash, newest.run.config_hash, sizeof f->id.info.config_hash);
	return flow_config_open(f, err);
}

/* What it was begun with, or a choice. */
static status find_config(struct flow *f, const struct commit *dropped, struct err *err)
{
	struct drop_mark m;
	int32_t date;
	TRY(commit_find(f->lake, f->id.info.drops, &date, err));
	TRY(drop_find(f->lake, date, f->id.info.drops, &m, err));
	const bool begun = m.by[0] != '\0';
	memcpy(f->id.info.config_hash, begun ? m.config_hash : dropped->run.config_hash, sizeof m.config_hash);
	TRY(flow_config_open(f, err));
	return begun ? OK : choose_config(f, dropped, err);
}

status flow_drop_identify(struct flow *f, struct err *err)
{
	ASSERT(f->o->drop != NULL);
	struct commit c;
	struct run_info *r = &f->id.info;
	if (f->w->folding.stage == NULL)
		return fail(err, E_UNSUPPORTED, "unsupported: runs of workload %s have no history", f->w->name);
	const status code = load_folded(f, f->o->drop, &c, err);
	if (code == E_NOT_FOUND)
		return fail(err, E_NOT_FOUND,
			"run %s has not finished stage %s in this lake: there is nothing of it to drop", f->o->drop,
			f->w->folding.stage);
	TRY(code);
	TRY(check_droppable(&c, err));
	*r = (struct run_info){.workload = f->w->name,
		.params = "",
		.date_from = INT32_MIN,
		.date_to = INT32_MIN,
		.as_of = INT64_MIN,
		.source = c.run.source};
	memcpy(r->drops, c.run.run_id, sizeof r->drops);
	TRY(flow_run_id_derive(f, err));
	TRY(find_config(f, &c, err));
	f->id.asked = *r;
	return OK;
}
