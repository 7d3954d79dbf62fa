/* workloads/pqrs/sim/sim_write.c: see sim_write.h. A line is laid out once for its kind and object, then copied; only what differs is
 * written over. */
#include "workloads/pqrs/sim/sim_write.h"

#include <stdio.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "digits are laid out for little-endian machines");

enum { REASONS_MAX = 4, FIXED_BYTES_MAX = 1024, SEQUENCE_DIGITS = 7, ROWS_AHEAD = 6 };

static const struct {
	uint8_t from, to;
	const char *actor;
	const char *reasons[REASONS_MAX];
} changes[] = {
	{STATE_RECEIVED, STATE_RADICATED, "system", {NULL}},
	{STATE_RADICATED, STATE_CLASSIFIED, "system", {NULL}},
	{STATE_CLASSIFIED, STATE_ASSIGNED, "system", {NULL}},
	{STATE_ASSIGNED, STATE_IN_PROGRESS, "agent", {NULL}},
	{STATE_IN_PROGRESS, STATE_ON_HOLD, "agent",
		{"en espera de documentos del ciudadano", "en espera de concepto de otra entidad",
			"visita técnica programada", "requiere aclaración del ciudadano"}},
	{STATE_ON_HOLD, STATE_IN_PROGRESS, "agent",
		{"documentos recibidos", "concepto recibido", "visita realizada", "aclaración recibida"}},
	{STATE_IN_PROGRESS, STATE_RESPONDED, "agent", {NULL}},
	{STATE_RESPONDED, STATE_CLOSED, "agent", {NULL}},
	{STATE_CLOSED, STATE_REOPENED, "agent",
		{"respuesta incompleta", "el ciudadano interpuso recurso", "nueva información aportada",
			"el hecho se repitió"}},
	{STATE_REOPENED, STATE_IN_PROGRESS, "agent", {NULL}},
	{STATE_CLOSED, STATE_ARCHIVED, "system", {NULL}},
};

static const struct {
	const char *type, *name, *extension;
	uint32_t kb_max;
} files[] = {
	{"pdf", "soporte_", ".pdf", 3200},
	{"pdf", "factura_", ".pdf", 900},
	{"pdf", "cedula_", ".pdf", 1400},
	{"jpg", "foto_", ".jpg", 5200},
	{"jpg", "evidencia_", ".jpg", 6100},
	{"png", "captura_", ".png", 1800},
	{"docx", "carta_", ".docx", 480},
	{"mp4", "video_", ".mp4", 18000},
};

static const char *const event_heads[] = {
	[EVENT_TICKET_CREATED] = "\",\"event_type\":\"TICKET_CREATED\",\"ts\":\"",
	[EVENT_MESSAGE_ADDED] = "\",\"event_type\":\"MESSAGE_ADDED\",\"ts\":\"",
	[EVENT_STATUS_CHANGED] = "\",\"event_type\":\"STATUS_CHANGED\",\"ts\":\"",
	[EVENT_ATTACHMENT_ADDED] = "\",\"event_type\":\"ATTACHMENT_ADDED\",\"ts\":\"",
};

struct heads {
	struct sim_piece of[EVENT_N];
	char bytes[EVENT_N][96];
}; /* from the ticket id to the date and 'T' */

#define PUT(dst, literal) (memcpy((dst), (literal), sizeof(literal) - 1), (dst) + sizeof(literal) - 1)

/* 8 hexadecimal digits of x, most significant first, as the bytes of a word: spread nibbles to bytes, then to ASCII. */
static uint64_t hex_word(uint32_t x)
{
	uint64_t t = __builtin_bswap32(x);
	t = (t | t << 16) & 0x0000FFFF0000FFFFu;
	t = (t | t << 8) & 0x00FF00FF00FF00FFu;
	t = (t >> 4 | t << 8) & 0x0F0F0F0F0F0F0F0Fu;
	const uint64_t over_nine = ((t + 0x0606060606060606u) >> 4) & 0x0101010101010101u;
	return t + 0x3030303030303030u + over_nine * ('a' - '0' - 10);
}

