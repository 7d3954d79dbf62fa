/* server/table_query.c: the parameters of a request as a table_query.
 *
 *   select=  alias:column.function(),...      order=  column.desc.nullslast,...      column=  not.op.value
 *   and=, or=  (column.op.value,not.and(...),...)      limit=, offset=, after=
 *
 * Values stay texts, but are checked and put into the one form that the databases read by their column's type. Must not know SQL.
 */
#include "server/table_query.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/time.h"

static const char *const functions[] = {"", "sum", "avg", "min", "max", "count"};
static const char *const operators[] = {"eq", "neq", "gt", "gte", "lt", "lte", "like", "ilike", "in"};
#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

struct parser {
	struct arena *arena;
	struct table_query *q;
	const char *param; /* the name of the parameter that is read, for errors */
	struct str rest;   /* what of its value is not read yet */
};

#define SHOWN(s) (int)((s).n < 60 ? (s).n : 60), (s).p

static status column_of(const struct parser *p, struct str name, int *out, struct err *err)
{
	*out = relation_column(p->q->relation, name);
	if (*out >= 0) return OK;
	return fail(err, E_USAGE, "%s: %s.%s has no column '%.*s'", p->param, p->q->relation->schema,
		p->q->relation->name, SHOWN(name));
}

static bool is_number(enum col_type t)
{
	return t == COL_INT32 || t == COL_INT64 || t == COL_DECIMAL || t == COL_DOUBLE || t == COL_FLOAT;
}

/* ---- values ---- */

static bool integer_ok(struct str s)
{
	size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
	const size_t first = i;
	while (i < s.n && isdigit((unsigned char)s.p[i])) i++;
	return i == s.n && i > first && i - first <= 18;
}

/* Digits, a point, digits: what every database reads as the same number. */
static bool decimal_ok(struct str s)
{
	size_t i = s.n > 0 && (s.p[0] == '-' || s.p[0] == '+');
	size_t digits = 0;
	bool point = false;
	for (; i < s.n; i++) {
		if (isdigit((unsigned char)s.p[i]))
			digits++;
		else if (s.p[i] == '.' && !point)
			point = true;
		else
			return false;
	}
	return digits > 0 && digits <= 30;
}

static const char *timestamp_value(struct arena *arena, struct str s)
{
	int64_t us;
	int32_t date;
	char text[TIME_RFC3339_CHARS];
	if (date_parse(s, &date))
		us = (int64_t)date * US_PER_DAY;
	else if (!time_parse(s, &us))
		return NULL;
	time_format(us, text);
	return arena_strndup(arena, text, TIME_RFC3339_CHARS);
}

/* The text in the form of the column's type; NULL: it is no such value (or there is no memory). */
static const char *value_text(struct arena *arena, enum col_type type, struct str s)
{
	int32_t date;
	switch (type) {
	case COL_INT32:
	case COL_INT64:
		if (!integer_ok(s)) return NULL;
		break;
	case COL_DECIMAL:
	case COL_DOUBLE:
	case COL_FLOAT:
		if (!decimal_ok(s)) return NULL;
		break;
	case COL_DATE:
		if (!date_parse(s, &date)) return NULL;
		break;
	case COL_BOOL:
		if (!str_is(s, "true") && !str_is(s, "false")) return NULL;
		break;
	case COL_TIMESTAMP: return timestamp_value(arena, s);
	default: break;
	}
	return arena_strndup(arena, s.p, s.n);
}

static const char *type_words(enum col_type type)
{
	switch (type) {
	case COL_INT32:
	case COL_INT64: return "a whole number";
	case COL_DECIMAL:
	case COL_DOUBLE:
	case COL_FLOAT: return "a number";
	case COL_DATE: return "a date as 2025-09-01";
	case COL_BOOL: return "true or false";
	case COL_TIMESTAMP: return "an instant as 2025-09-01T12:00:00Z";
	default: return "a text";
	}
}

