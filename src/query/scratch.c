/* query/scratch.c: a query's folder below TMPDIR, for what DuckDB writes under names of its own.
 *
 * Its owner holds a lock on it, which ends with the process however that ends; so who opens the next one removes the folders that
 * nobody holds. Only this user can look into it.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "query/query_int.h"

#define PREFIX "pqr-sql-"
enum { OPEN_TRIES = 5, DEPTH_FDS = 8 };

static int drop(const char *path, const struct stat *st, int kind, struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	(void)remove(path); /* what stays is tried again by the next */
	return 0;
}

static void remove_tree(const char *folder)
{
	(void)nftw(folder, drop, DEPTH_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}

static int lock_folder(const char *folder, int how)
{
	struct stat st;
	const int fd = open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) return -1;
	int locked;
	do locked = flock(fd, how);
	while (locked != 0 && errno == EINTR);
	if (locked == 0 && fstat(fd, &st) == 0 && st.st_uid == geteuid() && st.st_nlink > 0) return fd;
	(void)close(fd);
	return -1;
}

static void sweep(const char *base)
{
	DIR *d = opendir(base);
	if (d == NULL) return;
	for (const struct dirent *e; (e = readdir(d)) != NULL;) {
		char folder[SCRATCH_FOLDER_MAX];
		if (strncmp(e->d_name, PREFIX, sizeof PREFIX - 1) != 0) continue;
		const int n = snprintf(folder, sizeof folder, "%s/%s", base, e->d_name);
		const int fd = n > 0 && (size_t)n < sizeof folder ? lock_folder(folder, LOCK_EX | LOCK_NB) : -1;
		if (fd < 0) continue;
		remove_tree(folder);
		(void)close(fd);
	}
	(void)closedir(d);
}

status scratch_open(struct scratch *s, struct err *err)
{
	const char *given = getenv("TMPDIR");
	const char *base = given != NULL && given[0] != '\0' ? given : "/tmp";
	s->fd = -1;
	sweep(base);
	for (int attempt = 0; s->fd < 0 && attempt < OPEN_TRIES; attempt++) {
		(void)snprintf(s->folder, sizeof s->folder, "%.400s/" PREFIX "XXXXXX", base);
		if (mkdtemp(s->folder) == NULL) {
			const int failed = errno;
			const status code = fail_errno(err, failed, "cannot make the folder %s", s->folder);
			s->folder[0] = '\0';
			return code;
		}
		s->fd = lock_folder(s->folder, LOCK_EX); /* fails when another's sweep was faster */
	}
	if (s->fd >= 0) return OK;
	(void)rmdir(s->folder);
	s->folder[0] = '\0';
	return fail(err, E_IO, "cannot lock a folder in %s: set TMPDIR to a file system that can", base);
}

void scratch_close(struct scratch *s)
{
	if (s->folder[0] == '\0') return;
	remove_tree(s->folder);
	(void)close(s->fd);
	s->folder[0] = '\0';
}
