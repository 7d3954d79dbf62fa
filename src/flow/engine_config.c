/* flow/engine_config.c: the engine's keys, and what of their values can be refused before anything is opened. */
#include "flow/engine_config.h"

#include "flow/executor.h"

static const char *const levels[] = {"debug", "info", "warn", "error", "off", NULL};
static const char *const formats[] = {"text", "json", NULL};

#define TEXT(path, fallback, secret, meaning)                                           \
	{                                                                               \
		(path), CONFIG_T_STRING, 0, 0, NULL, (fallback), (secret), (meaning), 0 \
	}
static const struct config_key items[] = {
	TEXT("lake.uri", "./lake", false, "where the lake is: a path, file:///path or s3://bucket/prefix"),
	{"lake.unsafe_single_writer", CONFIG_T_BOOL, 0, 0, NULL, "false", false,
		"take an S3 store that can't put if absent; only if nothing else ever writes to the lake", 0},
	{"lake.retention_days", CONFIG_T_INT, 0, 36500, NULL, "7", false,
		"days that vacuum keeps what was removed from a table that names no retention of its own; 0 has to be "
		"confirmed",
		0},
	TEXT("control.uri", "", true,
		"control plane, sqlite:PATH or postgresql:...; empty: control.db in the lake, or here when the lake is "
		"on S3"),
	TEXT("executor.uri", "threads", false,
		"who runs tasks: threads, dask://HOST:PORT, spark://HOST:PORT or spark-local[N]"),
	{"executor.threads", CONFIG_T_INT, 0, 1024, NULL, "0", false, "threads of this process; 0 = its cores", 0},
	{"executor.silence_seconds", CONFIG_T_INT, 1, 86400, NULL, "120", false,
		"how long the driver of dask or spark may be silent before it is given up; the engine's start and its "
		"first "
		"worker take that long at most",
		0},
	{"executor.forward_credentials", CONFIG_T_BOOL, 0, 0, NULL, "false", false,
		"hand this process's AWS_* variables to dask's or spark's workers, over the engine's own connection",
		0},
	{"log.level", CONFIG_T_CHOICE, 0, 0, levels, "info", false, "least level that is logged", 0},
	{"log.format", CONFIG_T_CHOICE, 0, 0, formats, "text", false, "text or one JSON document a line", 0},
	TEXT("lineage.url", "", true,
		"where OpenLineage events of a run go: http://HOST:PORT, https://HOST or file:PATH; empty: "
		"OPENLINEAGE_URL"),
	TEXT("server.listen", "127.0.0.1:8080", false, "address of pqr serve"),
	TEXT("server.auth.jwt_secret", "", true, "secret that tokens of HS256 are signed with, 32 bytes or more"),
	TEXT("server.auth.jwt_secret_file", "", false, "file that holds it"),
	TEXT("server.auth.jwks", "", true,
		"set of public keys (JWKS) that tokens of RS256 and ES256 are signed with: a file, or http(s)://..."),
	TEXT("server.auth.audience", "authenticated", false, "aud that tokens must name; empty: whatever they name"),
	TEXT("server.auth.issuer", "", false, "iss that tokens must have; empty: any"),
	{"server.sql", CONFIG_T_BOOL, 0, 0, NULL, "false", false,
		"answer queries over the lake's tables (POST /api/v1/sql)", 0},
	{"server.max_rows", CONFIG_T_INT, 1, 10000000, NULL, "100000", false, "rows of one answer at most", 0},
	{"server.timeout_s", CONFIG_T_INT, 1, 3600, NULL, "30", false,
		"seconds after which a connection without a whole request is closed", 0},
	TEXT("server.hosts", "", false,
		"names of this server, NAME,NAME: a request by another is refused; on loopback localhost is one "
		"always"),
	TEXT("server.tls_certificate", "", false, "file of the certificate chain (PEM); with server.tls_key: HTTPS"),
	TEXT("server.tls_key", "", false, "file of its key (PEM)"),
	TEXT("stream.brokers", "localhost:9092", false, "Kafka brokers, HOST:PORT,..."),
	TEXT("stream.topic", "", false, "topic; default the workload's own"),
	TEXT("stream.group", "", false, "consumer group; default one for each table that is written"),
	{"stream.kafka", CONFIG_T_TEXTS, 0, 0, NULL, NULL, true,
		"settings of librdkafka's own by their names, as security.protocol, sasl.username, ssl.ca.location", 0},
};
const struct config_keys engine_config_keys = {items, sizeof items / sizeof items[0]};

