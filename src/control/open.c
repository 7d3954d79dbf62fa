/* control/open.c: a control plane by its URI. The one file that knows both backends. */
#include "base/alloc.h"
#include "control/control_int.h"

static status open_sqlite(const char *uri, bool look, struct control **out, char **place, struct err *err)
{
	const char *path = uri + 7;
	if (*path == '\0') return fail(err, E_USAGE, "control plane %s: expected sqlite:<path>", uri);
	if (strncmp(path, "///", 3) == 0) path += 2; /* sqlite:///absolute */
	TRY(control_sqlite_open(path, look, out, err));
	*place = mem_strdup(uri);
	return OK;
}

static status open_plane(const char *uri, bool look, struct control **out, struct err *err)
{
	struct control *c = NULL;
	char *place = NULL;
	const bool postgres = strncmp(uri, "postgresql:", 11) == 0 || strncmp(uri, "postgres:", 9) == 0;
	if (!postgres && strncmp(uri, "sqlite:", 7) != 0)
		return fail(err, E_USAGE,
			"control plane %.*s: expected sqlite:<path> or postgresql://user@host:port/database",
			(int)strcspn(uri, ":"), uri); /* what follows may hold a password */
	TRY(postgres ? control_postgres_open(uri, &c, &place, err) : open_sqlite(uri, look, &c, &place, err));
	c->uri = place;
	c->source = mem_strdup(uri);
	if (c->uri == NULL || c->source == NULL) {
		control_close(c);
		return fail_nomem(err);
	}
	*out = c;
	return OK;
}

status control_open(const char *uri, struct control **out, struct err *err)
{
	return open_plane(uri, false, out, err);
}

status control_open_to_look(const char *uri, struct control **out, struct err *err)
{
	return open_plane(uri, true, out, err);
}
