/* control/postgres_connection.c: the one connection of a control plane in PostgreSQL: made, lost and made again; statements,
 * their results, and COPY. Every wait polls the socket, so that a stop of the process can cancel what the server is doing. */
#include <libpq-fe.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "control/postgres_int.h"

enum {
	POLL_MS = 50,
	CANCEL_AGAIN_LOOKS = 10,     /* half a second */
	CONNECT_SECONDS = 10,        /* unless connect_timeout or PGCONNECT_TIMEOUT says otherwise */
	SERVER_VERSION_MIN = 150000, /* views WITH (security_invoker) */
	PAUSE_FIRST_MS = 200,
	PAUSE_MAX_MS = 3200,
};

/* What a session needs: names are qualified, times are UTC, and a process that was stopped in a transaction must not keep its
 * lease's row, or the publisher's lock, for ever. */
static const char session_sql[] =
	"SET client_min_messages = warning; SET search_path = pg_catalog; SET TimeZone = 'UTC'; SET DateStyle = 'ISO, "
	"YMD';"
	"SET standard_conforming_strings = on; SET extra_float_digits = 1; SET lock_timeout = '30s';"
	"SET idle_in_transaction_session_timeout = '60s'";

bool postgres_in_transaction(const struct control_postgres *s)
{
	return s->pg != NULL && PQtransactionStatus(s->pg) == PQTRANS_INTRANS;
}

bool postgres_lost(const struct control_postgres *s)
{
	return s->pg == NULL || PQstatus(s->pg) != CONNECTION_OK;
}

void postgres_disconnect(struct control_postgres *s)
{
	if (s->pg != NULL) PQfinish(s->pg);
	s->pg = NULL;
}

/* ---- connecting -------------------------------------------------------------------------------------------------- */

static void on_notice(void *arg, const PGresult *r)
{
	const struct control_postgres *s = arg;
	const char *text = PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY);
	log_line(LOG_WARN, "PostgreSQL warns", "server", s->place != NULL ? s->place : "", "message",
		text != NULL ? text : "", NULL);
}

static int64_t timeout_us(PGconn *pg)
{
	long seconds = 0;
	PQconninfoOption *all = PQconninfo(pg);
	for (const PQconninfoOption *o = all; o != NULL && o->keyword != NULL; o++) {
		if (strcmp(o->keyword, "connect_timeout") == 0 && o->val != NULL) seconds = strtol(o->val, NULL, 10);
	}
	PQconninfoFree(all);
	return (seconds > 0 ? seconds : CONNECT_SECONDS) * US_PER_SECOND;
}

/* Until it stands or failed. A name is looked up within PQconnectStart, which may block. */
static bool finish_connecting(struct control_postgres *s)
{
	const int64_t deadline = time_mono_us() + timeout_us(s->pg);
	PostgresPollingStatusType step = PGRES_POLLING_WRITING;
	while (step != PGRES_POLLING_OK && step != PGRES_POLLING_FAILED) {
		struct pollfd fd = {.fd = PQsocket(s->pg), .events = step == PGRES_POLLING_READING ? POLLIN : POLLOUT};
		const int ready = poll(&fd, 1, POLL_MS);
		if (ready == 0 && time_mono_us() > deadline) return false;
		if (ready > 0) step = PQconnectPoll(s->pg);
	}
	return step == PGRES_POLLING_OK;
}

/* postgresql://user@host:port/database */
static status name_place(struct control_postgres *s, struct err *err)
{
	struct buf b;
	const char *host = PQhost(s->pg);
	buf_init(&b, 4096);
	buf_str(&b, "postgresql://");
	buf_percent(&b, str_of(PQuser(s->pg)), "");
	buf_char(&b, '@');
	buf_percent(&b, str_of(host != NULL ? host : ""), "");
	buf_printf(&b, ":%s/", PQport(s->pg));
	buf_percent(&b, str_of(PQdb(s->pg)), "");
	const status code = buf_check(&b, err);
	if (code == OK) {
		mem_free(s->place);
		s->place = mem_strndup((const char *)b.p, b.n);
	}
	buf_deinit(&b);
	return code == OK && s->place == NULL ? fail_nomem(err) : code;
}

static status check_server(struct control_postgres *s, struct err *err)
{
	const char *encoding = PQparameterStatus(s->pg, "server_encoding");
	const int version = PQserverVersion(s->pg);
	if (version < SERVER_VERSION_MIN)
		return fail(err, E_UNSUPPORTED, "unsupported: %s runs PostgreSQL %d; this program needs 15 or newer",
			s->place, version / 10000);
	if (encoding == NULL || strcmp(encoding, "UTF8") != 0)
		return fail(err, E_UNSUPPORTED,
			"unsupported: database %s has encoding %s; make one with encoding UTF8, from template0",
			s->place, encoding != NULL ? encoding : "unknown");
	return OK;
}

