/* workloads/pqrs/sim/simulate.c: the raw stage of simulated runs.
 *
 *   days [lo, hi) -> slices of time -> tickets that touch one -> events (16 bytes each) -> (channel, day) -> by time -> text -> put
 *
 * Invariants:
 * 1. an object depends on (configuration, run, channel, day) alone: whatever days a task holds, the bytes are the same;
 * 2. a text exists only while it is formatted, in one buffer that the task uses again;
 * 3. memory is bounded whatever the volume: a slice holds at most `events_max` events. It is all days of the task, or some, or a part of
 *    one, whose objects are then written piece by piece, slice after slice.
 */
#include "workloads/pqrs/sim/simulate.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/thread.h"
#include "base/vec.h"
#include "flow/made_days.h"
#include "flow/partition.h"
#include "workloads/pqrs/contract/raw_event.h"
#include "workloads/pqrs/sim/sim_sort.h"
#include "workloads/pqrs/sim/sim_write.h"

enum {
	TASK_BYTES = 64 << 20,
	TICKET_BYTES = 3300, /* raw bytes of a ticket's whole life with the texts of the default configuration */
	/* A task looks at the tickets of the ten weeks before it and lives those again that reach into it, three
	 * weeks' worth: fewer days would cost more than they make. At ten times the volume a task of 8 days holds some
	 * 90 MB. */
	TASK_DAYS_MIN = 8,
	/* Events of a slice: with their tickets, texts and the room to sort them 170 MB at most. At ten times the volume a task is one slice. */
	EVENTS_MAX = 1 << 20,
	EVENTS_GUESS = 8,         /* of a ticket's life: a slice that turns out too long is halved */
	PIECE_EVENTS = 64 * 1024, /* of one object, formatted at once: some 30 MB */
	/* As many tasks as that even for little data, if there are days enough: to share them out. */
	TASKS_AHEAD_MIN = 8,
};

static int64_t run_as_of(const struct pqrs_config *config, const struct run_info *run)
{
	return run->as_of != INT64_MIN ? run->as_of : tz_day_end(config->tz, run->date_to);
}

/* First and last instant of which events are emitted. */
static int64_t emit_first(const struct pqrs_config *config, const struct run_info *run)
{
	return tz_day_start(config->tz, made_days_first(run));
}

static int64_t emit_last(const struct pqrs_config *config, const struct run_info *run)
{
	if (config->simulation.truncate) return run_as_of(config, run);
	return tz_day_end(config->tz, sim_ticket_last_day(config, run->date_to));
}

static int64_t days_per_task(const struct pqrs_config *config, int64_t days)
{
	const int64_t volume = config->simulation.volume_daily_avg > 0 ? config->simulation.volume_daily_avg : 1;
	int64_t n = TASK_BYTES / (volume * TICKET_BYTES);
	if (n > days / TASKS_AHEAD_MIN) n = days / TASKS_AHEAD_MIN;
	if (n < TASK_DAYS_MIN) n = TASK_DAYS_MIN;
	const int64_t tasks = (days + n - 1) / n;
	return (days + tasks - 1) / tasks; /* even ones */
}

/* A mistake in the texts is found before the first task, not in it. */
static status texts_check(const struct pqrs_config *config, struct err *err)
{
	struct arena arena;
	const struct sim_text *text;
	arena_init(&arena, 0);
	const status st = sim_text_create(config, &arena, &text, err);
	arena_deinit(&arena);
	return st;
}

status pqrs_simulate_plan(
	const struct stage_view *view, const struct file_list *inputs, struct task_list *out, struct err *err)
{
	(void)inputs;
	const struct pqrs_config *config = view->config;
	TRY(texts_check(config, err));
	const int64_t first = emit_first(config, view->run), last = emit_last(config, view->run);
	if (last < first) return OK; /* emit_from lies after as_of: nothing to make */
	const int64_t lo = time_utc_date(first), hi = (int64_t)time_utc_date(last) + 1;
	const int64_t step = days_per_task(config, hi - lo);
	int64_t number = 0;
	for (int64_t at = lo; at < hi; at += step, number++) {
		struct task_spec *task = task_list_add(out);
		char *id = task != NULL ? arena_printf(out->arena, "raw-%04lld", (long long)number) : NULL;
		if (id == NULL) return fail_nomem(err);
		task->stage = "raw";
		task->task_id = id;
		task->lo = at;
		task->hi = at + step < hi ? at + step : hi;
	}
	return OK;
}

