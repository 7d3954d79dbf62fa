/* cli/cmd_stream.c: pqr stream: its options, its signals, and which subcommand does the work. */
#include "cli/cmd_stream.h"

#include <stdio.h>
#include <string.h>

#include "cli/signals.h"
#include "workloads/registry.h"

/* ---- signals ------------------------------------------------------------------------------------------------------------ */

static volatile sig_atomic_t stop_signal; /* written by on_stop alone */

static void on_stop(int signal_number)
{
	stop_signal = signal_number;
}

/* ---- options ------------------------------------------------------------------------------------------------------------ */

/* The one whose topic has all there is: rows and windows. */
static const struct workload *usual_workload(void)
{
	for (size_t i = 0; i < registry_workloads.n; i++) {
		const struct stream_topic *topic = registry_workloads.items[i]->topic;
		if (topic != NULL && topic->windows != NULL) return registry_workloads.items[i];
	}
	return NULL;
}

static status find_workload(struct stream_cmd *k, struct err *err)
{
	const char *name = cli_get(k->cli, "--workload");
	k->workload = usual_workload();
	if (name != NULL) TRY(workload_find(&registry_workloads, str_of(name), &k->workload, err));
	ASSERT(k->workload != NULL);
	if (k->workload->topic == NULL)
		return fail(err, E_USAGE, "workload %s has no topic; %s has one", name, usual_workload()->name);
	k->topic = k->workload->topic;
	return OK;
}

/* ---- the command -------------------------------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	status (*run)(struct stream_cmd *k, struct err *err);
} subcommands[] = {
	{"produce", cmd_stream_produce},
	{"land", cmd_stream_land},
	{"aggregate", cmd_stream_aggregate},
};
enum { N_SUBCOMMANDS = sizeof subcommands / sizeof *subcommands };

static status open_session(struct stream_cmd *k, struct err *err)
{
	static const struct {
		const char *flag, *key;
	} keys[] = {{"--brokers", "stream.brokers"}, {"--topic", "stream.topic"}, {"--group", "stream.group"}};
	enum { KEYS = sizeof keys / sizeof *keys };
	struct session_setting more[KEYS + 1];
	char seed[64];
	size_t n = 0;
	for (size_t i = 0; i < KEYS; i++) {
		const char *value = cli_get(k->cli, keys[i].flag);
		if (value != NULL) more[n++] = (struct session_setting){keys[i].key, value, keys[i].flag};
	}
	for (size_t i = 0; i < k->workload->n_options && cli_get(k->cli, "--seed") != NULL; i++) {
		if (strcmp(k->workload->options[i].name, "seed") != 0) continue;
		(void)snprintf(seed, sizeof seed, "%s", k->workload->options[i].key);
		more[n++] = (struct session_setting){seed, cli_get(k->cli, "--seed"), "--seed"};
	}
	TRY(cli_session_open_as(&k->session, k->cli, k->workload, more, n, err));
	k->topic_config = k->session.config;
	k->topic_name = k->session.engine.stream_topic;
	if (k->topic_name[0] == '\0') k->topic_name = k->topic->name;
	return OK;
}

static status stream_run(struct cli *c, struct err *err)
{
	struct stream_cmd k = {.cli = c, .stop = &stop_signal};
	size_t i = 0;
	while (i < N_SUBCOMMANDS && strcmp(c->args[0], subcommands[i].name) != 0) i++;
	if (i == N_SUBCOMMANDS)
		return fail(err, E_USAGE, "pqr stream: expected produce, land or aggregate, found '%s'", c->args[0]);
	TRY(find_workload(&k, err));
	cli_signals_to(on_stop);
	status code = open_session(&k, err);
	if (code == OK) code = subcommands[i].run(&k, err);
	session_close(&k.session);
	/* Where all was done that was to be done, the shell is told. */
	return code == OK && stop_signal == SIGINT ? E_CANCELLED : code;
}

static const struct cli_option options[] = {
	{"--workload", "NAME", "whose events: clickstream (default), pqrs"},
	{"--brokers", "LIST", "Kafka brokers, HOST:PORT,... (default localhost:9092)"},
	{"--kafka", "KEY=VALUE...", "a setting of librdkafka's own, as sasl.username=me; may be repeated"},
	{"--topic", "NAME", "topic (default: the workload's own, user-events)"},
	{"--sink", "kafka|-", "produce: where events go; -: standard output, a line each"},
	{"--rate", "N|max", "produce: events a second (default 5)"},
	{"--limit", "N", "produce: end after so many events"},
	{"--first", "N", "produce: number of the first event (default 0); events are a function of seed and number"},
	{"--seed", "N", "produce: seed of the events"},
	{"--start", "TIME", "produce: time stamp of the first event, the next ones follow at the rate (default: now)"},
	{"--late-share", "P", "produce: share of events that tell of 3 to 10 minutes before, 0 to 1"},
	{"--out-of-order", "S", "produce: seconds that an event may be told too late"},
	{"--source", "kafka|-", "land, aggregate: where events come from; -: lines of standard input"},
	{"--source-id", "NAME", "--source -: names the lines, so that the same ones piped again land, or count, once"},
	{"--interval", "S", "land, aggregate: seconds between commits (default 30)"},
	{"--bytes", "SIZE", "land, aggregate: events in one commit at most, as 64MB or 256MiB (default 256MiB)"},
	{"--once", NULL, "land, aggregate: end at the end of the topic"},
	{"--from", "earliest|latest",
		"land, aggregate: where a partition starts that has no position yet (default earliest)"},
	{"--on-gap", "stop|continue",
		"land, aggregate: where retention took messages before they were read (default stop)"},
	{"--accept-new-topic", NULL,
		"land, aggregate: go on with a topic that was deleted and made again, from its beginning"},
	{"--contract", "FILE", "land: a JSON Schema of the messages of any topic (needs --topic and --table)"},
	{"--table", "NAME", "land --contract: the table, as bronze.orders"},
	{"--partition-by", "COLUMN", "land --contract: folders of the table; date(COLUMN): the UTC date of an instant"},
	{"--format", "json|debezium", "land --contract: messages are rows (default), or envelopes of changes"},
	{"--infer", "N", "land: propose a contract from the first N messages"},
	{"--metrics-listen", "ADDR:PORT", "land, aggregate: tell Prometheus at /metrics how it goes"},
	{"--group", "NAME", "consumer group (default: one for each table)"},
};
const struct cli_command cli_stream_command = {.name = "stream",
	.synopsis = "produce|land|aggregate",
	.summary = "events as they come: make them, land them in bronze, count them by minute",
	.details = "  pqr stream produce --sink - --rate max --limit 1000   events as JSON lines\n"
		   "  pqr stream produce --rate 100                         events into Kafka, a hundred a second\n"
		   "  pqr stream produce --sink - --limit 1000 --rate max | pqr stream land --source -\n"
		   "  pqr stream produce --sink - --limit 1000 --rate max | pqr stream aggregate --source -",
	.options = options,
	.n_options = sizeof options / sizeof options[0],
	.args_min = 1,
	.args_max = 1,
	.run = stream_run};
