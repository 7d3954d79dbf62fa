/* stream/kafka_source.c: a member of a consumer group as a source.
 *
 *   librdkafka's queue -> batch of messages -> one text with a '\n' behind each value -> records that view it
 *
 * 1. Offsets come from the listener, never from the group; the group's are for whoever watches the lag.
 * 2. A rebalance happens within the call that fetches a batch, and what of the batch came before it can't be told afterwards (the client
 *    takes messages out and frees them): the whole of it is left out, and each partition is read on from where it was handed out.
 * 3. What retention took is told after everything before it was handed out.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/time.h"
#include "base/vec.h"
#include "io/json/json_scan.h"
#include "io/utf8.h"
#include "stream/kafka_int.h"

enum {
	BATCH = 256, /* so that they are still in the nearer caches when they are copied and let go */
	SEEK_MS = 10000,
	ENDS_MS = 10000,
};

struct part {
	int32_t partition;
	int64_t next; /* to be handed out; or STREAM_BEGIN, STREAM_END */
	bool ended;
	bool astray; /* what was to be read next is not there */
};

struct kafka_source {
	struct kafka_client client; /* first: callbacks get its address */
	struct kafka_client asker;  /* of the topic's id */
	struct stream_source base;
	rd_kafka_queue_t *queue;
	bool ends, keys, assigned;
	bool rebalanced; /* since the last batch that was handed out: partitions are to be read on from their `next` */
	struct {
		struct part *items;
		size_t n, cap;
	} parts;
	struct stream_record *records; /* [BATCH] */
	rd_kafka_message_t **messages; /* [BATCH] */
	struct buf text;
	status failed; /* of the listener, within a poll */
	struct err why;
};

static struct kafka_source *of(struct stream_source *base)
{
	return (struct kafka_source *)(void *)((char *)base - offsetof(struct kafka_source, base));
}

static struct part *part_find(struct kafka_source *s, int32_t partition)
{
	for (size_t i = 0; i < s->parts.n; i++)
		if (s->parts.items[i].partition == partition) return &s->parts.items[i];
	return NULL;
}

static int64_t kafka_offset(int64_t position)
{
	return position == STREAM_BEGIN ? RD_KAFKA_OFFSET_BEGINNING
	       : position == STREAM_END ? RD_KAFKA_OFFSET_END
					: position;
}

/* ---- rebalances ----------------------------------------------------------------------------------------------------------- */

static void keep(struct kafka_source *s, status code)
{
	if (s->failed == OK) s->failed = code;
}

static void assign(struct kafka_source *s, rd_kafka_topic_partition_list_t *list)
{
	struct stream_start *starts = mem_alloc((size_t)list->cnt * sizeof *starts + 1);
	if (starts == NULL || !VEC_ROOM(&s->parts, (size_t)list->cnt)) {
		mem_free(starts);
		keep(s, fail_nomem(&s->why));
		return;
	}
	for (int i = 0; i < list->cnt; i++) starts[i] = (struct stream_start){list->elems[i].partition, STREAM_BEGIN};
	if (s->base.listener.assigned != NULL)
		keep(s, s->base.listener.assigned(s->base.listener.ctx, starts, (size_t)list->cnt, &s->why));
	for (int i = 0; i < list->cnt; i++) {
		list->elems[i].offset = kafka_offset(starts[i].position);
		s->parts.items[s->parts.n++] =
			(struct part){.partition = starts[i].partition, .next = starts[i].position};
	}
	s->assigned = true;
	mem_free(starts);
}

static void unassign(struct kafka_source *s, const rd_kafka_topic_partition_list_t *list, bool lost)
{
	const struct stream_listener *l = &s->base.listener;
	int32_t *numbers = mem_alloc((size_t)list->cnt * sizeof *numbers + 1);
	if (numbers == NULL) {
		keep(s, fail_nomem(&s->why));
		return;
	}
	for (int i = 0; i < list->cnt; i++) {
		struct part *part = part_find(s, list->elems[i].partition);
		numbers[i] = list->elems[i].partition;
		if (part != NULL) *part = s->parts.items[--s->parts.n];
	}
	if (lost && l->lost != NULL) l->lost(l->ctx, numbers, (size_t)list->cnt);
	if (!lost && l->revoked != NULL) keep(s, l->revoked(l->ctx, numbers, (size_t)list->cnt, &s->why));
	mem_free(numbers);
}