static status add_value(struct parser *p, const struct column_def *column, struct str s, struct err *err)
{
	struct table_query *q = p->q;
	const char *text = value_text(p->arena, column->type, s);
	if (text == NULL)
		return fail(err, E_USAGE, "%s: column %s takes %s, found '%.*s'", p->param, column->name,
			type_words(column->type), SHOWN(s));
	if (q->n_values == TABLE_QUERY_VALUES_MAX)
		return fail(err, E_USAGE, "%s: over %d values in one request", p->param, TABLE_QUERY_VALUES_MAX);
	q->values[q->n_values++] = text;
	return OK;
}

/* ---- filters ---- */

static status add_node(struct parser *p, int group, struct table_node node, int *out, struct err *err)
{
	struct table_query *q = p->q;
	if (q->n_nodes == TABLE_QUERY_NODES_MAX)
		return fail(err, E_USAGE, "%s: over %d filters in one request", p->param, TABLE_QUERY_NODES_MAX);
	node.first = node.next = -1;
	*out = (int)q->n_nodes;
	q->nodes[q->n_nodes++] = node;
	if (group < 0) return OK;
	int *link = &q->nodes[group].first;
	while (*link >= 0) link = &q->nodes[*link].next;
	*link = *out;
	return OK;
}

/* Takes the word before the next '.'; false: there is none. */
static bool take_word(struct str *s, struct str *word)
{
	const char *dot = s->n > 0 ? memchr(s->p, '.', s->n) : NULL;
	if (dot == NULL) return false;
	*word = (struct str){s->p, (size_t)(dot - s->p)};
	*s = (struct str){dot + 1, s->n - word->n - 1};
	return true;
}

/* One of a list's values: up to ',' or ')', or between quotes, where a backslash takes the next byte as it is. */
static status take_value(struct parser *p, struct str *out, struct err *err)
{
	struct str *s = &p->rest;
	size_t i = 0;
	if (s->n == 0 || s->p[0] != '"') {
		while (i < s->n && s->p[i] != ',' && s->p[i] != ')') i++;
		*out = (struct str){s->p, i};
		*s = (struct str){s->p + i, s->n - i};
		return OK;
	}
	char *text = ARENA_NEW(p->arena, char, s->n);
	size_t n = 0;
	if (text == NULL) return fail_nomem(err);
	for (i = 1; i < s->n && s->p[i] != '"'; i++) {
		if (s->p[i] == '\\' && i + 1 < s->n) i++;
		text[n++] = s->p[i];
	}
	if (i == s->n) return fail(err, E_USAGE, "%s: a quoted value does not end", p->param);
	*out = (struct str){text, n};
	*s = (struct str){s->p + i + 1, s->n - i - 1};
	return OK;
}

static bool take_char(struct str *s, char c)
{
	if (s->n == 0 || s->p[0] != c) return false;
	*s = (struct str){s->p + 1, s->n - 1};
	return true;
}

static status read_list(struct parser *p, const struct column_def *column, struct err *err)
{
	struct str value;
	if (!take_char(&p->rest, '('))
		return fail(err, E_USAGE, "%s: in takes a list as in.(a,b), found 'in.%.*s'", p->param, SHOWN(p->rest));
	do {
		TRY(take_value(p, &value, err));
		TRY(add_value(p, column, value, err));
	} while (take_char(&p->rest, ','));
	return take_char(&p->rest, ')') ? OK : fail(err, E_USAGE, "%s: a list ends with ')'", p->param);
}

static status read_is(struct parser *p, struct table_node *node, struct str word, struct err *err)
{
	const struct column_def *column = &p->q->relation->columns[node->column];
	if (str_is(word, "null"))
		node->operator= TABLE_IS_NULL;
	else if ((str_is(word, "true") || str_is(word, "false")) && column->type == COL_BOOL)
		node->operator= str_is(word, "true") ? TABLE_IS_TRUE : TABLE_IS_FALSE;
	else
		return fail(err, E_USAGE, "%s: is takes null%s, found '%.*s'", p->param,
			column->type == COL_BOOL ? ", true or false" : "", SHOWN(word));
	return OK;
}

static bool ends_in_escape(struct str s)
{
	size_t n = 0;
	while (n < s.n && s.p[s.n - 1 - n] == '\\') n++;
	return n % 2 == 1;
}

