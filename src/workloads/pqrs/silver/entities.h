/* workloads/pqrs/silver/entities.h: amounts, case numbers, dates and e-mail addresses in a text, by simple rules.
 *
 *   amounts       '$', optional space, digits with '.' or ',' between digits           $1.250.000
 *   dates         YYYY-MM-DD or D/M/YYYY, parts in range                               2025-10-03, 3/10/2025
 *   case_numbers  letters, digits and inner hyphens with at least 6 digits             RAD-2025-001234
 *   emails        local@domain.tld, ASCII
 */
#ifndef PQR_PQRS_ENTITIES_H
#define PQR_PQRS_ENTITIES_H

#include "base/buf.h"

enum { ENTITIES_MAX = 8 }; /* kept of each kind, in text order; repeats count */

/* Append {"amounts":[...],"case_numbers":[...],"dates":[...],"emails":[...]} with the kinds that occur, "{}" for none. */
void entities_json(struct str text, struct buf *out);

#endif
