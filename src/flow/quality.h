/* flow/quality.h: checks of a stage, each with its verdict.
 *
 * A CRITICAL check that fails ends the run before the stage is committed; a WARNING is recorded and makes the run DEGRADED.
 */
#ifndef PQR_FLOW_QUALITY_H
#define PQR_FLOW_QUALITY_H

#include "base/arena.h"

enum quality_severity { QUALITY_CRITICAL, QUALITY_WARNING };
enum quality_result { QUALITY_PASS, QUALITY_WARN, QUALITY_FAIL };
struct quality {
	const char *dataset;    /* "bronze.pqrs_events" */
	const char *check_name; /* snake_case */
	enum quality_severity severity;
	enum quality_result result;
	const char *value, *threshold, *details; /* short texts; "" = none */
	int64_t record_count;
};
struct quality_list {
	struct quality *items;
	size_t n, cap;
	struct arena *arena;
};
/* pass picks PASS, or FAIL (CRITICAL) or WARN (WARNING). Strings are copied. false: out of memory. */
bool quality_add(struct quality_list *l, bool pass, const struct quality *q) MUST_USE;
/* The same with the value and threshold given as numbers; q's own are not read, its details may be NULL. */
bool quality_add_numbers(
	struct quality_list *l, bool pass, struct quality q, int64_t value, int64_t threshold) MUST_USE;

/* Millionths as a decimal fraction with six places into dst, which is returned. */
const char *quality_fraction(int64_t millionths, char dst[32]);

#endif
