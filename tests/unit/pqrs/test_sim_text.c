/* The shipped texts and places: every template fills, reads as Spanish of its ticket, and the keyword rules get most
 * types right. */
#include "check.h"

#include "flow/engine_config.h"
#include "workloads/pqrs/silver/rules.h"
#include "workloads/pqrs/sim/sim_text.h"

static struct pqrs_config *config_open_default(void)
{
	const struct config_keys keys[] = {engine_config_keys, pqrs_config_keys};
	struct pqrs_config *out = NULL;
	struct config tree;
	struct err err;
	struct buf canonical;
	buf_init(&canonical, 0);
	CHECK_OK(&err, config_init(&tree, &err));
	CHECK_OK(&err, config_defaults(&tree, keys, 2, &err));
	CHECK_OK(&err, pqrs_config_canonical(&tree, PQRS_SIMULATED, &canonical, &err));
	CHECK_OK(&err, pqrs_config_open((struct str){(const char *)canonical.p, canonical.n}, &out, &err));
	config_deinit(&tree);
	buf_deinit(&canonical);
	return out;
}

enum { SAMPLE = 20000 };

static int64_t count_code_points(struct str s)
{
	int64_t n = 0;
	for (size_t i = 0; i < s.n; i++) n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
	return n;
}

/* The shipped texts hold nothing that JSON escapes, so what is written is what a reader reads. */
static void check_text(const char *p, const char *end, uint32_t code_points)
{
	const struct str s = {p, (size_t)(end - p)};
	CHECK_I64(count_code_points(s), code_points);
	if (s.n == 0 || memchr(p, '{', s.n) != NULL || memchr(p, '}', s.n) != NULL || memchr(p, '\\', s.n) != NULL ||
		memchr(p, '"', s.n) != NULL)
		fail_msg("text: %.*s", (int)s.n, p);
	if (memmem(p, s.n, "  ", 2) != NULL) fail_msg("two spaces: %.*s", (int)s.n, p);
}

static void test_rules_get_most_right(void **state)
{
	(void)state;
	struct pqrs_config *c = config_open_default();
	struct arena arena;
	struct err err;
	struct rules *rules = NULL;
	const struct sim_text *text;
	arena_init(&arena, 0);
	CHECK_OK(&err, rules_create(c, &rules, &err));
	CHECK_OK(&err, sim_text_create(c, &arena, &text, &err));
	char *subject = arena_alloc(&arena, sim_text_bytes_max(text), 1),
	     *body = arena_alloc(&arena, sim_text_bytes_max(text), 1);
	int64_t right = 0, right_priority = 0, body_bytes = 0, topics[64] = {0};
	for (uint32_t i = 0; i < SAMPLE; i++) {
		const struct rng4 r = rng_philox(7, i, 100, 0);
		char external_id[64] = "PQRS-2025-0001234";
		const struct sim_who who = {.seed = 7,
			.entity = i,
			.external_id = {external_id, 17, 17},
			.date = 20000 + (int32_t)(i % 200),
			.place = (uint16_t)rng_below(r.v[0], (uint32_t)c->simulation.n_places),
			.type = (uint8_t) "\0\0\1\1\1\2\2\3"[r.v[1] >> 29],
			.priority = (uint8_t)rng_below(r.v[2], PRIORITY_N)};
		const struct sim_choice choice = sim_text_choose(text, &who);
		uint32_t n;
		const char *subject_end = sim_text_subject(text, &who, &choice, subject, &n);
		check_text(subject, subject_end, n);
		const char *body_end = sim_text_body(text, &who, &choice, body, &n);
		check_text(body, body_end, n);
		struct prediction p;
		CHECK_OK(&err, rules_classify(rules, (struct str){subject, (size_t)(subject_end - subject)},
				       (struct str){body, (size_t)(body_end - body)}, &p, &err));
		right += p.type == who.type;
		right_priority += p.priority == who.priority;
		body_bytes += body_end - body;
		topics[choice.topic & 63]++;
	}
	if (right < SAMPLE * 78 / 100 || right > SAMPLE * 92 / 100)
		fail_msg("types right: %lld of %d", (long long)right, SAMPLE);
	if (right_priority < SAMPLE * 60 / 100 || right_priority > SAMPLE * 95 / 100)
		fail_msg("priorities right: %lld of %d", (long long)right_priority, SAMPLE);
	if (body_bytes / SAMPLE < 220 || body_bytes / SAMPLE > 360)
		fail_msg("bodies of %lld bytes", (long long)(body_bytes / SAMPLE));
	for (size_t i = 0; i < c->simulation.n_topics && i < 64; i++) {
		if (topics[i] < SAMPLE / 200)
			fail_msg("topic %s only %lld times", c->simulation.topics[i].name, (long long)topics[i]);
	}
	rules_destroy(rules);
	arena_deinit(&arena);
	pqrs_config_close(c);
}