/* op.value, or not.op.value; listed: within a group, where the value ends before ',' or ')'. */
static status read_test(struct parser *p, int group, int column, bool listed, struct err *err)
{
	const struct column_def *def = &p->q->relation->columns[column];
	struct table_node node = {.kind = TABLE_TEST, .column = column, .value = p->q->n_values};
	struct str word;
	int at = -1;
	bool found = take_word(&p->rest, &word);
	while (found && str_is(word, "not")) {
		node.negated = !node.negated;
		found = take_word(&p->rest, &word);
	}
	size_t op = 0;
	while (found && op < N_OF(operators) && !str_is(word, operators[op])) op++;
	const bool is = found && str_is(word, "is");
	if (!found || (op == N_OF(operators) && !is))
		return fail(err, E_USAGE,
			"%s: expected an operator and a value as eq.5; there are eq, neq, gt, gte, lt, lte, like, "
			"ilike, in, "
			"is and not, found '%.*s'",
			p->param, SHOWN(found ? word : p->rest));
	if (!is) node.operator=(enum table_operator) op;
	if (node.operator== TABLE_IN && !is) {
		TRY(read_list(p, def, err));
	} else {
		struct str value = p->rest;
		if (listed)
			TRY(take_value(p, &value, err));
		else
			p->rest = STR("");
		const bool pattern = !is && (op == TABLE_LIKE || op == TABLE_ILIKE);
		const struct column_def text = {.name = def->name, .type = COL_STRING};
		if (pattern && ends_in_escape(value))
			return fail(err, E_USAGE,
				"%s: a pattern ends in a backslash, which takes the next character as it is", p->param);
		TRY(is ? read_is(p, &node, value, err) : add_value(p, pattern ? &text : def, value, err));
	}
	node.n_values = p->q->n_values - node.value;
	return add_node(p, group, node, &at, err);
}

static bool take_prefix(struct str *s, const char *prefix)
{
	const size_t n = strlen(prefix);
	if (s->n < n || memcmp(s->p, prefix, n) != 0) return false;
	*s = (struct str){s->p + n, s->n - n};
	return true;
}

/* and(...), or(...), not.and(...), not.or(...): what stands before '(' is taken. */
static bool take_group(struct str *s, struct table_node *node)
{
	struct str t = *s;
	*node = (struct table_node){.negated = take_prefix(&t, "not.")};
	if (take_prefix(&t, "and("))
		node->kind = TABLE_AND;
	else if (take_prefix(&t, "or("))
		node->kind = TABLE_OR;
	else
		return false;
	*s = t;
	return true;
}

/* What stands between the parentheses, and the one that closes. depth is bounded by TABLE_QUERY_DEPTH_MAX. */
static status read_group(struct parser *p, int group, int depth, struct err *err)
{
	if (depth > TABLE_QUERY_DEPTH_MAX)
		return fail(err, E_USAGE, "%s: over %d groups within groups", p->param, TABLE_QUERY_DEPTH_MAX);
	do {
		struct table_node node;
		struct str name;
		int at = -1;
		if (take_group(&p->rest, &node)) {
			TRY(add_node(p, group, node, &at, err));
			TRY(read_group(p, at, depth + 1, err));
			continue;
		}
		if (!take_word(&p->rest, &name))
			return fail(err, E_USAGE, "%s: expected column.operator.value, found '%.*s'", p->param,
				SHOWN(p->rest));
		TRY(column_of(p, name, &at, err));
		TRY(read_test(p, group, at, true, err));
	} while (take_char(&p->rest, ','));
	return take_char(&p->rest, ')') ? OK : fail(err, E_USAGE, "%s: a group ends with ')'", p->param);
}

static status read_filter(struct parser *p, struct str name, struct err *err)
{
	struct table_node node = {.kind = TABLE_AND};
	struct str head = name;
	int at = -1;
	node.negated = take_prefix(&head, "not.");
	if (str_is(head, "and") || str_is(head, "or")) {
		node.kind = str_is(head, "or") ? TABLE_OR : TABLE_AND;
		TRY(add_node(p, 0, node, &at, err));
		if (!take_char(&p->rest, '('))
			return fail(err, E_USAGE, "%s: expected (column.operator.value,...)", p->param);
		TRY(read_group(p, at, 1, err));
	} else {
		TRY(column_of(p, name, &at, err));
		TRY(read_test(p, 0, at, false, err));
	}
	if (p->rest.n == 0) return OK;
	return fail(err, E_USAGE, "%s: '%.*s' is too much", p->param, SHOWN(p->rest));
}

