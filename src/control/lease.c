/* control/lease.c: who may write into a run: how a holder is named, how it is told whether it still lives, and how it is kept.
 *
 * A holder that can't be looked at from here counts as alive: only its lease's end frees the run.
 *
 * The fence: a transaction that writes into a run locks the run's lease row against a change of its key before it writes. Who takes
 * the lease over locks it for update, and so waits for such a transaction or is seen by it. The heartbeat's update of `expires`, which
 * is no key, goes past both: a publication that takes long does not lose its lease. (SQLite has one writer at a time.)
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/process.h"
#include "base/time.h"
#include "control/control_int.h"

enum { STAT_BYTES_MAX = 1024 };

/* Start time of a process in clock ticks since boot: field 22 of /proc/<pid>/stat, proc(5); 0 = no such process, one that
 * ended and was not waited for, or no /proc.
 * The second field is the command in parentheses and may itself hold spaces and parentheses: count from the last ')'. */
static uint64_t process_start(int64_t pid)
{
	char path[64];
	char text[STAT_BYTES_MAX];
	(void)snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL) return 0;
	const size_t n = fread(text, 1, sizeof text - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	const char *p = strrchr(text, ')');
	if (p != NULL && (strncmp(p, ") Z", 3) == 0 || strncmp(p, ") X", 3) == 0)) return 0;
	for (int field = 2; p != NULL && field < 22; field++) p = strchr(p + 1, ' ');
	return p != NULL ? strtoull(p + 1, NULL, 10) : 0;
}

void control_lease_init(struct control_lease *l, const char *run_id)
{
	char host[PROCESS_HOST_MAX], space[PROCESS_NAME_SPACE_MAX];
	uint8_t random[UUID_BYTES];
	char hex[2 * 8 + 1];
	*l = (struct control_lease){.pid = getpid()};
	(void)snprintf(l->run_id, sizeof l->run_id, "%s", run_id);
	process_host(host);
	(void)snprintf(l->host, sizeof l->host, "%.*s", (int)sizeof l->host - 1, host);
	process_name_space(space);
	uuid_random(random);
	hex_encode(random, 8, hex);
	(void)snprintf(l->owner, sizeof l->owner, "%s:%lld:%s/%llu/%s", l->host, (long long)l->pid, space,
		(unsigned long long)process_start(l->pid), hex);
}

bool control_lease_alive(const struct control_lease *holder)
{
	struct control_lease me;
	char prefix[LEASE_OWNER_MAX];
	char space[PROCESS_NAME_SPACE_MAX];
	control_lease_init(&me, holder->run_id);
	if (strcmp(me.host, holder->host) != 0) return true;
	process_name_space(space);
	const int n = snprintf(prefix, sizeof prefix, "%s:%lld:%s/", holder->host, (long long)holder->pid, space);
	if (n < 0 || (size_t)n >= sizeof prefix || strncmp(holder->owner, prefix, (size_t)n) != 0) return true;
	if (kill((pid_t)holder->pid, 0) != 0 && errno == ESRCH) return false;
	/* The pid lives, but is it still that process? */
	return process_start(holder->pid) == strtoull(holder->owner + n, NULL, 10);
}

/* What the lease is of: a run, by its id, or something else, whose kind stands in the name ("schedule:nightly"). */
static const char *kind_of(const struct control_lease *l)
{
	return strchr(l->run_id, ':') == NULL ? "run " : "";
}

status control_lease_refuse(const struct control_lease *holder, struct err *err)
{
	char since[TIME_RFC3339_CHARS];
	char until[TIME_RFC3339_CHARS];
	time_format(holder->since, since);
	time_format(holder->expires, until);
	return fail(err, E_BUSY,
		"%s%s is held by process %lld on %s since %.19sZ (its lease ends at %.19sZ unless renewed); wait for "
		"it, or stop it",
		kind_of(holder), holder->run_id, (long long)holder->pid, holder->host, since, until);
}

/* ---- in the database --------------------------------------------------------------------------------------------- */

struct held {
	struct control_lease lease;
	bool found;
};

static void copy_text(char *dst, size_t size, struct str s)
{
	(void)snprintf(dst, size, "%.*s", (int)s.n, s.p != NULL ? s.p : "");
}

static status held_row(void *arg, const struct sql_row *row, struct err *err)
{
	struct held *h = arg;
	(void)err;
	h->found = true;
	copy_text(h->lease.run_id, sizeof h->lease.run_id, sql_col_str(row, 0));
	copy_text(h->lease.owner, sizeof h->lease.owner, sql_col_str(row, 1));
	copy_text(h->lease.host, sizeof h->lease.host, sql_col_str(row, 2));
	h->lease.pid = sql_col_i64(row, 3, 0);
	h->lease.since = sql_col_i64(row, 4, 0);
	h->lease.expires = sql_col_i64(row, 5, 0);
	return OK;
}

