/* base/process.c: host and pid name space of this process, as the kernel tells them. */
#include "base/process.h"

#include <stdio.h>
#include <unistd.h>

void process_host(char dst[PROCESS_HOST_MAX])
{
	if (gethostname(dst, PROCESS_HOST_MAX - 1) != 0 || dst[0] == '\0') {
		(void)snprintf(dst, PROCESS_HOST_MAX, "localhost");
	}
	dst[PROCESS_HOST_MAX - 1] = '\0'; /* a name that was cut need not end */
}

void process_name_space(char dst[PROCESS_NAME_SPACE_MAX])
{
	const ssize_t n = readlink("/proc/self/ns/pid", dst, PROCESS_NAME_SPACE_MAX - 1);
	dst[n > 0 ? n : 0] = '\0';
}
