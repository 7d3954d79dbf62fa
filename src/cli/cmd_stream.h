/* cli/cmd_stream.h: what the subcommands of pqr stream share: the session, the topic, the stop, the member's options and reports. */
#ifndef PQR_CLI_CMD_STREAM_H
#define PQR_CLI_CMD_STREAM_H

#include <signal.h>

#include "cli/run_options.h"
#include "stream/kafka.h"
#include "stream/member.h"
#include "stream/topic.h"

struct stream_cmd {
	const struct cli *cli;
	struct session session; /* with the workload's configuration */
	const struct workload *workload;
	const struct stream_topic *topic;
	const void *topic_config;          /* of topic->open and its like */
	const char *topic_name;            /* in Kafka */
	const volatile sig_atomic_t *stop; /* the signal that asks to end, or 0 */
};

status cmd_stream_produce(struct stream_cmd *k, struct err *err) MUST_USE;
status cmd_stream_land(struct stream_cmd *k, struct err *err) MUST_USE;
status cmd_stream_aggregate(struct stream_cmd *k, struct err *err) MUST_USE;

/* The topic by --contract in place of the workload's; *out NULL where there is none. json_contract_close it, also after a failure. */
struct json_contract;
status cmd_stream_contract(struct stream_cmd *k, struct json_contract **out, struct err *err) MUST_USE;
/* pqr stream land --infer N: a contract proposed from the first N messages, on standard output. */
status cmd_stream_infer(struct stream_cmd *k, struct err *err) MUST_USE;

/* Is the value of that option, or its default, "-"? E_USAGE: neither that nor kafka. */
status cmd_stream_plain(const struct stream_cmd *k, const char *option, bool *out, struct err *err) MUST_USE;
/* A decimal number of what, as millionths; untouched where the option was not given. E_USAGE. */
status cmd_stream_decimal(const struct stream_cmd *k, const char *option, int64_t min, int64_t max, int64_t *millionths,
	struct err *err) MUST_USE;
status cmd_stream_count(const struct stream_cmd *k, const char *option, int64_t *out, struct err *err) MUST_USE;

/* Where Kafka is, and librdkafka's own settings; views k's session. */
status cmd_stream_kafka(struct stream_cmd *k, struct kafka_opts *out, struct err *err) MUST_USE;
/* librdkafka's own settings of the configuration, with room for `more` behind them; in s's arena. */
status cmd_stream_settings(
	struct session *s, size_t more, struct kafka_setting **out, size_t *n, struct err *err) MUST_USE;
/* Bytes, as 64MB or 256MiB. */
status cmd_stream_bytes(const struct stream_cmd *k, const char *option, int64_t *out, struct err *err) MUST_USE;

#endif
