/* app/post.c: a queue, a thread, and what becomes of a document.
 *
 *   delivered: any 2xx      refused: any other answer but 429 and 5xx: it is lost, the next one goes out
 *   failed: 429, 5xx or no answer: it is tried again after a pause that doubles, behind which the queue fills up
 *
 * Invariants: 1. `lock` guards all members below it; 2. the thread alone takes documents away, and holds none while it waits; 3. once
 * `hurry` is set nothing more is tried, so the thread ends after the call under way, which post_close takes back.
 */
#include "app/post.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/time.h"
#include "io/config/config.h"
#include "io/http.h"

enum {
	DOCUMENTS_MAX = 1024,
	CONNECT_TIMEOUT_MS = 2000,
	CALL_TIMEOUT_MS = 5000,
	WHY_CHARS_MAX = 240,
	ANSWER_CHARS_MAX = 200
};
static const size_t bytes_max = 16 << 20;
static const int64_t linger_us = 1000000, quick_us = 250000, pause_first_us = 250000, pause_max_us = 30000000;

struct document {
	struct document *next;
	size_t n;
	char text[];
};

struct post {
	char *what, *url;
	char *headers[POST_HEADERS_MAX];
	size_t n_headers;
	struct http_pool *pool; /* NULL: a file */
	pthread_t thread;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct document *first, **last;
	size_t n, bytes;
	struct http_call *under_way;
	bool closing, hurry, ended;
	int64_t pause_us; /* > 0: the last attempt failed */
	bool hopeless; /* and took long, or came after the others had ended: there is no time for another when closing */
	int64_t silent_since; /* no answer of any kind since then; 0: the last call had one, or there was none */
	int64_t sent, lost;
	char why[WHY_CHARS_MAX]; /* the newest failure */
};

static struct timespec at_mono(int64_t us)
{
	return (struct timespec){.tv_sec = us / US_PER_SECOND, .tv_nsec = us % US_PER_SECOND * 1000};
}

/* ---- one document (lock not held) -------------------------------------------------------------------------------------- */

enum outcome { DELIVERED, REFUSED, FAILED };

static bool is_file(const char *url)
{
	return strncmp(url, "file:", 5) == 0;
}

static enum outcome append(const struct post *p, const struct document *d, char why[WHY_CHARS_MAX])
{
	struct err err;
	const char *path = p->url + 5;
	if (strncmp(path, "//", 2) == 0) path += 2;
	err_clear(&err);
	const int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	status code = fd < 0 ? fail_errno(&err, errno, "cannot open") : file_write(fd, d->text, d->n, &err);
	if (fd >= 0 && close(fd) != 0 && code == OK) code = fail_errno(&err, errno, "cannot write");
	(void)snprintf(why, WHY_CHARS_MAX, "%.*s", WHY_CHARS_MAX - 1, err.message);
	return code == OK ? DELIVERED : REFUSED;
}

static enum outcome judge(const struct http_call *c, const struct buf *answer, char why[WHY_CHARS_MAX])
{
	if (c->failure != HTTP_ANSWERED) {
		(void)snprintf(why, WHY_CHARS_MAX, "%s", c->reason);
		return FAILED;
	}
	if (c->status / 100 == 2) return DELIVERED;
	(void)snprintf(why, WHY_CHARS_MAX, "answered %d: %.*s", c->status,
		(int)(answer->n < ANSWER_CHARS_MAX ? answer->n : ANSWER_CHARS_MAX),
		answer->n > 0 ? (const char *)answer->p : "");
	return c->status == 429 || c->status / 100 == 5 ? FAILED : REFUSED;
}

static void set_under_way(struct post *p, struct http_call *c)
{
	(void)pthread_mutex_lock(&p->lock);
	p->under_way = c;
	if (c != NULL && p->hurry) http_cancel(p->pool, c);
	(void)pthread_mutex_unlock(&p->lock);
}

static enum outcome deliver(struct post *p, const struct document *d, char why[WHY_CHARS_MAX])
{
	struct buf answer;
	if (p->pool == NULL) return append(p, d, why);
	buf_init(&answer, ANSWER_CHARS_MAX);
	struct http_call call = {
		.method = "POST",
		.url = p->url,
		.headers = (const char *const *)p->headers,
		.n_headers = p->n_headers,
		.body = d->text,
		.body_n = d->n - 1, /* the newline is a file's */
		.text = &answer,
		.timeout_ms = CALL_TIMEOUT_MS,
	};
	http_start(p->pool, &call);
	set_under_way(p, &call);
	http_wait(p->pool, &call);
	set_under_way(p, NULL);
	const enum outcome outcome = judge(&call, &answer, why);
	buf_deinit(&answer);
	return outcome;
}

/* ---- the thread (lock held but in deliver) ----------------------------------------------------------------------------- */

static void drop_first(struct post *p, bool sent)
{
	struct document *d = p->first;
	p->first = d->next;
	if (p->first == NULL) p->last = &p->first;
	p->n--;
	p->bytes -= d->n;
	if (sent)
		p->sent++;
	else
		p->lost++;
	mem_free(d);
}

/* Once nobody adds any more, what failed is tried once again, if that is quick. */
static bool gives_up(const struct post *p)
{
	return p->hurry || (p->closing && p->pause_us > 0 && p->hopeless);
}

/* false: all is done that will be. */
static bool await(struct post *p)
{
	while (p->first == NULL && !p->closing) (void)pthread_cond_wait(&p->changed, &p->lock);
	const struct timespec until = at_mono(time_mono_us() + p->pause_us);
	while (p->pause_us > 0 && !p->closing && pthread_cond_timedwait(&p->changed, &p->lock, &until) != ETIMEDOUT) {}
	while (p->first != NULL && gives_up(p)) drop_first(p, false);
	return p->first != NULL || !p->closing;
}

