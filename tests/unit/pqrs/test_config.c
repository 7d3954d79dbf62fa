#include "check.h"

#include <sys/resource.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "flow/engine_config.h"
#include "workloads/pqrs/config/embedded.h"
#include "workloads/pqrs/config/config.h"

static const char *text_of(const struct err *err)
{
	static char text[1024];
	return err_text(err, text, sizeof text);
}

static enum pqrs_events_from events_from = PQRS_SIMULATED; /* of the forms below */

/* The canonical form of a pqr.yaml (at dir/pqr.yaml in errors), with one flag "key=value" or NULL. */
static status canonical_at(const char *dir, const char *yaml, const char *flag, struct buf *out, struct err *err)
{
	struct config c;
	struct config_node *file = NULL;
	const struct config_keys keys[] = {engine_config_keys, pqrs_config_keys};
	char name[128];
	(void)snprintf(name, sizeof name, "%s%spqr.yaml", dir, dir[0] != '\0' ? "/" : "");
	TRY(config_init(&c, err));
	status code = config_defaults(&c, keys, 2, err);
	if (code == OK) code = config_parse(&c, CONFIG_YAML, str_of(yaml), name, &file, err);
	if (code == OK) code = config_merge(&c, c.root, file, err);
	if (code == OK && flag != NULL) {
		char key[128];
		const char *equals = strchr(flag, '=');
		(void)snprintf(key, sizeof key, "%.*s", (int)(equals - flag), flag);
		code = config_set(&c, key, equals + 1, "--flag", err);
	}
	if (code == OK) code = config_check(&c, keys, 2, err);
	if (code == OK) code = pqrs_config_canonical(&c, events_from, out, err);
	config_deinit(&c);
	return code;
}

static status canonical(const char *yaml, const char *flag, struct buf *out, struct err *err)
{
	return canonical_at("", yaml, flag, out, err);
}

static struct str view(const struct buf *b)
{
	return (struct str){(const char *)b->p, b->n};
}

static void defaults(void **state)
{
	(void)state;
	struct err err = {0};
	struct buf json;
	struct pqrs_config *cfg = NULL;
	buf_init(&json, 0);
	CHECK_OK(&err, canonical("", NULL, &json, &err));
	CHECK_OK(&err, pqrs_config_open(view(&json), &cfg, &err));
	CHECK_I64(cfg->simulation.seed, 42);
	CHECK_I64(cfg->simulation.date_from, date_from_civil(2025, 9, 1));
	CHECK_I64(cfg->simulation.date_to, date_from_civil(2026, 2, 28));
	CHECK_I64(cfg->simulation.volume_daily_avg, 1150);
	CHECK_I64(cfg->simulation.volume_sigma, 80000);
	static const uint32_t channels[] = {380000, 310000, 140000, 110000, 60000};
	static const uint32_t types[] = {300000, 250000, 300000, 150000};
	static const uint32_t priorities[] = {100000, 500000, 400000};
	assert_memory_equal(cfg->simulation.channel_probs, channels, sizeof channels);
	assert_memory_equal(cfg->simulation.type_probs, types, sizeof types);
	assert_memory_equal(cfg->simulation.priority_probs, priorities, sizeof priorities);
	CHECK_I64(cfg->simulation.sla_breach_rate, 100000);
	assert_true(cfg->simulation.spike.enabled);
	CHECK_I64(cfg->simulation.spike.days_min, 5);
	CHECK_I64(cfg->simulation.spike.days_max, 10);
	CHECK_I64(cfg->simulation.spike.volume_min, 3000);
	CHECK_I64(cfg->simulation.spike.volume_max, 4000);
	assert_true(cfg->simulation.truncate);
	static const int32_t terms[] = {15, 10, 8, 20};
	assert_memory_equal(cfg->sla_business_days, terms, sizeof terms);
	assert_string_equal(cfg->timezone, "America/Bogota");
	assert_true(calendar_is_holiday(cfg->calendar, date_from_civil(2026, 7, 13)));
	CHECK_I64(tz_offset_at(cfg->tz, 0), -18000);
	assert_true(cfg->simulation.n_topics >= 16);
	assert_true(cfg->simulation.n_places >= 100);
	assert_string_equal(cfg->simulation.places[0].dane_code, "05001");
	assert_string_equal(cfg->simulation.places[0].city, "Medellín");
	CHECK_I64(cfg->simulation.places[0].latitude_e6, 6246631);
	CHECK_I64(cfg->simulation.places[0].longitude_e6, -75581775);
	assert_string_equal(cfg->rules.version, "rules_v1");
	CHECK_I64(cfg->quality.share_tolerance, 30000);
	CHECK_I64(cfg->parquet.codec, PARQUET_ZSTD);
	CHECK_I64(cfg->parquet.level, 1);
	assert_true(cfg->parquet.bloom);
	assert_false(cfg->publish_core);
	pqrs_config_close(cfg);
	buf_deinit(&json);
}

