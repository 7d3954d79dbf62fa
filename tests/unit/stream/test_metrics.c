/* What a member tells Prometheus: sums over its reports, buckets, the newest lag. */
#include "stream/metrics.h"

#include "check.h"

static void text_is(struct stream_metrics *m, const char *want)
{
	struct buf out;
	buf_init(&out, 0);
	stream_metrics_write(m, &out);
	buf_char(&out, '\0');
	assert_true(buf_check(&out, NULL) == OK);
	/* Lines of HELP and TYPE, and the buckets between the ends, are left out. */
	char found[4096] = "";
	size_t n = 0;
	char *saved = NULL;
	for (char *line = strtok_r((char *)out.p, "\n", &saved); line != NULL; line = strtok_r(NULL, "\n", &saved)) {
		const bool bucket = strstr(line, "_bucket{") != NULL;
		if (line[0] == '#' || (bucket && strstr(line, "\"0.25\"") == NULL && strstr(line, "+Inf") == NULL))
			continue;
		n += (size_t)snprintf(found + n, sizeof found - n, "%s\n", line);
	}
	assert_string_equal(found, want);
	buf_deinit(&out);
}

static void test_sums(void **state)
{
	(void)state;
	struct stream_metrics *m = NULL;
	struct stream_reasons reasons = {.n = 0};
	const struct stream_progress at[] = {{0, 10, 5}, {2, 7, -1}, {3, 1, 0}}, later[] = {{0, 20, 0}};
	struct err err;
	CHECK_OK(&err, stream_metrics_create("land", "a\"b", &m, &err));
	stream_reasons_count(&reasons, "missing:page", 2);
	stream_reasons_count(&reasons, "not_json", 1);
	stream_reasons_count(&reasons, "missing:user_id", 1);
	stream_metrics_add(m, &(struct stream_report){.records = 100,
				      .bytes = 1000,
				      .commit_us = 250000,
				      .end_to_end_us = -1,
				      .rejected = 4,
				      .reasons = &reasons,
				      .partitions = at,
				      .n_partitions = 3});
#define L "{command=\"land\",topic=\"a\\\"b\""
	text_is(m, "pqr_stream_records_total" L "} 100\npqr_stream_bytes_total" L "} 1000\n"
		   "pqr_stream_late_records_total" L "} 0\n"
		   "pqr_stream_rejected_records_total" L ",reason=\"missing\"} 3\n"
		   "pqr_stream_rejected_records_total" L ",reason=\"not_json\"} 1\n"
		   "pqr_stream_lag_records" L ",partition=\"0\"} 5\npqr_stream_lag_records" L ",partition=\"3\"} 0\n"
		   "pqr_stream_commit_seconds_bucket" L ",le=\"0.25\"} 1\n"
		   "pqr_stream_commit_seconds_bucket" L ",le=\"+Inf\"} 1\n"
		   "pqr_stream_commit_seconds_sum" L "} 0.250000\npqr_stream_commit_seconds_count" L "} 1\n"
		   "pqr_stream_end_to_end_seconds_bucket" L ",le=\"0.25\"} 0\n"
		   "pqr_stream_end_to_end_seconds_bucket" L ",le=\"+Inf\"} 0\n"
		   "pqr_stream_end_to_end_seconds_sum" L "} 0.000000\npqr_stream_end_to_end_seconds_count" L "} 0\n");
	reasons.n = 0;
	stream_reasons_count(&reasons, "not_json", 1);
	stream_metrics_add(m, &(struct stream_report){.records = 1,
				      .bytes = 10,
				      .late = 7,
				      .commit_us = 250001,
				      .end_to_end_us = 3600000000,
				      .rejected = 1,
				      .reasons = &reasons,
				      .partitions = later,
				      .n_partitions = 1});
	text_is(m,
		"pqr_stream_records_total" L "} 101\npqr_stream_bytes_total" L "} 1010\n"
		"pqr_stream_late_records_total" L "} 7\n"
		"pqr_stream_rejected_records_total" L ",reason=\"missing\"} 3\n"
		"pqr_stream_rejected_records_total" L ",reason=\"not_json\"} 2\n"
		"pqr_stream_lag_records" L ",partition=\"0\"} 0\n"
		"pqr_stream_commit_seconds_bucket" L ",le=\"0.25\"} 1\n"
		"pqr_stream_commit_seconds_bucket" L ",le=\"+Inf\"} 2\n"
		"pqr_stream_commit_seconds_sum" L "} 0.500001\npqr_stream_commit_seconds_count" L "} 2\n"
		"pqr_stream_end_to_end_seconds_bucket" L ",le=\"0.25\"} 0\n"
		"pqr_stream_end_to_end_seconds_bucket" L ",le=\"+Inf\"} 1\n"
		"pqr_stream_end_to_end_seconds_sum" L "} 3600.000000\npqr_stream_end_to_end_seconds_count" L "} 1\n");
	stream_metrics_destroy(m);
}

/* More kinds than there is room for count as the last one: none is lost. */
static void test_many_reasons(void **state)
{
	(void)state;
	struct stream_reasons r = {.n = 0};
	char name[32];
	int64_t sum = 0;
	for (int i = 0; i < 40; i++) {
		(void)snprintf(name, sizeof name, "reason%d:x", i);
		stream_reasons_count(&r, name, 2);
	}
	assert_int_equal(r.n, STREAM_REASONS_MAX);
	for (size_t i = 0; i < r.n; i++) sum += r.items[i].records;
	CHECK_I64(sum, 80);
	assert_string_equal(r.items[0].kind, "reason0");
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_sums), cmocka_unit_test(test_many_reasons)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
