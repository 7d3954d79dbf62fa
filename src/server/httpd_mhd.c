/* server/httpd_mhd.c: the port of httpd.h over libmicrohttpd.
 *
 *   epoll threads: request line -> exchange made -> headers -> body -> answer, or queue it and suspend the connection
 *   slow threads:  take from the queue -> answer -> resume the connection, whose thread sends the answer
 *
 * Invariants: 1. an exchange is one thread's at a time: its connection's, or, suspended, a slow one's. 2. a suspended connection is
 * resumed exactly once before the daemon is stopped. 3. the library closes sockets; this file only shuts them down, while it knows by the
 * list of connections, under its lock, that they are open.
 * The library's own limit of a connection's memory answers 414 and 431 to what is too long.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <microhttpd.h>
#include <netdb.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/time.h"
#include "server/httpd.h"

enum {
	CONNECTION_BYTES = 32 << 10, /* of the library for a connection: what it received, and its headers */
	BACKLOG = 1024,
	SLOW_QUEUE_MAX = 64, /* requests that wait for a slow thread */
	SLOW_THREADS_MAX = 16,
	LISTENERS_MAX = 256,   /* to events; each holds a connection */
	NEWS_BYTES = 64 << 10, /* that one may lag behind */
};

struct connection {
	struct connection *next, *previous;
	int fd;
	bool busy;     /* a request was read whole and is not answered yet */
	int64_t since; /* it began to wait for a request */
};

/* Who listens to events: its connection is suspended while there is nothing new for it. */
struct listener {
	struct listener *next, *previous;
	struct httpd *httpd;
	struct MHD_Connection *mhd;
	uint64_t at; /* what of the news it has */
	bool waits;  /* suspended */
};

struct exchange {
	struct exchange *next; /* in the slow queue */
	struct httpd *httpd;
	struct MHD_Connection *mhd;
	struct connection *connection;
	struct arena arena;
	struct request request;
	struct response response;
	struct request_header headers[REQUEST_HEADERS_MAX];
	size_t header_bytes;
	struct buf body;
	bool begun, busy, answered;
	int refused; /* a status, before it is read whole; 0: none */
};

struct httpd {
	struct httpd_opts o;
	struct MHD_Daemon *daemon;
	int port;
	bool loopback;
	pthread_mutex_t lock;           /* guards what follows */
	pthread_cond_t queued, drained; /* a slow thread has work, or stops; no request is under way */
	struct connection *connections;
	struct exchange *first, *last; /* the slow queue */
	size_t n_queued, n_busy;       /* n_busy: exchanges */
	bool stopping;
	struct listener *listeners;
	size_t n_listeners;
	char news[NEWS_BYTES]; /* a ring: byte i of all that was told is news[i % NEWS_BYTES] */
	uint64_t told;
	bool silent; /* events end */
	pthread_t slow[SLOW_THREADS_MAX];
	int n_slow;
};

/* ---- exchanges ---- */

static void exchange_destroy(struct exchange *x)
{
	response_deinit(&x->response);
	buf_deinit(&x->body);
	arena_deinit(&x->arena);
	mem_free(x);
}

/* The request line was read. What it returns is the exchange of every later call. */
static void *on_target(void *arg, const char *target, struct MHD_Connection *mhd)
{
	struct exchange *x = mem_zalloc(1, sizeof *x);
	if (x == NULL) return NULL;
	x->httpd = arg;
	x->mhd = mhd;
	arena_init(&x->arena, 0);
	buf_init(&x->body, REQUEST_BODY_MAX);
	response_init(&x->response, &x->arena);
	x->request.arena = &x->arena;
	const size_t n = strlen(target);
	const char *copy = n <= REQUEST_TARGET_MAX ? arena_strndup(&x->arena, target, n) : NULL;
	if (copy != NULL)
		request_target_set(&x->request, (struct str){copy, n});
	else
		x->refused = n > REQUEST_TARGET_MAX ? 414 : 503;
	return x;
}

static enum MHD_Result on_header(
	void *arg, enum MHD_ValueKind kind, const char *name, size_t name_n, const char *value, size_t value_n)
{
	struct exchange *x = arg;
	(void)kind;
	x->header_bytes += name_n + value_n;
	if (x->request.n_headers == REQUEST_HEADERS_MAX || x->header_bytes > REQUEST_HEADER_BYTES_MAX) {
		x->refused = 431;
		return MHD_NO;
	}
	x->headers[x->request.n_headers++] =
		(struct request_header){{name, name_n}, {value != NULL ? value : "", value != NULL ? value_n : 0}};
	return MHD_YES;
}

