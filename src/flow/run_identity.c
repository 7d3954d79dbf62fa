/* flow/run_identity.c: which run this is, and what decides its output.
 *
 * 1. The id of a run that is not named follows from what decides its output: the same call anywhere is the same run.
 * 2. A run that exists is what it was begun with; a call that says otherwise is refused.
 * 3. Nothing is written but the configuration object, named by its hash.
 */
#include <stdio.h>

#include "flow/run_int.h"
#include "flow/task_json.h"
#include "io/utf8.h"

/* Name space of this project's run ids; a random UUID, fixed forever. */
static const uint8_t run_name_space[UUID_BYTES] = {
	0x3d, 0x5a, 0x1c, 0x92, 0x77, 0xe4, 0x4b, 0x0f, 0x9a, 0x61, 0x0e, 0xd2, 0x58, 0xc7, 0x21, 0xb6};

int32_t flow_local_date(const struct flow *f, int64_t us)
{
	const struct tz *tz = f->w->timezone != NULL ? f->w->timezone(f->id.config) : NULL;
	return tz != NULL ? tz_date(tz, us) : time_utc_date(us);
}

int32_t flow_run_date(const struct flow *f)
{
	ASSERT(f->state.n_committed > 0 || f->id.info.as_of != INT64_MIN);
	return flow_local_date(f, f->state.n_committed > 0 ? f->state.commits[0].run.as_of : f->id.info.as_of);
}

int64_t flow_day_end(const struct flow *f, int32_t date)
{
	const struct tz *tz = f->w->timezone != NULL ? f->w->timezone(f->id.config) : NULL;
	return tz != NULL ? tz_day_end(tz, date) : ((int64_t)date + 1) * US_PER_DAY - 1;
}

/* Some tables have a row for every day up to as_of: one event dated 9999 would make millions of them. Dates before 2000 do not
 * count here; a check of bronze stops them. */
status flow_span_check(const struct flow *f, int32_t date_from, int64_t as_of, struct err *err)
{
	enum { DAYS_MAX = 36525, YEAR_2000 = 10957 };
	char first[DATE_CHARS + 1] = "", last[DATE_CHARS + 1] = "";
	const int32_t from = date_from > YEAR_2000 ? date_from : YEAR_2000;
	const int32_t to = flow_local_date(f, as_of);
	date_format(date_from, first);
	date_format(to, last);
	if (to < date_from)
		return err_advise(err, fail(err, E_USAGE, "as-of %s lies before the first day, %s", last, first),
			ADVICE_AS_OF, NULL);
	if (to - from <= DAYS_MAX) return OK;
	if (f->o->as_of != INT64_MIN)
		return fail(err, E_LIMIT, "as-of %s lies over 100 years after the first day, %s", last, first);
	const status code = fail(err, E_LIMIT,
		"the run would go from %s to %s, over 100 years: correct lines of another century, if there are any",
		first, last);
	return err_advise(err, code, ADVICE_AS_OF, NULL);
}

/* ---- configuration ----------------------------------------------------------------------------------------------- */

static void config_key(char dst[RUN_KEY_MAX], const char *hash)
{
	(void)snprintf(dst, RUN_KEY_MAX, "manifests/config/%s.json", hash);
}

status flow_config_put(struct flow *f, struct err *err)
{
	ASSERT(f->id.config_text.n > 0 && f->id.info.config_hash[0] != '\0');
	char key[RUN_KEY_MAX];
	config_key(key, f->id.info.config_hash);
	return store_put_if_absent(f->lake, key, f->id.config_text.p, f->id.config_text.n, err);
}

status flow_config_get(struct store *lake, const char *config_hash, struct buf *out, struct err *err)
{
	char key[RUN_KEY_MAX];
	uint8_t hash[SHA256_BYTES];
	char hex[HEX_SHA256_CHARS + 1];
	config_key(key, config_hash);
	TRY(err_at(err, store_get(lake, key, out, err), key, -1, -1));
	hash_sha256(out->p, out->n, hash);
	hex_encode(hash, sizeof hash, hex);
	if (strcmp(hex, config_hash) != 0)
		return fail_at(err, E_VERIFY, key, -1, -1, "the run's configuration was changed after it was written");
	return OK;
}

static status open_config(struct flow *f, struct err *err)
{
	if (f->o->config_opened != NULL && f->o->config.n > 0) {
		f->id.config = f->o->config_opened;
		return OK;
	}
	TRY(f->w->config_open(
		(struct str){(const char *)f->id.config_text.p, f->id.config_text.n}, &f->id.config_own, err));
	f->id.config = f->id.config_own;
	return OK;
}

status flow_config_open(struct flow *f, struct err *err)
{
	if (f->id.config_own != NULL) f->w->config_close(f->id.config_own);
	f->id.config_own = NULL;
	buf_reset(&f->id.config_text);
	TRY(flow_config_get(f->lake, f->id.info.config_hash, &f->id.config_text, err));
	return open_config(f, err);
}

