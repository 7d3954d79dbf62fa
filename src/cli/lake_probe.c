/* cli/lake_probe.c: can this store hold a lake? Leaves nothing behind. */
#include "cli/lake_probe.h"

static status probe_put(struct store *lake, const char *key, struct err *err)
{
	TRY(store_put(lake, key, "probe", 5, err));
	const status other = store_put_if_absent(lake, key, "other", 5, err);
	if (other == OK) return fail(err, E_IO, "put-if-absent replaced an object: this store can't hold a lake");
	if (other != E_EXISTS) return other;
	err_clear(err);
	return OK;
}

static status probe_get(struct store *lake, const char *key, struct err *err)
{
	struct buf back;
	buf_init(&back, 1024);
	status code = store_get(lake, key, &back, err);
	if (code == OK && !str_is((struct str){(const char *)back.p, back.n}, "probe"))
		code = fail(err, E_CORRUPT, "an object came back with other bytes");
	buf_deinit(&back);
	return code;
}

status lake_probe(struct store *lake, struct err *err)
{
	static const char key[] = ".pqr-doctor/probe";
	const status put = probe_put(lake, key, err);
	const status code = put == OK ? probe_get(lake, key, err) : put;
	const status deleted = store_delete(lake, key, code == OK ? err : NULL);
	return code != OK ? code : deleted;
}
