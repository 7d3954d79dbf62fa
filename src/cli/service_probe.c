/* cli/service_probe.c: see service_probe.h. A service that speaks HTTP is asked for its health, of any other it is known
 * whether somebody takes connections there: what it speaks is its own. */
#include "cli/service_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "io/http.h"

static const struct service {
	const char *what, *variable;
	const char *health; /* behind the address; NULL: no HTTP */
} services[] = {
	{"pqr serve", "PQR_SERVE_URL", "/healthz"},
	{"Prometheus", "PQR_PROMETHEUS_URL", "/-/ready"},
	{"Pushgateway", "PQR_PUSHGATEWAY_URL", "/-/ready"},
	{"Alertmanager", "PQR_ALERTMANAGER_URL", "/-/ready"},
	{"Dask", "DASK_SCHEDULER_ADDRESS", NULL},
	{"Spark", "SPARK_MASTER", NULL},
	{"Prefect", "PREFECT_API_URL", "/health"},
	{"Airflow", "PQR_STACK_AIRFLOW_URL", "/api/v2/monitor/health"},
	{"Streamlit", "PQR_STREAMLIT_URL", "/_stcore/health"},
	{"Grafana", "GRAFANA_URL", "/api/health"},
	{"Metabase", "METABASE_URL", "/api/health"},
};
enum { N_SERVICES = sizeof services / sizeof *services, TIMEOUT_MS = 5000, ADDRESS_CHARS_MAX = 512 };

struct asked {
	const struct service *of;
	const char *address; /* as the environment has it */
	char url[ADDRESS_CHARS_MAX + 64];
	struct http_call call;
};

static bool connects(const struct addrinfo *to)
{
	const int fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, to->ai_protocol);
	int failed = 0;
	socklen_t n = sizeof failed;
	bool ok = false;
	if (fd < 0) return false;
	if (connect(fd, to->ai_addr, to->ai_addrlen) == 0) {
		ok = true;
	} else if (errno == EINPROGRESS) {
		struct pollfd p = {.fd = fd, .events = POLLOUT};
		ok = poll(&p, 1, TIMEOUT_MS) == 1 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &n) == 0 &&
		     failed == 0;
	}
	(void)close(fd);
	return ok;
}

/* tcp://HOST:PORT, spark://HOST:PORT, with [::1] too */
static bool takes_connections(const char *address)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	char host[ADDRESS_CHARS_MAX];
	(void)snprintf(host, sizeof host, "%s", strstr(address, "://") + 3);
	char *port = strrchr(host, ':'), *name = host;
	if (port == NULL) return false;
	*port++ = '\0';
	if (name[0] == '[' && port[-2] == ']') {
		name++;
		port[-2] = '\0';
	}
	bool ok = false;
	if (getaddrinfo(name, port, &hints, &found) != 0) return false;
	for (const struct addrinfo *a = found; a != NULL && !ok; a = a->ai_next) ok = connects(a);
	freeaddrinfo(found);
	return ok;
}

static void tell(const struct asked *a, service_found found, void *arg)
{
	char text[ADDRESS_CHARS_MAX + HTTP_REASON_CHARS_MAX + 128];
	const struct http_call *c = &a->call;
	const bool http = a->of->health != NULL;
	const bool good = http ? c->failure == HTTP_ANSWERED && c->status / 100 == 2 : takes_connections(a->address);
	if (good)
		(void)snprintf(text, sizeof text, "%s", a->address);
	else if (!http)
		(void)snprintf(text, sizeof text,
			"nobody takes connections at %s, which %s names: start it, or unset that", a->address,
			a->of->variable);
	else if (c->failure == HTTP_ANSWERED)
		(void)snprintf(text, sizeof text, "%s answers %d: see its log", a->url, c->status);
	else
		(void)snprintf(text, sizeof text, "%s, which %s names, does not answer (%s): start it, or unset that",
			a->url, a->of->variable, c->reason);
	found(arg, good, a->of->what, text);
}

/* Not an address: SPARK_MASTER may say local[2]. One with a user and a password is no line for a screen. */
static bool fit(const char *address)
{
	return address != NULL && strstr(address, "://") != NULL && strlen(address) < ADDRESS_CHARS_MAX &&
	       strchr(address, '@') == NULL;
}

static void start(struct asked *a, struct http_pool *pool, struct buf *body)
{
	size_t n = strlen(a->address);
	if (a->of->health == NULL) return;
	while (n > 0 && a->address[n - 1] == '/') n--;
	(void)snprintf(a->url, sizeof a->url, "%.*s%s", (int)n, a->address, a->of->health);
	a->call = (struct http_call){.method = "GET", .url = a->url, .text = body, .timeout_ms = TIMEOUT_MS};
	http_start(pool, &a->call);
}

status service_probe(service_found found, void *arg, struct err *err)
{
	static const struct http_opts opts = {
		.connect_timeout_ms = TIMEOUT_MS, .stall_timeout_s = 5, .calls_max = N_SERVICES};
	struct asked asked[N_SERVICES];
	struct buf bodies[N_SERVICES];
	struct http_pool *pool = NULL;
	size_t n = 0;
	for (size_t i = 0; i < N_SERVICES; i++)
		if (fit(getenv(services[i].variable)))
			asked[n++] = (struct asked){.of = &services[i], .address = getenv(services[i].variable)};
	if (n == 0) return OK;
	TRY(http_pool_create(&opts, &pool, err));
	for (size_t i = 0; i < n; i++) {
		buf_init(&bodies[i], 1 << 16);
		start(&asked[i], pool, &bodies[i]);
	}
	for (size_t i = 0; i < n; i++) {
		if (asked[i].of->health != NULL) http_wait(pool, &asked[i].call);
		tell(&asked[i], found, arg);
		buf_deinit(&bodies[i]);
	}
	http_pool_destroy(pool);
	return OK;
}
