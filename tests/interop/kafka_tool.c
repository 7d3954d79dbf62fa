/* kafka_tool BROKERS COMMAND...: what tests do to a topic, by librdkafka and nothing of the program's.
 *
 *   send TOPIC [commit|abort]       lines of standard input, PARTITION TAB TIMESTAMP_MS TAB KEY TAB VALUE; a value of \N is none;
 *                                   in one transaction that is committed or aborted, where asked for
 *   read TOPIC                      every committed record as a line of the same form, OFFSET after the partition
 *   cut TOPIC PARTITION OFFSET      delete what is before the offset
 *   make TOPIC PARTITIONS           make it, to keep all there is, or give it more partitions
 *   drop TOPIC                      delete it, and wait until it is gone
 */
#include <inttypes.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 30000 };

static void need(rd_kafka_resp_err_t code, const char *what)
{
	if (code == RD_KAFKA_RESP_ERR_NO_ERROR) return;
	(void)fprintf(stderr, "kafka_tool: %s: %s\n", what, rd_kafka_err2str(code));
	exit(1);
}

static void need_no(rd_kafka_error_t *error, const char *what)
{
	if (error == NULL) return;
	(void)fprintf(stderr, "kafka_tool: %s: %s\n", what, rd_kafka_error_string(error));
	exit(1);
}

static int failed;
static void on_delivery(rd_kafka_t *rk, const rd_kafka_message_t *m, void *opaque)
{
	(void)rk;
	(void)opaque;
	if (m->err == RD_KAFKA_RESP_ERR_NO_ERROR || failed) return;
	failed = m->err != RD_KAFKA_RESP_ERR__PURGE_QUEUE;
}

static rd_kafka_t *client(rd_kafka_type_t type, const char *brokers, const char *const *settings)
{
	char why[512];
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	rd_kafka_conf_res_t ok = rd_kafka_conf_set(conf, "bootstrap.servers", brokers, why, sizeof why);
	for (; *settings != NULL && ok == RD_KAFKA_CONF_OK; settings += 2)
		ok = rd_kafka_conf_set(conf, settings[0], settings[1], why, sizeof why);
	if (type == RD_KAFKA_PRODUCER) rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_t *rk = ok == RD_KAFKA_CONF_OK ? rd_kafka_new(type, conf, why, sizeof why) : NULL;
	if (rk != NULL) return rk;
	(void)fprintf(stderr, "kafka_tool: %s\n", why);
	exit(1);
}

/* ---- send ----------------------------------------------------------------------------------------------------------------- */

static void send_line(rd_kafka_t *rk, const char *topic, char *line)
{
	char *rest = line, *partition = strsep(&rest, "\t"), *time = strsep(&rest, "\t"), *key = strsep(&rest, "\t");
	if (rest == NULL) need(RD_KAFKA_RESP_ERR__INVALID_ARG, "a line of fewer than four fields");
	rest[strcspn(rest, "\n")] = '\0';
	char *const value = strcmp(rest, "\\N") == 0 ? NULL : rest;
	const size_t value_n = value != NULL ? strlen(value) : 0;
	need(rd_kafka_producev(rk, RD_KAFKA_V_TOPIC(topic), RD_KAFKA_V_PARTITION(atoi(partition)),
		     RD_KAFKA_V_TIMESTAMP(atoll(time)), RD_KAFKA_V_KEY(key, strlen(key)),
		     RD_KAFKA_V_VALUE(value, value_n), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END),
		"send");
	(void)rd_kafka_poll(rk, 0);
}

static void send_all(const char *brokers, const char *topic, const char *end)
{
	char id[64];
	(void)snprintf(id, sizeof id, "kafka-tool-%d", rand());
	const char *const settings[] = {"linger.ms", "5", end != NULL ? "transactional.id" : NULL, id, NULL};
	char *line = NULL;
	size_t cap = 0;
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, brokers, settings);
	if (end != NULL) need_no(rd_kafka_init_transactions(rk, WAIT_MS), "init");
	if (end != NULL) need_no(rd_kafka_begin_transaction(rk), "begin");
	while (getline(&line, &cap, stdin) > 0) send_line(rk, topic, line);
	need(rd_kafka_flush(rk, WAIT_MS), "flush");
	if (end != NULL && strcmp(end, "abort") == 0)
		need_no(rd_kafka_abort_transaction(rk, WAIT_MS), "abort");
	else if (end != NULL)
		need_no(rd_kafka_commit_transaction(rk, WAIT_MS), "commit");
	rd_kafka_destroy(rk);
	free(line);
}

/* ---- read ----------------------------------------------------------------------------------------------------------------- */

static void print(const rd_kafka_message_t *m)
{
	(void)printf("%" PRId32 "\t%" PRId64 "\t%" PRId64 "\t%.*s\t", m->partition, m->offset,
		rd_kafka_message_timestamp(m, NULL), (int)m->key_len, (const char *)m->key);
	if (m->payload == NULL)
		(void)printf("\\N\n");
	else
		(void)printf("%.*s\n", (int)m->len, (const char *)m->payload);
}

