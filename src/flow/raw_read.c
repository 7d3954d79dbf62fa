/* flow/raw_read.c: see raw_read.h.
 *
 * 1. Every line that is no white space is counted once: by who takes it, or here as too long. 2. What is written of an object that
 * ends in its part was hashed and compared before. It knows no member of a line.
 */
#include "flow/raw_read.h"

#include <stdio.h>

#include "base/thread.h"

status raw_partition_of(const struct file_ref *file, const char *table, struct raw_partition *out, struct err *err)
{
	if (strcmp(file->table, table) != 0)
		return fail_at(
			err, E_CORRUPT, file->path, -1, -1, "not an object of %s: one of %s", table, file->table);
	TRY(file_ref_value(file, "source", &out->source, err));
	TRY(file_ref_value(file, "day", &out->day_text, err));
	out->has_day = date_parse(out->day_text, &out->day);
	if (!out->has_day) out->day = 0;
	return OK;
}

bool raw_partition_eq(const struct raw_partition *a, const struct raw_partition *b)
{
	return str_eq(a->source, b->source) && str_eq(a->day_text, b->day_text);
}

status raw_read_init(struct raw_read *r, const struct raw_reader *reader, const struct task_env *env,
	struct task_result *out, struct err *err)
{
	ASSERT(reader->line_bytes_max > 0);
	*r = (struct raw_read){.reader = reader, .env = env, .out = out};
	rejects_init(&r->rejects, env->lake);
	return lines_init(&r->lines, reader->line_bytes_max, err);
}

void raw_read_deinit(struct raw_read *r)
{
	if (r->reader == NULL) return;
	lines_deinit(&r->lines);
	rejects_deinit(&r->rejects);
}

status raw_read_reject(struct raw_read *r, const char *reason, struct str raw, int64_t offset, struct err *err)
{
	const struct reject why = {r->file->path, r->line, offset, reason};
	return rejects_add(&r->rejects, &why, raw, err);
}

/* Part of a line that is too long, wherever it ends. */
static status take_piece(struct raw_read *r, const struct line_window *w, struct err *err)
{
	if (r->piece_bytes == 0) r->piece_at = w->offset;
	r->piece_bytes += (int64_t)w->n;
	task_progress(r->env, w->piece_end, (int64_t)w->n);
	if (!w->piece_end) return OK;
	const int64_t n = r->piece_bytes - (w->n > 0 && w->p[w->n - 1] == '\n');
	r->line++;
	r->rows_in++;
	r->too_long++;
	r->piece_bytes = 0;
	const struct reject why = {r->file->path, r->line, r->piece_at, "too_long"};
	return rejects_add_range(&r->rejects, &why, &r->source, n, err);
}

static status verify(struct raw_read *r, struct err *err)
{
	uint8_t hash[XXH128_BYTES];
	char found[HEX_XXH128_CHARS + 1], landed[HEX_XXH128_CHARS + 1];
	lines_hash(&r->lines, hash, NULL);
	if (memcmp(hash, r->file->xxh128, sizeof hash) == 0) {
		r->verified++;
		return OK;
	}
	hex_encode(hash, sizeof hash, found);
	hex_encode(r->file->xxh128, sizeof hash, landed);
	const status code = fail(
		err, E_VERIFY, "the raw object changed after it was landed: XXH3-128 was %s, is %s", landed, found);
	return err_at(err, code, r->file->path, -1, -1);
}

static status object_lines(struct raw_read *r, struct err *err)
{
	struct line_window w;
	TRY(lines_start(&r->lines, &r->source, false, err));
	for (;;) {
		TRY(cancel_check(err));
		TRY(lines_next(&r->lines, &w, err));
		if (w.n == 0) break;
		const int64_t before = r->rows_in;
		if (w.piece) {
			TRY(take_piece(r, &w, err));
			continue;
		}
		TRY(r->reader->take(r->reader->ctx, &w, err));
		task_progress(r->env, r->rows_in - before, (int64_t)w.n);
	}
	r->bytes_in += r->source.bytes;
	return verify(r, err);
}

static status object_run(struct raw_read *r, const struct file_ref *file, struct err *err)
{
	struct store_object *object = NULL;
	r->file = file;
	r->line = r->piece_bytes = 0;
	TRY(store_object_open(r->env->lake, file->path, &object, err));
	r->source = lines_source_of_object(object);
	status code = OK;
	if (r->reader->object != NULL) code = r->reader->object(r->reader->ctx, file, r->source.bytes, err);
	if (code == OK) code = object_lines(r, err);
	store_object_close(object);
	return code == OK ? OK : err_at(err, code, file->path, -1, -1);
}

static status partition_start(struct raw_read *r, const struct raw_partition *p, struct err *err)
{
	TRY(rejects_close(&r->rejects, r->out, err));
	r->partition = *p;
	r->values = partition_day_values(&r->place, p->source, p->day_text, r->env->run);
	TRY(r->reader->partition(r->reader->ctx, p, err));
	return rejects_start(&r->rejects, r->reader->rejects, &r->values, err);
}

status raw_read_run(struct raw_read *r, const struct file_list *inputs, struct err *err)
{
	for (size_t i = 0; i < inputs->n; i++) {
		struct raw_partition p;
		TRY(raw_partition_of(&inputs->items[i], r->reader->table, &p, err));
		if (i == 0 || !raw_partition_eq(&p, &r->partition)) TRY(partition_start(r, &p, err));
		task_ahead(r->env, inputs->items, inputs->n, i);
		TRY(object_run(r, &inputs->items[i], err));
	}
	return OK;
}

status raw_read_finish(struct raw_read *r, struct err *err)
{
	return rejects_close(&r->rejects, r->out, err);
}

static status count_rejects(const struct raw_read *r, const struct raw_counts *c, struct err *err)
{
	int64_t all = 0;
	for (int v = 0; v < c->verdicts; v++) {
		for (int m = 0; m < c->members; m++) {
			char text[RAW_REASON_BYTES], name[RAW_REASON_BYTES + 8];
			const int64_t n =
				c->rejects[v * c->members + m] + (v == c->too_long && m == 0 ? r->too_long : 0);
			if (n == 0) continue;
			all += n;
			(void)snprintf(name, sizeof name, "rejects:%s", c->reason(v, m, text));
			if (!counter_add(&r->out->counters, name, n)) return fail_nomem(err);
		}
	}
	return counter_add(&r->out->counters, "rejects", all) ? OK : fail_nomem(err);
}

status raw_read_count(const struct raw_read *r, const struct raw_counts *c, struct err *err)
{
	int64_t bytes_out = 0;
	for (size_t i = 0; i < r->out->outputs.n; i++) bytes_out += r->out->outputs.items[i].bytes;
	const struct counter counters[] = {{"rows_in", r->rows_in}, {"rows_out", c->rows_out},
		{"bytes_in", r->bytes_in}, {"bytes_out", bytes_out}, {"duplicates", c->duplicates},
		{"blank_lines", c->blank_lines}, {"deferred", c->deferred}, {"ts_outside_day", c->ts_outside_day},
		{"raw_objects_verified", r->verified}};
	for (size_t i = 0; i < sizeof counters / sizeof *counters; i++) {
		if (!counter_add(&r->out->counters, counters[i].name, counters[i].value)) return fail_nomem(err);
	}
	return count_rejects(r, c, err);
}
