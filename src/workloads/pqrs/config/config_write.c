/* workloads/pqrs/config/config_write.c: the canonical form: a tree of normalised values, written by config_json with its keys in order.
 *
 * Functions add to the tree until the first failure and do nothing after it, so a long sequence needs one check. */
#include <stdio.h>

#include "flow/common_config.h"
#include "workloads/pqrs/config/config_int.h"

struct writer {
	struct config *c;
	status code;
	struct err *err;
};

static struct config_node *add(
	struct writer *w, struct config_node *parent, const char *key, enum config_kind kind, struct str text)
{
	struct config_node *node = parent; /* after a failure: anything that may be passed on */
	if (w->code == OK)
		w->code = config_add(w->c, parent, str_of(key), (struct config_value){kind, text}, &node, w->err);
	return node;
}

static struct config_node *add_map(struct writer *w, struct config_node *parent, const char *key)
{
	return add(w, parent, key, CONFIG_MAP, STR(""));
}

static struct config_node *add_list(struct writer *w, struct config_node *parent, const char *key)
{
	return add(w, parent, key, CONFIG_LIST, STR(""));
}

static void add_str(struct writer *w, struct config_node *parent, const char *key, const char *text)
{
	(void)add(w, parent, key, CONFIG_STRING, str_of(text));
}

static void add_bool(struct writer *w, struct config_node *parent, const char *key, bool v)
{
	(void)add(w, parent, key, CONFIG_BOOL, v ? STR("true") : STR("false"));
}

static void add_int(struct writer *w, struct config_node *parent, const char *key, int64_t v)
{
	char text[24];
	(void)snprintf(text, sizeof text, "%lld", (long long)v);
	(void)add(w, parent, key, CONFIG_NUMBER, str_of(text));
}

static void add_share(struct writer *w, struct config_node *parent, const char *key, int64_t millionths)
{
	char text[32];
	config_millionths_text(millionths, text);
	(void)add(w, parent, key, CONFIG_NUMBER, str_of(text));
}

static void add_date(struct writer *w, struct config_node *parent, const char *key, int32_t date)
{
	char text[DATE_CHARS];
	date_format(date, text);
	(void)add(w, parent, key, CONFIG_STRING, (struct str){text, sizeof text});
}

static void add_strings(
	struct writer *w, struct config_node *parent, const char *key, const char *const *items, size_t n)
{
	struct config_node *list = add_list(w, parent, key);
	for (size_t i = 0; i < n; i++) add_str(w, list, "", items[i]);
}

static void add_shares(struct writer *w, struct config_node *parent, const char *key, const char *const *names,
	const uint32_t *v, size_t n)
{
	struct config_node *map = add_map(w, parent, key);
	for (size_t i = 0; i < n; i++) add_share(w, map, names[i], v[i]);
}

/* ---- sections ---- */

static void write_calendar(
	struct writer *w, struct config_node *root, const struct pqrs_config *cfg, const struct pqrs_config_source *src)
{
	struct config_node *map = add_map(w, root, "calendar");
	add_str(w, map, "timezone", cfg->timezone);
	if (src->holidays != NULL) {
		add_str(w, map, "holidays", src->holidays);
		return;
	}
	struct config_node *list = add_list(w, map, "holidays");
	for (size_t i = 0; i < src->n_dates; i++) add_date(w, list, "", src->dates[i]);
}

static void write_simulation(struct writer *w, struct config_node *root, const struct pqrs_config *cfg)
{
	struct config_node *map = add_map(w, root, "simulation");
	struct config_node *range = add_map(w, map, "date_range");
	struct config_node *spike = add_map(w, map, "spike");
	add_int(w, map, "seed", (int64_t)cfg->simulation.seed);
	add_date(w, range, "from", cfg->simulation.date_from);
	add_date(w, range, "to", cfg->simulation.date_to);
	add_int(w, map, "volume_daily_avg", cfg->simulation.volume_daily_avg);
	add_share(w, map, "volume_sigma", cfg->simulation.volume_sigma);
	add_shares(w, map, "channel_probs", pqrs_channel_names, cfg->simulation.channel_probs, CHANNEL_N);
	add_shares(w, map, "pqrs_type_probs", pqrs_type_names, cfg->simulation.type_probs, TYPE_N);
	add_shares(w, map, "priority_probs", pqrs_priority_names, cfg->simulation.priority_probs, PRIORITY_N);
	add_share(w, map, "sla_breach_rate", cfg->simulation.sla_breach_rate);
	add_bool(w, spike, "enabled", cfg->simulation.spike.enabled);
	add_int(w, spike, "days_min", cfg->simulation.spike.days_min);
	add_int(w, spike, "days_max", cfg->simulation.spike.days_max);
	add_int(w, spike, "volume_min", cfg->simulation.spike.volume_min);
	add_int(w, spike, "volume_max", cfg->simulation.spike.volume_max);
	add_bool(w, map, "truncate", cfg->simulation.truncate);
}

