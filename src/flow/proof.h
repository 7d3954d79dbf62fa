/* flow/proof.h: that who runs a task elsewhere is of the same program and contract, and reaches the same lake.
 *
 *	who plans: proof_make  -> object in the lake -> JSON ->  each worker: proof_check  ->  who plans: proof_remove
 *
 * Two machines may have a folder of the same name each: a worker that reads the object back has the lake and no copy of it.
 */
#ifndef PQR_FLOW_PROOF_H
#define PQR_FLOW_PROOF_H

#include "base/hash.h"
#include "flow/workload.h"

struct proof {
	char key[64]; /* of the object; "" = none was made */
	char nonce[2 * UUID_BYTES + 1];
	char text[384]; /* the JSON document */
};

/* One a run: that of an attempt that was killed is replaced. */
status proof_make(
	struct store *lake, const struct workload *w, const char *run_id, struct proof *out, struct err *err) MUST_USE;
/* Unless another attempt has replaced it. */
void proof_remove(struct store *lake, const struct proof *p);
/* What an attempt of the run left that was killed. */
status proof_forget(struct store *lake, const char *run_id, struct err *err) MUST_USE;

/* E_CONFLICT, by name: another version of the program, another contract, another lake. E_USAGE: not a proof. */
status proof_check(const struct workload_list *known, struct store *lake, struct str proof, struct err *err) MUST_USE;

#endif
