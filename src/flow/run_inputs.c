/* flow/run_inputs.c: the inputs of an ingested run: which files and streams they are, and the hashes that give the run its id.
 *
 * 1. Inputs count by the bytes that come out of them, so a file and the same file compressed are one input.
 * 2. What is refused for its name, its first bytes or, being of a format whose lines can't be events, for all its lines is refused before anything is written; streams are not read before the run has begun.
 * 3. What a folder holds and is not taken is said.
 */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/thread.h"
#include "base/vec.h"
#include "flow/run_int.h"
#include "flow/table_files.h"
#include "io/input_format.h"
#include "io/utf8.h"

enum { INPUT_CHUNK_BYTES = 1 << 20 };

/* ---- files of another format ------------------------------------------------------------------------------------------- */

/* What a file's lines are, without reading them as JSON. */
struct look {
	char head[INPUT_HEAD_BYTES];
	size_t n_head;
	int64_t lines;    /* not blank */
	int64_t first_at; /* 1-based */
	int64_t at;
	bool inside;    /* of a line that is not blank */
	bool like_json; /* a line begins with a bracket: it may be an event, or tell better what the file is */
};

static void look_at(struct look *l, const char *p, size_t n)
{
	const size_t room = sizeof l->head - l->n_head, some = n < room ? n : room;
	memcpy(l->head + l->n_head, p, some);
	l->n_head += some;
	for (const char *end = p + n; p < end && !l->like_json; p++) {
		if (l->inside) p = memchr(p, '\n', (size_t)(end - p));
		if (p == NULL) return;
		if (*p == '\n') {
			l->inside = false;
			l->at++;
		} else if (!l->inside && strchr(" \t\r\xef\xbb\xbf", *p) == NULL) {
			l->inside = true;
			if (l->lines++ == 0) l->first_at = l->at + 1;
			l->like_json = *p == '{' || *p == '[';
		}
	}
}

/* Formats whose lines are no JSON, as long as none begins like it. */
static bool is_foreign(enum input_format f)
{
	return f == INPUT_CSV || f == INPUT_HTML || f == INPUT_XML || f == INPUT_MBOX || f == INPUT_EMAIL;
}

static status refuse_foreign(const struct look *l, enum input_format format, const char *path, struct err *err)
{
	char why[128], all[48];
	const char *newline = memchr(l->head, '\n', l->n_head);
	const size_t n = newline != NULL ? (size_t)(newline - l->head) : l->n_head;
	const char *reason = utf8_valid(l->head, n) ? "not_json" : "invalid_utf8";
	(void)snprintf(all, sizeof all, "all %lld lines are", (long long)l->lines);
	(void)snprintf(why, sizeof why, "line %lld: %s; %s rejected", (long long)l->first_at, reason,
		l->lines == 1 ? "its only line is" : all);
	return input_format_refuse(format, path, why, err);
}

/* A spreadsheet among events is a whole file given by mistake: refused before anything is written, whatever stands beside it. Only of a file whose
 * head looks foreign more is read than that. */
static status check_format(struct input *in, const char *path, struct err *err)
{
	enum { PIECE = 64 * 1024 };
	struct look l = {.n_head = 0};
	char *piece = mem_alloc(PIECE);
	status code = piece != NULL ? OK : fail_nomem(err);
	enum input_format format = INPUT_TEXT;
	for (size_t got = 1; code == OK && got > 0 && !l.like_json;) {
		code = input_read(in, piece, PIECE, &got, err);
		if (code != OK || got == 0) break;
		look_at(&l, piece, got);
		format = input_format_of(l.head, l.n_head);
		if (l.n_head == sizeof l.head && !is_foreign(format)) break;
		code = cancel_check(err);
	}
	mem_free(piece);
	TRY(code);
	return is_foreign(format) && !l.like_json ? refuse_foreign(&l, format, path, err) : OK;
}

/* ---- what there is ------------------------------------------------------------------------------------------------------ */

/* Opened here to be refused before a lake is made where it cannot be read or is of another format. */
static status add_file(struct flow *f, const char *path, struct err *err)
{
	char full[PATH_MAX];
	struct input *in = NULL;
	TRY(input_open(path, NULL, &in, err));
	const status code = check_format(in, path, err);
	input_close(in);
	TRY(code);
	if (realpath(path, full) == NULL) return fail_errno_read(err, errno, "cannot read input %s", path);
	return file_list_add(&f->id.inputs, &(struct file_ref){.table = "input", .path = full, .rows = -1})
		       ? OK
		       : fail_nomem(err);
}

