/* The local store when the system fails: the cause is told, an object that can't be read is not taken for another, and a listing is whole
 * or fails. */
#include "check.h"
#include "failing_io.h"

#include "base/alloc.h"
#include "io/input.h"
#include "io/store.h"

struct lab {
	char dir[64];
	struct store *store;
	struct err err;
};

static const char big[50000] = {'b', 'i', 'g'};

static void lab_open(struct lab *l)
{
	err_clear(&l->err);
	CHECK_OK(&l->err, store_open(check_tmpdir(l->dir), &l->store, &l->err));
	CHECK_OK(&l->err, store_put(l->store, "a/b/one", "1", 1, &l->err));
	CHECK_OK(&l->err, store_put(l->store, "a/big", big, sizeof big, &l->err));
	CHECK_OK(&l->err, store_put(l->store, "z", "", 0, &l->err));
}

static void lab_close(struct lab *l)
{
	store_close(l->store);
	check_rmdir(l->dir);
}

static status note_entry(void *arg, const struct store_entry *e, struct err *err)
{
	(void)err;
	buf_printf(arg, "%s %lld,", e->key, (long long)e->bytes);
	return OK;
}

static status note_name(void *arg, const char *name, bool folder, struct err *err)
{
	(void)err;
	buf_printf(arg, "%s%s,", name, folder ? "/" : "");
	return OK;
}

/* What can be asked; the answer in text. */
static status list(struct lab *l, struct buf *out)
{
	return store_list(l->store, "", note_entry, out, &l->err);
}
static status list_names(struct lab *l, struct buf *out)
{
	return store_list_names(l->store, "a", note_name, out, &l->err);
}
static status get(struct lab *l, struct buf *out)
{
	return store_get(l->store, "a/b/one", out, &l->err);
}
static status size(struct lab *l, struct buf *out)
{
	int64_t n;
	TRY(store_size(l->store, "a/big", &n, &l->err));
	buf_i64(out, n);
	return OK;
}
static status put(struct lab *l, struct buf *out)
{
	(void)out;
	return store_put(l->store, "a/b/one", "1", 1, &l->err);
}
static status put_new(struct lab *l, struct buf *out)
{
	TRY(store_put_if_absent(l->store, "new/folder/x", "x", 1, &l->err));
	return store_get(l->store, "new/folder/x", out, &l->err);
}
static status commit(struct lab *l, struct buf *out)
{
	TRY(store_commit(l->store, "log/0", "x", 1, &l->err));
	return store_get(l->store, "log/0", out, &l->err);
}
/* The same bytes once more are no conflict. */
static status put_again(struct lab *l, struct buf *out)
{
	(void)out;
	return store_put_if_absent(l->store, "a/big", big, sizeof big, &l->err);
}
static status write_again(struct lab *l, struct buf *out)
{
	struct store_writer *w;
	(void)out;
	TRY(store_writer_create(l->store, "a/big", &w, &l->err));
	status code = store_writer_add(w, big, sizeof big, &l->err);
	if (code == OK) code = store_writer_finish(w, &l->err);
	store_writer_destroy(w);
	return code;
}
static status input(struct lab *l, struct buf *out)
{
	struct input *in;
	char path[96], byte[8];
	size_t n;
	(void)snprintf(path, sizeof path, "%s/a/b/one", l->dir);
	TRY(input_open(path, NULL, &in, &l->err));
	const status code = input_read(in, byte, sizeof byte, &n, &l->err);
	if (code == OK) buf_add(out, byte, n);
	input_close(in);
	return code;
}

static const struct {
	const char *name;
	status (*run)(struct lab *l, struct buf *out);
	const char *want;
} asked[] = {
	{"list", list, "a/b/one 1,a/big 50000,z 0,"},
	{"list_names", list_names, "b/,big,"},
	{"get", get, "1"},
	{"size", size, "50000"},
	{"put", put, ""},
	{"put_new", put_new, "x"},
	{"commit", commit, "x"},
	{"put_again", put_again, ""},
	{"write_again", write_again, ""},
	{"input", input, "1"},
};

static void each_call(struct lab *l, size_t k, bool on)
{
	struct buf out;
	int64_t hits = 1, failed = 0;
	buf_init(&out, 0);
	for (int64_t n = 1; hits > 0; n++) {
		lab_open(l);
		buf_reset(&out);
		io_fail_at(n, on);
		const status code = asked[k].run(l, &out);
		hits = io_hits;
		io_fail_at(0, false);
		buf_char(&out, '\0');
		failed += code != OK;
		if (code == OK && strcmp((const char *)out.p, asked[k].want) != 0)
			fail_msg("%s, call %lld: %s", asked[k].name, (long long)n, (const char *)out.p);
		if (code != OK && (code != E_IO || strstr(l->err.message, "Input/output error") == NULL))
			fail_msg("%s, call %lld: %s: %s", asked[k].name, (long long)n, status_name(code),
				l->err.message);
		lab_close(l);
	}
	if (failed == 0) fail_msg("%s: no call of it can fail", asked[k].name);
	buf_deinit(&out);
}

static void test_every_call(void **state)
{
	(void)state;
	struct lab l;
	for (size_t k = 0; k < sizeof asked / sizeof *asked; k++) {
		each_call(&l, k, false);
		each_call(&l, k, true);
	}
}

/* Where listings tell no types, an entry that can't be looked at is not left out. */
static void test_listings_without_types(void **state)
{
	(void)state;
	struct lab l;
	io_hides_types = true;
	for (size_t k = 0; k < 2; k++) {
		each_call(&l, k, false);
		each_call(&l, k, true);
	}
	io_hides_types = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_call), cmocka_unit_test(test_listings_without_types)};
	return cmocka_run_group_tests_name("io/local_faults", tests, NULL, NULL);
}
