#include "check.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/rng.h"
#include "base/time.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "workloads/pqrs/bronze/event.h"

#define ID1 "8c2f7a0e-5f5e-4d3e-9a51-0b8a3a1c7f10"
#define ID2 "11111111-2222-4333-8444-55555555555a"
#define ENV "\"event_id\":\"" ID1 "\",\"ticket_id\":\"" ID2 "\",\"event_type\":"

enum { LINE_MAX = 1 << 20 };

static struct event_parser *parser_create(void)
{
	struct event_parser *e;
	struct err err;
	CHECK_OK(&err, event_parser_create(&e, &err));
	return e;
}

/* text[n], a newline when ended, then padding that would mislead. */
static char *padded(const char *text, size_t n, bool ended)
{
	char *copy = mem_alloc(n + 1 + JSON_SCAN_PADDING);
	assert_non_null(copy);
	if (n > 0) memcpy(copy, text, n);
	memset(copy + n, '"', 1 + JSON_SCAN_PADDING);
	if (ended) copy[n] = '\n';
	return copy;
}

static void column_text(struct buf *b, const struct event *ev, unsigned c)
{
	const struct column_def *def = &pqrs_bronze_events.columns[c];
	char time[TIME_RFC3339_CHARS];
	buf_printf(b, "= %s ", def->name);
	if (def->type == COL_TIMESTAMP) {
		time_format(ev->num[c], time);
		buf_add(b, time, sizeof time);
	} else if (def->type != COL_STRING) {
		buf_i64(b, ev->num[c]);
	} else {
		bool plain = ev->str[c].n > 0;
		for (size_t i = 0; i < ev->str[c].n; i++) plain &= (unsigned char)ev->str[c].p[i] >= 0x20;
		if (plain && (ev->str[c].p[0] == '{' || memchr(ev->str[c].p, '"', ev->str[c].n) == NULL))
			buf_add(b, ev->str[c].p, ev->str[c].n);
		else
			buf_json_str(b, ev->str[c]);
	}
	buf_char(b, '\n');
}

/* What became of a line, in the words of the golden files. */
static void outcome_text(struct buf *b, struct event_reason r, const struct event *ev)
{
	char reason[EVENT_REASON_BYTES];
	buf_reset(b);
	if (r.verdict != EVENT_VALID) {
		buf_printf(b, "! %s\n", event_reason_text(r, reason));
	} else {
		for (unsigned c = 0; c <= BRONZE_EXTRA; c++) {
			if (ev->set >> c & 1) column_text(b, ev, c);
		}
		if (ev->duplicate_members > 0) buf_printf(b, "+ duplicates %u\n", ev->duplicate_members);
	}
	buf_char(b, '\0');
	assert_false(b->failed);
}

static void parse_to_text(struct event_parser *e, const char *line, size_t n, bool ended, struct buf *out)
{
	char *copy = padded(line, n, ended);
	const size_t total = n + ended;
	struct line_cursor c = {copy, copy + total, utf8_valid(copy, total)};
	struct event ev;
	const struct event_reason r = event_next(e, &c, &ev);
	struct err err;
	CHECK_OK(&err, event_parser_check(e, &err));
	assert_ptr_equal(c.p, c.limit);
	CHECK_I64(ev.line.n, n);
	outcome_text(out, r, &ev);
	mem_free(copy);
}

/* ---- golden files ---- */

struct golden {
	struct buf line, want;
	char title[200];
	int cases;
};

static void expand(struct buf *out, const char *p, bool bytes)
{
	for (; *p != '\0'; p++) {
		if (strncmp(p, "@id1", 4) == 0 || strncmp(p, "@id2", 4) == 0) {
			buf_str(out, p[3] == '1' ? ID1 : ID2);
			p += 3;
		} else if (strncmp(p, "@env", 4) == 0) {
			buf_str(out, ENV);
			p += 3;
		} else if (bytes && strncmp(p, "\\x", 2) == 0) {
			const char digits[3] = {p[2], p[3], 0};
			buf_char(out, (char)strtol(digits, NULL, 16));
			p += 3;
		} else {
			buf_char(out, *p);
		}
	}
}

/* Three times with one parser (the second and third meet a layout learnt), once by the general way, once without a line end. */
static void golden_check(struct golden *g, struct event_parser *learning, struct event_parser *plain)
{
	if (g->want.n == 0) return;
	struct buf got;
	buf_init(&got, 0);
	buf_char(&g->want, '\0');
	for (int i = 0; i < 5; i++) {
		parse_to_text(i < 3 ? learning : plain, (const char *)g->line.p, g->line.n, i != 4, &got);
		if (strcmp((const char *)got.p, (const char *)g->want.p) != 0)
			fail_msg("%s (pass %d)\ngot\n%sexpected\n%s", g->title, i, (const char *)got.p,
				(const char *)g->want.p);
	}
	g->cases++;
	buf_deinit(&got);
	buf_reset(&g->line);
	buf_reset(&g->want);
}

