/* workloads/pqrs/sim/sim_feed.c: see sim_feed.h.
 *
 *   UTC day -> tickets that touch it -> their events of that day -> by time -> lines, one text a day
 *
 * The lines are those of the raw stage (sim_write.h), which lays them out by channel and day. A day is held in memory: at the default volume
 * some 10 MB.
 */
#include "workloads/pqrs/sim/sim_feed.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/time.h"
#include "base/vec.h"
#include "workloads/pqrs/sim/sim_ticket.h"
#include "workloads/pqrs/sim/sim_write.h"

struct sim_feed {
	const struct pqrs_config *config;
	struct sim_world world;
	struct sim_shares shares;
	struct sim_writer writer;
	struct arena arena;
	int64_t first_us, last_us; /* of what is told */
	int32_t day;               /* the UTC day that comes next */
	struct {
		struct sim_event *items; /* of the day at hand, by time */
		size_t n, cap;
	} events;
	struct {
		struct sim_row *items;
		size_t n, cap;
	} rows;
	struct buf text;
	size_t at, told; /* of text, of events */
};

static status feed_begin(struct sim_feed *f, struct err *err)
{
	const struct pqrs_config *config = f->config;
	const struct sim_text *text;
	const struct run_info run = {
		.date_from = config->simulation.date_from, .date_to = config->simulation.date_to, .as_of = INT64_MIN};
	f->first_us = tz_day_start(config->tz, run.date_from);
	f->last_us = tz_day_end(
		config->tz, config->simulation.truncate ? run.date_to : sim_ticket_last_day(config, run.date_to));
	f->day = time_utc_date(f->first_us);
	const struct sim_range made = {f->day - 1, time_utc_date(f->last_us) + 2};
	TRY(sim_world_init(&f->world, config, &run, made, &f->arena, err));
	TRY(sim_shares_init(&f->shares, config, &f->arena, err));
	TRY(sim_text_create(config, &f->arena, &text, err));
	return sim_writer_init(&f->writer, &f->world, text, &f->arena, err);
}

status sim_feed_open(const struct pqrs_config *config, struct sim_feed **out, struct err *err)
{
	struct sim_feed *f = mem_zalloc(1, sizeof *f);
	if (f == NULL) return fail_nomem(err);
	f->config = config;
	arena_init(&f->arena, 0);
	buf_init(&f->text, 0);
	const status code = feed_begin(f, err);
	if (code != OK)
		sim_feed_close(f);
	else
		*out = f;
	return code;
}

void sim_feed_close(struct sim_feed *f)
{
	if (f == NULL) return;
	mem_free(f->events.items);
	mem_free(f->rows.items);
	buf_deinit(&f->text);
	arena_deinit(&f->arena);
	mem_free(f);
}

/* ---- a day ---------------------------------------------------------------------------------------------------------------- */

static status ticket_add(struct sim_feed *f, struct sim_ticket t, int64_t since, int64_t until, struct err *err)
{
	struct sim_event events[SIM_EVENTS_MAX];
	const size_t n = sim_ticket_events(&f->world, &f->shares, &t, since, until, events), before = f->events.n;
	if (!VEC_ROOM(&f->events, SIM_EVENTS_MAX) || !VEC_ROOM(&f->rows, 1)) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		if (events[i].ts < since || events[i].ts > until) continue;
		events[i].ticket = (uint32_t)f->rows.n;
		f->events.items[f->events.n++] = events[i];
	}
	if (f->events.n == before) return OK;
	struct sim_row *row = &f->rows.items[f->rows.n++];
	*row = (struct sim_row){.number = t.number,
		.date = t.date,
		.place = t.place,
		.type = t.type,
		.priority = t.priority,
		.channel = t.channel};
	sim_uuid_format(sim_uuid(f->world.seed, sim_entity(t.date, t.number), SIM_TICKET_ID, 0), row->id);
	return OK;
}

/* Events of one instant in the order of their tickets: the same in every run. */
static int by_time(const void *a, const void *b)
{
	const struct sim_event *x = a, *y = b;
	if (x->ts != y->ts) return x->ts < y->ts ? -1 : 1;
	if (x->ticket != y->ticket) return x->ticket < y->ticket ? -1 : 1;
	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

static status day_make(struct sim_feed *f, struct err *err)
{
	const int64_t start = (int64_t)f->day * US_PER_DAY, end = start + US_PER_DAY - 1;
	const int64_t since = start > f->first_us ? start : f->first_us, until = end < f->last_us ? end : f->last_us;
	int32_t last = f->day + 1; /* the local day after the UTC day may begin inside it */
	if (last > f->world.date_to) last = f->world.date_to;
	f->rows.n = f->events.n = f->told = f->at = 0;
	buf_reset(&f->text);
	for (int32_t date = sim_ticket_first_day(&f->world, f->day - 1); date <= last; date++) {
		const uint32_t volume = sim_world_day(&f->world, date)->volume;
		for (uint32_t number = 0; number < volume; number++)
			TRY(ticket_add(f, (struct sim_ticket){.date = date, .number = number}, since, until, err));
	}
	if (f->events.n > 0) qsort(f->events.items, f->events.n, sizeof *f->events.items, by_time);
	f->writer.rows = f->rows.items;
	TRY(sim_writer_object(&f->writer, f->events.items, f->events.n, f->day, &f->text, err));
	f->day++;
	return buf_check(&f->text, err);
}

status sim_feed_next(struct sim_feed *f, struct sim_fed *out, struct err *err)
{
	*out = (struct sim_fed){{NULL, 0}, {NULL, 0}};
	while (f->told == f->events.n) {
		if ((int64_t)f->day * US_PER_DAY > f->last_us) return OK;
		TRY(day_make(f, err));
	}
	const char *line = (const char *)f->text.p + f->at, *end = memchr(line, '\n', f->text.n - f->at);
	ASSERT(end != NULL);
	out->line = (struct str){line, (size_t)(end - line)};
	out->ticket = (struct str){f->rows.items[f->events.items[f->told].ticket].id, UUID_CHARS};
	f->at += out->line.n + 1;
	f->told++;
	return OK;
}
