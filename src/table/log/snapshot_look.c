/* table/log/snapshot_look.c: look things up in a snapshot. */
#include <stddef.h>

#include "base/alloc.h"
#include "io/json/json_scan.h"
#include "table/log/snapshot.h"

/* Item of items[n], each of `size` bytes and in order of the text at `at` of it; NULL. */
static const void *find(const void *items, size_t n, size_t size, size_t at, struct str key)
{
	size_t low = 0, high = n;
	while (low < high) {
		const size_t middle = low + (high - low) / 2;
		const char *item = (const char *)items + middle * size;
		struct str text;
		memcpy(&text, item + at, sizeof text);
		const int c = str_cmp(text, key);
		if (c == 0) return item;
		if (c < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct delta_add *delta_snapshot_file(const struct delta_snapshot *s, struct str path)
{
	return find(s->files, s->n_files, sizeof s->files[0], offsetof(struct delta_add, path), path);
}

const struct delta_remove *delta_snapshot_tombstone(const struct delta_snapshot *s, struct str path)
{
	return find(s->tombstones, s->n_tombstones, sizeof s->tombstones[0], offsetof(struct delta_remove, path), path);
}

const struct delta_app_txn *delta_snapshot_app_txn(const struct delta_snapshot *s, struct str app_id)
{
	return find(s->app_txns, s->n_app_txns, sizeof s->app_txns[0], offsetof(struct delta_app_txn, app_id), app_id);
}

struct str delta_snapshot_property(const struct delta_snapshot *s, const char *key, const char *fallback)
{
	const struct delta_pair *pair = delta_pairs_get(&s->metadata.configuration, str_of(key));
	if (pair != NULL && pair->value.p != NULL) return pair->value;
	return fallback != NULL ? str_of(fallback) : (struct str){NULL, 0};
}

/* ---- intervals --------------------------------------------------------------------------------------------- */

static struct str take_word(struct str *rest)
{
	while (rest->n > 0 && rest->p[0] == ' ') rest->p++, rest->n--;
	size_t n = 0;
	while (n < rest->n && rest->p[n] != ' ') n++;
	const struct str word = {rest->p, n};
	if (n == 0) return word;
	rest->p += n;
	rest->n -= n;
	return word;
}

/* Singular or plural, any case: "DAYS". In microseconds; 0 = no unit of fixed length. */
static int64_t unit_us(struct str word)
{
	static const struct {
		const char *name;
		int64_t us;
	} units[] = {{"microsecond", 1}, {"millisecond", 1000}, {"second", 1000000}, {"minute", 60000000},
		{"hour", 3600000000}, {"day", 86400000000}, {"week", 604800000000}};
	char name[16];
	if (word.n == 0 || word.n >= sizeof name) return 0;
	for (size_t i = 0; i < word.n; i++) name[i] = (char)(word.p[i] | 0x20);
	size_t n = word.n;
	if (n > 1 && name[n - 1] == 's') n--;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (str_is((struct str){name, n}, units[i].name)) return units[i].us;
	}
	return 0;
}

int64_t delta_snapshot_interval(const struct delta_snapshot *s, const char *key, int64_t fallback_ms)
{
	struct str rest = delta_snapshot_property(s, key, NULL);
	int64_t us = 0;
	size_t terms = 0;
	for (struct str word; (word = take_word(&rest)).n > 0;) {
		if (terms == 0 && (str_is(word, "interval") || str_is(word, "INTERVAL"))) continue;
		const int64_t unit = unit_us(take_word(&rest));
		int64_t n = 0;
		if (unit == 0 || word.n > 18) return fallback_ms;
		for (size_t i = 0; i < word.n; i++) {
			if (word.p[i] < '0' || word.p[i] > '9') return fallback_ms;
			n = n * 10 + (word.p[i] - '0');
		}
		if (__builtin_mul_overflow(n, unit, &n) || __builtin_add_overflow(us, n, &us)) return fallback_ms;
		terms++;
	}
	return terms > 0 ? us / 1000 : fallback_ms;
}

/* ---- statistics -------------------------------------------------------------------------------------------- */

/* numRecords of text[n], which is followed by padding; -1: none. `cut`: the text goes on, so the number may not be its last. */
static int64_t rows_of(const char *text, size_t n, bool cut)
{
	struct json_scan s;
	struct json_string key;
	struct str number;
	int64_t rows;
	json_start(&s, text, n);
	if (!json_object_begin(&s)) return -1;
	while (json_object_next(&s, &key)) {
		if (!str_is(key.raw, "numRecords")) {
			if (!json_skip(&s, NULL)) return -1;
			continue;
		}
		if (!json_take_number(&s, &number) || (cut && number.p + number.n == text + n)) return -1;
		return json_number_i64(number, &rows) && rows >= 0 ? rows : -1;
	}
	return -1;
}

int64_t delta_add_rows(const struct delta_add *a)
{
	enum { HEAD = 192 }; /* numRecords comes first in the statistics of the writers known */
	char head[HEAD + JSON_SCAN_PADDING] = {0};
	const bool cut = a->stats.n > HEAD;
	const size_t n = cut ? HEAD : a->stats.n;
	if (n == 0) return -1;
	memcpy(head, a->stats.p, n);
	int64_t rows = rows_of(head, n, cut);
	if (rows >= 0 || !cut) return rows;
	char *text = mem_zalloc(a->stats.n + JSON_SCAN_PADDING, 1);
	if (text == NULL) return -1;
	memcpy(text, a->stats.p, a->stats.n);
	rows = rows_of(text, a->stats.n, false);
	mem_free(text);
	return rows;
}
