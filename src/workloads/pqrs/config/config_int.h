/* workloads/pqrs/config/config_int.h: what the files of pqrs/config share.
 *
 *   tree (pqr.yaml ...) + files ---> struct pqrs_config + source ---> canonical JSON      pqrs_config_canonical
 *   canonical JSON ----------------> struct pqrs_config                                   pqrs_config_open
 *
 * Both directions read with the same functions, so what one accepts the other does.
 */
#ifndef PQR_PQRS_CONFIG_INT_H
#define PQR_PQRS_CONFIG_INT_H

#include "workloads/pqrs/config/config.h"

/* What the canonical form needs beside the struct. */
struct pqrs_config_source {
	bool simulated;       /* the section simulation, with the terms in it, counts */
	bool from_canonical;  /* values that name a file are refused */
	const char *holidays; /* "colombia", "none"; NULL: the dates */
	const int32_t *dates; /* [n_dates], rising; in the configuration's arena */
	size_t n_dates;
};

/* Sections calendar, simulation (without geography and texts), sla, quality, parquet, publish. */
status pqrs_config_read_settings(const struct config_node *root, struct pqrs_config *cfg,
	struct pqrs_config_source *src, struct err *err) MUST_USE;

/* The files; node is the file's root. */
status pqrs_config_read_topics(const struct config_node *node, struct pqrs_config *cfg, struct err *err) MUST_USE;
status pqrs_config_read_rules(const struct config_node *node, struct pqrs_config *cfg, struct err *err) MUST_USE;
status pqrs_config_read_status(const struct config_node *node, struct pqrs_config *cfg, struct err *err) MUST_USE;
status pqrs_config_read_law(const struct config_node *node, struct pqrs_config *cfg, struct err *err) MUST_USE;

/* Geography: a table with coordinates and weights; one with probabilities, coordinates by code from `known`; the canonical list. */
struct geo_table {
	const struct geo_place *places;
	size_t n;
};
status pqrs_config_read_geo_csv(
	struct str text, const char *name, struct arena *arena, struct geo_table *out, struct err *err) MUST_USE;
status pqrs_config_read_geo_probabilities(struct str text, const char *name, const struct geo_table *known,
	struct arena *arena, struct geo_table *out, struct err *err) MUST_USE;
status pqrs_config_read_geo_list(
	const struct config_node *node, struct arena *arena, struct geo_table *out, struct err *err) MUST_USE;

/* A text of the tree, copied into the arena. */
status pqrs_config_keep_str(
	const struct config_node *node, struct arena *arena, const char **out, struct err *err) MUST_USE;

/* Append the canonical JSON. */
status pqrs_config_write(
	const struct pqrs_config *cfg, const struct pqrs_config_source *src, struct buf *out, struct err *err) MUST_USE;

extern const char *const sla_behaviour_names[5]; /* by enum sla_behaviour */
extern const char *const state_ids[STATE_N];     /* "RECEIVED", ... */

#endif
