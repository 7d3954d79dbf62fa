/* stream/kafka_int.h: what the source and the sink of Kafka share: a client, its settings, its errors. */
#ifndef PQR_STREAM_KAFKA_INT_H
#define PQR_STREAM_KAFKA_INT_H

#include <librdkafka/rdkafka.h>
#include <stdatomic.h>

#include "stream/kafka.h"

enum { KAFKA_TEXT_MAX = 256 };

/* One client. Callbacks may come from any thread of librdkafka's. */
struct kafka_client {
	rd_kafka_t *rk;
	char topic[KAFKA_TEXT_MAX], brokers[KAFKA_TEXT_MAX];
	bool hurry;
	_Atomic bool down;        /* every broker refused a connection once */
	_Atomic bool answered;    /* a broker did: from now on errors may pass, and are logged */
	_Atomic int64_t said_us;  /* when it was logged last, monotonic */
	_Atomic int refused;      /* a rd_kafka_resp_err_t that no waiting helps against; 0: none */
	char why[KAFKA_TEXT_MAX]; /* of that: what the client said of it. Written and read by the thread that polls */
};

struct kafka_default {
	const char *key, *value;
	bool optional; /* older versions do not know it */
};
/* consumer or producer; defaults[n], then those of o. setup (may be NULL) sets callbacks. The client's address is the opaque of every
 * callback, so that it may not move. */
status kafka_client_open(struct kafka_client *c, const struct kafka_opts *o, rd_kafka_type_t type,
	const struct kafka_default *defaults, void (*setup)(rd_kafka_conf_t *conf), struct err *err) MUST_USE;
void kafka_client_close(struct kafka_client *c);
/* Ask for the topic: its partitions, 0 where it is not there. */
status kafka_client_look(struct kafka_client *c, int *partitions, struct err *err) MUST_USE;
/* One table for all errors. what: "the topic user-events could not be read". */
status kafka_client_fail(const struct kafka_client *c, rd_kafka_resp_err_t code, const char *what, struct err *err);
/* E_UNREACHABLE once the brokers refused us for good. */
status kafka_client_check(const struct kafka_client *c, struct err *err) MUST_USE;

/* A client that asks for the topic's id; c of zeroes, closed as any. Where librdkafka does not tell ids it stays as it is. */
status kafka_asker_open(struct kafka_client *c, const struct kafka_opts *o, struct err *err) MUST_USE;
/* A number of the id, 63 bits of its hash; -1: neither broker nor client tell it. Class RETRY: not now. */
status kafka_asker_identity(struct kafka_client *c, int64_t *identity, struct err *err) MUST_USE;

#endif
