/* flow/proof.c: what a worker has to show before it may run a task. The nonce is no secret: it tells lakes apart, not people. */
#include "flow/proof.h"

#include <stdio.h>

#include "base/hash.h"
#include "flow/contract.h"
#include "io/json/json_doc.h"

#define PROOF_FOLDER ".pqr-proof"

static status contract_hash(const struct workload *w, char hex[HEX_SHA256_CHARS + 1], struct err *err)
{
	uint8_t hash[SHA256_BYTES];
	struct buf text;
	buf_init(&text, 0);
	status code = contract_format(w, "delta", &text, err);
	if (code == OK) code = buf_check(&text, err);
	if (code == OK) {
		hash_sha256(text.p, text.n, hash);
		hex_encode(hash, sizeof hash, hex);
	}
	buf_deinit(&text);
	return code;
}

status proof_make(struct store *lake, const struct workload *w, const char *run_id, struct proof *p, struct err *err)
{
	uint8_t random[UUID_BYTES];
	char contract[HEX_SHA256_CHARS + 1];
	TRY(contract_hash(w, contract, err));
	uuid_random(random);
	hex_encode(random, sizeof random, p->nonce);
	(void)snprintf(p->text, sizeof p->text,
		"{\"contract\":\"%s\",\"key\":\"" PROOF_FOLDER
		"/%s\",\"nonce\":\"%s\",\"version\":\"%s\",\"workload\":\"%.64s\"}",
		contract, run_id, p->nonce, PQR_VERSION, w->name);
	(void)snprintf(p->key, sizeof p->key, PROOF_FOLDER "/%s", run_id);
	return store_put(lake, p->key, p->nonce, strlen(p->nonce), err);
}

static bool holds(struct store *lake, const char *key, struct str nonce, struct err *err)
{
	struct buf back;
	buf_init(&back, 0);
	const bool same =
		store_get(lake, key, &back, err) == OK && str_eq(nonce, (struct str){(const char *)back.p, back.n});
	buf_deinit(&back);
	return same;
}

void proof_remove(struct store *lake, const struct proof *p)
{
	if (p->key[0] == '\0' || !holds(lake, p->key, str_of(p->nonce), NULL)) return;
	if (store_delete(lake, p->key, NULL) != OK) return;
}

status proof_forget(struct store *lake, const char *run_id, struct err *err)
{
	char key[64];
	(void)snprintf(key, sizeof key, PROOF_FOLDER "/%s", run_id);
	return store_delete(lake, key, err);
}

/* ---- on a worker ---------------------------------------------------------------------------------------------------- */

static status read_back(struct store *lake, struct str key, struct str nonce, struct err *err)
{
	struct err why;
	err_clear(&why);
	if (key.n <= strlen(PROOF_FOLDER) || strncmp(key.p, PROOF_FOLDER "/", strlen(PROOF_FOLDER) + 1) != 0)
		return fail(err, E_USAGE, "not a proof: its key is %.40s", key.p);
	if (holds(lake, key.p, nonce, &why)) return OK;
	if (why.code != OK && why.code != E_NOT_FOUND) {
		if (err != NULL) *err = why;
		return why.code;
	}
	return fail(err, E_CONFLICT,
		"%s is not the lake of the run here: it lacks what the run wrote there; name a lake that "
		"all machines share",
		store_uri(lake));
}

static status check(
	const struct workload_list *known, struct store *lake, const struct json_node *proof, struct err *err)
{
	struct str contract, key, nonce, version, name;
	const struct workload *w;
	char own[HEX_SHA256_CHARS + 1];
	if (!json_node_str(json_node_get(proof, "contract"), &contract) ||
		!json_node_str(json_node_get(proof, "key"), &key) ||
		!json_node_str(json_node_get(proof, "nonce"), &nonce) ||
		!json_node_str(json_node_get(proof, "version"), &version) ||
		!json_node_str(json_node_get(proof, "workload"), &name))
		return fail(err, E_USAGE, "not a proof: expected contract, key, nonce, version and workload");
	if (!str_is(version, PQR_VERSION))
		return fail(err, E_CONFLICT,
			"libpqr is of version %s here, the run is of %.40s: install the same everywhere", PQR_VERSION,
			version.p);
	TRY(workload_find(known, name, &w, err));
	TRY(contract_hash(w, own, err));
	if (!str_is(contract, own))
		return fail(err, E_CONFLICT,
			"the contract of workload %s is %.12s... here, that of the run %.12s...: install the "
			"same libpqr everywhere",
			w->name, own, contract.p);
	return read_back(lake, key, nonce, err);
}

status proof_check(const struct workload_list *known, struct store *lake, struct str proof, struct err *err)
{
	struct json_doc *doc = NULL;
	TRY(json_doc_parse(proof, &doc, err));
	const status code = check(known, lake, json_doc_root(doc), err);
	json_doc_destroy(doc);
	return code;
}