static enum request_method method_of(const char *method)
{
	if (strcmp(method, "GET") == 0) return REQUEST_GET;
	if (strcmp(method, "HEAD") == 0) return REQUEST_HEAD;
	return strcmp(method, "POST") == 0 ? REQUEST_POST : REQUEST_OTHER;
}

/* ---- answers ---- */

static void free_body(void *p)
{
	mem_free(p);
}

static struct MHD_Response *response_of(struct response *r)
{
	const struct str body = response_body(r);
	if (r->borrowed.p != NULL || body.n == 0)
		return MHD_create_response_from_buffer(
			body.n, (void *)(uintptr_t)(body.n > 0 ? body.p : ""), MHD_RESPMEM_PERSISTENT);
	struct MHD_Response *made = MHD_create_response_from_buffer_with_free_callback(body.n, r->body.p, free_body);
	if (made != NULL) buf_init(&r->body, 0); /* it is the library's now */
	return made;
}

/* ---- events ---- */

/* The connection's thread asks for more. */
static ssize_t read_news(void *arg, uint64_t position, char *dst, size_t n)
{
	struct listener *l = arg;
	struct httpd *h = l->httpd;
	ssize_t given = 0;
	(void)position;
	(void)pthread_mutex_lock(&h->lock);
	if (h->silent || h->told - l->at > NEWS_BYTES) { /* it was too slow: it asks again, and knows what it missed */
		given = MHD_CONTENT_READER_END_OF_STREAM;
	} else if (h->told == l->at) {
		MHD_suspend_connection(l->mhd);
		l->waits = true;
	} else {
		for (; l->at < h->told && (size_t)given < n; l->at++) dst[given++] = h->news[l->at % NEWS_BYTES];
	}
	(void)pthread_mutex_unlock(&h->lock);
	return given;
}

static void forget_listener(void *arg)
{
	struct listener *l = arg;
	struct httpd *h = l->httpd;
	(void)pthread_mutex_lock(&h->lock);
	if (l->next != NULL) l->next->previous = l->previous;
	*(l->previous != NULL ? &l->previous->next : &h->listeners) = l->next;
	h->n_listeners--;
	(void)pthread_mutex_unlock(&h->lock);
	mem_free(l);
}

/* NULL: there are too many. */
static struct MHD_Response *listen_to_news(struct exchange *x)
{
	struct httpd *h = x->httpd;
	struct listener *l = mem_zalloc(1, sizeof *l);
	if (l == NULL) return NULL;
	*l = (struct listener){.httpd = h, .mhd = x->mhd};
	(void)pthread_mutex_lock(&h->lock);
	const bool room = h->n_listeners < LISTENERS_MAX && !h->silent;
	if (room) {
		l->at = h->told;
		l->next = h->listeners;
		if (l->next != NULL) l->next->previous = l;
		h->listeners = l;
		h->n_listeners++;
	}
	(void)pthread_mutex_unlock(&h->lock);
	struct MHD_Response *made = NULL;
	if (room) made = MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, 4096, read_news, l, forget_listener);
	if (room && made == NULL)
		forget_listener(l);
	else if (!room)
		mem_free(l);
	return made;
}

/* Under the lock. */
static void wake_listeners(struct httpd *h)
{
	for (struct listener *l = h->listeners; l != NULL; l = l->next) {
		if (!l->waits) continue;
		l->waits = false;
		MHD_resume_connection(l->mhd);
	}
}

bool httpd_has_listeners(struct httpd *h)
{
	(void)pthread_mutex_lock(&h->lock);
	const bool any = h->listeners != NULL;
	(void)pthread_mutex_unlock(&h->lock);
	return any;
}

void httpd_tell(struct httpd *h, struct str text)
{
	(void)pthread_mutex_lock(&h->lock);
	for (size_t i = 0; i < text.n; i++) h->news[h->told++ % NEWS_BYTES] = text.p[i];
	if (text.n > 0) wake_listeners(h);
	(void)pthread_mutex_unlock(&h->lock);
}

static enum MHD_Result send_answer(struct exchange *x)
{
	struct response *r = &x->response;
	struct MHD_Response *made = r->events ? listen_to_news(x) : NULL;
	if (r->events && made == NULL) response_problem(r, 503, "too many listen to events already");
	if (made == NULL) made = response_of(r);
	if (made == NULL) return MHD_NO;
	if (r->type != NULL) (void)MHD_add_response_header(made, "Content-Type", r->type);
	for (size_t i = 0; i < r->n_headers; i++)
		(void)MHD_add_response_header(made, r->headers[i].name, r->headers[i].value);
	const enum MHD_Result sent = MHD_queue_response(x->mhd, (unsigned)r->status, made);
	MHD_destroy_response(made);
	return sent;
}

