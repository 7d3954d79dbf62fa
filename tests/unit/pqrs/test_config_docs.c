/* docs/configuration.md and config/pqr.yaml say what the tables of keys say. */
#include "check.h"

#include "base/file.h"
#include "flow/engine_config.h"
#include "workloads/clickstream/config.h"
#include "workloads/pqrs/config/embedded.h"
#include "workloads/pqrs/config/config.h"

enum { TABLES = 3 };
static const struct config_keys *tables(void)
{
	static struct config_keys all[TABLES];
	all[0] = engine_config_keys;
	all[1] = pqrs_config_keys;
	all[2] = clickstream_config_keys;
	return all;
}

static void read_file(const char *name, struct buf *out)
{
	struct err err = {0};
	char path[512];
	(void)snprintf(path, sizeof path, "%s/%s", PQR_SOURCE_DIR, name);
	buf_init(out, 0);
	CHECK_OK(&err, file_read(path, 1 << 20, out, &err));
	buf_char(out, '\0');
}

/* All defaults in one tree, the simulator's included. */
static void defaults_load(struct config *c)
{
	struct err err = {0};
	struct config_node *file = NULL;
	struct config_node *root = NULL;
	struct config_node *section = NULL;
	CHECK_OK(&err, config_init(c, &err));
	CHECK_OK(&err, config_defaults(c, tables(), TABLES, &err));
	CHECK_OK(&err, config_parse(c, CONFIG_YAML, embedded_file("pqrs_simulation_v1.yaml"), "defaults", &file, &err));
	CHECK_OK(&err, config_parse(c, CONFIG_YAML, STR("{}"), "defaults", &root, &err));
	CHECK_OK(&err, config_add(c, root, STR("simulation"), CONFIG_EMPTY_MAP, &section, &err));
	CHECK_OK(&err, config_merge(c, section, file, &err));
	CHECK_OK(&err, config_merge(c, c->root, root, &err));
}

static const char *default_of(const struct config *c, const char *path)
{
	char other[128];
	const struct config_node *node = config_find(c->root, path);
	if (config_key_find(tables(), TABLES, path)->type == CONFIG_T_TEXTS) return "";
	if (node == NULL && strncmp(path, "sla.business_days.", 18) == 0) {
		(void)snprintf(other, sizeof other, "simulation.sla_business_days.%s", path + 18);
		node = config_find(c->root, other);
	}
	if (node == NULL) fail_msg("%s has no default", path);
	return node->text.p;
}

static void type_text(const struct config_key *k, char dst[256])
{
	char low[32];
	char high[32];
	static const char *const names[] = {"true or false", "", "", "date", "text", "", "texts"};
	(void)strcpy(dst, names[k->type]);
	config_millionths_text(k->min, low);
	config_millionths_text(k->max, high);
	if (k->type == CONFIG_T_DECIMAL) (void)snprintf(dst, 256, "decimal %s to %s", low, high);
	if (k->type == CONFIG_T_INT && k->max == INT64_MAX)
		(void)snprintf(dst, 256, "integer ≥ %lld", (long long)k->min);
	else if (k->type == CONFIG_T_INT)
		(void)snprintf(dst, 256, "integer %lld to %lld", (long long)k->min, (long long)k->max);
	for (size_t i = 0; k->type == CONFIG_T_CHOICE && k->choices[i] != NULL; i++)
		(void)strcat(strcat(dst, i > 0 ? ", " : ""), k->choices[i]);
}

