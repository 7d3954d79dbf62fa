/* stream/json_envelope.c: see json_envelope.h. Must not know contracts. */
#include "stream/json_envelope.h"

#include "io/json/json_scan.h"

enum { FRAME_BYTES = 5 };

struct str json_envelope_unframe(struct str value, int64_t *schema_id)
{
	const unsigned char *b = (const unsigned char *)value.p;
	*schema_id = -1;
	if (value.n < FRAME_BYTES || b[0] != 0) return value;
	*schema_id = (int64_t)b[1] << 24 | b[2] << 16 | b[3] << 8 | b[4];
	return (struct str){value.p + FRAME_BYTES, value.n - FRAME_BYTES};
}

/* Members that are wanted. */
static bool take_envelope(struct str text, struct json_change *out, struct str *payload)
{
	struct json_scan s;
	struct json_string key;
	struct str value, at = {NULL, 0};
	*out = (struct json_change){.at_us = INT64_MIN};
	*payload = (struct str){NULL, 0};
	json_start(&s, text.p, text.n);
	if (json_peek(&s) != JSON_OBJECT || !json_object_begin(&s)) return false;
	while (json_object_next(&s, &key)) {
		const bool null = json_peek(&s) == JSON_NULL;
		if (!json_skip(&s, &value)) return false;
		if (null) value = (struct str){NULL, 0};
		if (str_is(key.raw, "op")) out->op = value;
		if (str_is(key.raw, "before")) out->before = value;
		if (str_is(key.raw, "after")) out->after = value;
		if (str_is(key.raw, "source")) out->source = value;
		if (str_is(key.raw, "ts_ms")) at = value;
		if (str_is(key.raw, "payload")) *payload = value;
	}
	int64_t ms;
	if (at.p != NULL && json_number_i64(at, &ms) && ms > INT64_MIN / 1000 && ms < INT64_MAX / 1000)
		out->at_us = ms * 1000;
	return s.error == NULL && json_end(&s);
}

const char *json_envelope_open(struct str message, struct json_change *out, struct str *row)
{
	struct str payload;
	if (!take_envelope(message, out, &payload)) return "not_json";
	if (out->op.p == NULL && payload.p != NULL && !take_envelope(payload, out, &payload)) return "not_change";
	if (out->op.n != 3 || strchr("crud", out->op.p[1]) == NULL) return "not_change";
	out->op = (struct str){out->op.p + 1, 1};
	const bool deleted = out->op.p[0] == 'd';
	*row = deleted ? out->before : out->after;
	return row->p != NULL ? NULL : deleted ? "missing:before" : "missing:after";
}
