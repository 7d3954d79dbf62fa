/* app/lineage_post.c: from OpenLineage's environment to a target, and from a run's events to documents. */
#include "app/lineage_post.h"

#include <stdio.h>
#include <stdlib.h>

#include "app/post.h"
#include "base/alloc.h"
#include "flow/openlineage.h"

enum { URL_CHARS_MAX = 2048, NAME_CHARS_MAX = 256, HEADER_CHARS_MAX = 4096 };

struct lineage_post {
	struct post *post;
	struct openlineage_opts opts; /* views the texts below */
	char namespace[NAME_CHARS_MAX];
	char parent[3 * NAME_CHARS_MAX]; /* cut into its three parts */
};

static const char *env(const char *name)
{
	const char *value = getenv(name);
	return value != NULL && value[0] != '\0' ? value : NULL;
}

static bool has_control(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text < ' ' || *text == 0x7f) return true;
	return false;
}

/* "http://host:port" or with "/" alone behind: OpenLineage's own place there. */
static status address(const char *url, char dst[URL_CHARS_MAX], struct err *err)
{
	const char *host = strncmp(url, "file:", 5) != 0 ? strstr(url, "://") : NULL;
	const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
	const bool bare = host != NULL && (path == NULL || path[1] == '\0');
	const char *endpoint = env("OPENLINEAGE_ENDPOINT") != NULL ? env("OPENLINEAGE_ENDPOINT") : "api/v1/lineage";
	const size_t base = path != NULL ? (size_t)(path - url) : strlen(url);
	if (has_control(url)) return fail(err, E_USAGE, "the address of lineage events holds a control character");
	const int n = bare ? snprintf(dst, URL_CHARS_MAX, "%.*s/%s", (int)base, url, endpoint + (endpoint[0] == '/'))
			   : snprintf(dst, URL_CHARS_MAX, "%s", url);
	return n < 0 || n >= URL_CHARS_MAX ? fail(err, E_LIMIT, "the address of lineage events is too long") : OK;
}

/* "namespace/job/run id"; one that is not so is nobody. */
static void read_parent(struct lineage_post *l)
{
	uint8_t id[UUID_BYTES];
	const char *value = env("OPENLINEAGE_PARENT_ID");
	l->opts.parent = (struct openlineage_parent){"", "", ""};
	if (value == NULL || strlen(value) >= sizeof l->parent) return;
	(void)snprintf(l->parent, sizeof l->parent, "%s", value);
	char *run = strrchr(l->parent, '/');
	if (run == NULL || !uuid_parse(str_of(run + 1), id)) return;
	*run = '\0';
	char *job = strrchr(l->parent, '/');
	if (job == NULL || job[1] == '\0') return;
	*job = '\0';
	l->opts.parent = (struct openlineage_parent){l->parent, job + 1, run + 1};
}

static status open_post(struct lineage_post *l, const char *url, struct err *err)
{
	char where[URL_CHARS_MAX], bearer[HEADER_CHARS_MAX];
	const char *headers[] = {"Content-Type: application/json", bearer};
	struct post_target target = {.what = "lineage events", .url = where, .headers = headers, .n_headers = 1};
	const char *key = env("OPENLINEAGE_API_KEY");
	TRY(address(url, where, err));
	if (key != NULL && has_control(key)) return fail(err, E_USAGE, "OPENLINEAGE_API_KEY holds a control character");
	if (key != NULL) {
		const int n = snprintf(bearer, sizeof bearer, "Authorization: Bearer %s", key);
		if (n < 0 || (size_t)n >= sizeof bearer) return fail(err, E_LIMIT, "OPENLINEAGE_API_KEY is too long");
		target.n_headers = 2;
	}
	return post_open(&target, &l->post, err);
}

status lineage_post_open(const char *url, struct lineage_post **out, struct err *err)
{
	const char *disabled = env("OPENLINEAGE_DISABLED");
	const char *namespace = env("OPENLINEAGE_NAMESPACE");
	if (url == NULL || url[0] == '\0') {
		url = env("OPENLINEAGE_URL");
		if (disabled != NULL && strcmp(disabled, "true") == 0) url = NULL;
	}
	*out = NULL;
	if (url == NULL) return OK;
	struct lineage_post *l = mem_zalloc(1, sizeof *l);
	if (l == NULL) return fail_nomem(err);
	(void)snprintf(l->namespace, sizeof l->namespace, "%s", namespace != NULL ? namespace : OPENLINEAGE_NAMESPACE);
	l->opts.namespace = l->namespace;
	read_parent(l);
	const status code = open_post(l, url, err);
	if (code != OK)
		mem_free(l);
	else
		*out = l;
	return code;
}

static void tell(void *arg, const struct watch_event *e)
{
	struct lineage_post *l = arg;
	struct buf text;
	buf_init(&text, 0);
	if (openlineage_event(e, &l->opts, &text)) post_add(l->post, &text);
	buf_reset(&text);
	if (openlineage_running(e, &l->opts, &text)) post_add(l->post, &text);
	buf_deinit(&text);
}

struct run_watch lineage_post_watch(struct lineage_post *l)
{
	return (struct run_watch){tell, l};
}

void lineage_post_close(struct lineage_post *l)
{
	if (l == NULL) return;
	post_close(l->post);
	mem_free(l);
}
