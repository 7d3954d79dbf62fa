/* workloads/clickstream/config.h: everything that decides the output of a clickstream run. */
#ifndef PQR_CLICKSTREAM_CONFIG_H
#define PQR_CLICKSTREAM_CONFIG_H

#include "flow/common_config.h"

struct clickstream_config {
	uint64_t seed;
	int32_t date_from, date_to; /* UTC days, inclusive */
	int64_t rate;               /* millionths of events a second */
	int32_t users, users_per_day;
	struct common_config common;
};

extern const struct config_keys clickstream_config_keys;

/* As workload.h has them. An ingested run's canonical form is without the producer's section. */
status clickstream_config_canonical(
	const struct config *tree, bool ingested, struct buf *out, struct err *err) MUST_USE;
status clickstream_config_open(struct str canonical, struct clickstream_config **out, struct err *err) MUST_USE;
void clickstream_config_close(struct clickstream_config *c);
/* Do two canonical forms produce the same events, seed and dates aside? */
bool clickstream_config_same_events(struct str a, struct str b);

#endif