/* Not read before the run begins: a stream can be read once. */
static status add_stream(struct flow *f, const char *path, struct err *err)
{
	TRY(input_stream_check(path, err));
	if (input_spool_find(&f->id.spools, path) != NULL)
		return fail(err, E_USAGE, "input %s is a stream, which can be read once, and was named twice", path);
	if (!VEC_ROOM(&f->id.spools, 1) ||
		!file_list_add(&f->id.inputs, &(struct file_ref){.table = "input", .path = path, .rows = -1}))
		return fail_nomem(err);
	f->id.spools.items[f->id.spools.n++] =
		(struct input_spool){.path = f->id.inputs.items[f->id.inputs.n - 1].path, .fd = -1};
	return OK;
}

/* events.jsonl, events.NDJSON.gz, events.jsonl.zst: a folder may hold a README or a sum file beside its events. */
static bool is_event_file(const char *name)
{
	static const char *const ends[] = {".jsonl", ".ndjson"}, *const packed[] = {".gz", ".zst"};
	struct str s = str_of(name);
	for (size_t i = 0; i < 2; i++) {
		const size_t n = strlen(packed[i]);
		if (s.n > n && strcasecmp(s.p + s.n - n, packed[i]) == 0) s.n -= n;
	}
	for (size_t i = 0; i < 2; i++) {
		const size_t n = strlen(ends[i]);
		if (name[0] != '.' && s.n > n && strncasecmp(s.p + s.n - n, ends[i], n) == 0) return true;
	}
	return false;
}

/* What a folder holds: files to take, and the names of what is left out. */
struct folder {
	const char *path;
	struct file_list found;
	int64_t n_left;
	char left[160]; /* the first names */
};

static void leave_out(struct folder *x, const char *name)
{
	const size_t n = strlen(x->left);
	x->n_left++;
	if (n + strlen(name) + 8 < sizeof x->left)
		(void)snprintf(x->left + n, sizeof x->left - n, "%s%s", n > 0 ? ", " : "", name);
	else if (n + 5 < sizeof x->left && strcmp(x->left + n - 3, "...") != 0)
		(void)strcpy(x->left + n, ", ...");
}

/* Of an event file, whether it can be taken: one that can't be looked at is missing from the input, not left out of it. */
static status take_entry(struct folder *x, const char *name, struct err *err)
{
	char path[PATH_MAX];
	struct stat st;
	const int len = snprintf(path, sizeof path, "%s/%s", x->path, name);
	if (len < 0 || (size_t)len >= sizeof path)
		return fail(err, E_LIMIT, "path over %d bytes in %s", PATH_MAX, x->path);
	const bool meant = is_event_file(name);
	if (meant && stat(path, &st) != 0) return fail_errno_read(err, errno, "cannot read input %s", path);
	if (!meant || !S_ISREG(st.st_mode)) {
		leave_out(x, name);
		return OK;
	}
	const struct file_ref file = {.table = "input", .path = path};
	return file_list_add(&x->found, &file) ? OK : fail_nomem(err);
}

static status read_folder(DIR *dir, struct folder *x, struct err *err)
{
	for (;;) {
		errno = 0;
		const struct dirent *e = readdir(dir);
		if (e == NULL && errno != 0) return fail_errno_read(err, errno, "cannot read folder %s", x->path);
		if (e == NULL) return OK;
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) TRY(take_entry(x, e->d_name, err));
	}
}

/* The event files of a folder, in byte order of their names; hidden ones and sub-folders are left out, and that is said. */
static status add_folder(struct flow *f, const char *path, struct err *err)
{
	struct folder x = {.path = path, .found.arena = &f->arena};
	char n_left[24];
	DIR *dir = opendir(path);
	if (dir == NULL) return fail_errno_read(err, errno, "cannot read folder %s", path);
	const status code = read_folder(dir, &x, err);
	(void)closedir(dir);
	TRY(code);
	if (x.found.n == 0)
		return fail(err, E_NOT_FOUND,
			"no *.jsonl or *.ndjson file, nor one with .gz or .zst behind, in folder %s%s%s", path,
			x.n_left > 0 ? "; it holds " : "", x.left);
	(void)snprintf(n_left, sizeof n_left, "%lld", (long long)x.n_left);
	if (x.n_left > 0 && f->o->lake != NULL && !f->o->quiet)
		log_line(LOG_INFO, "left out of the folder, being no event files", "folder", path, "n", n_left, "names",
			x.left, NULL);
	file_list_sort(&x.found);
	for (size_t i = 0; i < x.found.n; i++) TRY(add_file(f, x.found.items[i].path, err));
	return OK;
}

status flow_inputs_add(struct flow *f, const char *path, struct err *err)
{
	struct stat st;
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) return add_folder(f, path, err);
	if (input_is_stream(path)) return add_stream(f, path, err);
	const char *scheme_end = strstr(path, "://");
	if (scheme_end != NULL && access(path, F_OK) != 0) /* only the scheme is shown: the rest may hold a password */
		return fail(err, E_UNSUPPORTED,
			"unsupported in this version: input from %.*s://; name files or folders",
			(int)(scheme_end - path), path);
	return add_file(f, path, err);
}

