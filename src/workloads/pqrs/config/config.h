/* workloads/pqrs/config/config.h: everything that decides the output of a pqrs run, parsed and checked.
 *
 * Built from the canonical JSON (pqrs_config_canonical makes it from pqr.yaml, the files it names, the environment
 * and flags). Immutable and shared between threads after pqrs_config_open.
 */
#ifndef PQR_PQRS_CONFIG_H
#define PQR_PQRS_CONFIG_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/calendar.h"
#include "io/config/config.h"
#include "parquet/writer.h"

enum pqrs_channel { CHANNEL_EMAIL, CHANNEL_WEBFORM, CHANNEL_CHAT, CHANNEL_CALL, CHANNEL_OTHER_DIGITAL, CHANNEL_N };
enum pqrs_type { TYPE_P, TYPE_Q, TYPE_R, TYPE_S, TYPE_N };
enum pqrs_priority { PRIORITY_ALTA, PRIORITY_MEDIA, PRIORITY_BAJA, PRIORITY_N };
enum pqrs_state {
	STATE_RECEIVED,
	STATE_RADICATED,
	STATE_CLASSIFIED,
	STATE_ASSIGNED,
	STATE_IN_PROGRESS,
	STATE_ON_HOLD,
	STATE_RESPONDED,
	STATE_CLOSED,
	STATE_ARCHIVED,
	STATE_REOPENED,
	STATE_N
};
enum pqrs_event_type {
	EVENT_TICKET_CREATED,
	EVENT_MESSAGE_ADDED,
	EVENT_STATUS_CHANGED,
	EVENT_ATTACHMENT_ADDED,
	EVENT_N
};
enum request_kind { REQUEST_GENERAL, REQUEST_INFORMATION, REQUEST_CONSULTATION, REQUEST_N };
enum sla_behaviour { SLA_NONE, SLA_START, SLA_RUN, SLA_PAUSE, SLA_STOP };
extern const char *const pqrs_channel_names[CHANNEL_N];   /* "email", ... */
extern const char *const pqrs_type_names[TYPE_N];         /* "P", ... */
extern const char *const pqrs_priority_names[PRIORITY_N]; /* "alta", ... */
extern const char *const pqrs_event_type_names[EVENT_N];
extern const char *const pqrs_request_names[REQUEST_N]; /* "general", ... */

enum { PROB_ONE = 1000000 }; /* probabilities are integers in millionths; a distribution sums to exactly PROB_ONE */

struct spike {
	bool enabled;
	int32_t days_min, days_max;
	int32_t volume_min, volume_max;
};
struct geo_place {
	const char *dane_code; /* 5 digits */
	const char *city, *department;
	int32_t latitude_e6, longitude_e6;            /* degrees * 1e6; INT32_MIN = unknown */
	uint32_t weight;                              /* relative */
	const char *other_cities, *other_departments; /* names that mean the same, '|' between; NULL or "": none */
};
struct state_def {
	const char *name, *name_es;
	bool terminal;
	enum sla_behaviour sla;
	int32_t order;
};
struct law_row { /* legal terms in force from a local date on (config/law_co_v1.yaml) */
	int32_t from;
	int32_t days[REQUEST_N]; /* business days after reception */
	bool in_course;          /* it reached requests that were not yet due on that date */
	const char *source;      /* the article */
};
struct topic { /* one complaint topic of config/pqrs_topics_v1.yaml */
	const char *name;
	uint32_t type_weight[TYPE_N];
	const char *const *subjects[TYPE_N];
	size_t n_subjects[TYPE_N]; /* templates with {slot} places; per type */
	const char *const *bodies[TYPE_N];
	size_t n_bodies[TYPE_N];
};
struct topic_slot {
	const char *name;
	const char *const *values;
	size_t n_values;
}; /* {entidad} -> one of values */
struct rule_class {
	const char *name;
	const char *const *keywords;
	size_t n_keywords;
}; /* keywords normalised: lower case, no accents */

struct pqrs_config {
	struct tz *tz;
	const char *timezone;
	struct calendar *calendar;
	struct { /* simulation */
		uint64_t seed;
		int32_t date_from, date_to;
		int32_t volume_daily_avg;
		int32_t volume_sigma; /* millionths of the average */
		uint32_t channel_probs[CHANNEL_N], type_probs[TYPE_N], priority_probs[PRIORITY_N]; /* millionths */
		uint32_t sla_breach_rate;                                                          /* millionths */
		struct spike spike;
		bool truncate;
		const struct geo_place *places;
		size_t n_places;
		const struct topic *topics;
		size_t n_topics;
		const struct topic_slot *slots;
		size_t n_slots;
		const char *const *agent_messages;
		size_t n_agent_messages; /* templates */
		const char *const *citizen_messages;
		size_t n_citizen_messages; /* templates */
	} simulation;
	int32_t sla_business_days[TYPE_N]; /* 0: the law decides */
	struct {
		const struct law_row *rows; /* rising by date; at least one where a term above is 0 */
		size_t n;
	} law;
	size_t line_bytes_max;  /* of a raw line without its end */
	int64_t clock_skew_max; /* microseconds that an event may be told before its ticket's creation */
	struct state_def states[STATE_N];
	bool transitions[STATE_N][STATE_N]; /* [from][to] */
	struct {
		const char *version;
		struct rule_class types[TYPE_N], priorities[PRIORITY_N];
	} rules;
	struct {
		uint32_t invalid_transition_rate_max;
		uint32_t reject_rate_max;
		uint32_t breach_rate_min, breach_rate_max;
		uint32_t share_tolerance;
	} quality; /* millionths */
	struct parquet_opts parquet;
	bool publish_core;
	struct arena arena; /* owns the strings and arrays */
};

/* The keys of sections calendar, simulation, sla, classify, quality, parquet and publish (docs/configuration.md). */
extern const struct config_keys pqrs_config_keys;

/* Append the canonical JSON of all that decides the output of a run whose events are simulated or ingested, and of nothing else:
 * settings, and the contents of the files they name or, by default, of those compiled in. The same settings give the same bytes,
 * however they were written, also in later versions, which leave out their new keys at the default. tree: config_defaults, then file,
 * environment and flags, checked by config_check; borrowed. E_USAGE names file, line and key of the mistake. */
enum pqrs_events_from { PQRS_SIMULATED, PQRS_INGESTED };
status pqrs_config_canonical(
	const struct config *tree, enum pqrs_events_from from, struct buf *out, struct err *err) MUST_USE;

/* From canonical JSON alone (of an ingested run: without what only the simulator reads); reads no file but the tz database. About a millisecond. canonical is borrowed and not trusted. */
status pqrs_config_open(struct str canonical, struct pqrs_config **out, struct err *err) MUST_USE;
/* Do two configurations (canonical JSON) simulate the same events, seed and range of dates aside? Not if either can't be read. */
bool pqrs_config_same_events(struct str a, struct str b);
void pqrs_config_close(struct pqrs_config *c); /* NULL is fine */

#endif
