/* stream/kafka_client.c: a client of librdkafka: settings, the first look at the topic, errors. */
#include <stdio.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/time.h"
#include "stream/kafka_int.h"

enum { LOOK_MS = 10000, LOOK_ONCE_MS = 250, SAY_EVERY_S = 60 };

static enum err_class class_of(rd_kafka_resp_err_t code)
{
	switch (code) {
	case RD_KAFKA_RESP_ERR__AUTHENTICATION:
	case RD_KAFKA_RESP_ERR__SSL:
	case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
	case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_GROUP_AUTHORIZATION_FAILED:
	case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED: return ERR_DENIED;
	case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
	case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
	case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION: return ERR_DATA;
	case RD_KAFKA_RESP_ERR__FATAL: return ERR_FATAL;
	default: return ERR_RETRY;
	}
}

status kafka_client_fail(const struct kafka_client *c, rd_kafka_resp_err_t code, const char *what, struct err *err)
{
	const enum err_class class = class_of(code);
	if (class == ERR_DATA) return fail(err, E_USAGE, "there is no topic %s", c->topic);
	const status s = fail(err, E_UNREACHABLE, "%s: %s", what, rd_kafka_err2str(code));
	err_set_class(err, class);
	return s;
}

status kafka_client_check(const struct kafka_client *c, struct err *err)
{
	const int code = atomic_load(&c->refused);
	if (code == 0) return OK;
	/* Up to 2.6.0 librdkafka sends its own nonce twice, and brokers no longer let that pass: the password may well be right. */
	const bool twice = strstr(c->why, "SCRAM") != NULL && rd_kafka_version() < 0x02060100;
	const status s = fail(err, E_UNREACHABLE, "Kafka refuses: %s%s%s%s", c->why,
		twice ? ": SCRAM of librdkafka " : "", twice ? rd_kafka_version_str() : "",
		twice ? " is refused by newer brokers whatever the password, 2.6.1's is not" : "");
	err_set_class(err, class_of((rd_kafka_resp_err_t)code));
	return s;
}

/* Called by rd_kafka_poll and its like, in the thread that calls them. */
static void on_error(rd_kafka_t *rk, int code, const char *reason, void *opaque)
{
	struct kafka_client *c = opaque;
	const int64_t now = time_mono_us(), before = atomic_load(&c->said_us);
	(void)rk;
	const enum err_class class = class_of((rd_kafka_resp_err_t)code);
	if (code == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN) atomic_store(&c->down, true);
	/* A broker that goes away in the middle of a handshake is told as an error of TLS: who was let in once waits. */
	const bool passing = code == RD_KAFKA_RESP_ERR__SSL && atomic_load(&c->answered);
	if ((class == ERR_DENIED || class == ERR_FATAL) && !passing && atomic_load(&c->refused) == 0) {
		(void)snprintf(c->why, sizeof c->why, "%s", reason);
		atomic_store(&c->refused, code);
	}
	if (!atomic_load(&c->answered) || (before != 0 && now - before < SAY_EVERY_S * US_PER_SECOND)) return;
	atomic_store(&c->said_us, now);
	log_line(LOG_WARN, "Kafka is out of reach, goes on when it is back", "topic", c->topic, "why", reason, NULL);
}

static void on_log(const rd_kafka_t *rk, int level, const char *facility, const char *text)
{
	(void)rk;
	(void)level;
	log_line(LOG_DEBUG, text, "librdkafka", facility, NULL);
}

static status set(rd_kafka_conf_t *conf, const char *key, const char *value, bool optional, struct err *err)
{
	char why[KAFKA_TEXT_MAX];
	const rd_kafka_conf_res_t res = rd_kafka_conf_set(conf, key, value, why, sizeof why);
	if (res == RD_KAFKA_CONF_OK || (optional && res == RD_KAFKA_CONF_UNKNOWN)) return OK;
	if (res == RD_KAFKA_CONF_UNKNOWN)
		return fail(err, E_USAGE, "librdkafka %s has no setting %s", rd_kafka_version_str(), key);
	return fail(err, E_USAGE, "librdkafka takes no such value of its setting %s", key); /* `why` would show it */
}