static void state_machine(void **state)
{
	(void)state;
	struct err err = {0};
	struct buf json;
	struct pqrs_config *cfg = NULL;
	buf_init(&json, 0);
	CHECK_OK(&err, canonical("", NULL, &json, &err));
	CHECK_OK(&err, pqrs_config_open(view(&json), &cfg, &err));
	int n = 0;
	for (int i = 0; i < STATE_N; i++) {
		CHECK_I64(cfg->states[i].order, i + 1);
		CHECK_I64(cfg->states[i].terminal, i == STATE_CLOSED || i == STATE_ARCHIVED);
		for (int k = 0; k < STATE_N; k++) n += cfg->transitions[i][k];
	}
	CHECK_I64(n, 11);
	assert_true(cfg->transitions[STATE_CLOSED][STATE_REOPENED]);
	assert_true(cfg->transitions[STATE_ON_HOLD][STATE_IN_PROGRESS]);
	assert_false(cfg->transitions[STATE_RECEIVED][STATE_CLASSIFIED]);
	assert_string_equal(cfg->states[STATE_IN_PROGRESS].name, "IN_PROGRESS");
	assert_string_equal(cfg->states[STATE_IN_PROGRESS].name_es, "En Gestión");
	CHECK_I64(cfg->states[STATE_RADICATED].sla, SLA_START);
	CHECK_I64(cfg->states[STATE_ON_HOLD].sla, SLA_PAUSE);
	CHECK_I64(cfg->states[STATE_ARCHIVED].sla, SLA_NONE);
	pqrs_config_close(cfg);
	buf_deinit(&json);
}

/* The same settings written in other ways give the same bytes; another setting gives others. */
static void canonical_is_canonical(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *flag;
		bool same;
	} cases[] = {
		{"# nothing but a comment\n", NULL, true},
		{"simulation:\nlake:\n", NULL, true},
		{"simulation: {seed: 42, volume_daily_avg: 1150}\n", NULL, true},
		{"simulation:\n  volume_daily_avg: +01150 # as by default\n  seed: 42\n", NULL, true},
		{"{\"simulation\": {\"seed\": 42}}", NULL, true},
		{"simulation: {channel_probs: {chat: .14, call: 0.1100, email: .38}}\n", NULL, true},
		{"simulation: {seed: 7}\n", "simulation.seed=42", true},
		{"sla: {business_days: {P: 15}}\n", NULL, true},
		{"lake: {uri: s3://elsewhere/x}\nexecutor: {threads: 7}\nlog: {level: debug}\n", NULL,
			true}, /* decide no byte */
		{"simulation: {seed: 43}\n", NULL, false},
		{"", "simulation.seed=43", false},
		{"simulation: {date_range: {to: 2026-02-27}}\n", NULL, false},
		{"sla: {business_days: {P: 14}}\n", NULL, false},
		{"simulation: {sla_business_days: {P: 14}}\n", NULL, false},
		{"calendar: {holidays: none}\n", NULL, false},
		{"calendar: {timezone: UTC}\n", NULL, false},
		{"parquet: {level: 3}\n", NULL, false},
		{"publish: {core: true}\n", NULL, false},
		{"publish: {core: false}\n", NULL, true},
		{"sla: {law_file: nowhere.yaml}\n", NULL, true}, /* judges no simulated ticket */
		{"quality: {breach_rate_max: 0.13}\n", NULL, false},
	};
	struct err err = {0};
	struct buf base;
	struct buf other;
	buf_init(&base, 0);
	buf_init(&other, 0);
	CHECK_OK(&err, canonical("", NULL, &base, &err));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&other);
		CHECK_OK(&err, canonical(cases[i].yaml, cases[i].flag, &other, &err));
		if (str_eq(view(&base), view(&other)) != cases[i].same)
			fail_msg("%s %s", cases[i].yaml, cases[i].flag != NULL ? cases[i].flag : "");
	}
	/* No white space between tokens, keys in order, and a fixed point of the tree's own canonical form. */
	struct config c;
	struct config_node *node = NULL;
	CHECK_OK(&err, config_init(&c, &err));
	CHECK_OK(&err, config_parse(&c, CONFIG_JSON, view(&base), "x", &node, &err));
	buf_reset(&other);
	config_json(node, &other);
	assert_true(str_eq(view(&base), view(&other)));
	config_deinit(&c);
	buf_deinit(&other);
	buf_deinit(&base);
}