static void on_rebalance(rd_kafka_t *rk, rd_kafka_resp_err_t code, rd_kafka_topic_partition_list_t *list, void *opaque)
{
	struct kafka_source *s = opaque;
	rd_kafka_error_t *error = NULL;
	s->rebalanced =
		true; /* also by an empty list: the client takes messages out of the batch at hand all the same */
	if (code == RD_KAFKA_RESP_ERR__ASSIGN_PARTITIONS) {
		assign(s, list);
		error = rd_kafka_incremental_assign(rk, list);
	} else if (code == RD_KAFKA_RESP_ERR__REVOKE_PARTITIONS) {
		unassign(s, list, rd_kafka_assignment_lost(rk));
		error = rd_kafka_incremental_unassign(rk, list);
	} else {
		(void)rd_kafka_assign(rk, NULL);
	}
	if (error == NULL) return;
	keep(s, fail(&s->why, E_UNREACHABLE, "the group could not be rebalanced: %s", rd_kafka_error_string(error)));
	rd_kafka_error_destroy(error);
}

/* ---- messages ------------------------------------------------------------------------------------------------------------- */

/* A message that tells of something else than a record. */
static void take_event(struct kafka_source *s, const rd_kafka_message_t *m)
{
	struct part *part = m->rkt != NULL ? part_find(s, m->partition) : NULL;
	switch (m->err) {
	case RD_KAFKA_RESP_ERR__PARTITION_EOF:
		if (part != NULL) part->ended = true;
		break;
	case RD_KAFKA_RESP_ERR__AUTO_OFFSET_RESET:
	case RD_KAFKA_RESP_ERR_OFFSET_OUT_OF_RANGE:
		if (part != NULL) part->astray = true;
		break;
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
		keep(s, kafka_client_fail(&s->client, m->err, "the topic cannot be read", &s->why));
		break;
	default: /* may pass; the client tells of it, too */
		log_line(LOG_DEBUG, "Kafka", "topic", s->client.topic, "error", rd_kafka_err2str(m->err), NULL);
	}
}

static size_t bytes_of(const struct kafka_source *s, size_t n)
{
	size_t bytes = JSON_SCAN_PADDING;
	for (size_t i = 0; i < n; i++) bytes += s->messages[i]->len + 1 + (s->keys ? s->messages[i]->key_len : 0);
	return bytes;
}

static struct str copy(struct buf *text, const void *p, size_t n)
{
	const struct str out = {(const char *)text->p + text->n, n};
	if (n > 0) memcpy(text->p + text->n, p, n);
	text->p[text->n + n] = '\n';
	text->n += n + 1;
	return out;
}

static bool add_record(struct kafka_source *s, const rd_kafka_message_t *m, struct stream_record *r)
{
	struct part *part = part_find(s, m->partition);
	if (part == NULL) return false;
	*r = (struct stream_record){.partition = m->partition,
		.position = m->offset,
		.timestamp_ms = rd_kafka_message_timestamp(m, NULL),
		.is_null = m->payload == NULL};
	if (s->keys) r->key = copy(&s->text, m->key, m->key_len);
	r->value = copy(&s->text, m->payload, m->len);
	part->next = m->offset + 1;
	part->ended = false;
	return true;
}

static status take_messages(struct kafka_source *s, size_t n, struct stream_fetch *out, struct err *err)
{
	size_t kept = 0;
	buf_reset(&s->text);
	const bool room = buf_reserve(&s->text, bytes_of(s, n)) != NULL;
	for (size_t i = 0; i < n; i++) {
		if (s->messages[i]->err != RD_KAFKA_RESP_ERR_NO_ERROR)
			take_event(s, s->messages[i]);
		else if (room && add_record(s, s->messages[i], &s->records[kept]))
			kept++;
	}
	if (!room) return buf_check(&s->text, err);
	*out = (struct stream_fetch){
		.records = s->records, .n = kept, .utf8_ok = utf8_valid((const char *)s->text.p, s->text.n)};
	return OK;
}

