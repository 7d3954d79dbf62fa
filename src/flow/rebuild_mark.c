/* flow/rebuild_mark.c: the object that says that a rebuild is under way, and what is left of it to do.
 *
 * Once tables and commits are removed it alone knows the order of the runs: it is put before, goes last, and holds a digest of itself.
 */
#include "base/seal.h"
#include "base/vec.h"
#include "flow/rebuild_int.h"
#include "io/json/json_doc.h"

static const char mark_key[] = "manifests/rebuild.json";

/* ---- the form -------------------------------------------------------------------------------------------------------- */

static void mark_json(struct buf *out, const struct rebuild_plan *p)
{
	const size_t from = out->n;
	buf_printf(out, "{\"removed\":%s,\"runs\":[", p->removed ? "true" : "false");
	for (size_t i = 0; i < p->n; i++) {
		const struct rebuild_run *r = &p->items[i];
		buf_printf(out, "%s{\"published\":%s,\"run_id\":\"%s\",\"until\":\"%s\",\"workload\":\"%s\"}",
			i > 0 ? "," : "", r->published ? "true" : "false", r->run_id, r->until, r->workload->name);
	}
	buf_str(out, "],\"seal\":\"");
	const size_t seal = seal_blank(out);
	buf_str(out, "\"}");
	seal_close(out, from, seal);
}

static bool take_run(const struct json_node *n, const struct workload_list *known, struct rebuild_run *out)
{
	struct str run_id, until, name;
	uint8_t id[UUID_BYTES];
	size_t stage = 0;
	if (!json_node_str(json_node_get(n, "run_id"), &run_id) || !uuid_parse(run_id, id) ||
		!json_node_bool(json_node_get(n, "published"), &out->published) ||
		!json_node_str(json_node_get(n, "until"), &until) ||
		!json_node_str(json_node_get(n, "workload"), &name))
		return false;
	uuid_format(id, out->run_id);
	out->run_id[UUID_CHARS] = '\0';
	out->workload = workload_named(known, name);
	if (out->workload == NULL || workload_stage_index(out->workload, until.p, &stage, NULL) != OK ||
		stage >= out->workload->n_stages)
		return false;
	out->until = out->workload->stages[stage].name;
	return true;
}

static status mark_parse(struct str text, const struct workload_list *known, struct rebuild_plan *p, struct err *err)
{
	struct json_doc *doc = NULL;
	struct buf again;
	TRY(json_doc_parse(text, &doc, err));
	const struct json_node *root = json_doc_root(doc), *runs = json_node_get(root, "runs");
	bool whole =
		json_node_bool(json_node_get(root, "removed"), &p->removed) && json_node_kind(runs) == JSON_DOC_ARRAY;
	p->n = 0;
	status code = VEC_ROOM_IN(p->arena, p, json_node_n(runs)) ? OK : fail_nomem(err);
	for (size_t i = 0; code == OK && whole && i < json_node_n(runs); i++)
		whole = take_run(json_node_at(runs, i), known, &p->items[p->n++]);
	json_doc_destroy(doc);
	TRY(code);
	buf_init(&again, 0);
	if (whole) mark_json(&again, p);
	code = buf_check(&again, err);
	whole = whole && str_eq(text, (struct str){(const char *)again.p, again.n});
	buf_deinit(&again);
	TRY(code);
	return whole ? OK : fail(err, E_CORRUPT, "not the mark of a rebuild");
}

/* ---- the object ------------------------------------------------------------------------------------------------------- */

status rebuild_mark_put(struct store *lake, const struct rebuild_plan *p, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	mark_json(&text, p);
	status code = buf_check(&text, err);
	if (code == OK) code = store_put(lake, mark_key, text.p, text.n, err);
	buf_deinit(&text);
	return err_at(err, code, mark_key, -1, -1);
}

status rebuild_mark_load(struct store *lake, const struct workload_list *known, struct rebuild_plan *p, struct err *err)
{
	struct buf text;
	buf_init(&text, 0);
	status code = store_get(lake, mark_key, &text, err);
	if (code == OK) {
		code = mark_parse((struct str){(const char *)text.p, text.n}, known, p, err);
		if (code == E_CORRUPT)
			code = fail(err, E_VERIFY, "changed after it was written; restore it from a copy");
	}
	buf_deinit(&text);
	return err_at(err, code, mark_key, -1, -1);
}

status rebuild_mark_delete(struct store *lake, struct err *err)
{
	return store_delete(lake, mark_key, err);
}

status rebuild_refuse(struct store *lake, struct err *err)
{
	struct buf text;
	struct err why;
	err_clear(&why);
	buf_init(&text, 0);
	/* Taken, not measured: a server says why it refuses in an answer's body, and looking at an object has none. */
	const status code = store_get(lake, mark_key, &text, &why);
	buf_deinit(&text);
	if (code == E_NOT_FOUND) return OK;
	if (code != OK) {
		if (err != NULL) *err = why;
		return code;
	}
	return err_advise(err,
		fail(err, E_BUSY, "the lake's tables are being made again from raw, or that was interrupted"),
		ADVICE_REBUILD_ON, NULL);
}
