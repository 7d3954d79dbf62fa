/* workloads/pqrs/config/config_texts.c: topics, keyword rules, the law and the state machine, from their files. */
#include "base/unicode.h"
#include "workloads/pqrs/config/config_int.h"

const char *const sla_behaviour_names[5] = {"NONE", "START", "RUN", "PAUSE", "STOP"};
const char *const state_ids[STATE_N] = {"RECEIVED", "RADICATED", "CLASSIFIED", "ASSIGNED", "IN_PROGRESS", "ON_HOLD",
	"RESPONDED", "CLOSED", "ARCHIVED", "REOPENED"};

#define WEIGHT_MAX 1000000
enum { ORDER_MAX = 1000, LAW_DAYS_MAX = 1000 };

struct strings {
	const char *const *items;
	size_t n;
};

/* A list of at least min texts, none empty. */
static status read_strings(
	const struct config_node *list, size_t min, struct arena *arena, struct strings *out, struct err *err)
{
	TRY(config_list(list, min, err));
	const char **items = ARENA_NEW(arena, const char *, list->n);
	if (items == NULL) return fail_nomem(err);
	size_t n = 0;
	for (const struct config_node *c = list->first; c != NULL; c = c->next) {
		TRY(pqrs_config_keep_str(c, arena, &items[n], err));
		if (items[n][0] == '\0') return config_fail(c, err, "the text is empty");
		n++;
	}
	*out = (struct strings){items, n};
	return OK;
}

/* ---- topics ---- */

static status read_slots(const struct config_node *map, struct pqrs_config *cfg, struct err *err)
{
	TRY(config_map(map, err));
	struct topic_slot *slots = ARENA_ZNEW(&cfg->arena, struct topic_slot, map->n);
	if (slots == NULL) return fail_nomem(err);
	size_t n = 0;
	for (const struct config_node *c = map->first; c != NULL; c = c->next) {
		struct strings values;
		TRY(read_strings(c, 1, &cfg->arena, &values, err));
		slots[n].name = arena_strndup(&cfg->arena, c->key.p, c->key.n);
		if (slots[n].name == NULL) return fail_nomem(err);
		slots[n].values = values.items;
		slots[n++].n_values = values.n;
	}
	cfg->simulation.slots = slots;
	cfg->simulation.n_slots = n;
	return OK;
}

/* Subjects or bodies of one type; they may be missing where the type has no weight. */
static status read_topic_texts(
	const struct config_node *map, int type, bool needed, struct arena *arena, struct strings *out, struct err *err)
{
	const struct config_node *list = config_find(map, pqrs_type_names[type]);
	*out = (struct strings){NULL, 0};
	if (list == NULL && !needed) return OK;
	TRY(config_need(map, pqrs_type_names[type], &list, err));
	return read_strings(list, needed, arena, out, err);
}

static status need_types(
	const struct config_node *topic, const char *key, const struct config_node **out, struct err *err)
{
	TRY(config_need(topic, key, out, err));
	return config_keys_only(*out, pqrs_type_names, TYPE_N, err);
}

static status read_topic(const struct config_node *node, struct arena *arena, struct topic *out, struct err *err)
{
	static const char *const keys[] = {"name", "weights", "subjects", "bodies"};
	const struct config_node *name;
	const struct config_node *weights;
	const struct config_node *subjects;
	const struct config_node *bodies;
	TRY(config_keys_only(node, keys, 4, err));
	TRY(config_need(node, "name", &name, err));
	TRY(pqrs_config_keep_str(name, arena, &out->name, err));
	TRY(need_types(node, "weights", &weights, err));
	TRY(need_types(node, "subjects", &subjects, err));
	TRY(need_types(node, "bodies", &bodies, err));
	for (int i = 0; i < TYPE_N; i++) {
		const struct config_node *weight = config_find(weights, pqrs_type_names[i]);
		struct strings texts;
		int32_t w = 0;
		if (weight != NULL) TRY(config_i32(weight, 0, WEIGHT_MAX, &w, err));
		out->type_weight[i] = (uint32_t)w;
		TRY(read_topic_texts(subjects, i, w > 0, arena, &texts, err));
		out->subjects[i] = texts.items;
		out->n_subjects[i] = texts.n;
		TRY(read_topic_texts(bodies, i, w > 0, arena, &texts, err));
		out->bodies[i] = texts.items;
		out->n_bodies[i] = texts.n;
	}
	return OK;
}

/* Every type must be drawable, or its tickets have no text. */
static status topics_check(const struct config_node *list, const struct pqrs_config *cfg, struct err *err)
{
	for (int type = 0; type < TYPE_N; type++) {
		uint64_t sum = 0;
		for (size_t i = 0; i < cfg->simulation.n_topics; i++)
			sum += cfg->simulation.topics[i].type_weight[type];
		if (sum == 0)
			return config_fail(
				list, err, "no topic has a weight over 0 for type %s", pqrs_type_names[type]);
		if (sum > UINT32_MAX)
			return config_fail(list, err, "the weights for type %s add up to over %u",
				pqrs_type_names[type], UINT32_MAX);
	}
	return OK;
}

