/* io/store_local.c: the object store on a directory.
 *
 * Invariants: 1. a name without the temporary prefix holds a whole object; 2. put-if-absent is renameat2(2) with
 * RENAME_NOREPLACE (link(2) where a file system lacks it), which the kernel makes atomic against other creators; 3. a
 * temporary name carries its writer's pid, host and pid name space, so that no two writers have one and a sweep can tell a dead one's
 * from a living one's (elsewhere, where no pid can be looked at, by its age); 4. the kernel tells of
 * bytes that could not be written once, and its cache still shows them: after a sync that failed no later one is believed, and
 * the same bytes put again are written again.
 *
 *   <dir>/.tmp-<pid>-<n>-<host>.<name space>  --write--> --rename--> <dir>/<name>        (put: a rename that replaces)
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/process.h"
#include "base/time.h"
#include "io/store_int.h"

enum { PATH_BYTES_MAX = 4096, WRITE_CHUNK_MAX = 1 << 30, TMP_PLACE_MAX = 96, TMP_ATTEMPTS = 64 };
#define TMP_PREFIX ".tmp-"
/* Older than this, another host's temporary file is taken for left over: far longer than one object takes to write. */
#define TMP_LEFT_AFTER_US (24 * 3600 * US_PER_SECOND)

struct local_store {
	struct store base;
	char *root; /* absolute */
	int root_fd;
	_Atomic int sync_errno; /* of the first sync that failed; 0 = none did */
};

struct local_writer {
	struct store_writer base;
	struct local_store *store;
	int fd;
	bool poisoned;
	char *key;
	char tmp[PATH_BYTES_MAX];
	char path[PATH_BYTES_MAX];
};

struct local_object {
	struct store_object base;
	int fd;
};

static const struct store_ops local_ops;

static status path_of(const struct local_store *s, const char *key, char dst[PATH_BYTES_MAX], struct err *err)
{
	const int n = snprintf(dst, PATH_BYTES_MAX, "%s%s%s", s->root, key[0] != '\0' ? "/" : "", key);
	if (n < 0 || n >= PATH_BYTES_MAX) return fail(err, E_LIMIT, "path over %d bytes: %s", PATH_BYTES_MAX, key);
	return OK;
}

/* mkdir -p of the folder that holds path; path is restored. */
static status make_parents(char *path, struct err *err)
{
	char *slash = strrchr(path, '/');
	if (slash == NULL || slash == path) return OK;
	*slash = '\0';
	status code = OK;
	int rc = mkdir(path, 0777);
	if (rc != 0 && errno == ENOENT) {
		code = make_parents(path, err); /* depth bounded by PATH_BYTES_MAX */
		rc = mkdir(path, 0777);
	}
	if (code == OK && rc != 0 && errno != EEXIST) code = fail_errno(err, errno, "cannot create directory %s", path);
	*slash = '/';
	return code;
}

/* Where a pid means this process and no other: the host and its pid name space. */
static void tmp_place(char dst[TMP_PLACE_MAX])
{
	char host[PROCESS_HOST_MAX], space[PROCESS_NAME_SPACE_MAX];
	process_host(host);
	process_name_space(space);
	(void)snprintf(dst, TMP_PLACE_MAX, "%.64s.%s", host, space + strcspn(space, "0123456789"));
	for (char *p = dst; *p != '\0'; p++) *p = *p == '/' || *p == ']' ? '_' : *p;
}

/* Create a temporary file beside path. *made: its folder had to be made, so that names further up are new too. */
static status tmp_create(char path[PATH_BYTES_MAX], char tmp[PATH_BYTES_MAX], int *fd, bool *made, struct err *err)
{
	static _Atomic uint64_t next; /* of the process: it may have several stores of one folder */
	char place[TMP_PLACE_MAX];
	tmp_place(place);
	*made = false;
	const int dir_n = (int)(strrchr(path, '/') - path);
	for (int attempt = 0; attempt < TMP_ATTEMPTS; attempt++) {
		const int n = snprintf(tmp, PATH_BYTES_MAX, "%.*s/" TMP_PREFIX "%ld-%llu-%s", dir_n, path,
			(long)getpid(), (unsigned long long)atomic_fetch_add(&next, 1), place);
		if (n < 0 || n >= PATH_BYTES_MAX)
			return fail(err, E_LIMIT, "path over %d bytes: %s", PATH_BYTES_MAX, path);
		*fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
		if (*fd >= 0) return OK;
		if (errno == ENOENT) {
			TRY(make_parents(path, err));
			*made = true;
		} else if (
			errno !=
			EEXIST) { /* a name that is there is of a dead process that had our pid, or of nobody we know: the next */
			break;
		}
	}
	return fail_errno(err, errno, "cannot create a file for %s", path);
}

