/* io/config/config_keys.c: tables of known keys: defaults, environment, unknown and mistyped keys. */
#include <ctype.h>
#include <stdio.h>

#include "io/config/config_int.h"

enum { PATH_CHARS_MAX = 128, NAME_CHARS_MAX = 48 };

const struct config_key *config_key_find(const struct config_keys *tables, size_t n, const char *path)
{
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			if (strcmp(tables[t].items[i].path, path) == 0) return &tables[t].items[i];
		}
	}
	return NULL;
}

status config_defaults(struct config *c, const struct config_keys *tables, size_t n, struct err *err)
{
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			const struct config_key *k = &tables[t].items[i];
			if (k->fallback != NULL) TRY(config_set(c, k->path, k->fallback, "default", err));
		}
	}
	return OK;
}

/* ---- environment ---- */

static void variable_name(const char *path, char dst[PATH_CHARS_MAX])
{
	size_t n = (size_t)snprintf(dst, PATH_CHARS_MAX, "PQR_%s", path);
	ASSERT(n < PATH_CHARS_MAX);
	for (size_t i = 0; i < n; i++) {
		if (dst[i] == '.')
			dst[i] = '_';
		else if (dst[i] >= 'a' && dst[i] <= 'z')
			dst[i] = (char)(dst[i] - 'a' + 'A');
	}
}

/* The key that a variable sets; *section: its first part names a section that is known. */
static const struct config_key *variable_key(const struct config_keys *tables, size_t n, struct str name, bool *section)
{
	*section = false;
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			char variable[PATH_CHARS_MAX];
			variable_name(tables[t].items[i].path, variable);
			if (str_is(name, variable)) return &tables[t].items[i];
			const size_t part = 4 + strcspn(tables[t].items[i].path, "."); /* "PQR_LAKE" */
			if (name.n > part && memcmp(name.p, variable, part) == 0 && name.p[part] == '_')
				*section = true;
		}
	}
	return NULL;
}

/* A variable below a map of texts: PQR_STREAM_KAFKA_SASL_USERNAME is sasl.username of stream.kafka. NULL: it is below none. */
static const struct config_key *variable_member(
	const struct config_keys *tables, size_t n, struct str name, char member[PATH_CHARS_MAX])
{
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			char variable[PATH_CHARS_MAX];
			if (tables[t].items[i].type != CONFIG_T_TEXTS) continue;
			variable_name(tables[t].items[i].path, variable);
			const size_t above = strlen(variable) + 1;
			if (name.n <= above || name.n - above >= PATH_CHARS_MAX || name.p[above - 1] != '_' ||
				memcmp(name.p, variable, above - 1) != 0)
				continue;
			(void)snprintf(member, PATH_CHARS_MAX, "%.*s", (int)(name.n - above), name.p + above);
			for (char *p = member; *p != '\0'; p++) *p = *p == '_' ? '.' : (char)tolower((unsigned char)*p);
			return &tables[t].items[i];
		}
	}
	return NULL;
}

status config_environment(
	struct config *c, const struct config_keys *tables, size_t n, const char *const *env, struct err *err)
{
	for (; *env != NULL; env++) {
		const char *equals = strchr(*env, '=');
		if (strncmp(*env, "PQR_", 4) != 0 || equals == NULL || equals[1] == '\0') continue;
		bool section;
		char member[PATH_CHARS_MAX] = "";
		const struct str name = {*env, (size_t)(equals - *env)};
		const struct config_key *key = variable_key(tables, n, name, &section);
		if (key == NULL) key = variable_member(tables, n, name, member);
		if (key == NULL && !section) continue;
		if (key == NULL)
			return fail(err, E_USAGE,
				"environment variable %.*s: unknown key; docs/configuration.md lists them",
				(int)(name.n < 100 ? name.n : 100), name.p);
		char origin[PATH_CHARS_MAX + 32];
		(void)snprintf(origin, sizeof origin, "environment variable %.*s", (int)name.n, name.p);
		TRY(config_node_set(
			c, c->root, (struct config_setting){key->path, equals + 1, origin, str_of(member)}, err));
	}
	return OK;
}

