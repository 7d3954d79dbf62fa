/* tests/unit/pqrs/sim_config.h: the default simulation by hand, with few texts and places, and a lake in memory of a
 * test. */
#ifndef PQR_TESTS_SIM_CONFIG_H
#define PQR_TESTS_SIM_CONFIG_H

#include "check.h"
#include "workloads/pqrs/config/config.h"
#include "workloads/pqrs/sim/simulate.h"

/* Weak: the library's own definitions win where they are linked in. */
__attribute__((weak))
const char *const pqrs_channel_names[CHANNEL_N] = {"email", "webform", "chat", "call", "other_digital"};
__attribute__((weak)) const char *const pqrs_type_names[TYPE_N] = {"P", "Q", "R", "S"};
__attribute__((weak)) const char *const pqrs_priority_names[PRIORITY_N] = {"alta", "media", "baja"};
__attribute__((weak)) const char *const pqrs_event_type_names[EVENT_N] = {[EVENT_TICKET_CREATED] = "TICKET_CREATED",
	[EVENT_MESSAGE_ADDED] = "MESSAGE_ADDED",
	[EVENT_STATUS_CHANGED] = "STATUS_CHANGED",
	[EVENT_ATTACHMENT_ADDED] = "ATTACHMENT_ADDED"};

#define SIM_N(array) (sizeof(array) / sizeof *(array))

static const struct {
	uint8_t from, to;
} sim_transitions[] = {{STATE_RECEIVED, STATE_RADICATED}, {STATE_RADICATED, STATE_CLASSIFIED},
	{STATE_CLASSIFIED, STATE_ASSIGNED}, {STATE_ASSIGNED, STATE_IN_PROGRESS}, {STATE_IN_PROGRESS, STATE_RESPONDED},
	{STATE_IN_PROGRESS, STATE_ON_HOLD}, {STATE_ON_HOLD, STATE_IN_PROGRESS}, {STATE_RESPONDED, STATE_CLOSED},
	{STATE_CLOSED, STATE_ARCHIVED}, {STATE_CLOSED, STATE_REOPENED}, {STATE_REOPENED, STATE_IN_PROGRESS}};

static inline void sim_config_texts(struct pqrs_config *c)
{
	static const char *const names[] = {"Ana Núñez", "José \"Pepe\" Díaz"};
	static const char *const openings_p[] = {"Solicito lo siguiente.", "Pido\tinformación\\copia."};
	static const char *const openings_q[] = {"Queja formal."}, *const openings_r[] = {"Reclamo."},
				 *const openings_s[] = {"Sugiero:"};
	static const char *const urgent[] = {"Es urgente."}, *const normal[] = {"Gracias."},
				 *const low[] = {"Sin afán."};
	static const struct topic_slot slots[] = {{"nombre", names, 2}, {"apertura_P", openings_p, 2},
		{"apertura_Q", openings_q, 1}, {"apertura_R", openings_r, 1}, {"apertura_S", openings_s, 1},
		{"urgencia_alta", urgent, 1}, {"urgencia_media", normal, 1}, {"urgencia_baja", low, 1}};
	static const char *const subjects[] = {"Alumbrado en {municipio}", "Luminarias, {departamento}"};
	static const char *const bodies[] = {"{apertura} Desde el {fecha} faltan {monto} y {dias} días. {urgencia}",
		"{apertura}{urgencia}{radicado}"};
	static const char *const agent[] = {"Caso {radicado} en trámite, {nombre}.", "Respondido."},
				 *const citizen[] = {"¿Y el caso {radicado}?"};
	static const struct topic topics[] = {{"alumbrado", {3, 1, 2, 1}, {subjects, subjects, subjects, subjects},
						      {2, 2, 2, 2}, {bodies, bodies, bodies, bodies}, {2, 2, 2, 2}},
		{"vias", {1, 1, 1, 0}, {subjects, subjects, subjects, subjects}, {1, 1, 1, 1},
			{bodies, bodies, bodies, bodies}, {1, 1, 1, 1}}};
	static const struct geo_place places[] = {{"05001", "Medellín", "Antioquia", 0, 0, 3, NULL, NULL},
		{"11001", "Bogotá D.C.", "Bogotá D.C.", 0, 0, 9, NULL, NULL},
		{"91001", "Leticia", "Amazonas", 0, 0, 1, NULL, NULL}};
	c->simulation.places = places;
	c->simulation.n_places = SIM_N(places);
	c->simulation.topics = topics;
	c->simulation.n_topics = SIM_N(topics);
	c->simulation.slots = slots;
	c->simulation.n_slots = SIM_N(slots);
	c->simulation.agent_messages = agent;
	c->simulation.n_agent_messages = SIM_N(agent);
	c->simulation.citizen_messages = citizen;
	c->simulation.n_citizen_messages = SIM_N(citizen);
}