/* ---- what takes long ---- */

/* Suspended, the exchange is its slow thread's; where too many wait it is answered at once. */
static enum MHD_Result enqueue(struct httpd *h, struct exchange *x)
{
	MHD_suspend_connection(x->mhd);
	(void)pthread_mutex_lock(&h->lock);
	const bool room = h->n_queued < SLOW_QUEUE_MAX && !h->stopping;
	if (room) {
		if (h->last != NULL)
			h->last->next = x;
		else
			h->first = x;
		h->last = x;
		h->n_queued++;
		(void)pthread_cond_signal(&h->queued);
	}
	(void)pthread_mutex_unlock(&h->lock);
	if (room) return MHD_YES;
	response_problem(&x->response, 503, "too many requests that take long are waiting; try again");
	x->answered = true;
	MHD_resume_connection(x->mhd);
	return MHD_YES;
}

static struct exchange *dequeue(struct httpd *h)
{
	(void)pthread_mutex_lock(&h->lock);
	while (h->first == NULL && !h->stopping) (void)pthread_cond_wait(&h->queued, &h->lock);
	struct exchange *x = h->first;
	if (x != NULL) {
		h->first = x->next;
		if (h->first == NULL) h->last = NULL;
		h->n_queued--;
	}
	(void)pthread_mutex_unlock(&h->lock);
	return x;
}

static void *slow_main(void *arg)
{
	struct httpd *h = arg;
	for (struct exchange *x; (x = dequeue(h)) != NULL;) {
		h->o.answer(h->o.arg, &x->request, &x->response);
		x->answered = true;
		MHD_resume_connection(x->mhd);
	}
	return NULL;
}

/* ---- requests ---- */

static void set_busy(struct exchange *x)
{
	struct httpd *h = x->httpd;
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	x->connection = info != NULL ? info->socket_context : NULL;
	(void)pthread_mutex_lock(&h->lock);
	if (x->connection != NULL) x->connection->busy = true;
	x->busy = true;
	h->n_busy++;
	(void)pthread_mutex_unlock(&h->lock);
}

static enum MHD_Result begin(struct exchange *x, const char *method)
{
	x->begun = true;
	x->request.method = method_of(method);
	x->request.headers = x->headers;
	(void)MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, on_header, x);
	if (x->refused == 0) return MHD_YES;
	/* Early: the library closes the connection after it. */
	response_problem(&x->response, x->refused, "the address or the headers are longer than a request may have");
	return send_answer(x);
}

static enum MHD_Result answer(struct exchange *x)
{
	struct httpd *h = x->httpd;
	if (x->body.failed) {
		response_problem(&x->response, 413, "the body is longer than a request may have");
		return send_answer(x);
	}
	if (x->answered) return send_answer(x);
	x->request.body = (struct str){(const char *)x->body.p, x->body.n};
	set_busy(x);
	if (h->o.is_slow(h->o.arg, &x->request)) return enqueue(h, x);
	h->o.answer(h->o.arg, &x->request, &x->response);
	return send_answer(x);
}

static enum MHD_Result on_request(void *arg, struct MHD_Connection *mhd, const char *url, const char *method,
	const char *version, const char *data, size_t *data_n, void **context)
{
	struct exchange *x = *context;
	(void)arg;
	(void)mhd;
	(void)url;
	(void)version;
	if (x == NULL) return MHD_NO;
	if (!x->begun) return begin(x, method);
	if (*data_n > 0) {
		buf_add(&x->body, data, *data_n);
		*data_n = 0;
		return MHD_YES;
	}
	return answer(x);
}

static void on_completed(void *arg, struct MHD_Connection *mhd, void **context, enum MHD_RequestTerminationCode how)
{
	struct httpd *h = arg;
	struct exchange *x = *context;
	(void)mhd;
	(void)how;
	if (x == NULL) return;
	*context = NULL;
	(void)pthread_mutex_lock(&h->lock);
	if (x->connection != NULL) {
		x->connection->busy = false;
		x->connection->since = time_mono_us();
	}
	if (x->busy) {
		ASSERT(h->n_busy > 0);
		if (--h->n_busy == 0) (void)pthread_cond_signal(&h->drained);
	}
	(void)pthread_mutex_unlock(&h->lock);
	exchange_destroy(x);
}