static void every_key_is_documented(void **state)
{
	(void)state;
	struct config c;
	struct buf docs;
	size_t rows = 0;
	defaults_load(&c);
	read_file("docs/configuration.md", &docs);
	for (const char *p = strstr((char *)docs.p, "|---|"); p != NULL && (p = strstr(p + 1, "\n| `")) != NULL;)
		rows++;
	for (size_t t = 0; t < TABLES; t++) {
		for (size_t i = 0; i < tables()[t].n; i++) {
			const struct config_key *k = &tables()[t].items[i];
			char type[256];
			char row[1024];
			rows -= config_key_find(tables(), t, k->path) == NULL; /* workloads share some */
			const char *fallback = default_of(&c, k->path);
			const char *quote = fallback[0] != '\0' ? "`" : "";
			type_text(k, type);
			(void)snprintf(row, sizeof row, "\n| `%s` | %s | %s%s%s | %s |\n", k->path, type, quote,
				fallback, quote, k->meaning);
			if (strstr((char *)docs.p, row) == NULL) fail_msg("docs/configuration.md lacks the row%s", row);
		}
	}
	assert_int_equal(rows, 0); /* and no row of a key that is gone */
	buf_deinit(&docs);
	config_deinit(&c);
}

static status canonical(struct str yaml, bool merge, struct buf *out, struct err *err)
{
	struct config c;
	struct config_node *file = NULL;
	TRY(config_init(&c, err));
	status code = config_defaults(&c, tables(), TABLES, err);
	if (code == OK && merge) code = config_parse(&c, CONFIG_YAML, yaml, "config/pqr.yaml", &file, err);
	if (code == OK && merge) code = config_merge(&c, c.root, file, err);
	if (code == OK) code = config_check(&c, tables(), TABLES, err);
	if (code == OK) code = pqrs_config_canonical(&c, PQRS_SIMULATED, out, err);
	config_deinit(&c);
	return code;
}

/* As it is, and with every '#' before a key taken off, the example is the default configuration and names every key. */
static void example_is_the_default(void **state)
{
	(void)state;
	struct err err = {0};
	struct buf example;
	struct buf want;
	struct buf got;
	read_file("config/pqr.yaml", &example);
	buf_init(&want, 0);
	buf_init(&got, 0);
	CHECK_OK(&err, canonical(STR(""), false, &want, &err));
	for (int round = 0; round < 2; round++) {
		buf_reset(&got);
		CHECK_OK(&err, canonical((struct str){(char *)example.p, example.n - 1}, true, &got, &err));
		assert_int_equal(got.n, want.n);
		assert_memory_equal(got.p, want.p, want.n);
		for (char *p = (char *)example.p; (p = strstr(p, "\n#  ")) != NULL; p++)
			p[1] = ' '; /* one space too many each: still YAML */
	}
	struct config c;
	struct config_node *file = NULL;
	CHECK_OK(&err, config_init(&c, &err));
	CHECK_OK(&err, config_parse(&c, CONFIG_YAML, (struct str){(char *)example.p, example.n - 1}, "config/pqr.yaml",
			       &file, &err));
	for (size_t t = 0; t < TABLES; t++) {
		for (size_t i = 0; i < tables()[t].n; i++) {
			if (config_find(file, tables()[t].items[i].path) == NULL)
				fail_msg("config/pqr.yaml lacks %s", tables()[t].items[i].path);
		}
	}
	config_deinit(&c);
	buf_deinit(&got);
	buf_deinit(&want);
	buf_deinit(&example);
}

static void embedded_files_are_the_files(void **state)
{
	(void)state;
	size_t n = 0;
	for (; embedded_name(n) != NULL; n++) {
		char name[128];
		struct buf file;
		const struct str bytes = embedded_file(embedded_name(n));
		(void)snprintf(name, sizeof name, "config/%s", embedded_name(n));
		read_file(name, &file);
		assert_int_equal(bytes.n, file.n - 1);
		assert_memory_equal(bytes.p, file.p, bytes.n);
		assert_int_equal(bytes.p[bytes.n], 0);
		buf_deinit(&file);
	}
	assert_int_equal(n, 6);
	assert_null(embedded_file("nothing.yaml").p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_key_is_documented),
		cmocka_unit_test(example_is_the_default),
		cmocka_unit_test(embedded_files_are_the_files),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
