/* A syncfs in place of libc's: the n-th one says, once, that what was written is lost. */
#ifndef PQR_TEST_FAILING_SYNC_H
#define PQR_TEST_FAILING_SYNC_H

#include <errno.h>
#include <unistd.h>

static int syncs, fail_at_sync;
int syncfs(int fd)
{
	(void)fd;
	if (++syncs != fail_at_sync) return 0;
	errno = EIO;
	return -1;
}

#endif