status flow_inputs_add_streamed(struct flow *f, const char *part, struct err *err)
{
	if (f->w->folding.stage == NULL)
		return fail(err, E_UNSUPPORTED, "unsupported: workload %s takes nothing that a stream appended",
			f->w->name);
	TRY(table_files_streamed(f->lake, f->w, part, &f->id.inputs, err));
	if (f->id.inputs.n > 0) return OK;
	return fail(err, E_NOT_FOUND, "no stream has appended anything of %s to %s", part, f->w->folding.events);
}

/* White space and byte order marks: no line. Keeps its place in a mark between pieces. */
static bool is_blank(const uint8_t *p, size_t n, size_t *in_mark)
{
	static const uint8_t mark[3] = {0xef, 0xbb, 0xbf};
	for (size_t i = 0; i < n; i++) {
		if (p[i] == mark[*in_mark])
			*in_mark = (*in_mark + 1) % sizeof mark;
		else if (*in_mark > 0 || (p[i] != ' ' && p[i] != '\t' && p[i] != '\r' && p[i] != '\n'))
			return false;
	}
	return true;
}

/* Bytes and hashes of what comes out of it; rows 0: it holds no line. */
static status hash_bytes(struct input *in, struct file_ref *ref, uint8_t *chunk, struct err *err)
{
	struct hash_stream h;
	bool blank = true;
	size_t in_mark = 0, n = 0;
	TRY(hash_stream_init(&h, true, err));
	status code = OK;
	ref->bytes = 0;
	for (;;) {
		code = input_read(in, chunk, INPUT_CHUNK_BYTES, &n, err);
		if (code != OK || n == 0) break;
		hash_stream_add(&h, chunk, n);
		ref->bytes += (int64_t)n;
		blank = blank && is_blank(chunk, n, &in_mark);
		code = cancel_check(err);
		if (code != OK) break;
	}
	if (code == OK) hash_stream_final(&h, ref->xxh128, ref->sha256);
	hash_stream_deinit(&h);
	if (code == OK && blank && in_mark == 0) ref->rows = 0;
	return code;
}

/* Where a stream is kept while the run reads it: it may be large, and the lake's disk has to take it anyway. */
static const char *spool_folder(const struct flow *f)
{
	const char *given = getenv("TMPDIR");
	if (given != NULL && given[0] != '\0') return given;
	return store_is_remote(f->lake) ? "/tmp" : store_uri(f->lake);
}

/* A file of a table of the lake, which never changes: its name may hold its hash. */
static status hash_object(struct flow *f, struct file_ref *ref, struct err *err)
{
	static const uint8_t unknown[XXH128_BYTES];
	uint8_t hash[XXH128_BYTES];
	struct buf bytes;
	buf_init(&bytes, 0);
	status code = store_get(f->lake, ref->path, &bytes, err);
	if (code == OK) {
		hash_xxh128(bytes.p, bytes.n, hash);
		hash_sha256(bytes.p, bytes.n, ref->sha256);
		ref->bytes = (int64_t)bytes.n;
		const bool told = memcmp(ref->xxh128, unknown, sizeof unknown) != 0;
		if (told && memcmp(ref->xxh128, hash, sizeof hash) != 0)
			code = fail(err, E_VERIFY, "changed after it was written; restore it from a copy");
		memcpy(ref->xxh128, hash, sizeof hash);
	}
	buf_deinit(&bytes);
	return err_at(err, code, ref->path, -1, -1);
}

static status hash_input(void *arg, size_t i, int worker, struct err *err)
{
	struct flow *f = arg;
	struct file_ref *ref = &f->id.inputs.items[i];
	struct input_spool *spool = input_spool_find(&f->id.spools, ref->path);
	struct input *in = NULL;
	(void)worker;
	if (strcmp(ref->table, "input") != 0) return hash_object(f, ref, err);
	if (spool != NULL) TRY(input_spool_fill(spool, spool_folder(f), err));
	TRY(input_open(ref->path, &f->id.spools, &in, err));
	uint8_t *chunk = mem_alloc(INPUT_CHUNK_BYTES);
	const status code = chunk != NULL ? hash_bytes(in, ref, chunk, err) : fail_nomem(err);
	mem_free(chunk);
	input_close(in);
	return code;
}

status flow_inputs_hash(struct flow *f, struct err *err)
{
	ASSERT(f->threads > 0);
	return thread_for(f->id.inputs.n, f->threads, hash_input, f, err);
}

bool flow_inputs_blank(const struct flow *f)
{
	if (f->id.inputs.n == 0) return false;
	for (size_t i = 0; i < f->id.inputs.n; i++) {
		if (f->id.inputs.items[i].rows != 0) return false;
	}
	return true;
}