/* A batch in which a rebalance happened. A partition that started at its end is read on from the first message that came, not from an end
 * that has moved on. */
static void leave_out(struct kafka_source *s, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const rd_kafka_message_t *m = s->messages[i];
		struct part *part = part_find(s, m->partition);
		if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR && part != NULL && part->next == STREAM_END)
			part->next = m->offset;
	}
}

static status take_batch(struct kafka_source *s, size_t n, struct stream_fetch *out, struct err *err)
{
	status code = OK;
	if (s->rebalanced)
		leave_out(s, n);
	else
		code = take_messages(s, n, out, err);
	for (size_t i = 0; i < n; i++) rd_kafka_message_destroy(s->messages[i]);
	return code;
}

/* ---- gaps ----------------------------------------------------------------------------------------------------------------- */

static status go_on(struct kafka_source *s, struct part *part, struct err *err)
{
	int64_t low, high;
	const rd_kafka_resp_err_t code =
		rd_kafka_query_watermark_offsets(s->client.rk, s->client.topic, part->partition, &low, &high, ENDS_MS);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR) return OK; /* the next poll asks again */
	if (part->next >= 0 && part->next > high) {
		part->astray = false; /* who hears of it says where to go on, or ends */
		return fail(err, E_CONFLICT,
			"partition %d of topic %s ends at offset %lld and is to be read from %lld: the topic was made "
			"again, "
			"or cut off",
			part->partition, s->client.topic, (long long)high, (long long)part->next);
	}
	const struct stream_gap gap = {part->partition, part->next, low};
	if (part->next >= 0 && part->next < low && s->base.listener.gap != NULL)
		TRY(s->base.listener.gap(s->base.listener.ctx, &gap, err));
	const struct stream_start start = {part->partition, part->next < low ? low : part->next};
	return stream_source_seek(&s->base, &start, 1, err);
}

static status find_way(struct kafka_source *s, struct err *err)
{
	for (size_t i = 0; i < s->parts.n; i++)
		if (s->parts.items[i].astray) TRY(go_on(s, &s->parts.items[i], err));
	return OK;
}

/* ---- the source ------------------------------------------------------------------------------------------------------------ */

static bool all_ended(const struct kafka_source *s)
{
	for (size_t i = 0; i < s->parts.n; i++)
		if (!s->parts.items[i].ended) return false;
	return s->ends && s->assigned;
}

/* A partition that the client gave up, as after an offset that is not there, can't seek: it is taken anew. */
static rd_kafka_resp_err_t restart(struct kafka_source *s, int32_t partition, int64_t offset)
{
	rd_kafka_topic_partition_list_t *one = rd_kafka_topic_partition_list_new(1);
	if (one == NULL) return RD_KAFKA_RESP_ERR__FAIL;
	rd_kafka_topic_partition_list_add(one, s->client.topic, partition)->offset = offset;
	rd_kafka_error_t *error = rd_kafka_incremental_unassign(s->client.rk, one);
	if (error == NULL) error = rd_kafka_incremental_assign(s->client.rk, one);
	const rd_kafka_resp_err_t code = rd_kafka_error_code(error);
	if (error != NULL) rd_kafka_error_destroy(error);
	rd_kafka_topic_partition_list_destroy(one);
	return code;
}

