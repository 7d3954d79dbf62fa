/* Counts by window into PostgreSQL, on a server of this test's own; answers that get lost between the server and a member. */
#include "../postgres_server.h"
#include "realtime_cases.h"

#include <sys/poll.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <sys/un.h>

static int databases;

static void base_make(struct base *b)
{
	char sql[400];
	*b = (struct base){0};
	(void)snprintf(b->name, sizeof b->name, "t%d", ++databases);
	(void)snprintf(sql, sizeof sql, "CREATE DATABASE %s", b->name);
	server_sql("postgres", sql);
	(void)snprintf(b->uri, sizeof b->uri, "postgresql://postgres@/%s?host=%s", b->name, server_dir);
}

static void base_erase(struct base *b)
{
	char sql[400];
	(void)snprintf(sql, sizeof sql, "DROP DATABASE %s WITH (FORCE)", b->name);
	server_sql("postgres", sql);
}

static void base_value_is(const struct base *b, const char *sql, const char *want)
{
	char got[256];
	server_sql_get(b->name, sql, got, sizeof got);
	if (strcmp(got, want) != 0) fail_msg("%s: %s, expected %s", sql, got, want);
}

/* ---- a proxy that loses an answer ------------------------------------------------------------------------------------------ */

/* One connection at a time, from a socket of its own to the server's. What the server says for the cut-th time is not handed on: both
 * sides are closed. The member connects again, and nothing more is lost. */
struct proxy {
	char dir[64];
	int listener;
	pthread_t thread;
	int cut; /* counts down */
	_Atomic bool stop;
};

static int unix_socket(const char *dir, struct sockaddr_un *at)
{
	*at = (struct sockaddr_un){.sun_family = AF_UNIX};
	(void)snprintf(at->sun_path, sizeof at->sun_path, "%.60s/.s.PGSQL.5432", dir);
	return socket(AF_UNIX, SOCK_STREAM, 0);
}

static bool hand_on(int from, int to)
{
	char bytes[65536];
	const ssize_t n = read(from, bytes, sizeof bytes);
	return n > 0 && write(to, bytes, (size_t)n) == n;
}

static void serve(struct proxy *p, int client, int server)
{
	struct pollfd fds[] = {{.fd = client, .events = POLLIN}, {.fd = server, .events = POLLIN}};
	while (poll(fds, 2, -1) > 0) {
		if (fds[0].revents != 0 && !hand_on(client, server)) return;
		if (fds[1].revents == 0) continue;
		if (p->cut >= 0 && p->cut-- == 0) return;
		if (!hand_on(server, client)) return;
	}
}

static void *proxy_main(void *arg)
{
	struct proxy *p = arg;
	struct sockaddr_un at;
	for (;;) {
		const int client = accept(p->listener, NULL, NULL);
		if (client < 0 || p->stop) return NULL;
		const int server = unix_socket(server_dir, &at);
		if (connect(server, (const struct sockaddr *)&at, sizeof at) == 0) serve(p, client, server);
		(void)close(client);
		(void)close(server);
	}
}

static void proxy_open(struct proxy *p, struct base *b, int cut)
{
	struct sockaddr_un at;
	*p = (struct proxy){.cut = cut};
	(void)check_tmpdir(p->dir);
	p->listener = unix_socket(p->dir, &at);
	assert_int_equal(bind(p->listener, (const struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(p->listener, 4), 0);
	assert_int_equal(pthread_create(&p->thread, NULL, proxy_main, p), 0);
	(void)snprintf(b->uri, sizeof b->uri, "postgresql://postgres@/%s?host=%s", b->name, p->dir);
}

static void proxy_close(struct proxy *p)
{
	struct sockaddr_un at;
	const int knock = unix_socket(p->dir, &at);
	p->stop = true;
	(void)connect(knock, (const struct sockaddr *)&at, sizeof at);
	assert_int_equal(pthread_join(p->thread, NULL), 0);
	(void)close(knock);
	(void)close(p->listener);
	check_rmdir(p->dir);
}

/* Each answer of the server to a member, that to COMMIT among them, lost once; until one run has fewer. How many there are is not always the
 * same: two may come in one piece. */
static void test_lost_answers(void **state)
{
	(void)state;
	struct base b;
	struct member m;
	int lost = 0;
	base_make(&b);
	member_open(&b, &m, "t"); /* schemas and tables are there */
	member_close(&m);
	for (bool all = false; !all;) {
		struct proxy p;
		server_sql(b.name, "TRUNCATE realtime.offsets, realtime.late_events, realtime.logins");
		proxy_open(&p, &b, lost);
		CHECK_OK(&b.err, sql_open(b.uri, &m.c, &b.err));
		member_init(&m, "t");
		CHECK_OK(&b.err, realtime_init(&m.r, &b.err));
		CHECK_OK(&b.err, go_on(&m, &b.err));
		member_close(&m);
		proxy_close(&p);
		counts_are_whole(&b);
		all = p.cut >= 0;
		lost += !all;
	}
	assert_true(lost > 20);
	base_erase(&b);
}

/* BI tools read the tables; users of the API have no right to any of them. */
static void test_rights(void **state)
{
	(void)state;
	struct base b;
	struct member m;
	base_make(&b);
	member_open(&b, &m, "t");
	base_value_is(&b,
		"SELECT string_agg(r || ' ' || t || ' ' || has_table_privilege(r, t, 'SELECT') || ' ' || "
		"has_table_privilege(r, t, 'UPDATE'), ', ' ORDER BY r, t) FROM unnest(ARRAY['authenticated', 'pqr_bi', "
		"'pqr_etl']) r, unnest(ARRAY['realtime.logins', 'realtime.late_events']) t",
		"authenticated realtime.late_events false false, authenticated realtime.logins false false, "
		"pqr_bi realtime.late_events true false, pqr_bi realtime.logins true false, "
		"pqr_etl realtime.late_events true true, pqr_etl realtime.logins true true");
	member_close(&m);
	base_erase(&b);
}

static const struct CMUnitTest own_tests[] = {
	cmocka_unit_test(test_lost_answers),
	cmocka_unit_test(test_rights),
};

int main(void)
{
	(void)setenv("TMPDIR", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp", 0); /* syncs cost nothing there */
	(void)check_tmpdir(server_dir);
	const int rc = server("start", "");
	if (rc != 0) {
		check_rmdir(server_dir);
		return rc == 77 ? 0 : 1; /* the script has said SKIPPED and why */
	}
	int failed = cmocka_run_group_tests_name("realtime in PostgreSQL", realtime_tests, NULL, NULL);
	failed += cmocka_run_group_tests_name("PostgreSQL", own_tests, NULL, NULL);
	const int stopped = server("stop", "");
	check_rmdir(server_dir);
	return failed != 0 || stopped != 0;
}
