/* stream/kafka_look.c: a look at a topic and the groups that read it, for people: what there is, how far each group says it has come. Joins
 * no group and moves nothing. */
#include <stdio.h>

#include "base/alloc.h"
#include "stream/kafka_int.h"

enum { ASK_MS = 5000 };

static const struct kafka_default quiet[] = {
	{"enable.auto.commit", "false", false},
	{NULL, NULL, false},
};

static status took(const struct kafka_client *c, rd_kafka_resp_err_t code, const char *what, struct err *err)
{
	return code == RD_KAFKA_RESP_ERR_NO_ERROR ? OK : kafka_client_fail(c, code, what, err);
}

/* The end of each partition, ends[n]. */
static status look_at_topic(
	const struct kafka_client *c, const struct kafka_look *look, int64_t *ends, int64_t *kept, struct err *err)
{
	*kept = 0;
	for (int32_t i = 0; i < look->partitions; i++) {
		int64_t low = 0;
		TRY(took(c, rd_kafka_query_watermark_offsets(c->rk, c->topic, i, &low, &ends[i], ASK_MS),
			"the topic's ends cannot be read", err));
		*kept += ends[i] - low;
	}
	return OK;
}

/* By a client of the group's own, which never joins it. */
static status group_behind(const struct kafka_opts *o, const char *group, const int64_t *ends,
	struct kafka_group_look *g, int32_t partitions, struct err *err)
{
	const struct kafka_default with_group[] = {
		{"group.id", group, false}, {"enable.auto.commit", "false", false}, {NULL, NULL, false}};
	struct kafka_client c = {0};
	TRY(kafka_client_open(&c, o, RD_KAFKA_CONSUMER, with_group, NULL, err));
	rd_kafka_topic_partition_list_t *list = rd_kafka_topic_partition_list_new(partitions);
	status code = list != NULL ? OK : fail_nomem(err);
	for (int32_t i = 0; i < partitions && code == OK; i++) rd_kafka_topic_partition_list_add(list, c.topic, i);
	if (code == OK) code = took(&c, rd_kafka_committed(c.rk, list, ASK_MS), "the group cannot be read", err);
	for (int32_t i = 0; i < partitions && code == OK; i++) {
		if (list->elems[i].offset < 0) continue;
		g->known = true;
		if (ends[i] > list->elems[i].offset) g->behind += ends[i] - list->elems[i].offset;
	}
	if (list != NULL) rd_kafka_topic_partition_list_destroy(list);
	kafka_client_close(&c);
	return code;
}

static status look_at_groups(const struct kafka_opts *o, const struct kafka_client *c, const int64_t *ends,
	struct kafka_look *look, struct err *err)
{
	const struct rd_kafka_group_list *groups = NULL;
	TRY(took(c, rd_kafka_list_groups(c->rk, NULL, &groups, ASK_MS), "the groups cannot be listed", err));
	status code = OK;
	for (int i = 0; i < groups->group_cnt && code == OK && look->n_groups < KAFKA_LOOK_GROUPS_MAX; i++) {
		const struct rd_kafka_group_info *info = &groups->groups[i];
		struct kafka_group_look *g = &look->groups[look->n_groups];
		if (strncmp(info->group, o->group, strlen(o->group)) != 0) continue;
		*g = (struct kafka_group_look){.members = info->member_cnt};
		(void)snprintf(g->name, sizeof g->name, "%s", info->group);
		code = group_behind(o, info->group, ends, g, look->partitions, err);
		if (code == OK && g->known) look->n_groups++;
	}
	rd_kafka_group_list_destroy(groups);
	return code;
}

static status look_with(struct kafka_client *c, const struct kafka_opts *o, struct kafka_look *look, struct err *err)
{
	int partitions = 0;
	TRY(kafka_client_look(c, &partitions, err));
	look->partitions = partitions;
	if (partitions == 0) return OK;
	int64_t *ends = mem_zalloc((size_t)partitions, sizeof *ends);
	if (ends == NULL) return fail_nomem(err);
	status code = look_at_topic(c, look, ends, &look->messages, err);
	if (code == OK) code = look_at_groups(o, c, ends, look, err);
	mem_free(ends);
	return code;
}

status kafka_look(const struct kafka_opts *o, struct kafka_look *out, struct err *err)
{
	struct kafka_client c = {0};
	struct kafka_look look = {.partitions = 0};
	TRY(kafka_client_open(&c, o, RD_KAFKA_CONSUMER, quiet, NULL, err));
	const status code = look_with(&c, o, &look, err);
	kafka_client_close(&c);
	if (code == OK) *out = look;
	return code;
}
