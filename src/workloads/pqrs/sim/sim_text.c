/* workloads/pqrs/sim/sim_text.c: see sim_text.h. Compiling may fail and says where in the topics file; writing cannot fail, has no
 * allocation, and reads and writes up to SIM_COPY_SLACK bytes past the end of what it copies. */
#include "workloads/pqrs/sim/sim_text.h"

#include "base/time.h"

enum part_kind { PART_END, PART_POOL, PART_DATE, PART_AMOUNT, PART_EXTERNAL_ID, PART_CITY, PART_DEPARTMENT, PART_DAYS };
enum { CLASSES = TYPE_N * PRIORITY_N, COMPUTED_BYTES_MAX = 64, TEXT_BYTES_MAX = 256 * 1024 };

struct part { /* a literal, then a slot */
	struct sim_piece literal;
	const uint16_t *pools; /* PART_POOL: [CLASSES] pool by type and priority */
	enum part_kind kind;
};
struct text_template {
	const struct part *parts;
}; /* ends with PART_END */
struct pool {
	const struct sim_piece *values;
	uint32_t n;
};
struct templates {
	const struct text_template *items;
	uint32_t n;
};
struct compiled_topic {
	struct sim_piece name;
	struct templates subjects[TYPE_N], bodies[TYPE_N];
};

struct sim_text {
	const struct pool *pools;
	const struct compiled_topic *topics;
	uint32_t *topic_sums[TYPE_N]; /* [n_topics] cumulative weights */
	size_t n_topics;
	struct templates agent, citizen;
	const struct sim_place *places;
	size_t bytes_max;
};

/* What compiling needs: strings go one after another into one block with slack after the last. */
struct compiler {
	const struct pqrs_config *config;
	struct arena *arena;
	struct sim_text *text;
	char *block; /* chunk of the block being filled */
	size_t left;
	uint32_t place_bytes_max;
	struct err *err;
};

static const char *const month_names[12] = {"enero", "febrero", "marzo", "abril", "mayo", "junio", "julio", "agosto",
	"septiembre", "octubre", "noviembre", "diciembre"};
static const struct {
	const char *name;
	enum part_kind kind;
} computed[] = {
	{"fecha", PART_DATE},
	{"monto", PART_AMOUNT},
	{"radicado", PART_EXTERNAL_ID},
	{"municipio", PART_CITY},
	{"departamento", PART_DEPARTMENT},
	{"dias", PART_DAYS},
};

/* Escape s for a JSON string into the block. E_NOMEM. */
static status piece_make(struct compiler *c, struct str s, struct sim_piece *out)
{
	enum { BLOCK = 1 << 16 };
	static const char hex[] = "0123456789abcdef";
	const size_t room = 6 * s.n + SIM_COPY_SLACK;
	if (c->left < room) {
		c->left = room > BLOCK ? room : BLOCK;
		c->block = arena_zalloc(c->arena, c->left, 1);
		if (c->block == NULL) {
			c->left = 0;
			return fail_nomem(c->err);
		}
	}
	char *p = c->block;
	uint32_t code_points = 0;
	for (size_t i = 0; i < s.n; i++) {
		const unsigned char ch = (unsigned char)s.p[i];
		if ((ch & 0xC0) != 0x80) code_points++;
		if (ch == '"' || ch == '\\') *p++ = '\\';
		if (ch >= 0x20) {
			*p++ = (char)ch;
			continue;
		}
		memcpy(p, "\\u00", 4);
		p[4] = hex[ch >> 4];
		p[5] = hex[ch & 15];
		p += 6;
	}
	*out = (struct sim_piece){c->block, (uint32_t)(p - c->block), code_points};
	c->left -= (size_t)(p - c->block);
	c->block = p;
	return OK;
}

static bool slot_find(const struct pqrs_config *config, struct str name, const char *suffix, uint16_t *out)
{
	for (size_t i = 0; i < config->simulation.n_slots; i++) {
		const struct str slot = str_of(config->simulation.slots[i].name);
		const size_t n = strlen(suffix);
		if (slot.n != name.n + n || memcmp(slot.p, name.p, name.n) != 0 ||
			memcmp(slot.p + name.n, suffix, n) != 0)
			continue;
		*out = (uint16_t)i;
		return true;
	}
	return false;
}