static status out_of_reach(struct control_postgres *s, struct err *err)
{
	const bool bad = PQstatus(s->pg) == CONNECTION_BAD;
	return postgres_connect_error(
		s, bad ? PQerrorMessage(s->pg) : "timeout", PQconnectionNeedsPassword(s->pg) == 1, err);
}

static status session_begin(struct control_postgres *s, struct err *err)
{
	if (PQstatus(s->pg) == CONNECTION_BAD) return out_of_reach(s, err);
	TRY(name_place(s, err));
	if (!finish_connecting(s)) return out_of_reach(s, err);
	TRY(name_place(s, err)); /* of several hosts, the one that answered */
	TRY(check_server(s, err));
	return postgres_exec(s, session_sql, NULL, NULL, err);
}

static status connect_once(struct control_postgres *s, struct err *err)
{
	/* What stands before dbname is a default; what stands after it overrides the URI. */
	const char *keys[] = {"fallback_application_name", "keepalives_idle", "keepalives_interval", "keepalives_count",
		"tcp_user_timeout", "dbname", "client_encoding", NULL};
	const char *values[] = {"pqr", "15", "5", "3", "30000", s->conninfo, "UTF8", NULL};
	postgres_disconnect(s);
	s->pg = PQconnectStartParams(keys, values, 1);
	if (s->pg == NULL) return fail_nomem(err);
	(void)PQsetErrorVerbosity(s->pg, PQERRORS_VERBOSE); /* else a refused connection comes without its SQLSTATE */
	(void)PQsetNoticeReceiver(s->pg, on_notice, s);
	const status code = session_begin(s, err);
	if (code != OK) postgres_disconnect(s);
	return code;
}

status postgres_pause(int k, struct err *err)
{
	const bool asked = cancel_requested(); /* already: what ends a run is still recorded */
	int64_t ms = PAUSE_FIRST_MS;
	for (int i = 1; i < k && ms < PAUSE_MAX_MS; i++) ms *= 2;
	const int64_t end = time_mono_us() + (asked ? PAUSE_FIRST_MS : ms) * 1000;
	while (time_mono_us() < end) {
		(void)nanosleep(&(struct timespec){.tv_nsec = POLL_MS * 1000000L}, NULL);
		if (!asked) TRY(cancel_check(err));
	}
	return OK;
}

/* The library's own message may repeat what stands in the URI: a password too. */
status postgres_check_uri(const char *uri, struct err *err)
{
	char *why = NULL;
	PQconninfoOption *options = PQconninfoParse(uri, &why);
	const bool ok = options != NULL;
	PQconninfoFree(options);
	PQfreemem(why);
	return ok ? OK
		  : fail(err, E_USAGE,
			    "control plane: not a PostgreSQL URI; expected "
			    "postgresql://user@host:port/database?option=value (a "
			    "password's @ : / %% are written %%40 %%3A %%2F %%25)");
}

status postgres_connect(struct control_postgres *s, int attempts, struct err *err)
{
	const bool asked = cancel_requested(); /* to stop: a stop that comes meanwhile ends it */
	for (int k = 1;; k++) {
		const status code = connect_once(s, err);
		if (code != E_UNREACHABLE || k >= attempts) return code;
		if (!asked) TRY(cancel_check(err));
		TRY(postgres_pause(k, err));
	}
}

/* ---- waiting ----------------------------------------------------------------------------------------------------- */

static void cancel_statement(PGconn *pg)
{
	char why[256];
	PGcancel *cancel = PQgetCancel(pg);
	if (cancel == NULL) return;
	if (PQcancel(cancel, why, sizeof why) == 0)
		log_line(LOG_DEBUG, "cannot cancel the statement", "error", why, NULL);
	PQfreeCancel(cancel);
}

/* The next result, or NULL after the last. A server forgets a cancellation that comes before a statement's work has begun (it is
 * parsed, say), so it is told again as long as the statement goes on. */
static PGresult *next_result(struct control_postgres *s, bool *cancelled)
{
	for (int looks = 0; PQisBusy(s->pg); looks++) {
		struct pollfd fd = {.fd = PQsocket(s->pg), .events = POLLIN};
		const int ready = poll(&fd, 1, POLL_MS);
		if (s->poll_cancel && cancel_requested() && (!*cancelled || looks >= CANCEL_AGAIN_LOOKS)) {
			*cancelled = true;
			cancel_statement(s->pg);
			looks = 0;
		}
		if (ready > 0 && PQconsumeInput(s->pg) == 0) break;
	}
	return PQgetResult(s->pg);
}