/* ---- select and order ---- */

static bool alias_ok(struct str s)
{
	if (s.n == 0 || s.n > TABLE_QUERY_ALIAS_MAX || isdigit((unsigned char)s.p[0])) return false;
	for (size_t i = 0; i < s.n; i++)
		if (!isalnum((unsigned char)s.p[i]) && s.p[i] != '_') return false;
	return true;
}

static bool function_fits(enum table_function f, enum col_type type)
{
	return (f != TABLE_SUM && f != TABLE_AVG) || is_number(type);
}

/* "column", "column.sum()" or "count()". */
static status read_expression(struct parser *p, struct str s, struct table_item *item, struct err *err)
{
	struct str name = s;
	*item = (struct table_item){.column = -1};
	if (str_is(s, "count()")) {
		item->function = TABLE_COUNT;
		item->alias = "count";
		return OK;
	}
	const char *dot = memchr(s.p, '.', s.n);
	if (dot != NULL) {
		name.n = (size_t)(dot - s.p);
		const struct str call = {dot + 1, s.n - name.n - 1};
		for (size_t f = TABLE_SUM; f < N_OF(functions); f++)
			if (call.n == strlen(functions[f]) + 2 && memcmp(call.p, functions[f], call.n - 2) == 0 &&
				memcmp(call.p + call.n - 2, "()", 2) == 0)
				item->function = (enum table_function)f;
		if (item->function == TABLE_PLAIN)
			return fail(err, E_USAGE,
				"%s: expected sum(), avg(), min(), max() or count() behind the column, found '%.*s'",
				p->param, SHOWN(call));
		item->alias = functions[item->function];
	}
	TRY(column_of(p, name, &item->column, err));
	const struct column_def *column = &p->q->relation->columns[item->column];
	if (!function_fits(item->function, column->type))
		return fail(err, E_USAGE, "%s: %s() takes a number, and %s is none", p->param,
			functions[item->function], column->name);
	if (item->function == TABLE_PLAIN) item->alias = column->name;
	return OK;
}

static status read_item(struct parser *p, struct str s, struct err *err)
{
	struct table_query *q = p->q;
	struct table_item item;
	const char *colon = s.n > 0 ? memchr(s.p, ':', s.n) : NULL;
	struct str alias = {NULL, 0};
	if (colon != NULL) {
		alias = (struct str){s.p, (size_t)(colon - s.p)};
		s = (struct str){colon + 1, s.n - alias.n - 1};
		if (!alias_ok(alias))
			return fail(err, E_USAGE, "select: an alias is letters, digits and _, at most %d, found '%.*s'",
				TABLE_QUERY_ALIAS_MAX, SHOWN(alias));
	}
	TRY(read_expression(p, s, &item, err));
	if (alias.p != NULL) item.alias = arena_strndup(p->arena, alias.p, alias.n);
	if (item.alias == NULL) return fail_nomem(err);
	for (size_t i = 0; i < q->n_items; i++)
		if (strcmp(q->items[i].alias, item.alias) == 0)
			return fail(err, E_USAGE, "select: two columns are called %s; alias:column gives one a name",
				item.alias);
	if (q->n_items == TABLE_QUERY_ITEMS_MAX)
		return fail(err, E_USAGE, "select: over %d columns", TABLE_QUERY_ITEMS_MAX);
	q->grouped = q->grouped || item.function != TABLE_PLAIN;
	q->items[q->n_items++] = item;
	return OK;
}

static status select_all(struct table_query *q, struct err *err)
{
	const struct relation *r = q->relation;
	if (r->n_columns > TABLE_QUERY_ITEMS_MAX)
		return fail(err, E_LIMIT, "%s.%s has %zu columns, at most %d", r->schema, r->name, r->n_columns,
			TABLE_QUERY_ITEMS_MAX);
	for (size_t i = 0; i < r->n_columns; i++)
		q->items[i] = (struct table_item){TABLE_PLAIN, (int)i, r->columns[i].name};
	q->n_items = r->n_columns;
	return OK;
}

