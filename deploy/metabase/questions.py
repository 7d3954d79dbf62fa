"""Two dashboards of twelve questions. SQL on published tables and views, as role pqr_bi; a question is (name, what it says, display, SQL,
the columns of its axes: first the dimension, then measures, then what splits them), a place is (column, row, width, height) of 24 columns."""

DAY = "(SELECT max(day) FROM gold.kpi_volume_national_daily)"
UNANSWERED = "analytics.v_tickets_open WHERE current_status <> 'RESPONDED'"

DASHBOARDS = {
    "PQRS": (
        "What came in, what is late, and where",
        [
            ((0, 0, 6, 4), "Overdue and unanswered", "Open tickets after their due date, without an answer", "scalar",
             f"SELECT count(*) AS tickets FROM {UNANSWERED} AND sla_status = 'LATE'", ()),
            ((6, 0, 6, 4), "Due within two business days", "Open tickets without an answer whose term ends next", "scalar",
             f"SELECT count(*) AS tickets FROM {UNANSWERED} AND sla_status = 'IN_TIME' AND sla_days_left BETWEEN 0 AND 2", ()),
            ((12, 0, 6, 4), "Open tickets", "Not closed at the end of the last day", "scalar",
             f"SELECT sum(backlog_count)::bigint AS tickets FROM gold.kpi_backlog_daily WHERE day = {DAY}", ()),
            ((18, 0, 6, 4), "Within the legal term, last 30 days", "Percent of the closed", "scalar",
             f"SELECT round(100.0 - 100.0 * sum(overdue_count) / sum(closed_count), 1) AS percent FROM gold.kpi_sla_daily WHERE day > {DAY} - 30", ()),
            ((0, 4, 12, 7), "Created by month and type", "Tickets by month of creation", "bar",
             "SELECT month, pqrs_type, sum(tickets_count)::bigint AS tickets FROM gold.kpi_volume_daily GROUP BY month, pqrs_type ORDER BY month, pqrs_type",
             ("month", "tickets", "pqrs_type")),
            ((12, 4, 12, 7), "Within the legal term by month", "Percent of the closed, by month of closing and type", "line",
             "SELECT month, pqrs_type, within_sla_pct FROM analytics.v_sla_summary ORDER BY month, pqrs_type", ("month", "within_sla_pct", "pqrs_type")),
            ((0, 11, 12, 8), "Open at the end of each day", "Backlog by type", "area",
             "SELECT day, pqrs_type, sum(backlog_count)::bigint AS open FROM gold.kpi_backlog_daily GROUP BY day, pqrs_type ORDER BY day, pqrs_type",
             ("day", "open", "pqrs_type")),
            ((12, 11, 12, 8), "Departments with most open tickets", "At the end of the last day", "row",
             f"SELECT region AS department, sum(backlog_count)::bigint AS open FROM gold.kpi_backlog_daily WHERE day = {DAY} GROUP BY region ORDER BY open DESC, region LIMIT 15",
             ("department", "open")),
        ],
    ),
    "Clickstream": (
        "Users, conversion and pages of the shop",
        [
            ((0, 0, 12, 7), "Daily active users", "Distinct users by UTC date", "line",
             "SELECT event_date, dau_count FROM gold.daily_active_users ORDER BY event_date", ("event_date", "dau_count")),
            ((12, 0, 12, 7), "Conversion rate", "Share of a date's users that bought", "line",
             "SELECT event_date, conversion_rate FROM gold.conversion_rate_daily ORDER BY event_date", ("event_date", "conversion_rate")),
            ((0, 7, 12, 7), "Events by source", "Web and mobile, by UTC date", "bar",
             "SELECT event_date, source, event_count FROM gold.events_per_source_daily ORDER BY event_date, source", ("event_date", "event_count", "source")),
            ((12, 7, 12, 7), "Pages by purchases", "All dates", "row",
             "SELECT page, sum(purchase_count)::bigint AS purchases FROM gold.purchases_per_page_daily GROUP BY page ORDER BY purchases DESC, page LIMIT 10",
             ("page", "purchases")),
        ],
    ),
}