static status failed(struct control_postgres *s, const PGresult *r, const char *what, struct err *err)
{
	struct postgres_problem p = {0};
	const char *state = r != NULL ? PQresultErrorField(r, PG_DIAG_SQLSTATE) : NULL;
	const char *text = r != NULL ? PQresultErrorField(r, PG_DIAG_MESSAGE_PRIMARY) : NULL;
	if (text == NULL) text = PQerrorMessage(s->pg);
	(void)snprintf(p.state, sizeof p.state, "%s", state != NULL ? state : "");
	(void)snprintf(p.message, sizeof p.message, "%s", text);
	return postgres_error(s, &p, what, err);
}

static bool is_failure(const PGresult *r)
{
	const ExecStatusType t = PQresultStatus(r);
	return t == PGRES_FATAL_ERROR || t == PGRES_BAD_RESPONSE;
}

/* All results of what was sent; the last one, or the first failure, is kept. */
static status collect(struct control_postgres *s, PGresult **out, struct err *err)
{
	PGresult *kept = NULL;
	bool cancelled = false;
	for (PGresult *r; (r = next_result(s, &cancelled)) != NULL;) {
		if (kept != NULL && is_failure(kept)) {
			PQclear(r);
			continue;
		}
		PQclear(kept);
		kept = r;
		if (PQresultStatus(r) == PGRES_COPY_IN) break; /* the caller goes on */
	}
	if (kept == NULL || is_failure(kept)) {
		const status code = failed(s, kept, "statement", err);
		PQclear(kept);
		return code;
	}
	*out = kept;
	return OK;
}

static status send(struct control_postgres *s, const char *sql, const struct postgres_args *a, struct err *err)
{
	if (postgres_lost(s)) return fail(err, E_UNREACHABLE, "the connection to %s is lost", s->place);
	if (s->poll_cancel) TRY(cancel_check(err));
	if (a != NULL && a->failed) return fail_nomem(err);
	const int sent = a == NULL ? PQsendQuery(s->pg, sql)
				   : PQsendQueryParams(s->pg, sql, a->n, NULL, a->value, a->length, a->format, 0);
	return sent == 1 ? OK : failed(s, NULL, "statement", err);
}

status postgres_exec(struct control_postgres *s, const char *sql, const struct postgres_args *args,
	struct pg_result **out, struct err *err)
{
	PGresult *r = NULL;
	TRY(send(s, sql, args, err));
	TRY(collect(s, &r, err));
	if (out != NULL)
		*out = r;
	else
		PQclear(r);
	return OK;
}

status postgres_run(
	struct control_postgres *s, const char *sql, struct postgres_args *args, int64_t *changed, struct err *err)
{
	PGresult *r = NULL;
	const status code = postgres_exec(s, sql, args, &r, err);
	if (code == OK && changed != NULL) *changed = strtoll(PQcmdTuples(r), NULL, 10);
	PQclear(r);
	if (args != NULL) postgres_args_deinit(args);
	return code;
}

/* ---- rows one at a time: control_query --------------------------------------------------------------------------- */

/* pg_type.dat: fixed since PostgreSQL 6 */
enum {
	OID_BOOL = 16,
	OID_INT8 = 20,
	OID_INT2 = 21,
	OID_INT4 = 23,
	OID_TEXT = 25,
	OID_FLOAT4 = 700,
	OID_FLOAT8 = 701,
	OID_TIMESTAMPTZ = 1184,
	OID_NUMERIC = 1700
};

/* As SQLite would give it: whole numbers as such whatever their type, truth as 0 and 1, times as RFC 3339. */
static void value_of(const PGresult *r, int i, char *room, struct control_value *v)
{
	*v = (struct control_value){.name = PQfname(r, i), .text = postgres_str(r, 0, i)};
	if (v->text.p == NULL) return;
	const char *text = v->text.p;
	char *end = NULL;
	int64_t us;
	v->kind = CONTROL_TEXT;
	switch (PQftype(r, i)) {
	case OID_BOOL:
		v->kind = CONTROL_INT;
		v->i = text[0] == 't';
		break;
	case OID_INT2:
	case OID_INT4:
	case OID_INT8:
		v->kind = CONTROL_INT;
		v->i = strtoll(text, NULL, 10);
		break;
	case OID_NUMERIC:
		v->i = strtoll(text, &end, 10);
		if (*end == '\0' && v->i != INT64_MAX && v->i != INT64_MIN) v->kind = CONTROL_INT;
		if (*end != '.') break; /* too large: its digits */
		v->kind = CONTROL_REAL;
		v->real = strtod(text, NULL);
		break;
	case OID_FLOAT4:
	case OID_FLOAT8:
		v->kind = CONTROL_REAL;
		v->real = strtod(text, NULL);
		break;
	case OID_TIMESTAMPTZ:
		if (!postgres_time_parse(v->text, &us)) break;
		time_format(us, room);
		v->text = (struct str){room, TIME_RFC3339_CHARS};
		break;
	default: break;
	}
}

