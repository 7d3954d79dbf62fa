/* The order of changes of one instant. Right histories are drawn as walks over the state machine and shuffled: whatever the shuffle,
 * every change must find its turn. */
#include "workloads/pqrs/silver/instant.h"

#include "check.h"
#include "fixture.h"

static uint64_t draw_state;
static uint32_t draw(uint32_t n)
{
	draw_state = draw_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)((draw_state >> 33) % n);
}

/* The state in the end; *taken: how many changes of the order the machine allows. */
static unsigned walk(const struct pqrs_config *cfg, unsigned state, const struct instant_change *c, size_t n,
	const uint32_t *order, size_t *taken)
{
	bool seen[INSTANT_MAX * 2] = {false};
	*taken = 0;
	for (size_t i = 0; i < n; i++) {
		assert_true(order[i] < n && !seen[order[i]]);
		seen[order[i]] = true;
		const struct instant_change *x = &c[order[i]];
		if (x->from != state || x->to >= STATE_N || !cfg->transitions[x->from][x->to]) continue;
		state = x->to;
		(*taken)++;
	}
	return state;
}

static size_t draw_walk(const struct pqrs_config *cfg, unsigned *state, struct instant_change *out, size_t n_max)
{
	size_t n = 0;
	while (n < n_max) {
		unsigned next[STATE_N];
		uint32_t n_next = 0;
		for (unsigned to = 0; to < STATE_N; to++) {
			if (cfg->transitions[*state][to]) next[n_next++] = to;
		}
		if (n_next == 0) break;
		const unsigned to = next[draw(n_next)];
		out[n++] = (struct instant_change){(uint8_t)*state, (uint8_t)to};
		*state = to;
	}
	return n;
}

static void shuffle(struct instant_change *c, size_t n)
{
	for (size_t i = n; i > 1; i--) {
		const size_t k = draw((uint32_t)i);
		const struct instant_change swap = c[k];
		c[k] = c[i - 1];
		c[i - 1] = swap;
	}
}

static void test_right_histories(void **state)
{
	(void)state;
	struct pqrs_config cfg = {0};
	struct instant_change c[64];
	uint32_t order[64];
	fixture_states(&cfg);
	draw_state = 1;
	for (int i = 0; i < 20000; i++) {
		const unsigned begin = draw(STATE_N);
		unsigned end = begin;
		const size_t n = draw_walk(&cfg, &end, c, 1 + draw(64));
		shuffle(c, n);
		size_t taken;
		instant_order(&cfg, begin, c, n, order);
		const unsigned reached = walk(&cfg, begin, c, n, order, &taken);
		if (taken != n || reached != end)
			fail_msg("history %d: %zu of %zu changes, state %u, expected %u", i, taken, n, reached, end);
	}
}

/* Two loops at one state and the way out: the way out is last, though it comes first in the list and leads on. */
static void test_way_out(void **state)
{
	(void)state;
	struct pqrs_config cfg = {0};
	fixture_states(&cfg);
	const struct instant_change c[] = {
		{STATE_IN_PROGRESS, STATE_RESPONDED},
		{STATE_RESPONDED, STATE_CLOSED},
		{STATE_IN_PROGRESS, STATE_ON_HOLD},
		{STATE_ON_HOLD, STATE_IN_PROGRESS},
	};
	static const uint32_t want[] = {2, 3, 0, 1};
	uint32_t order[4];
	instant_order(&cfg, STATE_IN_PROGRESS, c, 4, order);
	assert_memory_equal(order, want, sizeof want);
}

/* Where no order takes all: what another leads on from goes first, then the first in the list; the others stand at the end. */
static void test_wrong_histories(void **state)
{
	(void)state;
	struct pqrs_config cfg = {0};
	fixture_states(&cfg);
	const struct instant_change leads[] = {
		{STATE_CLOSED, STATE_ARCHIVED},
		{STATE_CLOSED, STATE_REOPENED},
		{STATE_REOPENED, STATE_IN_PROGRESS},
	};
	static const uint32_t leads_want[] = {1, 2, 0};
	uint32_t order[4];
	instant_order(&cfg, STATE_CLOSED, leads, 3, order);
	assert_memory_equal(order, leads_want, sizeof leads_want);
	const struct instant_change twice[] = {
		{STATE_RADICATED, 255},
		{255, STATE_RADICATED},
		{STATE_RECEIVED, STATE_RADICATED},
		{STATE_RECEIVED, STATE_RADICATED},
	};
	static const uint32_t twice_want[] = {2, 0, 1, 3};
	instant_order(&cfg, STATE_RECEIVED, twice, 4, order);
	assert_memory_equal(order, twice_want, sizeof twice_want);
}

/* Of more changes than are weighed the rest stays as it is. */
static void test_bound(void **state)
{
	(void)state;
	struct pqrs_config cfg = {0};
	static struct instant_change c[INSTANT_MAX + 2];
	static uint32_t order[INSTANT_MAX + 2];
	fixture_states(&cfg);
	for (size_t i = 0; i < INSTANT_MAX + 2; i++)
		c[i] = i % 2 == 0 ? (struct instant_change){STATE_ON_HOLD, STATE_IN_PROGRESS}
				  : (struct instant_change){STATE_IN_PROGRESS, STATE_ON_HOLD};
	size_t taken;
	instant_order(&cfg, STATE_IN_PROGRESS, c, INSTANT_MAX + 2, order);
	CHECK_I64(order[0], 1);
	CHECK_I64(order[INSTANT_MAX], INSTANT_MAX);
	CHECK_I64(order[INSTANT_MAX + 1], INSTANT_MAX + 1);
	CHECK_I64(walk(&cfg, STATE_IN_PROGRESS, c, INSTANT_MAX, order, &taken), STATE_IN_PROGRESS);
	CHECK_I64(taken, INSTANT_MAX);
	instant_order(&cfg, STATE_RECEIVED, c, 0, order);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_right_histories),
		cmocka_unit_test(test_way_out),
		cmocka_unit_test(test_wrong_histories),
		cmocka_unit_test(test_bound),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
