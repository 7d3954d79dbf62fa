/* workloads/pqrs/sim/sim_world.h: what a simulated history stands on: its days, its business days and how many tickets each day
 * brings.
 *
 * Knows configuration, calendar and random numbers; must not know events or JSON. Everything here is a pure function of
 * (configuration, seed, first day of the history), so that a task sees the same world whatever days it makes:
 * 1. the volume of a day does not depend on the end of the range: a history played month by month is one history;
 * 2. the tables reach SIM_LIFE_DAYS_MAX past any ticket that a task may touch.
 *
 * Random numbers: Philox, key = seed, entity = sim_entity(local creation day, ticket number in the day), purpose below.
 */
#ifndef PQR_PQRS_SIM_WORLD_H
#define PQR_PQRS_SIM_WORLD_H

#include "base/arena.h"
#include "base/rng.h"
#include "flow/task.h"
#include "workloads/pqrs/config/config.h"

enum sim_purpose {
	SIM_VOLUME = 1, /* per day: normal volume */
	SIM_SPIKE,      /* per history (place, length), per day (volume) */
	SIM_LIFE,       /* per ticket: all that decides how long it lives */
	SIM_TIMES,      /* per ticket: delays */
	SIM_MESSAGES,   /* per ticket: messages and attachments, their number and times */
	SIM_TICKET_ID,
	SIM_EVENT_ID,     /* index: sequence of the event in its ticket */
	SIM_TOPIC,        /* per ticket: topic, templates and hints */
	SIM_SUBJECT,      /* per ticket: slots of the subject */
	SIM_BODY,         /* per ticket: slots of the body */
	SIM_MESSAGE_TEXT, /* + index of the message (0 = the citizen's) in the high bits of the index */
	SIM_ATTACHMENT,   /* index: attachment */
};

enum {
	SIM_LIFE_DAYS_MAX =
		400, /* events later than this many days after the ticket's day are not part of any history */
	SIM_SPIKE_HORIZON_DAYS =
		28, /* the spike lies in the first four weeks, so that it never depends on the range's end */
};

static inline uint64_t sim_entity(int32_t date, uint32_t number)
{
	return (uint64_t)(uint32_t)date << 32 | number;
}

struct sim_day { /* one local day on which tickets are created */
	uint32_t volume;
	uint32_t sequence;  /* tickets of the same year before this day: the external id's number starts here */
	uint32_t late_rate; /* millionths: chance that a ticket of this day ends late */
	int32_t year;
	bool spike;
};

struct sim_world {
	const struct pqrs_config *config;
	uint64_t seed;
	int32_t date_from, date_to;   /* local days on which tickets are created, inclusive */
	int32_t spike_from, spike_to; /* inclusive; spike_to < spike_from: none */
	const struct sim_day *days;   /* [date_to - date_from + 1] */
	int32_t table_from;           /* first date of the tables below */
	int32_t n_table;
	const int64_t *day_start;     /* [n_table + 1] microseconds */
	const int32_t *business;      /* [n_table] business days in (table_from, date] */
	const int32_t *business_date; /* [n_business + 1] date of the i-th of them; [0] = table_from */
	int32_t n_business;
};

struct sim_range {
	int32_t lo, hi;
}; /* local days [lo, hi) */
/* The world as a task sees it that makes the days of `made`. Tables live in the arena. E_NOMEM. */
status sim_world_init(struct sim_world *w, const struct pqrs_config *config, const struct run_info *run,
	struct sim_range made, struct arena *arena, struct err *err) MUST_USE;

static inline const struct sim_day *sim_world_day(const struct sim_world *w, int32_t date)
{
	return &w->days[date - w->date_from];
}

/* Start of a local day; dates past the tables give their end. */
static inline int64_t sim_world_start(const struct sim_world *w, int32_t date)
{
	const int32_t i = date - w->table_from;
	return w->day_start[i < 0 ? 0 : i > w->n_table ? w->n_table : i];
}

/* Local date of an instant, held inside the tables. */
static inline int32_t sim_world_date(const struct sim_world *w, int64_t ts)
{
	const int64_t guess = (ts - w->day_start[0]) / US_PER_DAY;
	int32_t i = ts < w->day_start[0] ? 0 : guess >= w->n_table ? w->n_table - 1 : (int32_t)guess;
	while (i > 0 && ts < w->day_start[i]) i--;
	while (i < w->n_table - 1 && ts >= w->day_start[i + 1]) i++;
	return w->table_from + i;
}

/* Number of a date's last business day (itself, when it is one); comparable inside one world only. */
static inline int32_t sim_world_business(const struct sim_world *w, int32_t date)
{
	const int32_t i = date - w->table_from;
	return w->business[i < 0 ? 0 : i >= w->n_table ? w->n_table - 1 : i];
}

/* Date of a business day by number; past the tables: their end, which no event reaches. */
static inline int32_t sim_world_business_date(const struct sim_world *w, int32_t number)
{
	return number > w->n_business ? w->table_from + w->n_table : w->business_date[number < 0 ? 0 : number];
}

static inline bool sim_world_is_business(const struct sim_world *w, int32_t date)
{
	return sim_world_business_date(w, sim_world_business(w, date)) == date;
}

#endif
