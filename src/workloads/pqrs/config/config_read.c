/* workloads/pqrs/config/config_read.c: the settings. Ranges come from the table of keys, so that a canonical text from elsewhere is held to the
 * same limits as pqr.yaml. */
#include <limits.h>

#include "base/file.h"
#include "flow/common_config.h"
#include "workloads/pqrs/config/config_int.h"

const char *const pqrs_channel_names[CHANNEL_N] = {"email", "webform", "chat", "call", "other_digital"};
const char *const pqrs_type_names[TYPE_N] = {"P", "Q", "R", "S"};
const char *const pqrs_priority_names[PRIORITY_N] = {"alta", "media", "baja"};
const char *const pqrs_request_names[REQUEST_N] = {"general", "information", "consultation"};
const char *const pqrs_event_type_names[EVENT_N] = {
	"TICKET_CREATED", "MESSAGE_ADDED", "STATUS_CHANGED", "ATTACHMENT_ADDED"};

enum { KEY_CHARS_MAX = 96, RANGE_DAYS_MAX = 36600 };
#define DATE_RANGE_MIN 10957 /* 2000-01-01: earlier instants fail a quality check */
#define DATE_RANGE_MAX 83639 /* 2198-12-31: the calendar ends a year later */

status pqrs_config_keep_str(const struct config_node *node, struct arena *arena, const char **out, struct err *err)
{
	struct str text;
	TRY(config_str(node, &text, err));
	const char *copy = arena_strndup(arena, text.p, text.n);
	if (copy == NULL) return fail_nomem(err);
	*out = copy;
	return OK;
}

/* An integer at a path; its limits are the ones of that path in the table. */
static status read_i64(const struct config_node *root, const char *path, int64_t *out, struct err *err)
{
	const struct config_key *key = config_key_find(&pqrs_config_keys, 1, path);
	const struct config_node *node;
	ASSERT(key != NULL && key->type == CONFIG_T_INT);
	TRY(config_need(root, path, &node, err));
	return config_i64(node, key->min, key->max, out, err);
}

static status read_i32(const struct config_node *root, const char *path, int32_t *out, struct err *err)
{
	int64_t v;
	TRY(read_i64(root, path, &v, err));
	*out = (int32_t)v; /* the table's limits fit */
	return OK;
}

static status read_share(const struct config_node *root, const char *path, uint32_t *out, struct err *err)
{
	const struct config_node *node;
	int64_t v;
	TRY(config_need(root, path, &node, err));
	TRY(config_millionths(node, 0, PROB_ONE, &v, err));
	*out = (uint32_t)v;
	return OK;
}

static status read_bool(const struct config_node *root, const char *path, bool *out, struct err *err)
{
	const struct config_node *node;
	TRY(config_need(root, path, &node, err));
	return config_bool(node, out, err);
}

static status read_distribution(const struct config_node *root, const char *path, const char *const *names, size_t n,
	uint32_t *out, struct err *err)
{
	const struct config_node *map;
	int64_t sum = 0;
	TRY(config_need(root, path, &map, err));
	TRY(config_keys_only(map, names, n, err));
	for (size_t i = 0; i < n; i++) {
		TRY(read_share(map, names[i], &out[i], err));
		sum += out[i];
	}
	if (sum == PROB_ONE) return OK;
	char text[32];
	config_millionths_text(sum, text);
	return config_fail(map, err, "the probabilities add up to %s, expected exactly 1", text);
}

/* ---- calendar ---- */

static status dates_keep(
	struct pqrs_config *cfg, struct pqrs_config_source *src, const struct buf *dates, struct err *err)
{
	int32_t *copy = ARENA_NEW(&cfg->arena, int32_t, dates->n / sizeof(int32_t));
	if (copy == NULL) return fail_nomem(err);
	if (dates->n > 0) memcpy(copy, dates->p, dates->n);
	src->dates = copy;
	src->n_dates = dates->n / sizeof(int32_t);
	return calendar_create_dates(src->dates, src->n_dates, &cfg->calendar, err);
}

static status dates_read(const struct config_node *node, char path[PATH_MAX], struct buf *dates, struct err *err)
{
	struct buf text;
	TRY(config_file_path(node, path, PATH_MAX, err));
	buf_init(&text, CALENDAR_FILE_BYTES_MAX + (1 << 17));
	status code = file_read(path, CALENDAR_FILE_BYTES_MAX, &text, err);
	if (code == E_NOT_FOUND)
		code = config_fail(node, err, "expected colombia, none or a file of dates; there is no file %s", path);
	if (code == OK) code = calendar_dates_parse((struct str){(const char *)text.p, text.n}, path, dates, err);
	buf_deinit(&text);
	return code;
}

