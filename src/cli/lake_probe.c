/* cli/lake_probe.c: can this store hold a lake? Leaves nothing behind. */
#include "cli/lake_probe.h"

status lake_probe(struct store *lake, struct err *err)
{
	static const char key[] = ".pqr-doctor/probe";
	struct buf back;
	buf_init(&back, 1024);
	status code = store_put(lake, key, "probe", 5, err);
	if (code == OK) {
		const status other = store_put_if_absent(lake, key, "other", 5, err);
		if (other == OK)
			code = fail(err, E_IO, "put-if-absent replaced an object: this store can't hold a lake");
		else if (other != E_EXISTS)
			code = other;
		else
			err_clear(err);
	}
	if (code == OK) code = store_get(lake, key, &back, err);
	if (code == OK && (back.n != 5 || memcmp(back.p, "probe", 5) != 0))
		code = fail(err, E_CORRUPT, "an object came back with other bytes");
	const status deleted = store_delete(lake, key, code == OK ? err : NULL);
	buf_deinit(&back);
	return code != OK ? code : deleted;
}