static bool starts_with(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static status keep(const struct config *tree, const char *path, struct arena *arena, const char **out, struct err *err)
{
	const struct config_node *node;
	struct str text;
	TRY(config_need(tree->root, path, &node, err));
	TRY(config_str(node, &text, err));
	*out = arena_strndup(arena, text.p, text.n);
	return *out != NULL ? OK : fail_nomem(err);
}

static status read_lake(const struct config *tree, struct engine_config *e, struct err *err)
{
	const struct config_node *node = config_find(tree->root, "lake.unsafe_single_writer");
	if (node != NULL) TRY(config_bool(node, &e->single_writer, err));
	TRY(config_need(tree->root, "lake.retention_days", &node, err));
	TRY(config_i64(node, 0, 36500, &e->retention_days, err));
	node = config_find(tree->root, "lake.uri");
	TRY(keep(tree, "lake.uri", &e->arena, &e->lake_uri, err));
	if (strcmp(e->lake_uri, "~") == 0 || starts_with(e->lake_uri, "~/"))
		return config_fail(node, err,
			"a shell replaces ~ at the beginning of a word alone: expected the whole path, found \"%s\"",
			e->lake_uri);
	const bool scheme = strstr(e->lake_uri, "://") != NULL || starts_with(e->lake_uri, "s3:") ||
			    starts_with(e->lake_uri, "file:"); /* a slash too few makes no folder of that name */
	const bool known = !scheme || starts_with(e->lake_uri, "file:///") ||
			   (starts_with(e->lake_uri, "s3://") && e->lake_uri[5] != '\0' && e->lake_uri[5] != '/');
	if (e->lake_uri[0] != '\0' && known) return OK;
	char shown[128];
	return config_fail(node, err, "expected a path, file:///path or s3://bucket/prefix, found \"%s\"",
		config_uri_redact(str_of(e->lake_uri), shown, sizeof shown));
}

/* The default lies in the lake, or beside the process when the lake is no directory. */
static status read_control(const struct config *tree, struct engine_config *e, struct err *err)
{
	TRY(keep(tree, "control.uri", &e->arena, &e->control_uri, err));
	if (e->control_uri[0] == '\0') {
		const char *path = starts_with(e->lake_uri, "file://") ? e->lake_uri + strlen("file://") : e->lake_uri;
		size_t n = strlen(path);
		while (n > 0 && path[n - 1] == '/') n--;
		e->control_uri = starts_with(path, "s3://")
					 ? "sqlite:./control.db"
					 : arena_printf(&e->arena, "sqlite:%.*s/control.db", (int)n, path);
		return e->control_uri != NULL ? OK : fail_nomem(err);
	}
	const bool sqlite = starts_with(e->control_uri, "sqlite:") && e->control_uri[7] != '\0';
	if (sqlite || starts_with(e->control_uri, "postgresql:") || starts_with(e->control_uri, "postgres:")) return OK;
	/* What was found may be a password alone. */
	return config_fail(config_find(tree->root, "control.uri"), err, "expected sqlite:PATH or postgresql:...");
}

static status read_executor(const struct config *tree, struct engine_config *e, struct err *err)
{
	const struct config_node *node;
	int64_t threads;
	TRY(keep(tree, "executor.uri", &e->arena, &e->executor, err));
	if (!executor_known(e->executor))
		return config_fail(config_find(tree->root, "executor.uri"), err,
			"expected threads, dask://HOST:PORT, spark://HOST:PORT or spark-local[N], found \"%.80s\"",
			e->executor);
	TRY(config_need(tree->root, "executor.threads", &node, err));
	TRY(config_i64(node, 0, 1024, &threads, err));
	e->threads = (int)threads;
	TRY(config_need(tree->root, "executor.silence_seconds", &node, err));
	TRY(config_i64(node, 1, 86400, &e->executor_silence_s, err));
	TRY(config_need(tree->root, "executor.forward_credentials", &node, err));
	return config_bool(node, &e->forward_credentials, err);
}

static status read_log(const struct config *tree, struct engine_config *e, struct err *err)
{
	const struct config_node *node;
	size_t level;
	size_t format;
	TRY(config_need(tree->root, "log.level", &node, err));
	TRY(config_choice(node, levels, 5, &level, err));
	TRY(config_need(tree->root, "log.format", &node, err));
	TRY(config_choice(node, formats, 2, &format, err));
	e->log_level = (enum log_level)level;
	e->log_format = format == 0 ? LOG_TEXT : LOG_JSON;
	return OK;
}

bool engine_address_known(const char *s)
{
	const char *colon = strrchr(s, ':');
	if (colon == NULL || (strchr(s, ':') != colon && s[0] != '[')) return false;
	const size_t digits = strspn(colon + 1, "0123456789");
	if (digits == 0 || digits > 5 || colon[1 + digits] != '\0') return false;
	long port = 0;
	for (size_t i = 1; i <= digits; i++) port = port * 10 + (colon[i] - '0');
	return port <= 65535;
}

static status read_kafka(const struct config *tree, struct engine_config *e, struct err *err)
{
	const struct config_node *map = config_find(tree->root, "stream.kafka");
	if (map == NULL || map->n == 0) return OK;
	struct engine_setting *settings = ARENA_NEW(&e->arena, struct engine_setting, map->n);
	if (settings == NULL) return fail_nomem(err);
	for (const struct config_node *node = map->first; node != NULL; node = node->next) {
		struct engine_setting *s = &settings[e->n_stream_kafka++];
		s->key = arena_strndup(&e->arena, node->key.p, node->key.n);
		s->value = arena_strndup(&e->arena, node->text.p, node->text.n);
		if (s->key == NULL || s->value == NULL) return fail_nomem(err);
	}
	e->stream_kafka = settings;
	return OK;
}

static status read_lineage(const struct config *tree, struct engine_config *e, struct err *err)
{
	static const char *const schemes[] = {"http://", "https://", "file:"};
	TRY(keep(tree, "lineage.url", &e->arena, &e->lineage_url, err));
	bool known = e->lineage_url[0] == '\0';
	for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
		known = known ||
			(starts_with(e->lineage_url, schemes[i]) && e->lineage_url[strlen(schemes[i])] != '\0');
	if (known) return OK;
	return config_fail(
		config_find(tree->root, "lineage.url"), err, "expected http://HOST:PORT, https://HOST or file:PATH");
}

static status read_auth(const struct config *tree, struct engine_config *e, struct err *err)
{
	struct engine_auth *a = &e->auth;
	TRY(keep(tree, "server.auth.jwt_secret", &e->arena, &a->jwt_secret, err));
	TRY(keep(tree, "server.auth.jwt_secret_file", &e->arena, &a->jwt_secret_file, err));
	TRY(keep(tree, "server.auth.jwks", &e->arena, &a->jwks, err));
	TRY(keep(tree, "server.auth.audience", &e->arena, &a->audience, err));
	return keep(tree, "server.auth.issuer", &e->arena, &a->issuer, err);
}

static status read_server(const struct config *tree, struct engine_config *e, struct err *err)
{
	const struct config_node *node;
	TRY(config_need(tree->root, "server.sql", &node, err));
	TRY(config_bool(node, &e->serve_sql, err));
	TRY(config_need(tree->root, "server.max_rows", &node, err));
	TRY(config_i64(node, 1, 10000000, &e->serve_rows_max, err));
	TRY(config_need(tree->root, "server.timeout_s", &node, err));
	TRY(config_i64(node, 1, 3600, &e->serve_timeout_s, err));
	TRY(keep(tree, "server.hosts", &e->arena, &e->serve_hosts, err));
	TRY(keep(tree, "server.tls_certificate", &e->arena, &e->tls_certificate, err));
	TRY(keep(tree, "server.tls_key", &e->arena, &e->tls_key, err));
	if ((e->tls_certificate[0] == '\0') == (e->tls_key[0] == '\0')) return OK;
	return config_fail(config_find(tree->root, "server.tls_key"), err,
		"server.tls_certificate and server.tls_key: both, or none");
}

static status read_network(const struct config *tree, struct engine_config *e, struct err *err)
{
	TRY(read_auth(tree, e, err));
	TRY(keep(tree, "server.listen", &e->arena, &e->listen, err));
	if (!engine_address_known(e->listen))
		return config_fail(config_find(tree->root, "server.listen"), err, "expected ADDR:PORT, found \"%.80s\"",
			e->listen);
	TRY(read_server(tree, e, err));
	TRY(keep(tree, "stream.brokers", &e->arena, &e->stream_brokers, err));
	TRY(keep(tree, "stream.topic", &e->arena, &e->stream_topic, err));
	TRY(keep(tree, "stream.group", &e->arena, &e->stream_group, err));
	return read_kafka(tree, e, err);
}

static status read_all(const struct config *tree, struct engine_config *e, struct err *err)
{
	TRY(read_lake(tree, e, err));
	TRY(read_control(tree, e, err));
	TRY(read_executor(tree, e, err));
	TRY(read_log(tree, e, err));
	TRY(read_lineage(tree, e, err));
	return read_network(tree, e, err);
}

status engine_config_open(const struct config *tree, struct engine_config *out, struct err *err)
{
	struct engine_config e = {0};
	arena_init(&e.arena, 1 << 24);
	const status code = read_all(tree, &e, err);
	if (code != OK)
		arena_deinit(&e.arena);
	else
		*out = e;
	return code;
}

void engine_config_close(struct engine_config *e)
{
	arena_deinit(&e->arena);
	*e = (struct engine_config){0};
}
