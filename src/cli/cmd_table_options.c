/* cli/cmd_table_options.c: options that several actions of pqr table take. */
#include <stdlib.h>

#include "cli/cmd_table.h"

status table_limit(const struct cli *c, int64_t fallback, int64_t *out, struct err *err)
{
	const char *text = cli_get(c, "--limit");
	char *end = NULL;
	*out = fallback;
	if (text == NULL) return OK;
	const long long n = strtoll(text, &end, 10);
	if (*text == '\0' || *end != '\0' || n < 0)
		return fail(err, E_USAGE, "--limit: expected a number of rows, 0 for all, found '%s'", text);
	*out = n;
	return OK;
}

status table_conditions(struct table_cmd *t, struct delta_condition **out, size_t *n, struct err *err)
{
	const struct cli *c = t->cli;
	struct delta_condition *where = ARENA_ZNEW(&t->session->arena, struct delta_condition, c->n_lists + 1);
	if (where == NULL) return fail_nomem(err);
	for (size_t i = 0; i < c->n_lists; i++) {
		const status code = delta_condition_parse(
			&t->snapshot->schema, str_of(c->lists[i]), &t->session->arena, &where[i], err);
		TRY(err_at(err, code, "--where", -1, -1));
	}
	*out = where;
	*n = c->n_lists;
	return OK;
}

status table_names(struct table_cmd *t, const char *option, const char *const **out, size_t *n, struct err *err)
{
	const char *text = cli_get(t->cli, option);
	size_t count = 1;
	for (const char *p = text; *p != '\0'; p++) count += *p == ',';
	const char **names = ARENA_NEW(&t->session->arena, const char *, count);
	if (names == NULL) return fail_nomem(err);
	*n = 0;
	for (const char *p = text;; p++) {
		const size_t len = strcspn(p, ",");
		if (len == 0)
			return fail(err, E_USAGE, "%s: expected column names between commas, found '%s'", option, text);
		names[*n] = arena_strndup(&t->session->arena, p, len);
		if (names[(*n)++] == NULL) return fail_nomem(err);
		p += len;
		if (*p == '\0') break;
	}
	*out = names;
	return OK;
}
