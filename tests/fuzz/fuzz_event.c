/* Any bytes as lines of raw events: with and without learnt key orders, and in any split into windows, the same verdicts and values;
 * what goes into columns comes out again. */
#include <string.h>

#include "base/alloc.h"
#include "fuzz.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "workloads/pqrs/bronze/event.h"

struct side {
	struct event_parser *parser;
	struct line_cursor cursor;
	struct event event;
};

static void side_start(struct side *s, bool plain, const char *text, size_t n)
{
	const status code = event_parser_create(&s->parser, NULL);
	ASSERT(code == OK);
	event_parser_force_plain(s->parser, plain);
	s->cursor = (struct line_cursor){text, text + n, utf8_valid(text, n)};
}

static void values_check(const struct event *a, const struct event *b)
{
	struct event_content x, y;
	event_content_of(a, &x);
	event_content_of(b, &y);
	ASSERT(a->set == b->set && a->type == b->type && a->duplicate_members == b->duplicate_members);
	ASSERT(event_content_eq(&x, &y));
	for (unsigned c = 0; c <= BRONZE_EXTRA; c++) {
		if ((a->set >> c & 1) != 0 && pqrs_bronze_events.columns[c].type == COL_STRING)
			ASSERT(utf8_valid(a->str[c].p, a->str[c].n));
	}
	if ((a->set >> BRONZE_EXTRA & 1) == 0) return;
	char *extra = mem_alloc(a->str[BRONZE_EXTRA].n + JSON_SCAN_PADDING);
	struct json_scan s;
	ASSERT(extra != NULL);
	memcpy(extra, a->str[BRONZE_EXTRA].p, a->str[BRONZE_EXTRA].n);
	json_start(&s, extra, a->str[BRONZE_EXTRA].n);
	const bool valid = json_skip(&s, NULL) && json_end(&s);
	ASSERT(valid);
	mem_free(extra);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = mem_alloc(size + JSON_SCAN_PADDING);
	ASSERT(text != NULL);
	if (size > 0) memcpy(text, data, size);
	memset(text + size, '"', JSON_SCAN_PADDING);
	struct side fast, plain;
	struct event_batch batch;
	side_start(&fast, false, text, size);
	side_start(&plain, true, text, size);
	event_batch_init(&batch);
	event_batch_reset(&batch);
	ASSERT(event_batch_origin(&batch, STR("raw/x"), STR("email"), 20000, NULL) == OK);
	for (int64_t line = 1; fast.cursor.p < fast.cursor.limit; line++) {
		const char *from = fast.cursor.p;
		const char *newline = memchr(from, '\n', (size_t)(fast.cursor.limit - from));
		plain.cursor.limit = newline != NULL ? newline + 1 : fast.cursor.limit; /* a window of one line */
		plain.cursor.utf8_ok = false;
		const struct event_reason a = event_next(fast.parser, &fast.cursor, &fast.event);
		const struct event_reason b = event_next(plain.parser, &plain.cursor, &plain.event);
		ASSERT(a.verdict == b.verdict && a.field == b.field && fast.cursor.p == plain.cursor.p);
		ASSERT(fast.event.line.p == from && fast.event.has_ts == plain.event.has_ts);
		if (a.verdict != EVENT_VALID) continue;
		values_check(&fast.event, &plain.event);
		struct event_content in, out;
		event_batch_append(&batch, &fast.event, line);
		event_content_of(&fast.event, &in);
		event_batch_content(&batch, batch.n_rows - 1, &out);
		ASSERT(event_content_eq(&in, &out));
	}
	event_batch_deinit(&batch);
	event_parser_destroy(fast.parser);
	event_parser_destroy(plain.parser);
	mem_free(text);
	return 0;
}