static status holidays_from_file(
	const struct config_node *node, struct pqrs_config *cfg, struct pqrs_config_source *src, struct err *err)
{
	char path[PATH_MAX];
	struct buf dates;
	buf_init(&dates, CALENDAR_FILE_BYTES_MAX);
	const status read = dates_read(node, path, &dates, err);
	const status code = read == OK ? dates_keep(cfg, src, &dates, err) : read;
	buf_deinit(&dates);
	return code;
}

static status dates_list(const struct config_node *list, struct buf *dates, struct err *err)
{
	TRY(config_list(list, 0, err));
	for (const struct config_node *n = list->first; n != NULL; n = n->next) {
		int32_t date;
		TRY(config_date(n, &date, err));
		buf_add(dates, &date, sizeof date);
	}
	return buf_check(dates, err);
}

static status holidays_from_list(
	const struct config_node *list, struct pqrs_config *cfg, struct pqrs_config_source *src, struct err *err)
{
	struct buf dates;
	buf_init(&dates, CALENDAR_FILE_BYTES_MAX);
	const status read = dates_list(list, &dates, err);
	const status code = read == OK ? dates_keep(cfg, src, &dates, err) : read;
	buf_deinit(&dates);
	return code;
}

static status read_calendar(
	const struct config_node *root, struct pqrs_config *cfg, struct pqrs_config_source *src, struct err *err)
{
	const struct config_node *node;
	TRY(config_need(root, "calendar.timezone", &node, err));
	TRY(pqrs_config_keep_str(node, &cfg->arena, &cfg->timezone, err));
	status code = tz_load(cfg->timezone, &cfg->tz, err);
	if (code == E_USAGE && err != NULL) {
		char text[ERR_MESSAGE_MAX];
		memcpy(text, err->message, sizeof text);
		return config_fail(node, err, "%s", text);
	}
	TRY(code);
	TRY(config_need(root, "calendar.holidays", &node, err));
	if (node->kind == CONFIG_LIST && src->from_canonical) return holidays_from_list(node, cfg, src, err);
	struct str holidays;
	TRY(config_str(node, &holidays, err));
	src->holidays = str_is(holidays, "colombia") ? "colombia" : str_is(holidays, "none") ? "none" : NULL;
	if (src->holidays != NULL) return calendar_create(src->holidays, &cfg->calendar, err);
	if (src->from_canonical) return config_fail(node, err, "expected colombia, none or a list of dates");
	return holidays_from_file(node, cfg, src, err);
}

/* ---- simulation ---- */

static status read_date(const struct config_node *root, const char *path, int32_t *out, struct err *err)
{
	const struct config_node *node;
	int32_t date;
	TRY(config_need(root, path, &node, err));
	TRY(config_date(node, &date, err));
	if (date < DATE_RANGE_MIN || date > DATE_RANGE_MAX)
		return config_fail(node, err, "expected a date from 2000-01-01 to 2198-12-31, found %s", node->text.p);
	*out = date;
	return OK;
}

static status read_date_range(const struct config_node *root, struct pqrs_config *cfg, struct err *err)
{
	TRY(read_date(root, "simulation.date_range.from", &cfg->simulation.date_from, err));
	TRY(read_date(root, "simulation.date_range.to", &cfg->simulation.date_to, err));
	if (cfg->simulation.date_to - (int64_t)cfg->simulation.date_from >= RANGE_DAYS_MAX)
		return config_fail(
			config_find(root, "simulation.date_range"), err, "longer than %d days", RANGE_DAYS_MAX);
	if (cfg->simulation.date_from <= cfg->simulation.date_to) return OK;
	return config_fail(config_find(root, "simulation.date_range"), err, "ends (%s) before it starts (%s)",
		config_find(root, "simulation.date_range.to")->text.p,
		config_find(root, "simulation.date_range.from")->text.p);
}

static status read_spike(const struct config_node *root, struct spike *s, struct err *err)
{
	TRY(read_bool(root, "simulation.spike.enabled", &s->enabled, err));
	TRY(read_i32(root, "simulation.spike.days_min", &s->days_min, err));
	TRY(read_i32(root, "simulation.spike.days_max", &s->days_max, err));
	TRY(read_i32(root, "simulation.spike.volume_min", &s->volume_min, err));
	TRY(read_i32(root, "simulation.spike.volume_max", &s->volume_max, err));
	const struct config_node *node = config_find(root, "simulation.spike");
	if (s->days_min > s->days_max)
		return config_fail(node, err, "days_min (%d) is over days_max (%d)", s->days_min, s->days_max);
	if (s->volume_min > s->volume_max)
		return config_fail(node, err, "volume_min (%d) is over volume_max (%d)", s->volume_min, s->volume_max);
	return OK;
}

