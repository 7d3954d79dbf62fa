/* cli/cmd_stream_options.c: values of the options of pqr stream. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cmd_stream.h"

status cmd_stream_plain(const struct stream_cmd *k, const char *option, bool *out, struct err *err)
{
	const char *text = cli_get(k->cli, option);
	*out = text != NULL && strcmp(text, "-") == 0;
	if (*out || text == NULL || strcmp(text, "kafka") == 0) return OK;
	return fail(err, E_USAGE, "%s: expected kafka or -, found '%s'", option, text);
}

status cmd_stream_decimal(
	const struct stream_cmd *k, const char *option, int64_t min, int64_t max, int64_t *millionths, struct err *err)
{
	const char *text = cli_get(k->cli, option);
	char low[32], high[32];
	int64_t v;
	if (text == NULL) return OK;
	if (config_decimal_parse(str_of(text), 6, &v) && v >= min && v <= max) {
		*millionths = v;
		return OK;
	}
	config_millionths_text(min, low);
	config_millionths_text(max, high);
	return fail(err, E_USAGE, "%s: expected a number from %s to %s, found '%s'", option, low, high, text);
}

status cmd_stream_count(const struct stream_cmd *k, const char *option, int64_t *out, struct err *err)
{
	const char *text = cli_get(k->cli, option);
	char *end = NULL;
	if (text == NULL) return OK;
	errno = 0;
	const long long v = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || v < 0 || errno != 0)
		return fail(err, E_USAGE, "%s: expected a whole number, found '%s'", option, text);
	*out = v;
	return OK;
}

status cmd_stream_bytes(const struct stream_cmd *k, const char *option, int64_t *out, struct err *err)
{
	static const struct {
		const char *name;
		int64_t factor;
	} units[] = {{"", 1}, {"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000}, {"KiB", 1 << 10}, {"MiB", 1 << 20},
		{"GiB", 1 << 30}};
	const char *text = cli_get(k->cli, option);
	char *end = NULL;
	if (text == NULL) return OK;
	errno = 0;
	const long long v = strtoll(text, &end, 10);
	for (size_t i = 0; i < sizeof units / sizeof *units && end != text && errno == 0 && v > 0; i++)
		if (strcmp(end, units[i].name) == 0 && !__builtin_mul_overflow(v, units[i].factor, out)) return OK;
	return fail(err, E_USAGE, "%s: expected bytes, as 64MB or 256MiB, found '%s'", option, text);
}

status cmd_stream_settings(struct session *s, size_t more, struct kafka_setting **out, size_t *n, struct err *err)
{
	const struct engine_config *e = &s->engine;
	struct kafka_setting *settings = ARENA_NEW(&s->arena, struct kafka_setting, e->n_stream_kafka + more + 1);
	if (settings == NULL) return fail_nomem(err);
	for (*n = 0; *n < e->n_stream_kafka; ++*n)
		settings[*n] =
			(struct kafka_setting){str_of(e->stream_kafka[*n].key), str_of(e->stream_kafka[*n].value)};
	*out = settings;
	return OK;
}

status cmd_stream_kafka(struct stream_cmd *k, struct kafka_opts *out, struct err *err)
{
	const struct cli *c = k->cli;
	struct kafka_setting *settings;
	size_t n;
	TRY(cmd_stream_settings(&k->session, c->n_lists, &settings, &n, err));
	for (size_t i = 0; i < c->n_lists; i++, n++) {
		const char *equals = strchr(c->lists[i], '=');
		if (equals == NULL || equals == c->lists[i])
			return fail(err, E_USAGE, "--kafka: expected a setting of librdkafka's as KEY=VALUE");
		settings[n] = (struct kafka_setting){{c->lists[i], (size_t)(equals - c->lists[i])}, str_of(equals + 1)};
	}
	*out = (struct kafka_opts){.brokers = k->session.engine.stream_brokers,
		.topic = k->topic_name,
		.settings = settings,
		.n_settings = n};
	return OK;
}
