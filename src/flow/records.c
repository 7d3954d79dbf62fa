/* flow/records.c: what a run wrote below manifests/ against itself.
 *
 * A difference is told and counted and ends nothing. Must not know tables' logs or data files: those are flow/verify.c's.
 */
#include "flow/records.h"

#include "flow/manifest.h"
#include "flow/run.h"

static void differ(struct records *r, const char *key, const char *what)
{
	r->differences++;
	if (r->difference != NULL) r->difference(r->arg, key, what);
}

/* ---- commits ----------------------------------------------------------------------------------------------------------- */

/* The stage after the last commit was never done, unless something of a later one stands: then its commit was lost. */
static status check_lost(struct records *r, struct err *err)
{
	const struct workload *w = r->workload;
	char key[RUN_KEY_MAX];
	int64_t bytes;
	for (size_t k = r->n_commits; k < w->n_stages; k++) {
		if (k + 1 < w->n_stages)
			commit_key(key, r->date, r->run_id, w->stages[k + 1].name);
		else
			run_key(key, r->date, r->run_id, "checksums.json");
		const status code = store_size(r->lake, key, &bytes, err);
		if (code != E_NOT_FOUND) TRY(code);
		if (code != OK) continue;
		commit_key(key, r->date, r->run_id, w->stages[r->n_commits].name);
		r->damaged = true;
		differ(r, key, "missing");
		return OK;
	}
	return OK;
}

status records_load(struct records *r, struct err *err)
{
	ASSERT(r->workload->n_stages <= RECORDS_STAGES_MAX);
	ASSERT(r->arena != NULL && r->n_commits == 0);
	for (size_t k = 0; k < r->workload->n_stages && !r->damaged; k++) {
		char key[RUN_KEY_MAX];
		commit_key(key, r->date, r->run_id, r->workload->stages[k].name);
		const status code = commit_load(r->lake, key, r->arena, &r->commits[k], err);
		if (code == E_NOT_FOUND) break;
		if (code != E_VERIFY) TRY(code);
		r->damaged = code == E_VERIFY;
		if (r->damaged)
			differ(r, key, "damaged");
		else
			r->n_commits++;
	}
	return r->damaged ? OK : check_lost(r, err);
}

/* ---- what follows from them ---------------------------------------------------------------------------------------------- */

/* An object that must be these very bytes. */
static status check_text(struct records *r, const char *name, const struct buf *want, struct err *err)
{
	char key[RUN_KEY_MAX];
	struct buf found;
	run_key(key, r->date, r->run_id, name);
	buf_init(&found, 0);
	status code = store_get(r->lake, key, &found, err);
	if (code == E_NOT_FOUND) {
		differ(r, key, "missing");
		code = OK;
	} else if (code == OK && (found.n != want->n || memcmp(found.p, want->p, found.n) != 0)) {
		differ(r, key, "not what the commits say");
	}
	buf_deinit(&found);
	return code;
}

static status check_texts(struct records *r, struct buf *text, struct err *err)
{
	TRY(manifest_json(text, r->workload, &r->commits[0], err));
	TRY(check_text(r, "manifest.json", text, err));
	if (r->n_commits < r->workload->n_stages) return OK;
	buf_reset(text);
	TRY(manifest_checksums_json(text, r->commits, r->n_commits, err));
	return check_text(r, "checksums.json", text, err);
}

static status check_manifest(struct records *r, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	const status code = check_texts(r, &text, err);
	buf_deinit(&text);
	return code;
}

/* ---- the rest -------------------------------------------------------------------------------------------------------------- */

/* Is it the object that is at fault? Then that is told, and no failure. */
static status told(struct records *r, status code, const struct err *why, struct err *err)
{
	if (code == E_VERIFY || code == E_CORRUPT) {
		differ(r, why->where, "damaged");
		return OK;
	}
	if (code != OK && err != NULL) *err = *why;
	return code;
}

static status check_config(struct records *r, struct err *err)
{
	struct buf text;
	struct err why;
	err_clear(&why);
	buf_init(&text, 0);
	status code = flow_config_get(r->lake, r->commits[0].run.config_hash, &text, &why);
	buf_deinit(&text);
	if (code != E_NOT_FOUND) return told(r, code, &why, err);
	differ(r, why.where, "missing");
	return OK;
}

/* What stands of the two pictures; that one is not there is known to who made the run. */
static status check_picture(struct records *r, const char *name, struct picture *out, struct err *err)
{
	struct err why;
	err_clear(&why);
	*out = (struct picture){0};
	const status code = picture_load(r->lake, (struct picture_at){r->date, r->run_id, name}, r->arena, out, &why);
	return code == E_NOT_FOUND ? OK : told(r, code, &why, err);
}

status records_check(struct records *r, struct err *err)
{
	struct err why;
	err_clear(&why);
	TRY(told(r, drop_find(r->lake, r->date, r->run_id, &r->mark, &why), &why, err));
	struct picture base;
	TRY(check_picture(r, PICTURE_BASE, &base, err));
	TRY(check_picture(r, PICTURE_LEFT, &r->left, err));
	if (r->n_commits == 0) return OK;
	TRY(check_config(r, err));
	return check_manifest(r, err);
}