static status set_own(rd_kafka_conf_t *conf, const struct kafka_setting *s, struct err *err)
{
	char *key = mem_strndup(s->key.p, s->key.n), *value = mem_strndup(s->value.p, s->value.n);
	const status code = key == NULL || value == NULL ? fail_nomem(err) : set(conf, key, value, false, err);
	mem_free(key);
	mem_free(value);
	return code;
}

static status configure(
	rd_kafka_conf_t *conf, const struct kafka_opts *o, const struct kafka_default *defaults, struct err *err)
{
	TRY(set(conf, "bootstrap.servers", o->brokers, false, err));
	TRY(set(conf, "client.id", "pqr", false, err));
	for (; defaults->key != NULL; defaults++)
		TRY(set(conf, defaults->key, defaults->value, defaults->optional, err));
	for (size_t i = 0; i < o->n_settings; i++) TRY(set_own(conf, &o->settings[i], err));
	return OK;
}

status kafka_client_open(struct kafka_client *c, const struct kafka_opts *o, rd_kafka_type_t type,
	const struct kafka_default *defaults, void (*setup)(rd_kafka_conf_t *conf), struct err *err)
{
	char why[KAFKA_TEXT_MAX] = "";
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	if (conf == NULL) return fail_nomem(err);
	(void)snprintf(c->topic, sizeof c->topic, "%s", o->topic);
	(void)snprintf(c->brokers, sizeof c->brokers, "%s", o->brokers);
	c->hurry = o->hurry;
	const status code = configure(conf, o, defaults, err);
	if (code != OK) {
		rd_kafka_conf_destroy(conf);
		return code;
	}
	rd_kafka_conf_set_opaque(conf, c);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	if (setup != NULL) setup(conf);
	c->rk = rd_kafka_new(type, conf, why, sizeof why);
	if (c->rk != NULL) return OK;
	rd_kafka_conf_destroy(conf);
	return fail(err, E_USAGE, "librdkafka could not be set up: %s", why);
}

void kafka_client_close(struct kafka_client *c)
{
	if (c->rk != NULL) rd_kafka_destroy(c->rk);
	c->rk = NULL;
}

status kafka_client_look(struct kafka_client *c, int *partitions, struct err *err)
{
	const struct rd_kafka_metadata *m = NULL;
	rd_kafka_topic_t *topic = rd_kafka_topic_new(c->rk, c->topic, NULL);
	if (topic == NULL) return fail(err, E_USAGE, "'%s' is no name of a topic", c->topic);
	const int64_t until = time_mono_us() + LOOK_MS * INT64_C(1000);
	rd_kafka_resp_err_t code;
	do { /* what the client has to say comes first: a refusal, which it would wait out */
		code = rd_kafka_metadata(c->rk, 0, topic, &m, LOOK_ONCE_MS);
		(void)rd_kafka_poll(c->rk, 0);
	} while (code != RD_KAFKA_RESP_ERR_NO_ERROR && atomic_load(&c->refused) == 0 && time_mono_us() < until &&
		 !(c->hurry && atomic_load(&c->down)));
	rd_kafka_topic_destroy(topic);
	const status refused = kafka_client_check(c, err);
	if (refused != OK && m != NULL) rd_kafka_metadata_destroy(m);
	TRY(refused);
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR && m->topic_cnt == 1) code = m->topics[0].err;
	*partitions = code == RD_KAFKA_RESP_ERR_NO_ERROR && m->topic_cnt == 1 ? m->topics[0].partition_cnt : 0;
	if (m != NULL) rd_kafka_metadata_destroy(m);
	if (code != RD_KAFKA_RESP_ERR_NO_ERROR && class_of(code) != ERR_DATA)
		return fail(err, E_UNREACHABLE, "no broker answers at %s: %s", c->brokers, rd_kafka_err2str(code));
	atomic_store(&c->answered, true);
	return OK;
}
