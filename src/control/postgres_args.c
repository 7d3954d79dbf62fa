/* control/postgres_args.c: parameters of a statement, in the form the wire takes.
 *
 * A text goes as bytes with its length; whatever PostgreSQL would refuse in one (no UTF-8, NUL) goes as U+FFFD, so that no value fails
 * a statement. Must not know statements or connections.
 */
#include <stdio.h>

#include "control/postgres_int.h"
#include "io/utf8.h"

void postgres_args_deinit(struct postgres_args *a)
{
	for (int i = 0; i < a->n; i++) buf_deinit(&a->mended[i]);
	a->n = 0;
}

static int next_arg(struct postgres_args *a)
{
	ASSERT(a->n < POSTGRES_ARGS_MAX);
	const int i = a->n++;
	a->value[i] = NULL;
	a->length[i] = a->format[i] = 0;
	a->mended[i] = (struct buf){0};
	return i;
}

void postgres_arg_int(struct postgres_args *a, int64_t v)
{
	const int i = next_arg(a);
	(void)snprintf(a->room[i], sizeof a->room[i], "%lld", (long long)v);
	a->value[i] = a->room[i];
}

void postgres_arg_u64(struct postgres_args *a, uint64_t v)
{
	const int i = next_arg(a);
	(void)snprintf(a->room[i], sizeof a->room[i], "%llu", (unsigned long long)v);
	a->value[i] = a->room[i];
}

void postgres_arg_str(struct postgres_args *a, struct str s)
{
	const int i = next_arg(a);
	if (s.n > INT32_MAX / 3) {
		a->failed = true;
		return;
	}
	if (utf8_text_prefix(s) < s.n) {
		buf_init(&a->mended[i], INT32_MAX);
		utf8_text_mend(&a->mended[i], s);
		a->failed |= a->mended[i].failed;
		s = (struct str){(const char *)a->mended[i].p, a->mended[i].n};
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
