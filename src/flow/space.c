/* flow/space.c: will the lake's disk take what is to be written? Asked before the first file, never relied on after. */
#include <stdio.h>

#include "base/log.h"
#include "flow/run_int.h"

enum { SAY_BYTES = 10 * 1000 * 1000 };
#define KB 1000

static void bytes_text(int64_t bytes, char dst[32])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	size_t unit = 0;
	double n = (double)bytes / KB;
	for (; n >= KB && unit + 1 < sizeof units / sizeof units[0]; unit++) n /= KB;
	(void)snprintf(dst, 32, "%.1f %s", n, units[unit]);
}

status flow_space_check(struct store *lake, int64_t need, int64_t freed, const char *instead, struct err *err)
{
	const int64_t have = store_free_bytes(lake);
	char needed[32], there[32];
	bytes_text(need, needed);
	bytes_text(have, there);
	if (have >= 0 && need - freed > have)
		return fail(err, E_IO, "this writes about %s to %s, where %s are free%s: %s", needed, store_uri(lake),
			there, freed > 0 ? " beside what it removes" : "", instead);
	if (need / KB > SAY_BYTES) log_line(LOG_INFO, "a large run", "writes about", needed, NULL);
	return OK;
}
