/* flow/lineage.h: what came from what. */
#ifndef PQR_FLOW_LINEAGE_H
#define PQR_FLOW_LINEAGE_H

#include "control/control.h"

enum lineage_format { LINEAGE_TEXT, LINEAGE_JSON, LINEAGE_OPENLINEAGE, LINEAGE_DOT, LINEAGE_CYPHER };
bool lineage_format_parse(const char *name, enum lineage_format *out) MUST_USE; /* text json openlineage dot cypher */

/* Append the lineage of a run (run_id) or of all runs (NULL), ending in a newline.
 *   text         one edge a line:  bronze  raw.pqrs@1f0c... -> bronze.pqrs_events@77aa...
 *   json         an array of objects {run_id, stage, input, input_version, output, output_version}
 *   openlineage  one COMPLETE run event a line for each committed stage, by OpenLineage 2-0-2's RunEvent
 *   dot          a Graphviz digraph      cypher  MERGE statements: (:Dataset)-[:FEEDS]->(:Dataset)
 * E_NOT_FOUND: no such run, or nothing recorded yet. */
status lineage_export(
	struct control *c, const char *run_id, enum lineage_format format, struct buf *out, struct err *err) MUST_USE;

#endif
