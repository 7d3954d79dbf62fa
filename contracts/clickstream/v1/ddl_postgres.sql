CREATE SCHEMA IF NOT EXISTS gold;
CREATE SCHEMA IF NOT EXISTS analytics;
CREATE SCHEMA IF NOT EXISTS realtime;

CREATE TABLE IF NOT EXISTS gold.daily_active_users (
	"event_date" date NOT NULL,
	"dau_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	"updated_at" timestamp with time zone NOT NULL DEFAULT now(),
	PRIMARY KEY ("event_date")
);
COMMENT ON TABLE gold.daily_active_users IS 'users a day';
COMMENT ON COLUMN gold.daily_active_users."event_date" IS 'UTC date of the events';
COMMENT ON COLUMN gold.daily_active_users."dau_count" IS 'distinct users of the day''s events [users]';
COMMENT ON COLUMN gold.daily_active_users."month" IS 'month of event_date, YYYY-MM';
COMMENT ON COLUMN gold.daily_active_users."run_id" IS 'run that wrote the row';
COMMENT ON COLUMN gold.daily_active_users."updated_at" IS 'when this row was written here last';

CREATE TABLE IF NOT EXISTS gold.conversion_rate_daily (
	"event_date" date NOT NULL,
	"conversion_rate" numeric(7,4) NOT NULL,
	"total_purchases" bigint NOT NULL,
	"dau_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	"updated_at" timestamp with time zone NOT NULL DEFAULT now(),
	PRIMARY KEY ("event_date")
);
COMMENT ON TABLE gold.conversion_rate_daily IS 'share of a day''s users that bought';
COMMENT ON COLUMN gold.conversion_rate_daily."event_date" IS 'UTC date of the events';
COMMENT ON COLUMN gold.conversion_rate_daily."conversion_rate" IS 'distinct buyers / dau_count, half away from zero';
COMMENT ON COLUMN gold.conversion_rate_daily."total_purchases" IS 'purchases of the day [events]';
COMMENT ON COLUMN gold.conversion_rate_daily."dau_count" IS 'distinct users of the day''s events [users]';
COMMENT ON COLUMN gold.conversion_rate_daily."month" IS 'month of event_date, YYYY-MM';
COMMENT ON COLUMN gold.conversion_rate_daily."run_id" IS 'run that wrote the row';
COMMENT ON COLUMN gold.conversion_rate_daily."updated_at" IS 'when this row was written here last';

CREATE TABLE IF NOT EXISTS gold.events_per_source_daily (
	"event_date" date NOT NULL,
	"source" text NOT NULL,
	"event_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	"updated_at" timestamp with time zone NOT NULL DEFAULT now(),
	PRIMARY KEY ("event_date", "source")
);
COMMENT ON TABLE gold.events_per_source_daily IS 'events a day and source';
COMMENT ON COLUMN gold.events_per_source_daily."event_date" IS 'UTC date of the events';
COMMENT ON COLUMN gold.events_per_source_daily."source" IS 'web or mobile';
COMMENT ON COLUMN gold.events_per_source_daily."event_count" IS 'events of the day [events]';
COMMENT ON COLUMN gold.events_per_source_daily."month" IS 'month of event_date, YYYY-MM';
COMMENT ON COLUMN gold.events_per_source_daily."run_id" IS 'run that wrote the row';
COMMENT ON COLUMN gold.events_per_source_daily."updated_at" IS 'when this row was written here last';

CREATE TABLE IF NOT EXISTS gold.purchases_per_page_daily (
	"event_date" date NOT NULL,
	"page" text NOT NULL,
	"purchase_count" bigint NOT NULL,
	"month" text NOT NULL,
	"run_id" text COLLATE "C" NOT NULL,
	"updated_at" timestamp with time zone NOT NULL DEFAULT now(),
	PRIMARY KEY ("event_date", "page")
);
COMMENT ON TABLE gold.purchases_per_page_daily IS 'purchases a day and page';
COMMENT ON COLUMN gold.purchases_per_page_daily."event_date" IS 'UTC date of the events';
COMMENT ON COLUMN gold.purchases_per_page_daily."page" IS 'path of the page';
COMMENT ON COLUMN gold.purchases_per_page_daily."purchase_count" IS 'purchases on the page; pages without one have no row [events]';
COMMENT ON COLUMN gold.purchases_per_page_daily."month" IS 'month of event_date, YYYY-MM';
COMMENT ON COLUMN gold.purchases_per_page_daily."run_id" IS 'run that wrote the row';
COMMENT ON COLUMN gold.purchases_per_page_daily."updated_at" IS 'when this row was written here last';

CREATE TABLE IF NOT EXISTS realtime.events_per_minute (
	"window_start" timestamp with time zone NOT NULL,
	"event_type" text NOT NULL,
	"event_count" bigint NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	PRIMARY KEY ("window_start", "event_type")
);
COMMENT ON TABLE realtime.events_per_minute IS 'events a minute and type';
COMMENT ON COLUMN realtime.events_per_minute."window_start" IS 'first instant of the minute of event time that is counted';
COMMENT ON COLUMN realtime.events_per_minute."event_type" IS 'login, click, purchase or logout';
COMMENT ON COLUMN realtime.events_per_minute."event_count" IS 'events of the minute [events]';
COMMENT ON COLUMN realtime.events_per_minute."updated_at" IS 'when the row last changed';

CREATE TABLE IF NOT EXISTS realtime.logins_per_source (
	"window_start" timestamp with time zone NOT NULL,
	"source" text NOT NULL,
	"login_count" bigint NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	PRIMARY KEY ("window_start", "source")
);
COMMENT ON TABLE realtime.logins_per_source IS 'logins a minute and source';
COMMENT ON COLUMN realtime.logins_per_source."window_start" IS 'first instant of the minute of event time that is counted';
COMMENT ON COLUMN realtime.logins_per_source."source" IS 'web or mobile';
COMMENT ON COLUMN realtime.logins_per_source."login_count" IS 'logins of the minute [events]';
COMMENT ON COLUMN realtime.logins_per_source."updated_at" IS 'when the row last changed';

CREATE TABLE IF NOT EXISTS realtime.purchases_per_minute (
	"window_start" timestamp with time zone NOT NULL,
	"purchase_count" bigint NOT NULL,
	"updated_at" timestamp with time zone NOT NULL,
	PRIMARY KEY ("window_start")
);
COMMENT ON TABLE realtime.purchases_per_minute IS 'purchases a minute';
COMMENT ON COLUMN realtime.purchases_per_minute."window_start" IS 'first instant of the minute of event time that is counted';
COMMENT ON COLUMN realtime.purchases_per_minute."purchase_count" IS 'purchases of the minute; minutes without one have no row [events]';
COMMENT ON COLUMN realtime.purchases_per_minute."updated_at" IS 'when the row last changed';

