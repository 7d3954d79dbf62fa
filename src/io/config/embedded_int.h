/* io/config/embedded_int.h: where the assembler put each file (io/config/embedded.c). CMakeLists.txt lists the files as dependencies. */
#ifndef PQR_IO_CONFIG_EMBEDDED_INT_H
#define PQR_IO_CONFIG_EMBEDDED_INT_H

/* X(symbol, name below config/) */
#define EMBEDDED_FILES(X)                                 \
	X(embedded_simulation, "pqrs_simulation_v1.yaml") \
	X(embedded_status, "pqrs_status_v1.yaml")         \
	X(embedded_topics, "pqrs_topics_v1.yaml")         \
	X(embedded_rules, "pqrs_preclass_rules_v1.yaml")  \
	X(embedded_law, "law_co_v1.yaml")                 \
	X(embedded_geo, "geo_colombia_v1.csv")

#define EMBEDDED_DECLARE(symbol, name) extern const char symbol[], symbol##_end[];
EMBEDDED_FILES(EMBEDDED_DECLARE)

#endif