static void *post_main(void *arg)
{
	struct post *p = arg;
	(void)pthread_mutex_lock(&p->lock);
	while (await(p)) {
		char why[WHY_CHARS_MAX] = "";
		if (p->first == NULL) continue;
		const struct document *d = p->first;
		const bool last = p->closing;
		const int64_t began = time_mono_us();
		if (p->silent_since == 0) p->silent_since = began;
		(void)pthread_mutex_unlock(&p->lock);
		const enum outcome outcome = deliver(p, d, why);
		(void)pthread_mutex_lock(&p->lock);
		const bool quick = time_mono_us() - began <= quick_us;
		p->hopeless = last || !quick;
		if (quick || outcome != FAILED) p->silent_since = 0;
		if (outcome != DELIVERED) memcpy(p->why, why, sizeof why);
		if (outcome != FAILED) drop_first(p, outcome == DELIVERED);
		const int64_t longer = p->pause_us > 0 ? 2 * p->pause_us : pause_first_us;
		p->pause_us = outcome != FAILED ? 0 : longer < pause_max_us ? longer : pause_max_us;
	}
	p->ended = true;
	(void)pthread_cond_broadcast(&p->changed);
	(void)pthread_mutex_unlock(&p->lock);
	return NULL;
}

/* ---- its owner --------------------------------------------------------------------------------------------------------- */

static void post_free(struct post *p)
{
	http_pool_destroy(p->pool);
	for (size_t i = 0; i < p->n_headers; i++) mem_free(p->headers[i]);
	mem_free(p->what);
	mem_free(p->url);
	(void)pthread_cond_destroy(&p->changed);
	(void)pthread_mutex_destroy(&p->lock);
	mem_free(p);
}

static status post_fill(struct post *p, const struct post_target *t, struct err *err)
{
	static const struct http_opts opts = {
		.connect_timeout_ms = CONNECT_TIMEOUT_MS, .stall_timeout_s = 5, .calls_max = 1};
	pthread_condattr_t attr;
	p->last = &p->first;
	(void)pthread_mutex_init(&p->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&p->changed, &attr);
	(void)pthread_condattr_destroy(&attr);
	p->what = mem_strdup(t->what);
	p->url = mem_strdup(t->url);
	if (p->what == NULL || p->url == NULL) return fail_nomem(err);
	for (; p->n_headers < t->n_headers; p->n_headers++) {
		p->headers[p->n_headers] = mem_strdup(t->headers[p->n_headers]);
		if (p->headers[p->n_headers] == NULL) return fail_nomem(err);
	}
	if (!is_file(t->url)) TRY(http_pool_create(&opts, &p->pool, err));
	const int rc = pthread_create(&p->thread, NULL, post_main, p);
	return rc == 0 ? OK : fail_errno(err, rc, "cannot start a thread to send %s", t->what);
}

status post_open(const struct post_target *target, struct post **out, struct err *err)
{
	ASSERT(target->n_headers <= POST_HEADERS_MAX);
	if (!is_file(target->url) && strncmp(target->url, "http://", 7) != 0 &&
		strncmp(target->url, "https://", 8) != 0)
		return fail(err, E_USAGE, "%s go to http://HOST:PORT, https://HOST or file:PATH", target->what);
	struct post *p = mem_zalloc(1, sizeof *p);
	if (p == NULL) return fail_nomem(err);
	const status code = post_fill(p, target, err);
	if (code != OK)
		post_free(p);
	else
		*out = p;
	return code;
}

void post_add(struct post *p, const struct buf *document)
{
	struct document *d = document->failed ? NULL : mem_alloc(sizeof *d + document->n + 1);
	if (d != NULL) {
		d->next = NULL;
		d->n = document->n + 1;
		if (document->n > 0) memcpy(d->text, document->p, document->n);
		d->text[document->n] = '\n';
	}
	(void)pthread_mutex_lock(&p->lock);
	const bool room = d != NULL && p->n < DOCUMENTS_MAX && p->bytes + d->n <= bytes_max;
	if (room) {
		*p->last = d;
		p->last = &d->next;
		p->n++;
		p->bytes += d->n;
		(void)pthread_cond_broadcast(&p->changed);
	} else {
		p->lost++;
	}
	(void)pthread_mutex_unlock(&p->lock);
	if (!room) mem_free(d);
}

static void tell_lost(const struct post *p)
{
	char lost[24], sent[24], url[256], what[128];
	if (p->lost == 0) return;
	(void)snprintf(lost, sizeof lost, "%lld", (long long)p->lost);
	(void)snprintf(sent, sizeof sent, "%lld", (long long)p->sent);
	(void)snprintf(what, sizeof what, "some %.80s were not delivered", p->what);
	log_line(LOG_WARN, what, "lost", lost, "delivered", sent, "to",
		config_uri_redact(str_of(p->url), url, sizeof url), "why", p->why[0] != '\0' ? p->why : "no time left",
		NULL);
}

void post_close(struct post *p)
{
	if (p == NULL) return;
	(void)pthread_mutex_lock(&p->lock);
	/* Who has been silent that long already is not waited for. */
	const struct timespec until = at_mono((p->silent_since > 0 ? p->silent_since : time_mono_us()) + linger_us);
	p->closing = true;
	(void)pthread_cond_broadcast(&p->changed);
	while (!p->ended && pthread_cond_timedwait(&p->changed, &p->lock, &until) != ETIMEDOUT) {}
	p->hurry = true;
	if (p->under_way != NULL) http_cancel(p->pool, p->under_way);
	(void)pthread_mutex_unlock(&p->lock);
	(void)pthread_join(p->thread, NULL);
	tell_lost(p);
	post_free(p);
}
