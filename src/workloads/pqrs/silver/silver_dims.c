/* workloads/pqrs/silver/silver_dims.c: the dimension tables, out of the configuration and, for terms by law, as_of. */
#include <stdio.h>

#include "workloads/pqrs/silver/silver_int.h"

struct dim {
	const struct table_schema *schema;
	struct builder b[OUT_COLUMNS_MAX];
	int64_t n;
	int64_t as_of;
};
typedef void (*dim_fill)(struct dim *d, const struct pqrs_config *cfg);

static void text(struct dim *d, int column, const char *s)
{
	builder_set_str(&d->b[column], d->n, str_of(s));
}
static void number(struct dim *d, int column, int32_t v)
{
	builder_set_i32(&d->b[column], d->n, v);
}

static void flag(struct dim *d, int column, bool v)
{
	struct builder *b = &d->b[column];
	if (!builder_row(b, d->n)) return;
	if (v) bit_set(b->values, d->n);
	b->n = d->n + 1;
}

static void fill_status(struct dim *d, const struct pqrs_config *cfg)
{
	static const char *const behaviours[] = {
		[SLA_NONE] = "NONE",
		[SLA_START] = "START",
		[SLA_RUN] = "RUN",
		[SLA_PAUSE] = "PAUSE",
		[SLA_STOP] = "STOP",
	};
	for (int i = 0; i < STATE_N; i++, d->n++) {
		text(d, DIM_STATUS_STATUS, cfg->states[i].name);
		text(d, DIM_STATUS_NAME_ES, cfg->states[i].name_es);
		flag(d, DIM_STATUS_TERMINAL, cfg->states[i].terminal);
		text(d, DIM_STATUS_SLA_BEHAVIOUR, behaviours[cfg->states[i].sla]);
		number(d, DIM_STATUS_SORT_ORDER, cfg->states[i].order);
	}
}

static void fill_transition(struct dim *d, const struct pqrs_config *cfg)
{
	for (int from = 0; from < STATE_N; from++) {
		for (int to = 0; to < STATE_N; to++) {
			if (!cfg->transitions[from][to]) continue;
			text(d, DIM_TRANSITION_STATUS_FROM, cfg->states[from].name);
			text(d, DIM_TRANSITION_STATUS_TO, cfg->states[to].name);
			d->n++;
		}
	}
}

static void fill_channel(struct dim *d, const struct pqrs_config *cfg)
{
	static const char *const names_es[CHANNEL_N] = {
		"Correo electrónico", "Formulario web", "Chat", "Llamada", "Otro canal digital"};
	(void)cfg;
	for (int i = 0; i < CHANNEL_N; i++, d->n++) {
		text(d, DIM_CHANNEL_CHANNEL, pqrs_channel_names[i]);
		text(d, DIM_CHANNEL_NAME_ES, names_es[i]);
		number(d, DIM_CHANNEL_SORT_ORDER, i + 1);
	}
}

static void fill_type(struct dim *d, const struct pqrs_config *cfg)
{
	static const char *const names_es[TYPE_N] = {"Petición", "Queja", "Reclamo", "Sugerencia"};
	const int32_t today = tz_date(cfg->tz, d->as_of);
	for (int i = 0; i < TYPE_N; i++, d->n++) {
		const struct sla_subject general = {(enum pqrs_type)i, REQUEST_GENERAL};
		text(d, DIM_TYPE_PQRS_TYPE, pqrs_type_names[i]);
		text(d, DIM_TYPE_NAME_ES, names_es[i]);
		number(d, DIM_TYPE_SLA_BUSINESS_DAYS, sla_term(cfg, &general, today, NULL));
		number(d, DIM_TYPE_SORT_ORDER, i + 1);
	}
}

static void fill_priority(struct dim *d, const struct pqrs_config *cfg)
{
	static const char *const names_es[PRIORITY_N] = {"Alta", "Media", "Baja"};
	(void)cfg;
	for (int i = 0; i < PRIORITY_N; i++, d->n++) {
		text(d, DIM_PRIORITY_PRIORITY, pqrs_priority_names[i]);
		text(d, DIM_PRIORITY_NAME_ES, names_es[i]);
		number(d, DIM_PRIORITY_WEIGHT, PRIORITY_N - i);
		number(d, DIM_PRIORITY_SORT_ORDER, i + 1);
	}
}