/* ---- connections ---- */

static void on_connection(
	void *arg, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode how)
{
	struct httpd *h = arg;
	struct connection *c = *context;
	(void)pthread_mutex_lock(&h->lock);
	if (how == MHD_CONNECTION_NOTIFY_STARTED && (c = mem_zalloc(1, sizeof *c)) != NULL) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		c->fd = info != NULL ? info->connect_fd : -1;
		c->since = time_mono_us();
		c->next = h->connections;
		if (c->next != NULL) c->next->previous = c;
		h->connections = c;
		*context = c;
	} else if (how == MHD_CONNECTION_NOTIFY_CLOSED && c != NULL) {
		if (c->next != NULL) c->next->previous = c->previous;
		*(c->previous != NULL ? &c->previous->next : &h->connections) = c->next;
		*context = NULL;
		mem_free(c);
	}
	(void)pthread_mutex_unlock(&h->lock);
}

/* The library's own limit starts again with each byte: a request in drops would hold its connection for ever. */
void httpd_tick(struct httpd *h)
{
	const int64_t latest = time_mono_us() - (int64_t)h->o.timeout_s * US_PER_SECOND;
	(void)pthread_mutex_lock(&h->lock);
	for (struct connection *c = h->connections; c != NULL; c = c->next)
		if (!c->busy && c->since < latest && c->fd >= 0) (void)shutdown(c->fd, SHUT_RDWR);
	(void)pthread_mutex_unlock(&h->lock);
}

/* ---- listening ---- */

static void cut(const char *listen, char host[256], char port[16])
{
	const char *colon = strrchr(listen, ':');
	size_t n = colon != NULL ? (size_t)(colon - listen) : 0;
	const bool brackets = n >= 2 && listen[0] == '[' && listen[n - 1] == ']';
	(void)snprintf(host, 256, "%.*s", (int)(brackets ? n - 2 : n), listen + brackets);
	(void)snprintf(port, 16, "%s", colon != NULL ? colon + 1 : "");
}

static int open_socket(const struct addrinfo *a)
{
	const int on = 1;
	const int fd = socket(a->ai_family, a->ai_socktype | SOCK_NONBLOCK | SOCK_CLOEXEC, a->ai_protocol);
	if (fd < 0) return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
	if (bind(fd, a->ai_addr, a->ai_addrlen) == 0 && listen(fd, BACKLOG) == 0) return fd;
	const int errnum = errno;
	(void)close(fd);
	errno = errnum;
	return -1;
}

static status listen_at(const char *address, int *out, struct err *err)
{
	char host[256];
	char port[16];
	struct addrinfo *found = NULL;
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM};
	cut(address, host, port);
	const int rc = getaddrinfo(host[0] != '\0' ? host : NULL, port, &hints, &found);
	if (rc != 0) return fail(err, E_USAGE, "cannot listen at %s: %s", address, gai_strerror(rc));
	int fd = -1;
	for (const struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next) fd = open_socket(a);
	const int errnum = errno;
	freeaddrinfo(found);
	if (fd < 0 && errnum == EADDRINUSE)
		return fail(err, E_IO, "cannot listen at %s: another program does; choose another port", address);
	if (fd < 0) return fail_errno(err, errnum, "cannot listen at %s", address);
	*out = fd;
	return OK;
}

static void look_at(struct httpd *h, int fd)
{
	struct sockaddr_storage a;
	socklen_t n = sizeof a;
	if (getsockname(fd, (struct sockaddr *)&a, &n) != 0) return;
	if (a.ss_family == AF_INET) {
		const struct sockaddr_in *v4 = (const struct sockaddr_in *)&a;
		h->port = ntohs(v4->sin_port);
		h->loopback = ntohl(v4->sin_addr.s_addr) >> 24 == 127;
	} else if (a.ss_family == AF_INET6) {
		const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&a;
		h->port = ntohs(v6->sin6_port);
		h->loopback = IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
	} else {
		h->loopback = a.ss_family == AF_UNIX;
	}
}

/* ---- life ---- */

PRINTF_LIKE(2, 0) static void on_log(void *arg, const char *fmt, va_list args)
{
	char text[256];
	(void)arg;
	int n = vsnprintf(text, sizeof text, fmt, args);
	if (n >= (int)sizeof text) n = (int)sizeof text - 1;
	while (n > 0 && text[n - 1] == '\n') text[--n] = '\0';
	log_line(LOG_DEBUG, text, NULL);
}