static void read_all(const char *brokers, const char *topic)
{
	static const char *const settings[] = {"group.id", "kafka-tool", "enable.auto.commit", "false",
		"auto.offset.reset", "earliest", "enable.partition.eof", "true", "isolation.level", "read_committed",
		NULL};
	rd_kafka_t *rk = client(RD_KAFKA_CONSUMER, brokers, settings);
	rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
	const struct rd_kafka_metadata *m;
	need(rd_kafka_metadata(rk, 0, t, &m, WAIT_MS), "metadata");
	need(m->topics[0].err, topic);
	int left = m->topics[0].partition_cnt;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(left);
	for (int i = 0; i < left; i++)
		rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
	need(rd_kafka_assign(rk, list), "assign");
	while (left > 0) {
		rd_kafka_message_t *message = rd_kafka_consumer_poll(rk, WAIT_MS);
		if (message == NULL) need(RD_KAFKA_RESP_ERR__TIMED_OUT, "read");
		if (message->err == RD_KAFKA_RESP_ERR_NO_ERROR)
			print(message);
		else if (message->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
			left--;
		else
			need(message->err, "read");
		rd_kafka_message_destroy(message);
	}
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_metadata_destroy(m);
	rd_kafka_topic_destroy(t);
	(void)rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
}

/* ---- administration ------------------------------------------------------------------------------------------------------- */

static const char *const no_settings[] = {NULL};

static rd_kafka_event_t *answer(rd_kafka_queue_t *queue, const char *what)
{
	rd_kafka_event_t *event = rd_kafka_queue_poll(queue, WAIT_MS);
	if (event == NULL) need(RD_KAFKA_RESP_ERR__TIMED_OUT, what);
	need(rd_kafka_event_error(event), what);
	return event;
}

static void cut(const char *brokers, const char *topic, int partition, int64_t offset)
{
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, brokers, no_settings);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(1);
	rd_kafka_topic_partition_list_add(list, topic, partition)->offset = offset;
	rd_kafka_DeleteRecords_t *records = rd_kafka_DeleteRecords_new(list);
	rd_kafka_DeleteRecords(rk, &records, 1, NULL, queue);
	rd_kafka_event_destroy(answer(queue, "cut"));
	rd_kafka_DeleteRecords_destroy(records);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
}

static void make(const char *brokers, const char *topic, int partitions)
{
	char why[256] = "";
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, brokers, no_settings);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	size_t n;
	rd_kafka_NewTopic_t *fresh = rd_kafka_NewTopic_new(topic, partitions, -1, why, sizeof why);
	need(rd_kafka_NewTopic_set_config(fresh, "retention.ms", "-1"), "retention"); /* time stamps of tests are old */
	rd_kafka_CreateTopics(rk, &fresh, 1, NULL, queue);
	rd_kafka_event_t *event = answer(queue, "make");
	const rd_kafka_topic_result_t **results =
		rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &n);
	const rd_kafka_resp_err_t code = rd_kafka_topic_result_error(results[0]);
	rd_kafka_event_destroy(event);
	rd_kafka_NewTopic_destroy(fresh);
	if (code == RD_KAFKA_RESP_ERR_TOPIC_ALREADY_EXISTS) {
		rd_kafka_NewPartitions_t *more = rd_kafka_NewPartitions_new(topic, (size_t)partitions, why, sizeof why);
		rd_kafka_CreatePartitions(rk, &more, 1, NULL, queue);
		rd_kafka_event_destroy(answer(queue, "make"));
		rd_kafka_NewPartitions_destroy(more);
	} else {
		need(code, "make");
	}
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
}

static int is_there(rd_kafka_t *rk, const char *topic)
{
	const struct rd_kafka_metadata *m;
	int found = 0;
	need(rd_kafka_metadata(rk, 1, NULL, &m, WAIT_MS), "metadata");
	for (int i = 0; i < m->topic_cnt; i++) found |= strcmp(m->topics[i].topic, topic) == 0;
	rd_kafka_metadata_destroy(m);
	return found;
}

static void drop(const char *brokers, const char *topic)
{
	rd_kafka_t *rk = client(RD_KAFKA_PRODUCER, brokers, no_settings);
	rd_kafka_queue_t *queue = rd_kafka_queue_new(rk);
	rd_kafka_DeleteTopic_t *gone = rd_kafka_DeleteTopic_new(topic);
	rd_kafka_DeleteTopics(rk, &gone, 1, NULL, queue);
	rd_kafka_event_destroy(answer(queue, "drop"));
	while (is_there(rk, topic)) (void)rd_kafka_poll(rk, 20);
	rd_kafka_DeleteTopic_destroy(gone);
	rd_kafka_queue_destroy(queue);
	rd_kafka_destroy(rk);
}

int main(int argc, char **argv)
{
	const char *command = argc > 3 ? argv[2] : "";
	srand((unsigned)rd_kafka_version() ^ (unsigned)getpid());
	if (strcmp(command, "send") == 0)
		send_all(argv[1], argv[3], argc > 4 ? argv[4] : NULL);
	else if (strcmp(command, "read") == 0)
		read_all(argv[1], argv[3]);
	else if (strcmp(command, "cut") == 0 && argc > 5)
		cut(argv[1], argv[3], atoi(argv[4]), atoll(argv[5]));
	else if (strcmp(command, "make") == 0 && argc > 4)
		make(argv[1], argv[3], atoi(argv[4]));
	else if (strcmp(command, "drop") == 0)
		drop(argv[1], argv[3]);
	else
		return (void)fprintf(stderr, "usage: kafka_tool BROKERS send|read|cut|make|drop TOPIC ...\n"), 2;
	return failed;
}
