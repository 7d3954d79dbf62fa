/* workloads/pqrs/gold/gold_series.c: kpi_volume_dept_daily and kpi_volume_national_daily, a row for every day and every key. */
#include "workloads/pqrs/gold/gold_kpi.h"

enum { MAVG_DAYS = 7, PCT_MAX = 999999999 /* decimal(9,2) */ };

int64_t gold_percent_change(uint32_t n, uint32_t base)
{
	if (base == 0) return 0;
	const int64_t pct = gold_divide(((int64_t)n - base) * 10000, base);
	return pct < PCT_MAX ? pct : PCT_MAX;
}

status gold_series_init(struct gold_series *s, const struct gold_bits *used, size_t n_cells, int32_t first,
	struct arena *arena, struct err *err)
{
	size_t n = 0;
	for (size_t w = 0; w < used->n_words; w++) n += (size_t)__builtin_popcountll(used->words[w]);
	s->n = n;
	s->first = first;
	s->keys = ARENA_NEW(arena, struct gold_series_key, n + 1);
	s->slot = ARENA_ZNEW(arena, uint32_t, n_cells + 1);
	s->counts = ARENA_ZNEW(arena, uint32_t, n * GOLD_SERIES_DAYS + 1);
	s->window = ARENA_ZNEW(arena, uint64_t, n + 1);
	if (s->keys == NULL || s->slot == NULL || s->counts == NULL || s->window == NULL) return fail_nomem(err);
	uint32_t k = 0;
	for (size_t c = gold_bits_next(used, 0); c != GOLD_NO_CELL; c = gold_bits_next(used, c + 1)) {
		s->slot[c] = k;
		s->keys[k++] = (struct gold_series_key){
			.department = (uint32_t)(c / (GOLD_TYPES * GOLD_CHANNELS)),
			.type = (uint8_t)(c / GOLD_CHANNELS % GOLD_TYPES),
			.channel = (uint8_t)(c % GOLD_CHANNELS),
		};
	}
	return OK;
}

void gold_series_start(struct gold_series *s, int32_t day)
{
	ASSERT(day >= s->first);
	memset(s->counts + (size_t)(day - s->first) % GOLD_SERIES_DAYS * s->n, 0, s->n * sizeof *s->counts);
}

/* Days of the ring before `first` are still zero, which is what the definitions ask for. */
static const uint32_t *ring(const struct gold_series *s, int32_t day, int32_t back)
{
	const size_t d = (size_t)(day - s->first) + GOLD_SERIES_DAYS - (size_t)back;
	return s->counts + d % GOLD_SERIES_DAYS * s->n;
}

status gold_series_end(struct gold_series *s, int32_t day, struct err *err)
{
	struct gold_rows *r = s->rows;
	const uint32_t *today = ring(s, day, 0), *yesterday = ring(s, day, 1), *week = ring(s, day, MAVG_DAYS);
	const int64_t days = day - s->first + 1 < MAVG_DAYS ? day - s->first + 1 : MAVG_DAYS;
	const int measure = s->by_department ? SERIES_DEPT_TICKETS_COUNT : SERIES_NATIONAL_TICKETS_COUNT;
	TRY(gold_rows_day(r, day, s->n, err));
	for (size_t i = 0; i < s->n; i++) {
		s->window[i] += (uint64_t)today[i] - week[i];
		gold_set_i32(r, 0, day);
		if (s->by_department) gold_set_i32(r, SERIES_DEPT_DEPARTMENT_NAME, (int32_t)s->keys[i].department);
		gold_set_i32(r, measure - 2, s->keys[i].type);
		gold_set_i32(r, measure - 1, s->keys[i].channel);
		gold_set_i64(r, measure, today[i]);
		gold_set_i64(r, measure + 1, gold_divide((int64_t)s->window[i] * 100, days));
		gold_set_i64(r, measure + 2, gold_percent_change(today[i], yesterday[i]));
		gold_set_i64(r, measure + 3, gold_percent_change(today[i], week[i]));
		r->n++;
	}
	return OK;
}
_Static_assert(SERIES_DEPT_PQRS_TYPE == SERIES_DEPT_TICKETS_COUNT - 2 &&
		       SERIES_DEPT_PCT_VS_PREV_WEEK == SERIES_DEPT_TICKETS_COUNT + 3,
	"gold_series_end: columns by distance from the count");
_Static_assert(SERIES_NATIONAL_PQRS_TYPE == SERIES_NATIONAL_TICKETS_COUNT - 2 &&
		       SERIES_NATIONAL_PCT_VS_PREV_WEEK == SERIES_NATIONAL_TICKETS_COUNT + 3,
	"gold_series_end: columns by distance from the count");
