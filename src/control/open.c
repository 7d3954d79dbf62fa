/* control/open.c: a control plane by its URI. The one file that knows both backends. */
#include "base/alloc.h"
#include "control/control_int.h"

static status connect_sqlite(
	const char *uri, bool look, const struct control_ops **ops, struct sql_conn **out, struct err *err)
{
	const char *path = uri + 7;
	if (*path == '\0') return fail(err, E_USAGE, "control plane %s: expected sqlite:<path>", uri);
	if (strncmp(path, "///", 3) == 0) path += 2; /* sqlite:///absolute */
	return control_sqlite_open(path, look, ops, out, err);
}

static bool is_postgres(const char *uri)
{
	return strncmp(uri, "postgresql:", 11) == 0 || strncmp(uri, "postgres:", 9) == 0;
}

static status connect_uri(
	const char *uri, bool look, const struct control_ops **ops, struct sql_conn **out, struct err *err)
{
	if (is_postgres(uri)) return control_postgres_open(uri, ops, out, err);
	if (strncmp(uri, "sqlite:", 7) == 0) return connect_sqlite(uri, look, ops, out, err);
	return fail(err, E_USAGE, "control plane %.*s: expected sqlite:<path> or postgresql://user@host:port/database",
		(int)strcspn(uri, ":"), uri); /* what follows may hold a password */
}

status sql_open(const char *uri, struct sql_conn **out, struct err *err)
{
	const struct control_ops *ops = NULL;
	return connect_uri(uri, false, &ops, out, err);
}

static status connect_plane(struct control *c, const char *uri, bool look, struct err *err)
{
	TRY(connect_uri(uri, look, &c->ops, &c->conn, err));
	c->uri = mem_strdup(is_postgres(uri) ? c->conn->ops->place(c->conn) : uri);
	c->source = mem_strdup(uri);
	return c->uri != NULL && c->source != NULL ? OK : fail_nomem(err);
}

/* A call-back that called back would wait for itself for ever, or begin the statement that calls it anew: control.c's lock tells. */
static void make_lock(struct control *c)
{
	pthread_mutexattr_t a;
	(void)pthread_mutexattr_init(&a);
	(void)pthread_mutexattr_settype(&a, PTHREAD_MUTEX_ERRORCHECK);
	(void)pthread_mutex_init(&c->lock, &a);
	(void)pthread_mutexattr_destroy(&a);
}

static status open_plane(const char *uri, bool look, struct control **out, struct err *err)
{
	struct control *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	make_lock(c);
	const status code = connect_plane(c, uri, look, err);
	if (code == OK)
		*out = c;
	else
		control_close(c);
	return code;
}

status control_open(const char *uri, struct control **out, struct err *err)
{
	return open_plane(uri, false, out, err);
}

status control_open_to_look(const char *uri, struct control **out, struct err *err)
{
	return open_plane(uri, true, out, err);
}
