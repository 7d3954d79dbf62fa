/* workloads/pqrs/contract/raw_event.h: the contract of a raw event, member by member.
 *
 * The parser (pqrs/bronze/event.h) has the same contract as bit sets; a test holds the two to each other.
 */
#ifndef PQR_PQRS_RAW_EVENT_H
#define PQR_PQRS_RAW_EVENT_H

#include "flow/raw_contract.h"

#define PQRS_RAW "raw.pqrs" /* the table's name in a stage's files */
#define PQRS_RAW_ROOT "raw/pqrs"

enum { RAW_EVENT_TYPES = 4, RAW_ENVELOPE_MEMBERS = 7 };
extern const struct raw_event_type raw_event_types[RAW_EVENT_TYPES];
extern const struct raw_member raw_envelope[RAW_ENVELOPE_MEMBERS]; /* event_id ... tenant_id, without data */

extern const struct raw_contract pqrs_raw_contract;

#endif
