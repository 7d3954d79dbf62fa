/* server/published.c: asks the database at most once a second, whoever wants to know, for what each answer's ETag and headers tell. Of a
 * database that does not answer that is remembered too, so that those who wait for one look don't each wait for another. */
#include "server/published.h"

#include <pthread.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "base/time.h"
#include "workloads/registry.h"

enum { RELATIONS_MAX = 256, WORKLOADS_MAX = 16 };
#define LOOK_US US_PER_SECOND
#define LAST_US (LOOK_US * 9 / 10) /* who does not look again has the rest for what follows */

struct look {
	const struct relation_list *relations;
	bool there[RELATIONS_MAX];
	bool realtime; /* has positions */
	char run_ids[WORKLOADS_MAX][UUID_CHARS + 1];
	uint64_t tag, realtime_tag;
};
struct published_state {
	pthread_mutex_t looking; /* held during a look, so that one does it for all */
	pthread_mutex_t lock;    /* guards what follows, for moments */
	int64_t at;              /* of the end of the last look; 0: none */
	status code;             /* of it */
	struct err err;
	struct look look; /* the last one that succeeded */
};

status published_create(struct published_state **out, struct err *err)
{
	struct published_state *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	(void)pthread_mutex_init(&p->looking, NULL);
	(void)pthread_mutex_init(&p->lock, NULL);
	*out = p;
	return OK;
}

void published_destroy(struct published_state *p)
{
	if (p == NULL) return;
	(void)pthread_mutex_destroy(&p->lock);
	(void)pthread_mutex_destroy(&p->looking);
	mem_free(p);
}

/* ---- looking ---- */

/* "gold.daily_kpis" of PostgreSQL, "gold_daily_kpis" of SQLite. */
static status on_name(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct look *l = arg;
	char name[160];
	struct str found = values[0].text;
	(void)n;
	(void)err;
	for (size_t i = 0; i < l->relations->n; i++) {
		const struct relation *r = &l->relations->items[i];
		const size_t k = (size_t)snprintf(name, sizeof name, "%s.%s", r->schema, r->name);
		if (found.n != k || memcmp(found.p, name, strlen(r->schema)) != 0) continue;
		if (memcmp(found.p + strlen(r->schema) + 1, r->name, strlen(r->name)) == 0) l->there[i] = true;
	}
	if (str_is(found, "realtime.offsets") || str_is(found, "realtime_offsets")) l->realtime = true;
	return OK;
}

static void mix(uint64_t *tag, const struct control_value *values, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const uint64_t h = values[i].kind == CONTROL_TEXT ? hash_xxh3(values[i].text.p, values[i].text.n)
								  : (uint64_t)values[i].i;
		*tag = (*tag ^ h) * UINT64_C(0x9E3779B97F4A7C15);
		*tag ^= *tag >> 29;
	}
}

/* workload, run_id, committed_at: the newest first. */
static status on_publish(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct look *l = arg;
	(void)err;
	mix(&l->tag, values, n);
	for (size_t i = 0; i < registry_workloads.n && i < WORKLOADS_MAX; i++) {
		if (!str_is(values[0].text, registry_workloads.items[i]->name) || l->run_ids[i][0] != '\0') continue;
		if (values[1].text.n == UUID_CHARS) memcpy(l->run_ids[i], values[1].text.p, UUID_CHARS);
	}
	return OK;
}

static status on_position(void *arg, const struct control_value *values, size_t n, struct err *err)
{
	struct look *l = arg;
	(void)err;
	mix(&l->realtime_tag, values, n);
	return OK;
}