static bool is_empty(const char *text)
{
	return text == NULL || text[0] == '\0';
}

static void write_geography(struct writer *w, struct config_node *root, const struct pqrs_config *cfg)
{
	struct config_node *list = add_list(w, root, "geography");
	for (size_t i = 0; i < cfg->simulation.n_places; i++) {
		const struct geo_place *p = &cfg->simulation.places[i];
		const int32_t degrees[2] = {p->latitude_e6, p->longitude_e6};
		struct config_node *row = add_list(w, list, "");
		add_str(w, row, "", p->dane_code);
		add_str(w, row, "", p->city);
		add_str(w, row, "", p->department);
		for (int k = 0; k < 2; k++) {
			if (degrees[k] == INT32_MIN)
				(void)add(w, row, "", CONFIG_NULL, STR(""));
			else
				add_share(w, row, "", degrees[k]);
		}
		add_int(w, row, "", p->weight);
		const char *const others[2] = {p->other_cities, p->other_departments};
		if (is_empty(others[0]) && is_empty(others[1])) continue;
		for (int k = 0; k < 2; k++) add_str(w, row, "", is_empty(others[k]) ? "" : others[k]);
	}
}

static void write_topics(struct writer *w, struct config_node *root, const struct pqrs_config *cfg)
{
	struct config_node *map = add_map(w, root, "topics");
	struct config_node *slots = add_map(w, map, "slots");
	struct config_node *list = add_list(w, map, "topics");
	add_str(w, map, "version", "v1");
	for (size_t i = 0; i < cfg->simulation.n_slots; i++) {
		const struct topic_slot *s = &cfg->simulation.slots[i];
		add_strings(w, slots, s->name, s->values, s->n_values);
	}
	add_strings(w, map, "agent_messages", cfg->simulation.agent_messages, cfg->simulation.n_agent_messages);
	add_strings(w, map, "citizen_messages", cfg->simulation.citizen_messages, cfg->simulation.n_citizen_messages);
	for (size_t i = 0; i < cfg->simulation.n_topics; i++) {
		const struct topic *t = &cfg->simulation.topics[i];
		struct config_node *topic = add_map(w, list, "");
		struct config_node *weights = add_map(w, topic, "weights");
		struct config_node *subjects = add_map(w, topic, "subjects");
		struct config_node *bodies = add_map(w, topic, "bodies");
		add_str(w, topic, "name", t->name);
		for (int k = 0; k < TYPE_N; k++) {
			add_int(w, weights, pqrs_type_names[k], t->type_weight[k]);
			add_strings(w, subjects, pqrs_type_names[k], t->subjects[k], t->n_subjects[k]);
			add_strings(w, bodies, pqrs_type_names[k], t->bodies[k], t->n_bodies[k]);
		}
	}
}

static void write_classes(
	struct writer *w, struct config_node *parent, const char *key, const struct rule_class *classes, size_t n)
{
	struct config_node *map = add_map(w, parent, key);
	for (size_t i = 0; i < n; i++) add_strings(w, map, classes[i].name, classes[i].keywords, classes[i].n_keywords);
}

static void write_rules(struct writer *w, struct config_node *root, const struct pqrs_config *cfg)
{
	struct config_node *map = add_map(w, root, "rules");
	add_str(w, map, "version", cfg->rules.version);
	write_classes(w, map, "types", cfg->rules.types, TYPE_N);
	write_classes(w, map, "priorities", cfg->rules.priorities, PRIORITY_N);
}

