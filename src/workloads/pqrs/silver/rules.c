/* workloads/pqrs/silver/rules.c: see rules.h.
 *
 * The hot path per ticket is two passes over some 200 bytes: fold (16 ASCII bytes a step, Latin-1 letters by a table) into
 * a buffer that holds only a-z, 0-9, spaces and UTF-8 letters, then tokens by a bit mask of the spaces. A token is looked
 * up only when the bit of its hash (of its first 8 bytes and length, without a branch) is set.
 */
#include "workloads/pqrs/silver/rules.h"

#include "base/alloc.h"
#include "base/limits.h"
#include "base/unicode.h"
#include "workloads/pqrs/silver/entities.h"
#ifdef PQR_SIMD
#include "workloads/pqrs/silver/rules_sse2.h"
#endif

enum {
	LATIN_FIRST = 0x80,
	LATIN_N = 128,                            /* U+0080..U+00FF: the two-byte sequences C2 xx and C3 xx */
	FOLD_PER_BYTE = UNICODE_FOLD_MAX / 3 + 1, /* U+FDFA: 3 bytes give at most UNICODE_FOLD_MAX */
	FILTER_BITS = 4096,
	PADDING = 64, /* read and written past the text by whole vectors */
	EXPLAIN_BYTES_MAX = 1 << 16,
};

struct latin {
	uint8_t n;
	char p[7];
};

/* One distinct keyword. */
struct keyword {
	struct str name;  /* folded words, one space between */
	struct str rest;  /* name without its first word; empty for most */
	uint32_t classes; /* bit c: type c; bit TYPE_N + c: priority c */
	uint32_t next;    /* index + 1 of the next keyword with the same first word; 0 = none */
};
struct word {
	uint64_t hash;
	struct str text;
	uint32_t keywords; /* index + 1 */
};

struct rules {
	struct arena arena;
	struct latin latin[LATIN_N];
	struct keyword *keywords;
	uint32_t n_keywords;
	struct word *words;
	uint32_t n_words;
	uint16_t *slots; /* index + 1 of a word; open addressing, a quarter full at most */
	uint32_t slots_shift;
	uint64_t filter[FILTER_BITS / 64]; /* a bit for each first word's hash: nearly every token stops here */
	uint32_t *stamps;                  /* [n_keywords]: the text that hit it last */
	uint32_t stamp;
	struct str version;
	bool plain;
	struct buf folded, explain, entities;
};

/* ---- folding --------------------------------------------------------------------------------------------- */

static void latin_build(struct rules *r)
{
	for (int i = 0; i < LATIN_N; i++) {
		const int c = LATIN_FIRST + i;
		const char utf8[2] = {(char)(0xC0 | (c >> 6)), (char)(0x80 | (c & 0x3F))};
		char folded[UNICODE_FOLD_MAX];
		size_t n;
		(void)unicode_fold(utf8, 2, folded, &n);
		ASSERT(n <= sizeof r->latin[i].p);
		r->latin[i].n = (uint8_t)n;
		memcpy(r->latin[i].p, folded, n);
	}
}

/* Fold the ASCII run at p[0, n) into dst, whose 16 bytes past the run may be scribbled on; returns its length. */
static size_t fold_ascii(const char *p, size_t n, char *dst)
{
#ifdef PQR_SIMD
	return rules_fold_ascii_sse2(p, n, dst);
#else
	size_t i = 0;
	for (; i < n && (p[i] & 0x80) == 0; i++) {
		const bool upper = p[i] >= 'A' && p[i] <= 'Z';
		const bool kept = upper || (p[i] >= 'a' && p[i] <= 'z') || (p[i] >= '0' && p[i] <= '9');
		dst[i] = !kept ? ' ' : (char)(p[i] | (upper ? 0x20 : 0));
	}
	return i;
#endif
}