static void fill_role(struct dim *d, const struct pqrs_config *cfg)
{
	static const char *const roles[4][2] = {
		{"citizen", "Ciudadano"}, {"agent", "Agente"}, {"system", "Sistema"}, {"unknown", "Sin dato"}};
	(void)cfg;
	for (int i = 0; i < 4; i++, d->n++) {
		text(d, DIM_ROLE_ROLE, roles[i][0]);
		text(d, DIM_ROLE_NAME_ES, roles[i][1]);
		number(d, DIM_ROLE_SORT_ORDER, i + 1);
	}
}

static void fill_geo(struct dim *d, const struct pqrs_config *cfg)
{
	for (size_t i = 0; i < cfg->simulation.n_places; i++, d->n++) {
		const struct geo_place *p = &cfg->simulation.places[i];
		const struct str code = str_of(p->dane_code);
		text(d, DIM_GEO_DANE_CITY_CODE, p->dane_code);
		text(d, DIM_GEO_CITY_NAME, p->city);
		builder_set_str(&d->b[DIM_GEO_DEPARTMENT_CODE], d->n, (struct str){code.p, code.n < 2 ? code.n : 2});
		text(d, DIM_GEO_DEPARTMENT_NAME, p->department);
		if (p->latitude_e6 != INT32_MIN) builder_set_i64(&d->b[DIM_GEO_LATITUDE], d->n, p->latitude_e6);
		if (p->longitude_e6 != INT32_MIN) builder_set_i64(&d->b[DIM_GEO_LONGITUDE], d->n, p->longitude_e6);
	}
}

static status write_dim(const struct task_env *env, struct task_result *out, const struct table_schema *schema,
	dim_fill fill, struct err *err)
{
	const struct pqrs_config *cfg = env->config;
	struct dim d = {.schema = schema, .as_of = env->run->as_of};
	struct part_sink sink = {.env = env, .result = out, .schema = schema};
	ASSERT(schema->n_columns <= sizeof d.b / sizeof d.b[0]);
	TRY(parquet_writer_create(schema, &cfg->parquet, &sink.writer, err));
	for (size_t c = 0; c < schema->n_columns; c++) builder_init(&d.b[c], &schema->columns[c], false);
	fill(&d, cfg);
	const struct part_rows rows = {d.b, d.n, NULL, 0};
	status s = d.n > 0 ? silver_part_write(&sink, &rows, (struct delta_pairs){NULL, 0}, err) : OK;
	for (size_t c = 0; c < schema->n_columns; c++) builder_deinit(&d.b[c]);
	parquet_writer_destroy(sink.writer);
	if (s == OK &&
		(!counter_add(&out->counters, schema->name, d.n) || !counter_add(&out->counters, "rows_out", d.n)))
		s = fail_nomem(err);
	return s;
}

status silver_dimensions_run(const struct task_env *env, struct task_result *out, struct err *err)
{
	const struct {
		const struct table_schema *schema;
		dim_fill fill;
	} dims[] = {
		{&pqrs_silver_dim_status, fill_status},
		{&pqrs_silver_dim_status_transition, fill_transition},
		{&pqrs_silver_dim_channel, fill_channel},
		{&pqrs_silver_dim_pqrs_type, fill_type},
		{&pqrs_silver_dim_priority, fill_priority},
		{&pqrs_silver_dim_role, fill_role},
		{&pqrs_silver_dim_geo, fill_geo},
	};
	for (size_t i = 0; i < sizeof dims / sizeof dims[0]; i++)
		TRY(write_dim(env, out, dims[i].schema, dims[i].fill, err));
	int64_t bytes = 0;
	for (size_t i = 0; i < out->outputs.n; i++) bytes += out->outputs.items[i].bytes;
	const bool ok = counter_add(&out->counters, "rows_in", 0) && counter_add(&out->counters, "bytes_in", 0) &&
			counter_add(&out->counters, "bytes_out", bytes);
	return ok ? OK : fail_nomem(err);
}
