/* workloads/pqrs/sim/sim_text.h: the Spanish texts of simulated tickets, from the templates of config/pqrs_topics_v1.yaml.
 *
 *   "{apertura} El bar de {direccion} ..."   compiled to   [slot][" El bar de "][slot][" ..."]
 *
 * Templates, slot values and place names are compiled once: cut at their slots, escaped for JSON, counted in code
 * points, and laid in one block, so that writing a text is a row of short copies. Texts are never stored: every one is
 * drawn again from (seed, ticket, purpose) when it is written. Slots are documented in the topics file.
 */
#ifndef PQR_PQRS_SIM_TEXT_H
#define PQR_PQRS_SIM_TEXT_H

#include "workloads/pqrs/sim/sim_ticket.h"

enum {
	SIM_COPY_SLACK =
		32, /* copies run in blocks of 32 bytes: room past the end of what is written, and of what is read */
	SIM_EXTERNAL_ID_MAX = 40, /* "PQRS-2025-0001234" and longer numbers */
};

struct sim_piece {
	const char *p;
	uint32_t n, code_points;
};               /* JSON-escaped */
struct sim_text; /* compiled; lives in the arena it was made in; immutable */

/* E_USAGE: an unknown slot (named), no topic for a type, no message. E_LIMIT: a text that would not fit a line. */
status sim_text_create(
	const struct pqrs_config *config, struct arena *arena, const struct sim_text **out, struct err *err) MUST_USE;
size_t sim_text_bytes_max(const struct sim_text *t); /* longest text, SIM_COPY_SLACK included */

struct sim_who { /* the ticket a text belongs to */
	uint64_t seed, entity;
	struct sim_piece external_id; /* SIM_COPY_SLACK bytes readable past its end */
	int32_t date;
	uint16_t place;
	uint8_t type, priority;
};
struct sim_choice {                    /* what a ticket is about */
	uint32_t topic, subject, body; /* template numbers */
	uint32_t hint;                 /* a free draw */
};
struct sim_choice sim_text_choose(const struct sim_text *t, const struct sim_who *who);

/* Each writes to dst, which has room for sim_text_bytes_max, and returns the end; *code_points as a reader counts
 * them. */
char *sim_text_subject(const struct sim_text *t, const struct sim_who *who, const struct sim_choice *c, char *dst,
	uint32_t *code_points);
char *sim_text_body(const struct sim_text *t, const struct sim_who *who, const struct sim_choice *c, char *dst,
	uint32_t *code_points);
/* message 0 is the citizen's, 1.. the staff's. */
char *sim_text_message(
	const struct sim_text *t, const struct sim_who *who, uint32_t message, char *dst, uint32_t *code_points);

const struct sim_piece *sim_text_topic_name(const struct sim_text *t, uint32_t topic);
struct sim_place {
	struct sim_piece department, city, code;
};
const struct sim_place *sim_text_place(const struct sim_text *t, uint16_t place);

/* Copy n bytes in blocks; may write up to SIM_COPY_SLACK bytes past the end and read as many past src + n. */
static inline char *sim_copy(char *dst, const char *src, size_t n)
{
	char *const end = dst + n;
	do {
		memcpy(dst, src, SIM_COPY_SLACK);
		dst += SIM_COPY_SLACK;
		src += SIM_COPY_SLACK;
	} while (dst < end);
	return end;
}
char *sim_decimal(char *dst, uint64_t v); /* decimal digits; returns the end */

#endif
