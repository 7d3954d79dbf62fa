/* workloads/pqrs/gold/gold_facts.c: see gold_facts.h.
 *
 * Codes are dense and given in order of appearance; gold_facts_rank renumbers them once, and no code of before is valid then. */
#include "workloads/pqrs/gold/gold_facts.h"

#include <stdlib.h>

#include "base/vec.h"

const char *const gold_channel_names[GOLD_CHANNELS] = {"call", "chat", "email", "other_digital", "webform"};
const char *const gold_type_names[GOLD_TYPES] = {"P", "Q", "R", "S"};
const char *const gold_priority_names[GOLD_PRIORITIES] = {"alta", "baja", "media"};
const char *const gold_sla_names[GOLD_SLA_STATES] = {"IN_TIME", "LATE", "NOT_STARTED"};

enum { NO_CODE = 0xff };

/* ---- columns to codes ------------------------------------------------------------------------------------- */

static uint8_t name_code(struct str s, const char *const *names, uint8_t n)
{
	for (uint8_t i = 0; i < n; i++) {
		if (str_is(s, names[i])) return i;
	}
	return NO_CODE;
}

static status bad_value(const struct column *c, int64_t row, const char *what, struct err *err)
{
	if (!column_valid(c, row))
		return fail(err, E_CORRUPT, "silver %s is null in row %lld of a batch", what, (long long)row);
	const struct str s = column_str(c, row);
	return fail(err, E_CORRUPT, "silver %s has a value that the contract does not know: %.*s", what,
		(int)(s.n < 64 ? s.n : 64), s.p);
}

/* A string column of one of a few names, never null. */
status gold_enum_codes(const struct column *c, const char *what, const char *const *names, uint8_t n_names,
	uint8_t *dst, struct err *err)
{
	uint8_t codes[256];
	const bool mapped = c->dict != NULL && c->dict->n <= 256;
	if (mapped) {
		for (int64_t i = 0; i < c->dict->n; i++) codes[i] = name_code(column_str(c->dict, i), names, n_names);
	}
	for (int64_t i = 0; i < c->n; i++) {
		uint8_t code = NO_CODE;
		if (column_valid(c, i))
			code = mapped ? codes[((const int32_t *)c->values)[i]]
				      : name_code(column_str(c, i), names, n_names);
		if (code == NO_CODE) return bad_value(c, i, what, err);
		dst[i] = code;
	}
	return OK;
}

/* A nullable string column of any values: codes in order of appearance; null gets the code of `missing`. */
status gold_text_codes(const struct column *c, const char *missing, struct builder *names, struct arena *scratch,
	uint32_t *dst, struct err *err)
{
	int32_t *map = NULL;
	int32_t null_code = -1;
	if (c->dict != NULL) {
		map = ARENA_NEW(scratch, int32_t, c->dict->n + 1);
		if (map == NULL) return fail_nomem(err);
		for (int64_t i = 0; i < c->dict->n; i++) map[i] = -1;
	}
	for (int64_t i = 0; i < c->n; i++) {
		int32_t unmapped = -1;
		int32_t *code = !column_valid(c, i) ? &null_code
				: map != NULL       ? &map[((const int32_t *)c->values)[i]]
						    : &unmapped;
		if (*code < 0) {
			*code = builder_intern(names, code == &null_code ? str_of(missing) : column_str(c, i));
			if (*code < 0) return fail_nomem(err);
		}
		dst[i] = (uint32_t)*code;
	}
	return OK;
}

static status day_codes(
	const struct column *c, const char *what, bool nullable, struct day_map *days, int32_t *dst, struct err *err)
{
	const int64_t *us = c->values;
	for (int64_t i = 0; i < c->n; i++) {
		if (column_valid(c, i))
			dst[i] = day_map_date(days, us[i]);
		else if (nullable)
			dst[i] = GOLD_NO_DAY;
		else
			return fail(err, E_CORRUPT, "silver %s is null in row %lld of a batch", what, (long long)i);
	}
	return OK;
}

/* ---- municipalities --------------------------------------------------------------------------------------- */

static uint64_t geo_hash(struct gold_geo g)
{
	return map_mix((uint64_t)g.department << 32 | g.dane);
}

static uint64_t hash_at(const void *keys, uint32_t code)
{
	const struct gold_geo *geos = keys;
	return geo_hash(geos[code]);
}

static status geo_code(struct gold_facts *f, struct gold_geo key, uint32_t *out, struct err *err)
{
	if (!VEC_ROOM_IN(f->arena, &f->geos, 1) || !map_room(&f->geo_codes, hash_at, f->geos.items))
		return fail_nomem(err);
	struct map_probe probe = map_probe(&f->geo_codes, geo_hash(key));
	for (uint32_t code; (code = map_next(&f->geo_codes, &probe)) != MAP_NONE;) {
		const struct gold_geo *g = &f->geos.items[code];
		*out = code;
		if (g->department == key.department && g->dane == key.dane) return OK;
	}
	f->geos.items[f->geos.n++] = key;
	*out = map_add(&f->geo_codes, &probe);
	return OK;
}