int64_t pqrs_simulate_bytes(const void *config, const struct run_info *run)
{
	const struct pqrs_config *c = config;
	const int32_t from = made_days_first(run);
	const int64_t days = run->date_to >= from ? (int64_t)run->date_to - from + 1 : 0;
	return days * c->simulation.volume_daily_avg * TICKET_BYTES / 2 * 3;
}

/* One running task. */
struct work {
	const struct task_env *env;
	const struct pqrs_config *config;
	struct task_result *out;
	struct sim_world world;
	struct sim_shares shares;
	struct sim_writer writer;
	struct arena arena;
	size_t events_max;
	int32_t lo, hi;            /* UTC days of the task */
	int64_t begin_us, end_us;  /* events inside [begin_us, end_us] are emitted */
	int64_t first_us, last_us; /* of the slice */
	bool full;                 /* the slice has more than events_max */
	struct {
		struct sim_event *items; /* as made, then by object */
		size_t n, cap;
	} events;
	struct {
		struct sim_row *items;
		size_t n, cap;
	} rows;
	struct buf text;
	struct object { /* of the day that a slice is a part of */
		struct task_stream stream;
		int64_t rows;
	} open[CHANNEL_N];
	int64_t rows_out, bytes;
	int64_t by_kind[EVENT_N], by_channel[CHANNEL_N], by_type[TYPE_N], by_priority[PRIORITY_N];
};

static void work_deinit(struct work *k)
{
	mem_free(k->events.items);
	mem_free(k->rows.items);
	for (int i = 0; i < CHANNEL_N; i++) task_stream_deinit(&k->open[i].stream);
	buf_deinit(&k->text);
	arena_deinit(&k->arena);
}

static status work_init(struct work *k, const struct task_env *env, const struct task_spec *spec,
	struct task_result *out, struct err *err)
{
	*k = (struct work){
		.env = env, .config = env->config, .out = out, .lo = (int32_t)spec->lo, .hi = (int32_t)spec->hi};
	arena_init(&k->arena, 0);
	buf_init(&k->text, 0);
	const int64_t first = emit_first(k->config, env->run), last = emit_last(k->config, env->run);
	const int64_t begin = (int64_t)k->lo * US_PER_DAY, end = (int64_t)k->hi * US_PER_DAY - 1;
	k->begin_us = first > begin ? first : begin;
	k->end_us = last < end ? last : end;
	/* A UTC day lies within a local day of either side. */
	const struct sim_range made = {k->lo - 1, k->hi + 1};
	TRY(sim_world_init(&k->world, k->config, env->run, made, &k->arena, err));
	TRY(sim_shares_init(&k->shares, k->config, &k->arena, err));
	const struct sim_text *text;
	TRY(sim_text_create(k->config, &k->arena, &text, err));
	return sim_writer_init(&k->writer, &k->world, text, &k->arena, err);
}

static status rows_add(struct work *k, const struct sim_ticket *t, struct err *err)
{
	if (!VEC_ROOM(&k->rows, 1)) return fail_nomem(err);
	struct sim_row *row = &k->rows.items[k->rows.n++];
	*row = (struct sim_row){.number = t->number,
		.date = t->date,
		.place = t->place,
		.type = t->type,
		.priority = t->priority,
		.channel = t->channel};
	sim_uuid_format(sim_uuid(k->world.seed, sim_entity(t->date, t->number), SIM_TICKET_ID, 0), row->id);
	return OK;
}

static status ticket_make(struct work *k, int32_t date, uint32_t number, struct err *err)
{
	struct sim_event events[SIM_EVENTS_MAX];
	struct sim_ticket t = {.date = date, .number = number};
	const size_t n = sim_ticket_events(&k->world, &k->shares, &t, k->first_us, k->last_us, events);
	size_t lo = 0, hi = n;
	while (lo < n && events[lo].ts < k->first_us) lo++;
	while (hi > lo && events[hi - 1].ts > k->last_us) hi--;
	if (hi == lo) return OK;
	k->full = k->events.n + (hi - lo) > k->events_max;
	if (k->full) return OK;
	if (!VEC_ROOM(&k->events, SIM_EVENTS_MAX)) return fail_nomem(err);
	for (size_t i = lo; i < hi; i++) {
		events[i].ticket = (uint32_t)k->rows.n;
		k->events.items[k->events.n++] = events[i];
	}
	return rows_add(k, &t, err);
}