static void test_messages(void **state)
{
	(void)state;
	struct pqrs_config *c = config_open_default();
	struct arena arena;
	struct err err;
	const struct sim_text *text;
	arena_init(&arena, 0);
	CHECK_OK(&err, sim_text_create(c, &arena, &text, &err));
	char *a = arena_alloc(&arena, sim_text_bytes_max(text), 1),
	     *b = arena_alloc(&arena, sim_text_bytes_max(text), 1);
	int64_t same = 0;
	for (uint32_t i = 0; i < 4000; i++) {
		char external_id[64] = "PQRS-2025-0001234";
		const struct sim_who who = {.seed = 7,
			.entity = i,
			.external_id = {external_id, 17, 17},
			.date = 20000,
			.type = (uint8_t)(i % TYPE_N),
			.priority = (uint8_t)(i % PRIORITY_N)};
		uint32_t n, m;
		const char *end = sim_text_message(text, &who, i % 6, a, &n);
		check_text(a, end, n);
		const char *other = sim_text_message(text, &who, i % 6 + 1, b, &m);
		same += end - a == other - b && memcmp(a, b, (size_t)(end - a)) == 0;
		CHECK_I64(sim_text_message(text, &who, i % 6, b, &m) - b, end - a); /* drawn again, the same */
		assert_memory_equal(a, b, (size_t)(end - a));
	}
	assert_true(same < 400);
	arena_deinit(&arena);
	pqrs_config_close(c);
}

/* DIVIPOLA codes: five digits, departments by their first two, a capital (001) in each, all inside Colombia. */
static void test_places(void **state)
{
	(void)state;
	struct pqrs_config *c = config_open_default();
	const char *department[100] = {0};
	bool capital[100] = {0};
	int departments = 0, weighted = 0;
	assert_true(c->simulation.n_places >= 110);
	assert_true(c->simulation.n_topics >= 16);
	for (size_t i = 0; i < c->simulation.n_places; i++) {
		const struct geo_place *p = &c->simulation.places[i];
		CHECK_I64(strlen(p->dane_code), 5);
		const long code = strtol(p->dane_code, NULL, 10);
		const long at = code / 1000;
		assert_true(at >= 5 && at <= 99 && code % 1000 > 0);
		if (department[at] == NULL)
			departments++;
		else
			assert_string_equal(department[at], p->department);
		department[at] = p->department;
		capital[at] = capital[at] || (code % 1000 == 1 && p->weight > 0);
		weighted += p->weight > 0;
		assert_true(p->latitude_e6 > -4300000 && p->latitude_e6 < 13500000 && p->longitude_e6 > -82000000 &&
			    p->longitude_e6 < -66800000);
		for (size_t j = 0; j < i; j++) assert_string_not_equal(p->dane_code, c->simulation.places[j].dane_code);
	}
	CHECK_I64(departments, 33);
	assert_true(weighted >= 100);
	enum { CUNDINAMARCA = 25 }; /* its capital is Bogotá, a department of its own */
	for (int i = 0; i < 100; i++) {
		if (i != CUNDINAMARCA) CHECK_I64(capital[i], department[i] != NULL);
	}
	pqrs_config_close(c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rules_get_most_right),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_places),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
