/* flow/made_days.c: params of runs that make their events by seed and day, as text and back.
 *
 * 1. One meaning has one text: emit_from stands there only where it is not the first day.
 * 2. The text of a run may be anybody's: made_days_settled judges it, and no function here reads past it or trusts it.
 */
#include "flow/made_days.h"

#define SEED "seed="
#define EMIT_FROM ",emit_from="

/* emit_from: the first day where the text has none. False: not such a text. */
static bool read_params(const struct run_info *run, uint64_t *seed, int32_t *emit_from)
{
	const char *p = run->params != NULL ? run->params : "";
	uint64_t n = 0;
	if (strncmp(p, SEED, strlen(SEED)) != 0) return false;
	p += strlen(SEED);
	const char *digits = p;
	for (; *p >= '0' && *p <= '9'; p++) {
		if (__builtin_mul_overflow(n, 10u, &n) || __builtin_add_overflow(n, (unsigned)(*p - '0'), &n))
			return false;
	}
	if (p == digits || (*digits == '0' && p - digits > 1)) return false;
	*seed = n;
	*emit_from = run->date_from;
	if (*p == '\0') return true;
	return strncmp(p, EMIT_FROM, strlen(EMIT_FROM)) == 0 && date_parse(str_of(p + strlen(EMIT_FROM)), emit_from) &&
	       *emit_from != run->date_from;
}

const char *made_days_params(struct arena *arena, struct made_days days, int32_t emit_from)
{
	char day[DATE_CHARS];
	const unsigned long long seed = days.seed;
	if (emit_from == INT32_MIN || emit_from == days.from) return arena_printf(arena, SEED "%llu", seed);
	date_format(emit_from, day);
	return arena_printf(arena, SEED "%llu" EMIT_FROM "%.*s", seed, DATE_CHARS, day);
}

static status read_given(const struct run_params *given, int32_t *emit_from, struct err *err)
{
	for (size_t i = 0; i < given->n; i++) {
		const struct run_param *p = &given->items[i];
		char why[DATE_WRONG_CHARS];
		if (strcmp(p->name, "emit_from") != 0)
			return fail(err, E_USAGE, "%s: nothing that this workload can be told", p->origin);
		if (!date_parse(str_of(p->value), emit_from))
			return fail(err, E_USAGE, "%s: expected a date as 2025-09-01, found '%s'%s", p->origin,
				p->value, date_wrong(str_of(p->value), why));
	}
	return OK;
}

status made_days_settle(const struct made_days *configured, const struct run_params *given, struct arena *arena,
	struct run_info *run, struct err *err)
{
	const int32_t from = configured->from, to = configured->to;
	int32_t emit_from = from;
	TRY(read_given(given, &emit_from, err));
	if (to < from) return fail(err, E_USAGE, "the date range ends before it starts");
	if (emit_from < from || emit_from > to) {
		char emit[DATE_CHARS + 1] = "", first[DATE_CHARS + 1] = "", last[DATE_CHARS + 1] = "";
		date_format(emit_from, emit);
		date_format(from, first);
		date_format(to, last);
		return fail(err, E_USAGE, "emit-from %s lies outside the run's days, %s to %s", emit, first, last);
	}
	const char *params = made_days_params(arena, *configured, emit_from);
	if (params == NULL) return fail_nomem(err);
	run->params = params;
	run->date_from = from;
	run->date_to = to;
	return OK;
}

bool made_days_settled(const struct run_info *run)
{
	uint64_t seed;
	int32_t emit_from;
	return read_params(run, &seed, &emit_from) && emit_from >= run->date_from && emit_from <= run->date_to;
}

/* "42|<config hash>|2025-09-01|2026-02-28"; what differs from the default follows. */
void made_days_name(const struct run_info *run, struct buf *out)
{
	char from[DATE_CHARS], to[DATE_CHARS], emit[DATE_CHARS];
	const int32_t first = made_days_first(run);
	date_format(run->date_from, from);
	date_format(run->date_to, to);
	buf_printf(out, "%llu|%s|%.*s|%.*s", (unsigned long long)made_days_seed(run), run->config_hash, DATE_CHARS,
		from, DATE_CHARS, to);
	if (first == run->date_from) return;
	date_format(first, emit);
	buf_printf(out, "|emit_from=%.*s", DATE_CHARS, emit);
}

uint64_t made_days_seed(const struct run_info *run)
{
	uint64_t seed = 0;
	int32_t emit_from;
	return read_params(run, &seed, &emit_from) ? seed : 0;
}

int32_t made_days_first(const struct run_info *run)
{
	uint64_t seed;
	int32_t emit_from;
	return read_params(run, &seed, &emit_from) ? emit_from : run->date_from;
}

enum continues made_days_continues(const struct tz *tz, const struct run_info *run, const struct run_info *earlier)
{
	const int32_t first = made_days_first(run);
	if (first <= run->date_from) return CONTINUES_NOT;
	if (earlier == NULL) return CONTINUES_SAME_EVENTS;
	const int64_t emits_at = tz != NULL ? tz_day_start(tz, first) : first * US_PER_DAY;
	const bool same = run_makes(earlier) && made_days_seed(earlier) == made_days_seed(run) &&
			  earlier->date_from == run->date_from;
	const bool reaches =
		earlier->as_of >= emits_at - 1 && earlier->as_of < run->as_of && made_days_first(earlier) < first;
	return same && reaches ? CONTINUES_SAME_EVENTS : CONTINUES_NOT;
}
