/* stream/metrics.c: see metrics.h. Sums and buckets behind one lock, which is held for a report and for writing them out. */
#include "stream/metrics.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/vec.h"

enum { BOUNDS_MAX = 12 };

/* Of seconds: how many were at most each bound. */
struct histogram {
	const double *bounds;
	size_t n_bounds;
	int64_t counts[BOUNDS_MAX + 1]; /* by the first bound that holds; the last is above all */
	int64_t n;
	double sum;
};
static const double commit_bounds[] = {0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30};
static const double end_to_end_bounds[] = {0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600};
_Static_assert(sizeof commit_bounds / sizeof *commit_bounds <= BOUNDS_MAX, "buckets");
_Static_assert(sizeof end_to_end_bounds / sizeof *end_to_end_bounds <= BOUNDS_MAX, "buckets");

struct stream_metrics {
	pthread_mutex_t lock; /* all below */
	struct buf labels;    /* command="land",topic="user-events" */
	int64_t records, bytes, late;
	struct stream_reasons rejected;
	struct histogram commit, end_to_end;
	struct {
		struct stream_progress *items;
		size_t n, cap;
	} partitions;
};

/* A label's value: \, " and new lines are escaped. */
static void label(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "%s=\"", name);
	for (const char *p = value; *p != '\0'; p++) {
		if (*p == '\\' || *p == '"') buf_char(out, '\\');
		if (*p == '\n')
			buf_str(out, "\\n");
		else
			buf_char(out, *p);
	}
	buf_char(out, '"');
}

status stream_metrics_create(const char *command, const char *topic, struct stream_metrics **out, struct err *err)
{
	struct stream_metrics *m = mem_zalloc(1, sizeof *m);
	if (m == NULL) return fail_nomem(err);
	(void)pthread_mutex_init(&m->lock, NULL);
	buf_init(&m->labels, 0);
	m->commit.bounds = commit_bounds;
	m->commit.n_bounds = sizeof commit_bounds / sizeof *commit_bounds;
	m->end_to_end.bounds = end_to_end_bounds;
	m->end_to_end.n_bounds = sizeof end_to_end_bounds / sizeof *end_to_end_bounds;
	label(&m->labels, "command", command);
	buf_char(&m->labels, ',');
	label(&m->labels, "topic", topic);
	buf_char(&m->labels, '\0');
	const status code = buf_check(&m->labels, err);
	if (code != OK)
		stream_metrics_destroy(m);
	else
		*out = m;
	return code;
}

void stream_metrics_destroy(struct stream_metrics *m)
{
	if (m == NULL) return;
	(void)pthread_mutex_destroy(&m->lock);
	buf_deinit(&m->labels);
	mem_free(m->partitions.items);
	mem_free(m);
}

/* ---- adding --------------------------------------------------------------------------------------------------------------- */

static void observe(struct histogram *h, int64_t us)
{
	const double seconds = (double)us / 1e6;
	size_t i = 0;
	while (i < h->n_bounds && seconds > h->bounds[i]) i++;
	h->counts[i]++;
	h->n++;
	h->sum += seconds;
}

void stream_metrics_add(struct stream_metrics *m, const struct stream_report *r)
{
	(void)pthread_mutex_lock(&m->lock);
	m->records += r->records;
	m->bytes += r->bytes;
	m->late += r->late;
	for (size_t i = 0; r->reasons != NULL && i < r->reasons->n; i++)
		stream_reasons_count(&m->rejected, r->reasons->items[i].kind, r->reasons->items[i].records);
	observe(&m->commit, r->commit_us);
	if (r->end_to_end_us >= 0) observe(&m->end_to_end, r->end_to_end_us);
	m->partitions.n = 0;
	if (VEC_ROOM(&m->partitions, r->n_partitions + 1)) /* else their lag is not told this time */
		for (size_t i = 0; i < r->n_partitions; i++) m->partitions.items[m->partitions.n++] = r->partitions[i];
	(void)pthread_mutex_unlock(&m->lock);
}

/* ---- writing -------------------------------------------------------------------------------------------------------------- */

static void head(struct buf *out, const char *name, const char *type, const char *help)
{
	buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void counter(struct buf *out, const char *labels, const char *name, const char *help, int64_t n)
{
	head(out, name, "counter", help);
	buf_printf(out, "%s{%s} %lld\n", name, labels, (long long)n);
}

static void histogram(
	struct buf *out, const char *labels, const char *name, const char *help, const struct histogram *h)
{
	int64_t n = 0;
	head(out, name, "histogram", help);
	for (size_t i = 0; i < h->n_bounds; i++) {
		n += h->counts[i];
		buf_printf(out, "%s_bucket{%s,le=\"%g\"} %lld\n", name, labels, h->bounds[i], (long long)n);
	}
	buf_printf(out, "%s_bucket{%s,le=\"+Inf\"} %lld\n", name, labels, (long long)h->n);
	buf_printf(out, "%s_sum{%s} %.6f\n%s_count{%s} %lld\n", name, labels, h->sum, name, labels, (long long)h->n);
}

static void rejected(struct buf *out, const char *labels, const struct stream_reasons *r)
{
	static const char name[] = "pqr_stream_rejected_records_total";
	head(out, name, "counter", "Records that broke the contract, by the kind of reason.");
	for (size_t i = 0; i < r->n; i++) {
		buf_printf(out, "%s{%s,", name, labels);
		label(out, "reason", r->items[i].kind);
		buf_printf(out, "} %lld\n", (long long)r->items[i].records);
	}
}

static void lag(struct buf *out, const char *labels, const struct stream_metrics *m)
{
	static const char name[] = "pqr_stream_lag_records";
	head(out, name, "gauge", "Records of a partition that were not committed yet, as of the newest commit.");
	for (size_t i = 0; i < m->partitions.n; i++) {
		const struct stream_progress *p = &m->partitions.items[i];
		if (p->lag < 0) continue;
		buf_printf(out, "%s{%s,partition=\"%d\"} %lld\n", name, labels, p->partition, (long long)p->lag);
	}
}

void stream_metrics_write(struct stream_metrics *m, struct buf *out)
{
	(void)pthread_mutex_lock(&m->lock);
	const char *labels = (const char *)m->labels.p;
	counter(out, labels, "pqr_stream_records_total", "Records taken and committed, rejected ones too.", m->records);
	counter(out, labels, "pqr_stream_bytes_total", "Bytes of their values.", m->bytes);
	counter(out, labels, "pqr_stream_late_records_total", "Records that came after their window's end.", m->late);
	rejected(out, labels, &m->rejected);
	lag(out, labels, m);
	histogram(out, labels, "pqr_stream_commit_seconds", "Duration of a commit.", &m->commit);
	histogram(out, labels, "pqr_stream_end_to_end_seconds",
		"From the time stamp of a commit's oldest record to the end of the commit.", &m->end_to_end);
	(void)pthread_mutex_unlock(&m->lock);
}