static size_t fold_fast(const struct rules *r, struct str text, char *dst)
{
	size_t at = 0, n = 0;
	while (at < text.n) {
		const size_t run = fold_ascii(text.p + at, text.n - at, dst + n);
		at += run;
		n += run;
		if (at == text.n) break;
		const uint8_t lead = (uint8_t)text.p[at];
		if ((lead == 0xC2 || lead == 0xC3) && at + 1 < text.n) {
			const size_t i = (size_t)((lead & 1) << 6 | (text.p[at + 1] & 0x3F));
			memcpy(dst + n, r->latin[i].p, sizeof r->latin[i].p);
			n += r->latin[i].n;
			at += 2;
			continue;
		}
		size_t added;
		at += unicode_fold(text.p + at, text.n - at, dst + n, &added);
		n += added;
	}
	return n;
}

static size_t fold_plain(struct str text, char *dst)
{
	size_t n = 0;
	for (size_t at = 0; at < text.n;) {
		size_t added;
		at += unicode_fold(text.p + at, text.n - at, dst + n, &added);
		n += added;
	}
	return n;
}

size_t rules_fold_bound(size_t n)
{
	return n * FOLD_PER_BYTE + UNICODE_FOLD_MAX + PADDING;
}

size_t rules_fold(const struct rules *r, struct str text, char *dst)
{
	return r->plain ? fold_plain(text, dst) : fold_fast(r, text, dst);
}

void rules_fold_force_plain(struct rules *r, bool plain)
{
	r->plain = plain;
}

/* ---- compiling ------------------------------------------------------------------------------------------- */

/* A word's first 8 bytes, the rest zero. Eight readable bytes at text.p. */
static uint64_t word_head(struct str text)
{
	static const uint64_t masks[9] = {0, 0xFF, 0xFFFF, 0xFFFFFF, UINT64_C(0xFFFFFFFF), UINT64_C(0xFFFFFFFFFF),
		UINT64_C(0xFFFFFFFFFFFF), UINT64_C(0xFFFFFFFFFFFFFF), UINT64_MAX};
	uint64_t v;
	memcpy(&v, text.p, sizeof v);
	return v & masks[text.n < 8 ? text.n : 8];
}

static uint64_t word_hash(struct str text)
{
	return (word_head(text) + text.n * UINT64_C(0x9E3779B97F4A7C15)) * UINT64_C(0x9FB21C651E98DF25);
}

static bool filter_has(const struct rules *r, uint64_t hash)
{
	const unsigned bit = (unsigned)(hash >> 52); /* 12 bits: FILTER_BITS */
	return r->filter[bit / 64] >> (bit % 64) & 1;
}
_Static_assert(FILTER_BITS == 1 << 12, "filter_has takes 12 bits");

static uint32_t slots_mask(const struct rules *r)
{
	return (uint32_t)((UINT64_C(1) << (64 - r->slots_shift)) - 1);
}

static struct word *word_find(const struct rules *r, struct str text, uint64_t hash)
{
	for (uint32_t at = (uint32_t)(hash >> r->slots_shift); r->slots[at] != 0; at = (at + 1) & slots_mask(r)) {
		struct word *w = &r->words[r->slots[at] - 1];
		if (w->hash == hash && str_eq(w->text, text)) return w;
	}
	return NULL;
}

static struct word *word_add(struct rules *r, struct str text)
{
	const uint64_t hash = word_hash(text);
	struct word *w = word_find(r, text, hash);
	if (w != NULL) return w;
	uint32_t at = (uint32_t)(hash >> r->slots_shift);
	while (r->slots[at] != 0) at = (at + 1) & slots_mask(r);
	w = &r->words[r->n_words++];
	*w = (struct word){.hash = hash, .text = text};
	r->slots[at] = (uint16_t)r->n_words;
	r->filter[hash >> 58] |= UINT64_C(1) << (hash >> 52 & 63);
	return w;
}