static status source_seek(struct stream_source *base, const struct stream_start *starts, size_t n, struct err *err)
{
	struct kafka_source *s = of(base);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new((int)n);
	rd_kafka_resp_err_t code = RD_KAFKA_RESP_ERR_NO_ERROR;
	if (list == NULL) return fail_nomem(err);
	for (size_t i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, s->client.topic, starts[i].partition)->offset =
			kafka_offset(starts[i].position);
	rd_kafka_error_t *error = n > 0 ? rd_kafka_seek_partitions(s->client.rk, list, SEEK_MS) : NULL;
	if (error != NULL) code = rd_kafka_error_code(error);
	if (error != NULL) rd_kafka_error_destroy(error);
	for (size_t i = 0; i < n; i++) {
		struct part *part = part_find(s, starts[i].partition);
		rd_kafka_resp_err_t one = list->elems[i].err;
		if (one == RD_KAFKA_RESP_ERR__STATE && part != NULL)
			one = restart(s, part->partition, list->elems[i].offset);
		if (one != RD_KAFKA_RESP_ERR_NO_ERROR) code = one;
		if (part != NULL) *part = (struct part){.partition = part->partition, .next = starts[i].position};
	}
	rd_kafka_topic_partition_list_destroy(list);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return OK;
	const status failed = fail(err, E_UNREACHABLE, "topic %s: cannot go to another offset: %s", s->client.topic,
		rd_kafka_err2str(code));
	err_set_class(err, ERR_RETRY);
	return failed;
}

/* After a rebalance: each partition from its `next`. false: not now. */
static bool read_on(struct kafka_source *s)
{
	struct err why;
	const size_t n = s->parts.n;
	struct stream_start *starts = mem_alloc(n * sizeof *starts + 1);
	if (starts == NULL) return false;
	for (size_t i = 0; i < n; i++)
		starts[i] = (struct stream_start){s->parts.items[i].partition, s->parts.items[i].next};
	err_clear(&why);
	s->rebalanced = n > 0 && source_seek(&s->base, starts, n, &why) != OK;
	if (s->rebalanced) log_line(LOG_DEBUG, why.message, NULL);
	mem_free(starts);
	return !s->rebalanced;
}

static status source_poll(struct stream_source *base, int timeout_ms, struct stream_fetch *out, struct err *err)
{
	struct kafka_source *s = of(base);
	*out = (struct stream_fetch){0};
	(void)rd_kafka_poll(s->client.rk, 0); /* errors and logs of the client */
	if (s->rebalanced && !read_on(s)) {   /* the next poll tries again */
		(void)rd_kafka_poll(s->client.rk, timeout_ms);
		return kafka_client_check(&s->client, err);
	}
	TRY(find_way(s, err));
	const ssize_t n = rd_kafka_consume_batch_queue(s->queue, timeout_ms, s->messages, BATCH);
	status code = n < 0 ? kafka_client_fail(&s->client, rd_kafka_last_error(), "the topic cannot be read", err)
			    : take_batch(s, (size_t)n, out, err);
	if (code == OK) code = kafka_client_check(&s->client, err);
	out->ended = all_ended(s);
	if (code != OK || s->failed == OK) return code;
	code = s->failed;
	s->failed = OK;
	if (err != NULL) *err = s->why;
	return code;
}

static status source_ends(struct stream_source *base, int32_t partition, int64_t *low, int64_t *high, struct err *err)
{
	struct kafka_source *s = of(base);
	(void)err;
	*low = *high = -1;
	if (rd_kafka_get_watermark_offsets(s->client.rk, s->client.topic, partition, low, high) !=
			RD_KAFKA_RESP_ERR_NO_ERROR ||
		*high < 0)
		*low = *high = -1;
	return OK;
}

static void source_mark(struct stream_source *base, const struct stream_start *next, size_t n)
{
	struct kafka_source *s = of(base);
	rd_kafka_topic_partition_list_t *list = n > 0 ? rd_kafka_topic_partition_list_new((int)n) : NULL;
	if (list == NULL) return;
	for (size_t i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, s->client.topic, next[i].partition)->offset = next[i].position;
	(void)rd_kafka_commit(s->client.rk, list, 1);
	rd_kafka_topic_partition_list_destroy(list);
}

static status source_identity(struct stream_source *base, int64_t *identity, struct err *err)
{
	return kafka_asker_identity(&of(base)->asker, identity, err);
}