struct rng4 sim_uuid(uint64_t seed, uint64_t entity, enum sim_purpose purpose, uint32_t index)
{
	struct rng4 r = rng_philox(seed, entity, purpose, index);
	r.v[1] = (r.v[1] & 0xFFFF0FFFu) | 0x00004000u; /* version 4 */
	r.v[2] = (r.v[2] & 0x3FFFFFFFu) | 0x80000000u; /* variant of RFC 9562 */
	return r;
}

void sim_uuid_format(struct rng4 id, char dst[UUID_CHARS])
{
	const uint64_t a = hex_word(id.v[0]), b = hex_word(id.v[1]), c = hex_word(id.v[2]), d = hex_word(id.v[3]);
	const uint32_t b_lo = (uint32_t)b, b_hi = (uint32_t)(b >> 32), c_lo = (uint32_t)c, c_hi = (uint32_t)(c >> 32);
	memcpy(dst, &a, 8);
	dst[8] = '-';
	memcpy(dst + 9, &b_lo, 4);
	dst[13] = '-';
	memcpy(dst + 14, &b_hi, 4);
	dst[18] = '-';
	memcpy(dst + 19, &c_lo, 4);
	dst[23] = '-';
	memcpy(dst + 24, &c_hi, 4);
	memcpy(dst + 28, &d, 8);
}

static status piece_keep(struct arena *arena, struct sim_piece *out, struct err *err, const char *text)
{
	const size_t n = strlen(text);
	char *p = arena_zalloc(arena, n + SIM_COPY_SLACK, 1);
	if (p == NULL) return fail_nomem(err);
	memcpy(p, text, n);
	*out = (struct sim_piece){p, (uint32_t)n, (uint32_t)n};
	return OK;
}

static status tails_init(struct sim_writer *w, struct arena *arena, struct err *err)
{
	char text[512];
	for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
		const char *from = w->world->config->states[changes[i].from].name,
			   *to = w->world->config->states[changes[i].to].name;
		for (size_t j = 0; j < REASONS_MAX; j++) {
			const char *reason = changes[i].reasons[j];
			(void)snprintf(text, sizeof text,
				"Z\",\"data\":{\"status_from\":\"%.60s\",\"status_to\":\"%.60s\",\"actor_role\":\"%s\"%"
				"s%s%s}}\n",
				from, to, changes[i].actor, reason != NULL ? ",\"reason\":\"" : "",
				reason != NULL ? reason : "", reason != NULL ? "\"" : "");
			TRY(piece_keep(arena, &w->status_tails[changes[i].from][changes[i].to][j], err, text));
		}
	}
	return OK;
}

status sim_writer_init(struct sim_writer *w, const struct sim_world *world, const struct sim_text *text,
	struct arena *arena, struct err *err)
{
	*w = (struct sim_writer){.world = world, .text = text};
	TRY(tails_init(w, arena, err));
	for (int i = 0; i < CHANNEL_N; i++) TRY(piece_keep(arena, &w->channels[i], err, pqrs_channel_names[i]));
	w->line_max = 3 * sim_text_bytes_max(text) + FIXED_BYTES_MAX;
	return OK;
}

static char *put(char *dst, const struct sim_piece *p)
{
	return sim_copy(dst, p->p, p->n);
}

static char *two_digits(char *dst, uint32_t v)
{
	dst[0] = (char)('0' + v / 10);
	dst[1] = (char)('0' + v % 10);
	return dst + 2;
}

/* 15 characters, "HH:MM:SS.uuuuuu". */
static char *time_write(char *dst, uint64_t us_in_day)
{
	const uint32_t seconds = (uint32_t)(us_in_day / 1000000), us = (uint32_t)(us_in_day % 1000000);
	(void)two_digits(dst, seconds / 3600);
	dst[2] = ':';
	(void)two_digits(dst + 3, seconds / 60 % 60);
	dst[5] = ':';
	(void)two_digits(dst + 6, seconds % 60);
	dst[8] = '.';
	(void)two_digits(dst + 9, us / 10000);
	(void)two_digits(dst + 11, us / 100 % 100);
	(void)two_digits(dst + 13, us % 100);
	return dst + 15;
}

