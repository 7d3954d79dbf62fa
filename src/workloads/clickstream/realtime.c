/* workloads/clickstream/realtime.c: the tables of counts by minute, and which events each counts under which key. It computes nothing. */
#include "workloads/clickstream/realtime.h"

#define WINDOW_START                                                                       \
	{                                                                                  \
		.name = "window_start", .type = COL_TIMESTAMP, .key = true,                \
		.description = "first instant of the minute of event time that is counted" \
	}
#define UPDATED_AT                                                                                      \
	{                                                                                               \
		.name = "updated_at", .type = COL_TIMESTAMP, .description = "when the row last changed" \
	}
#define COUNT(column, text)                                                              \
	{                                                                                \
		.name = column, .type = COL_INT64, .unit = "events", .description = text \
	}
#define TABLE(table, of, text)                                                                                        \
	{                                                                                                             \
		.name = table, .layer = "realtime", .contract = "clickstream/v1", .description = text, .columns = of, \
		.n_columns = sizeof(of) / sizeof *(of)                                                                \
	}

static const struct column_def events_columns[] = {WINDOW_START,
	{.name = "event_type", .type = COL_STRING, .key = true, .description = "login, click, purchase or logout"},
	COUNT("event_count", "events of the minute"), UPDATED_AT};
static const struct column_def logins_columns[] = {WINDOW_START,
	{.name = "source", .type = COL_STRING, .key = true, .description = "web or mobile"},
	COUNT("login_count", "logins of the minute"), UPDATED_AT};
static const struct column_def purchases_columns[] = {
	WINDOW_START, COUNT("purchase_count", "purchases of the minute; minutes without one have no row"), UPDATED_AT};
static const struct table_schema events = TABLE("events_per_minute", events_columns, "events a minute and type");
static const struct table_schema logins = TABLE("logins_per_source", logins_columns, "logins a minute and source");
static const struct table_schema purchases = TABLE("purchases_per_minute", purchases_columns, "purchases a minute");

#define OF_TYPE(type, text)                                                \
	[CLICK_KIND(type, CLICK_WEB)] = {.counts = true, .texts = {text}}, \
			  [CLICK_KIND(type, CLICK_MOBILE)] = {.counts = true, .texts = {text}}
static const struct window_key event_keys[CLICK_KINDS] = {OF_TYPE(CLICK_LOGIN, "login"), OF_TYPE(CLICK_CLICK, "click"),
	OF_TYPE(CLICK_PURCHASE, "purchase"), OF_TYPE(CLICK_LOGOUT, "logout")};
static const struct window_key login_keys[CLICK_KINDS] = {
	[CLICK_KIND(CLICK_LOGIN, CLICK_WEB)] = {.counts = true, .texts = {"web"}},
	[CLICK_KIND(CLICK_LOGIN, CLICK_MOBILE)] = {.counts = true, .texts = {"mobile"}}};
static const struct window_key purchase_keys[CLICK_KINDS] = {[CLICK_KIND(CLICK_PURCHASE, CLICK_WEB)] = {.counts = true},
	[CLICK_KIND(CLICK_PURCHASE, CLICK_MOBILE)] = {.counts = true}};

static const struct window_table tables[] = {{&events, event_keys}, {&logins, login_keys}, {&purchases, purchase_keys}};
const struct window_set clickstream_windows = {CLICK_KINDS, tables, sizeof tables / sizeof *tables};

const struct table_schema *const clickstream_realtime_tables[CLICK_REALTIME_TABLES] = {&events, &logins, &purchases};
