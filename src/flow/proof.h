/* flow/proof.h: that who runs a task elsewhere is of the same program and contract, and reaches the same lake.
 *
 *	who plans: proof_make  -> object in the lake -> JSON ->  each worker: proof_check  ->  who plans: proof_remove
 *
 * Two machines may have a folder of the same name each: a worker that reads the object back has the lake and no copy of it.
 */
#ifndef PQR_FLOW_PROOF_H
#define PQR_FLOW_PROOF_H

#include "flow/workload.h"

enum { PROOF_KEY_MAX = 64 };

/* Put the object and append the proof as one JSON document. key[PROOF_KEY_MAX]: what proof_remove takes. Those that killed processes
 * left a day ago go. */
status proof_make(struct store *lake, const struct workload *w, char *key, struct buf *out, struct err *err) MUST_USE;
void proof_remove(struct store *lake, const char *key); /* its failure leaves an object that a later proof removes */

/* E_CONFLICT, by name: another version of the program, another contract, another lake. E_USAGE: not a proof. */
status proof_check(const struct workload_list *known, struct store *lake, struct str proof, struct err *err) MUST_USE;

#endif
