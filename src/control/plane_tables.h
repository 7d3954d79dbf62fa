/* control/plane_tables.h: the tables and views of meta that are for everybody to read: contract 6. */
#ifndef PQR_CONTROL_PLANE_TABLES_H
#define PQR_CONTROL_PLANE_TABLES_H

#include "columnar/schema.h"

extern const struct table_schema control_plane_tables[]; /* [control_plane_tables_n] layer "meta" */
extern const size_t control_plane_tables_n;

#endif