static status lease_find(struct sql_conn *c, const char *run_id, const char *lock, struct held *out, struct err *err)
{
	char sql[160];
	const struct sql_arg args[] = {sql_text(run_id)};
	const struct sql_stmt q = {sql, args, 1};
	(void)snprintf(sql, sizeof sql,
		"SELECT run_id, owner, host, pid, since, expires FROM meta.leases WHERE run_id = $1%s", lock);
	*out = (struct held){0};
	return sql_each(c, &q, held_row, out, err);
}

status control_lease_check(struct sql_conn *c, const struct control_lease *l, struct err *err)
{
	struct held h;
	ASSERT(c->ops->in_transaction(c)); /* what is found must stand until what relies on it is committed */
	TRY(lease_find(c, l->run_id, c->ops->dialect.for_key_share, &h, err));
	if (!h.found)
		return fail(err, E_BUSY, "the lease of run %s is gone: another process took the run over and finished",
			l->run_id);
	if (strcmp(h.lease.owner, l->owner) != 0) return control_lease_refuse(&h.lease, err);
	return OK;
}

struct lease_body {
	const struct control_lease *lease;
	sql_body body;
	void *arg;
};

static status under_lease(struct sql_conn *c, void *arg, struct err *err)
{
	const struct lease_body *b = arg;
	TRY(control_lease_check(c, b->lease, err));
	return b->body(c, b->arg, err);
}

status control_lease_transact(
	struct control *c, const struct control_lease *l, sql_body body, void *arg, struct err *err)
{
	struct lease_body b = {l, body, arg};
	return control_transact(c, SQL_DURABLE, under_lease, &b, err);
}

struct lease_call {
	struct control_lease *lease;
	int64_t now;
};

static status lease_write(
	struct sql_conn *c, const char *sql, const struct control_lease *l, int64_t *changed, struct err *err)
{
	const struct sql_arg args[] = {sql_text(l->run_id), sql_text(l->owner), sql_text(l->host), sql_int(l->pid),
		sql_int(l->since), sql_int(l->expires)};
	return c->ops->run(c, &(struct sql_stmt){sql, args, 6}, changed, err);
}

/* INSERT first: it waits for another that inserts the same, and then finds its row. */
static status acquire(struct sql_conn *c, void *arg, struct err *err)
{
	const struct lease_call *call = arg;
	struct control_lease *l = call->lease;
	struct held h;
	int64_t inserted = 0;
	l->since = call->now;
	l->expires = call->now + LEASE_TTL_US;
	TRY(lease_write(c,
		"INSERT INTO meta.leases (run_id, owner, host, pid, since, expires) VALUES ($1, $2, $3, $4, $5, $6) "
		"ON CONFLICT DO NOTHING",
		l, &inserted, err));
	if (inserted == 1) return OK;
	TRY(lease_find(c, l->run_id, c->ops->dialect.for_update, &h, err));
	if (!h.found)
		return fail(err, E_CONFLICT, "the lease of run %s was given up meanwhile", l->run_id); /* once more */
	const bool mine = strcmp(h.lease.owner, l->owner) == 0;
	if (!mine && h.lease.expires > call->now && control_lease_alive(&h.lease))
		return control_lease_refuse(&h.lease, err);
	if (mine) l->since = h.lease.since;
	return lease_write(c,
		"UPDATE meta.leases SET owner = $2, host = $3, pid = $4, since = $5, expires = $6 WHERE run_id = $1", l,
		NULL, err);
}

status control_lease_acquire(struct control *c, struct control_lease *l, int64_t now, struct err *err)
{
	struct lease_call call = {l, now};
	return control_transact(c, SQL_DURABLE, acquire, &call, err);
}

status control_lease_extend(struct sql_conn *c, const struct control_lease *l, int64_t now, struct err *err)
{
	const struct sql_arg args[] = {sql_int(now + LEASE_TTL_US), sql_text(l->run_id)};
	return sql_exec(c, "UPDATE meta.leases SET expires = $1 WHERE run_id = $2", args, 2, err);
}

static status renew(struct sql_conn *c, void *arg, struct err *err)
{
	const struct lease_call *call = arg;
	return control_lease_extend(c, call->lease, call->now, err);
}

status control_lease_renew(struct control *c, struct control_lease *l, int64_t now, struct err *err)
{
	struct lease_call call = {l, now};
	TRY(control_lease_transact(c, l, renew, &call, err));
	l->expires = now + LEASE_TTL_US;
	return OK;
}

static status release(struct sql_conn *c, void *arg, struct err *err)
{
	const struct control_lease *l = arg;
	const struct sql_arg args[] = {sql_text(l->run_id), sql_text(l->owner)};
	return sql_exec(c, "DELETE FROM meta.leases WHERE run_id = $1 AND owner = $2", args, 2, err);
}

status control_lease_release(struct control *c, const struct control_lease *l, struct err *err)
{
	struct control_lease copy = *l;
	return control_transact(c, SQL_DURABLE, release, &copy, err);
}
