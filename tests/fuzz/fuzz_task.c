/* Any bytes as a task document: refused in words, or a task whose bounds hold and that reads back as itself. */
#include "flow/task_json.h"
#include "fuzz.h"

static void check_run(const struct run_info *run)
{
	ASSERT(run->date_from <= run->date_to);
	ASSERT((run->date_from == INT32_MIN) == (run->date_to == INT32_MIN));
	ASSERT(!run_makes(run) || run->date_from != INT32_MIN);
	ASSERT(run->as_of == INT64_MIN ||
		(run->as_of >= DATE_MIN * US_PER_DAY && run->as_of < (DATE_MAX + 1) * US_PER_DAY));
	ASSERT(strlen(run->run_id) == UUID_CHARS && strpbrk(run->run_id, "/.%") == NULL);
	ASSERT(strlen(run->config_hash) == HEX_SHA256_CHARS && strpbrk(run->config_hash, "/.%") == NULL);
}

static status parse(const void *p, size_t n, struct arena *arena, struct run_info *run, struct task_spec *spec)
{
	struct err err = {0};
	const status code = task_document_parse((struct str){p, n}, arena, run, spec, &err);
	ASSERT(code == OK || code == E_USAGE || code == E_LIMIT);
	ASSERT(code == OK || (err.message[0] != '\0' && err.code == code));
	return code;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct buf first, second;
	struct run_info run;
	struct task_spec spec;
	arena_init(&arena, 0);
	buf_init(&first, 0);
	buf_init(&second, 0);
	if (parse(data, size, &arena, &run, &spec) == OK) {
		check_run(&run);
		for (size_t i = 0; i < spec.inputs.n; i++)
			ASSERT(spec.inputs.items[i].rows >= -1 && spec.inputs.items[i].bytes >= 0);
		task_document_json(&first, &run, &spec);
		ASSERT(buf_check(&first, NULL) == OK);
		ASSERT(parse(first.p, first.n, &arena, &run, &spec) == OK);
		task_document_json(&second, &run, &spec);
		ASSERT(first.n == second.n && memcmp(first.p, second.p, first.n) == 0);
	}
	buf_deinit(&second);
	buf_deinit(&first);
	arena_deinit(&arena);
	return 0;
}