static status visit_row(const PGresult *r, struct postgres_rows *rows, struct err *err)
{
	struct control_value values[64];
	char room[64][TIME_RFC3339_CHARS];
	const int n = PQnfields(r);
	if (n > 64) return fail(err, E_LIMIT, "query of %d columns, at most 64", n);
	for (int i = 0; i < n; i++) value_of(r, i, room[i], &values[i]);
	rows->n++;
	return rows->visit(rows->arg, values, (size_t)n, err);
}

static status send_query(struct control_postgres *s, const struct control_select *q, struct err *err)
{
	Oid types[CONTROL_PARAMS_MAX];
	if (q->n_params > CONTROL_PARAMS_MAX)
		return fail(err, E_LIMIT, "query of %zu parameters, at most %d", q->n_params, CONTROL_PARAMS_MAX);
	for (size_t i = 0; i < q->n_params; i++) types[i] = OID_TEXT;
	if (postgres_lost(s)) return fail(err, E_UNREACHABLE, "the connection to %s is lost", s->place);
	if (PQsendQueryParams(s->pg, q->sql, (int)q->n_params, types, q->params, NULL, NULL, 0) != 1)
		return failed(s, NULL, "query", err);
	(void)PQsetSingleRowMode(s->pg);
	return OK;
}

status postgres_each(struct control_postgres *s, struct postgres_rows *rows, struct err *err)
{
	bool cancelled = false;
	TRY(send_query(s, rows->q, err));
	status code = OK;
	for (PGresult *r; (r = next_result(s, &cancelled)) != NULL;) {
		const ExecStatusType t = PQresultStatus(r);
		const bool was_ok = code == OK;
		if (was_ok && is_failure(r))
			code = failed(s, r, "query", err);
		else if (was_ok && t == PGRES_SINGLE_TUPLE)
			code = visit_row(r, rows, err);
		else if (was_ok && t != PGRES_TUPLES_OK)
			code = fail(err, E_USAGE, "query: only a SELECT is allowed");
		PQclear(r);
		if (was_ok && code != OK && !cancelled && t == PGRES_SINGLE_TUPLE) { /* nobody wants the rest */
			cancelled = true;
			cancel_statement(s->pg);
		}
	}
	if (code == OK && postgres_lost(s)) code = fail(err, E_UNREACHABLE, "the connection to %s is lost", s->place);
	return code;
}

/* ---- COPY -------------------------------------------------------------------------------------------------------- */

status postgres_copy_begin(struct control_postgres *s, const char *sql, struct err *err)
{
	PGresult *r = NULL;
	TRY(postgres_exec(s, sql, NULL, &r, err));
	const bool copies = PQresultStatus(r) == PGRES_COPY_IN;
	PQclear(r);
	ASSERT(copies);
	return OK;
}

status postgres_copy_bytes(struct control_postgres *s, const void *p, size_t n, struct err *err)
{
	ASSERT(n <= INT32_MAX);
	if (PQputCopyData(s->pg, p, (int)n) == 1) return OK;
	/* The server may have said why before it closed. */
	PGresult *r = NULL;
	const status code = collect(s, &r, err);
	PQclear(r);
	return code != OK ? code : failed(s, NULL, "COPY", err);
}

status postgres_copy_end(struct control_postgres *s, const char *why, int64_t *rows, struct err *err)
{
	PGresult *r = NULL;
	if (postgres_lost(s)) return fail(err, E_UNREACHABLE, "the connection to %s is lost", s->place);
	if (PQputCopyEnd(s->pg, why) != 1) return failed(s, NULL, "COPY", err);
	TRY(collect(s, &r, err));
	*rows = strtoll(PQcmdTuples(r), NULL, 10);
	PQclear(r);
	return OK;
}

/* ---- results ----------------------------------------------------------------------------------------------------- */

int postgres_rows(const struct pg_result *r)
{
	return PQntuples(r);
}

void postgres_clear(struct pg_result *r)
{
	PQclear(r);
}

struct str postgres_str(const struct pg_result *r, int row, int column)
{
	if (PQgetisnull(r, row, column)) return (struct str){NULL, 0};
	return (struct str){PQgetvalue(r, row, column), (size_t)PQgetlength(r, row, column)};
}

bool postgres_time_parse(struct str text, int64_t *out)
{
	char room[64]; /* 2026-01-31 12:00:00.123456+00 */
	if (text.n < 4 || text.n >= sizeof room || memcmp(text.p + text.n - 3, "+00", 3) != 0) return false;
	memcpy(room, text.p, text.n);
	room[text.n - 3] = 'Z';
	return time_parse((struct str){room, text.n - 2}, out);
}