static status add_geo(struct gold_facts *f, const struct gold_source *in, struct arena *scratch, struct err *err)
{
	uint32_t *department = ARENA_NEW(scratch, uint32_t, in->n + 1);
	uint32_t *dane = ARENA_NEW(scratch, uint32_t, in->n + 1);
	if (department == NULL || dane == NULL) return fail_nomem(err);
	TRY(gold_text_codes(in->department, "unknown", &f->departments, scratch, department, err));
	TRY(gold_text_codes(in->dane, "00000", &f->danes, scratch, dane, err));
	for (int64_t i = 0; i < in->n; i++)
		TRY(geo_code(f, (struct gold_geo){department[i], dane[i]}, &f->geo[f->n + (size_t)i], err));
	return OK;
}

/* ---- facts ------------------------------------------------------------------------------------------------ */

#define FIELD(field, wanted) \
	((wanted) == NULL || ((f->field) = arena_alloc(arena, (cap + 1) * sizeof *f->field, 8)) != NULL)

status gold_facts_init(
	struct gold_facts *f, struct arena *arena, size_t cap, const struct gold_source *which, struct err *err)
{
	static const struct column_def name = {.name = "name", .type = COL_STRING};
	*f = (struct gold_facts){.arena = arena, .cap = cap};
	builder_init(&f->departments, &name, true);
	builder_init(&f->danes, &name, true);
	builder_init(&f->tenants, &name, true);
	if (cap >= UINT32_MAX) return fail(err, E_LIMIT, "over %u tickets in one gold task", UINT32_MAX);
	if (!FIELD(created, which->created_at) || !FIELD(closed, which->closed_at) ||
		!FIELD(overdue_us, which->sla_due_at) || !FIELD(channel, which->channel) || !FIELD(type, which->type) ||
		!FIELD(priority, which->priority) || !FIELD(sla, which->sla_status) || !FIELD(geo, which->dane) ||
		!FIELD(tenant, which->tenant) || !FIELD(score, which->score))
		return fail_nomem(err);
	return OK;
}

void gold_facts_deinit(struct gold_facts *f)
{
	builder_deinit(&f->departments);
	builder_deinit(&f->danes);
	builder_deinit(&f->tenants);
	map_deinit(&f->geo_codes);
}

/* needs closed_at, answered_at, sla_due_at and the sla codes of the same rows; a state machine in which closing is no answer leaves
 * closed tickets without one */
static status add_overdue(struct gold_facts *f, const struct gold_source *in, struct err *err)
{
	const int64_t *answered = in->answered_at->values, *due = in->sla_due_at->values;
	for (int64_t i = 0; i < in->n; i++) {
		const size_t at = f->n + (size_t)i;
		f->overdue_us[at] = 0;
		if (f->sla[at] != GOLD_LATE || !column_valid(in->closed_at, i)) continue;
		const int64_t until = column_valid(in->answered_at, i) ? answered[i] : f->as_of;
		if (!column_valid(in->sla_due_at, i) || until < due[i])
			return fail(err, E_CORRUPT, "silver tickets: LATE, but answered_at is not after sla_due_at");
		f->overdue_us[at] = until - due[i];
	}
	return OK;
}

status gold_facts_add(struct gold_facts *f, const struct gold_source *in, struct day_map *days, struct arena *scratch,
	struct err *err)
{
	ASSERT(in->n >= 0 && (size_t)in->n <= f->cap - f->n);
	const size_t n = f->n;
	if (f->created != NULL) TRY(day_codes(in->created_at, "created_at", false, days, f->created + n, err));
	if (f->closed != NULL) TRY(day_codes(in->closed_at, "closed_at", true, days, f->closed + n, err));
	if (f->channel != NULL)
		TRY(gold_enum_codes(
			in->channel, "source_channel", gold_channel_names, GOLD_CHANNELS, f->channel + n, err));
	if (f->type != NULL) TRY(gold_enum_codes(in->type, "type", gold_type_names, GOLD_TYPES, f->type + n, err));
	if (f->priority != NULL)
		TRY(gold_enum_codes(
			in->priority, "priority", gold_priority_names, GOLD_PRIORITIES, f->priority + n, err));
	if (f->sla != NULL)
		TRY(gold_enum_codes(in->sla_status, "sla_status", gold_sla_names, GOLD_SLA_STATES, f->sla + n, err));
	if (f->geo != NULL) TRY(add_geo(f, in, scratch, err));
	if (f->tenant != NULL) TRY(gold_text_codes(in->tenant, "default", &f->tenants, scratch, f->tenant + n, err));
	if (f->overdue_us != NULL) TRY(add_overdue(f, in, err));
	if (f->score != NULL) {
		const int64_t *score = in->score->values;
		for (int64_t i = 0; i < in->n; i++) {
			if (!column_valid(in->score, i) || score[i] < 0 || score[i] > 10000)
				return fail(err, E_CORRUPT, "silver preclassification: score outside [0, 1]");
			f->score[n + (size_t)i] = (int32_t)score[i];
		}
	}
	f->n += (size_t)in->n;
	return OK;
}

