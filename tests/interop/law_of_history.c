/* law_of_history [KEY=VALUE...]: what the clock of the law says of each history on standard input, which no run can say of events
 * before 2000: they are rejects. Settings are those of an ingested run and these.
 *
 *   AS_OF TYPE KIND CREATED [STATE@TIME]...     one history a line; times in microseconds UTC, in their order
 *
 * One JSON object a line, in the order of the input. Exit status 1 with a line on stderr for a history that is none.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow/engine_config.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/silver/sla.h"

enum { LINE_MAX_CHARS = 1 << 16 };

static status settings(int n, char **pairs, struct pqrs_config **out, struct err *err)
{
	const struct config_keys keys[] = {engine_config_keys, pqrs_config_keys};
	struct config tree;
	struct buf canonical;
	buf_init(&canonical, 0);
	TRY(config_init(&tree, err));
	status code = config_defaults(&tree, keys, 2, err);
	for (int i = 0; i < n && code == OK; i++) {
		char *value = strchr(pairs[i], '=');
		if (value == NULL) code = fail(err, E_USAGE, "%s: no KEY=VALUE", pairs[i]);
		if (value != NULL) *value++ = '\0';
		if (code == OK) code = config_set(&tree, pairs[i], value, "argument", err);
	}
	if (code == OK) code = pqrs_config_canonical(&tree, PQRS_INGESTED, &canonical, err);
	if (code == OK) code = pqrs_config_open((struct str){(const char *)canonical.p, canonical.n}, out, err);
	config_deinit(&tree);
	buf_deinit(&canonical);
	return code;
}

static unsigned place(const char *name, const char *const *names, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (strcmp(name, names[i]) == 0) return i;
	}
	return n;
}

static unsigned state_named(const struct pqrs_config *cfg, const char *name)
{
	for (unsigned i = 0; i < STATE_N; i++) {
		if (strcmp(name, cfg->states[i].name) == 0) return i;
	}
	return STATE_N;
}

static void print_time(const char *name, int64_t at)
{
	if (at == STATE_NEVER)
		(void)printf("\"%s\": null, ", name);
	else
		(void)printf("\"%s\": %" PRId64 ", ", name, at);
}

static void tell(
	const struct pqrs_config *cfg, const struct ticket_state *t, const struct sla_subject *of, int64_t as_of)
{
	struct sla_result x;
	sla_settle(cfg, t, of, as_of, &x);
	const int64_t end = t->answered_at != STATE_NEVER ? t->answered_at : as_of;
	(void)printf("{");
	print_time("due_at", x.due_at);
	print_time("answered_at", t->answered_at);
	print_time("closed_at", x.closed_at);
	(void)printf("\"term\": %d, \"hold_days\": %d, \"ran_days\": %d, \"elapsed_seconds\": %" PRId64
		     ", \"status\": \"%s\", \"risk\": \"%s\"}\n",
		x.term, x.hold_days,
		t->radicated_at == STATE_NEVER ? 0 : sla_hold_days(cfg, t->radicated_at, end) - x.hold_days,
		x.elapsed_seconds, sla_status_names[x.status], sla_risk_names[x.risk]);
}

/* The ticket of a line's words after AS_OF, TYPE and KIND. */
static status play(const struct pqrs_config *cfg, char **words, struct ticket_state *t, struct err *err)
{
	const char *created = strtok_r(NULL, " \n", words);
	if (created == NULL || state_created(t, strtoll(created, NULL, 10), 0) != REASON_NONE)
		return fail(err, E_USAGE, "no creation");
	for (char *word; (word = strtok_r(NULL, " \n", words)) != NULL;) {
		char *at = strchr(word, '@');
		if (at == NULL) return fail(err, E_USAGE, "%s: no STATE@TIME", word);
		*at++ = '\0';
		const enum pqrs_reason reason =
			state_changed(t, cfg, strtoll(at, NULL, 10), t->state, state_named(cfg, word));
		if (reason != REASON_NONE) return fail(err, E_USAGE, "%s: %s", word, pqrs_reason_names[reason]);
	}
	return OK;
}

static status answer(const struct pqrs_config *cfg, char *line, struct err *err)
{
	struct ticket_state t = {0};
	char *words = NULL;
	const char *as_of = strtok_r(line, " \n", &words), *type = strtok_r(NULL, " \n", &words),
		   *kind = strtok_r(NULL, " \n", &words);
	if (kind == NULL) return fail(err, E_USAGE, "no AS_OF TYPE KIND");
	const unsigned of = place(type, pqrs_type_names, TYPE_N), asks = place(kind, pqrs_request_names, REQUEST_N);
	if (of == TYPE_N || asks == REQUEST_N) return fail(err, E_USAGE, "%s %s: no type and kind", type, kind);
	TRY(play(cfg, &words, &t, err));
	const struct sla_subject subject = {(enum pqrs_type)of, (enum request_kind)asks};
	tell(cfg, &t, &subject, strtoll(as_of, NULL, 10));
	return OK;
}

int main(int argc, char **argv)
{
	static char line[LINE_MAX_CHARS];
	struct pqrs_config *cfg = NULL;
	struct err err;
	status code = settings(argc - 1, argv + 1, &cfg, &err);
	while (code == OK && fgets(line, sizeof line, stdin) != NULL) code = answer(cfg, line, &err);
	if (code != OK) (void)fprintf(stderr, "law_of_history: %s\n", err.message);
	pqrs_config_close(cfg);
	return code == OK ? 0 : 1;
}