static status write_all(int fd, const void *p, size_t n, const char *path, struct err *err)
{
	const char *from = p;
	while (n > 0) {
		const ssize_t done = write(fd, from, n < WRITE_CHUNK_MAX ? n : WRITE_CHUNK_MAX);
		if (done < 0 && errno == EINTR) continue;
		if (done < 0) return fail_errno(err, errno, "cannot write %s", path);
		from += done;
		n -= (size_t)done;
	}
	return OK;
}

static status read_exact(int fd, int64_t offset, void *dst, size_t n, const char *key, struct err *err)
{
	char *to = dst;
	while (n > 0) {
		const ssize_t got = pread(fd, to, n < WRITE_CHUNK_MAX ? n : WRITE_CHUNK_MAX, offset);
		if (got < 0 && errno == EINTR) continue;
		if (got < 0) return err_at(err, fail_errno_read(err, errno, "cannot read"), key, offset, -1);
		if (got == 0) return fail_at(err, E_CORRUPT, key, offset, -1, "truncated: %zu bytes missing", n);
		to += got;
		offset += got;
		n -= (size_t)got;
	}
	return OK;
}

/* The rest of same_bytes, of a file that is open. */
static status compare_bytes(int fd, const char *path, const void *p, size_t n, bool *same, struct err *err)
{
	struct stat st;
	char chunk[16384];
	if (fstat(fd, &st) != 0) return fail_errno_read(err, errno, "cannot look at %s", path);
	*same = S_ISREG(st.st_mode) && (size_t)st.st_size == n;
	for (size_t at = 0; *same && at < n;) {
		const size_t want = n - at < sizeof chunk ? n - at : sizeof chunk;
		TRY(read_exact(fd, (int64_t)at, chunk, want, path, err));
		*same = memcmp((const char *)p + at, chunk, want) == 0;
		at += want;
	}
	return OK;
}

/* Is the file at path these very bytes? What is there and can't be read is a failure, not other bytes; what went meanwhile is others. */
static status same_bytes(const char *path, const void *p, size_t n, bool *same, struct err *err)
{
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* of a fifo: return, not wait */
	*same = false;
	if (fd < 0) return errno == ENOENT ? OK : fail_errno_read(err, errno, "cannot open %s", path);
	const status code = compare_bytes(fd, path, p, n, same, err);
	(void)close(fd);
	return code;
}

/* Rename without replacing: atomic against other creators, and one directory change where link and unlink are two. false
 * with errno, EEXIST when the name is taken. A file system without it (NFS) gets link(2). */
static bool rename_new(const char *tmp, const char *path)
{
	if (renameat2(AT_FDCWD, tmp, AT_FDCWD, path, RENAME_NOREPLACE) == 0) return true;
	if (errno != EINVAL && errno != ENOSYS) return false;
	if (link(tmp, path) != 0) return false;
	(void)unlink(tmp);
	return true;
}

/* The object was there with the bytes to put: those just written take its place, as its own may have been lost since, and who deletes by
 * age leaves it. */
static status publish_again(const char *tmp, const char *path, struct err *err)
{
	if (rename(tmp, path) == 0) return OK;
	const int errnum = errno;
	(void)unlink(tmp);
	if (errnum == EPERM || errnum == EACCES) return OK; /* somebody else's file, in a folder that protects it */
	return fail_errno(err, errnum, "cannot create %s", path);
}

/* A name that is taken: by the bytes to put, or by others. */
static status publish_taken(const char *tmp, const char *path, struct str bytes, struct err *err)
{
	bool same = false;
	TRY(same_bytes(path, bytes.p, bytes.n, &same, err));
	return same ? publish_again(tmp, path, err) : fail_errno(err, EEXIST, "cannot create %s", path);
}

/* Give the finished temporary file its name; bytes is what it holds. */
static status publish(const char *tmp, const char *path, enum store_put_mode mode, struct str bytes, struct err *err)
{
	if (mode == STORE_REPLACE ? rename(tmp, path) == 0 : rename_new(tmp, path)) return OK;
	const int errnum = errno;
	const status code = errnum == EEXIST ? publish_taken(tmp, path, bytes, err)
					     : fail_errno(err, errnum, "cannot create %s", path);
	if (code != OK) (void)unlink(tmp);
	return code;
}

