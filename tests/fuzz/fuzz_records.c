/* Any bytes as the objects of a run below manifests/: a stage's commit, the versions it left, the mark of a dropped one. Refused in words, or one
 * that is written again as itself; and what is taken has its digest, or none at all. */
#include "fuzz.h"
#include "flow/commit.h"
#include "flow/drop.h"
#include "flow/made_days.h"
#include "flow/manifest.h"
#include "flow/picture.h"

static void check_refused(status code, const struct err *err)
{
	ASSERT(code != OK && code != E_NOMEM && code != E_IO && err->message[0] != '\0');
}

/* As the lake's objects are read: what is not the canonical form of itself is no commit. */
static void try_commit(struct str text, struct arena *arena)
{
	struct commit c, again;
	struct buf first, second;
	struct err err = {0};
	const struct workload makes = {.making.seed = made_days_seed};
	const status code = commit_parse(text, arena, &c, &err);
	if (code != OK) {
		check_refused(code, &err);
		return;
	}
	buf_init(&first, 0);
	buf_init(&second, 0);
	commit_json(&first, &c);
	ASSERT(buf_check(&first, NULL) == OK);
	const struct str written = {(const char *)first.p, first.n};
	ASSERT(commit_parse(written, arena, &again, &err) == OK);
	commit_json(&second, &again);
	ASSERT(str_eq(written, (struct str){(const char *)second.p, second.n}));
	buf_reset(&second);
	ASSERT(manifest_json(&second, &makes, &c, &err) == OK || err.message[0] != '\0');
	buf_reset(&second);
	ASSERT(manifest_checksums_json(&second, &c, 1, &err) == OK);
	buf_deinit(&first);
	buf_deinit(&second);
}

static void try_picture(struct str text, struct arena *arena)
{
	struct picture p;
	struct buf again;
	struct err err = {0};
	const status code = picture_parse(text, arena, &p, &err);
	if (code != OK) {
		check_refused(code, &err);
		return;
	}
	for (size_t i = 0; i < p.n_tables; i++) ASSERT(p.tables[i].version >= -1);
	buf_init(&again, 0);
	picture_json(&again, &p);
	ASSERT(buf_check(&again, NULL) == OK);
	const struct str written = {(const char *)again.p, again.n};
	ASSERT(str_eq(written, text) || text.n < written.n); /* an early build's has no digest */
	ASSERT(picture_parse(written, arena, &p, &err) == OK);
	buf_deinit(&again);
}

static void try_mark(struct str text)
{
	struct drop_mark m;
	struct buf again;
	struct err err = {0};
	if (drop_mark_parse(text, &m, &err) != OK) return;
	buf_init(&again, 0);
	drop_mark_json(&again, &m);
	ASSERT(str_eq(text, (struct str){(const char *)again.p, again.n}) || text.n < again.n); /* as a picture */
	buf_deinit(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	const struct str text = {(const char *)data, size};
	arena_init(&arena, 0);
	try_commit(text, &arena);
	try_picture(text, &arena);
	try_mark(text);
	arena_deinit(&arena);
	return 0;
}
