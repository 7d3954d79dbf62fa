/* workloads/pqrs/silver/instant.c: changes of one instant as a walk over the states.
 *
 * The changes left are the edges of a graph of ten states. Taking all of them is an Eulerian walk, so whether one exists from a
 * state is told by degrees and reach alone (Fleury's rule), without trying orders. Changes with the same two states are alike
 * but for their place in the list, and are taken in that order.
 */
#include "workloads/pqrs/silver/instant.h"

#include <string.h>

#include "base/err.h"

enum { NONE = UINT16_MAX };
_Static_assert((int)INSTANT_MAX < (int)NONE, "a change's index fits");

struct walk {
	const struct pqrs_config *cfg;
	uint16_t left[STATE_N][STATE_N];                    /* changes not taken yet, by from and to */
	uint16_t head[STATE_N][STATE_N], next[INSTANT_MAX]; /* their queues */
};

static void walk_open(struct walk *w, const struct pqrs_config *cfg, const struct instant_change *changes, size_t n)
{
	w->cfg = cfg;
	memset(w->left, 0, sizeof w->left);
	for (size_t i = n; i-- > 0;) {
		const unsigned from = changes[i].from, to = changes[i].to;
		if (from >= STATE_N || to >= STATE_N) continue;
		w->next[i] = w->left[from][to]++ > 0 ? w->head[from][to] : NONE;
		w->head[from][to] = (uint16_t)i;
	}
}

static bool usable(const struct walk *w, unsigned from, unsigned to)
{
	return w->left[from][to] > 0 && w->cfg->transitions[from][to];
}

/* The states that usable changes lead to from `state`, as bits. */
static uint32_t reach(const struct walk *w, unsigned state)
{
	uint32_t seen = UINT32_C(1) << state, before = 0;
	while (seen != before) {
		before = seen;
		for (unsigned from = 0; from < STATE_N; from++) {
			if ((seen >> from & 1) == 0) continue;
			for (unsigned to = 0; to < STATE_N; to++) seen |= (uint32_t)usable(w, from, to) << to;
		}
	}
	return seen;
}

/* Can all usable changes be taken one after the other from `state`? Then each state is left as often as it is entered, but for
 * the two ends of the walk, and every change is within reach. */
static bool takes_all(const struct walk *w, unsigned state)
{
	const uint32_t seen = reach(w, state);
	int ends = 0;
	for (unsigned s = 0; s < STATE_N; s++) {
		int out = 0, in = 0;
		for (unsigned o = 0; o < STATE_N; o++) {
			out += usable(w, s, o) ? w->left[s][o] : 0;
			in += usable(w, o, s) ? w->left[o][s] : 0;
		}
		if (out > 0 && (seen >> s & 1) == 0) return false;
		if (out == in) continue;
		const bool start = s == state && out == in + 1, end = s != state && in == out + 1;
		if (!start && !end) return false;
		ends += end;
	}
	return ends <= 1;
}

static bool leads_on(const struct walk *w, unsigned state)
{
	for (unsigned to = 0; to < STATE_N; to++) {
		if (w->left[state][to] > 0) return true;
	}
	return false;
}

/* How good it is to go to `to` next. */
static int rank(struct walk *w, unsigned from, unsigned to)
{
	w->left[from][to]--;
	const int r = takes_all(w, to) ? 2 : leads_on(w, to) ? 1 : 0;
	w->left[from][to]++;
	return r;
}

/* The state to go to next, or STATE_N: no change left is allowed from here. */
static unsigned choose(struct walk *w, unsigned from)
{
	unsigned best = STATE_N, n = 0;
	for (unsigned to = 0; to < STATE_N; to++) {
		if (!usable(w, from, to)) continue;
		best = to;
		n++;
	}
	if (n <= 1) return best;
	int best_rank = -1;
	for (unsigned to = 0; to < STATE_N; to++) {
		if (!usable(w, from, to)) continue;
		const int r = rank(w, from, to);
		if (r < best_rank || (r == best_rank && w->head[from][to] > w->head[from][best])) continue;
		best = to;
		best_rank = r;
	}
	return best;
}

void instant_order(
	const struct pqrs_config *cfg, unsigned state, const struct instant_change *changes, size_t n, uint32_t *order)
{
	ASSERT(state < STATE_N && n < UINT32_MAX);
	const size_t weighed = n < INSTANT_MAX ? n : INSTANT_MAX;
	struct walk w;
	bool taken[INSTANT_MAX] = {false};
	size_t done = 0;
	walk_open(&w, cfg, changes, weighed);
	for (unsigned to; (to = choose(&w, state)) < STATE_N; state = to) {
		const uint16_t i = w.head[state][to];
		w.head[state][to] = w.next[i];
		w.left[state][to]--;
		taken[i] = true;
		order[done++] = i;
	}
	for (size_t i = 0; i < n; i++) {
		if (i >= weighed || !taken[i]) order[done++] = (uint32_t)i;
	}
	ASSERT(done == n);
}
