/* cli/stream_probe.c: see stream_probe.h. */
#include "cli/stream_probe.h"

#include <stdio.h>

#include "cli/cmd_stream.h"
#include "workloads/registry.h"

static const char usual_brokers[] = "localhost:9092";

struct probe {
	stream_found found;
	void *arg;
	struct kafka_opts o;
	bool answered; /* told of the broker already */
};

static void tell_group(const struct probe *p, const char *topic, const struct kafka_group_look *g)
{
	char text[512], behind[32];
	(void)snprintf(text, sizeof text, "%.250s: %d member%s, %s behind in %.100s%s", g->name, g->members,
		g->members == 1 ? "" : "s", cli_count(g->behind, behind), topic,
		g->members == 0 && g->behind > 0 ? "; none of it runs" : "");
	p->found(p->arg, STREAM_GOOD, "stream group", text);
}

static void tell_topic(struct probe *p, const struct kafka_look *look)
{
	char text[512], n[32];
	if (!p->answered) p->found(p->arg, STREAM_GOOD, "broker", p->o.brokers);
	p->answered = true;
	if (look->partitions == 0)
		(void)snprintf(text, sizeof text, "%.250s is not there yet: `pqr stream produce` makes it", p->o.topic);
	else
		(void)snprintf(text, sizeof text, "%.250s: %d partition%s, %s messages", p->o.topic, look->partitions,
			look->partitions == 1 ? "" : "s", cli_count(look->messages, n));
	p->found(p->arg, look->partitions == 0 ? STREAM_ABSENT : STREAM_GOOD, "topic", text);
	for (size_t i = 0; i < look->n_groups; i++) tell_group(p, p->o.topic, &look->groups[i]);
}

static void tell_failure(const struct probe *p, const struct err *err)
{
	char text[CLI_ERROR_CHARS];
	const bool nobody_asked = strcmp(p->o.brokers, usual_brokers) == 0 && p->o.n_settings == 0;
	if (err->code == E_UNREACHABLE && err->class != ERR_DENIED && nobody_asked)
		p->found(p->arg, STREAM_ABSENT, "broker",
			"none at localhost:9092: `scripts/stack up kafka`, or stream.brokers; streams of lines need "
			"none");
	else if (err->code == E_UNSUPPORTED)
		p->found(p->arg, STREAM_ABSENT, "broker", err->message);
	else
		p->found(p->arg, STREAM_BAD, "broker", cli_error_text(err, text));
}

/* false: the next topic would fare no better. */
static bool probe_topic(struct probe *p, const char *topic)
{
	struct err err;
	struct kafka_look look;
	err_clear(&err);
	p->o.topic = topic;
	const status code = kafka_look(&p->o, &look, &err);
	if (code == OK)
		tell_topic(p, &look);
	else
		tell_failure(p, &err);
	return code == OK;
}

void stream_probe(struct session *s, stream_found found, void *arg)
{
	struct probe p = {.found = found, .arg = arg};
	struct kafka_setting *settings;
	struct err err;
	err_clear(&err);
	const char *group = s->engine.stream_group, *topic = s->engine.stream_topic;
	p.o = (struct kafka_opts){
		.brokers = s->engine.stream_brokers, .group = group[0] != '\0' ? group : "pqr-", .hurry = true};
	if (cmd_stream_settings(s, 0, &settings, &p.o.n_settings, &err) != OK) return tell_failure(&p, &err);
	p.o.settings = settings;
	if (topic[0] != '\0') {
		(void)probe_topic(&p, topic);
		return;
	}
	for (size_t i = 0; i < registry_workloads.n; i++) {
		const struct stream_topic *t = registry_workloads.items[i]->topic;
		if (t != NULL && !probe_topic(&p, t->name)) return;
	}
}