/* All that touch the slice, or k->full. */
static status tickets_make(struct work *k, struct err *err)
{
	int32_t last = time_utc_date(k->last_us) + 1; /* the local day after the last UTC day may begin inside it */
	if (last > k->world.date_to) last = k->world.date_to;
	k->rows.n = k->events.n = 0;
	k->full = false;
	for (int32_t date = sim_ticket_first_day(&k->world, time_utc_date(k->first_us) - 1); date <= last; date++) {
		TRY(cancel_check(err));
		const uint32_t volume = sim_world_day(&k->world, date)->volume;
		for (uint32_t number = 0; number < volume && !k->full; number++) TRY(ticket_make(k, date, number, err));
	}
	return OK;
}

static void count_events(struct work *k, const struct sim_event *events, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		k->by_kind[sim_event_type(events[i].kind)]++;
		if (events[i].kind != SIM_CREATED) continue;
		const struct sim_row *row = &k->rows.items[events[i].ticket];
		k->by_channel[row->channel]++;
		k->by_type[row->type]++;
		k->by_priority[row->priority]++;
	}
}

/* Where an object lies. */
struct object_place {
	char date[DATE_CHARS + 1];
	struct partition_day values;
	struct delta_pairs partition;
	char key[PATH_KEY_MAX];
};

static status place_init(struct object_place *p, const struct work *k, uint32_t channel, int32_t day, struct err *err)
{
	char root[PATH_KEY_MAX];
	date_format(day, p->date);
	p->date[DATE_CHARS] = '\0';
	p->partition =
		partition_day_values(&p->values, str_of(pqrs_channel_names[channel]), str_of(p->date), k->env->run);
	TRY(path_table_root(root, PQRS_RAW, err));
	return path_key(p->key, root, &p->partition, RAW_OBJECT_NAME, err);
}

static status object_put(struct work *k, uint32_t channel, int32_t day, size_t n, struct err *err)
{
	struct object_place place;
	TRY(place_init(&place, k, channel, day, err));
	const struct task_file file = {.table = PQRS_RAW,
		.partition = place.partition,
		.name = RAW_OBJECT_NAME,
		.p = k->text.p,
		.n = k->text.n,
		.rows = (int64_t)n};
	return task_output(k->env, k->out, &file, err);
}

static status object_open(struct work *k, uint32_t channel, int32_t day, struct err *err)
{
	struct object_place place;
	TRY(place_init(&place, k, channel, day, err));
	k->open[channel].rows = 0;
	return task_stream_open(&k->open[channel].stream, k->env->lake, place.key, err);
}

static status object_add(struct work *k, uint32_t channel, int32_t day, size_t n, struct err *err)
{
	struct object *o = &k->open[channel];
	if (o->stream.writer == NULL) TRY(object_open(k, channel, day, err));
	o->rows += (int64_t)n;
	return task_stream_add(&o->stream, k->text.p, k->text.n, err);
}

static status object_close(struct work *k, uint32_t channel, int32_t day, struct err *err)
{
	struct object_place place;
	TRY(place_init(&place, k, channel, day, err));
	struct file_ref ref = {
		.table = PQRS_RAW, .path = place.key, .partition = place.partition, .rows = k->open[channel].rows};
	TRY(task_stream_finish(&k->open[channel].stream, &ref, err));
	return file_list_add(&k->out->outputs, &ref) ? OK : fail_nomem(err);
}

/* The slice's events of one object: all of it, or what comes next of it. */
static status object_make(
	struct work *k, uint32_t channel, int32_t day, const struct sim_event *events, size_t n, struct err *err)
{
	const int64_t start = (int64_t)day * US_PER_DAY, end = start + US_PER_DAY - 1;
	const bool begins = k->first_us <= start || k->first_us == k->begin_us;
	const bool ends = k->last_us >= end || k->last_us == k->end_us;
	for (size_t done = 0, some; done < n; done += some) {
		some = n - done < PIECE_EVENTS ? n - done : PIECE_EVENTS;
		buf_reset(&k->text);
		TRY(cancel_check(err));
		TRY(sim_writer_object(&k->writer, events + done, some, day, &k->text, err));
		if (begins && ends && some == n)
			TRY(object_put(k, channel, day, n, err));
		else
			TRY(object_add(k, channel, day, some, err));
		k->bytes += (int64_t)k->text.n;
		task_progress(k->env, (int64_t)some, (int64_t)k->text.n);
	}
	count_events(k, events, n);
	k->rows_out += (int64_t)n;
	return ends && k->open[channel].stream.writer != NULL ? object_close(k, channel, day, err) : OK;
}