/* The pool of a slot for each class of ticket: the slot itself, else by type, else by priority. */
static status slot_resolve(struct compiler *c, struct str name, struct part *part)
{
	for (size_t i = 0; i < sizeof computed / sizeof *computed; i++) {
		if (!str_is(name, computed[i].name)) continue;
		part->kind = computed[i].kind;
		return OK;
	}
	uint16_t *pools = ARENA_NEW(c->arena, uint16_t, CLASSES);
	if (pools == NULL) return fail_nomem(c->err);
	for (size_t i = 0; i < CLASSES; i++) {
		char suffix[2][16] = {"_", "_"};
		strcat(suffix[0], pqrs_type_names[i / PRIORITY_N]);
		strcat(suffix[1], pqrs_priority_names[i % PRIORITY_N]);
		if (!slot_find(c->config, name, "", &pools[i]) && !slot_find(c->config, name, suffix[0], &pools[i]) &&
			!slot_find(c->config, name, suffix[1], &pools[i]))
			return fail(c->err, E_USAGE,
				"topics: unknown slot {%.*s}: add it under slots, or for each type or priority",
				(int)name.n, name.p);
	}
	part->pools = pools;
	part->kind = PART_POOL;
	return OK;
}

static size_t part_bytes_max(const struct compiler *c, const struct part *part)
{
	size_t max = 0;
	if (part->kind == PART_CITY || part->kind == PART_DEPARTMENT) return c->place_bytes_max;
	if (part->kind != PART_POOL) return part->kind == PART_END ? 0 : COMPUTED_BYTES_MAX;
	for (size_t i = 0; i < CLASSES; i++) {
		const struct pool *pool = &c->text->pools[part->pools[i]];
		for (uint32_t j = 0; j < pool->n; j++) max = pool->values[j].n > max ? pool->values[j].n : max;
	}
	return max;
}

static status template_make(struct compiler *c, const char *source, struct text_template *out)
{
	size_t n = 1, bytes = 0;
	for (const char *p = source; *p != '\0'; p++) n += *p == '{';
	struct part *parts = ARENA_ZNEW(c->arena, struct part, n);
	if (parts == NULL) return fail_nomem(c->err);
	const char *p = source;
	for (size_t i = 0; i < n; i++) {
		const char *open = strchr(p, '{');
		const struct str literal = open != NULL ? (struct str){p, (size_t)(open - p)} : str_of(p);
		TRY(piece_make(c, literal, &parts[i].literal));
		bytes += parts[i].literal.n;
		if (open == NULL) break;
		const char *close = strchr(open, '}');
		if (close == NULL) return fail(c->err, E_USAGE, "topics: '{' without '}' in \"%.120s\"", source);
		TRY(slot_resolve(c, (struct str){open + 1, (size_t)(close - open - 1)}, &parts[i]));
		bytes += part_bytes_max(c, &parts[i]);
		p = close + 1;
	}
	if (bytes > c->text->bytes_max) c->text->bytes_max = bytes;
	*out = (struct text_template){parts};
	return OK;
}

static status templates_make(struct compiler *c, const char *const *sources, size_t n, struct templates *out)
{
	struct text_template *items = ARENA_NEW(c->arena, struct text_template, n);
	if (items == NULL) return fail_nomem(c->err);
	for (size_t i = 0; i < n; i++) TRY(template_make(c, sources[i], &items[i]));
	*out = (struct templates){items, (uint32_t)n};
	return OK;
}

static status pools_make(struct compiler *c)
{
	const size_t n = c->config->simulation.n_slots;
	if (n > UINT16_MAX) return fail(c->err, E_LIMIT, "topics: %zu slots, at most %d", n, UINT16_MAX);
	struct pool *pools = ARENA_NEW(c->arena, struct pool, n);
	if (pools == NULL) return fail_nomem(c->err);
	for (size_t i = 0; i < n; i++) {
		const struct topic_slot *slot = &c->config->simulation.slots[i];
		if (slot->n_values == 0) return fail(c->err, E_USAGE, "topics: slot %s has no value", slot->name);
		struct sim_piece *values = ARENA_NEW(c->arena, struct sim_piece, slot->n_values);
		if (values == NULL) return fail_nomem(c->err);
		for (size_t j = 0; j < slot->n_values; j++) TRY(piece_make(c, str_of(slot->values[j]), &values[j]));
		pools[i] = (struct pool){values, (uint32_t)slot->n_values};
	}
	c->text->pools = pools;
	return OK;
}

static status places_make(struct compiler *c)
{
	const size_t n = c->config->simulation.n_places;
	struct sim_place *places = ARENA_NEW(c->arena, struct sim_place, n);
	if (places == NULL) return fail_nomem(c->err);
	for (size_t i = 0; i < n; i++) {
		const struct geo_place *g = &c->config->simulation.places[i];
		TRY(piece_make(c, str_of(g->department), &places[i].department));
		TRY(piece_make(c, str_of(g->city), &places[i].city));
		TRY(piece_make(c, str_of(g->dane_code), &places[i].code));
		const uint32_t bytes = places[i].department.n + places[i].city.n + places[i].code.n;
		if (bytes > c->place_bytes_max) c->place_bytes_max = bytes;
	}
	c->text->places = places;
	return OK;
}