static int golden_file(const char *name)
{
	struct golden g = {.cases = 0};
	struct event_parser *learning = parser_create(), *plain = parser_create();
	char path[300];
	static char text[8192];
	event_parser_force_plain(plain, true);
	buf_init(&g.line, 0);
	buf_init(&g.want, 0);
	(void)snprintf(path, sizeof path, PQR_SOURCE_DIR "/tests/golden/events/%s", name);
	FILE *f = fopen(path, "rb");
	if (f == NULL) fail_msg("cannot open %s", path);
	while (fgets(text, sizeof text, f) != NULL) {
		text[strcspn(text, "\n")] = '\0';
		if (text[0] == '#') {
			golden_check(&g, learning, plain);
			(void)snprintf(g.title, sizeof g.title, "%.190s", text);
		} else if (text[0] == '<') {
			const bool bytes = text[1] == 'x';
			expand(&g.line, text + 2 + bytes, bytes);
		} else if (text[0] != '\0') {
			expand(&g.want, text, false);
			buf_char(&g.want, '\n');
		}
	}
	golden_check(&g, learning, plain);
	(void)fclose(f);
	buf_deinit(&g.line);
	buf_deinit(&g.want);
	event_parser_destroy(learning);
	event_parser_destroy(plain);
	return g.cases;
}

static void test_golden(void **state)
{
	(void)state;
	CHECK_I64(golden_file("valid.txt"), 14);
	CHECK_I64(golden_file("rejects.txt"), 49);
}

/* ---- length ---- */

static void test_line_length(void **state)
{
	(void)state;
	static const char head[] =
		"{" ENV "\"MESSAGE_ADDED\",\"ts\":\"2025-09-01T00:00:00Z\",\"data\":{\"role\":\"agent\",\"text\":\"";
	struct event_parser *e = parser_create();
	struct buf out, line;
	event_parser_set_line_max(e, LINE_MAX);
	buf_init(&out, 0);
	buf_init(&line, 0);
	for (int over = -1; over <= 2; over++) {
		for (int pass = 0; pass < 2; pass++) { /* the second by the layout */
			buf_reset(&line);
			buf_str(&line, head);
			const size_t want = (size_t)(LINE_MAX + over) - 3;
			uint8_t *dst = buf_reserve(&line, want - line.n);
			assert_non_null(dst);
			memset(dst, 'x', want - line.n);
			buf_commit(&line, want - line.n);
			buf_str(&line, over == 2 ? "\"}" : "\"}}");
			if (over == 2) buf_char(&line, '}');
			parse_to_text(e, (const char *)line.p, line.n, true, &out);
			const bool too_long = strcmp((const char *)out.p, "! too_long\n") == 0;
			CHECK_I64(too_long, over > 0);
		}
	}
	line.n = (size_t)LINE_MAX; /* a carriage return does not count */
	memset(line.p, ' ', line.n);
	buf_char(&line, '\r');
	parse_to_text(e, (const char *)line.p, line.n, true, &out);
	assert_string_equal((const char *)out.p, "! blank\n");
	buf_deinit(&out);
	buf_deinit(&line);
	event_parser_destroy(e);
}

/* ---- many members ---- */

static void test_many_unknown_members(void **state)
{
	(void)state;
	struct event_parser *e = parser_create();
	struct buf line, out;
	buf_init(&line, 0);
	buf_init(&out, 0);
	buf_str(&line, "{" ENV "\"STATUS_CHANGED\",\"ts\":\"2025-09-01T00:00:00Z\",\"data\":{\"status_from\":\"A\","
		       "\"status_to\":\"B\"}");
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < 3000; i++)
			buf_printf(&line, ",\"%sk%d\":%d", round == 1 && i % 2 == 0 ? "\\u006b" : "k", i, round);
	}
	buf_str(&line, "}");
	parse_to_text(e, (const char *)line.p, line.n, true, &out);
	/* "\u006bk0" is "kk0", and so is "kk0": each name came twice. */
	assert_non_null(strstr((const char *)out.p, "+ duplicates 3000\n"));
	assert_non_null(strstr((const char *)out.p, "= extra {\"kk0\":1,\"kk1\":1,"));
	assert_null(strstr((const char *)out.p, ":0,\"kk"));
	buf_deinit(&line);
	buf_deinit(&out);
	event_parser_destroy(e);
}

/* ---- guessing changes nothing ---- */

