/* stream/kafka_identity.c: which topic stands under a name, by the id that its brokers gave it: one that is deleted and made again has another.
 * librdkafka tells of it from 2.3 on. What is built with an older one finds the functions of a newer one when it runs with it.
 *
 * It is asked by a client of its own: a broker answers on a connection in order, so that a question behind a consumer's fetch would wait for
 * the next record, or half a second. */
#include <dlfcn.h>
#include <pthread.h>

#include "base/hash.h"
#include "stream/kafka_int.h"

enum { ASK_MS = 5000 };

static struct {
	void *(*of_names)(const char **names, size_t n);
	void (*destroy)(void *names);
	void (*describe)(rd_kafka_t *rk, const void *names, const rd_kafka_AdminOptions_t *o, rd_kafka_queue_t *to);
	const void *(*result)(rd_kafka_event_t *event);
	const void **(*topics)(const void *result, size_t *n);
	const rd_kafka_error_t *(*error)(const void *topic);
	const void *(*id)(const void *topic);
	int64_t (*most)(const void *id), (*least)(const void *id);
	bool loaded;
} api;
static pthread_once_t api_once = PTHREAD_ONCE_INIT;

static void load(void)
{
	static const struct {
		const char *name;
		void *to;
	} symbols[] = {
		{"rd_kafka_TopicCollection_of_topic_names", &api.of_names},
		{"rd_kafka_TopicCollection_destroy", &api.destroy},
		{"rd_kafka_DescribeTopics", &api.describe},
		{"rd_kafka_event_DescribeTopics_result", &api.result},
		{"rd_kafka_DescribeTopics_result_topics", &api.topics},
		{"rd_kafka_TopicDescription_error", &api.error},
		{"rd_kafka_TopicDescription_topic_id", &api.id},
		{"rd_kafka_Uuid_most_significant_bits", &api.most},
		{"rd_kafka_Uuid_least_significant_bits", &api.least},
	};
	for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++) {
		void *symbol = dlsym(RTLD_DEFAULT, symbols[i].name);
		if (symbol == NULL) return;
		memcpy(symbols[i].to, &symbol, sizeof symbol);
	}
	api.loaded = true;
}

/* Whatever is wrong may pass: that a topic is not there at all is told by who reads it. */
static status cannot_tell(const char *why, struct err *err)
{
	const status s = fail(err, E_UNREACHABLE, "the topic's id cannot be asked for: %s", why);
	err_set_class(err, ERR_RETRY);
	return s;
}

/* Brokers that know of no ids tell none. That a right is missing does not pass. */
static status refused(const struct kafka_client *c, rd_kafka_resp_err_t error, struct err *err)
{
	if (error == RD_KAFKA_RESP_ERR__UNSUPPORTED_FEATURE || error == RD_KAFKA_RESP_ERR_UNSUPPORTED_VERSION)
		return OK;
	const status code = kafka_client_fail(c, error, "the topic's id cannot be asked for", err);
	return code == E_USAGE ? cannot_tell(rd_kafka_err2str(error), err) : code;
}

static status identity_of(const struct kafka_client *c, rd_kafka_event_t *event, int64_t *identity, struct err *err)
{
	size_t n = 0;
	const void *result = event != NULL ? api.result(event) : NULL;
	if (result == NULL) return cannot_tell("no answer in time", err);
	if (rd_kafka_event_error(event) != RD_KAFKA_RESP_ERR_NO_ERROR)
		return refused(c, rd_kafka_event_error(event), err);
	const void **topics = api.topics(result, &n);
	if (n != 1) return cannot_tell("another answer than to the question", err);
	const rd_kafka_error_t *error = api.error(topics[0]);
	if (error != NULL) return refused(c, rd_kafka_error_code(error), err);
	const void *id = api.id(topics[0]);
	const int64_t bits[2] = {id != NULL ? api.most(id) : 0, id != NULL ? api.least(id) : 0};
	if (bits[0] != 0 || bits[1] != 0) *identity = (int64_t)(hash_xxh64(bits, sizeof bits) & INT64_MAX);
	return OK;
}

static status ask(struct kafka_client *c, const void *names, int64_t *identity, struct err *err)
{
	char why[KAFKA_TEXT_MAX];
	rd_kafka_queue_t *answers = rd_kafka_queue_new(c->rk);
	rd_kafka_AdminOptions_t *options = rd_kafka_AdminOptions_new(c->rk, RD_KAFKA_ADMIN_OP_ANY);
	rd_kafka_event_t *event = NULL;
	status code = OK;
	if (answers == NULL || options == NULL)
		code = fail_nomem(err);
	else if (rd_kafka_AdminOptions_set_request_timeout(options, ASK_MS, why, sizeof why) !=
		 RD_KAFKA_RESP_ERR_NO_ERROR)
		code = cannot_tell(why, err);
	else {
		api.describe(c->rk, names, options, answers);
		event = rd_kafka_queue_poll(answers, 2 * ASK_MS);
		code = identity_of(c, event, identity, err);
	}
	if (event != NULL) rd_kafka_event_destroy(event);
	if (options != NULL) rd_kafka_AdminOptions_destroy(options);
	if (answers != NULL) rd_kafka_queue_destroy(answers);
	return code;
}

status kafka_asker_open(struct kafka_client *c, const struct kafka_opts *o, struct err *err)
{
	static const struct kafka_default defaults[] = {{"enable.auto.commit", "false", false}, {NULL, NULL, false}};
	(void)pthread_once(&api_once, load);
	return api.loaded ? kafka_client_open(c, o, RD_KAFKA_CONSUMER, defaults, NULL, err) : OK;
}

status kafka_asker_identity(struct kafka_client *c, int64_t *identity, struct err *err)
{
	const char *name = c->topic;
	*identity = -1;
	if (c->rk == NULL) return OK;
	(void)rd_kafka_poll(c->rk, 0); /* its errors are those of the other client, which tells of them */
	void *names = api.of_names(&name, 1);
	if (names == NULL) return fail_nomem(err);
	const status code = ask(c, names, identity, err);
	api.destroy(names);
	return code;
}
