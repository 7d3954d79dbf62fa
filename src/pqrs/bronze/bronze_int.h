/* pqrs/bronze/bronze_int.h: shared by bronze.c and bronze_plan.c. */
#ifndef PQR_PQRS_BRONZE_INT_H
#define PQR_PQRS_BRONZE_INT_H

#include "base/time.h"
#include "pqrs/bronze/bronze.h"

struct bronze_partition {
	struct str folder; /* "source=email/day=2025-09-01", views the path */
	int32_t day;       /* when has_day; "day=unknown" has none */
	bool has_day;
};
/* The partition of a raw object's key; false: the key has another shape. */
bool bronze_partition_of(const char *path, struct bronze_partition *out) MUST_USE;

#endif
