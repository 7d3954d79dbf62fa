/* control/postgres_transact.c: bodies in transactions, done again when the connection is lost or another transaction is in the way.
 *
 * A body may run several times: doing it twice is doing it once (postgres_int.h). After POSTGRES_ATTEMPTS_AGAIN attempts in vain to
 * connect the plane is given up: later calls try once. Whose queries have a limit of time waits for one more attempt alone. Must not know what the bodies do.
 */
#include "control/postgres_int.h"

enum { CONFLICTS_MAX = 20, LOST_LIMITED = 2 };

status postgres_transact_end(struct control_postgres *s, postgres_body body, void *arg, struct err *err)
{
	status code = body(s, arg, err);
	const bool poll = s->poll_cancel;
	s->poll_cancel = poll && code == OK;
	if (code == OK) code = postgres_exec(s, "COMMIT", NULL, NULL, err);
	s->poll_cancel = false;
	if (code != OK && !postgres_lost(s) && postgres_exec(s, "ROLLBACK", NULL, NULL, NULL) != OK)
		postgres_disconnect(s);
	s->poll_cancel = poll;
	return code;
}

status postgres_transact_once(struct control_postgres *s, postgres_body body, void *arg, struct err *err)
{
	ASSERT(!s->publishing);
	TRY(postgres_exec(s, POSTGRES_BEGIN, NULL, NULL, err));
	return postgres_transact_end(s, body, arg, err);
}

/* May the body be tried once more? Counts attempts of the two kinds. */
static status again(struct control_postgres *s, status code, int *lost, int *conflicts, struct err *err)
{
	if (code == E_UNREACHABLE) {
		postgres_disconnect(s);
		s->given_up |= ++*lost >= (s->base.query_ms > 0 ? LOST_LIMITED : POSTGRES_ATTEMPTS_AGAIN);
		if (!s->given_up) return postgres_pause(*lost, err);
	}
	if (code == E_CONFLICT && ++*conflicts < CONFLICTS_MAX) return OK;
	return code;
}

static status connected(struct control_postgres *s, struct err *err)
{
	if (!postgres_lost(s)) return OK;
	TRY(postgres_connect(s, 1, err));
	s->given_up = false;
	return OK;
}

status postgres_transact(struct control_postgres *s, postgres_body body, void *arg, struct err *err)
{
	ASSERT(!s->publishing);
	for (int lost = 0, conflicts = 0;;) {
		status code = connected(s, err);
		if (code == OK) code = postgres_transact_once(s, body, arg, err);
		if (code == OK) return OK;
		TRY(again(s, code, &lost, &conflicts, err));
	}
}

status postgres_read(struct control_postgres *s, postgres_body body, void *arg, struct err *err)
{
	ASSERT(!s->publishing);
	for (int lost = 0, conflicts = 0;;) {
		status code = connected(s, err);
		if (code == OK) code = body(s, arg, err);
		if (code == OK) return OK;
		TRY(again(s, code, &lost, &conflicts, err));
	}
}