/* ---- ranks ------------------------------------------------------------------------------------------------ */

struct named {
	struct str s;
	uint32_t code;
};

static int compare_named(const void *a, const void *b)
{
	return str_cmp(((const struct named *)a)->s, ((const struct named *)b)->s);
}

static status names_column(
	const struct named *names, size_t n, struct arena *arena, struct column *out, struct err *err)
{
	size_t bytes = 0;
	for (size_t i = 0; i < n; i++) bytes += names[i].s.n;
	int32_t *offsets = ARENA_NEW(arena, int32_t, n + 1);
	uint8_t *data = arena_alloc(arena, bytes + 1, 1);
	if (offsets == NULL || data == NULL || bytes > INT32_MAX) return fail_nomem(err);
	offsets[0] = 0;
	for (size_t i = 0; i < n; i++) {
		memcpy(data + offsets[i], names[i].s.p, names[i].s.n);
		offsets[i + 1] = offsets[i] + (int32_t)names[i].s.n;
	}
	*out = (struct column){.type = COL_STRING, .n = (int64_t)n, .offsets = offsets, .data = data};
	return OK;
}

status gold_names_column(const char *const *names, size_t n, struct arena *arena, struct column *out, struct err *err)
{
	struct named *list = ARENA_NEW(arena, struct named, n + 1);
	if (list == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) list[i] = (struct named){str_of(names[i]), (uint32_t)i};
	return names_column(list, n, arena, out, err);
}

/* Sort a dictionary: *out holds the strings in order, (*rank)[old code] the new code. */
static status rank_names(
	const struct builder *b, struct arena *arena, struct column *out, uint32_t **rank, struct err *err)
{
	const size_t n = (size_t)b->dict_n;
	struct named *list = ARENA_NEW(arena, struct named, n + 1);
	uint32_t *ranks = ARENA_NEW(arena, uint32_t, n + 1);
	if (list == NULL || ranks == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++) {
		const int32_t from = b->dict_offsets[i];
		list[i] = (struct named){
			{(const char *)b->dict_data + from, (size_t)(b->dict_offsets[i + 1] - from)}, (uint32_t)i};
	}
	qsort(list, n, sizeof *list, compare_named);
	for (size_t i = 0; i < n; i++) ranks[list[i].code] = (uint32_t)i;
	*rank = ranks;
	return names_column(list, n, arena, out, err);
}

struct ranked_geo {
	struct gold_geo geo;
	uint32_t code;
};

static int compare_geo(const void *a, const void *b)
{
	const struct gold_geo *x = &((const struct ranked_geo *)a)->geo, *y = &((const struct ranked_geo *)b)->geo;
	if (x->department != y->department) return x->department < y->department ? -1 : 1;
	return x->dane < y->dane ? -1 : x->dane > y->dane;
}

static status rank_geos(
	struct gold_facts *f, const uint32_t *department_rank, const uint32_t *dane_rank, struct err *err)
{
	struct ranked_geo *list = ARENA_NEW(f->arena, struct ranked_geo, f->geos.n + 1);
	uint32_t *rank = ARENA_NEW(f->arena, uint32_t, f->geos.n + 1);
	if (list == NULL || rank == NULL) return fail_nomem(err);
	for (uint32_t i = 0; i < f->geos.n; i++) {
		list[i] = (struct ranked_geo){
			{department_rank[f->geos.items[i].department], dane_rank[f->geos.items[i].dane]}, i};
	}
	qsort(list, f->geos.n, sizeof *list, compare_geo);
	for (uint32_t i = 0; i < f->geos.n; i++) {
		rank[list[i].code] = i;
		f->geos.items[i] = list[i].geo;
	}
	for (size_t i = 0; i < f->n; i++) f->geo[i] = rank[f->geo[i]];
	map_deinit(&f->geo_codes); /* codes are final */
	return OK;
}

status gold_facts_rank(struct gold_facts *f, struct err *err)
{
	uint32_t *department_rank, *dane_rank, *tenant_rank;
	if (f->geo != NULL) {
		TRY(rank_names(&f->departments, f->arena, &f->department_names, &department_rank, err));
		TRY(rank_names(&f->danes, f->arena, &f->dane_names, &dane_rank, err));
		TRY(rank_geos(f, department_rank, dane_rank, err));
	}
	if (f->tenant != NULL) {
		TRY(rank_names(&f->tenants, f->arena, &f->tenant_names, &tenant_rank, err));
		for (size_t i = 0; i < f->n; i++) f->tenant[i] = tenant_rank[f->tenant[i]];
	}
	return OK;
}