/* ---- the source ---------------------------------------------------------------------------------------------------- */

/* A value of a partition column, and so the name of a folder. */
static status source_check(const char *source, struct err *err)
{
	enum { FOLDER_BYTES_MAX = 255 }; /* NAME_MAX of most file systems */
	struct buf folder;
	const struct delta_pair pair = {STR("source"), str_of(source)};
	if (source[0] == '\0')
		return err_advise(err, fail(err, E_USAGE, "the source has no name"), ADVICE_SOURCE, NULL);
	if (!utf8_valid(source, strlen(source))) return fail(err, E_USAGE, "the source's name is not UTF-8");
	buf_init(&folder, 0);
	path_folders(&folder, &(struct delta_pairs){&pair, 1});
	status code = buf_check(&folder, err);
	if (code == OK && folder.n > FOLDER_BYTES_MAX)
		code = fail(err, E_USAGE,
			"the source's name is too long: its folder's name has %zu bytes, of %d at most", folder.n,
			FOLDER_BYTES_MAX);
	buf_deinit(&folder);
	return code;
}

/* ---- the run ----------------------------------------------------------------------------------------------------- */

/* "pqrs|", and what the workload calls what it makes, or "input|<sha-256>..."; what differs from the default follows. */
static void run_name(const struct flow *f, struct buf *out)
{
	const struct run_info *r = &f->id.info;
	buf_printf(out, "%s|", r->workload);
	if (r->drops[0] != '\0') {
		buf_printf(out, "drops|%s", r->drops);
		return;
	}
	if (run_makes(r)) {
		f->w->making.name(r, out);
		if (r->as_of != flow_day_end(f, r->date_to)) buf_printf(out, "|as_of=%lld", (long long)r->as_of);
		return;
	}
	buf_str(out, "input");
	for (size_t i = 0; i < f->id.inputs.n; i++) {
		buf_char(out, '|');
		buf_hex(out, f->id.inputs.items[i].sha256, SHA256_BYTES);
	}
	if (strcmp(r->source, "mixed") != 0) buf_printf(out, "|source=%s", r->source);
	if (r->as_of != INT64_MIN) buf_printf(out, "|as_of=%lld", (long long)r->as_of);
}

status flow_run_id_derive(struct flow *f, struct err *err)
{
	ASSERT(f->id.info.config_hash[0] != '\0' || f->id.info.drops[0] != '\0');
	uint8_t id[UUID_BYTES];
	struct buf name;
	buf_init(&name, 0);
	run_name(f, &name);
	const status code = buf_check(&name, err);
	if (code == OK) uuid_v5(run_name_space, (struct str){(const char *)name.p, name.n}, id);
	buf_deinit(&name);
	TRY(code);
	uuid_format(id, f->id.info.run_id);
	f->id.info.run_id[UUID_CHARS] = '\0';
	return OK;
}

static status set_run_id(struct flow *f, struct err *err)
{
	uint8_t id[UUID_BYTES];
	if (f->o->run_id == NULL) return flow_run_id_derive(f, err);
	if (!uuid_parse(str_of(f->o->run_id), id))
		return fail(err, E_USAGE, "run id %s: expected a UUID", f->o->run_id);
	uuid_format(id, f->id.info.run_id);
	f->id.info.run_id[UUID_CHARS] = '\0';
	return OK;
}

status flow_identify_options(struct flow *f, struct err *err)
{
	const struct run_opts *o = f->o;
	struct run_info *r = &f->id.info;
	uint8_t hash[SHA256_BYTES];
	buf_add(&f->id.config_text, o->config.p, o->config.n);
	TRY(buf_check(&f->id.config_text, err));
	hash_sha256(o->config.p, o->config.n, hash);
	hex_encode(hash, sizeof hash, r->config_hash);
	TRY(open_config(f, err));
	r->source = o->source != NULL ? o->source : "mixed";
	r->as_of = o->as_of;
	r->params = "";
	r->date_from = r->date_to = INT32_MIN;
	if (o->n_inputs > 0 || o->streamed != NULL) {
		TRY(source_check(r->source, err));
		for (size_t i = 0; i < o->n_inputs; i++) TRY(flow_inputs_add(f, o->inputs[i], err));
		return o->streamed != NULL && f->lake != NULL ? flow_inputs_add_streamed(f, o->streamed, err) : OK;
	}
	if (f->w->making.settle == NULL)
		return fail(err, E_USAGE, "workload %s makes no events of its own: give it files", f->w->name);
	TRY(f->w->making.settle(f->id.config, &o->params, &f->arena, r, err));
	ASSERT(run_makes(r));
	if (r->as_of == INT64_MIN) r->as_of = flow_day_end(f, r->date_to);
	return flow_span_check(f, r->date_from, r->as_of, err);
}