/* Make the names in the folder of path durable, and in those above it up to the root when `above`. */
static status sync_names(const struct local_store *s, const char *path, bool above, struct err *err)
{
	char folder[PATH_BYTES_MAX];
	(void)snprintf(folder, sizeof folder, "%s", path);
	do {
		*strrchr(folder, '/') = '\0';
		const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0) return fail_errno(err, errno, "cannot open %s", folder);
		const int rc = fsync(fd);
		const int errnum = errno;
		(void)close(fd);
		if (rc != 0) return fail_errno(err, errnum, "cannot make %s durable", path);
	} while (above && strlen(folder) > strlen(s->root));
	return OK;
}

/* Write, and make it durable when it is a commit. */
static status put_bytes(int fd, const void *p, size_t n, enum store_put_mode mode, const char *path, struct err *err)
{
	TRY(write_all(fd, p, n, path, err));
	if (mode == STORE_COMMIT && fsync(fd) != 0) return fail_errno(err, errno, "cannot make %s durable", path);
	/* Start write-back now, so that the stage's one sync finds little left to do. */
	if (mode != STORE_COMMIT) (void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return OK;
}

static status local_put(
	struct store *base, const char *key, const void *p, size_t n, enum store_put_mode mode, struct err *err)
{
	struct local_store *s = (struct local_store *)base;
	char path[PATH_BYTES_MAX];
	char tmp[PATH_BYTES_MAX];
	int fd = -1;
	bool made;
	TRY(path_of(s, key, path, err));
	TRY(tmp_create(path, tmp, &fd, &made, err));
	status code = put_bytes(fd, p, n, mode, path, err);
	if (close(fd) != 0 && code == OK) code = fail_errno(err, errno, "cannot write %s", path);
	if (code != OK) {
		(void)unlink(tmp);
		return code;
	}
	TRY(publish(tmp, path, mode, (struct str){p, n}, err));
	return mode == STORE_COMMIT ? sync_names(s, path, made, err) : OK;
}

static status writer_add(struct store_writer *base, const void *p, size_t n, struct err *err)
{
	struct local_writer *w = (struct local_writer *)base;
	if (w->poisoned) return fail(err, E_IO, "cannot write %s: an earlier write failed", w->path);
	const status code = write_all(w->fd, p, n, w->path, err);
	w->poisoned = code != OK;
	return code;
}

static status open_read(const char *path, int *fd, struct stat *st, struct err *err)
{
	*fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (*fd < 0) return fail_errno_read(err, errno, "cannot open %s", path);
	return fstat(*fd, st) == 0 ? OK : fail_errno_read(err, errno, "cannot look at %s", path);
}

/* fds[2]: opened here, closed by the caller; -1 = not. */
static status compare_files(int fds[2], const char *a, const char *b, bool *same, struct err *err)
{
	struct stat st[2];
	char chunk[2][8192];
	TRY(open_read(a, &fds[0], &st[0], err));
	const status there = open_read(b, &fds[1], &st[1], err);
	if (there == E_NOT_FOUND) return OK; /* gone meanwhile */
	TRY(there);
	*same = S_ISREG(st[1].st_mode) && st[0].st_size == st[1].st_size;
	for (int64_t at = 0; *same && at < st[0].st_size;) {
		const int64_t left = st[0].st_size - at;
		const size_t want = left < (int64_t)sizeof chunk[0] ? (size_t)left : sizeof chunk[0];
		TRY(read_exact(fds[0], at, chunk[0], want, a, err));
		TRY(read_exact(fds[1], at, chunk[1], want, b, err));
		*same = memcmp(chunk[0], chunk[1], want) == 0;
		at += (int64_t)want;
	}
	return OK;
}

static status same_files(const char *a, const char *b, bool *same, struct err *err)
{
	int fds[2] = {-1, -1};
	*same = false;
	const status code = compare_files(fds, a, b, same, err);
	for (int i = 0; i < 2; i++)
		if (fds[i] >= 0) (void)close(fds[i]);
	return code;
}

static status writer_finish(struct store_writer *base, struct err *err)
{
	struct local_writer *w = (struct local_writer *)base;
	if (w->poisoned) return fail(err, E_IO, "cannot finish %s: an earlier write failed", w->path);
	w->poisoned = true;
	(void)sync_file_range(w->fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	const int rc = close(w->fd);
	w->fd = -1;
	if (rc != 0) return fail_errno(err, errno, "cannot write %s", w->path);
	if (rename_new(w->tmp, w->path)) return OK;
	const int errnum = errno;
	bool same = false;
	if (errnum == EEXIST) TRY(same_files(w->tmp, w->path, &same, err));
	return same ? publish_again(w->tmp, w->path, err) : fail_errno(err, errnum, "cannot create %s", w->path);
}

static void writer_destroy(struct store_writer *base)
{
	struct local_writer *w = (struct local_writer *)base;
	if (w->fd >= 0) (void)close(w->fd);
	(void)unlink(w->tmp); /* gone already when it was finished */
	mem_free(w->key);
	mem_free(w);
}

static status local_writer_create(struct store *base, const char *key, struct store_writer **out, struct err *err)
{
	struct local_store *s = (struct local_store *)base;
	struct local_writer *w = mem_zalloc(1, sizeof *w);
	if (w == NULL) return fail_nomem(err);
	w->base = (struct store_writer){writer_add, writer_finish, writer_destroy};
	w->store = s;
	w->fd = -1;
	bool made;
	status code = path_of(s, key, w->path, err);
	if (code == OK) code = tmp_create(w->path, w->tmp, &w->fd, &made, err);
	if (code != OK) {
		mem_free(w);
		return code;
	}
	*out = &w->base;
	return OK;
}

static status object_read_at(struct store_object *base, int64_t offset, void *dst, size_t n, struct err *err)
{
	struct local_object *o = (struct local_object *)base;
	return read_exact(o->fd, offset, dst, n, base->key, err);
}

static void object_close(struct store_object *base)
{
	struct local_object *o = (struct local_object *)base;
	(void)close(o->fd);
	mem_free(base->key);
	mem_free(o);
}

static status local_object_open(struct store *base, const char *key, struct store_object **out, struct err *err)
{
	char path[PATH_BYTES_MAX];
	TRY(path_of((struct local_store *)base, key, path, err));
	const int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* of a fifo: return, not wait */
	if (fd < 0) return fail_errno_read(err, errno, "cannot open %s", path);
	struct stat st;
	errno = 0;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		const int errnum = errno;
		(void)close(fd);
		return errnum != 0 ? fail_errno_read(err, errnum, "cannot look at %s", path)
				   : fail(err, E_IO, "%s is not a regular file: move it out of the way", path);
	}
	struct local_object *o = mem_zalloc(1, sizeof *o);
	char *copy = mem_strdup(key);
	if (o == NULL || copy == NULL) {
		(void)close(fd);
		mem_free(o);
		mem_free(copy);
		return fail_nomem(err);
	}
	o->base = (struct store_object){object_read_at, object_close, copy, st.st_size};
	o->fd = fd;
	*out = &o->base;
	return OK;
}

static status local_size(struct store *base, const char *key, int64_t *out, struct err *err)
{
	char path[PATH_BYTES_MAX];
	struct stat st;
	TRY(path_of((struct local_store *)base, key, path, err));
	if (stat(path, &st) != 0) return fail_errno_read(err, errno, "cannot find %s", path);
	if (!S_ISREG(st.st_mode)) return fail(err, E_IO, "%s is not a regular file: move it out of the way", path);
	*out = st.st_size;
	return OK;
}

/* ---- listing ---- */

typedef status (*walk_file)(void *arg, const char *path, const char *name, struct err *err);

static int not_dots(const struct dirent *e)
{
	return strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0;
}

/* In key order "a/b" sorts by '/' against other bytes, so a folder counts as its name with the slash. */
static int entry_cmp(const struct dirent **a, const struct dirent **b)
{
	char x[300];
	char y[300];
	(void)snprintf(x, sizeof x, "%s%s", (*a)->d_name, (*a)->d_type == DT_DIR ? "/" : "");
	(void)snprintf(y, sizeof y, "%s%s", (*b)->d_name, (*b)->d_type == DT_DIR ? "/" : "");
	return strcmp(x, y);
}

/* Most file systems tell the type with the name; a walk then needs no stat(2) a file. What went meanwhile has none. */
static status entry_type(const char *path, unsigned char told, unsigned char *type, struct err *err)
{
	struct stat st;
	*type = told;
	if (told != DT_UNKNOWN) return OK;
	if (lstat(path, &st) != 0) return errno == ENOENT ? OK : fail_errno_read(err, errno, "cannot look at %s", path);
	*type = S_ISDIR(st.st_mode) ? DT_DIR : S_ISREG(st.st_mode) ? DT_REG : DT_UNKNOWN;
	return OK;
}

struct walking {
	walk_file visit;
	void *arg;
};

static status walk(char path[PATH_BYTES_MAX], const struct walking *w, struct err *err);

static status walk_entry(char path[PATH_BYTES_MAX], const struct dirent *e, const void *arg, struct err *err)
{
	const struct walking *w = arg;
	unsigned char type;
	TRY(entry_type(path, e->d_type, &type, err));
	if (type == DT_DIR) return walk(path, w, err);
	return type == DT_REG ? w->visit(w->arg, path, e->d_name, err) : OK;
}

/* Every entry in the order of `compare`, and path with its name; what is too long a path can't be opened either. */
typedef status (*entry_visit)(char path[PATH_BYTES_MAX], const struct dirent *e, const void *arg, struct err *err);
static status each_entry(
	char path[PATH_BYTES_MAX], struct dirent **entries, int n, entry_visit visit, const void *arg, struct err *err)
{
	const size_t len = strlen(path);
	status code = OK;
	for (int i = 0; i < n; i++) {
		const char *name = entries[i]->d_name;
		if (code == OK && len + 1 + strlen(name) < PATH_BYTES_MAX) {
			(void)snprintf(path + len, PATH_BYTES_MAX - len, "/%s", name);
			code = visit(path, entries[i], arg, err);
			path[len] = '\0';
		}
		free(entries[i]); /* scandir's own memory */
	}
	free(entries);
	return code;
}

/* Depth is bounded by PATH_BYTES_MAX. Symbolic links are not followed. */
static status walk(char path[PATH_BYTES_MAX], const struct walking *w, struct err *err)
{
	struct dirent **entries = NULL;
	const int n = scandir(path, &entries, not_dots, entry_cmp);
	if (n < 0) return errno == ENOENT ? OK : fail_errno_read(err, errno, "cannot list %s", path);
	return each_entry(path, entries, n, walk_entry, w, err);
}

struct list_args {
	const struct local_store *store;
	store_visit visit;
	void *arg;
};

static status list_file(void *arg, const char *path, const char *name, struct err *err)
{
	const struct list_args *a = arg;
	struct stat st;
	if (strncmp(name, TMP_PREFIX, sizeof TMP_PREFIX - 1) == 0) return OK;
	if (lstat(path, &st) != 0) return errno == ENOENT ? OK : fail_errno_read(err, errno, "cannot list %s", path);
	const struct store_entry e = {path + strlen(a->store->root) + 1, st.st_size,
		(int64_t)st.st_mtim.tv_sec * US_PER_SECOND + st.st_mtim.tv_nsec / 1000};
	return a->visit(a->arg, &e, err);
}

static status local_list(struct store *base, const char *prefix, store_visit visit, void *arg, struct err *err)
{
	struct list_args args = {(struct local_store *)base, visit, arg};
	char path[PATH_BYTES_MAX];
	TRY(path_of(args.store, prefix, path, err));
	return walk(path, &(struct walking){list_file, &args}, err);
}

static int name_cmp(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

struct names_args {
	store_name_visit visit;
	void *arg;
};

static status list_name(char path[PATH_BYTES_MAX], const struct dirent *e, const void *arg, struct err *err)
{
	const struct names_args *a = arg;
	unsigned char type;
	if (strncmp(e->d_name, TMP_PREFIX, sizeof TMP_PREFIX - 1) == 0) return OK;
	TRY(entry_type(path, e->d_type, &type, err));
	return type == DT_DIR || type == DT_REG ? a->visit(a->arg, e->d_name, type == DT_DIR, err) : OK;
}

static status local_list_names(
	struct store *base, const char *folder, store_name_visit visit, void *arg, struct err *err)
{
	struct dirent **entries = NULL;
	char path[PATH_BYTES_MAX];
	TRY(path_of((struct local_store *)base, folder, path, err));
	const int n = scandir(path, &entries, not_dots, name_cmp);
	if (n < 0)
		return errno == ENOENT || errno == ENOTDIR ? OK : fail_errno_read(err, errno, "cannot list %s", path);
	return each_entry(path, entries, n, list_name, &(struct names_args){visit, arg}, err);
}

/* Whether the writer of a temporary file is gone. A name without a place is of an earlier version. */
static bool tmp_is_left(const char *path, const char *name)
{
	char place[TMP_PLACE_MAX];
	char *rest;
	struct stat st;
	const long pid = strtol(name + sizeof TMP_PREFIX - 1, &rest, 10);
	if (*rest == '-') (void)strtoull(rest + 1, &rest, 10);
	tmp_place(place);
	if (*rest == '-' && strcmp(rest + 1, place) != 0) {
		return stat(path, &st) == 0 && st.st_mtim.tv_sec * US_PER_SECOND < time_now_us() - TMP_LEFT_AFTER_US;
	}
	return pid <= 0 || (pid != (long)getpid() && kill((pid_t)pid, 0) != 0 && errno == ESRCH);
}

static status sweep_file(void *arg, const char *path, const char *name, struct err *err)
{
	(void)err;
	if (strncmp(name, TMP_PREFIX, sizeof TMP_PREFIX - 1) != 0 || !tmp_is_left(path, name)) return OK;
	if (unlink(path) == 0) *(int64_t *)arg += 1;
	return OK;
}

static status local_sweep(struct store *base, const char *prefix, int64_t *removed, struct err *err)
{
	char path[PATH_BYTES_MAX];
	int64_t n = 0;
	TRY(path_of((struct local_store *)base, prefix, path, err));
	TRY(walk(path, &(struct walking){sweep_file, &n}, err));
	if (removed != NULL) *removed = n;
	return OK;
}

static status local_delete(struct store *base, const char *key, struct err *err)
{
	const struct local_store *s = (struct local_store *)base;
	char path[PATH_BYTES_MAX];
	TRY(path_of(s, key, path, err));
	if (unlink(path) != 0 && errno != ENOENT) return fail_errno(err, errno, "cannot delete %s", path);
	for (char *slash = strrchr(path, '/'); slash != NULL && (size_t)(slash - path) > strlen(s->root);
		slash = strrchr(path, '/')) {
		*slash = '\0';
		if (rmdir(path) != 0) break;
	}
	return OK;
}

static status local_sync(struct store *base, struct err *err)
{
	struct local_store *s = (struct local_store *)base;
	int errnum = atomic_load(&s->sync_errno);
	if (errnum == 0 && syncfs(s->root_fd) == 0) return OK;
	if (errnum == 0) {
		errnum = errno;
		atomic_store(&s->sync_errno, errnum);
	}
	return fail_errno(err, errnum, "cannot make the lake durable: %s", s->root);
}

static void local_close(struct store *base)
{
	struct local_store *s = (struct local_store *)base;
	if (s->root_fd >= 0) (void)close(s->root_fd);
	mem_free(s->root);
	mem_free(s->base.uri);
	mem_free(s);
}

/* What an ordinary user may write. */
static int64_t local_free_bytes(struct store *base)
{
	const struct local_store *s = (const struct local_store *)base;
	struct statvfs fs;
	if (fstatvfs(s->root_fd, &fs) != 0) return -1;
	const uint64_t bytes_max = INT64_MAX, block = fs.f_frsize > 0 ? fs.f_frsize : 1;
	return fs.f_bavail > bytes_max / block ? INT64_MAX : (int64_t)(fs.f_bavail * block);
}

static const struct store_ops local_ops = {
	.close = local_close,
	.put = local_put,
	.writer_create = local_writer_create,
	.object_open = local_object_open,
	.size = local_size,
	.list = local_list,
	.list_names = local_list_names,
	.delete = local_delete,
	.sync = local_sync,
	.sweep = local_sweep,
	.free_bytes = local_free_bytes,
};

status store_local_open(const char *path, struct store **out, struct err *err)
{
	char given[PATH_BYTES_MAX];
	const int n = snprintf(given, sizeof given, "%s/.", path);
	if (n < 0 || n >= PATH_BYTES_MAX) return fail(err, E_LIMIT, "lake path over %d bytes", PATH_BYTES_MAX);
	TRY(make_parents(given, err));
	char *resolved = realpath(path, NULL);
	if (resolved == NULL) return fail_errno(err, errno, "cannot open lake %s", path);
	struct local_store *s = mem_zalloc(1, sizeof *s);
	char *root = mem_strdup(resolved);
	char *uri = mem_strdup(resolved);
	free(resolved); /* realpath's own memory */
	const int fd = root != NULL ? open(root, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	if (s == NULL || root == NULL || uri == NULL || fd < 0) {
		const status code =
			fd < 0 && root != NULL ? fail_errno(err, errno, "cannot open lake %s", path) : fail_nomem(err);
		mem_free(s);
		mem_free(root);
		mem_free(uri);
		if (fd >= 0) (void)close(fd);
		return code;
	}
	s->base = (struct store){.ops = &local_ops, .uri = uri};
	s->root = root;
	s->root_fd = fd;
	*out = &s->base;
	return OK;
}
