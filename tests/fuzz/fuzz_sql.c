/* Any bytes as SQL and as a Delta type: where a statement ends does not depend on what follows; a quoted text is one text. */
#include "fuzz.h"
#include "query/query_int.h"

static void check_end(struct str text)
{
	const size_t end = query_statement_end(text);
	ASSERT(end <= text.n);
	if (end == 0) return;
	ASSERT(text.p[end - 1] == ';');
	ASSERT(query_statement_end((struct str){text.p, end}) == end);
	ASSERT(query_statement_end((struct str){text.p, end - 1}) == 0);
}

static void check_kind(struct str text)
{
	const struct sql_text t = sql_classify(text);
	ASSERT(t.word.n <= text.n);
	ASSERT((t.kind == SQL_EMPTY) == (t.word.n == 0));
	ASSERT(t.kind != SQL_EMPTY || t.inner.n == 0);
	if (query_blank(text)) ASSERT(t.kind == SQL_EMPTY);
	if (t.kind == SQL_EXPLAIN) ASSERT(t.inner.p >= text.p && t.inner.p + t.inner.n == text.p + text.n);
}

static void check_quote(struct str text, char quote)
{
	struct buf out;
	buf_init(&out, 0);
	sql_quote(&out, quote, text);
	buf_char(&out, ';');
	ASSERT(query_statement_end((struct str){(const char *)out.p, out.n}) == out.n);
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct str text = {(const char *)data, size};
	struct buf type;
	check_end(text);
	check_kind(text);
	check_quote(text, '\'');
	check_quote(text, '"');
	buf_init(&type, 1 << 20);
	const status code = view_type(&type, text, NULL);
	ASSERT(code == OK || code == E_UNSUPPORTED || code == E_CORRUPT || code == E_LIMIT || code == E_NOMEM);
	ASSERT(code != OK || type.n > 0);
	buf_deinit(&type);
	return 0;
}
