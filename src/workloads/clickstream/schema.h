/* workloads/clickstream/schema.h: the tables of the clickstream workload, and the words of its events. */
#ifndef PQR_CLICKSTREAM_SCHEMA_H
#define PQR_CLICKSTREAM_SCHEMA_H

#include "flow/raw_contract.h"
#include "flow/task.h"

#define CLICK_RAW "raw.clickstream"
#define CLICK_REJECTS "rejects.clickstream"
#define CLICK_BRONZE "bronze.user_events"
#define CLICK_SILVER "silver.user_events"

enum clickstream_type { CLICK_LOGIN, CLICK_CLICK, CLICK_PURCHASE, CLICK_LOGOUT, CLICK_TYPES };
enum clickstream_source { CLICK_WEB, CLICK_MOBILE, CLICK_SOURCES };
extern const char *const clickstream_type_names[CLICK_TYPES + 1]; /* "login", ...; ends with NULL */
extern const char *const clickstream_source_names[CLICK_SOURCES + 1];

/* Columns of user_events, in bronze and silver; kafka_incarnation follows in bronze, history_id in silver. */
enum clickstream_column {
	EVENTS_ID,
	EVENTS_USER,
	EVENTS_TYPE,
	EVENTS_PAGE,
	EVENTS_TIMESTAMP,
	EVENTS_SOURCE,
	EVENTS_KAFKA_PARTITION,
	EVENTS_KAFKA_OFFSET,
	EVENTS_EXTRA,
	EVENTS_COLUMNS,
	BRONZE_INCARNATION = EVENTS_COLUMNS,
	BRONZE_COLUMNS,
};
enum clickstream_gold { GOLD_DAU, GOLD_CONVERSION, GOLD_SOURCES, GOLD_PAGES, GOLD_TABLES };

extern const struct table_schema clickstream_bronze_events, clickstream_silver_events;
extern const struct table_schema *const clickstream_gold_tables[GOLD_TABLES];
enum { CLICK_TABLES = 2 + GOLD_TABLES };
extern const struct table_schema *const clickstream_tables[CLICK_TABLES];
extern const struct raw_contract clickstream_raw_contract;

/* Values of event_date, run_id; views place and run. */
struct clickstream_date {
	char text[DATE_CHARS];
	struct delta_pair values[2];
};
struct delta_pairs clickstream_date_values(struct clickstream_date *place, int32_t date, const struct run_info *run);
/* E_CORRUPT: the file has none. */
status clickstream_date_of(const struct file_ref *file, int32_t *date, struct err *err) MUST_USE;

#endif
