/* table/log/txn_check.c: may a transaction write at all, and does a commit that came first stand against it? */
#include "table/log/txn_int.h"

#include <stdlib.h>

/* ---- writer requirements ------------------------------------------------------------------------------------- */

static status refuse_feature(const struct delta_snapshot *s, struct str name, struct err *err)
{
	const int n = name.n < 100 ? (int)name.n : 100;
	return fail(err, E_UNSUPPORTED, "unsupported writer feature: %.*s (of table %s, which can be read only)", n,
		name.p, s->root);
}

/* Features that bind nothing but what the checks below look at. timestampNtz binds the types of new columns, ours have none. */
static bool feature_written(struct str name)
{
	return str_is(name, "appendOnly") || str_is(name, "invariants") || str_is(name, "checkConstraints") ||
	       str_is(name, "timestampNtz") || str_is(name, "vacuumProtocolCheck");
}

status txn_check_writer(const struct delta_snapshot *s, struct err *err)
{
	static const char *const versions[] = {
		[4] = "changeDataFeed and generatedColumns", [5] = "columnMapping", [6] = "identityColumns"};
	const int32_t writer = s->protocol.min_writer;
	if (writer > 7)
		return fail(err, E_UNSUPPORTED,
			"unsupported writer version %d of table %s: this version writes up to 2, and 3 and 7 with "
			"features it knows",
			writer, s->root);
	if (writer >= 4 && writer <= 6) return refuse_feature(s, str_of(versions[writer]), err);
	for (size_t i = 0; writer == 7 && i < s->protocol.writer_features.n; i++) {
		if (!feature_written(s->protocol.writer_features.items[i]))
			return refuse_feature(s, s->protocol.writer_features.items[i], err);
	}
	/* Our checkpoints hold the statistics as JSON and not as structs. */
	if (writer >= 3 && !str_is(delta_snapshot_property(s, "delta.checkpoint.writeStatsAsJson", "true"), "true"))
		return refuse_feature(s, STR("delta.checkpoint.writeStatsAsJson=false"), err);
	if (writer >= 3 && !str_is(delta_snapshot_property(s, "delta.checkpoint.writeStatsAsStruct", "false"), "false"))
		return refuse_feature(s, STR("delta.checkpoint.writeStatsAsStruct"), err);
	for (size_t i = 0; i < s->schema.n; i++) {
		if (s->schema.columns[i].writer_rule != NULL)
			return refuse_feature(s, str_of(s->schema.columns[i].writer_rule), err);
	}
	for (size_t i = 0; i < s->metadata.configuration.n; i++) {
		const struct str key = s->metadata.configuration.items[i].key;
		if (key.n > 18 && memcmp(key.p, "delta.constraints.", 18) == 0) return refuse_feature(s, key, err);
	}
	return OK;
}

/* ---- conflicts ----------------------------------------------------------------------------------------------- */

int txn_remove_cmp(const void *a, const void *b)
{
	return str_cmp(((const struct delta_remove *)a)->path, ((const struct delta_remove *)b)->path);
}

static bool removes_path(const struct delta_txn *t, struct str path)
{
	const struct delta_remove key = {.path = path};
	return t->removes.n > 0 &&
	       bsearch(&key, t->removes.p, t->removes.n / sizeof key, sizeof key, txn_remove_cmp) != NULL;
}

/* Two texts of one partition value, also where writers spell it apart. Texts that are no value of the type count as equal. */
static bool same_value(const struct delta_txn *t, struct str a, struct str b)
{
	struct delta_value x, y;
	if (a.n == 0 || b.n == 0) return a.n == b.n; /* null */
	if (str_eq(a, b)) return true;
	const int i = t->s != NULL ? delta_schema_index(&t->s->schema, t->opts.column) : -1;
	if (i < 0 || !t->s->schema.columns[i].supported) return true;
	const struct column_def *def = &t->s->schema.columns[i].def;
	if (delta_value_parse(def, a, &x, NULL) != OK || delta_value_parse(def, b, &y, NULL) != OK) return true;
	return delta_value_cmp(def, &x, &y) == 0;
}

/* Is a file with these partition values among what the transaction read? */
static bool was_read(const struct delta_txn *t, const struct delta_pairs *partition)
{
	if (t->opts.reads != DELTA_READS_PARTITION) return t->opts.reads == DELTA_READS_ALL;
	const struct delta_pair *pair = delta_pairs_get(partition, t->opts.column);
	return same_value(t, pair != NULL ? pair->value : (struct str){NULL, 0}, t->opts.value);
}

static bool removed_was_read(const struct delta_txn *t, const struct delta_remove *r)
{
	if (r->extended || t->opts.reads != DELTA_READS_PARTITION) return was_read(t, &r->partition);
	const struct delta_add *file = t->s != NULL ? delta_snapshot_file(t->s, r->path) : NULL;
	return file == NULL ||
	       was_read(t, &file->partition); /* added by another winner, which was checked, or unknown */
}

static void conflict(struct txn_winner *w, const char *why, struct str what)
{
	if (w->conflict != NULL) return;
	w->conflict = why;
	w->what = what;
}

status txn_winner_visit(void *winner, const struct delta_action *a, struct err *err)
{
	struct txn_winner *w = winner;
	const struct delta_txn *t = w->t;
	(void)err;
	switch (a->kind) {
	case DELTA_COMMIT_INFO:
		w->info = a->info;
		w->ours = str_is(a->info.txn_id, t->id);
		break;
	case DELTA_PROTOCOL: conflict(w, "changed the protocol", (struct str){"", 0}); break;
	case DELTA_METADATA: conflict(w, "changed the metadata", (struct str){"", 0}); break;
	case DELTA_APP_TXN:
		for (size_t i = 0; i < t->apps.n; i++) {
			if (str_eq(a->app_txn.app_id, t->apps.items[i].app_id))
				conflict(w, "committed for the same application ", a->app_txn.app_id);
		}
		break;
	case DELTA_REMOVE:
		if (removes_path(t, a->remove.path))
			conflict(w, "removed the same file ", a->remove.path);
		else if (a->remove.data_change && removed_was_read(t, &a->remove))
			conflict(w, "removed a file that was read: ", a->remove.path);
		break;
	case DELTA_ADD:
		if (a->add.data_change && was_read(t, &a->add.partition))
			conflict(w, "added a file to what was read: ", a->add.path);
		break;
	default: break;
	}
	return OK;
}
