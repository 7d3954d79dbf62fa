/* parquet/write/rows.c: which rows a row group takes, and which of them hold a value. Columns of the same null pattern share one
 * selection, found by comparing bitmaps. Invariant: a selection with a source stands for exactly the plan at hand. */
#include <string.h>

#include "parquet/write/writer_int.h"

/* w->iota holds 0, 1, 2, ...: rows nobody permuted. */
static const uint32_t *iota_get(struct parquet_writer *w, uint32_t n)
{
	const size_t have = w->iota.n / sizeof(uint32_t);
	if (have < n) {
		const size_t more = (n - have) * sizeof(uint32_t);
		if (buf_reserve(&w->iota, more) == NULL) return NULL;
		uint32_t *v = (uint32_t *)(void *)w->iota.p;
		for (size_t i = have; i < n; i++) v[i] = (uint32_t)i;
		buf_commit(&w->iota, more);
	}
	return (const uint32_t *)(const void *)w->iota.p;
}

static void bounds(const uint32_t *restrict rows, size_t n, uint32_t *lo, uint32_t *hi)
{
	uint32_t least = UINT32_MAX, most = 0;
	for (size_t i = 0; i < n; i++) {
		least = rows[i] < least ? rows[i] : least;
		most = rows[i] > most ? rows[i] : most;
	}
	*lo = least;
	*hi = most;
}

status writer_row_plan_make(struct parquet_writer *w, const struct parquet_rows *rows, int64_t batch_rows,
	struct writer_row_plan *out, struct err *err)
{
	ASSERT(batch_rows >= 0 && rows->n <= INT32_MAX);
	struct writer_row_plan plan = {.rows = rows->rows, .n = rows->n, .cuts = rows->cuts, .n_cuts = rows->n_cuts};
	if (plan.rows == NULL) {
		plan.rows = iota_get(w, plan.n);
		if (plan.rows == NULL) return buf_check(&w->iota, err);
		plan.hi = plan.n - 1;
	} else {
		bounds(plan.rows, plan.n, &plan.lo, &plan.hi);
	}
	ASSERT((int64_t)plan.hi < batch_rows);
	for (uint32_t i = 0; i < plan.n_cuts; i++)
		ASSERT(plan.cuts[i] <= plan.n && (i == 0 || plan.cuts[i] > plan.cuts[i - 1]));
	*out = plan;
	return OK;
}

/* Bits lo..hi of a bitmap as bytes [first, last] with masks for the two ends. */
struct bit_range {
	size_t first, last;
	uint8_t first_mask, last_mask;
};

static struct bit_range bit_range(const struct writer_row_plan *plan)
{
	struct bit_range r = {.first = plan->lo / 8, .last = plan->hi / 8};
	r.first_mask = (uint8_t)(0xff << (plan->lo % 8));
	r.last_mask = (uint8_t)(0xff >> (7 - plan->hi % 8));
	if (r.first == r.last) r.first_mask = r.last_mask = r.first_mask & r.last_mask;
	return r;
}

/* Do all bits of the range equal bit (0x00 or 0xff)? */
static bool bits_all(const uint8_t *bits, const struct bit_range *r, uint8_t bit)
{
	if (((bits[r->first] ^ bit) & r->first_mask) != 0 || ((bits[r->last] ^ bit) & r->last_mask) != 0) return false;
	size_t i = r->first + 1;
	const uint64_t word = bit * UINT64_C(0x0101010101010101);
	for (; i + 8 <= r->last; i += 8) {
		uint64_t x;
		memcpy(&x, bits + i, 8);
		if (x != word) return false;
	}
	for (; i < r->last; i++)
		if (bits[i] != bit) return false;
	return true;
}

static bool bits_equal(const uint8_t *a, const uint8_t *b, const struct bit_range *r)
{
	if (a == b) return true;
	if (((a[r->first] ^ b[r->first]) & r->first_mask) != 0 || ((a[r->last] ^ b[r->last]) & r->last_mask) != 0)
		return false;
	return r->last <= r->first + 1 || memcmp(a + r->first + 1, b + r->first + 1, r->last - r->first - 1) == 0;
}

