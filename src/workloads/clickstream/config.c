/* workloads/clickstream/config.c: from settings to the canonical form, and from that to the struct, read by the same function. */
#include "workloads/clickstream/config.h"

#include "base/alloc.h"
#include "base/time.h"

#define RATE_MIN 1000      /* 0.001 events a second: 86 a day */
#define RATE_MAX 100000000 /* 100 a second: a task holds the text of a day, which is 1.5 GB then */
#define USERS_MAX 100000000
#define USERS_PER_DAY_MAX 1000000
#define DATE_MIN_2000 10957
#define DATE_MAX_2198 83639

static const struct config_key items[] = {
	{"clickstream.seed", CONFIG_T_INT, 0, INT64_MAX, NULL, "42", false, "key of the producer's random numbers", 0},
	{"clickstream.date_range.from", CONFIG_T_DATE, 0, 0, NULL, "2025-09-01", false, "first UTC day", 0},
	{"clickstream.date_range.to", CONFIG_T_DATE, 0, 0, NULL, "2025-09-07", false, "last UTC day", 0},
	{"clickstream.rate", CONFIG_T_DECIMAL, RATE_MIN, RATE_MAX, NULL, "0.5", false, "events a second, on average",
		0},
	{"clickstream.users", CONFIG_T_INT, 1, USERS_MAX, NULL, "100", false, "users when the first day begins", 0},
	{"clickstream.users_per_day", CONFIG_T_INT, 0, USERS_PER_DAY_MAX, NULL, "200", false, "users that a day adds",
		0},
	COMMON_CONFIG_LINE_BYTES,
	COMMON_CONFIG_REJECT_RATE,
	COMMON_CONFIG_PARQUET,
};
const struct config_keys clickstream_config_keys = {items, sizeof items / sizeof *items};

static status read_producer(const struct config_node *root, struct clickstream_config *c, struct err *err)
{
	const struct config_node *node, *range;
	int64_t seed;
	TRY(config_need(root, "clickstream.seed", &node, err));
	TRY(config_i64(node, 0, INT64_MAX, &seed, err));
	c->seed = (uint64_t)seed;
	TRY(config_need(root, "clickstream.date_range", &range, err));
	TRY(config_need(range, "from", &node, err));
	TRY(config_date(node, &c->date_from, err));
	TRY(config_need(range, "to", &node, err));
	TRY(config_date(node, &c->date_to, err));
	if (c->date_from < DATE_MIN_2000 || c->date_to > DATE_MAX_2198)
		return config_fail(range, err, "expected days of 2000 to 2198");
	if (c->date_to < c->date_from) return config_fail(range, err, "the date range ends before it starts");
	TRY(config_need(root, "clickstream.rate", &node, err));
	TRY(config_millionths(node, RATE_MIN, RATE_MAX, &c->rate, err));
	TRY(config_need(root, "clickstream.users", &node, err));
	TRY(config_i32(node, 1, USERS_MAX, &c->users, err));
	TRY(config_need(root, "clickstream.users_per_day", &node, err));
	return config_i32(node, 0, USERS_PER_DAY_MAX, &c->users_per_day, err);
}

static status read_settings(
	const struct config_node *root, bool ingested, struct clickstream_config *c, struct err *err)
{
	*c = (struct clickstream_config){.date_to = -1};
	if (!ingested) TRY(read_producer(root, c, err));
	return common_config_read(root, &clickstream_config_keys, &c->common, err);
}

static void write_producer(const struct clickstream_config *c, struct buf *out)
{
	char from[DATE_CHARS], to[DATE_CHARS], rate[32];
	date_format(c->date_from, from);
	date_format(c->date_to, to);
	config_millionths_text(c->rate, rate);
	buf_printf(out,
		"\"clickstream\":{\"date_range\":{\"from\":\"%.10s\",\"to\":\"%.10s\"},\"rate\":%s,\"seed\":%llu,"
		"\"users\":%d,\"users_per_day\":%d},",
		from, to, rate, (unsigned long long)c->seed, c->users, c->users_per_day);
}

status clickstream_config_canonical(const struct config *tree, bool ingested, struct buf *out, struct err *err)
{
	struct clickstream_config c;
	char rate[32];
	TRY(read_settings(tree->root, ingested, &c, err));
	const struct parquet_opts *p = &c.common.parquet;
	config_millionths_text(c.common.reject_rate_max, rate);
	buf_char(out, '{');
	if (!ingested) write_producer(&c, out);
	buf_printf(out,
		"\"ingest\":{\"line_bytes_max\":%zu},\"parquet\":{\"bloom\":%s,\"codec\":\"%s\",\"level\":%d,"
		"\"page_bytes_min\":%u,\"page_rows_max\":%u},\"quality\":{\"reject_rate_max\":%s}}",
		c.common.line_bytes_max, p->bloom ? "true" : "false", common_config_codec_name(p->codec), p->level,
		p->page_bytes_min, p->page_rows_max, rate);
	return buf_check(out, err);
}

static status read_canonical(struct config *tree, struct str canonical, struct clickstream_config *c, struct err *err)
{
	static const char *const sections[] = {"clickstream", "ingest", "parquet", "quality"};
	struct config_node *root = NULL;
	TRY(config_parse(tree, CONFIG_JSON, canonical, "canonical configuration", &root, err));
	TRY(config_keys_only(root, sections, sizeof sections / sizeof *sections, err));
	return read_settings(root, config_find(root, "clickstream") == NULL, c, err);
}

static status open_canonical(struct str canonical, struct clickstream_config *c, struct err *err)
{
	struct config tree;
	TRY(config_init(&tree, err));
	const status code = read_canonical(&tree, canonical, c, err);
	config_deinit(&tree);
	return code;
}

status clickstream_config_open(struct str canonical, struct clickstream_config **out, struct err *err)
{
	struct clickstream_config *c = mem_zalloc(1, sizeof *c);
	if (c == NULL) return fail_nomem(err);
	const status code = open_canonical(canonical, c, err);
	if (code == OK)
		*out = c;
	else
		mem_free(c);
	return code;
}

void clickstream_config_close(struct clickstream_config *c)
{
	mem_free(c);
}

bool clickstream_config_same_events(struct str a, struct str b)
{
	struct clickstream_config x, y;
	if (open_canonical(a, &x, NULL) != OK || open_canonical(b, &y, NULL) != OK) return false;
	return x.rate == y.rate && x.users == y.users && x.users_per_day == y.users_per_day;
}