static status look_at(struct server *s, struct look *l, struct err *err)
{
	static const struct control_select sqlite_names = {
		.sql = "SELECT name FROM sqlite_master WHERE type IN ('table', 'view')"};
	static const struct control_select postgres_names = {
		.sql = "SELECT n.nspname || '.' || c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = "
		       "c.relnamespace WHERE n.nspname IN ('gold', 'core', 'analytics', 'realtime', 'meta') AND "
		       "c.relkind IN "
		       "('r', 'v')"};
	static const struct control_select publishes = {.sql = "SELECT r.workload, r.run_id, c.committed_at FROM "
							       "meta.stage_commits c JOIN meta.run_records r ON "
							       "r.run_id = c.run_id WHERE c.stage = 'publish' ORDER BY "
							       "c.committed_at DESC, r.run_id LIMIT 100"};
	static const struct control_select positions = {.sql = "SELECT COUNT(*) AS n, SUM(next_position) AS positions, "
							       "MAX(updated_at) AS at FROM realtime.offsets"};
	ASSERT(s->relations.n <= RELATIONS_MAX);
	l->relations = &s->relations;
	TRY(server_query(s, &server_self, s->postgres ? &postgres_names : &sqlite_names, on_name, l, err));
	TRY(server_query(s, &server_self, &publishes, on_publish, l, err));
	return l->realtime ? server_query(s, &server_self, &positions, on_position, l, err) : OK;
}

static void look_again(struct server *s, struct published_state *p, struct look *fresh)
{
	struct err err;
	err_clear(&err);
	const status code = look_at(s, fresh, &err);
	(void)pthread_mutex_lock(&p->lock);
	if (code == OK) p->look = *fresh;
	p->code = code;
	p->err = err;
	p->at = time_mono_us();
	(void)pthread_mutex_unlock(&p->lock);
}

static void tell(const struct look *l, const struct relation *r, struct published_look *out)
{
	const bool realtime = strcmp(r->schema, "realtime") == 0;
	*out = (struct published_look){.tag = realtime ? l->realtime_tag : l->tag};
	for (size_t i = 0; i < l->relations->n; i++)
		if (&l->relations->items[i] == r) out->there = l->there[i];
	for (size_t i = 0; i < registry_workloads.n && i < WORKLOADS_MAX && !realtime; i++)
		if (registry_workloads.items[i] == r->workload) memcpy(out->run_id, l->run_ids[i], sizeof out->run_id);
}

/* What the last look found, if it ended less than `age` ago, into *out, or its failure into *code and *err; false: there was none. */
static bool recall(struct published_state *p, const struct relation *r, int64_t age, struct published_look *out,
	status *code, struct err *err)
{
	(void)pthread_mutex_lock(&p->lock);
	const bool known = p->at != 0 && time_mono_us() - p->at < age;
	if (known && p->code == OK) tell(&p->look, r, out);
	if (known && p->code != OK && err != NULL) *err = p->err;
	*code = p->code;
	(void)pthread_mutex_unlock(&p->lock);
	return known;
}

bool published_last(struct server *s, const struct relation *r, struct published_look *out)
{
	status code;
	return recall(s->published, r, LAST_US, out, &code, NULL) && code == OK;
}

/* A stop of the process isn't kept waiting by a database that did not answer before. */
static status look_for_all(struct server *s, const struct relation *r, struct published_look *out, struct err *err)
{
	struct published_state *p = s->published;
	status code;
	if (recall(p, r, LOOK_US, out, &code, err)) return code; /* another looked meanwhile */
	if (code != OK) TRY(cancel_check(err));
	struct look *fresh = mem_zalloc(1, sizeof *fresh);
	if (fresh == NULL) return fail_nomem(err);
	look_again(s, p, fresh);
	mem_free(fresh);
	(void)recall(p, r, INT64_MAX, out, &code, err);
	return code;
}

status published_look(struct server *s, const struct relation *r, struct published_look *out, struct err *err)
{
	struct published_state *p = s->published;
	status code;
	if (recall(p, r, LOOK_US, out, &code, err)) return code;
	(void)pthread_mutex_lock(&p->looking);
	code = look_for_all(s, r, out, err);
	(void)pthread_mutex_unlock(&p->looking);
	return code;
}