static status topics_make(struct compiler *c)
{
	const size_t n = c->config->simulation.n_topics;
	struct compiled_topic *topics = ARENA_NEW(c->arena, struct compiled_topic, n);
	if (topics == NULL) return fail_nomem(c->err);
	for (size_t i = 0; i < n; i++) {
		const struct topic *t = &c->config->simulation.topics[i];
		TRY(piece_make(c, str_of(t->name), &topics[i].name));
		for (int type = 0; type < TYPE_N; type++) {
			TRY(templates_make(c, t->subjects[type], t->n_subjects[type], &topics[i].subjects[type]));
			TRY(templates_make(c, t->bodies[type], t->n_bodies[type], &topics[i].bodies[type]));
		}
	}
	c->text->topics = topics;
	c->text->n_topics = n;
	return OK;
}

/* A topic that has no subject or no body for a type is never drawn for it. */
static status weights_make(struct compiler *c)
{
	const size_t n = c->text->n_topics;
	for (int type = 0; type < TYPE_N; type++) {
		uint64_t sum = 0;
		uint32_t *sums = ARENA_NEW(c->arena, uint32_t, n);
		if (sums == NULL) return fail_nomem(c->err);
		for (size_t i = 0; i < n; i++) {
			const struct topic *t = &c->config->simulation.topics[i];
			if (t->n_subjects[type] > 0 && t->n_bodies[type] > 0) sum += t->type_weight[type];
			if (sum > UINT32_MAX)
				return fail(c->err, E_USAGE, "topics: weights of type %s add up to over 2^32",
					pqrs_type_names[type]);
			sums[i] = (uint32_t)sum;
		}
		if (sum == 0)
			return fail(c->err, E_USAGE, "topics: no topic has texts and a weight for type %s",
				pqrs_type_names[type]);
		c->text->topic_sums[type] = sums;
	}
	return OK;
}

status sim_text_create(
	const struct pqrs_config *config, struct arena *arena, const struct sim_text **out, struct err *err)
{
	struct sim_text *text = ARENA_ZNEW(arena, struct sim_text, 1);
	if (text == NULL) return fail_nomem(err);
	struct compiler c = {.config = config, .arena = arena, .text = text, .err = err};
	TRY(pools_make(&c));
	TRY(places_make(&c));
	TRY(topics_make(&c));
	TRY(weights_make(&c));
	TRY(templates_make(&c, config->simulation.agent_messages, config->simulation.n_agent_messages, &text->agent));
	TRY(templates_make(
		&c, config->simulation.citizen_messages, config->simulation.n_citizen_messages, &text->citizen));
	if (text->agent.n == 0 || text->citizen.n == 0)
		return fail(err, E_USAGE, "topics: agent_messages and citizen_messages need a text each");
	if (text->bytes_max > TEXT_BYTES_MAX)
		return fail(
			err, E_LIMIT, "topics: a text may reach %zu bytes, over %d", text->bytes_max, TEXT_BYTES_MAX);
	*out = text;
	return OK;
}

size_t sim_text_bytes_max(const struct sim_text *t)
{
	return t->bytes_max + SIM_COPY_SLACK;
}

const struct sim_piece *sim_text_topic_name(const struct sim_text *t, uint32_t topic)
{
	return &t->topics[topic].name;
}

const struct sim_place *sim_text_place(const struct sim_text *t, uint16_t place)
{
	return &t->places[place];
}

/* Draws of one text, four at a time. */
struct draws {
	uint64_t seed, entity;
	uint32_t purpose, index, left;
	struct rng4 block;
};

static uint32_t draw_next(struct draws *d)
{
	if (d->left == 0) {
		d->block = rng_philox(d->seed, d->entity, d->purpose, d->index++);
		d->left = 4;
	}
	return d->block.v[--d->left];
}

char *sim_decimal(char *dst, uint64_t v)
{
	char digits[20];
	size_t n = 0;
	do {
		digits[n++] = (char)('0' + v % 10);
		v /= 10;
	} while (v != 0);
	while (n > 0) *dst++ = digits[--n];
	return dst;
}

/* "12 de agosto de 2025", 1 to 45 days before the ticket. All ASCII. */
static char *date_write(char *dst, int32_t date, uint32_t draw)
{
	const struct civil day = date_to_civil(date - 1 - (int32_t)rng_below(draw, 45));
	const char *month = month_names[day.month - 1];
	dst = sim_decimal(dst, (uint64_t)day.day);
	memcpy(dst, " de ", 4);
	const size_t n = strlen(month);
	memcpy(dst + 4, month, n);
	memcpy(dst + 4 + n, " de ", 4);
	return sim_decimal(dst + 8 + n, (uint64_t)(day.year > 0 ? day.year : 0));
}

