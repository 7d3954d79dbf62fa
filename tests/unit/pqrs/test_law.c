/* Which row of the law decides, at the edges of each; the embedded law is what docs/law.md says. */
#include "check.h"
#include "flow/engine_config.h"
#include "workloads/pqrs/silver/law.h"
#include "workloads/pqrs/silver/sla.h"

/* The configuration of ingested runs, with these settings. */
static struct pqrs_config *ingested(const char *yaml)
{
	struct err err = {0};
	struct config c;
	struct config_node *file = NULL;
	struct buf json;
	struct pqrs_config *cfg = NULL;
	const struct config_keys keys[] = {engine_config_keys, pqrs_config_keys};
	buf_init(&json, 0);
	CHECK_OK(&err, config_init(&c, &err));
	CHECK_OK(&err, config_defaults(&c, keys, 2, &err));
	CHECK_OK(&err, config_parse(&c, CONFIG_YAML, str_of(yaml), "pqr.yaml", &file, &err));
	CHECK_OK(&err, config_merge(&c, c.root, file, &err));
	CHECK_OK(&err, pqrs_config_canonical(&c, PQRS_INGESTED, &json, &err));
	CHECK_OK(&err, pqrs_config_open((struct str){(const char *)json.p, json.n}, &cfg, &err));
	config_deinit(&c);
	buf_deinit(&json);
	return cfg;
}

static int32_t day(const char *text)
{
	int32_t date = 0;
	if (!date_parse(str_of(text), &date)) fail_msg("bad date %s", text);
	return date;
}

static void edges(void **state)
{
	(void)state;
	static const struct {
		const char *received;
		int32_t general, information, consultation;
	} cases[] = {
		{"1970-01-01", 15, 10, 30}, /* older than the first row */
		{"1984-03-01", 15, 10, 30},
		{"2012-07-02", 15, 10, 30},
		{"2015-06-30", 15, 10, 30},
		/* In course on 28 March 2020: not yet due by the term of before. 23 March was a holiday. */
		{"2020-02-12", 15, 10, 30}, /* a consultation of that day was due on 26 March */
		{"2020-02-13", 15, 10, 30}, /* and of this on 27 March, the day before */
		{"2020-02-14", 15, 10, 35},
		{"2020-03-05", 15, 10, 35}, /* a general request was due on 27 March */
		{"2020-03-06", 30, 10, 35},
		{"2020-03-12", 30, 10, 35}, /* information was due on 27 March */
		{"2020-03-13", 30, 20, 35},
		{"2020-03-27", 30, 20, 35},
		{"2020-03-28", 30, 20, 35},
		{"2022-05-17", 30, 20, 35}, /* the law that restored the terms did not reach what was in course */
		{"2022-05-18", 15, 10, 30},
		{"2026-01-01", 15, 10, 30},
		{"2040-12-31", 15, 10, 30},
	};
	struct pqrs_config *cfg = ingested("");
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const int32_t want[REQUEST_N] = {cases[i].general, cases[i].information, cases[i].consultation};
		for (int k = 0; k < REQUEST_N; k++) {
			const struct sla_subject of = {TYPE_Q, (enum request_kind)k};
			const struct law_row *law = NULL;
			const int32_t got = sla_term(cfg, &of, day(cases[i].received), &law);
			if (got != want[k]) fail_msg("%s %s: %d", cases[i].received, pqrs_request_names[k], (int)got);
			assert_ptr_equal(law, law_of(cfg, (enum request_kind)k, day(cases[i].received)));
			assert_int_equal(law->days[k], got);
			assert_true(strlen(law->source) > 0);
		}
	}
	pqrs_config_close(cfg);
}

/* Two rows that reach what is in course, one soon after the other: each is asked about the term that the one before gave. */
static void rows_that_follow(void **state)
{
	(void)state;
	static const struct law_row rows[] = {
		{18262, {10, 10, 10}, false, "a"}, /* 2020-01-01 */
		{18276, {20, 20, 20}, true, "b"},  /* 2020-01-15 */
		{18283, {1, 1, 1}, false, "c"},    /* 2020-01-22 */
		{18290, {30, 30, 30}, true, "d"},  /* 2020-01-29 */
	};
	static const struct {
		const char *received, *source;
	} cases[] = {
		{"2019-12-27", "a"}, /* due on 14 January */
		{"2020-01-02", "d"}, /* due on 17 January, so it got 20 days; due on 31 January, so it got 30 */
		{"2020-01-15", "d"},
		{"2020-01-21", "d"},
		{"2020-01-22", "c"}, /* due on the 23rd */
		{"2020-01-27", "c"},
		{"2020-01-28", "d"}, /* due on the 29th, when the row came into force */
		{"2020-01-29", "d"},
	};
	struct pqrs_config cfg = {.law = {rows, 4}};
	struct err err;
	CHECK_OK(&err, calendar_create("colombia", &cfg.calendar, &err));
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		const char *got = law_of(&cfg, REQUEST_GENERAL, day(cases[i].received))->source;
		if (strcmp(got, cases[i].source) != 0) fail_msg("%s: %s", cases[i].received, got);
	}
	calendar_destroy(cfg.calendar);
}

/* A configured term wins, for its type alone; no law is read where all are configured. */
static void configured(void **state)
{
	(void)state;
	struct pqrs_config *cfg = ingested("sla: {business_days: {Q: 7}}\n");
	const struct law_row *law = NULL;
	assert_int_equal(
		sla_term(cfg, &(struct sla_subject){TYPE_Q, REQUEST_CONSULTATION}, day("2020-04-01"), &law), 7);
	assert_null(law);
	assert_int_equal(
		sla_term(cfg, &(struct sla_subject){TYPE_P, REQUEST_CONSULTATION}, day("2020-04-01"), &law), 35);
	assert_string_equal(law->source, "Decreto 491 de 2020, art. 5");
	pqrs_config_close(cfg);
	cfg = ingested("sla: {business_days: {P: 1, Q: 2, R: 3, S: 4}, law_file: nowhere.yaml}\n");
	assert_int_equal(cfg->law.n, 0);
	assert_int_equal(sla_term(cfg, &(struct sla_subject){TYPE_S, REQUEST_GENERAL}, day("2020-04-01"), &law), 4);
	assert_null(law);
	pqrs_config_close(cfg);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edges),
		cmocka_unit_test(rows_that_follow),
		cmocka_unit_test(configured),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