/* Of an ingested run: the law in place of the simulation, which decides nothing there. */
static void ingested(void **state)
{
	(void)state;
	static const struct {
		const char *yaml;
		bool same;
	} cases[] = {
		{"simulation: {seed: 7, sla_business_days: {P: 3}, date_range: {to: 2025-12-31}}\n", true},
		{"publish: {core: false}\n", true},
		{"sla: {business_days: {P: 15}}\n", false},
		{"calendar: {holidays: none}\n", false},
	};
	struct err err = {0};
	struct buf base, other;
	struct pqrs_config *cfg = NULL;
	buf_init(&base, 0);
	buf_init(&other, 0);
	events_from = PQRS_INGESTED;
	CHECK_OK(&err, canonical("", NULL, &base, &err));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		buf_reset(&other);
		CHECK_OK(&err, canonical(cases[i].yaml, NULL, &other, &err));
		if (str_eq(view(&base), view(&other)) != cases[i].same) fail_msg("%s", cases[i].yaml);
	}
	CHECK_OK(&err, pqrs_config_open(view(&base), &cfg, &err));
	for (int i = 0; i < TYPE_N; i++) CHECK_I64(cfg->sla_business_days[i], 0);
	assert_true(cfg->law.n >= 5);
	CHECK_I64(cfg->simulation.n_topics, 0);
	assert_true(cfg->simulation.n_places >= 100);
	pqrs_config_close(cfg);
	events_from = PQRS_SIMULATED;
	buf_deinit(&other);
	buf_deinit(&base);
}

static void law_files(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"version: v1\nterms:\n  - {from: 2020-01-01, general: 1, information: 2, consultation: 3, in_course: "
		 "true, source: s}\n",
			NULL},
		{"version: v2\n", "version: expected v1"},
		{"version: v1\nterms: []\n", "terms: "},
		{"version: v1\nterms:\n  - {from: 2020-01-01, general: 0, information: 2, consultation: 3, in_course: "
		 "true, source: s}\n",
			"general: expected an integer from 1 to 1000, found 0"},
		{"version: v1\nterms:\n  - {from: 2020-01-01, general: 1, information: 2, consultation: 3, in_course: "
		 "true, source: ''}\n",
			"source: the text is empty"},
		{"version: v1\nterms:\n  - {from: 2020-01-01, general: 1, information: 2, consultation: 3, in_course: "
		 "true, source: s}\n"
		 "  - {from: 2020-01-01, general: 1, information: 2, consultation: 3, in_course: true, source: s}\n",
			"in force before the row above it"},
	};
	char dir[64], path[128];
	(void)snprintf(path, sizeof path, "%s/law.yaml", check_tmpdir(dir));
	events_from = PQRS_INGESTED;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct buf out;
		FILE *f = fopen(path, "wb");
		assert_non_null(f);
		assert_true(fputs(cases[i].text, f) >= 0);
		assert_int_equal(fclose(f), 0);
		buf_init(&out, 0);
		const status got = canonical_at(dir, "sla: {law_file: law.yaml}\n", NULL, &out, &err);
		assert_string_equal(status_name(got), status_name(cases[i].error != NULL ? E_USAGE : OK));
		if (cases[i].error != NULL && strstr(text_of(&err), cases[i].error) == NULL)
			assert_string_equal(text_of(&err), cases[i].error);
		buf_deinit(&out);
	}
	events_from = PQRS_SIMULATED;
	check_rmdir(dir);
}