static status spec_parse(
	struct arena *arena, struct str text, struct run_info *run, struct file_list *inputs, struct err *err)
{
	struct json_doc *doc = NULL;
	TRY(json_doc_parse(text, &doc, err));
	status code = run_info_parse(json_node_get(json_doc_root(doc), "run"), arena, run, err);
	if (code == OK) code = file_list_parse(json_node_get(json_doc_root(doc), "inputs"), inputs, err);
	json_doc_destroy(doc);
	return code;
}

bool flow_spec_known(const struct control_run *run)
{
	return run->spec != NULL && strcmp(run->spec, "{}") != 0;
}

/* A control plane that was lost does not know the run. Its commit of raw says all but the inputs, which no later stage asks for, and
 * whether its as_of was given or learnt: so no spec is recorded. */
static status from_lake(struct flow *f, struct err *err)
{
	char key[RUN_KEY_MAX];
	int32_t date;
	struct commit raw;
	TRY(commit_find(f->lake, f->id.info.run_id, &date, err));
	commit_key(key, date, f->id.info.run_id, f->w->stages[0].name);
	TRY(commit_load(f->lake, key, &f->arena, &raw, err));
	f->id.from_lake = true;
	f->id.info = raw.run;
	return flow_config_open(f, err);
}

/* run_id alone: the run is what it was begun with. */
static status from_control(struct flow *f, struct err *err)
{
	struct control_run run;
	struct err later;
	TRY(set_run_id(f, err));
	err_clear(&later);
	const status found = control_run_get(f->control, f->id.info.run_id, &f->arena, &run, err);
	if (found != OK && (found != E_NOT_FOUND || from_lake(f, &later) != OK)) return found;
	if (found == E_NOT_FOUND) return OK;
	if (strcmp(run.workload, f->w->name) != 0)
		return fail(err, E_CONFLICT, "run %s is a run of workload %s", f->id.info.run_id, run.workload);
	if (!flow_spec_known(&run)) return from_lake(f, err);
	struct run_info info;
	TRY(err_at(err, spec_parse(&f->arena, str_of(run.spec != NULL ? run.spec : ""), &info, &f->id.inputs, err),
		"meta_run_specs", -1, -1));
	f->id.info = info;
	return flow_config_open(f, err);
}

status flow_identify(struct flow *f, struct err *err)
{
	if (f->o->config.n == 0) {
		if (f->o->run_id == NULL || f->control == NULL)
			return fail(err, E_USAGE, "a run needs a configuration or the id of a run that exists");
		TRY(from_control(f, err));
	} else {
		TRY(flow_identify_options(f, err));
		TRY(flow_inputs_hash(f, err));
		TRY(set_run_id(f, err));
	}
	f->id.info.workload = f->w->name;
	f->id.asked = f->id.info;
	return OK;
}

void flow_spec_json(const struct flow *f, struct buf *out)
{
	buf_str(out, "{\"inputs\":");
	file_list_json(out, &f->id.inputs);
	buf_str(out, ",\"run\":");
	run_info_json(out, &f->id.asked);
	buf_char(out, '}');
}

static bool same_inputs(const struct file_list *a, const struct file_list *b)
{
	if (a->n != b->n) return false;
	for (size_t i = 0; i < a->n; i++) {
		if (memcmp(a->items[i].sha256, b->items[i].sha256, SHA256_BYTES) != 0) return false;
	}
	return true;
}

static status begun_with(const struct run_info *now, const char *another, struct err *err)
{
	return err_advise(err, fail(err, E_CONFLICT, "run %s was begun with another %s", now->run_id, another),
		ADVICE_NEW_RUN, NULL);
}

static status spec_compare(
	const struct run_identity *id, const struct run_info *then, const struct file_list *inputs, struct err *err)
{
	char another[96];
	const struct run_info *now = &id->asked;
	if (strcmp(then->config_hash, now->config_hash) != 0) {
		(void)snprintf(another, sizeof another, "configuration (%.12s..., now %.12s...)", then->config_hash,
			now->config_hash);
		return begun_with(now, another, err);
	}
	if (strcmp(then->workload, now->workload) != 0 || strcmp(then->params, now->params) != 0 ||
		then->date_from != now->date_from || then->date_to != now->date_to || then->as_of != now->as_of ||
		strcmp(then->source, now->source) != 0)
		return begun_with(now, "parameter, date range, as-of or source", err);
	return same_inputs(inputs, &id->inputs) ? OK : begun_with(now, "set of input files", err);
}

status flow_spec_check(const struct flow *f, struct str spec, struct err *err)
{
	struct arena arena;
	struct run_info run;
	struct file_list inputs = {.arena = &arena};
	arena_init(&arena, 0);
	status code = err_at(err, spec_parse(&arena, spec, &run, &inputs, err), "meta_run_specs", -1, -1);
	if (code == OK) code = spec_compare(&f->id, &run, &inputs, err);
	arena_deinit(&arena);
	return code;
}
