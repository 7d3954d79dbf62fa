/* workloads/pqrs/silver/places.c: the names of places, folded and sorted.
 *
 *   "Bogotá, D.C."  --fold-->  bogotadc
 *   key: department NUL city, of every name of the one with every name of the other; department NUL; NUL city
 *
 * Of equal keys the one of the most official names counts (rank), and none where two places have the same right to it.
 */
#include "workloads/pqrs/silver/places.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/unicode.h"
#include "base/vec.h"
#include "workloads/pqrs/contract/schema.h"

enum { NAME_MAX_BYTES = 96 };

struct key {
	char text[2 * NAME_MAX_BYTES + 1];
	size_t n;
};
struct name {
	const char *key;
	uint32_t n, rank; /* rank: how many of its parts are other names */
	uint32_t place, department;
};
struct names {
	struct name *items;
	size_t n, cap;
};
struct department {
	const char *name;
	uint32_t first, n_places;
	struct buf others; /* '|' between */
};
struct departments {
	struct department *items;
	size_t n, cap;
};
struct places {
	struct names names;  /* sorted, each key once */
	uint32_t *by_number; /* [PLACE_CODES]: index + 1; 0 = no such place */
	struct arena arena;  /* of the keys */
};

/* ---- keys ------------------------------------------------------------------------------------------------ */

/* Letters and digits alone. False: too long for any name. */
static bool fold(struct str text, char dst[NAME_MAX_BYTES], size_t *n)
{
	*n = 0;
	while (text.n > 0) {
		char out[UNICODE_FOLD_MAX];
		size_t n_out;
		const size_t read = unicode_fold(text.p, text.n, out, &n_out);
		text.p += read;
		text.n -= read;
		for (size_t i = 0; i < n_out; i++) {
			if (out[i] == ' ') continue;
			if (*n == NAME_MAX_BYTES) return false;
			dst[(*n)++] = out[i];
		}
	}
	return true;
}

/* False: a name that is too long. */
static bool key_make(struct str department, struct str city, struct key *out)
{
	size_t n;
	if (!fold(department, out->text, &out->n)) return false;
	out->text[out->n++] = '\0';
	if (!fold(city, out->text + out->n, &n)) return false;
	out->n += n;
	return true;
}

static int key_cmp(const char *a, size_t a_n, const char *b, size_t b_n)
{
	const int c = memcmp(a, b, a_n < b_n ? a_n : b_n);
	return c != 0 ? c : (a_n > b_n) - (a_n < b_n);
}

static int by_key(const void *a, const void *b)
{
	const struct name *x = a, *y = b;
	const int c = key_cmp(x->key, x->n, y->key, y->n);
	if (c != 0) return c;
	if (x->rank != y->rank) return x->rank < y->rank ? -1 : 1;
	if (x->place != y->place) return x->place < y->place ? -1 : 1;
	return (x->department > y->department) - (x->department < y->department);
}

/* One to five digits as a number, or -1. */
static int32_t dane_number(struct str s)
{
	int32_t v = 0;
	if (s.n == 0 || s.n > DANE_CODE_CHARS) return -1;
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] < '0' || s.p[i] > '9') return -1;
		v = v * 10 + (s.p[i] - '0');
	}
	return v;
}

/* ---- making ---------------------------------------------------------------------------------------------- */

static status name_add(struct places *p, struct str department, struct str city, struct name value, struct err *err)
{
	struct key key;
	if (!key_make(department, city, &key)) return OK; /* nobody will be able to look it up */
	value.key = arena_strndup(&p->arena, key.text, key.n);
	value.n = (uint32_t)key.n;
	if (value.key == NULL || !VEC_ROOM(&p->names, 1)) return fail_nomem(err);
	p->names.items[p->names.n++] = value;
	return OK;
}

