/* server/access.h: what a role sees of a relation, where no database decides: SQLite, and the lake.
 *
 *   service_role   everything
 *   authenticated  its tenant's rows of tables of gold and core that have a tenant, or are part of one that has
 *   anon           nothing
 *
 * The same as the row-level security of PostgreSQL (sql_text_policies_postgres, deploy/postgres/roles.sql).
 */
#ifndef PQR_SERVER_ACCESS_H
#define PQR_SERVER_ACCESS_H

#include "server/auth.h"
#include "server/relation.h"

enum access { ACCESS_NONE, ACCESS_TENANT, ACCESS_ALL };
enum access access_of(const struct relation *r, const struct principal *who);

#endif
