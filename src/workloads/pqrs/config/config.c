/* workloads/pqrs/config/config.c: from settings and files to the canonical form, and from that to the struct. */
#include "workloads/pqrs/config/config.h"

#include <limits.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/limits.h"
#include "workloads/pqrs/config/config_int.h"
#include "workloads/pqrs/config/embedded.h"

enum { CONFIG_BYTES_MAX = 1 << 26 };

/* ---- files ---- */

/* A text that was compiled in or read from a file. */
struct source {
	struct str text; /* views bytes, or the program */
	struct buf bytes;
	char name[PATH_MAX]; /* for errors */
};

static void source_init(struct source *s)
{
	buf_init(&s->bytes, CONFIG_FILE_BYTES_MAX + (1 << 17));
	s->text = (struct str){"", 0};
	s->name[0] = '\0';
}

/* The file that the key at path names, or the one compiled in. s: initialised, to be released by buf_deinit of its bytes. */
static status source_read(
	struct source *s, const struct config_node *root, const char *path, const char *embedded, struct err *err)
{
	const struct config_node *node = config_find(root, path);
	struct str file = {"", 0};
	if (node != NULL) TRY(config_str(node, &file, err));
	if (file.n == 0) {
		s->text = embedded_file(embedded);
		ASSERT(s->text.p != NULL);
		(void)strcat(strcpy(s->name, "config/"), embedded);
		return OK;
	}
	TRY(config_file_path(node, s->name, sizeof s->name, err));
	const status code = file_read(s->name, CONFIG_FILE_BYTES_MAX, &s->bytes, err);
	if (code == E_NOT_FOUND) return config_fail(node, err, "there is no file %s", s->name);
	TRY(code);
	s->text = (struct str){(const char *)s->bytes.p, s->bytes.n};
	return OK;
}

static status source_tree(struct config *c, const struct config_node *root, const char *path, const char *embedded,
	struct config_node **out, struct err *err)
{
	struct source s;
	source_init(&s);
	status code = source_read(&s, root, path, embedded, err);
	const size_t n = strlen(s.name);
	if (code == OK)
		code = config_parse(c, n > 5 && strcmp(s.name + n - 5, ".json") == 0 ? CONFIG_JSON : CONFIG_YAML,
			s.text, s.name, out, err);
	buf_deinit(&s.bytes);
	return code;
}

/* settings: the simulation file below, the given tree above, and checked as a whole: the file's keys are the section's. */
static status settings_merge(const struct config *tree, struct config *settings, struct err *err)
{
	struct config_node *file = NULL;
	struct config_node *section = NULL;
	TRY(source_tree(settings, tree->root, "simulation.file", "pqrs_simulation_v1.yaml", &file, err));
	TRY(config_add(settings, settings->root, STR("simulation"), CONFIG_EMPTY_MAP, &section, err));
	TRY(config_merge(settings, section, file, err));
	TRY(config_check(settings, &pqrs_config_keys, 1, err));
	for (const struct config_node *n = tree->root->first; n != NULL; n = n->next) {
		if (!str_is(n->key, "simulation") || n->kind != CONFIG_MAP) continue;
		TRY(config_merge(settings, section, n, err));
	}
	return OK;
}

static bool needs_law(const struct pqrs_config *cfg)
{
	bool needed = false;
	for (int i = 0; i < TYPE_N; i++) needed |= cfg->sla_business_days[i] == 0;
	return needed;
}

static status read_files(
	struct config *c, const struct config_node *root, struct pqrs_config *cfg, bool simulated, struct err *err)
{
	struct config_node *file = NULL;
	if (simulated) {
		TRY(source_tree(c, root, "simulation.topics_file", "pqrs_topics_v1.yaml", &file, err));
		TRY(pqrs_config_read_topics(file, cfg, err));
	}
	if (needs_law(cfg)) {
		TRY(source_tree(c, root, "sla.law_file", "law_co_v1.yaml", &file, err));
		TRY(pqrs_config_read_law(file, cfg, err));
	}
	TRY(source_tree(c, root, "classify.rules_file", "pqrs_preclass_rules_v1.yaml", &file, err));
	TRY(pqrs_config_read_rules(file, cfg, err));
	TRY(source_tree(c, root, "sla.status_file", "pqrs_status_v1.yaml", &file, err));
	return pqrs_config_read_status(file, cfg, err);
}

/* The places that are known, and of those the simulator's share where the configuration has one. s: a source's room. */
static status geo_read(struct source *s, const struct config_node *root, struct pqrs_config *cfg, struct geo_table *out,
	struct err *err)
{
	const struct config_node *node = config_find(root, "simulation.geo_probability_csv");
	TRY(source_read(s, root, "simulation.geo_file", "geo_colombia_v1.csv", err));
	TRY(pqrs_config_read_geo_csv(s->text, s->name, &cfg->arena, out, err));
	if (node == NULL || node->text.n == 0) return OK;
	const struct geo_table known = *out;
	buf_reset(&s->bytes);
	TRY(source_read(s, root, "simulation.geo_probability_csv", "", err));
	return pqrs_config_read_geo_probabilities(s->text, s->name, &known, &cfg->arena, out, err);
}

