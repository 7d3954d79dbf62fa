/* flow/engine_config.h: the settings of the engine: where the lake is, who executes, what is logged.
 *
 * None of them decides a byte of the output, so none is part of the canonical configuration of a workload.
 */
#ifndef PQR_FLOW_ENGINE_CONFIG_H
#define PQR_FLOW_ENGINE_CONFIG_H

#include "base/arena.h"
#include "base/log.h"
#include "io/config/config.h"

/* A setting of a program that is spoken through; the value may be a secret. */
struct engine_setting {
	const char *key, *value;
};
/* What tokens are checked with; "" = not set. Nothing set: no authentication. */
struct engine_auth {
	const char *jwt_secret;      /* of HS256; never shown */
	const char *jwt_secret_file; /* a file that holds it */
	const char *jwks;            /* path or URL of a set of public keys */
	const char *audience, *issuer;
};

struct engine_config {
	const char *lake_uri;   /* a path, file:///path or s3://bucket/prefix */
	bool single_writer;     /* the user vouches for being the lake's only writer */
	int64_t retention_days; /* of tables that name none; 0 = nothing that was removed is kept */
	const char *
		control_uri; /* "sqlite:<path>" or "postgresql:..."; may hold a password: print it by config_uri_redact alone */
	const char *executor; /* "threads", "dask://HOST:PORT", "spark://...", "spark-local[N]" */
	int threads;          /* 0 = the machine's cores */
	int64_t executor_silence_s;
	bool forward_credentials; /* to the workers of an executor */
	enum log_level log_level;
	enum log_format log_format;
	const char
		*lineage_url; /* where OpenLineage events go; "" = by OpenLineage's environment. May hold a password */
	const char *listen;   /* ADDR:PORT of pqr serve */
	struct engine_auth auth;
	bool serve_sql;
	int64_t serve_rows_max;
	int64_t serve_timeout_s;
	const char *serve_hosts;     /* "" = any name, on loopback localhost alone */
	const char *tls_certificate; /* paths; "" = no TLS */
	const char *tls_key;
	const char *stream_brokers;                /* HOST:PORT,... */
	const char *stream_topic;                  /* "" = the workload's own */
	const char *stream_group;                  /* consumer group */
	const struct engine_setting *stream_kafka; /* [n_stream_kafka] librdkafka's own */
	size_t n_stream_kafka;
	struct arena arena; /* owns the texts */
};

/* The keys of sections lake, control, executor, log, lineage, server, stream (docs/configuration.md). */
extern const struct config_keys engine_config_keys;

/* From a checked tree (config_check). E_USAGE with the place for a URI or address of a kind nobody knows. */
status engine_config_open(const struct config *tree, struct engine_config *out, struct err *err) MUST_USE;
void engine_config_close(struct engine_config *e); /* zeroed is fine */
/* Is it an address to listen at: "ADDR:PORT", "[::1]:PORT" or ":PORT", port 0 to 65535? */
bool engine_address_known(const char *s);

#endif
