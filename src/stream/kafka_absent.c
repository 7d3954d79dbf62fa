/* stream/kafka_absent.c: in place of kafka_*.c where librdkafka was not there when the program was built. */
#include "stream/kafka.h"

static status absent(struct err *err)
{
	return fail(err, E_UNSUPPORTED, "this program was built without librdkafka and speaks to no Kafka");
}

status kafka_source_open(const struct kafka_opts *o, struct stream_source **out, struct err *err)
{
	(void)o;
	(void)out;
	return absent(err);
}

status kafka_sink_open(
	const struct kafka_opts *o, int32_t partitions, int64_t retention_ms, struct kafka_sink **out, struct err *err)
{
	(void)o;
	(void)partitions;
	(void)retention_ms;
	(void)out;
	return absent(err);
}

status kafka_look(const struct kafka_opts *o, struct kafka_look *out, struct err *err)
{
	(void)o;
	(void)out;
	return absent(err);
}

struct stream_out kafka_sink_out(struct kafka_sink *s)
{
	(void)s;
	return (struct stream_out){0};
}

void kafka_sink_close(struct kafka_sink *s)
{
	(void)s;
}
