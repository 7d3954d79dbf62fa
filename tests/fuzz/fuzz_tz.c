/* Any bytes as a TZif file: refused, or a zone whose offsets are sane, whose dates never run backwards by more than a day, and
 * whose days are bounded by instants. */
#include "base/time.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tz *tz = NULL;
	struct err err = {0};
	const status code = tz_parse(data, size, &tz, &err);
	ASSERT(code == OK || code == E_CORRUPT || code == E_UNSUPPORTED);
	if (code != OK) return 0;
	int32_t before = INT32_MIN;
	for (int64_t us = DATE_MIN * US_PER_DAY; us < DATE_MAX * US_PER_DAY; us += 9973 * US_PER_DAY) {
		const int32_t offset = tz_offset_at(tz, us);
		ASSERT(offset > -26 * 3600 && offset < 26 * 3600);
		const int32_t date = tz_date(tz, us);
		ASSERT(date >= before);
		before = date;
		const int64_t start = tz_day_start(tz, date);
		const int64_t end = tz_day_end(tz, date);
		ASSERT(start <= us && us <= end);
		ASSERT(tz_date(tz, start) == date && tz_date(tz, end) == date);
	}
	tz_destroy(tz);
	return 0;
}