static uint32_t select_valid(const struct writer_row_plan *plan, const uint8_t *restrict validity,
	uint32_t *restrict out, uint64_t *restrict bits, uint32_t *restrict rank)
{
	uint32_t k = 0;
	const uint32_t *restrict rows = plan->rows;
	for (uint32_t i = 0; i < plan->n; bits++) {
		const uint32_t end = plan->n - i < 64 ? plan->n : i + 64;
		*rank++ = k;
		uint64_t word = 0;
		for (uint32_t shift = 0; i < end; i++, shift++) {
			const uint32_t r = rows[i];
			const uint32_t bit = validity[r >> 3] >> (r & 7) & 1;
			word |= (uint64_t)bit << shift;
			out[k] = r;
			k += bit;
		}
		*bits = word;
	}
	*bits = 0; /* readers look one word ahead */
	return k;
}

static status selection_make(struct parquet_writer *w, const struct writer_row_plan *plan, const uint8_t *validity,
	struct writer_selection **out, struct err *err)
{
	struct writer_selection *s = &w->selections[w->selection_next];
	w->selection_next = (w->selection_next + 1) % WRITER_SELECTIONS;
	const size_t n_words = plan->n / 64 + 2;
	s->source = NULL;
	uint32_t *rows = writer_scratch(&s->rows_mem, ((size_t)plan->n + 1) * sizeof *rows);
	uint64_t *bits = writer_scratch(&s->bits_mem, n_words * sizeof *bits);
	uint32_t *rank = writer_scratch(&s->rank_mem, n_words * sizeof *rank);
	if (rows == NULL || bits == NULL || rank == NULL) return fail_nomem(err);
	s->n_valid = select_valid(plan, validity, rows, bits, rank);
	s->source = validity;
	s->rows = rows;
	s->bits = s->n_valid == 0 || s->n_valid == plan->n ? NULL : bits;
	s->rank = rank;
	*out = s;
	return OK;
}

/* Slots of the selections that need no scan: w->all and w->none. */
static struct writer_selection *selection_trivial(
	struct parquet_writer *w, const struct writer_row_plan *plan, bool valid)
{
	struct writer_selection *s = valid ? &w->all : &w->none;
	*s = (struct writer_selection){.rows = plan->rows, .n_valid = valid ? plan->n : 0};
	return s;
}

status writer_selection_get(struct parquet_writer *w, const struct writer_row_plan *plan, const struct column *c,
	const struct writer_selection **out, struct err *err)
{
	const struct bit_range range = bit_range(plan);
	if (c->n_null == c->n || (c->validity != NULL && bits_all(c->validity, &range, 0))) {
		*out = selection_trivial(w, plan, false);
		return OK;
	}
	if (c->validity == NULL || c->n_null == 0 || bits_all(c->validity, &range, 0xff)) {
		*out = selection_trivial(w, plan, true);
		return OK;
	}
	for (unsigned i = 0; i < WRITER_SELECTIONS; i++) {
		const struct writer_selection *s = &w->selections[i];
		if (s->source == NULL || !bits_equal(s->source, c->validity, &range)) continue;
		*out = s;
		return OK;
	}
	struct writer_selection *made = NULL;
	TRY(selection_make(w, plan, c->validity, &made, err));
	*out = made;
	return OK;
}

uint32_t writer_selection_rank(const struct writer_selection *s, const struct writer_row_plan *plan, uint32_t row)
{
	if (s->n_valid == 0) return 0;
	if (s->n_valid == plan->n) return row;
	if (row >= plan->n) return s->n_valid;
	const uint64_t below = s->bits[row / 64] & (((uint64_t)1 << row % 64) - 1);
	return s->rank[row / 64] + (uint32_t)__builtin_popcountll(below);
}