static status read_simulation(const struct config_node *root, struct pqrs_config *cfg, struct err *err)
{
	int64_t seed;
	TRY(read_i64(root, "simulation.seed", &seed, err));
	cfg->simulation.seed = (uint64_t)seed;
	TRY(read_date_range(root, cfg, err));
	TRY(read_i32(root, "simulation.volume_daily_avg", &cfg->simulation.volume_daily_avg, err));
	uint32_t sigma;
	TRY(read_share(root, "simulation.volume_sigma", &sigma, err));
	cfg->simulation.volume_sigma = (int32_t)sigma;
	TRY(read_distribution(
		root, "simulation.channel_probs", pqrs_channel_names, CHANNEL_N, cfg->simulation.channel_probs, err));
	TRY(read_distribution(
		root, "simulation.pqrs_type_probs", pqrs_type_names, TYPE_N, cfg->simulation.type_probs, err));
	TRY(read_distribution(root, "simulation.priority_probs", pqrs_priority_names, PRIORITY_N,
		cfg->simulation.priority_probs, err));
	TRY(read_share(root, "simulation.sla_breach_rate", &cfg->simulation.sla_breach_rate, err));
	TRY(read_spike(root, &cfg->simulation.spike, err));
	return read_bool(root, "simulation.truncate", &cfg->simulation.truncate, err);
}

/* ---- the rest ---- */

/* As configured; else a simulated ticket's is the simulation's, and an ingested one's the law's. */
static status read_terms(const struct config_node *root, bool simulated, struct pqrs_config *cfg, struct err *err)
{
	for (int i = 0; i < TYPE_N; i++) {
		static const char *const places[] = {"sla.business_days.", "simulation.sla_business_days."};
		char path[KEY_CHARS_MAX];
		cfg->sla_business_days[i] = 0;
		(void)strcat(strcpy(path, places[0]), pqrs_type_names[i]);
		if (config_find(root, path) == NULL) {
			if (!simulated) continue;
			(void)strcat(strcpy(path, places[1]), pqrs_type_names[i]);
		}
		TRY(read_i32(root, path, &cfg->sla_business_days[i], err));
	}
	return OK;
}

static status read_clock_skew(const struct config_node *root, struct pqrs_config *cfg, struct err *err)
{
	int64_t hours;
	TRY(read_i64(root, "sla.clock_skew_max", &hours, err));
	cfg->clock_skew_max = hours * US_PER_HOUR;
	return OK;
}

static status read_common(const struct config_node *root, struct pqrs_config *cfg, struct err *err)
{
	struct common_config c = {.parquet = cfg->parquet};
	TRY(common_config_read(root, &pqrs_config_keys, &c, err));
	cfg->line_bytes_max = c.line_bytes_max;
	cfg->quality.reject_rate_max = c.reject_rate_max;
	cfg->parquet = c.parquet;
	return OK;
}

static status read_quality(const struct config_node *root, struct pqrs_config *cfg, struct err *err)
{
	TRY(read_share(root, "quality.invalid_transition_rate_max", &cfg->quality.invalid_transition_rate_max, err));
	TRY(read_share(root, "quality.breach_rate_min", &cfg->quality.breach_rate_min, err));
	TRY(read_share(root, "quality.breach_rate_max", &cfg->quality.breach_rate_max, err));
	TRY(read_share(root, "quality.share_tolerance", &cfg->quality.share_tolerance, err));
	if (cfg->quality.breach_rate_min <= cfg->quality.breach_rate_max) return OK;
	return config_fail(config_find(root, "quality"), err, "breach_rate_min (%s) is over breach_rate_max (%s)",
		config_find(root, "quality.breach_rate_min")->text.p,
		config_find(root, "quality.breach_rate_max")->text.p);
}

status pqrs_config_read_settings(
	const struct config_node *root, struct pqrs_config *cfg, struct pqrs_config_source *src, struct err *err)
{
	if (src->simulated) TRY(read_simulation(root, cfg, err));
	TRY(read_terms(root, src->simulated, cfg, err));
	TRY(read_common(root, cfg, err));
	TRY(read_clock_skew(root, cfg, err));
	TRY(read_quality(root, cfg, err));
	TRY(read_bool(root, "publish.core", &cfg->publish_core, err));
	return read_calendar(root, cfg, src, err);
}