/* The next of names with '|' between; false at the end. */
static bool next_name(struct str *rest, struct str *out)
{
	if (rest->n == 0) return false;
	const char *end = memchr(rest->p, '|', rest->n);
	*out = (struct str){rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
	const size_t taken = out->n + (end != NULL);
	*rest = (struct str){rest->p + taken, rest->n - taken};
	return true;
}

static struct str others_of(const char *names)
{
	return names != NULL ? str_of(names) : STR("");
}

static status add_city(
	struct places *p, const struct department *d, struct str city, struct name value, struct err *err)
{
	TRY(name_add(p, STR(""), city, value, err));
	TRY(name_add(p, str_of(d->name), city, value, err));
	struct str rest = {(const char *)d->others.p, d->others.n}, other;
	value.rank++;
	while (next_name(&rest, &other)) TRY(name_add(p, other, city, value, err));
	return OK;
}

static status add_place(
	struct places *p, const struct geo_place *g, uint32_t index, const struct department *d, struct err *err)
{
	struct name value = {.place = index, .department = index};
	TRY(add_city(p, d, str_of(g->city), value, err));
	struct str rest = others_of(g->other_cities), other;
	value.rank = 1;
	while (next_name(&rest, &other)) TRY(add_city(p, d, other, value, err));
	return OK;
}

static status add_department(struct places *p, const struct department *d, struct err *err)
{
	struct name value = {.place = d->n_places == 1 ? d->first : PLACE_NONE, .department = d->first};
	TRY(name_add(p, str_of(d->name), STR(""), value, err));
	struct str rest = {(const char *)d->others.p, d->others.n}, other;
	value.rank = 1;
	while (next_name(&rest, &other)) TRY(name_add(p, other, STR(""), value, err));
	return OK;
}

static struct department *department_find(const struct departments *l, const char *name)
{
	for (size_t i = l->n; i-- > 0;) { /* tables are mostly sorted by code */
		if (strcmp(l->items[i].name, name) == 0) return &l->items[i];
	}
	return NULL;
}

static status departments_fill(struct departments *l, const struct geo_place *list, size_t n, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		struct department *d = department_find(l, list[i].department);
		if (d == NULL) {
			if (!VEC_ROOM(l, 1)) return fail_nomem(err);
			d = &l->items[l->n++];
			*d = (struct department){.name = list[i].department, .first = (uint32_t)i};
			buf_init(&d->others, 0);
		}
		d->n_places++;
		const struct str others = others_of(list[i].other_departments);
		if (d->others.n > 0 && others.n > 0) buf_char(&d->others, '|');
		buf_add(&d->others, others.p, others.n);
		TRY(buf_check(&d->others, err));
	}
	return OK;
}

/* Keep one name of each key; none where two of the best rank mean different things. */
static void names_settle(struct names *l)
{
	size_t kept = 0;
	if (l->n > 1) qsort(l->items, l->n, sizeof *l->items, by_key);
	for (size_t i = 0, end; i < l->n; i = end) {
		const struct name first = l->items[i];
		bool sole = true;
		for (end = i + 1; end < l->n && key_cmp(first.key, first.n, l->items[end].key, l->items[end].n) == 0;
			end++)
			sole &= l->items[end].rank != first.rank || l->items[end].department == first.department;
		if (sole) l->items[kept++] = first;
	}
	l->n = kept;
}

static status places_fill(
	struct places *p, struct departments *departments, const struct geo_place *list, size_t n, struct err *err)
{
	p->by_number = mem_zalloc(PLACE_CODES, sizeof *p->by_number);
	if (p->by_number == NULL) return fail_nomem(err);
	TRY(departments_fill(departments, list, n, err));
	for (size_t i = 0; i < departments->n; i++) TRY(add_department(p, &departments->items[i], err));
	for (size_t i = 0; i < n; i++) {
		const struct str code = str_of(list[i].dane_code);
		const int32_t number = dane_number(code);
		if (number >= 0 && code.n == DANE_CODE_CHARS) p->by_number[number] = (uint32_t)i + 1;
		TRY(add_place(p, &list[i], (uint32_t)i, department_find(departments, list[i].department), err));
	}
	names_settle(&p->names);
	return OK;
}

status places_create(const struct geo_place *list, size_t n, struct places **out, struct err *err)
{
	ASSERT(n < PLACE_NONE);
	struct places *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	struct departments departments = {NULL, 0, 0};
	arena_init(&p->arena, 0);
	const status code = places_fill(p, &departments, list, n, err);
	for (size_t i = 0; i < departments.n; i++) buf_deinit(&departments.items[i].others);
	mem_free(departments.items);
	if (code == OK)
		*out = p;
	else
		places_destroy(p);
	return code;
}

void places_destroy(struct places *p)
{
	if (p == NULL) return;
	arena_deinit(&p->arena);
	mem_free(p->names.items);
	mem_free(p->by_number);
	mem_free(p);
}

/* ---- finding --------------------------------------------------------------------------------------------- */

static const struct name *name_find(const struct places *p, struct str department, struct str city)
{
	struct key key;
	if (!key_make(department, city, &key) || key.n == 1) return NULL; /* no letter in either */
	size_t lo = 0, hi = p->names.n;
	while (lo < hi) {
		const size_t mid = (lo + hi) / 2;
		const struct name *x = &p->names.items[mid];
		const int c = key_cmp(x->key, x->n, key.text, key.n);
		if (c == 0) return x;
		if (c < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return NULL;
}

struct place_found places_find(const struct places *p, const struct place_texts *texts)
{
	struct place_found found = {PLACE_NONE, PLACE_NONE, -1};
	if (texts->code.p != NULL) found.code = dane_number(texts->code);
	if (found.code >= 0 && p->by_number[found.code] != 0) {
		found.place = found.department = p->by_number[found.code] - 1;
		return found;
	}
	const struct str region = texts->region.p != NULL ? texts->region : STR(""),
			 city = texts->city.p != NULL ? texts->city : STR("");
	const struct name *both = name_find(p, region, city);
	const struct name *department = both == NULL ? name_find(p, region, STR("")) : NULL;
	if (both != NULL) {
		found.place = both->place;
		found.department = both->department;
	} else if (department != NULL) {
		found.department = department->department;
	}
	return found;
}
