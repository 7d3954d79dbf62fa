/* stream/reasons.h: how many records were rejected for which kind of reason: "missing" of "missing:page". */
#ifndef PQR_STREAM_REASONS_H
#define PQR_STREAM_REASONS_H

#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum {
	STREAM_REASONS_MAX = 24,
	STREAM_REASON_CHARS = 24
}; /* more kinds than there are; what is beyond counts as the last */
struct stream_reasons {
	size_t n;
	struct {
		char kind[STREAM_REASON_CHARS];
		int64_t records;
	} items[STREAM_REASONS_MAX];
};

static inline void stream_reasons_count(struct stream_reasons *r, const char *reason, int64_t records)
{
	char kind[STREAM_REASON_CHARS];
	size_t i = 0;
	(void)snprintf(kind, sizeof kind, "%.*s", (int)strcspn(reason, ":"), reason);
	while (i < r->n && strcmp(r->items[i].kind, kind) != 0) i++;
	if (i == r->n && r->n < STREAM_REASONS_MAX) {
		memcpy(r->items[i].kind, kind, sizeof kind);
		r->items[i].records = 0;
		r->n++;
	}
	if (i == STREAM_REASONS_MAX) i--;
	r->items[i].records += records;
}

#endif