static void mistakes_name_place_and_key(void **state)
{
	(void)state;
	static const struct {
		const char *yaml, *flag, *error;
	} cases[] = {
		{"simulation:\n  sed: 7\n", NULL, "pqr.yaml:2: simulation.sed: unknown key; did you mean \"seed\"?"},
		{"simulation:\n  seed: many\n", NULL,
			"pqr.yaml:2: simulation.seed: expected an integer of at least 0, found \"many\""},
		{"simulation:\n  volume_daily_avg: -5\n", NULL,
			"pqr.yaml:2: simulation.volume_daily_avg: expected an integer from 1 to 10000000, found -5"},
		{"simulation:\n  channel_probs:\n    email: 0.5\n", NULL,
			"pqr.yaml:2: simulation.channel_probs: the probabilities add up to 1.12, expected exactly 1"},
		{"simulation:\n  priority_probs: {alta: 0.1, media: 0.5, baja: 0.399999}\n", NULL,
			"pqr.yaml:2: simulation.priority_probs: the probabilities add up to 0.999999, expected exactly "
			"1"},
		{"simulation:\n  pqrs_type_probs: {P: 1.5}\n", NULL,
			"pqr.yaml:2: simulation.pqrs_type_probs.P: expected a decimal number from 0 to 1 with at most "
			"6 digits after the point, found 1.5"},
		{"simulation:\n  pqrs_type_probs: {X: 0}\n", NULL,
			"pqr.yaml:2: simulation.pqrs_type_probs.X: unknown key; docs/configuration.md lists them"},
		{"simulation:\n  date_range: {from: 2026-03-01}\n", NULL,
			"pqr.yaml:2: simulation.date_range: ends (2026-02-28) before it starts (2026-03-01)"},
		{"", "simulation.date_range.to=2025-08-31",
			"--flag: simulation.date_range: ends (2025-08-31) before it starts (2025-09-01)"},
		{"simulation:\n  date_range: {from: 1999-12-31}\n", NULL,
			"pqr.yaml:2: simulation.date_range.from: expected a date from 2000-01-01 to 2198-12-31, found "
			"1999-12-31"},
		{"simulation:\n  spike: {days_min: 11}\n", NULL,
			"pqr.yaml:2: simulation.spike: days_min (11) is over days_max (10)"},
		{"simulation:\n  spike:\n    volume_max: 2999\n", NULL,
			"pqr.yaml:2: simulation.spike: volume_min (3000) is over volume_max (2999)"},
		{"simulation: [1]\n", NULL, "pqr.yaml:1: simulation: expected a map (key: value), found a list"},
		{"sla:\n  business_days: {P: 0}\n", NULL,
			"pqr.yaml:2: sla.business_days.P: expected an integer from 1 to 1000, found 0"},
		{"quality:\n  breach_rate_min: 0.2\n", NULL,
			"pqr.yaml:1: quality: breach_rate_min (0.2) is over breach_rate_max (0.12)"},
		{"parquet:\n  codec: lzo\n", NULL,
			"pqr.yaml:2: parquet.codec: expected zstd, snappy or uncompressed, found \"lzo\""},
		{"calendar:\n  timezone: Mars/Base\n", NULL,
			"pqr.yaml:2: calendar.timezone: time zone: no zone \"Mars/Base\" in the tz database"},
		{"calendar:\n  holidays: nowhere.txt\n", NULL,
			"pqr.yaml:2: calendar.holidays: expected colombia, none or a file of dates; there is no file "
			"nowhere.txt"},
		{"simulation:\n  topics_file: nowhere.yaml\n", NULL,
			"pqr.yaml:2: simulation.topics_file: there is no file nowhere.yaml"},
		{"simulation:\n  file: nowhere.yaml\n", NULL,
			"pqr.yaml:2: simulation.file: there is no file nowhere.yaml"},
		{"", "simulation.geo_probability_csv=nowhere.csv",
			"--flag: simulation.geo_probability_csv: there is no file nowhere.csv"},
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct buf out;
		buf_init(&out, 0);
		if (canonical(cases[i].yaml, cases[i].flag, &out, &err) != E_USAGE)
			fail_msg("%s: %s", cases[i].yaml, status_name(err.code));
		if (strncmp(text_of(&err), cases[i].error, strlen(cases[i].error)) != 0)
			assert_string_equal(text_of(&err), cases[i].error);
		assert_int_equal(out.n, 0);
		buf_deinit(&out);
	}
}

static void write_file(const char *dir, const char *name, const char *text)
{
	char path[160];
	(void)snprintf(path, sizeof path, "%s/%s", dir, name);
	FILE *f = fopen(path, "wb");
	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, strlen(text), f), strlen(text));
	assert_int_equal(fclose(f), 0);
}

static const char topics[] = "version: v1\nslots: {z: [uno], entidad: [\"la Alcaldía\", \"la EPS\"]}\nagent_messages: "
			     "[hola]\ncitizen_messages: [chao]\n"
			     "topics:\n- name: agua\n  weights: {P: 3, Q: 1, R: 1, S: 1}\n  subjects: {P: [\"{z}\"], "
			     "Q: [b], R: [c], S: [d]}\n"
			     "  bodies: {P: [a1, a2], Q: [b], R: [c], S: [d]}\n"
			     "- name: luz\n  weights: {P: 1}\n  subjects: {P: [e]}\n  bodies: {P: [f]}\n";