static status start_daemon(struct httpd *h, int fd, struct err *err)
{
	const struct httpd_opts *o = &h->o;
	struct MHD_OptionItem more[8];
	size_t n = 0;
	const unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
			       (o->tls_key != NULL ? MHD_USE_TLS : 0);
	if (o->threads > 1) more[n++] = (struct MHD_OptionItem){MHD_OPTION_THREAD_POOL_SIZE, o->threads, NULL};
	if (o->tls_key != NULL) {
		more[n++] = (struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_KEY, 0, (void *)(uintptr_t)o->tls_key};
		more[n++] =
			(struct MHD_OptionItem){MHD_OPTION_HTTPS_MEM_CERT, 0, (void *)(uintptr_t)o->tls_certificate};
	}
	more[n] = (struct MHD_OptionItem){MHD_OPTION_END, 0, NULL};
	h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, on_request, h, MHD_OPTION_EXTERNAL_LOGGER, on_log, NULL,
		MHD_OPTION_LISTEN_SOCKET, fd, MHD_OPTION_URI_LOG_CALLBACK, on_target, h, MHD_OPTION_NOTIFY_COMPLETED,
		on_completed, h, MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_CONNECTION_MEMORY_LIMIT,
		(size_t)CONNECTION_BYTES, MHD_OPTION_CONNECTION_LIMIT, (unsigned)o->connections_max,
		MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)o->timeout_s, MHD_OPTION_ARRAY, more, MHD_OPTION_END);
	if (h->daemon != NULL) return OK;
	return o->tls_key != NULL
		       ? fail(err, E_USAGE,
				 "the HTTP server does not start: are key and certificate PEM, and of each other?")
		       : fail(err, E_IO, "the HTTP server does not start");
}

static status start(struct httpd *h, struct err *err)
{
	int fd = h->o.fd;
	if (fd < 0) TRY(listen_at(h->o.listen, &fd, err));
	look_at(h, fd);
	const status code = start_daemon(h, fd, err);
	if (code != OK) {
		(void)close(fd);
		return code;
	}
	for (; h->n_slow < h->o.slow_threads && h->n_slow < SLOW_THREADS_MAX; h->n_slow++) {
		const int failed = pthread_create(&h->slow[h->n_slow], NULL, slow_main, h);
		if (failed != 0) return fail_errno(err, failed, "cannot start a thread");
	}
	return OK;
}

status httpd_start(const struct httpd_opts *o, struct httpd **out, struct err *err)
{
	pthread_condattr_t attr;
	ASSERT(o->threads >= 1 && o->slow_threads >= 1);
	struct httpd *h = mem_zalloc(1, sizeof *h);
	if (h == NULL) return fail_nomem(err);
	h->o = *o;
	(void)pthread_mutex_init(&h->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&h->queued, NULL);
	(void)pthread_cond_init(&h->drained, &attr);
	(void)pthread_condattr_destroy(&attr);
	const status code = start(h, err);
	if (code == OK)
		*out = h;
	else
		httpd_stop(h, 0);
	return code;
}

int httpd_port(const struct httpd *h)
{
	return h->port;
}

bool httpd_is_loopback(const struct httpd *h)
{
	return h->loopback;
}

static void wait_for_answers(struct httpd *h, int patience_ms)
{
	struct timespec until;
	int rc = 0;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += patience_ms / 1000;
	(void)pthread_mutex_lock(&h->lock);
	h->silent = true;
	wake_listeners(h);
	while (h->n_busy > 0 && rc != ETIMEDOUT) rc = pthread_cond_timedwait(&h->drained, &h->lock, &until);
	h->stopping = true;
	(void)pthread_cond_broadcast(&h->queued);
	(void)pthread_mutex_unlock(&h->lock);
}

void httpd_stop(struct httpd *h, int patience_ms)
{
	if (h->daemon != NULL) {
		const MHD_socket fd = MHD_quiesce_daemon(h->daemon);
		if (fd != MHD_INVALID_SOCKET) (void)close(fd);
	}
	wait_for_answers(h, patience_ms);
	for (int i = 0; i < h->n_slow; i++) (void)pthread_join(h->slow[i], NULL);
	if (h->daemon != NULL) MHD_stop_daemon(h->daemon);
	ASSERT(h->connections == NULL);
	(void)pthread_cond_destroy(&h->queued);
	(void)pthread_cond_destroy(&h->drained);
	(void)pthread_mutex_destroy(&h->lock);
	mem_free(h);
}
