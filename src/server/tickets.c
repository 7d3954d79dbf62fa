/* server/tickets.c: cases, out of the relations that their workload registers, and its own explanation of a term. */
#include "server/tickets.h"

#include <stdio.h>

#include "base/hash.h"
#include "server/server_int.h"
#include "server/tables.h"
#include "workloads/registry.h"

status tickets_cases(struct server *s, struct request *r, struct response *out, struct err *err)
{
	const struct relation *cases = relation_find(&s->relations, STR(""), STR("cases"));
	if (cases == NULL) return fail(err, E_NOT_FOUND, "no workload here has cases");
	return tables_answer(s, r, cases, out, err);
}

bool tickets_cases_is_slow(struct server *s, struct request *r)
{
	const struct relation *cases = relation_find(&s->relations, STR(""), STR("cases"));
	(void)r;
	return cases != NULL && tables_relation_is_slow(s, cases);
}

struct part {
	const char *name; /* of the answer's member */
	struct str schema, relation;
	const char *query; /* what follows the ticket's filter */
};

/* Rows of the part whose column has the value, as a JSON array. */
struct whose {
	const char *column;
	struct str value;
	int64_t n_rows; /* that there were */
};
static status add_part(struct server *s, const struct request *asked, const struct part *p, struct whose *whose,
	struct buf *out, struct err *err)
{
	struct request r = *asked;
	struct buf target;
	const struct relation *relation = relation_find(&s->relations, p->schema, p->relation);
	if (relation == NULL) return fail(err, E_NOT_FOUND, "no workload here has tickets");
	buf_init(&target, REQUEST_TARGET_MAX);
	buf_printf(&target, "/?%s=eq.", whose->column);
	buf_percent(&target, whose->value, "");
	buf_str(&target, p->query);
	status code = buf_check(&target, err);
	request_target_set(&r, (struct str){(const char *)target.p, target.n});
	if (code == OK) code = tables_json(s, &r, relation, out, &whose->n_rows, err);
	buf_deinit(&target);
	return code;
}

/* By the number that the program gave it, or the citizen was given. */
static status add_ticket(struct server *s, const struct request *r, struct buf *out, struct err *err)
{
	static const struct part ticket = {"ticket", {"core", 4}, {"tickets", 7}, "&limit=2"};
	uint8_t id[UUID_BYTES];
	const struct str asked = r->captures[0];
	struct whose whose = {uuid_parse(asked, id) ? "ticket_id" : "external_id", asked, 0};
	TRY(add_part(s, r, &ticket, &whose, out, err));
	const int shown = (int)(asked.n < 80 ? asked.n : 80);
	if (whose.n_rows == 0) return fail(err, E_NOT_FOUND, "there is no ticket %.*s", shown, asked.p);
	if (whose.n_rows > 1)
		return fail(err, E_USAGE, "several tickets have the number %.*s: ask by ticket_id", shown, asked.p);
	return OK;
}

/* The one object of an array, without the array. */
static struct str only_row(const struct buf *array)
{
	size_t n = array->n;
	while (n > 0 && array->p[n - 1] != '}') n--;
	return (struct str){(const char *)array->p + 1, n > 0 ? n - 1 : 0};
}

/* "ticket_id":"<uuid>" of a row. */
static status id_of(struct str row, struct str *out, struct err *err)
{
	static const char member[] = "\"ticket_id\":\"";
	const char *at = memmem(row.p, row.n, member, sizeof member - 1);
	if (at == NULL || (size_t)(row.p + row.n - at) < sizeof member - 1 + UUID_CHARS)
		return fail(err, E_CORRUPT, "a ticket's row has no ticket_id");
	*out = (struct str){at + sizeof member - 1, UUID_CHARS};
	return OK;
}

static status add_due(struct server *s, const char *id, struct buf *out, struct err *err)
{
	struct err why;
	const size_t before = out->n;
	err_clear(&why);
	for (size_t i = 0; i < registry_workloads.n; i++) {
		const struct workload *w = registry_workloads.items[i];
		if (w->explain == NULL) continue;
		if (w->explain(s->session->lake, id, true, out, &why) == OK) return buf_check(out, err);
		break;
	}
	out->n = before; /* the figures stand without it */
	buf_str(out, "null");
	return OK;
}

static status show(struct server *s, struct request *r, struct buf *ticket, struct buf *b, struct err *err)
{
	static const struct part parts[] = {
		{"timeline", {"", 0}, {"timeline", 8},
			"&select=ts,event,from:status_from,to:status_to,actor:actor_role,reason&"
			"order=ts&limit=10000"},
		{"messages", {"core", 4}, {"messages", 8}, "&select=ts,role,text&order=ts&limit=10000"},
	};
	char id[UUID_CHARS + 1] = "";
	struct str found;
	TRY(add_ticket(s, r, ticket, err));
	const struct str row = only_row(ticket);
	TRY(id_of(row, &found, err));
	memcpy(id, found.p, UUID_CHARS);
	buf_str(b, "{\"ticket\":");
	buf_add(b, row.p, row.n);
	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		buf_printf(b, ",\"%s\":", parts[i].name);
		struct whose whose = {"ticket_id", found, 0};
		TRY(add_part(s, r, &parts[i], &whose, b, err));
	}
	buf_str(b, ",\"due\":");
	TRY(add_due(s, id, b, err));
	buf_str(b, "}\n");
	return buf_check(b, err);
}

status tickets_show(struct server *s, struct request *r, struct response *out, struct err *err)
{
	struct buf ticket;
	buf_init(&ticket, 0);
	out->type = "application/json";
	const status code = show(s, r, &ticket, &out->body, err);
	buf_deinit(&ticket);
	return code;
}