static const char rules[] = "version: mine\ntypes: {P: [Petición, PETICION, ñame], Q: [], R: [x], S: [y]}\npriorities: "
			    "{alta: [ÚRGENTE], media: [], baja: []}\n";
static const char geo[] = "dane_city_code;city_name;department_name;latitude;longitude;weight\n5001;Medellín;Antioquia;"
			  "6.25;-75.5;3\r\n\n11001;Bogotá;Bogotá D.C.;4.6;-74;1";

static void own_files(void **state)
{
	(void)state;
	struct err err = {0};
	struct buf json;
	struct pqrs_config *cfg = NULL;
	char dir[64];
	check_tmpdir(dir);
	write_file(dir, "topics.yaml", topics);
	write_file(dir, "rules.yaml", rules);
	write_file(dir, "geo.csv", geo);
	write_file(dir, "prob.csv",
		"dane_city_code;city_name;department_name;probability\n11001;Bogotá;Bogotá "
		"D.C.;0.7500000001\n99999;Nueva;Meta;0.25\n");
	write_file(dir, "holidays.txt", "2026-01-02\n2025-12-24\n");
	write_file(dir, "sim.yaml", "seed: 5\nvolume_daily_avg: 10\n");
	static const char yaml[] = "simulation: {topics_file: topics.yaml, geo_file: geo.csv}\nclassify: {rules_file: "
				   "rules.yaml}\ncalendar: {holidays: holidays.txt}\n";
	buf_init(&json, 0);
	CHECK_OK(&err, canonical_at(dir, yaml, NULL, &json, &err));
	check_rmdir(dir); /* all of it is in the canonical form */
	CHECK_OK(&err, pqrs_config_open(view(&json), &cfg, &err));
	CHECK_I64(cfg->simulation.n_topics, 2);
	assert_string_equal(cfg->simulation.topics[0].name, "agua");
	CHECK_I64(cfg->simulation.topics[0].type_weight[TYPE_P], 3);
	CHECK_I64(cfg->simulation.topics[0].n_bodies[TYPE_P], 2);
	assert_string_equal(cfg->simulation.topics[0].bodies[TYPE_P][1], "a2");
	CHECK_I64(cfg->simulation.topics[1].type_weight[TYPE_Q], 0);
	CHECK_I64(cfg->simulation.topics[1].n_subjects[TYPE_Q], 0);
	CHECK_I64(cfg->simulation.n_slots, 2);
	assert_string_equal(cfg->simulation.slots[0].name, "entidad");
	assert_string_equal(cfg->simulation.slots[0].values[0], "la Alcaldía");
	assert_string_equal(cfg->simulation.agent_messages[0], "hola");
	assert_string_equal(cfg->rules.version, "mine");
	CHECK_I64(cfg->rules.types[TYPE_P].n_keywords, 2);
	assert_string_equal(cfg->rules.types[TYPE_P].keywords[0], "peticion");
	assert_string_equal(cfg->rules.types[TYPE_P].keywords[1], "name");
	assert_string_equal(cfg->rules.priorities[PRIORITY_ALTA].keywords[0], "urgente");
	CHECK_I64(cfg->simulation.n_places, 2);
	assert_string_equal(cfg->simulation.places[0].dane_code, "05001");
	CHECK_I64(cfg->simulation.places[1].longitude_e6, -74000000);
	assert_true(calendar_is_holiday(cfg->calendar, date_from_civil(2025, 12, 24)));
	assert_false(calendar_is_holiday(cfg->calendar, date_from_civil(2025, 12, 25)));
	pqrs_config_close(cfg);
	buf_deinit(&json);
}