static status read_geography(const struct config_node *root, struct pqrs_config *cfg, struct err *err)
{
	struct source s;
	struct geo_table table = {NULL, 0};
	source_init(&s);
	const status code = geo_read(&s, root, cfg, &table, err);
	buf_deinit(&s.bytes);
	TRY(code);
	cfg->simulation.places = table.places;
	cfg->simulation.n_places = table.n;
	return OK;
}

/* ---- canonical ---- */

static struct pqrs_config *config_new(struct err *err)
{
	struct pqrs_config *cfg = mem_zalloc(1, sizeof *cfg);
	if (cfg == NULL)
		(void)fail_nomem(err);
	else
		arena_init(&cfg->arena, CONFIG_BYTES_MAX);
	return cfg;
}

void pqrs_config_close(struct pqrs_config *c)
{
	if (c == NULL) return;
	calendar_destroy(c->calendar);
	tz_destroy(c->tz);
	arena_deinit(&c->arena);
	mem_free(c);
}

static status canonical_write(const struct config *tree, enum pqrs_events_from from, struct config *settings,
	struct pqrs_config *cfg, struct buf *out, struct err *err)
{
	struct pqrs_config_source src = {.simulated = from == PQRS_SIMULATED};
	TRY(settings_merge(tree, settings, err));
	/* The other sections stand in the tree alone. */
	struct config_node *section = NULL;
	for (const struct config_node *n = tree->root->first; n != NULL; n = n->next) {
		if (str_is(n->key, "simulation") || n->kind != CONFIG_MAP) continue;
		TRY(config_add(settings, settings->root, n->key, CONFIG_EMPTY_MAP, &section, err));
		TRY(config_merge(settings, section, n, err));
	}
	TRY(pqrs_config_read_settings(settings->root, cfg, &src, err));
	TRY(read_files(settings, settings->root, cfg, src.simulated, err));
	TRY(read_geography(settings->root, cfg, err));
	return pqrs_config_write(cfg, &src, out, err);
}

status pqrs_config_canonical(const struct config *tree, enum pqrs_events_from from, struct buf *out, struct err *err)
{
	struct config settings;
	struct pqrs_config *cfg = config_new(err);
	if (cfg == NULL) return E_NOMEM;
	status code = config_init(&settings, err);
	if (code == OK) {
		code = canonical_write(tree, from, &settings, cfg, out, err);
		config_deinit(&settings);
	}
	pqrs_config_close(cfg);
	return code;
}

/* ---- opening ---- */

static status open_sections(const struct config_node *root, struct pqrs_config *cfg, struct err *err)
{
	static const char *const sections[] = {"calendar", "geography", "ingest", "law", "parquet", "publish",
		"quality", "rules", "simulation", "sla", "status", "topics"};
	struct pqrs_config_source src = {.from_canonical = true, .simulated = config_find(root, "simulation") != NULL};
	const struct config_node *node;
	struct geo_table table;
	TRY(config_keys_only(root, sections, sizeof sections / sizeof sections[0], err));
	TRY(pqrs_config_read_settings(root, cfg, &src, err));
	if (src.simulated) {
		TRY(config_need(root, "topics", &node, err));
		TRY(pqrs_config_read_topics(node, cfg, err));
	}
	if (needs_law(cfg)) {
		TRY(config_need(root, "law", &node, err));
		TRY(pqrs_config_read_law(node, cfg, err));
	}
	TRY(config_need(root, "rules", &node, err));
	TRY(pqrs_config_read_rules(node, cfg, err));
	TRY(config_need(root, "status", &node, err));
	TRY(pqrs_config_read_status(node, cfg, err));
	TRY(config_need(root, "geography", &node, err));
	TRY(pqrs_config_read_geo_list(node, &cfg->arena, &table, err));
	cfg->simulation.places = table.places;
	cfg->simulation.n_places = table.n;
	return OK;
}

static status read_canonical(struct str canonical, struct config *tree, struct pqrs_config *cfg, struct err *err)
{
	struct config_node *root = NULL;
	TRY(config_parse(tree, CONFIG_JSON, canonical, "canonical configuration", &root, err));
	TRY(config_fill_newer(tree, root, &pqrs_config_keys, err));
	return open_sections(root, cfg, err);
}

status pqrs_config_open(struct str canonical, struct pqrs_config **out, struct err *err)
{
	struct config tree;
	TRY(config_init(&tree, err));
	struct pqrs_config *cfg = config_new(err);
	const status code = cfg != NULL ? read_canonical(canonical, &tree, cfg, err) : E_NOMEM;
	config_deinit(&tree);
	if (code == OK)
		*out = cfg;
	else
		pqrs_config_close(cfg);
	return code;
}
