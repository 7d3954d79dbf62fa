/* control/postgres_args.c: parameters of a statement, in the form the wire takes.
 *
 * A text goes as bytes with its length; whatever PostgreSQL would refuse in one (no UTF-8, NUL) goes as U+FFFD, so that no value fails
 * a statement. Must not know statements or connections.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "control/postgres_int.h"
#include "io/utf8.h"

void postgres_args_deinit(struct postgres_args *a)
{
	for (int i = 0; i < a->n; i++) mem_free(a->mended[i]);
	a->n = 0;
}

static int next_arg(struct postgres_args *a)
{
	ASSERT(a->n < POSTGRES_ARGS_MAX);
	const int i = a->n++;
	a->value[i] = NULL;
	a->length[i] = a->format[i] = 0;
	a->mended[i] = NULL;
	return i;
}

void postgres_arg_int(struct postgres_args *a, int64_t v)
{
	const int i = next_arg(a);
	(void)snprintf(a->room[i], sizeof a->room[i], "%lld", (long long)v);
	a->value[i] = a->room[i];
}

void postgres_arg_count(struct postgres_args *a, int64_t v)
{
	if (v >= 0)
		postgres_arg_int(a, v);
	else
		(void)next_arg(a);
}

void postgres_arg_u64(struct postgres_args *a, uint64_t v)
{
	const int i = next_arg(a);
	(void)snprintf(a->room[i], sizeof a->room[i], "%llu", (unsigned long long)v);
	a->value[i] = a->room[i];
}

size_t postgres_text_valid(struct str s)
{
	const size_t n = utf8_valid_prefix(s.p, s.n);
	const void *nul = n > 0 ? memchr(s.p, '\0', n) : NULL;
	return nul != NULL ? (size_t)((const char *)nul - s.p) : n;
}

/* Each byte that can't stay becomes U+FFFD, three bytes. */
static char *mend(struct str s, size_t *n_out)
{
	size_t cap, n = 0;
	char *dst = mul_size(s.n, 3, &cap) ? mem_alloc(cap) : NULL;
	if (dst == NULL) return NULL;
	while (s.n > 0) {
		const size_t good = postgres_text_valid(s);
		memcpy(dst + n, s.p, good);
		n += good;
		s = (struct str){s.p + good, s.n - good};
		if (s.n == 0) break;
		memcpy(dst + n, "\xef\xbf\xbd", 3);
		n += 3;
		s = (struct str){s.p + 1, s.n - 1};
	}
	*n_out = n;
	return dst;
}

void postgres_arg_str(struct postgres_args *a, struct str s)
{
	const int i = next_arg(a);
	if (s.n > INT32_MAX / 3) {
		a->failed = true;
		return;
	}
	if (s.n > 0 && postgres_text_valid(s) < s.n) {
		a->mended[i] = mend(s, &s.n);
		a->failed |= a->mended[i] == NULL;
		s.p = a->mended[i];
	}
	a->value[i] = s.n > 0 ? s.p : "";
	a->length[i] = (int)s.n;
	a->format[i] = 1;
}

void postgres_arg_text(struct postgres_args *a, const char *s)
{
	if (s != NULL)
		postgres_arg_str(a, str_of(s));
	else
		(void)next_arg(a);
}

void postgres_arg_time(struct postgres_args *a, int64_t us)
{
	const int i = next_arg(a);
	if (us == INT64_MIN) return;
	time_format(us, a->room[i]);
	a->room[i][TIME_RFC3339_CHARS] = '\0';
	a->value[i] = a->room[i];
}

void postgres_arg_date(struct postgres_args *a, int32_t date)
{
	const int i = next_arg(a);
	if (date == INT32_MIN) return;
	date_format(date, a->room[i]);
	a->room[i][DATE_CHARS] = '\0';
	a->value[i] = a->room[i];
}