static status objects_make(struct work *k, struct err *err)
{
	struct sim_objects objects;
	const int32_t lo = time_utc_date(k->first_us), hi = time_utc_date(k->last_us) + 1;
	const uint32_t n_days = (uint32_t)(hi - lo);
	k->writer.rows = k->rows.items;
	TRY(sim_objects_init(&objects, k->events.items, k->events.n, lo, hi, err));
	status st = OK;
	for (uint32_t i = 0; i < objects.n && st == OK; i++) {
		struct sim_event *events = objects.events + objects.begin[i];
		const int32_t day = lo + (int32_t)(i % n_days);
		sim_objects_sort(&objects, i, day, k->rows.items, k->world.seed);
		st = object_make(k, i / n_days, day, events, objects.begin[i + 1] - objects.begin[i], err);
	}
	sim_objects_deinit(&objects);
	return st;
}

/* ---- slices ---- */

/* The last instant of a slice of about `width` from first_us on: whole days, or no more than the rest of one. */
static int64_t slice_end(const struct work *k, int64_t width)
{
	const int64_t day_end = ((int64_t)time_utc_date(k->first_us) + 1) * US_PER_DAY - 1;
	const bool whole = k->first_us == k->begin_us || k->first_us % US_PER_DAY == 0;
	int64_t end = k->end_us - k->first_us < width ? k->end_us : k->first_us + width - 1;
	if (end == k->end_us && (whole || end <= day_end)) return end;
	if (end < day_end) return end;
	return whole ? (int64_t)time_utc_date(end + 1) * US_PER_DAY - 1 : day_end;
}

/* The slice that begins at first_us, no longer than leaves it events_max. */
static status slice_make(struct work *k, int64_t *width, struct err *err)
{
	for (;;) {
		k->last_us = slice_end(k, *width);
		TRY(tickets_make(k, err));
		if (!k->full) break;
		*width = (k->last_us - k->first_us + 1) / 2;
		if (*width == 0) return fail(err, E_LIMIT, "over %zu events in a microsecond", k->events_max);
	}
	return objects_make(k, err);
}

static status slices_make(struct work *k, struct err *err)
{
	const int64_t all = k->end_us - k->begin_us + 1, volume = k->config->simulation.volume_daily_avg;
	const int64_t expected = volume * (k->hi - k->lo) * EVENTS_GUESS, max = (int64_t)k->events_max;
	int64_t width = expected > max ? all / (expected / max + 1) + 1 : all;
	for (k->first_us = k->begin_us; k->first_us <= k->end_us; k->first_us = k->last_us + 1) {
		TRY(slice_make(k, &width, err));
		/* Days have quiet hours and busy ones. */
		if (k->events.n < k->events_max / 3 && width < all) width *= 2;
	}
	return OK;
}

static bool share_count(struct work *k, const char *group, const char *name, int64_t value)
{
	char text[64];
	(void)snprintf(text, sizeof text, "%.31s%.31s", group, name);
	return value == 0 || counter_add(&k->out->counters, text, value);
}

/* Local days of the spike, each counted by the task whose range holds the same date. */
static int64_t spike_days(const struct work *k)
{
	int64_t n = 0;
	const int32_t first = made_days_first(k->env->run);
	for (int32_t day = k->world.spike_from; day <= k->world.spike_to; day++)
		n += day >= k->lo && day < k->hi && day >= first && day <= k->world.date_to;
	return n;
}