static void probabilities_replace_geography(void **state)
{
	(void)state;
	static const struct {
		const char *csv, *error;
	} bad[] = {
		{"dane_city_code;city_name;department_name;probability\n11001;Bogotá;Bogotá "
		 "D.C.;0.75\n05001;Medellín;Antioquia;0.24\n",
			": probability: the column adds up to 0.990000000, expected exactly 1"},
		{"code;city;dept;p\n", ":1: header: expected dane_city_code;city_name;department_name;probability"},
		{"", ":1: header: expected dane_city_code;city_name;department_name;probability"},
		{"dane_city_code;city_name;department_name;probability\n11001;B;C;1;2\n",
			":2: expected 4 fields separated by ';', found 5"},
		{"dane_city_code;city_name;department_name;probability\n\n1100x;B;C;1\n",
			":3: dane_city_code: expected five digits, found \"1100x\""},
		{"dane_city_code;city_name;department_name;probability\n11001;;C;1\n",
			":2: city_name: expected a name, found \"\""},
		{"dane_city_code;city_name;department_name;probability\n11001;B;C;-1\n",
			":2: probability: expected a decimal number from 0 to 1 with at most 9 digits after the point, "
			"found \"-1\""},
		{"dane_city_code;city_name;department_name;probability\n11001;B;C;0.5\n11001;B;C;0.5\n",
			":3: dane_city_code: expected each code once, found \"11001\""},
		{"dane_city_code;city_name;department_name;probability\n11001;Bogot\xe1;C;1\n",
			": not UTF-8 text; save the table as UTF-8 (byte offset 64)"},
	};
	struct err err = {0};
	struct buf json;
	struct pqrs_config *cfg = NULL;
	char dir[64];
	char want[256];
	static const char yaml[] = "simulation: {geo_probability_csv: prob.csv}\n";
	check_tmpdir(dir);
	buf_init(&json, 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
		write_file(dir, "prob.csv", bad[i].csv);
		CHECK_FAILS(E_USAGE, canonical_at(dir, yaml, NULL, &json, &err));
		(void)snprintf(want, sizeof want, "%s/prob.csv%s", dir, bad[i].error);
		assert_string_equal(text_of(&err), want);
	}
	write_file(dir, "prob.csv",
		"\xEF\xBB\xBF"
		"dane_city_code;city_name;department_name;probability\r\n5001;Medellín;Antioquia;0.250000001\r\n99999;"
		"Nueva;Meta;0.749999999\r\n");
	CHECK_OK(&err, canonical_at(dir, yaml, NULL, &json, &err));
	check_rmdir(dir);
	CHECK_OK(&err, pqrs_config_open(view(&json), &cfg, &err));
	CHECK_I64(cfg->simulation.n_places, 2);
	CHECK_I64(cfg->simulation.places[0].latitude_e6, 6246631); /* from the table compiled in */
	CHECK_I64(cfg->simulation.places[0].weight, 250000001);
	CHECK_I64(cfg->simulation.places[1].latitude_e6, INT32_MIN);
	CHECK_I64(cfg->simulation.places[1].longitude_e6, INT32_MIN);
	pqrs_config_close(cfg);
	buf_deinit(&json);
}

/* A file with one text replaced by another. */
static void edit_file(const char *dir, const char *name, const char *text, const char *from, const char *to)
{
	struct buf b;
	const char *at = strstr(text, from);
	if (at == NULL) fail_msg("\"%s\" is not in %s", from, name);
	buf_init(&b, 0);
	buf_add(&b, text, (size_t)(at - text));
	buf_str(&b, to);
	buf_str(&b, at + strlen(from));
	buf_char(&b, '\0');
	write_file(dir, name, (const char *)b.p);
	buf_deinit(&b);
}

