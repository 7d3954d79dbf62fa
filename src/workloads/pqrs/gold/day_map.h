/* workloads/pqrs/gold/day_map.h: local dates of instants, remembering the zone's offset for each UTC day of 1970 to 2079. Not thread-safe. */
#ifndef PQR_PQRS_GOLD_DAY_MAP_H
#define PQR_PQRS_GOLD_DAY_MAP_H

#include "base/arena.h"
#include "base/time.h"

enum { DAY_MAP_DAYS = 40176, DAY_MAP_UNSET = INT32_MAX, DAY_MAP_MIXED = INT32_MAX - 1 };
struct day_map {
	const struct tz *tz;
	int32_t *offset; /* [DAY_MAP_DAYS] seconds; UNSET: not asked yet; MIXED: the offset changes within the day */
};
status day_map_init(struct day_map *m, const struct tz *tz, struct arena *arena, struct err *err) MUST_USE;
int32_t day_map_slow(struct day_map *m, int64_t us);
static inline int32_t day_map_date(struct day_map *m, int64_t us)
{
	if (us < 0 || us >= DAY_MAP_DAYS * US_PER_DAY) return day_map_slow(m, us);
	const int32_t day = (int32_t)(us / US_PER_DAY);
	const int32_t offset = m->offset[day];
	if (offset >= DAY_MAP_MIXED) return day_map_slow(m, us);
	const int64_t rest = us - day * US_PER_DAY + offset * US_PER_SECOND;
	return day - (rest < 0) + (rest >= US_PER_DAY);
}

#endif