static void write_law(struct writer *w, struct config_node *root, const struct pqrs_config *cfg)
{
	struct config_node *map = add_map(w, root, "law");
	struct config_node *list = add_list(w, map, "terms");
	add_str(w, map, "version", "v1");
	for (size_t i = 0; i < cfg->law.n; i++) {
		const struct law_row *r = &cfg->law.rows[i];
		struct config_node *row = add_map(w, list, "");
		add_date(w, row, "from", r->from);
		for (int k = 0; k < REQUEST_N; k++) add_int(w, row, pqrs_request_names[k], r->days[k]);
		add_bool(w, row, "in_course", r->in_course);
		add_str(w, row, "source", r->source);
	}
}

static void write_status(struct writer *w, struct config_node *root, const struct pqrs_config *cfg)
{
	struct config_node *map = add_map(w, root, "status");
	struct config_node *states = add_list(w, map, "states");
	struct config_node *transitions = add_list(w, map, "transitions");
	add_str(w, map, "version", "v1");
	for (int i = 0; i < STATE_N; i++) {
		struct config_node *state = add_map(w, states, "");
		add_str(w, state, "name", cfg->states[i].name);
		add_str(w, state, "name_es", cfg->states[i].name_es);
		add_bool(w, state, "terminal", cfg->states[i].terminal);
		add_str(w, state, "sla", sla_behaviour_names[cfg->states[i].sla]);
		add_int(w, state, "order", cfg->states[i].order);
		for (int k = 0; k < STATE_N; k++) {
			if (!cfg->transitions[i][k]) continue;
			struct config_node *pair = add_list(w, transitions, "");
			add_str(w, pair, "", state_ids[i]);
			add_str(w, pair, "", state_ids[k]);
		}
	}
}

static void write_small(struct writer *w, struct config_node *root, const struct pqrs_config *cfg)
{
	struct config_node *ingest = add_map(w, root, "ingest");
	struct config_node *sla = add_map(w, root, "sla");
	struct config_node *terms = add_map(w, sla, "business_days");
	struct config_node *quality = add_map(w, root, "quality");
	struct config_node *parquet = add_map(w, root, "parquet");
	struct config_node *publish = add_map(w, root, "publish");
	for (int i = 0; i < TYPE_N; i++) {
		if (cfg->sla_business_days[i] != 0) add_int(w, terms, pqrs_type_names[i], cfg->sla_business_days[i]);
	}
	add_int(w, ingest, "line_bytes_max", (int64_t)cfg->line_bytes_max);
	add_int(w, sla, "clock_skew_max", cfg->clock_skew_max / US_PER_HOUR);
	add_share(w, quality, "invalid_transition_rate_max", cfg->quality.invalid_transition_rate_max);
	add_share(w, quality, "reject_rate_max", cfg->quality.reject_rate_max);
	add_share(w, quality, "breach_rate_min", cfg->quality.breach_rate_min);
	add_share(w, quality, "breach_rate_max", cfg->quality.breach_rate_max);
	add_share(w, quality, "share_tolerance", cfg->quality.share_tolerance);
	add_str(w, parquet, "codec", common_config_codec_name(cfg->parquet.codec));
	add_int(w, parquet, "level", cfg->parquet.level);
	add_int(w, parquet, "page_rows_max", cfg->parquet.page_rows_max);
	add_int(w, parquet, "page_bytes_min", cfg->parquet.page_bytes_min);
	add_bool(w, parquet, "bloom", cfg->parquet.bloom);
	add_bool(w, publish, "core", cfg->publish_core);
}

status pqrs_config_write(
	const struct pqrs_config *cfg, const struct pqrs_config_source *src, struct buf *out, struct err *err)
{
	struct config c;
	TRY(config_init(&c, err));
	struct writer w = {&c, OK, err};
	write_calendar(&w, c.root, cfg, src);
	if (src->simulated) write_simulation(&w, c.root, cfg);
	if (src->simulated) write_topics(&w, c.root, cfg);
	if (cfg->law.n > 0) write_law(&w, c.root, cfg);
	write_geography(&w, c.root, cfg);
	write_rules(&w, c.root, cfg);
	write_status(&w, c.root, cfg);
	write_small(&w, c.root, cfg);
	if (w.code == OK) config_leave_out_newer(c.root, &pqrs_config_keys);
	if (w.code == OK) {
		config_json(c.root, out);
		w.code = buf_check(out, err);
	}
	config_deinit(&c);
	return w.code;
}