static void source_close(struct stream_source *base)
{
	struct kafka_source *s = of(base);
	if (s->queue != NULL) rd_kafka_queue_destroy(s->queue);
	if (s->client.rk != NULL) (void)rd_kafka_consumer_close(s->client.rk);
	/* Up to 2.2 librdkafka asserts at the end of a member that never was assigned anything: it has left the group, and stays. */
	if (s->assigned || s->queue == NULL || rd_kafka_version() >= 0x02030000) kafka_client_close(&s->client);
	kafka_client_close(&s->asker);
	buf_deinit(&s->text);
	mem_free(s->records);
	mem_free(s->messages);
	mem_free(s->parts.items);
	mem_free(s);
}

/* ---- open ----------------------------------------------------------------------------------------------------------------- */

static void set_callbacks(rd_kafka_conf_t *conf)
{
	rd_kafka_conf_set_rebalance_cb(conf, on_rebalance);
}

static status subscribe(struct kafka_source *s, const struct kafka_opts *o, struct err *err)
{
	int partitions = 0;
	TRY(kafka_asker_open(&s->asker, o, err));
	TRY(kafka_client_look(&s->client, &partitions, err));
	if (partitions == 0) return kafka_client_fail(&s->client, RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC, "", err);
	s->queue = rd_kafka_queue_get_consumer(s->client.rk);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	if (s->queue == NULL || list == NULL) return fail_nomem(err);
	rd_kafka_topic_partition_list_add(list, s->client.topic, RD_KAFKA_PARTITION_UA);
	const rd_kafka_resp_err_t code = rd_kafka_subscribe(s->client.rk, list);
	rd_kafka_topic_partition_list_destroy(list);
	return code == RD_KAFKA_RESP_ERR_NO_ERROR
		       ? OK
		       : kafka_client_fail(&s->client, code, "the group cannot be joined", err);
}

static bool by_broker(const struct kafka_opts *o)
{
	bool found = false;
	for (size_t i = 0; i < o->n_settings; i++)
		if (str_is(o->settings[i].key, "group.protocol")) found = str_is(o->settings[i].value, "consumer");
	return found;
}

status kafka_source_open(const struct kafka_opts *o, struct stream_source **out, struct err *err)
{
	static const struct stream_source_ops ops = {
		source_poll, source_seek, source_ends, source_mark, source_close, source_identity};
	const struct kafka_default defaults[] = {
		{"group.id", o->group, false},
		{"enable.auto.commit", "false", false},
		{"enable.auto.offset.store", "false", false},
		{"auto.offset.reset", "error", false},
		{"isolation.level", "read_committed", false},
		{"enable.partition.eof", o->ends ? "true" : "false", false},
		{"topic.metadata.refresh.interval.ms", "30000", false}, /* new partitions are taken up that soon */
		/* A backlog is read at full speed: far ahead, in memory's bounds, and on as soon as there is room. */
		{"queued.min.messages", "1000000", false},
		{"queued.max.messages.kbytes", "32768", false},
		{"fetch.queue.backoff.ms", "10", true},
		/* The newer protocol of groups (KIP-848) has the broker assign, little by little too, and knows no such setting. */
		{by_broker(o) ? NULL : "partition.assignment.strategy", "cooperative-sticky", false},
		{NULL, NULL, false},
	};
	struct kafka_source *s = mem_zalloc(1, sizeof *s);
	if (s == NULL) return fail_nomem(err);
	s->base.ops = &ops;
	s->ends = o->ends;
	s->keys = o->keys;
	buf_init(&s->text, 0);
	s->records = mem_zalloc(BATCH, sizeof *s->records);
	s->messages = mem_zalloc(BATCH, sizeof(rd_kafka_message_t *));
	status code = s->records == NULL || s->messages == NULL
			      ? fail_nomem(err)
			      : kafka_client_open(&s->client, o, RD_KAFKA_CONSUMER, defaults, set_callbacks, err);
	if (code == OK) code = subscribe(s, o, err);
	if (code != OK) {
		source_close(&s->base);
		return code;
	}
	*out = &s->base;
	return OK;
}