static const char *const seeds[] = {
	"{" ENV "\"STATUS_CHANGED\",\"ts\":\"2025-09-01T08:15:30.5Z\",\"data\":{\"status_from\":\"RECEIVED\",\"status_"
	"to\":\"RADICATED\",\"actor_role\":\"agent\"}}",
	"{" ENV "\"MESSAGE_ADDED\",\"ts\":\"2025-09-01T08:15:30-05:00\",\"data\":{\"role\":\"agent\",\"text\":"
	"\"Se\xc3\xb1or \\u00f3 \\\" x\",\"text_len\":10}}",
	"{" ENV "\"ATTACHMENT_ADDED\",\"ts\":\"2025-09-01T08:15:30Z\",\"data\":{\"file_type\":\"pdf\",\"size_kb\":120,"
	"\"file_name\":\"a.pdf\"},\"run_id\":\"r\"}",
	"{" ENV "\"TICKET_CREATED\",\"ts\":\"2025-09-01T08:15:30Z\",\"schema_version\":\"v1.0\",\"data\":{\"external_"
	"id\":\"1\",\"source_channel\":\"other_digital\","
	"\"closed_at\":null,\"sla_business_days\":15,\"preclassifier\":{\"a\":[1,2]},\"u\":-0.5,\"radicated_at\":"
	"\"2025-09-02T00:00:00+00:00\"}}",
};

static size_t mutate(char *text, size_t n, uint32_t round)
{
	static const char bytes[] = "\"\\{}[],:019-+.eEtnZ \x01\xc3";
	const uint32_t changes = round % 4;
	for (uint32_t c = 0; c < changes; c++) {
		const struct rng4 r = rng_philox(11, round, 1, c);
		const size_t at = rng_below(r.v[0], (uint32_t)n);
		const size_t len = (1 + rng_below(r.v[1], 12)) % (n - at) + (n - at == 1);
		switch (r.v[2] % 4) {
		case 0: text[at] = bytes[rng_below(r.v[3], sizeof bytes - 1)]; break;
		case 1:
			memmove(text + at, text + at + len, n - at - len);
			n -= len;
			break;
		case 2:
			memmove(text + at + len, text + at, n - at);
			n += len;
			break;
		default: text[at] = (char)(text[at] ^ (1 << (r.v[3] & 7))); break;
		}
		if (n == 0) text[n++] = '{';
	}
	for (size_t i = 0; i < n; i++) {
		if (text[i] == '\n') text[i] = ' ';
	}
	return n;
}

static void test_layouts_change_nothing(void **state)
{
	(void)state;
	struct event_parser *fast = parser_create(), *plain = parser_create();
	struct buf a, b;
	event_parser_force_plain(plain, true);
	buf_init(&a, 0);
	buf_init(&b, 0);
	int valid = 0;
	for (uint32_t round = 0; round < 100000; round++) {
		char text[1024];
		const char *seed = seeds[round % 4];
		memcpy(text, seed, strlen(seed));
		const size_t n = mutate(text, strlen(seed), round);
		parse_to_text(fast, text, n, true, &a);
		parse_to_text(plain, text, n, true, &b);
		if (strcmp((const char *)a.p, (const char *)b.p) != 0)
			fail_msg("%.*s\nby layout\n%splain\n%s", (int)n, text, (const char *)a.p, (const char *)b.p);
		valid += a.p[0] == '=';
	}
	assert_in_range(valid, 20000, 90000);
	buf_deinit(&a);
	buf_deinit(&b);
	event_parser_destroy(fast);
	event_parser_destroy(plain);
}

/* Nested one level below and at the depth limit: both ways agree. */
static void test_depth_limit_is_the_same(void **state)
{
	(void)state;
	struct event_parser *fast = parser_create(), *plain = parser_create();
	struct buf line, a, b;
	event_parser_force_plain(plain, true);
	buf_init(&line, 0);
	buf_init(&a, 0);
	buf_init(&b, 0);
	for (int depth = 1; depth <= JSON_DEPTH_MAX; depth += depth < 8 ? 1 : depth < 1000 ? 992 : 1) {
		buf_reset(&line);
		buf_str(&line, "{" ENV "\"STATUS_CHANGED\",\"ts\":\"2025-09-01T00:00:00Z\",\"data\":{\"status_from\":"
			       "\"A\",\"status_to\":\"B\",\"n\":");
		for (int i = 0; i < depth; i++) buf_char(&line, '[');
		for (int i = 0; i < depth; i++) buf_char(&line, ']');
		buf_str(&line, "}}");
		parse_to_text(fast, (const char *)line.p, line.n, true, &a);
		parse_to_text(plain, (const char *)line.p, line.n, true, &b);
		assert_string_equal((const char *)a.p, (const char *)b.p);
		CHECK_I64(a.p[0] == '=', depth + 2 <= JSON_DEPTH_MAX);
	}
	buf_deinit(&line);
	buf_deinit(&a);
	buf_deinit(&b);
	event_parser_destroy(fast);
	event_parser_destroy(plain);
}