static void bad_files(void **state)
{
	(void)state;
	enum { TOPICS, RULES, STATUS, GEO, SIM };
	static const char *const names[] = {"topics.yaml", "rules.yaml", "status.yaml", "geo.csv", "sim.yaml"};
	static const char *const yaml[] = {"simulation: {topics_file: topics.yaml}",
		"classify: {rules_file: rules.yaml}", "sla: {status_file: status.yaml}",
		"simulation: {geo_file: geo.csv}", "simulation: {file: sim.yaml}"};
	static const struct {
		int file;
		const char *from, *to, *error;
	} cases[] = {
		{TOPICS, "version: v1", "version: v2", ":1: version: expected v1, found \"v2\""},
		{TOPICS, "[hola]", "[]", ":3: agent_messages: expected at least 1 items, found 0"},
		{TOPICS, "[hola]", "[\"\"]", ":3: agent_messages[0]: the text is empty"},
		{TOPICS, "[hola]", "[42]", ":3: agent_messages[0]: expected a text (put it in quotes), found 42"},
		{TOPICS, "Q: 1,", "Q: -1,", ":7: topics[0].weights.Q: expected an integer from 0 to 1000000, found -1"},
		{TOPICS, "Q: 1,", "Q: 0,", ":5: topics: no topic has a weight over 0 for type Q"},
		{TOPICS, "{P: [f]}", "{Q: [f]}", ":13: topics[1].bodies: the key \"P\" is missing"},
		{TOPICS, "name: luz", "nombre: luz",
			":10: topics[1].nombre: unknown key; expected one of name, weights, subjects, bodies"},
		{TOPICS, "[uno]", "uno", ":2: slots.z: expected a list, found \"uno\""},
		{RULES, "[x]", "[\"no respuesta\"]",
			":2: types.R[0]: expected one word of letters and digits, found \"no respuesta\""},
		{RULES, "[x]", "[\"!\"]", ":2: types.R[0]: expected one word of letters and digits, found \"!\""},
		{RULES, ", S: [y]", "", ":2: types: the key \"S\" is missing"},
		{RULES, "media: []", "medio: []",
			":3: priorities.medio: unknown key; expected one of alta, media, baja"},
		{STATUS, "{name: ARCHIVED, name_es: Archivado, terminal: true, sla: NONE, order: 9}",
			"{name: CLOSED, name_es: Cerrado, terminal: true, sla: NONE, order: 9}",
			":15: states[8].name: the state CLOSED stands twice"},
		{STATUS, "sla: PAUSE", "sla: SLEEP",
			":12: states[5].sla: expected NONE, START, RUN, PAUSE or STOP, found \"SLEEP\""},
		{STATUS, "terminal: false", "terminal: no",
			":7: states[0].terminal: expected true or false, found \"no\""},
		{STATUS, "[CLOSED, ARCHIVED]", "[CLOSED, CLOSED]", ":27: transitions[8]: from CLOSED to itself"},
		{STATUS, "[CLOSED, ARCHIVED]", "[CLOSED]", ":27: transitions[8]: expected [from, to], found 1 items"},
		{STATUS, "[CLOSED, ARCHIVED]", "[CLOSED, REOPENED]",
			":28: transitions[9]: the transition stands twice"},
		{GEO, "6.25;", "96.25;",
			":2: latitude: expected decimal degrees with at most 6 digits after the point, found "
			"\"96.25\""},
		{GEO, ";3\r", ";x\r", ":2: weight: expected an integer of at least 0, found \"x\""},
		{GEO, "11001", "05001", ":4: dane_city_code: expected each code once, found \"05001\""},
		{SIM, "seed: 42", "sead: 42", ":3: simulation.sead: unknown key; did you mean \"seed\"?"},
		{SIM, "media: 0.50", "media: 0.51",
			":25: simulation.priority_probs: the probabilities add up to 1.01, expected exactly 1"},
	};
	const char *const texts[] = {
		topics, rules, embedded_file("pqrs_status_v1.yaml").p, geo, embedded_file("pqrs_simulation_v1.yaml").p};
	char dir[64];
	check_tmpdir(dir);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct err err = {0};
		struct buf out;
		char want[512];
		const int f = cases[i].file;
		buf_init(&out, 0);
		edit_file(dir, names[f], texts[f], cases[i].from, cases[i].to);
		if (canonical_at(dir, yaml[f], NULL, &out, &err) != E_USAGE) fail_msg("%s accepted", cases[i].to);
		(void)snprintf(want, sizeof want, "%s/%s%s", dir, names[f], cases[i].error);
		assert_string_equal(text_of(&err), want);
		buf_deinit(&out);
	}
	/* What the simulation file leaves out can be set in pqr.yaml, so that is where it is missing. */
	struct err err = {0};
	struct buf out;
	buf_init(&out, 0);
	edit_file(dir, names[SIM], texts[SIM], "seed: 42", "");
	CHECK_FAILS(E_USAGE, canonical_at(dir, "simulation:\n  file: sim.yaml\n", NULL, &out, &err));
	assert_non_null(strstr(text_of(&err), "/pqr.yaml:1: simulation: the key \"seed\" is missing"));
	CHECK_OK(&err, canonical_at(dir, "simulation:\n  file: sim.yaml\n  seed: 1\n", NULL, &out, &err));
	buf_deinit(&out);
	check_rmdir(dir);
}

