/* Any bytes as a time and as a file of holidays: both parsers agree; what they accept can be written and read again. */
#include "base/calendar.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = {(const char *)data, size};
	int64_t fast = 0;
	int64_t plain = 0;
	int64_t back = 0;
	const bool accepted = time_parse(text, &fast);
	ASSERT(accepted == time_parse_plain(text, &plain));
	ASSERT(fast == plain);
	if (accepted) {
		char canonical[TIME_RFC3339_CHARS];
		time_format(fast, canonical);
		ASSERT(time_parse((struct str){canonical, sizeof canonical}, &back));
		ASSERT(back == fast);
	}
	struct buf dates;
	buf_init(&dates, 1 << 20);
	const status code = calendar_dates_parse(text, "input", &dates, NULL);
	ASSERT(code == OK || code == E_USAGE || code == E_LIMIT);
	ASSERT(dates.n % sizeof(int32_t) == 0);
	buf_deinit(&dates);
	return 0;
}