/* Calls read for each part of a list. */
static status each_part(
	struct parser *p, struct str s, status (*read)(struct parser *, struct str, struct err *), struct err *err)
{
	for (;;) {
		const char *comma = s.n > 0 ? memchr(s.p, ',', s.n) : NULL;
		const struct str part = {s.p, comma != NULL ? (size_t)(comma - s.p) : s.n};
		TRY(read(p, part, err));
		if (comma == NULL) return OK;
		s = (struct str){comma + 1, s.n - part.n - 1};
	}
}

static status read_select(struct parser *p, struct str s, struct err *err)
{
	p->param = "select";
	return s.n == 0 || str_is(s, "*") ? select_all(p->q, err) : each_part(p, s, read_item, err);
}

static bool orders(const struct table_query *q, const struct table_order *o)
{
	for (size_t i = 0; i < q->n_order; i++)
		if (q->order[i].item == o->item && q->order[i].column == o->column) return true;
	return false;
}

static status add_order(struct table_query *q, struct table_order o, struct err *err)
{
	for (size_t i = 0; o.item < 0 && i < q->n_items; i++) /* what is selected is asked for once */
		if (q->items[i].function == TABLE_PLAIN && q->items[i].column == o.column) o.item = (int)i;
	if (orders(q, &o)) return OK;
	if (q->n_order == TABLE_QUERY_ITEMS_MAX)
		return fail(err, E_USAGE, "order: over %d columns", TABLE_QUERY_ITEMS_MAX);
	q->order[q->n_order++] = o;
	return OK;
}

static int item_named(const struct table_query *q, struct str name)
{
	for (size_t i = 0; i < q->n_items; i++)
		if (str_is(name, q->items[i].alias)) return (int)i;
	return -1;
}

static status read_order(struct parser *p, struct str s, struct err *err)
{
	struct table_order o = {.item = -1, .column = -1};
	struct str word = s;
	struct str rest = STR("");
	const char *dot = s.n > 0 ? memchr(s.p, '.', s.n) : NULL;
	if (dot != NULL) {
		word.n = (size_t)(dot - s.p);
		rest = (struct str){dot + 1, s.n - word.n - 1};
	}
	o.item = item_named(p->q, word);
	if (o.item < 0)
		TRY(column_of(p, word, &o.column, err));
	else
		o.column = p->q->items[o.item].column;
	if (o.item < 0 && p->q->grouped)
		return fail(err, E_USAGE, "order: with functions, rows are ordered by what is selected; '%.*s' is not",
			SHOWN(word));
	while (rest.n > 0) {
		const char *end = memchr(rest.p, '.', rest.n);
		word = (struct str){rest.p, end != NULL ? (size_t)(end - rest.p) : rest.n};
		rest = end != NULL ? (struct str){end + 1, rest.n - word.n - 1} : STR("");
		if (str_is(word, "desc") || str_is(word, "asc"))
			o.descending = word.n == 4;
		else if (str_is(word, "nullsfirst") || str_is(word, "nullslast"))
			o.nulls = str_is(word, "nullsfirst") ? TABLE_NULLS_FIRST : TABLE_NULLS_LAST;
		else
			return fail(err, E_USAGE, "order: expected asc, desc, nullsfirst or nullslast, found '%.*s'",
				SHOWN(word));
	}
	return add_order(p->q, o, err);
}

/* Until no two rows are left that either may come first. */
static status complete_order(struct table_query *q, struct err *err)
{
	for (size_t i = 0; q->grouped && i < q->n_items; i++)
		if (q->items[i].function == TABLE_PLAIN)
			TRY(add_order(q, (struct table_order){.item = (int)i, .column = q->items[i].column}, err));
	for (size_t i = 0; !q->grouped && i < q->relation->n_columns; i++)
		if (q->relation->columns[i].key)
			TRY(add_order(q, (struct table_order){.item = -1, .column = (int)i}, err));
	return OK;
}

