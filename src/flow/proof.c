/* flow/proof.c: what a worker has to show before it may run a task. The nonce is no secret: it tells lakes apart, not people. */
#include "flow/proof.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/time.h"
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

struct old {
	struct store *lake;
	int64_t before;
};

static status remove_old(void *arg, const struct store_entry *e, struct err *err)
{
	const struct old *old = arg;
	(void)err;
	if (e->modified_us < old->before) proof_remove(old->lake, e->key);
	return OK;
}

status proof_make(struct store *lake, const struct workload *w, char *key, struct buf *out, struct err *err)
{
	uint8_t random[2][UUID_BYTES];
	char name[2 * UUID_BYTES + 1], nonce[2 * UUID_BYTES + 1], contract[HEX_SHA256_CHARS + 1];
	struct old old = {lake, time_now_us() - US_PER_DAY};
	TRY(contract_hash(w, contract, err));
	for (size_t i = 0; i < 2; i++) uuid_random(random[i]);
	hex_encode(random[0], UUID_BYTES, name);
	hex_encode(random[1], UUID_BYTES, nonce);
	(void)snprintf(key, PROOF_KEY_MAX, PROOF_FOLDER "/%s", name);
	TRY(store_list(lake, PROOF_FOLDER, remove_old, &old, err));
	TRY(store_put(lake, key, nonce, sizeof nonce - 1, err));
	buf_printf(out,
		"{\"contract\":\"%s\",\"key\":\"%s\",\"nonce\":\"%s\",\"version\":\"%s\",\"workload\":", contract, key,
		nonce, PQR_VERSION);
	buf_json_str(out, str_of(w->name));
	buf_char(out, '}');
	return buf_check(out, err);
}

void proof_remove(struct store *lake, const char *key)
{
	if (store_delete(lake, key, NULL) != OK) return;
}

/* ---- on a worker ---------------------------------------------------------------------------------------------------- */

static status read_back(struct store *lake, struct str key, struct str nonce, struct err *err)
{
	struct buf back;
	struct err why;
	err_clear(&why);
	if (key.n <= strlen(PROOF_FOLDER) || strncmp(key.p, PROOF_FOLDER "/", strlen(PROOF_FOLDER) + 1) != 0)
		return fail(err, E_USAGE, "not a proof: its key is %.40s", key.p);
	buf_init(&back, 0);
	const status code = store_get(lake, key.p, &back, &why);
	const bool same = code == OK && str_eq(nonce, (struct str){(const char *)back.p, back.n});
	buf_deinit(&back);
	if (same) return OK;
	if (code != OK && code != E_NOT_FOUND) {
		if (err != NULL) *err = why;
		return code;
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
