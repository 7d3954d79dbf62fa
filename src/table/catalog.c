/* table/catalog.c: tables of a lake by their folders, and the one a person means. Looks at folder names and logs' listings, never at data. */
#include "table/catalog.h"

#include <stdio.h>

struct walk {
	struct store *lake;
	delta_table_visit visit;
	void *arg;
	const char *layer;
};

static status visit_table(void *arg, const char *name, bool is_folder, struct err *err)
{
	const struct walk *w = arg;
	char root[DELTA_ROOT_MAX];
	bool exists = false;
	if (!is_folder || name[0] == '_' || name[0] == '.') return OK;
	const int n = snprintf(root, sizeof root, "%s/%s", w->layer, name);
	if (n < 0 || (size_t)n >= sizeof root) return OK; /* longer than any name a table can be opened by */
	TRY(delta_table_exists(w->lake, root, &exists, err));
	return exists ? w->visit(w->arg, w->layer, name, err) : OK;
}

static status visit_layer(void *arg, const char *name, bool is_folder, struct err *err)
{
	struct walk *w = arg;
	if (!is_folder || name[0] == '_' || name[0] == '.') return OK;
	w->layer = name;
	return store_list_names(w->lake, name, visit_table, w, err);
}

status delta_catalog_list(struct store *lake, delta_table_visit visit, void *arg, struct err *err)
{
	struct walk w = {.lake = lake, .visit = visit, .arg = arg};
	return store_list_names(lake, "", visit_layer, &w, err);
}

struct find {
	struct str wanted;
	char root[DELTA_ROOT_MAX];
	size_t n; /* tables of that name */
	char near[DELTA_ROOT_MAX];
	size_t near_distance;
	size_t n_tables;
};

static status visit_find(void *arg, const char *layer, const char *name, struct err *err)
{
	struct find *f = arg;
	char full[DELTA_ROOT_MAX];
	(void)err;
	(void)snprintf(full, sizeof full, "%s.%s", layer, name);
	f->n_tables++;
	if (str_is(f->wanted, full) || str_is(f->wanted, name)) {
		(void)snprintf(f->root, sizeof f->root, "%s/%s", layer, name);
		f->n++;
	}
	const size_t a = str_distance(f->wanted, str_of(full)), b = str_distance(f->wanted, str_of(name));
	const size_t d = a < b ? a : b;
	if (d >= f->near_distance) return OK;
	f->near_distance = d;
	memcpy(f->near, full, sizeof f->near);
	return OK;
}

status delta_catalog_find(struct store *lake, const char *name, char root[DELTA_ROOT_MAX], struct err *err)
{
	char dotted[DELTA_ROOT_MAX];
	(void)snprintf(dotted, sizeof dotted, "%s", name);
	char *slash = strchr(dotted, '/');
	if (slash != NULL && strchr(dotted, '.') == NULL) *slash = '.';
	struct find f = {.wanted = str_of(dotted), .near_distance = 4};
	TRY(delta_catalog_list(lake, visit_find, &f, err));
	if (f.n > 1)
		return fail(err, E_USAGE, "table %s: %zu layers have one; name it with its layer, as silver.%s", name,
			f.n, name);
	if (f.n == 1) {
		memcpy(root, f.root, DELTA_ROOT_MAX);
		return OK;
	}
	if (f.n_tables == 0)
		return fail(err, E_NOT_FOUND, "no table %s: the lake %s has no Delta table yet; `pqr run` makes them",
			name, store_uri(lake));
	if (f.near[0] != '\0')
		return fail(
			err, E_NOT_FOUND, "no table %s: did you mean %s? `pqr table list` lists them", name, f.near);
	return fail(err, E_NOT_FOUND, "no table %s in the lake %s: `pqr table list` lists them", name, store_uri(lake));
}
