/* stream/kafka_sink.c: an idempotent producer, and the topic it writes to. Keys go to the partitions that the Java client would choose.
 *
 * Events are handed to the client some hundreds at a time, which saves it a look at two clocks and a lock for each; none waits for others
 * while there is nothing to do. */
#include <stdio.h>

#include "base/alloc.h"
#include "stream/kafka_int.h"

enum {
	MAKE_MS = 30000,
	FULL_MS = 100, /* wait for room in the queue */
	FLUSH_MS = 500,
	BATCH = 256,
};

struct kafka_sink {
	struct kafka_client client; /* first: callbacks get its address */
	rd_kafka_topic_t *topic;
	_Atomic int lost;          /* rd_kafka_resp_err_t of the first event that was not delivered */
	rd_kafka_message_t *batch; /* [BATCH]: the lengths of events that the client does not have yet */
	size_t n;
	struct buf text; /* a key and a value of each, one after the other */
};

/* ---- the topic ------------------------------------------------------------------------------------------------------------ */

static status created(struct kafka_sink *s, rd_kafka_event_t *event, struct err *err)
{
	size_t n = 0;
	rd_kafka_resp_err_t code = rd_kafka_event_error(event);
	const rd_kafka_CreateTopics_result_t *result = rd_kafka_event_CreateTopics_result(event);
	const rd_kafka_topic_result_t **topics =
		result != NULL ? rd_kafka_CreateTopics_result_topics(result, &n) : NULL;
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR && n == 1) code = rd_kafka_topic_result_error(topics[0]);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR || code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) return OK;
	return kafka_client_fail(&s->client, code, "the topic could not be made", err);
}

static status ask_for_topic(struct kafka_sink *s, rd_kafka_NewTopic_t *topic, struct err *err)
{
	rd_kafka_queue_t *queue = rd_kafka_queue_new(s->client.rk);
	if (queue == NULL) return fail_nomem(err);
	rd_kafka_CreateTopics(s->client.rk, &topic, 1, NULL, queue);
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, MAKE_MS);
	const status code = event == NULL ? kafka_client_fail(&s->client, RD_KAFKA_RESP_ERR__TIMED_OUT,
						    "the topic could not be made", err)
					  : created(s, event, err);
	if (event != NULL) rd_kafka_event_destroy(event);
	rd_kafka_queue_destroy(queue);
	return code;
}

static status make_topic(struct kafka_sink *s, int32_t partitions, int64_t retention_ms, struct err *err)
{
	char why[KAFKA_TEXT_MAX] = "", retention[32];
	(void)snprintf(retention, sizeof retention, "%lld", (long long)retention_ms);
	rd_kafka_NewTopic_t *topic = rd_kafka_NewTopic_new(s->client.topic, partitions, -1, why, sizeof why);
	if (topic == NULL) return fail(err, E_USAGE, "topic %s: %s", s->client.topic, why);
	(void)rd_kafka_NewTopic_set_config(topic, "retention.ms", retention);
	const status code = ask_for_topic(s, topic, err);
	rd_kafka_NewTopic_destroy(topic);
	return code;
}

/* ---- events --------------------------------------------------------------------------------------------------------------- */

static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	struct kafka_sink *s = opaque;
	int none = 0;
	(void)rk;
	if (m->err != RD_KAFKA_RESP_ERR_NO_ERROR) (void)atomic_compare_exchange_strong(&s->lost, &none, (int)m->err);
}

static status check(struct kafka_sink *s, struct err *err)
{
	const int lost = atomic_load(&s->lost);
	TRY(kafka_client_check(&s->client, err));
	return lost == 0 ? OK
			 : kafka_client_fail(&s->client, (rd_kafka_resp_err_t)lost, "an event was not delivered", err);
}

static void find_texts(struct kafka_sink *s)
{
	uint8_t *p = s->text.p;
	for (size_t i = 0; i < s->n; i++) {
		s->batch[i].key = s->batch[i].key_len > 0 ? p : NULL;
		s->batch[i].payload = p + s->batch[i].key_len;
		p += s->batch[i].key_len + s->batch[i].len;
	}
}

