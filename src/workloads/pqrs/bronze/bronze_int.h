/* workloads/pqrs/bronze/bronze_int.h: shared by bronze.c and bronze_plan.c. */
#ifndef PQR_PQRS_BRONZE_INT_H
#define PQR_PQRS_BRONZE_INT_H

#include "base/time.h"
#include "workloads/pqrs/bronze/bronze.h"
#include "workloads/pqrs/contract/partition.h"

struct bronze_partition {
	struct str source, day_text; /* view the object's values */
	int32_t day;                 /* when has_day, else 0: "unknown" is before all days */
	bool has_day;
};
/* The partition of a raw object. E_CORRUPT: it is none of pqrs. Views file. */
status bronze_partition_of(const struct file_ref *file, struct bronze_partition *out, struct err *err) MUST_USE;
bool bronze_partition_eq(const struct bronze_partition *a, const struct bronze_partition *b);

#endif
