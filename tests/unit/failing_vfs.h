/* SQLite's files behind a counter: the n-th opening, read, write, cut, sync, look at a size, deletion or map of shared memory fails, once
 * or from then on. Becomes the default of every connection that is opened after failing_vfs_start. */
#ifndef PQR_TEST_FAILING_VFS_H
#define PQR_TEST_FAILING_VFS_H

#include <errno.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

struct failing_file { /* SQLite gives room for both */
	sqlite3_file base;
	sqlite3_file *real;
};

static sqlite3_vfs failing_vfs, *failing_real;
static int64_t vfs_calls, vfs_fails_at, vfs_hits; /* at: from 1; 0 = none */
static bool vfs_fails_on;                         /* all later ones too */

/* The n-th call from now on fails; `on`: and all later ones. */
static inline void vfs_fail_at(int64_t n, bool on)
{
	vfs_calls = vfs_hits = 0;
	vfs_fails_at = n;
	vfs_fails_on = on;
}

static inline bool vfs_must_fail(void)
{
	vfs_calls++;
	const bool fails = vfs_fails_at > 0 && (vfs_fails_on ? vfs_calls >= vfs_fails_at : vfs_calls == vfs_fails_at);
	vfs_hits += fails;
	if (fails) errno = EIO; /* which SQLite asks for after a failure */
	return fails;
}

static inline sqlite3_file *vfs_real(sqlite3_file *f)
{
	return ((struct failing_file *)(void *)f)->real;
}

static int vfs_close(sqlite3_file *f)
{
	sqlite3_file *real = vfs_real(f);
	return real->pMethods != NULL ? real->pMethods->xClose(real) : SQLITE_OK;
}
static int vfs_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
	return vfs_must_fail() ? SQLITE_IOERR_READ : vfs_real(f)->pMethods->xRead(vfs_real(f), p, n, at);
}
static int vfs_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
	return vfs_must_fail() ? SQLITE_IOERR_WRITE : vfs_real(f)->pMethods->xWrite(vfs_real(f), p, n, at);
}
static int vfs_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return vfs_must_fail() ? SQLITE_IOERR_TRUNCATE : vfs_real(f)->pMethods->xTruncate(vfs_real(f), size);
}
static int vfs_sync(sqlite3_file *f, int flags)
{
	return vfs_must_fail() ? SQLITE_IOERR_FSYNC : vfs_real(f)->pMethods->xSync(vfs_real(f), flags);
}
static int vfs_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return vfs_must_fail() ? SQLITE_IOERR_FSTAT : vfs_real(f)->pMethods->xFileSize(vfs_real(f), size);
}
static int vfs_lock(sqlite3_file *f, int how)
{
	return vfs_real(f)->pMethods->xLock(vfs_real(f), how);
}
static int vfs_unlock(sqlite3_file *f, int how)
{
	return vfs_real(f)->pMethods->xUnlock(vfs_real(f), how);
}
static int vfs_reserved(sqlite3_file *f, int *out)
{
	return vfs_real(f)->pMethods->xCheckReservedLock(vfs_real(f), out);
}
static int vfs_control(sqlite3_file *f, int op, void *arg)
{
	return vfs_real(f)->pMethods->xFileControl(vfs_real(f), op, arg);
}
static int vfs_sector(sqlite3_file *f)
{
	return vfs_real(f)->pMethods->xSectorSize(vfs_real(f));
}
static int vfs_device(sqlite3_file *f)
{
	return vfs_real(f)->pMethods->xDeviceCharacteristics(vfs_real(f));
}
static int vfs_shm_map(sqlite3_file *f, int region, int n, int extend, void volatile **out)
{
	if (vfs_must_fail()) return SQLITE_IOERR_SHMMAP;
	return vfs_real(f)->pMethods->xShmMap(vfs_real(f), region, n, extend, out);
}
static int vfs_shm_lock(sqlite3_file *f, int offset, int n, int flags)
{
	return vfs_real(f)->pMethods->xShmLock(vfs_real(f), offset, n, flags);
}
static void vfs_shm_barrier(sqlite3_file *f)
{
	vfs_real(f)->pMethods->xShmBarrier(vfs_real(f));
}
static int vfs_shm_unmap(sqlite3_file *f, int remove)
{
	return vfs_real(f)->pMethods->xShmUnmap(vfs_real(f), remove);
}

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	static const sqlite3_io_methods methods = {2, vfs_close, vfs_read, vfs_write, vfs_truncate, vfs_sync, vfs_size,
		vfs_lock, vfs_unlock, vfs_reserved, vfs_control, vfs_sector, vfs_device, vfs_shm_map, vfs_shm_lock,
		vfs_shm_barrier, vfs_shm_unmap, NULL, NULL};
	struct failing_file *mine = (struct failing_file *)(void *)f;
	(void)vfs;
	mine->base.pMethods = NULL; /* not open: SQLite does not close it */
	mine->real = (sqlite3_file *)(void *)(mine + 1);
	memset(mine->real, 0, (size_t)failing_real->szOsFile);
	if (vfs_must_fail()) return SQLITE_CANTOPEN;
	const int code = failing_real->xOpen(failing_real, name, mine->real, flags, out);
	if (code == SQLITE_OK) mine->base.pMethods = &methods;
	return code;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)vfs;
	return vfs_must_fail() ? SQLITE_IOERR_DELETE : failing_real->xDelete(failing_real, name, sync);
}

static inline void failing_vfs_start(void)
{
	failing_real = sqlite3_vfs_find(NULL);
	failing_vfs = *failing_real;
	failing_vfs.pNext = NULL;
	failing_vfs.zName = "failing";
	failing_vfs.szOsFile = (int)sizeof(struct failing_file) + failing_real->szOsFile;
	failing_vfs.xOpen = vfs_open;
	failing_vfs.xDelete = vfs_delete;
	(void)sqlite3_vfs_register(&failing_vfs, 1);
}
static inline void failing_vfs_stop(void)
{
	(void)sqlite3_vfs_unregister(&failing_vfs);
}

#endif
