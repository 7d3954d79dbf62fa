/* tests/unit/io/http_peer.h: a server that answers by a script: real sockets, so that what libcurl makes of them is tested too.
 *
 * One thread serves one connection after the other on a port that the system chose; every answer ends its connection.
 */
#ifndef PQR_TESTS_IO_HTTP_PEER_H
#define PQR_TESTS_IO_HTTP_PEER_H

#include "check.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLOSE_HEAD "Connection: close\r\n"
#define ANSWER(status_line, body_n, body) \
	"HTTP/1.1 " status_line "\r\n" CLOSE_HEAD "Content-Length: " body_n "\r\n\r\n" body
#define FINE ANSWER("200 OK", "5", "hello")

enum { PEER_ANSWERS_MAX = 6 };

/* What a peer does in place of an answer. */
#define PEER_CLOSES "close"
#define PEER_WAITS "wait" /* until the client gives up */

struct peer {
	int listener;
	int port;
	const char *const *answers; /* [PEER_ANSWERS_MAX] texts or what is done in place of one; the last one stays */
	_Atomic int requests;
	char heads[PEER_ANSWERS_MAX][4096];
	pthread_t thread;
};

/* Head and body of one request; false: the client closed. */
static inline bool peer_read(int fd, char *head, size_t size)
{
	size_t n = 0;
	char *end = NULL;
	while (end == NULL) {
		const ssize_t got = n + 1 < size ? read(fd, head + n, size - 1 - n) : 0;
		if (got <= 0) return false;
		n += (size_t)got;
		head[n] = '\0';
		end = strstr(head, "\r\n\r\n");
	}
	const char *length = strstr(head, "Content-Length: ");
	size_t left = length != NULL && length < end ? strtoul(length + 16, NULL, 10) : 0;
	const size_t have = n - (size_t)(end + 4 - head);
	left -= have < left ? have : left;
	char sink[512];
	while (left > 0) {
		const ssize_t got = read(fd, sink, left < sizeof sink ? left : sizeof sink);
		if (got <= 0) return false;
		left -= (size_t)got;
	}
	return true;
}

static inline const char *peer_answer(const struct peer *p, int i)
{
	int last = 0;
	while (last + 1 < PEER_ANSWERS_MAX && p->answers[last + 1] != NULL && p->answers[last + 1][0] != '\0') last++;
	return p->answers[i < last ? i : last];
}

/* Every answer ends its connection, so that one thread serves all. */
static inline void *peer_main(void *arg)
{
	struct peer *p = arg;
	for (;;) {
		const int fd = accept(p->listener, NULL, NULL);
		if (fd < 0) return NULL;
		static char head[65536];
		if (peer_read(fd, head, sizeof head)) {
			const int i = atomic_fetch_add(&p->requests, 1);
			if (i < PEER_ANSWERS_MAX) (void)snprintf(p->heads[i], sizeof p->heads[i], "%.4000s", head);
			const char *answer = peer_answer(p, i);
			const bool waits = strcmp(answer, PEER_WAITS) == 0, closes = strcmp(answer, PEER_CLOSES) == 0;
			if (!waits && !closes && write(fd, answer, strlen(answer)) < 0) perror("write");
			if (!waits) (void)shutdown(fd, SHUT_WR);
		}
		char sink[64];
		while (read(fd, sink, sizeof sink) > 0) continue;
		(void)close(fd);
	}
}

static inline void peer_start(struct peer *p, const char *const *answers)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	*p = (struct peer){.answers = answers, .listener = socket(AF_INET, SOCK_STREAM, 0)};
	if (bind(p->listener, (struct sockaddr *)&at, n) != 0 || listen(p->listener, 16) != 0 ||
		getsockname(p->listener, (struct sockaddr *)&at, &n) != 0)
		fail_msg("cannot listen");
	p->port = ntohs(at.sin_port);
	if (pthread_create(&p->thread, NULL, peer_main, p) != 0) fail_msg("no thread");
}

static inline void peer_stop(struct peer *p)
{
	(void)shutdown(p->listener, SHUT_RDWR);
	(void)pthread_join(p->thread, NULL);
	(void)close(p->listener);
}

#endif