/* "PQRS-2025-0001234". dst[SIM_EXTERNAL_ID_MAX + SIM_COPY_SLACK]; returns the length. */
static uint32_t external_id_write(const struct sim_world *w, const struct sim_row *row, char *dst)
{
	const struct sim_day *day = sim_world_day(w, row->date);
	uint64_t number = (uint64_t)day->sequence + row->number + 1;
	char *p = PUT(dst, "PQRS-");
	p = sim_decimal(p, (uint64_t)(day->year > 0 ? day->year : 0));
	*p++ = '-';
	if (number >= 10000000) return (uint32_t)(sim_decimal(p, number) - dst);
	for (int i = SEQUENCE_DIGITS - 1; i >= 0; i--) {
		p[i] = (char)('0' + number % 10);
		number /= 10;
	}
	return (uint32_t)(p + SEQUENCE_DIGITS - dst);
}

static char *created_write(const struct sim_writer *w, const struct sim_row *row, const struct sim_who *who, char *p)
{
	const struct sim_place *place = sim_text_place(w->text, row->place);
	const struct sim_choice choice = sim_text_choose(w->text, who);
	uint32_t code_points;
	p = PUT(p, "Z\",\"data\":{\"external_id\":\"");
	p = put(p, &who->external_id);
	p = PUT(p, "\",\"source_channel\":\"");
	p = put(p, &w->channels[row->channel]);
	p = PUT(p, "\",\"pqrs_type\":\"");
	*p++ = pqrs_type_names[row->type][0];
	p = PUT(p, "\",\"priority\":\"");
	const char *priority = pqrs_priority_names[row->priority];
	while (*priority != '\0') *p++ = *priority++;
	p = PUT(p, "\",\"geo_region\":\"");
	p = put(p, &place->department);
	p = PUT(p, "\",\"geo_municipio\":\"");
	p = put(p, &place->city);
	p = PUT(p, "\",\"dane_city_code\":\"");
	p = put(p, &place->code);
	p = PUT(p, "\",\"subject\":\"");
	p = sim_text_subject(w->text, who, &choice, p, &code_points);
	p = PUT(p, "\",\"text\":\"");
	p = sim_text_body(w->text, who, &choice, p, &code_points);
	p = PUT(p, "\",\"text_len\":");
	p = sim_decimal(p, code_points);
	/* Upstream's own hints, on some of the tickets: the term on three in ten, a topic guessed on one in five. */
	if (choice.hint % 10 < 3) {
		p = PUT(p, ",\"sla_business_days\":");
		p = sim_decimal(p, (uint64_t)w->world->config->sla_business_days[row->type]);
	}
	if ((choice.hint >> 16) % 5 == 0) {
		p = PUT(p, ",\"topic_preclassified\":\"");
		p = put(p, sim_text_topic_name(w->text, choice.topic));
		p = PUT(p, "\",\"preclassifier\":\"upstream_v0\"");
	}
	return PUT(p, "}}\n");
}

static char *message_write(
	const struct sim_writer *w, const struct sim_who *who, bool citizen, uint32_t message, char *p)
{
	uint32_t code_points;
	p = citizen ? PUT(p, "Z\",\"data\":{\"role\":\"citizen\",\"text\":\"")
		    : PUT(p, "Z\",\"data\":{\"role\":\"agent\",\"text\":\"");
	p = sim_text_message(w->text, who, message, p, &code_points);
	p = PUT(p, "\",\"text_len\":");
	p = sim_decimal(p, code_points);
	return PUT(p, "}}\n");
}

static char *attachment_write(
	const struct sim_writer *w, const struct sim_row *row, const struct sim_who *who, uint32_t attachment, char *p)
{
	const struct rng4 r = rng_philox(who->seed, who->entity, SIM_ATTACHMENT, attachment);
	const size_t i = rng_below(r.v[0], sizeof files / sizeof *files);
	p = PUT(p, "Z\",\"data\":{\"file_type\":\"");
	for (const char *s = files[i].type; *s != '\0'; s++) *p++ = *s;
	p = PUT(p, "\",\"size_kb\":");
	p = sim_decimal(p, 12 + rng_below(r.v[1], files[i].kb_max));
	p = PUT(p, ",\"file_name\":\"");
	for (const char *s = files[i].name; *s != '\0'; s++) *p++ = *s;
	p = sim_decimal(p, 1000 + rng_below(r.v[2], 9000));
	for (const char *s = files[i].extension; *s != '\0'; s++) *p++ = *s;
	p = PUT(p, "\",\"source_channel\":\"");
	p = put(p, &w->channels[row->channel]);
	return PUT(p, "\"}}\n");
}