status pqrs_config_read_topics(const struct config_node *node, struct pqrs_config *cfg, struct err *err)
{
	static const char *const keys[] = {"version", "slots", "agent_messages", "citizen_messages", "topics"};
	static const char *const versions[] = {"v1"};
	const struct config_node *at;
	struct strings texts;
	size_t version;
	TRY(config_keys_only(node, keys, 5, err));
	TRY(config_need(node, "version", &at, err));
	TRY(config_choice(at, versions, 1, &version, err));
	TRY(config_need(node, "slots", &at, err));
	TRY(read_slots(at, cfg, err));
	TRY(config_need(node, "agent_messages", &at, err));
	TRY(read_strings(at, 1, &cfg->arena, &texts, err));
	cfg->simulation.agent_messages = texts.items;
	cfg->simulation.n_agent_messages = texts.n;
	TRY(config_need(node, "citizen_messages", &at, err));
	TRY(read_strings(at, 1, &cfg->arena, &texts, err));
	cfg->simulation.citizen_messages = texts.items;
	cfg->simulation.n_citizen_messages = texts.n;
	TRY(config_need(node, "topics", &at, err));
	TRY(config_list(at, 1, err));
	struct topic *topics = ARENA_ZNEW(&cfg->arena, struct topic, at->n);
	if (topics == NULL) return fail_nomem(err);
	size_t n = 0;
	for (const struct config_node *c = at->first; c != NULL; c = c->next)
		TRY(read_topic(c, &cfg->arena, &topics[n++], err));
	cfg->simulation.topics = topics;
	cfg->simulation.n_topics = n;
	return topics_check(at, cfg, err);
}

/* ---- keyword rules ---- */

/* Lower case, no accents, as texts are folded before they are searched; a keyword that isn't one word can't be found. */
static status read_keyword(const struct config_node *node, struct arena *arena, const char **out, struct err *err)
{
	struct str text;
	struct buf folded;
	TRY(config_str(node, &text, err));
	buf_init(&folded, (text.n + 1) * UNICODE_FOLD_MAX);
	for (size_t i = 0; i < text.n;) {
		char part[UNICODE_FOLD_MAX];
		size_t n;
		i += unicode_fold(text.p + i, text.n - i, part, &n);
		buf_add(&folded, part, n);
	}
	status code = buf_check(&folded, err);
	if (code == OK && (folded.n == 0 || memchr(folded.p, ' ', folded.n) != NULL))
		code = config_fail(node, err, "expected one word of letters and digits, found \"%.80s\"", text.p);
	if (code == OK) {
		*out = arena_strndup(arena, (const char *)folded.p, folded.n);
		if (*out == NULL) code = fail_nomem(err);
	}
	buf_deinit(&folded);
	return code;
}

static bool keyword_known(const char *const *items, size_t n, const char *word)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(items[i], word) == 0) return true;
	}
	return false;
}

struct classes {
	const char *key;
	const char *const *names;
	size_t n;
};

static status read_classes(const struct config_node *root, const struct classes *set, struct arena *arena,
	struct rule_class *out, struct err *err)
{
	const struct config_node *map;
	TRY(config_need(root, set->key, &map, err));
	TRY(config_keys_only(map, set->names, set->n, err));
	for (size_t i = 0; i < set->n; i++) {
		const struct config_node *list;
		TRY(config_need(map, set->names[i], &list, err));
		TRY(config_list(list, 0, err));
		const char **words = ARENA_NEW(arena, const char *, list->n);
		if (words == NULL) return fail_nomem(err);
		size_t n_words = 0;
		for (const struct config_node *c = list->first; c != NULL; c = c->next) {
			TRY(read_keyword(c, arena, &words[n_words], err));
			n_words +=
				!keyword_known(words, n_words, words[n_words]); /* "petición" and "peticion" are one */
		}
		out[i] = (struct rule_class){set->names[i], words, n_words};
	}
	return OK;
}

status pqrs_config_read_rules(const struct config_node *node, struct pqrs_config *cfg, struct err *err)
{
	static const char *const keys[] = {"version", "types", "priorities"};
	const struct config_node *version;
	TRY(config_keys_only(node, keys, 3, err));
	TRY(config_need(node, "version", &version, err));
	TRY(pqrs_config_keep_str(version, &cfg->arena, &cfg->rules.version, err));
	if (cfg->rules.version[0] == '\0') return config_fail(version, err, "the text is empty");
	static const struct classes types = {"types", pqrs_type_names, TYPE_N};
	static const struct classes priorities = {"priorities", pqrs_priority_names, PRIORITY_N};
	TRY(read_classes(node, &types, &cfg->arena, cfg->rules.types, err));
	return read_classes(node, &priorities, &cfg->arena, cfg->rules.priorities, err);
}

/* ---- law ---- */

