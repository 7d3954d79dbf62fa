/* workloads/pqrs/config/embedded.c: the list of this workload's default files. Their folder, config/, stands in CMakeLists.txt. */
#include "workloads/pqrs/config/embedded.h"

#include "io/embed.h"

/* X(symbol, name below config/) */
#define FILES(X)                                          \
	X(embedded_simulation, "pqrs_simulation_v1.yaml") \
	X(embedded_status, "pqrs_status_v1.yaml")         \
	X(embedded_topics, "pqrs_topics_v1.yaml")         \
	X(embedded_rules, "pqrs_preclass_rules_v1.yaml")  \
	X(embedded_law, "law_co_v1.yaml")                 \
	X(embedded_geo, "geo_colombia_v1.csv")

FILES(EMBED_FILE)

struct embedded {
	const char *name, *start, *end;
};
#define ENTRY(symbol, name) {name, symbol, symbol##_end},
static const struct embedded files[] = {FILES(ENTRY)};

struct str embedded_file(const char *name)
{
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		if (strcmp(files[i].name, name) == 0)
			return (struct str){files[i].start, (size_t)(files[i].end - files[i].start)};
	}
	return (struct str){NULL, 0};
}

const char *embedded_name(size_t i)
{
	return i < sizeof files / sizeof files[0] ? files[i].name : NULL;
}
