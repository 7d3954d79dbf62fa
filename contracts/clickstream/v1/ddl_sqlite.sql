CREATE TABLE IF NOT EXISTS "gold_daily_active_users" ( -- users a day
	-- key: event_date
	"event_date" DATE NOT NULL, -- UTC date of the events
	"dau_count" BIGINT NOT NULL, -- distinct users of the day's events [users]
	"month" TEXT NOT NULL, -- month of event_date, YYYY-MM
	"run_id" TEXT NOT NULL, -- run that wrote the row
	"updated_at" TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')) -- when this row was written here last
);

CREATE TABLE IF NOT EXISTS "gold_conversion_rate_daily" ( -- share of a day's users that bought
	-- key: event_date
	"event_date" DATE NOT NULL, -- UTC date of the events
	"conversion_rate" DECIMAL(7,4) NOT NULL, -- distinct buyers / dau_count, half away from zero
	"total_purchases" BIGINT NOT NULL, -- purchases of the day [events]
	"dau_count" BIGINT NOT NULL, -- distinct users of the day's events [users]
	"month" TEXT NOT NULL, -- month of event_date, YYYY-MM
	"run_id" TEXT NOT NULL, -- run that wrote the row
	"updated_at" TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')) -- when this row was written here last
);

CREATE TABLE IF NOT EXISTS "gold_events_per_source_daily" ( -- events a day and source
	-- key: event_date, source
	"event_date" DATE NOT NULL, -- UTC date of the events
	"source" TEXT NOT NULL, -- web or mobile
	"event_count" BIGINT NOT NULL, -- events of the day [events]
	"month" TEXT NOT NULL, -- month of event_date, YYYY-MM
	"run_id" TEXT NOT NULL, -- run that wrote the row
	"updated_at" TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')) -- when this row was written here last
);

CREATE TABLE IF NOT EXISTS "gold_purchases_per_page_daily" ( -- purchases a day and page
	-- key: event_date, page
	"event_date" DATE NOT NULL, -- UTC date of the events
	"page" TEXT NOT NULL, -- path of the page
	"purchase_count" BIGINT NOT NULL, -- purchases on the page; pages without one have no row [events]
	"month" TEXT NOT NULL, -- month of event_date, YYYY-MM
	"run_id" TEXT NOT NULL, -- run that wrote the row
	"updated_at" TIMESTAMP NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%f000Z', 'now')) -- when this row was written here last
);

CREATE TABLE IF NOT EXISTS "realtime_events_per_minute" ( -- events a minute and type
	-- key: window_start, event_type
	"window_start" TIMESTAMP NOT NULL, -- first instant of the minute of event time that is counted
	"event_type" TEXT NOT NULL, -- login, click, purchase or logout
	"event_count" BIGINT NOT NULL, -- events of the minute [events]
	"updated_at" TIMESTAMP NOT NULL -- when the row last changed
);

CREATE TABLE IF NOT EXISTS "realtime_logins_per_source" ( -- logins a minute and source
	-- key: window_start, source
	"window_start" TIMESTAMP NOT NULL, -- first instant of the minute of event time that is counted
	"source" TEXT NOT NULL, -- web or mobile
	"login_count" BIGINT NOT NULL, -- logins of the minute [events]
	"updated_at" TIMESTAMP NOT NULL -- when the row last changed
);

CREATE TABLE IF NOT EXISTS "realtime_purchases_per_minute" ( -- purchases a minute
	-- key: window_start
	"window_start" TIMESTAMP NOT NULL, -- first instant of the minute of event time that is counted
	"purchase_count" BIGINT NOT NULL, -- purchases of the minute; minutes without one have no row [events]
	"updated_at" TIMESTAMP NOT NULL -- when the row last changed
);