/* The defaults of the contract. Release with sim_config_deinit. */
static inline void sim_config_init(struct pqrs_config *c)
{
	static const struct state_def states[STATE_N] = {{.name = "RECEIVED"}, {.name = "RADICATED"},
		{.name = "CLASSIFIED"}, {.name = "ASSIGNED"}, {.name = "IN_PROGRESS"}, {.name = "ON_HOLD"},
		{.name = "RESPONDED"}, {.name = "CLOSED"}, {.name = "ARCHIVED"}, {.name = "REOPENED"}};
	static const uint32_t channels[CHANNEL_N] = {380000, 310000, 140000, 110000, 60000};
	static const uint32_t types[TYPE_N] = {300000, 250000, 300000, 150000},
			      priorities[PRIORITY_N] = {100000, 500000, 400000};
	static const int32_t terms[TYPE_N] = {15, 10, 8, 20};
	struct err err;
	*c = (struct pqrs_config){.timezone = "America/Bogota"};
	CHECK_OK(&err, tz_load(c->timezone, &c->tz, &err));
	CHECK_OK(&err, calendar_create("colombia", &c->calendar, &err));
	c->simulation.seed = 42;
	c->simulation.date_from = date_from_civil(2025, 9, 1);
	c->simulation.date_to = date_from_civil(2026, 2, 28);
	c->simulation.volume_daily_avg = 1150;
	c->simulation.volume_sigma = 80000;
	memcpy(c->simulation.channel_probs, channels, sizeof channels);
	memcpy(c->simulation.type_probs, types, sizeof types);
	memcpy(c->simulation.priority_probs, priorities, sizeof priorities);
	c->simulation.sla_breach_rate = 100000;
	c->simulation.spike = (struct spike){true, 5, 10, 3000, 4000};
	c->simulation.truncate = true;
	memcpy(c->sla_business_days, terms, sizeof terms);
	memcpy(c->states, states, sizeof states);
	for (size_t i = 0; i < SIM_N(sim_transitions); i++)
		c->transitions[sim_transitions[i].from][sim_transitions[i].to] = true;
	c->quality.share_tolerance = 30000;
	sim_config_texts(c);
}

static inline void sim_config_deinit(struct pqrs_config *c)
{
	calendar_destroy(c->calendar);
	tz_destroy(c->tz);
}

/* A run that leaves out the events before a day. */
static inline void sim_emit_from(struct run_info *run, int32_t day)
{
	static char params[] = "seed=42,emit_from=2025-09-01";
	date_format(day, params + sizeof params - 1 - DATE_CHARS);
	run->params = params;
}

static inline struct run_info sim_run(const struct pqrs_config *c, int32_t from, int32_t to)
{
	return (struct run_info){.run_id = "11111111-2222-4333-8444-555555555555",
		.workload = "pqrs",
		.params = "seed=42",
		.date_from = from,
		.date_to = to,
		.as_of = tz_day_end(c->tz, to)};
}

#endif
