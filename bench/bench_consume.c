/* bench_consume BROKERS TOPIC: what librdkafka alone needs to read a topic from its beginning to its end, with the settings that pqr has: the
 * floor beside which `pqr stream land` and `aggregate` are measured. Prints how many messages there were. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>

enum { BATCH = 4096, WAIT_MS = 30000, POLL_MS = 100 };

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
	char why[256];
	if (rd_kafka_conf_set(conf, key, value, why, sizeof why) == RD_KAFKA_CONF_OK) return;
	(void)fprintf(stderr, "bench_consume: %s\n", why);
	exit(1);
}

static rd_kafka_t *consumer(const char *brokers)
{
	char why[256] = "";
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", brokers);
	set(conf, "group.id", "bench-consume");
	set(conf, "enable.auto.commit", "false");
	set(conf, "enable.partition.eof", "true");
	set(conf, "queued.min.messages", "1000000");
	set(conf, "queued.max.messages.kbytes", "32768");
	(void)rd_kafka_conf_set(conf, "fetch.queue.backoff.ms", "10", NULL, 0); /* librdkafka 2.2 has it */
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_CONSUMER, conf, why, sizeof why);
	if (rk != NULL) return rk;
	(void)fprintf(stderr, "bench_consume: %s\n", why);
	exit(1);
}

static int assign_all(rd_kafka_t *rk, const char *topic)
{
	const struct rd_kafka_metadata *meta;
	rd_kafka_topic_t *t = rd_kafka_topic_new(rk, topic, NULL);
	if (rd_kafka_metadata(rk, 0, t, &meta, WAIT_MS) != RD_KAFKA_RESP_ERR_NO_ERROR || meta->topic_cnt != 1) exit(1);
	const int n = meta->topics[0].partition_cnt;
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(n);
	for (int i = 0; i < n; i++)
		rd_kafka_topic_partition_list_add(list, topic, i)->offset = RD_KAFKA_OFFSET_BEGINNING;
	if (rd_kafka_assign(rk, list) != RD_KAFKA_RESP_ERR_NO_ERROR) exit(1);
	rd_kafka_topic_partition_list_destroy(list);
	rd_kafka_metadata_destroy(meta);
	rd_kafka_topic_destroy(t);
	return n;
}

int main(int argc, char **argv)
{
	static rd_kafka_message_t *messages[BATCH];
	long long n = 0, bytes = 0;
	if (argc != 3) return 2;
	rd_kafka_t *rk = consumer(argv[1]);
	rd_kafka_queue_t *queue = rd_kafka_queue_get_consumer(rk);
	int open = assign_all(rk, argv[2]);
	for (int idle = 0; open > 0;) { /* a call waits until its batch is full, also at the topic's end */
		const ssize_t got = rd_kafka_consume_batch_queue(queue, POLL_MS, messages, BATCH);
		idle = got == 0 ? idle + 1 : 0;
		if (got < 0 || idle > WAIT_MS / POLL_MS) return 1;
		for (ssize_t i = 0; i < got; i++) {
			if (messages[i]->err == RD_KAFKA_RESP_ERR__PARTITION_EOF)
				open--;
			else
				n++, bytes += (long long)messages[i]->len;
			rd_kafka_message_destroy(messages[i]);
		}
	}
	(void)printf("%lld %lld\n", n, bytes);
	rd_kafka_queue_destroy(queue);
	(void)rd_kafka_consumer_close(rk);
	rd_kafka_destroy(rk);
	return 0;
}