static status read_after(struct parser *p, struct str s, struct err *err)
{
	struct table_query *q = p->q;
	p->param = "after";
	p->rest = s;
	if (q->grouped) return fail(err, E_USAGE, "after: not with functions");
	do {
		struct str value;
		TRY(take_value(p, &value, err));
		if (q->n_after == q->n_order) break;
		const struct column_def *column = &q->relation->columns[q->order[q->n_after].column];
		const char *text = value_text(p->arena, column->type, value);
		if (text == NULL)
			return fail(err, E_USAGE, "after: column %s takes %s, found '%.*s'", column->name,
				type_words(column->type), SHOWN(value));
		q->after[q->n_after++] = text;
	} while (take_char(&p->rest, ','));
	if (p->rest.n == 0 && q->n_after == q->n_order) return OK;
	return fail(
		err, E_USAGE, "after: expected a value for each of the %zu columns that order the rows", q->n_order);
}

/* ---- the request ---- */

static status read_number(const char *name, struct str s, int64_t max, int64_t *out, struct err *err)
{
	if (s.n == 0 || s.n > 12 || !isdigit((unsigned char)s.p[0]) || !integer_ok(s))
		return fail(err, E_USAGE, "%s: expected a whole number, found '%.*s'", name, SHOWN(s));
	const int64_t n = strtoll(s.p, NULL, 10);
	if (n > max) return fail(err, E_USAGE, "%s: at most %lld, found %lld", name, (long long)max, (long long)n);
	*out = n;
	return OK;
}

static status read_filters(const struct request *r, struct parser *p, struct err *err)
{
	static const char *const reserved[] = {"select", "order", "limit", "offset", "after", "format"};
	bool more;
	size_t at = 0;
	struct request_param param;
	for (;;) {
		TRY(request_param_next(r, &at, &param, &more, err));
		if (!more) return OK;
		size_t i = 0;
		while (i < N_OF(reserved) && !str_is(param.name, reserved[i])) i++;
		if (i < N_OF(reserved)) continue;
		p->param = param.name.p;
		p->rest = param.value;
		TRY(read_filter(p, param.name, err));
	}
}

static status read_all(const struct request *r, struct parser *p, int64_t limit_max, struct err *err)
{
	struct table_query *q = p->q;
	struct str text;
	int root;
	TRY(add_node(p, -1, (struct table_node){.kind = TABLE_AND}, &root, err));
	TRY(request_param_get(r, "select", &text, err));
	TRY(read_select(p, text, err));
	TRY(request_param_get(r, "order", &text, err));
	p->param = "order";
	if (text.n > 0) TRY(each_part(p, text, read_order, err));
	TRY(complete_order(q, err));
	TRY(request_param_get(r, "limit", &text, err));
	q->limit = limit_max < TABLE_QUERY_LIMIT_DEFAULT ? limit_max : TABLE_QUERY_LIMIT_DEFAULT;
	if (text.p != NULL) TRY(read_number("limit", text, limit_max, &q->limit, err));
	TRY(request_param_get(r, "offset", &text, err));
	if (text.p != NULL) TRY(read_number("offset", text, INT64_MAX, &q->offset, err));
	TRY(request_param_get(r, "after", &text, err));
	if (text.p != NULL) TRY(read_after(p, text, err));
	return read_filters(r, p, err);
}

status table_query_parse(const struct request *r, const struct relation *relation, int64_t limit_max,
	struct table_query *out, struct err *err)
{
	struct parser p = {.arena = r->arena, .q = out, .param = "query"};
	*out = (struct table_query){.relation = relation};
	return read_all(r, &p, limit_max, err);
}

struct column_def table_query_item_type(const struct table_query *q, size_t item)
{
	const struct table_item *i = &q->items[item];
	struct column_def def = {.type = COL_INT64};
	ASSERT(item < q->n_items);
	if (i->column >= 0 && i->function != TABLE_COUNT) def = q->relation->columns[i->column];
	if (i->function == TABLE_AVG) def.type = COL_DOUBLE;
	if (i->function == TABLE_SUM && def.type == COL_INT32) def.type = COL_INT64;
	if (i->function == TABLE_SUM && def.type == COL_DECIMAL) def.precision = 18;
	if (i->function != TABLE_PLAIN && i->function != TABLE_COUNT) def.nullable = true;
	def.name = i->alias;
	return def;
}
