/* stream/kafka.h: topics of Kafka: a member of a consumer group as a source, an idempotent producer as a sink. Where the program was built
 * without librdkafka both open functions say so (E_UNSUPPORTED), and nothing else is different. */
#ifndef PQR_STREAM_KAFKA_H
#define PQR_STREAM_KAFKA_H

#include "stream/produce.h"
#include "stream/source.h"

/* A setting of librdkafka's own, over ours. */
struct kafka_setting {
	struct str key, value; /* value may be a secret: it is never shown */
};
struct kafka_opts {
	const char *brokers; /* HOST:PORT,... */
	const char *topic;
	const char *group;                    /* of a source */
	bool ends;                            /* a source tells when all partitions were read to their ends */
	bool keys;                            /* a source gives keys, too */
	const struct kafka_setting *settings; /* [n_settings] */
	size_t n_settings;
	bool hurry; /* give up at the start as soon as every broker refused a connection; else after 10 s */
};
/* Asks the brokers for the topic before it returns. E_UNREACHABLE: none answers, or none lets us in; E_USAGE: there is no such topic, or a
 * setting that librdkafka does not know. From then on brokers may come and go: one log line a minute tells of it. */
status kafka_source_open(const struct kafka_opts *o, struct stream_source **out, struct err *err) MUST_USE;

struct kafka_sink;
/* Makes the topic where it is missing: so many partitions, so long a retention. Errors as above. */
status kafka_sink_open(const struct kafka_opts *o, int32_t partitions, int64_t retention_ms, struct kafka_sink **out,
	struct err *err) MUST_USE;
struct stream_out kafka_sink_out(struct kafka_sink *s); /* views s */
void kafka_sink_close(struct kafka_sink *s);            /* what finish did not see off is lost; NULL is fine */

/* What a topic holds, and how far those groups that begin with o->group say they have come in it; no group is joined. partitions 0:
 * there is no such topic. Errors as kafka_source_open. */
enum { KAFKA_LOOK_GROUPS_MAX = 8, KAFKA_GROUP_MAX = 256 };
struct kafka_look {
	int32_t partitions;
	int64_t messages; /* that retention has left */
	size_t n_groups;  /* with a position in the topic; further ones than so many are not told */
	struct kafka_group_look {
		char name[KAFKA_GROUP_MAX];
		bool known;
		int members;
		int64_t behind; /* messages, of partitions where the group has a position */
	} groups[KAFKA_LOOK_GROUPS_MAX];
};
status kafka_look(const struct kafka_opts *o, struct kafka_look *out, struct err *err) MUST_USE;

#endif