/* ---- unknown keys ---- */

/* The name at one level of a key's path below `above` ("simulation." or ""); empty: the key lies elsewhere. */
static struct str name_below(const char *path, const char *above)
{
	const size_t n = strlen(above);
	if (strncmp(path, above, n) != 0) return (struct str){"", 0};
	return (struct str){path + n, strcspn(path + n, ".")};
}

static status unknown_key(
	const struct config_node *node, const char *path, const struct config_keys *tables, size_t n, struct err *err)
{
	char above[PATH_CHARS_MAX];
	const char *dot = strrchr(path, '.');
	(void)snprintf(above, sizeof above, "%.*s", dot != NULL ? (int)(dot - path) + 1 : 0, path);
	struct str best = {"", 0};
	size_t best_distance = node->key.n / 3 + 1; /* nearer than this is likely a slip */
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			const struct str name = name_below(tables[t].items[i].path, above);
			const size_t d = name.n > 0 ? str_distance(node->key, name) : SIZE_MAX;
			if (d < best_distance) {
				best = name;
				best_distance = d;
			}
		}
	}
	if (best.n > 0) return config_fail(node, err, "unknown key; did you mean \"%.*s\"?", (int)best.n, best.p);
	return config_fail(node, err, "unknown key; docs/configuration.md lists them");
}

static bool is_section(const struct config_keys *tables, size_t n, const char *path)
{
	const size_t length = strlen(path);
	for (size_t t = 0; t < n; t++) {
		for (size_t i = 0; i < tables[t].n; i++) {
			const char *p = tables[t].items[i].path;
			if (strncmp(p, path, length) == 0 && p[length] == '.') return true;
		}
	}
	return false;
}

static status check_texts(const struct config_node *map, struct err *err)
{
	if (map->kind == CONFIG_NULL) return OK; /* all of them are commented out */
	TRY(config_map(map, err));
	for (const struct config_node *node = map->first; node != NULL; node = node->next) {
		if (node->kind == CONFIG_MAP)
			return config_fail(node, err, "expected a text under the whole name, as sasl.username: me");
		if (node->kind == CONFIG_LIST || node->kind == CONFIG_NULL)
			return config_fail(node, err, "expected a text");
	}
	return OK;
}

static status check_type(const struct config_node *node, const struct config_key *k, struct err *err)
{
	bool b;
	int64_t i;
	int32_t date;
	struct str s;
	size_t choice;
	size_t n_choices = 0;
	switch (k->type) {
	case CONFIG_T_BOOL: return config_bool(node, &b, err);
	case CONFIG_T_INT: return config_i64(node, k->min, k->max, &i, err);
	case CONFIG_T_DECIMAL: return config_millionths(node, k->min, k->max, &i, err);
	case CONFIG_T_DATE: return config_date(node, &date, err);
	case CONFIG_T_STRING: return config_str(node, &s, err);
	case CONFIG_T_CHOICE:
		while (k->choices[n_choices] != NULL) n_choices++;
		return config_choice(node, k->choices, n_choices, &choice, err);
	case CONFIG_T_TEXTS: return check_texts(node, err);
	}
	return OK;
}

status config_check(const struct config *c, const struct config_keys *tables, size_t n, struct err *err)
{
	const struct config_node *next;
	for (const struct config_node *node = c->root->first; node != NULL; node = next) {
		char path[PATH_CHARS_MAX];
		next = config_node_after(node, c->root);
		config_node_path(node, path, sizeof path);
		const struct config_key *key = config_key_find(tables, n, path);
		if (key != NULL) {
			struct config_node secret =
				*node; /* the tree stays as it is; only what an error shows changes */
			secret.secret = key->secret;
			TRY(check_type(&secret, key, err));
			if (key->type == CONFIG_T_TEXTS && node->last != NULL)
				next = config_node_after(node->last, c->root); /* its names are its own */
			continue;
		}
		if (!is_section(tables, n, path)) return unknown_key(node, path, tables, n, err);
		if (node->kind == CONFIG_NULL) continue; /* all its keys are commented out */
		TRY(config_map(node, err));
	}
	return OK;
}
