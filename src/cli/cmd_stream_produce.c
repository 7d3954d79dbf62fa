/* cli/cmd_stream_produce.c: pqr stream produce: events into Kafka or standard output. */
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/time.h"
#include "cli/cmd_stream.h"
#include "stream/produce.h"

enum { FLUSH_BYTES = 1 << 16, MILLION = 1000000, DEFAULT_RATE = 5 };

/* ---- standard output ---------------------------------------------------------------------------------------------------- */

struct plain {
	struct buf text;
	bool closed; /* nobody reads it any more */
};

static status plain_flush(struct plain *p, struct err *err)
{
	TRY(buf_check(&p->text, err));
	TRY(cli_write(p->text.p, p->text.n, &p->closed, err));
	buf_reset(&p->text);
	return p->closed ? E_CANCELLED : OK;
}

static status plain_put(void *ctx, struct str key, struct str value, int64_t timestamp_ms, struct err *err)
{
	struct plain *p = ctx;
	(void)key;
	(void)timestamp_ms;
	buf_add(&p->text, value.p, value.n);
	buf_char(&p->text, '\n');
	return p->text.n >= FLUSH_BYTES ? plain_flush(p, err) : OK;
}

static status plain_rest(void *ctx, int64_t wait_us, struct err *err)
{
	if (((struct plain *)ctx)->text.n > 0) TRY(plain_flush(ctx, err));
	const struct timespec wait = {.tv_sec = wait_us / MILLION, .tv_nsec = wait_us % MILLION * 1000};
	(void)ppoll(NULL, 0, &wait, NULL);
	return OK;
}

static status plain_finish(void *ctx, struct err *err)
{
	return plain_flush(ctx, err);
}

static status produce_plain(const struct stream_produce_opts *o, struct stream_produced *done, struct err *err)
{
	struct plain p = {.closed = false};
	const struct stream_out out = {&p, plain_put, plain_rest, plain_finish};
	buf_init(&p.text, 0);
	const status code = stream_produce(o, &out, done, err);
	buf_deinit(&p.text);
	return p.closed ? OK : code;
}

/* ---- options ------------------------------------------------------------------------------------------------------------ */

static status read_options(struct stream_cmd *k, struct stream_produce_opts *o, struct err *err)
{
	const char *rate = cli_get(k->cli, "--rate"), *start = cli_get(k->cli, "--start");
	const struct run_params none = {NULL, 0};
	struct run_info made = {.as_of = INT64_MIN};
	TRY(k->workload->making.settle(k->session.config, &none, &k->session.arena, &made, err));
	static const char *const of_times[] = {"--start", "--late-share", "--out-of-order"};
	for (size_t i = 0; k->topic->own_times && i < sizeof of_times / sizeof *of_times; i++)
		if (cli_get(k->cli, of_times[i]) != NULL)
			return fail(err, E_USAGE, "%s: events of %s have times of their own", of_times[i],
				k->workload->name);
	*o = (struct stream_produce_opts){.topic = k->topic,
		.config = k->session.config,
		.seed = k->workload->making.seed(&made),
		.rate = (int64_t)DEFAULT_RATE * MILLION,
		.limit = -1,
		.start_us = -1,
		.stop = k->stop};
	if (rate != NULL && strcmp(rate, "max") == 0)
		o->rate = 0;
	else
		TRY(cmd_stream_decimal(k, "--rate", 1000, INT64_C(10000000) * MILLION, &o->rate, err));
	TRY(cmd_stream_count(k, "--limit", &o->limit, err));
	TRY(cmd_stream_count(k, "--first", &o->first, err));
	TRY(cmd_stream_decimal(k, "--late-share", 0, MILLION, &o->late_share, err));
	TRY(cmd_stream_decimal(k, "--out-of-order", 0, INT64_C(3600) * MILLION, &o->out_of_order_us, err));
	if (start != NULL && !time_parse(str_of(start), &o->start_us))
		return fail(err, E_USAGE, "--start: expected a time as 2025-09-01T12:00:00Z, found '%s'", start);
	return OK;
}

static status produce_topic(
	struct stream_cmd *k, const struct stream_produce_opts *o, struct stream_produced *done, struct err *err)
{
	struct kafka_opts kafka;
	struct kafka_sink *sink = NULL;
	char events[32];
	TRY(cmd_stream_kafka(k, &kafka, err));
	TRY(kafka_sink_open(&kafka, k->topic->partitions, k->topic->retention_ms, &sink, err));
	const struct stream_out out = kafka_sink_out(sink);
	const status code = stream_produce(o, &out, done, err);
	kafka_sink_close(sink);
	if (code == OK)
		log_printf(LOG_INFO, "%s events sent to topic %s", cli_count(done->events, events), kafka.topic);
	return code;
}

status cmd_stream_produce(struct stream_cmd *k, struct err *err)
{
	struct stream_produce_opts o;
	struct stream_produced done;
	bool plain;
	TRY(cmd_stream_plain(k, "--sink", &plain, err));
	TRY(read_options(k, &o, err));
	if (!plain) return produce_topic(k, &o, &done, err);
	return produce_plain(&o, &done, err);
}
