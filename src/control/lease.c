/* control/lease.c: who may write into a run: how a holder is named, and how it is told whether a holder still lives.
 *
 * A holder that can't be looked at from here counts as alive: only its lease's end frees the run. Must not know where leases are kept.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/time.h"
#include "control/control_int.h"

enum { STAT_BYTES_MAX = 1024 };

/* Start time of a process in clock ticks since boot: field 22 of /proc/<pid>/stat, proc(5); 0 = no such process, one that
 * ended and was not waited for, or no /proc.
 * The second field is the command in parentheses and may itself hold spaces and parentheses: count from the last ')'. */
static uint64_t process_start(int64_t pid)
{
	char path[64];
	char text[STAT_BYTES_MAX];
	(void)snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
	FILE *f = fopen(path, "re");
	if (f == NULL) return 0;
	const size_t n = fread(text, 1, sizeof text - 1, f);
	(void)fclose(f);
	text[n] = '\0';
	const char *p = strrchr(text, ')');
	if (p != NULL && (strncmp(p, ") Z", 3) == 0 || strncmp(p, ") X", 3) == 0)) return 0;
	for (int field = 2; p != NULL && field < 22; field++) p = strchr(p + 1, ' ');
	return p != NULL ? strtoull(p + 1, NULL, 10) : 0;
}

/* The pid name space: pids of two containers on one host mean different processes. */
static void pid_name_space(char dst[64])
{
	const ssize_t n = readlink("/proc/self/ns/pid", dst, 63);
	dst[n > 0 ? n : 0] = '\0';
}

void control_lease_init(struct control_lease *l, const char *run_id)
{
	char space[64];
	uint8_t random[UUID_BYTES];
	char hex[2 * 8 + 1];
	*l = (struct control_lease){.pid = getpid()};
	(void)snprintf(l->run_id, sizeof l->run_id, "%s", run_id);
	if (gethostname(l->host, sizeof l->host - 1) != 0 || l->host[0] == '\0')
		(void)snprintf(l->host, sizeof l->host, "localhost");
	pid_name_space(space);
	uuid_random(random);
	hex_encode(random, 8, hex);
	(void)snprintf(l->owner, sizeof l->owner, "%s:%lld:%s/%llu/%s", l->host, (long long)l->pid, space,
		(unsigned long long)process_start(l->pid), hex);
}

bool control_lease_alive(const struct control_lease *holder)
{
	struct control_lease me;
	char prefix[LEASE_OWNER_MAX];
	char space[64];
	control_lease_init(&me, holder->run_id);
	if (strcmp(me.host, holder->host) != 0) return true;
	pid_name_space(space);
	const int n = snprintf(prefix, sizeof prefix, "%s:%lld:%s/", holder->host, (long long)holder->pid, space);
	if (n < 0 || (size_t)n >= sizeof prefix || strncmp(holder->owner, prefix, (size_t)n) != 0) return true;
	if (kill((pid_t)holder->pid, 0) != 0 && errno == ESRCH) return false;
	/* The pid lives, but is it still that process? */
	return process_start(holder->pid) == strtoull(holder->owner + n, NULL, 10);
}

status control_lease_refuse(const struct control_lease *holder, struct err *err)
{
	char since[TIME_RFC3339_CHARS];
	char until[TIME_RFC3339_CHARS];
	time_format(holder->since, since);
	time_format(holder->expires, until);
	return fail(err, E_BUSY,
		"run %s is held by process %lld on %s since %.19sZ (its lease ends at %.19sZ unless renewed); wait for "
		"it, or stop it",
		holder->run_id, (long long)holder->pid, holder->host, since, until);
}