static status counters_make(struct work *k, struct err *err)
{
	struct counter_list *l = &k->out->counters;
	bool ok = counter_add(l, "rows_in", 0) && counter_add(l, "rows_out", k->rows_out) &&
		  counter_add(l, "bytes_in", 0) && counter_add(l, "bytes_out", k->bytes) &&
		  counter_add(l, "tickets", k->by_kind[EVENT_TICKET_CREATED]) &&
		  counter_add(l, "spike_days", spike_days(k));
	for (int i = 0; i < EVENT_N; i++)
		ok = ok && (k->by_kind[i] == 0 ||
				   counter_add(&k->out->events.types, pqrs_event_type_names[i], k->by_kind[i]));
	for (int i = 0; i < CHANNEL_N; i++)
		ok = ok && share_count(k, "share:channel:", pqrs_channel_names[i], k->by_channel[i]);
	for (int i = 0; i < TYPE_N; i++) ok = ok && share_count(k, "share:type:", pqrs_type_names[i], k->by_type[i]);
	for (int i = 0; i < PRIORITY_N; i++)
		ok = ok && share_count(k, "share:priority:", pqrs_priority_names[i], k->by_priority[i]);
	return ok ? OK : fail_nomem(err);
}

static status work_do(struct work *k, struct err *err)
{
	TRY(slices_make(k, err));
	return counters_make(k, err);
}

status pqrs_simulate_run_within(const struct task_env *env, const struct task_spec *spec, size_t events_max,
	struct task_result *out, struct err *err)
{
	enum { DAYS_MAX = 2 * 36525 }; /* past as_of too, when nothing is truncated */
	struct work k;
	const int64_t first = env->run->date_from;
	if (spec->lo < first - 1 || spec->hi <= spec->lo || spec->hi > first + DAYS_MAX)
		return fail(err, E_USAGE, "task %s: days [%lld, %lld) are none of the run", spec->task_id,
			(long long)spec->lo, (long long)spec->hi);
	const status made = work_init(&k, env, spec, out, err);
	k.events_max = events_max;
	const status code = made == OK ? work_do(&k, err) : made;
	work_deinit(&k);
	return code;
}

status pqrs_simulate_run(
	const struct task_env *env, const struct task_spec *spec, struct task_result *out, struct err *err)
{
	return pqrs_simulate_run_within(env, spec, EVENTS_MAX, out, err);
}

/* The largest distance between the shares found and the configured ones, in millionths. */
static int64_t share_distance(
	const struct counter_list *l, const char *group, const char *const *names, const uint32_t *probs, size_t n)
{
	const int64_t total = counter_get(l, "tickets");
	int64_t worst = 0;
	for (size_t i = 0; i < n; i++) {
		char name[64];
		(void)snprintf(name, sizeof name, "%.31s%.31s", group, names[i]);
		const int64_t found = counter_get(l, name) * PROB_ONE / total;
		const int64_t distance = found > probs[i] ? found - probs[i] : probs[i] - found;
		worst = distance > worst ? distance : worst;
	}
	return worst;
}

static bool share_check(
	const struct pqrs_config *config, const char *name, int64_t distance, int64_t tickets, struct quality_list *out)
{
	char value[32], threshold[32];
	const int64_t tolerance = config->quality.share_tolerance;
	(void)snprintf(
		value, sizeof value, "%lld.%06lld", (long long)(distance / PROB_ONE), (long long)(distance % PROB_ONE));
	(void)snprintf(threshold, sizeof threshold, "%lld.%06lld", (long long)(tolerance / PROB_ONE),
		(long long)(tolerance % PROB_ONE));
	const struct quality q = {.dataset = "raw.pqrs",
		.check_name = name,
		.severity = QUALITY_WARNING,
		.value = value,
		.threshold = threshold,
		.details = "largest distance between a share and its configuration",
		.record_count = tickets};
	return quality_add(out, distance <= tolerance, &q);
}

status pqrs_simulate_check(const struct stage_view *view, struct quality_list *out, struct err *err)
{
	ASSERT(view->n_stages > 0);
	const struct pqrs_config *config = view->config;
	const struct counter_list *l = &view->counters[view->n_stages - 1];
	const int64_t tickets = counter_get(l, "tickets");
	if (tickets == 0) return OK; /* no ticket, no share */
	const int64_t type = share_distance(l, "share:type:", pqrs_type_names, config->simulation.type_probs, TYPE_N);
	const int64_t channel =
		share_distance(l, "share:channel:", pqrs_channel_names, config->simulation.channel_probs, CHANNEL_N);
	const int64_t priority = share_distance(
		l, "share:priority:", pqrs_priority_names, config->simulation.priority_probs, PRIORITY_N);
	if (share_check(config, "type_share", type, tickets, out) &&
		share_check(config, "channel_share", channel, tickets, out) &&
		share_check(config, "priority_share", priority, tickets, out))
		return OK;
	return fail_nomem(err);
}