/* The client tells of each event whether it took it; after one that found the queue full it takes none, so that their order stays. */
static status hand_on(struct kafka_sink *s, struct err *err)
{
	find_texts(s);
	for (size_t at = 0; at < s->n;) {
		(void)rd_kafka_produce_batch(
			s->topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, s->batch + at, (int)(s->n - at));
		while (at < s->n && s->batch[at].err == RD_KAFKA_RESP_ERR_NO_ERROR) at++;
		if (at < s->n && s->batch[at].err != RD_KAFKA_RESP_ERR__QUEUE_FULL)
			return kafka_client_fail(&s->client, s->batch[at].err, "an event was not taken", err);
		(void)rd_kafka_poll(s->client.rk, at < s->n ? FULL_MS : 0);
		if (at < s->n) TRY(check(s, err));
	}
	s->n = 0;
	buf_reset(&s->text);
	return OK;
}

static status sink_put(void *ctx, struct str key, struct str value, int64_t timestamp_ms, struct err *err)
{
	struct kafka_sink *s = ctx;
	(void)timestamp_ms; /* the client's own is the same time */
	uint8_t *dst = buf_reserve(&s->text, key.n + value.n + 1);
	if (dst == NULL) return buf_check(&s->text, err);
	if (key.n > 0) memcpy(dst, key.p, key.n);
	if (value.n > 0) memcpy(dst + key.n, value.p, value.n);
	buf_commit(&s->text, key.n + value.n);
	s->batch[s->n].key_len = key.n;
	s->batch[s->n++].len = value.n;
	return s->n == BATCH ? hand_on(s, err) : OK;
}

static status sink_rest(void *ctx, int64_t wait_us, struct err *err)
{
	struct kafka_sink *s = ctx;
	TRY(hand_on(s, err));
	(void)rd_kafka_poll(s->client.rk, (int)(wait_us / 1000) + 1);
	return check(s, err);
}

/* As long as the client itself goes on trying: then its delivery reports say what is lost. */
static status sink_finish(void *ctx, struct err *err)
{
	struct kafka_sink *s = ctx;
	TRY(hand_on(s, err));
	while (rd_kafka_flush(s->client.rk, FLUSH_MS) == RD_KAFKA_RESP_ERR__TIMED_OUT) TRY(check(s, err));
	return check(s, err);
}

struct stream_out kafka_sink_out(struct kafka_sink *s)
{
	return (struct stream_out){s, sink_put, sink_rest, sink_finish};
}

static void set_callbacks(rd_kafka_conf_t *conf)
{
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
}

void kafka_sink_close(struct kafka_sink *s)
{
	if (s == NULL) return;
	if (s->topic != NULL) rd_kafka_topic_destroy(s->topic);
	kafka_client_close(&s->client);
	buf_deinit(&s->text);
	mem_free(s->batch);
	mem_free(s);
}

/* The topic, made where there is none. */
static status open_topic(struct kafka_sink *s, int32_t partitions, int64_t retention_ms, struct err *err)
{
	int there = 0;
	TRY(kafka_client_look(&s->client, &there, err));
	if (there == 0) TRY(make_topic(s, partitions, retention_ms, err));
	s->topic = rd_kafka_topic_new(s->client.rk, s->client.topic, NULL);
	return s->topic != NULL ? OK : fail_nomem(err);
}

status kafka_sink_open(
	const struct kafka_opts *o, int32_t partitions, int64_t retention_ms, struct kafka_sink **out, struct err *err)
{
	static const struct kafka_default defaults[] = {
		{"enable.idempotence", "true", false},
		{"partitioner", "murmur2_random", false},
		{"delivery.report.only.error", "true", false},
		{"linger.ms", "5", false},
		{"batch.num.messages", "100000", false},
		{"queue.buffering.max.messages", "1000000", false},
		{"queue.buffering.max.kbytes", "131072", false},
		{NULL, NULL, false},
	};
	struct kafka_sink *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	buf_init(&s->text, 0);
	s->batch = mem_zalloc(BATCH, sizeof *s->batch);
	status code = s->batch == NULL
			      ? fail_nomem(err)
			      : kafka_client_open(&s->client, o, RD_KAFKA_PRODUCER, defaults, set_callbacks, err);
	if (code == OK) code = open_topic(s, partitions, retention_ms, err);
	if (code != OK) {
		kafka_sink_close(s);
		return code;
	}
	*out = s;
	return OK;
}
