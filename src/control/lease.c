/* control/lease.c: who may write into a run. The backend keeps the lease's row; here is how a holder is named, how it is told
 * whether a holder still lives, and the thread that renews. */
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/time.h"
#include "control/control_int.h"

#define HEARTBEAT_SECONDS 5
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

/* ---- heartbeat --------------------------------------------------------------------------------------------------- */

struct control_heartbeat {
	struct control *control;
	struct control_lease lease;
	pthread_t thread;
	pthread_mutex_t lock; /* guards stop */
	pthread_cond_t wake;
	bool stop;
	_Atomic bool lost;
};

static void *heartbeat_main(void *arg)
{
	struct control_heartbeat *h = arg;
	struct timespec at;
	(void)clock_gettime(CLOCK_MONOTONIC, &at);
	(void)pthread_mutex_lock(&h->lock);
	while (!h->stop) {
		at.tv_sec += HEARTBEAT_SECONDS;
		while (!h->stop && pthread_cond_timedwait(&h->wake, &h->lock, &at) != ETIMEDOUT) continue;
		if (h->stop) break;
		(void)pthread_mutex_unlock(&h->lock);
		struct err err;
		err_clear(&err);
		/* A busy or full database may answer next time; only a taken lease is final. */
		if (control_lease_renew(h->control, &h->lease, time_now_us(), &err) == E_BUSY &&
			err.class != ERR_RETRY) {
			atomic_store(&h->lost, true);
			log_line(LOG_ERROR, "lease lost", "run_id", h->lease.run_id, "reason", err.message, NULL);
			return NULL;
		}
		(void)clock_gettime(CLOCK_MONOTONIC, &at);
		(void)pthread_mutex_lock(&h->lock);
	}
	(void)pthread_mutex_unlock(&h->lock);
	return NULL;
}

status control_heartbeat_start(
	const struct control *c, const struct control_lease *l, struct control_heartbeat **out, struct err *err)
{
	struct control_heartbeat *h = mem_zalloc(1, sizeof *h);
	pthread_condattr_t attr;
	if (h == NULL) return fail_nomem(err);
	h->lease = *l;
	const status code = control_open(c->source, &h->control, err);
	if (code != OK) {
		mem_free(h);
		return code;
	}
	(void)pthread_mutex_init(&h->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&h->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	const int rc = pthread_create(&h->thread, NULL, heartbeat_main, h);
	if (rc != 0) {
		control_close(h->control);
		mem_free(h);
		return fail_errno(err, rc, "cannot start the lease's heartbeat");
	}
	*out = h;
	return OK;
}

bool control_heartbeat_lost(const struct control_heartbeat *h)
{
	return atomic_load(&h->lost);
}

void control_heartbeat_stop(struct control_heartbeat *h)
{
	if (h == NULL) return;
	(void)pthread_mutex_lock(&h->lock);
	h->stop = true;
	(void)pthread_cond_signal(&h->wake);
	(void)pthread_mutex_unlock(&h->lock);
	(void)pthread_join(h->thread, NULL);
	(void)pthread_cond_destroy(&h->wake);
	(void)pthread_mutex_destroy(&h->lock);
	control_close(h->control);
	mem_free(h);
}