/* The keyword as folded words with one space between, padded for whole loads. Empty when nothing is left of it. */
static status keyword_name(struct rules *r, const char *keyword, struct str *out, struct err *err)
{
	const struct str text = str_of(keyword);
	if (text.n > 1024) return fail(err, E_USAGE, "rules: keyword over 1024 bytes: %.40s...", keyword);
	char *folded = arena_alloc(&r->arena, rules_fold_bound(text.n), 1);
	char *name = arena_zalloc(&r->arena, rules_fold_bound(text.n), 1);
	if (folded == NULL || name == NULL) return fail_nomem(err);
	const size_t n_folded = rules_fold(r, text, folded);
	size_t n = 0;
	for (size_t i = 0; i < n_folded; i++) {
		if (folded[i] != ' ')
			name[n++] = folded[i];
		else if (n > 0 && name[n - 1] != ' ')
			name[n++] = ' ';
	}
	while (n > 0 && name[n - 1] == ' ') n--;
	*out = (struct str){name, n};
	return OK;
}

static status keyword_add(struct rules *r, const char *text, unsigned class, struct err *err)
{
	struct str name;
	TRY(keyword_name(r, text, &name, err));
	if (name.n == 0) return OK;
	const char *space = memchr(name.p, ' ', name.n);
	const struct str first = {name.p, space != NULL ? (size_t)(space - name.p) : name.n};
	struct word *w = word_add(r, first);
	for (uint32_t i = w->keywords; i != 0; i = r->keywords[i - 1].next) {
		if (!str_eq(r->keywords[i - 1].name, name)) continue;
		r->keywords[i - 1].classes |= 1u << class;
		return OK;
	}
	struct keyword *k = &r->keywords[r->n_keywords++];
	*k = (struct keyword){.name = name, .classes = 1u << class, .next = w->keywords};
	if (space != NULL) k->rest = (struct str){space + 1, name.n - first.n - 1};
	w->keywords = r->n_keywords;
	return OK;
}

static status compile(struct rules *r, const struct pqrs_config *cfg, struct err *err)
{
	size_t n = 0;
	for (int c = 0; c < TYPE_N; c++) n += cfg->rules.types[c].n_keywords;
	for (int c = 0; c < PRIORITY_N; c++) n += cfg->rules.priorities[c].n_keywords;
	if (n >= UINT16_MAX) return fail(err, E_USAGE, "rules: more than %d keywords", UINT16_MAX - 1);
	unsigned bits = 6;
	while ((size_t)1 << bits < 4 * n) bits++;
	r->slots_shift = 64 - bits;
	r->slots = ARENA_ZNEW(&r->arena, uint16_t, (size_t)1 << bits);
	r->words = ARENA_ZNEW(&r->arena, struct word, n + 1);
	r->keywords = ARENA_ZNEW(&r->arena, struct keyword, n + 1);
	r->stamps = ARENA_ZNEW(&r->arena, uint32_t, n + 1);
	if (r->slots == NULL || r->words == NULL || r->keywords == NULL || r->stamps == NULL) return fail_nomem(err);
	latin_build(r);
	for (unsigned c = 0; c < TYPE_N; c++) {
		for (size_t i = 0; i < cfg->rules.types[c].n_keywords; i++)
			TRY(keyword_add(r, cfg->rules.types[c].keywords[i], c, err));
	}
	for (unsigned c = 0; c < PRIORITY_N; c++) {
		const struct rule_class *class = &cfg->rules.priorities[c];
		for (size_t i = 0; i < class->n_keywords; i++) TRY(keyword_add(r, class->keywords[i], TYPE_N + c, err));
	}
	return OK;
}

status rules_create(const struct pqrs_config *cfg, struct rules **out, struct err *err)
{
	struct rules *r = mem_zalloc(1, sizeof *r);
	if (r == NULL) return fail_nomem(err);
	arena_init(&r->arena, 0);
	buf_init(&r->folded, 0);
	buf_init(&r->explain, EXPLAIN_BYTES_MAX);
	buf_init(&r->entities, 0);
	const status s = compile(r, cfg, err);
	if (s != OK) {
		rules_destroy(r);
		return s;
	}
	*out = r;
	return OK;
}

