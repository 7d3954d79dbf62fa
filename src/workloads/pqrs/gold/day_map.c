/* workloads/pqrs/gold/day_map.c: see day_map.h. A day whose offset changes within it, and the years outside, are asked of the zone each time. */
#include "workloads/pqrs/gold/day_map.h"

status day_map_init(struct day_map *m, const struct tz *tz, struct arena *arena, struct err *err)
{
	ASSERT(tz != NULL);
	int32_t *offset = ARENA_NEW(arena, int32_t, DAY_MAP_DAYS);
	if (offset == NULL) return fail_nomem(err);
	for (int32_t i = 0; i < DAY_MAP_DAYS; i++) offset[i] = DAY_MAP_UNSET;
	*m = (struct day_map){tz, offset};
	return OK;
}

int32_t day_map_slow(struct day_map *m, int64_t us)
{
	if (us >= 0 && us < DAY_MAP_DAYS * US_PER_DAY) {
		const int32_t day = (int32_t)(us / US_PER_DAY);
		if (m->offset[day] == DAY_MAP_UNSET) {
			const int32_t at_start = tz_offset_at(m->tz, day * US_PER_DAY);
			const int32_t at_end = tz_offset_at(m->tz, (day + 1) * US_PER_DAY - 1);
			m->offset[day] = at_start == at_end ? at_start : DAY_MAP_MIXED;
		}
	}
	return tz_date(m->tz, us);
}