enum pqrs_event_type sim_event_type(uint8_t kind)
{
	switch ((enum sim_kind)kind) {
	case SIM_CREATED: return EVENT_TICKET_CREATED;
	case SIM_STATUS: return EVENT_STATUS_CHANGED;
	case SIM_CITIZEN_MESSAGE:
	case SIM_AGENT_MESSAGE: return EVENT_MESSAGE_ADDED;
	case SIM_ATTACHMENT_ADDED: break;
	}
	return EVENT_ATTACHMENT_ADDED;
}

static char *line_write(
	const struct sim_writer *w, const struct heads *heads, const struct sim_event *e, int64_t day_start, char *p)
{
	const struct sim_row *row = &w->rows[e->ticket];
	const uint64_t seed = w->world->seed, entity = sim_entity(row->date, row->number);
	const struct rng4 id = sim_uuid(seed, entity, SIM_EVENT_ID, e->sequence);
	p = PUT(p, "{\"event_id\":\"");
	sim_uuid_format(id, p);
	p = PUT(p + UUID_CHARS, "\",\"ticket_id\":\"");
	memcpy(p, row->id, UUID_CHARS);
	p = put(p + UUID_CHARS, &heads->of[sim_event_type(e->kind)]);
	p = time_write(p, (uint64_t)(e->ts - day_start));
	if (e->kind == SIM_STATUS) return put(p, &w->status_tails[e->arg >> 4][e->arg & 15][id.v[3] % REASONS_MAX]);
	char external_id[SIM_EXTERNAL_ID_MAX + SIM_COPY_SLACK];
	struct sim_who who = {.seed = seed,
		.entity = entity,
		.date = row->date,
		.place = row->place,
		.type = row->type,
		.priority = row->priority};
	const uint32_t n = external_id_write(w->world, row, external_id);
	who.external_id = (struct sim_piece){external_id, n, n};
	if (e->kind == SIM_CREATED) return created_write(w, row, &who, p);
	if (e->kind == SIM_ATTACHMENT_ADDED) return attachment_write(w, row, &who, e->arg, p);
	return message_write(
		w, &who, e->kind == SIM_CITIZEN_MESSAGE, e->kind == SIM_CITIZEN_MESSAGE ? 0 : 1u + e->arg, p);
}

status sim_writer_object(const struct sim_writer *w, const struct sim_event *events, size_t n, int32_t day,
	struct buf *out, struct err *err)
{
	struct heads heads;
	for (int type = 0; type < EVENT_N; type++) {
		const size_t fixed = strlen(event_heads[type]);
		memset(heads.bytes[type], 0, sizeof heads.bytes[type]);
		memcpy(heads.bytes[type], event_heads[type], fixed);
		date_format(day, heads.bytes[type] + fixed);
		heads.bytes[type][fixed + DATE_CHARS] = 'T';
		heads.of[type] = (struct sim_piece){heads.bytes[type], (uint32_t)(fixed + DATE_CHARS + 1), 0};
	}
	for (size_t i = 0; i < n; i++) {
		/* Rows lie in the order of creation, events in that of time: each is a miss unless it is asked for
		 * ahead. */
		if (i + ROWS_AHEAD < n) __builtin_prefetch(&w->rows[events[i + ROWS_AHEAD].ticket]);
		char *p = (char *)buf_reserve(out, w->line_max);
		if (p == NULL) return buf_check(out, err);
		const char *end = line_write(w, &heads, &events[i], (int64_t)day * US_PER_DAY, p);
		buf_commit(out, (size_t)(end - p));
	}
	return OK;
}