/* A canonical text from elsewhere, with any one byte changed: refused, or opened as something valid; never a crash. */
static void hostile_canonical(void **state)
{
	(void)state;
	struct err err = {0};
	struct buf json;
	struct pqrs_config *cfg = NULL;
	char dir[64];
	buf_init(&json, 0);
	check_tmpdir(dir);
	write_file(dir, "topics.yaml", topics);
	write_file(dir, "rules.yaml", rules);
	write_file(dir, "geo.csv", geo);
	CHECK_OK(&err, canonical_at(dir,
			       "simulation: {topics_file: topics.yaml, geo_file: geo.csv}\nclassify: {rules_file: "
			       "rules.yaml}\n",
			       NULL, &json, &err));
	check_rmdir(dir);
	size_t refused = 0;
	for (size_t i = 0; i < json.n; i++) {
		static const uint8_t bytes[] = {'9', '"', '}', 0x80, '-', ','};
		const uint8_t before = json.p[i];
		json.p[i] = bytes[rng_philox(5, i, 0, 0).v[0] % sizeof bytes];
		cfg = NULL;
		if (pqrs_config_open(view(&json), &cfg, &err) != OK)
			refused++;
		else if (cfg->simulation.n_topics == 0 || cfg->calendar == NULL || cfg->tz == NULL)
			fail_msg("opened without content at byte %zu", i);
		pqrs_config_close(cfg);
		json.p[i] = before;
	}
	assert_true(refused > json.n / 2);
	for (size_t n = 0; n < json.n; n += 7)
		CHECK_FAILS(E_USAGE, pqrs_config_open((struct str){(const char *)json.p, n}, &cfg, &err));
	static const char *const bad[] = {
		"{}", "[]", "{\"calendar\":{\"holidays\":\"/etc/passwd\",\"timezone\":\"UTC\"}}"};
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		CHECK_FAILS(E_USAGE, pqrs_config_open(str_of(bad[i]), &cfg, &err));
	/* A file name is not followed: the canonical form holds the dates themselves. */
	char *at = strstr((char *)json.p, "\"colombia\"");
	assert_non_null(at);
	memcpy(at, "\"/dev/nul\"", 10);
	CHECK_FAILS(E_USAGE, pqrs_config_open(view(&json), &cfg, &err));
	assert_string_equal(text_of(&err),
		"canonical configuration:1: calendar.holidays: expected colombia, none or a list of dates");
	buf_deinit(&json);
}

/* Each allocation failing in turn ends in E_NOMEM and leaks nothing. */
static void out_of_memory(void **state)
{
	(void)state;
	struct err err = {0};
	struct buf json;
	struct pqrs_config *cfg = NULL;
	buf_init(&json, 0);
	CHECK_OK(&err, canonical("", NULL, &json, &err));
	const size_t before = mem_in_use();
	int64_t n = 0;
	for (;; n++) {
		mem_fail_after(n);
		const status code = pqrs_config_open(view(&json), &cfg, &err);
		mem_fail_after(-1);
		if (code == OK) break;
		CHECK_FAILS(E_NOMEM, code);
		CHECK_I64(mem_in_use(), before);
	}
	assert_true(n > 5);
	pqrs_config_close(cfg);
	CHECK_I64(mem_in_use(), before);
	buf_deinit(&json);
}

static void opening_is_fast(void **state)
{
	(void)state;
	enum { ROUNDS = 20 };
	struct err err = {0};
	struct buf json;
	struct rusage from;
	struct rusage to;
	buf_init(&json, 0);
	CHECK_OK(&err, canonical("", NULL, &json, &err));
	assert_int_equal(getrusage(RUSAGE_SELF, &from), 0);
	for (int i = 0; i < ROUNDS; i++) {
		struct pqrs_config *cfg = NULL;
		CHECK_OK(&err, pqrs_config_open(view(&json), &cfg, &err));
		pqrs_config_close(cfg);
	}
	assert_int_equal(getrusage(RUSAGE_SELF, &to), 0);
	const long us =
		((to.ru_utime.tv_sec - from.ru_utime.tv_sec) * 1000000L + to.ru_utime.tv_usec - from.ru_utime.tv_usec) /
		ROUNDS;
	print_message("canonical form %zu bytes, opened in %ld us of user time\n", json.n, us);
	assert_true(us < 100000); /* loose: sanitizers and valgrind run this, too */
	buf_deinit(&json);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(state_machine),
		cmocka_unit_test(canonical_is_canonical),
		cmocka_unit_test(ingested),
		cmocka_unit_test(law_files),
		cmocka_unit_test(mistakes_name_place_and_key),
		cmocka_unit_test(own_files),
		cmocka_unit_test(probabilities_replace_geography),
		cmocka_unit_test(bad_files),
		cmocka_unit_test(hostile_canonical),
		cmocka_unit_test(out_of_memory),
		cmocka_unit_test(opening_is_fast),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
