/* bench_produce BROKERS TOPIC N: what librdkafka alone needs to send N messages of one text, with keys, partitioner and settings that pqr has: the
 * floor beside which `pqr stream produce --rate max` is measured. The topic is there. */
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { POLL_EVERY = 1024, WAIT_MS = 100, FLUSH_MS = 60000, USERS = 100 };
static const char event[] =
	"{\"event_id\":\"00000000-0000-4000-8000-000000000000\",\"user_id\":17,\"event_type\":\"click\",\"page\":"
	"\"/products/17\",\"timestamp\":\"2025-09-01T00:00:00.000000Z\",\"source\":\"mobile\"}";

static void set(rd_kafka_conf_t *conf, const char *key, const char *value)
{
	char why[256];
	if (rd_kafka_conf_set(conf, key, value, why, sizeof why) == RD_KAFKA_CONF_OK) return;
	(void)fprintf(stderr, "bench_produce: %s\n", why);
	exit(1);
}

static rd_kafka_t *producer(const char *brokers)
{
	static const char *const settings[][2] = {{"enable.idempotence", "true"}, {"partitioner", "murmur2_random"},
		{"delivery.report.only.error", "true"}, {"linger.ms", "5"}, {"batch.num.messages", "100000"},
		{"queue.buffering.max.messages", "1000000"}, {"queue.buffering.max.kbytes", "131072"}};
	char why[256] = "";
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	set(conf, "bootstrap.servers", brokers);
	for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) set(conf, settings[i][0], settings[i][1]);
	rd_kafka_t *rk = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof why);
	if (rk != NULL) return rk;
	(void)fprintf(stderr, "bench_produce: %s\n", why);
	exit(1);
}

int main(int argc, char **argv)
{
	char key[16];
	if (argc != 4) return 2;
	const long long n = strtoll(argv[3], NULL, 10);
	rd_kafka_t *rk = producer(argv[1]);
	rd_kafka_topic_t *topic = rd_kafka_topic_new(rk, argv[2], NULL);
	for (long long i = 0; i < n; i++) {
		const int length = snprintf(key, sizeof key, "%lld", i % USERS);
		if (i % POLL_EVERY == 0) (void)rd_kafka_poll(rk, 0);
		while (rd_kafka_produce(topic, RD_KAFKA_PARTITION_UA, RD_KAFKA_MSG_F_COPY, (void *)(size_t)event,
			       sizeof event - 1, key, (size_t)length, NULL) != 0) {
			if (rd_kafka_last_error() != RD_KAFKA_RESP_ERR__QUEUE_FULL) return 1;
			(void)rd_kafka_poll(rk, WAIT_MS);
		}
	}
	const int lost = rd_kafka_flush(rk, FLUSH_MS) != RD_KAFKA_RESP_ERR_NO_ERROR;
	rd_kafka_topic_destroy(topic);
	rd_kafka_destroy(rk);
	return lost;
}
