/* tests/unit/pqrs/fixture.h: a small configuration made by hand: the contract's states and terms, a few keywords and places. */
#ifndef PQR_TESTS_PQRS_FIXTURE_H
#define PQR_TESTS_PQRS_FIXTURE_H

#include "check.h"
#include "workloads/pqrs/config/config.h"

/* A test that needs nothing else of workloads/pqrs/config/config_read.c is linked without it. */
__attribute__((weak))
const char *const pqrs_channel_names[CHANNEL_N] = {"email", "webform", "chat", "call", "other_digital"};
__attribute__((weak)) const char *const pqrs_type_names[TYPE_N] = {"P", "Q", "R", "S"};
__attribute__((weak)) const char *const pqrs_priority_names[PRIORITY_N] = {"alta", "media", "baja"};
__attribute__((weak)) const char *const pqrs_request_names[REQUEST_N] = {"general", "information", "consultation"};
__attribute__((weak)) const char *const pqrs_event_type_names[EVENT_N] = {
	"TICKET_CREATED", "MESSAGE_ADDED", "STATUS_CHANGED", "ATTACHMENT_ADDED"};

static inline void fixture_states(struct pqrs_config *cfg)
{
	static const struct state_def states[STATE_N] = {
		{"RECEIVED", "Recibido", false, SLA_NONE, 1},
		{"RADICATED", "Radicado", false, SLA_START, 2},
		{"CLASSIFIED", "Clasificado", false, SLA_RUN, 3},
		{"ASSIGNED", "Asignado", false, SLA_RUN, 4},
		{"IN_PROGRESS", "En Gestión", false, SLA_RUN, 5},
		{"ON_HOLD", "En Espera", false, SLA_PAUSE, 6},
		{"RESPONDED", "Respondido", false, SLA_STOP, 7},
		{"CLOSED", "Cerrado", true, SLA_STOP, 8},
		{"ARCHIVED", "Archivado", true, SLA_NONE, 9},
		{"REOPENED", "Reabierto", false, SLA_RUN, 10},
	};
	static const uint8_t transitions[11][2] = {
		{STATE_RECEIVED, STATE_RADICATED},
		{STATE_RADICATED, STATE_CLASSIFIED},
		{STATE_CLASSIFIED, STATE_ASSIGNED},
		{STATE_ASSIGNED, STATE_IN_PROGRESS},
		{STATE_IN_PROGRESS, STATE_RESPONDED},
		{STATE_IN_PROGRESS, STATE_ON_HOLD},
		{STATE_ON_HOLD, STATE_IN_PROGRESS},
		{STATE_RESPONDED, STATE_CLOSED},
		{STATE_CLOSED, STATE_ARCHIVED},
		{STATE_CLOSED, STATE_REOPENED},
		{STATE_REOPENED, STATE_IN_PROGRESS},
	};
	memcpy(cfg->states, states, sizeof states);
	for (size_t i = 0; i < 11; i++) cfg->transitions[transitions[i][0]][transitions[i][1]] = true;
	static const int32_t days[TYPE_N] = {15, 10, 8, 20};
	memcpy(cfg->sla_business_days, days, sizeof days);
}

/* What the clock of a ticket goes by: the states and terms, Bogotá and Colombia's holidays. fixture_clock_free gives the last two back. */
static inline void fixture_clock(struct pqrs_config *cfg)
{
	struct err err;
	fixture_states(cfg);
	CHECK_OK(&err, tz_load("America/Bogota", &cfg->tz, &err));
	CHECK_OK(&err, calendar_create("colombia", &cfg->calendar, &err));
}
static inline void fixture_clock_free(struct pqrs_config *cfg)
{
	calendar_destroy(cfg->calendar);
	tz_destroy(cfg->tz);
}

/* Local time in Bogotá. */
static inline int64_t bog(const char *text)
{
	char full[128];
	int64_t us;
	(void)snprintf(full, sizeof full, "%s-05:00", text);
	if (!time_parse(str_of(full), &us)) fail_msg("bad time %s", text);
	return us;
}

static inline void fixture_rules(struct pqrs_config *cfg)
{
	static const char *const p[] = {"solicito", "derecho de peticion", "informacion"};
	static const char *const q[] = {"queja", "mal trato", "funcionario"};
	static const char *const r[] = {"reclamo", "cobro", "factura"};
	static const char *const s[] = {"sugiero", "sugerencia", "propuesta", "niño"};
	static const char *const alta[] = {"urgente", "tutela", "queja"};
	static const char *const media[] = {"pronto"};
	static const char *const baja[] = {"cuando puedan"};
	cfg->rules.version = "rules-v1";
	cfg->rules.types[TYPE_P] = (struct rule_class){"P", p, 3};
	cfg->rules.types[TYPE_Q] = (struct rule_class){"Q", q, 3};
	cfg->rules.types[TYPE_R] = (struct rule_class){"R", r, 3};
	cfg->rules.types[TYPE_S] = (struct rule_class){"S", s, 4};
	cfg->rules.priorities[PRIORITY_ALTA] = (struct rule_class){"alta", alta, 3};
	cfg->rules.priorities[PRIORITY_MEDIA] = (struct rule_class){"media", media, 1};
	cfg->rules.priorities[PRIORITY_BAJA] = (struct rule_class){"baja", baja, 1};
}

static inline void fixture_places(struct pqrs_config *cfg)
{
	static const struct geo_place places[] = {
		{"11001", "Bogotá, D.C.", "Bogotá, D.C.", 4649251, -74106992, 800, "Bogotá|Santafé de Bogotá",
			"Bogotá|Cundinamarca"},
		{"05001", "Medellín", "Antioquia", 6257590, -75611031, 250, NULL, NULL},
		{"76001", "Cali", "Valle del Cauca", INT32_MIN, INT32_MIN, 220, "", ""},
	};
	cfg->simulation.places = places;
	cfg->simulation.n_places = 3;
}

#endif