static status read_law_row(const struct config_node *node, struct arena *arena, struct law_row *out, struct err *err)
{
	static const char *const keys[] = {"from", "general", "information", "consultation", "in_course", "source"};
	const struct config_node *at;
	TRY(config_keys_only(node, keys, sizeof keys / sizeof keys[0], err));
	TRY(config_need(node, "from", &at, err));
	TRY(config_date(at, &out->from, err));
	for (int i = 0; i < REQUEST_N; i++) {
		TRY(config_need(node, pqrs_request_names[i], &at, err));
		TRY(config_i32(at, 1, LAW_DAYS_MAX, &out->days[i], err));
	}
	TRY(config_need(node, "in_course", &at, err));
	TRY(config_bool(at, &out->in_course, err));
	TRY(config_need(node, "source", &at, err));
	TRY(pqrs_config_keep_str(at, arena, &out->source, err));
	return out->source[0] != '\0' ? OK : config_fail(at, err, "the text is empty");
}

status pqrs_config_read_law(const struct config_node *node, struct pqrs_config *cfg, struct err *err)
{
	static const char *const keys[] = {"version", "terms"};
	static const char *const versions[] = {"v1"};
	const struct config_node *at;
	size_t version;
	TRY(config_keys_only(node, keys, 2, err));
	TRY(config_need(node, "version", &at, err));
	TRY(config_choice(at, versions, 1, &version, err));
	TRY(config_need(node, "terms", &at, err));
	TRY(config_list(at, 1, err));
	struct law_row *rows = ARENA_ZNEW(&cfg->arena, struct law_row, at->n);
	if (rows == NULL) return fail_nomem(err);
	size_t n = 0;
	for (const struct config_node *c = at->first; c != NULL; c = c->next, n++) {
		TRY(read_law_row(c, &cfg->arena, &rows[n], err));
		if (n > 0 && rows[n].from <= rows[n - 1].from)
			return config_fail(c, err, "in force before the row above it: rows stand in order of date");
	}
	cfg->law.rows = rows;
	cfg->law.n = n;
	return OK;
}

/* ---- state machine ---- */

static status read_state(const struct config_node *node, struct pqrs_config *cfg, struct err *err)
{
	static const char *const keys[] = {"name", "name_es", "terminal", "sla", "order"};
	const struct config_node *at;
	size_t state;
	size_t sla;
	TRY(config_keys_only(node, keys, 5, err));
	TRY(config_need(node, "name", &at, err));
	TRY(config_choice(at, state_ids, STATE_N, &state, err));
	struct state_def *def = &cfg->states[state];
	if (def->name != NULL) return config_fail(at, err, "the state %s stands twice", state_ids[state]);
	def->name = state_ids[state];
	TRY(config_need(node, "name_es", &at, err));
	TRY(pqrs_config_keep_str(at, &cfg->arena, &def->name_es, err));
	TRY(config_need(node, "terminal", &at, err));
	TRY(config_bool(at, &def->terminal, err));
	TRY(config_need(node, "sla", &at, err));
	TRY(config_choice(at, sla_behaviour_names, 5, &sla, err));
	def->sla = (enum sla_behaviour)sla;
	TRY(config_need(node, "order", &at, err));
	return config_i32(at, 1, ORDER_MAX, &def->order, err);
}

static status read_transition(const struct config_node *node, struct pqrs_config *cfg, struct err *err)
{
	size_t from;
	size_t to;
	TRY(config_list(node, 0, err));
	if (node->n != 2) return config_fail(node, err, "expected [from, to], found %u items", node->n);
	TRY(config_choice(node->first, state_ids, STATE_N, &from, err));
	TRY(config_choice(node->last, state_ids, STATE_N, &to, err));
	if (from == to) return config_fail(node, err, "from %s to itself", state_ids[from]);
	if (cfg->transitions[from][to]) return config_fail(node, err, "the transition stands twice");
	cfg->transitions[from][to] = true;
	return OK;
}

status pqrs_config_read_status(const struct config_node *node, struct pqrs_config *cfg, struct err *err)
{
	static const char *const keys[] = {"version", "states", "transitions"};
	static const char *const versions[] = {"v1"};
	const struct config_node *at;
	size_t version;
	TRY(config_keys_only(node, keys, 3, err));
	TRY(config_need(node, "version", &at, err));
	TRY(config_choice(at, versions, 1, &version, err));
	TRY(config_need(node, "states", &at, err));
	TRY(config_list(at, 1, err));
	for (const struct config_node *c = at->first; c != NULL; c = c->next) TRY(read_state(c, cfg, err));
	for (int i = 0; i < STATE_N; i++) {
		if (cfg->states[i].name == NULL) return config_fail(at, err, "the state %s is missing", state_ids[i]);
	}
	TRY(config_need(node, "transitions", &at, err));
	TRY(config_list(at, 1, err));
	for (const struct config_node *c = at->first; c != NULL; c = c->next) TRY(read_transition(c, cfg, err));
	return OK;
}
