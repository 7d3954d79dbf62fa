/* workloads/pqrs/config/config_keys.c: the workload's keys: names, types, ranges, defaults, meaning. docs/configuration.md lists them from here
 * (a test compares). Keys without a default take it from config/pqrs_simulation_v1.yaml. */
#include "flow/common_config.h"
#include "workloads/pqrs/config/config_int.h"

#define PROBABILITY(path, meaning)                                                     \
	{                                                                              \
		(path), CONFIG_T_DECIMAL, 0, PROB_ONE, NULL, NULL, false, (meaning), 0 \
	}
#define SHARE(path, fallback, meaning)                                                       \
	{                                                                                    \
		(path), CONFIG_T_DECIMAL, 0, PROB_ONE, NULL, (fallback), false, (meaning), 0 \
	}
#define INTEGER(path, min, max, fallback, meaning)                                        \
	{                                                                                 \
		(path), CONFIG_T_INT, (min), (max), NULL, (fallback), false, (meaning), 0 \
	}
#define SWITCH(path, fallback, meaning)                                            \
	{                                                                          \
		(path), CONFIG_T_BOOL, 0, 1, NULL, (fallback), false, (meaning), 0 \
	}
#define TEXT(path, fallback, meaning)                                                \
	{                                                                            \
		(path), CONFIG_T_STRING, 0, 0, NULL, (fallback), false, (meaning), 0 \
	}
#define DATE(path, meaning)                                                  \
	{                                                                    \
		(path), CONFIG_T_DATE, 0, 0, NULL, NULL, false, (meaning), 0 \
	}
#define DAYS_MAX 1000
#define CLOCK_SKEW_HOURS_MAX 720
#define VOLUME_MAX 10000000

/* A key that is added gets the number of its contract version, or of a later form, as `since`. */
static const struct config_key items[] = {
	TEXT("calendar.timezone", "America/Bogota", "zone of the tz database that decides local dates"),
	TEXT("calendar.holidays", "colombia", "colombia, none, or a file with one ISO date a line"),

	TEXT("simulation.file", "", "file in place of config/pqrs_simulation_v1.yaml"),
	TEXT("simulation.topics_file", "", "file in place of config/pqrs_topics_v1.yaml"),
	TEXT("simulation.geo_file", "", "file in place of config/geo_colombia_v1.csv"),
	TEXT("simulation.geo_probability_csv", "",
		"places and their probabilities: dane_city_code;city_name;department_name;probability"),
	INTEGER("simulation.seed", 0, INT64_MAX, NULL, "key of all random numbers"),
	DATE("simulation.date_range.from", "first local day"),
	DATE("simulation.date_range.to", "last local day"),
	INTEGER("simulation.volume_daily_avg", 1, VOLUME_MAX, NULL, "tickets created a day, on average"),
	PROBABILITY("simulation.volume_sigma", "standard deviation of the daily volume, as a share of the average"),
	PROBABILITY("simulation.channel_probs.email", "share of the channel"),
	PROBABILITY("simulation.channel_probs.webform", "share of the channel"),
	PROBABILITY("simulation.channel_probs.chat", "share of the channel"),
	PROBABILITY("simulation.channel_probs.call", "share of the channel"),
	PROBABILITY("simulation.channel_probs.other_digital", "share of the channel; the five add up to 1"),
	PROBABILITY("simulation.pqrs_type_probs.P", "share of petitions"),
	PROBABILITY("simulation.pqrs_type_probs.Q", "share of complaints"),
	PROBABILITY("simulation.pqrs_type_probs.R", "share of claims"),
	PROBABILITY("simulation.pqrs_type_probs.S", "share of suggestions; the four add up to 1"),
	PROBABILITY("simulation.priority_probs.alta", "share of high priority"),
	PROBABILITY("simulation.priority_probs.media", "share of medium priority"),
	PROBABILITY("simulation.priority_probs.baja", "share of low priority; the three add up to 1"),
	PROBABILITY("simulation.sla_breach_rate", "share of closed tickets that were answered late"),
	INTEGER("simulation.sla_business_days.P", 1, DAYS_MAX, NULL, "term of petitions, in business days"),
	INTEGER("simulation.sla_business_days.Q", 1, DAYS_MAX, NULL, "term of complaints"),
	INTEGER("simulation.sla_business_days.R", 1, DAYS_MAX, NULL, "term of claims"),
	INTEGER("simulation.sla_business_days.S", 1, DAYS_MAX, NULL, "term of suggestions"),
	SWITCH("simulation.spike.enabled", NULL, "one window of days with more tickets"),
	INTEGER("simulation.spike.days_min", 1, DAYS_MAX, NULL, "shortest window"),
	INTEGER("simulation.spike.days_max", 1, DAYS_MAX, NULL, "longest window"),
	INTEGER("simulation.spike.volume_min", 1, VOLUME_MAX, NULL, "fewest tickets on a day of the window"),
	INTEGER("simulation.spike.volume_max", 1, VOLUME_MAX, NULL, "most tickets on a day of the window"),
	SWITCH("simulation.truncate", NULL, "leave out events after as_of"),

	TEXT("sla.status_file", "", "file in place of config/pqrs_status_v1.yaml"),
	TEXT("sla.law_file", "", "file in place of config/law_co_v1.yaml"),
	INTEGER("sla.business_days.P", 1, DAYS_MAX, NULL,
		"term of petitions; by default the law's or the simulation's"),
	INTEGER("sla.business_days.Q", 1, DAYS_MAX, NULL,
		"term of complaints; by default the law's or the simulation's"),
	INTEGER("sla.business_days.R", 1, DAYS_MAX, NULL, "term of claims; by default the law's or the simulation's"),
	INTEGER("sla.business_days.S", 1, DAYS_MAX, NULL,
		"term of suggestions; by default the law's or the simulation's"),

	COMMON_CONFIG_LINE_BYTES,

	{"sla.clock_skew_max", CONFIG_T_INT, 0, CLOCK_SKEW_HOURS_MAX, NULL, "24", false,
		"hours that the clock of a ticket's creation may be ahead of the clocks of its other events", 2},

	TEXT("classify.rules_file", "", "file in place of config/pqrs_preclass_rules_v1.yaml"),

	SHARE("quality.invalid_transition_rate_max", "0.01", "most status events that may break the state machine"),
	COMMON_CONFIG_REJECT_RATE,
	SHARE("quality.breach_rate_min", "0.07", "lowest expected share of late tickets, simulated runs"),
	SHARE("quality.breach_rate_max", "0.12", "highest expected share of late tickets, simulated runs"),
	SHARE("quality.share_tolerance", "0.03",
		"how far type, channel and priority shares may lie from the configuration, simulated runs"),

	COMMON_CONFIG_PARQUET,

	{"publish.core", CONFIG_T_BOOL, 0, 1, NULL, "false", false,
		"publish core.tickets, core.ticket_events, core.messages and core.dim_* to SQLite, too", 2},
};

const struct config_keys pqrs_config_keys = {items, sizeof items / sizeof items[0]};