/* "$ 184.500": 12 thousand to 2.4 million pesos, small ones more often. All ASCII. */
static char *amount_write(char *dst, uint32_t draw)
{
	const uint32_t square = (uint32_t)(((uint64_t)draw * draw) >> 32);
	const uint32_t hundreds = 120 + rng_below(square, 23881);
	const uint32_t thousands = hundreds / 10;
	*dst++ = '$';
	*dst++ = ' ';
	if (thousands >= 1000) {
		*dst++ = (char)('0' + thousands / 1000);
		*dst++ = '.';
		*dst++ = (char)('0' + thousands / 100 % 10);
		*dst++ = (char)('0' + thousands / 10 % 10);
		*dst++ = (char)('0' + thousands % 10);
	} else {
		dst = sim_decimal(dst, thousands);
	}
	*dst++ = '.';
	*dst++ = (char)('0' + hundreds % 10);
	*dst++ = '0';
	*dst++ = '0';
	return dst;
}

static char *piece_write(char *dst, const struct sim_piece *p, uint32_t *code_points)
{
	*code_points += p->code_points;
	return sim_copy(dst, p->p, p->n);
}

static char *computed_write(const struct sim_text *t, enum part_kind kind, const struct sim_who *who, struct draws *d,
	char *dst, uint32_t *code_points)
{
	char *end = dst;
	switch (kind) {
	case PART_DATE: end = date_write(dst, who->date, draw_next(d)); break;
	case PART_AMOUNT: end = amount_write(dst, draw_next(d)); break;
	case PART_DAYS: end = sim_decimal(dst, 3 + rng_below(draw_next(d), 58)); break;
	case PART_EXTERNAL_ID: return piece_write(dst, &who->external_id, code_points);
	case PART_CITY: return piece_write(dst, &t->places[who->place].city, code_points);
	case PART_DEPARTMENT: return piece_write(dst, &t->places[who->place].department, code_points);
	case PART_POOL:
	case PART_END: break;
	}
	*code_points += (uint32_t)(end - dst); /* ASCII */
	return end;
}

static char *template_write(const struct sim_text *t, const struct text_template *tp, const struct sim_who *who,
	struct draws *d, char *dst, uint32_t *code_points)
{
	const size_t class = (size_t)who->type * PRIORITY_N + who->priority;
	uint32_t n = 0;
	for (const struct part *part = tp->parts;; part++) {
		dst = piece_write(dst, &part->literal, &n);
		if (part->kind == PART_END) break;
		if (part->kind == PART_POOL) {
			const struct pool *pool = &t->pools[part->pools[class]];
			dst = piece_write(dst, &pool->values[pool->n > 1 ? rng_below(draw_next(d), pool->n) : 0], &n);
		} else {
			dst = computed_write(t, part->kind, who, d, dst, &n);
		}
	}
	*code_points = n;
	return dst;
}

struct sim_choice sim_text_choose(const struct sim_text *t, const struct sim_who *who)
{
	const struct rng4 r = rng_philox(who->seed, who->entity, SIM_TOPIC, 0);
	const uint32_t *sums = t->topic_sums[who->type];
	const uint32_t at = rng_below(r.v[0], sums[t->n_topics - 1]);
	uint32_t topic = 0;
	while (at >= sums[topic]) topic++;
	const struct compiled_topic *c = &t->topics[topic];
	return (struct sim_choice){
		topic, rng_below(r.v[1], c->subjects[who->type].n), rng_below(r.v[2], c->bodies[who->type].n), r.v[3]};
}

char *sim_text_subject(const struct sim_text *t, const struct sim_who *who, const struct sim_choice *c, char *dst,
	uint32_t *code_points)
{
	struct draws d = {.seed = who->seed, .entity = who->entity, .purpose = SIM_SUBJECT};
	return template_write(t, &t->topics[c->topic].subjects[who->type].items[c->subject], who, &d, dst, code_points);
}

char *sim_text_body(const struct sim_text *t, const struct sim_who *who, const struct sim_choice *c, char *dst,
	uint32_t *code_points)
{
	struct draws d = {.seed = who->seed, .entity = who->entity, .purpose = SIM_BODY};
	return template_write(t, &t->topics[c->topic].bodies[who->type].items[c->body], who, &d, dst, code_points);
}

char *sim_text_message(
	const struct sim_text *t, const struct sim_who *who, uint32_t message, char *dst, uint32_t *code_points)
{
	struct draws d = {
		.seed = who->seed, .entity = who->entity, .purpose = SIM_MESSAGE_TEXT, .index = message << 16};
	const struct templates *from = message == 0 ? &t->citizen : &t->agent;
	const struct text_template *tp = &from->items[rng_below(draw_next(&d), from->n)];
	return template_write(t, tp, who, &d, dst, code_points);
}