/* ---- times ---- */

static void test_times_agree_with_base_time(void **state)
{
	(void)state;
	static const char *const shapes[] = {"2025-09-01T08:15:30Z", "2025-09-01T08:15:30.123456789Z",
		"2024-02-29T23:59:59.9+05:30", "1000-01-01T00:00:00-23:59", "0001-01-01T00:00:00Z",
		"9999-12-31T23:59:59Z", "1969-12-31T23:59:60Z", "2016-12-31T23:59:60Z"};
	static const char bytes[] = "0123456789-:.TZ+tz ";
	struct event_parser *e = parser_create();
	int good = 0;
	for (uint32_t round = 0; round < 200000; round++) {
		char text[64] = {0};
		const struct rng4 r = rng_philox(3, round, 0, 0);
		size_t n = strlen(shapes[round % 8]);
		memcpy(text, shapes[round % 8], n);
		if (r.v[0] & 1) text[rng_below(r.v[1], (uint32_t)n)] = bytes[rng_below(r.v[2], sizeof bytes - 1)];
		if ((r.v[0] & 6) == 0) n = rng_below(r.v[3], (uint32_t)n + 1);
		int64_t a = 0, b = 0;
		const bool want = time_parse((struct str){text, n}, &b);
		const bool got = event_time_parse(e, (struct str){text, n}, &a);
		if (want != got || a != b)
			fail_msg("%.*s: %d %lld, base/time says %d %lld", (int)n, text, got, (long long)a, want,
				(long long)b);
		good += got;
	}
	assert_in_range(good, 50000, 190000);
	event_parser_destroy(e);
}

/* ---- columns ---- */

static void test_batch_round_trip(void **state)
{
	(void)state;
	struct event_parser *e = parser_create();
	struct event_batch b;
	struct event_content content[4], back;
	struct column columns[BRONZE_N_COLUMNS];
	struct buf scratch;
	struct err err;
	uint8_t h1[16], h2[16];
	buf_init(&scratch, 0);
	event_batch_init(&b);
	for (int pass = 0; pass < 2; pass++) {
		event_batch_reset(&b);
		CHECK_OK(&err, event_batch_origin(&b, STR("raw/a.jsonl"), STR("email"), 20000, &err));
		for (int i = 0; i < 5000; i++) {
			char *copy = padded(seeds[i % 4], strlen(seeds[i % 4]), true);
			struct line_cursor c = {copy, copy + strlen(seeds[i % 4]) + 1, true};
			struct event ev;
			CHECK_I64(event_next(e, &c, &ev).verdict, EVENT_VALID);
			event_batch_append(&b, &ev, i + 1);
			event_content_of(&ev, &content[i % 4]);
			event_batch_content(&b, i, &back);
			assert_true(event_content_eq(&content[i % 4], &back));
			assert_true(event_content_hash(&content[i % 4], &scratch, h1) &&
				    event_content_hash(&back, &scratch, h2));
			assert_memory_equal(h1, h2, 16);
			if (i > 0) {
				event_batch_content(&b, i - 1, &back);
				assert_false(event_content_eq(&content[i % 4], &back));
			}
			mem_free(copy);
		}
	}
	CHECK_OK(&err, event_batch_finish(&b, columns, &err));
	CHECK_I64(columns[BRONZE_EVENT_ID].n, 5000);
	assert_true(str_is(column_str(&columns[BRONZE_RAW_OBJECT], 4999), "raw/a.jsonl"));
	assert_true(str_is(column_str(&columns[BRONZE_TICKET_ID], 17), ID2));
	assert_true(str_is(column_str(&columns[BRONZE_TEXT], 1), "Se\xc3\xb1or \xc3\xb3 \" x"));
	assert_true(str_is(column_str(&columns[BRONZE_EXTRA], 2), "{\"run_id\":\"r\"}"));
	assert_false(column_valid(&columns[BRONZE_EXTRA], 4));
	CHECK_I64(((const int64_t *)columns[BRONZE_RAW_LINE].values)[4999], 5000);
	CHECK_I64(((const int32_t *)columns[BRONZE_TICKET_BUCKET].values)[0], hash_xxh64(ID2, 36) >> 56);
	CHECK_I64(columns[BRONZE_TEXT].n_null, 3750);
	buf_deinit(&scratch);
	event_batch_deinit(&b);
	event_parser_destroy(e);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_line_length),
		cmocka_unit_test(test_many_unknown_members),
		cmocka_unit_test(test_layouts_change_nothing),
		cmocka_unit_test(test_depth_limit_is_the_same),
		cmocka_unit_test(test_times_agree_with_base_time),
		cmocka_unit_test(test_batch_round_trip),
	};
	return cmocka_run_group_tests_name("pqrs/event", tests, NULL, NULL);
}
