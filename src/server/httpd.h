/* server/httpd.h: a port to an HTTP server: it takes connections, reads requests, has them answered, sends the answers.
 *
 * Requests are answered on the server's own threads; those that take long on others, so that they keep nobody waiting.
 */
#ifndef PQR_SERVER_HTTPD_H
#define PQR_SERVER_HTTPD_H

#include "server/exchange.h"

struct httpd;
struct httpd_opts {
	const char *listen; /* "127.0.0.1:8080", "[::1]:0", ":8080" (every address) */
	int fd;             /* >= 0: a socket that listens already, in place of that; taken */
	int threads;        /* that answer; at least 1 */
	int slow_threads;   /* that answer what takes long */
	int connections_max;
	int timeout_s; /* a connection that sends no whole request for so long, or takes nothing of its answer, is closed */
	const char *tls_key; /* PEM texts; NULL: no TLS */
	const char *tls_certificate;
	/* Called by many threads at once. */
	bool (*is_slow)(void *arg, struct request *r);
	void (*answer)(void *arg, struct request *r, struct response *out);
	void *arg;
};
/* E_USAGE: the address is none; E_IO: it can't be listened at; E_USAGE: key and certificate. */
status httpd_start(const struct httpd_opts *o, struct httpd **out, struct err *err) MUST_USE;
/* Where it listens. */
int httpd_port(const struct httpd *h);
bool httpd_is_loopback(const struct httpd *h);
/* Close connections that have been at one request for too long. About once a second. */
void httpd_tick(struct httpd *h);
/* Does anybody listen to events? */
bool httpd_has_listeners(struct httpd *h);
/* Send a text to all who do. */
void httpd_tell(struct httpd *h, struct str text);
/* Takes no more connections, waits for the answers under way (at most patience_ms), closes the others. */
void httpd_stop(struct httpd *h, int patience_ms);

#endif