void rules_destroy(struct rules *r)
{
	if (r == NULL) return;
	buf_deinit(&r->folded);
	buf_deinit(&r->explain);
	buf_deinit(&r->entities);
	arena_deinit(&r->arena);
	mem_free(r);
}

/* ---- classifying ----------------------------------------------------------------------------------------- */

struct hits {
	uint32_t classes[TYPE_N + PRIORITY_N];
	const struct keyword *first[RULES_KEYWORDS_MAX];
	size_t n_first;
};

/* Whether the words of rest follow at p, each after one or more spaces; the buffer ends with a space. */
static bool words_follow(struct str rest, const char *p, const char *end)
{
	size_t i = 0;
	while (i < rest.n) {
		while (p < end && *p == ' ') p++;
		const char *space = memchr(rest.p + i, ' ', rest.n - i);
		const size_t n = space != NULL ? (size_t)(space - rest.p) - i : rest.n - i;
		if ((size_t)(end - p) <= n || memcmp(p, rest.p + i, n) != 0 || p[n] != ' ') return false;
		p += n;
		i += n + 1;
	}
	return true;
}

static void count(struct rules *r, const struct word *w, const char *behind, const char *end, struct hits *h)
{
	for (uint32_t i = w->keywords; i != 0; i = r->keywords[i - 1].next) {
		const struct keyword *k = &r->keywords[i - 1];
		if (k->rest.n > 0 && !words_follow(k->rest, behind, end)) continue;
		for (uint32_t bits = k->classes; bits != 0; bits &= bits - 1) h->classes[__builtin_ctz(bits)]++;
		if (r->stamps[i - 1] == r->stamp || h->n_first == RULES_KEYWORDS_MAX) continue;
		r->stamps[i - 1] = r->stamp;
		h->first[h->n_first++] = k;
	}
}

/* Bit i: p[i] belongs to a token; 64 readable bytes. */
static inline uint64_t token_mask(const char *p)
{
#ifdef PQR_SIMD
	return rules_token_mask_sse2(p);
#else
	uint64_t mask = 0;
	for (int i = 0; i < 64; i++) mask |= (uint64_t)(p[i] != ' ') << i;
	return mask;
#endif
}

/* The lowest set bit of *bits, which is taken out; 64 when there is none. */
static inline size_t bit_pop(uint64_t *bits)
{
	const size_t at = *bits != 0 ? (size_t)__builtin_ctzll(*bits) : 64;
	*bits &= *bits - 1;
	return at;
}

/* p[n] ends with at least one space and is followed by PADDING readable spaces. */
static void count_tokens(struct rules *r, const char *p, size_t n, struct hits *h)
{
	size_t start = 0;    /* of the token that ends next */
	uint64_t before = 0; /* 1: the last byte of the block before belongs to a token, which has its start already */
	for (size_t base = 0; base < n; base += 64) {
		const uint64_t mask = token_mask(p + base);
		const uint64_t shifted = mask << 1 | before;
		uint64_t starts = mask & ~shifted, ends = shifted & ~mask;
		if (before == 0) start = base + bit_pop(&starts);
		while (ends != 0) {
			const size_t at = base + bit_pop(&ends);
			const struct str token = {p + start, at - start};
			start = base + bit_pop(&starts);
			const uint64_t hash = word_hash(token);
			if (!filter_has(r, hash)) continue;
			const struct word *w = word_find(r, token, hash);
			if (w != NULL) count(r, w, p + at, p + n, h);
		}
		before = mask >> 63;
	}
}

static char *put(char *p, struct str s)
{
	memcpy(p, s.p, s.n);
	return p + s.n;
}

/* prefix, then the number. */
static char *put_count(char *p, struct str prefix, uint32_t v)
{
	p = put(p, prefix);
	char digits[10];
	size_t n = 0;
	do digits[n++] = (char)('0' + v % 10);
	while ((v /= 10) != 0);
	while (n > 0) *p++ = digits[--n];
	return p;
}

/* Names in byte order, as canonical JSON wants. Folded keywords hold only letters, digits and spaces: nothing to escape. */
static void explain(struct rules *r, const struct hits *h)
{
	size_t bound = 256;
	for (size_t i = 0; i < h->n_first; i++) bound += h->first[i]->name.n + 3;
	buf_reset(&r->explain);
	char *const start = (char *)buf_reserve(&r->explain, bound);
	if (start == NULL) return; /* the buffer remembers */
	char *p = put(start, STR("{\"keywords\":["));
	for (size_t i = 0; i < h->n_first; i++) {
		if (i > 0) *p++ = ',';
		*p++ = '"';
		p = put(p, h->first[i]->name);
		*p++ = '"';
	}
	const uint32_t *types = h->classes, *priorities = h->classes + TYPE_N;
	p = put_count(p, STR("],\"priority\":{\"alta\":"), priorities[PRIORITY_ALTA]);
	p = put_count(p, STR(",\"baja\":"), priorities[PRIORITY_BAJA]);
	p = put_count(p, STR(",\"media\":"), priorities[PRIORITY_MEDIA]);
	p = put_count(p, STR("},\"type\":{\"P\":"), types[TYPE_P]);
	p = put_count(p, STR(",\"Q\":"), types[TYPE_Q]);
	p = put_count(p, STR(",\"R\":"), types[TYPE_R]);
	p = put_count(p, STR(",\"S\":"), types[TYPE_S]);
	p = put(p, STR("}}"));
	buf_commit(&r->explain, (size_t)(p - start));
}

static void decide(const struct hits *h, struct prediction *out)
{
	uint64_t sum = 0;
	unsigned type = TYPE_P, priority = PRIORITY_ALTA;
	for (unsigned c = 0; c < TYPE_N; c++) {
		out->type_hits[c] = h->classes[c];
		sum += h->classes[c];
		if (h->classes[c] > h->classes[type]) type = c;
	}
	uint32_t priority_sum = 0;
	for (unsigned c = 0; c < PRIORITY_N; c++) {
		out->priority_hits[c] = h->classes[TYPE_N + c];
		priority_sum += h->classes[TYPE_N + c];
		if (h->classes[TYPE_N + c] > h->classes[TYPE_N + priority]) priority = c;
	}
	out->type = (enum pqrs_type)type;
	out->priority = priority_sum > 0 ? (enum pqrs_priority)priority : PRIORITY_MEDIA;
	/* Half away from zero at the fourth decimal. */
	out->score = sum > 0 ? (int64_t)((2 * UINT64_C(10000) * h->classes[type] + sum) / (2 * sum)) : 0;
}

status rules_classify(struct rules *r, struct str subject, struct str text, struct prediction *out, struct err *err)
{
	buf_reset(&r->folded);
	char *p = (char *)buf_reserve(&r->folded, rules_fold_bound(subject.n) + rules_fold_bound(text.n) + 2 * PADDING);
	if (p == NULL) return buf_check(&r->folded, err);
	size_t n = rules_fold(r, subject, p);
	p[n++] = ' ';
	n += rules_fold(r, text, p + n);
	p[n++] = ' ';
	memset(p + n, ' ', PADDING);
	if (++r->stamp == 0) { /* wrapped: old stamps could match */
		memset(r->stamps, 0, r->n_keywords * sizeof *r->stamps);
		r->stamp = 1;
	}
	struct hits h;
	memset(&h, 0, sizeof h);
	count_tokens(r, p, n, &h);
	decide(&h, out);
	explain(r, &h);
	buf_reset(&r->entities);
	entities_json(text, &r->entities);
	TRY(buf_check(&r->explain, err));
	TRY(buf_check(&r->entities, err));
	out->explain_json = (struct str){(const char *)r->explain.p, r->explain.n};
	out->entities_json = (struct str){(const char *)r->entities.p, r->entities.n};
	return OK;
}
