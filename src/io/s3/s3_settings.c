/* io/s3/s3_settings.c: endpoint, region and credentials from the environment and the AWS files. Reads, never writes; asks no network. */
#include "io/s3/s3_settings.h"

#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#include "base/file.h"

enum { PROFILE_FILE_BYTES_MAX = 1 << 20, TRIES_DEFAULT = 9, TRIES_LIMIT = 30 };

/* ---- profile files ---- */

static struct str trim(struct str s)
{
	while (s.n > 0 && (s.p[0] == ' ' || s.p[0] == '\t')) s.p++, s.n--;
	while (s.n > 0 && strchr(" \t\r", s.p[s.n - 1]) != NULL) s.n--;
	return s;
}

static struct str line_next(struct str *rest)
{
	const char *end = memchr(rest->p, '\n', rest->n);
	const struct str line = {rest->p, end != NULL ? (size_t)(end - rest->p) : rest->n};
	const size_t used = line.n + (end != NULL);
	*rest = (struct str){rest->p + used, rest->n - used};
	return line;
}

/* An indented line is below the line before it that had no value: key is "s3.addressing_style" there. */
static bool key_is(struct str parent, struct str name, const char *key)
{
	if (parent.n == 0) return str_is(name, key);
	return strlen(key) > parent.n && memcmp(key, parent.p, parent.n) == 0 && key[parent.n] == '.' &&
	       str_is(name, key + parent.n + 1);
}

bool s3_profile_value(struct str file, const char *section, const char *key, char *dst, size_t size)
{
	bool inside = false;
	struct str parent = {NULL, 0};
	while (file.n > 0) {
		const struct str raw = line_next(&file);
		struct str line = trim(raw);
		if (line.n == 0 || line.p[0] == '#' || line.p[0] == ';') continue;
		if (line.p[0] == '[') {
			const char *end = memchr(line.p, ']', line.n);
			const struct str name = {line.p + 1, end != NULL ? (size_t)(end - line.p) - 1 : 0};
			inside = str_is(trim(name), section);
			continue;
		}
		const char *equals = memchr(line.p, '=', line.n);
		if (!inside || equals == NULL) continue;
		const struct str name = trim((struct str){line.p, (size_t)(equals - line.p)});
		const struct str value = trim((struct str){equals + 1, (size_t)(line.p + line.n - equals) - 1});
		const bool indented = raw.p[0] == ' ' || raw.p[0] == '\t';
		if (indented && parent.n == 0) continue;
		if (!indented) parent = value.n == 0 ? name : (struct str){NULL, 0};
		if (!key_is(indented ? parent : (struct str){NULL, 0}, name, key)) continue;
		if (value.n == 0 || value.n >= size || memchr(value.p, '\0', value.n) != NULL) return false;
		memcpy(dst, value.p, value.n);
		dst[value.n] = '\0';
		return true;
	}
	return false;
}

/* ---- environment ---- */

struct reading {
	s3_env env;
	void *arg;
	const char *profile;
	struct buf credentials, config; /* the files' bytes; wiped at the end */
};

static const char *variable(const struct reading *r, const char *name)
{
	const char *v = r->env(r->arg, name);
	return v != NULL && v[0] != '\0' ? v : NULL;
}

static status load(struct reading *r, struct buf *out, const char *name, const char *fallback, struct err *err)
{
	char path[1024];
	const char *given = variable(r, name), *home = variable(r, "HOME");
	if (given == NULL && home == NULL) return OK;
	const int n = given != NULL ? snprintf(path, sizeof path, "%s", given)
				    : snprintf(path, sizeof path, "%s/.aws/%s", home, fallback);
	if (n < 0 || (size_t)n >= sizeof path) return fail(err, E_LIMIT, "%s: path too long", name);
	const status code = file_read(path, PROFILE_FILE_BYTES_MAX, out, err);
	return code == E_NOT_FOUND && given == NULL ? OK : code;
}

static bool profile_get(const struct reading *r, const char *key, char *dst, size_t size)
{
	const struct str credentials = {(const char *)r->credentials.p, r->credentials.n};
	const struct str config = {(const char *)r->config.p, r->config.n};
	char section[256];
	if (s3_profile_value(credentials, r->profile, key, dst, size)) return true;
	if (strcmp(r->profile, "default") == 0 && s3_profile_value(config, "default", key, dst, size)) return true;
	(void)snprintf(section, sizeof section, "profile %s", r->profile);
	return s3_profile_value(config, section, key, dst, size);
}

static status copy(const char *from, const char *name, char *dst, size_t size, struct err *err)
{
	const size_t n = strlen(from);
	if (n >= size) return fail(err, E_USAGE, "%s: over %zu characters", name, size - 1);
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)from[i] <= 0x20 || (unsigned char)from[i] == 0x7f)
			return fail(err, E_USAGE, "%s: has a blank or control character", name);
	memcpy(dst, from, n + 1);
	return OK;
}

static status read_keys(struct reading *r, struct s3_settings *s, struct err *err)
{
	const char *access = variable(r, "AWS_ACCESS_KEY_ID"), *secret = variable(r, "AWS_SECRET_ACCESS_KEY");
	const char *token = variable(r, "AWS_SESSION_TOKEN");
	if ((access == NULL) != (secret == NULL))
		return fail(err, E_USAGE, "%s is set and %s is not: set both, or neither to use a profile",
			access != NULL ? "AWS_ACCESS_KEY_ID" : "AWS_SECRET_ACCESS_KEY",
			access != NULL ? "AWS_SECRET_ACCESS_KEY" : "AWS_ACCESS_KEY_ID");
	if (access != NULL) {
		TRY(copy(access, "AWS_ACCESS_KEY_ID", s->access_key, sizeof s->access_key, err));
		TRY(copy(secret, "AWS_SECRET_ACCESS_KEY", s->secret_key, sizeof s->secret_key, err));
		return token == NULL ? OK : copy(token, "AWS_SESSION_TOKEN", s->token, sizeof s->token, err);
	}
	if (profile_get(r, "aws_access_key_id", s->access_key, sizeof s->access_key) &&
		profile_get(r, "aws_secret_access_key", s->secret_key, sizeof s->secret_key)) {
		(void)profile_get(r, "aws_session_token", s->token, sizeof s->token);
		return OK;
	}
	return fail(err, E_USAGE,
		"no credentials for s3://%s: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give profile "
		"\"%.80s\" of "
		"~/.aws/credentials (AWS_PROFILE) an aws_access_key_id and an aws_secret_access_key",
		s->bucket, r->profile);
}

/* ---- place ---- */

static bool bucket_valid(struct str b)
{
	if (b.n < 3 || b.n > 63) return false;
	for (size_t i = 0; i < b.n; i++) {
		const char c = b.p[i];
		const bool edge = i == 0 || i + 1 == b.n;
		if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
			    (!edge && (c == '-' || c == '.' || c == '_'))))
			return false;
	}
	return true;
}

static status read_uri(const char *uri, struct s3_settings *s, struct err *err)
{
	ASSERT(strncmp(uri, "s3://", 5) == 0);
	const char *name = uri + 5;
	const struct str bucket = {name, strcspn(name, "/")};
	if (!bucket_valid(bucket))
		return fail(err, E_USAGE,
			"lake %.200s: expected s3://bucket/prefix, the bucket 3 to 63 of a-z, 0-9, '-' and '.'", uri);
	memcpy(s->bucket, bucket.p, bucket.n);
	const char *p = name + bucket.n;
	if (*p == '/') p++;
	size_t n = strlen(p);
	if (n > 0 && p[n - 1] == '/') n--;
	if (n > S3_KEY_CHARS_MAX / 2)
		return fail(err, E_LIMIT, "lake s3://%s: prefix over %d characters", s->bucket, S3_KEY_CHARS_MAX / 2);
	(void)snprintf(s->prefix, sizeof s->prefix, "%.*s", (int)n, p);
	return OK;
}

static status endpoint_set(struct s3_settings *s, const char *url, const char *name, struct err *err)
{
	const bool tls = strncmp(url, "https://", 8) == 0;
	if (!tls && strncmp(url, "http://", 7) != 0)
		return fail(err, E_USAGE, "%s: expected http://HOST[:PORT] or https://HOST[:PORT]", name);
	const char *host = url + (tls ? 8 : 7);
	const size_t n = strcspn(host, "/?#");
	size_t path_n = strlen(host + n);
	while (path_n > 0 && host[n + path_n - 1] == '/') path_n--;
	if (n == 0 || n >= sizeof s->host || memchr(host, '@', n) != NULL || path_n >= sizeof s->base_path ||
		strpbrk(host + n, "?# ") != NULL)
		return fail(err, E_USAGE, "%s: expected http://HOST[:PORT] or https://HOST[:PORT]", name);
	s->tls = tls;
	s->endpoint_given = true;
	for (size_t i = 0; i < n; i++) /* as libcurl sends it, so that the signature is over the same */
		s->host[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] - 'A' + 'a' : host[i]);
	s->host[n] = '\0';
	char *port = strrchr(s->host, ':');
	if (port != NULL && strcmp(port, tls ? ":443" : ":80") == 0) *port = '\0'; /* left out of Host */
	memcpy(s->base_path, host + n, path_n);
	s->base_path[path_n] = '\0';
	return OK;
}

/* Keys below the endpoint's path, or the bucket in front of the endpoint's name where the user asks for it. */
static status style_set(struct reading *r, struct s3_settings *s, struct err *err)
{
	static const char name[] = "AWS_VIRTUAL_HOSTED_STYLE_REQUEST";
	char style[16] = "";
	const char *given = variable(r, name);
	const bool profile = profile_get(r, "s3.addressing_style", style, sizeof style);
	bool virtual = profile && strcmp(style, "virtual") == 0;
	if (given != NULL) {
		virtual = strcasecmp(given, "true") == 0 || strcmp(given, "1") == 0;
		if (!virtual && strcasecmp(given, "false") != 0 && strcmp(given, "0") != 0)
			return fail(err, E_USAGE, "%s: expected true or false, found '%.40s'", name, given);
	}
	s->path_style = !virtual;
	if (!virtual) return OK;
	if (s->host[0] == '[' || strspn(s->host, "0123456789.:") == strlen(s->host))
		return fail(err, E_USAGE,
			"virtual-host style needs an endpoint with a name, found %s: set AWS_ENDPOINT_URL, or %s=false",
			s->host, name);
	char host[sizeof s->host];
	const int n = snprintf(host, sizeof host, "%s.%s", s->bucket, s->host);
	if (n < 0 || (size_t)n >= sizeof host) return fail(err, E_LIMIT, "AWS_ENDPOINT_URL: host name too long");
	memcpy(s->host, host, (size_t)n + 1);
	return OK;
}

void s3_settings_region(struct s3_settings *s, const char *region)
{
	(void)snprintf(s->region, sizeof s->region, "%s", region);
	if (s->endpoint_given) return;
	const char *domain = strncmp(region, "cn-", 3) == 0 ? "amazonaws.com.cn" : "amazonaws.com";
	s->tls = true;
	s->path_style = strchr(s->bucket, '.') != NULL;
	if (s->path_style)
		(void)snprintf(s->host, sizeof s->host, "s3.%s.%s", region, domain);
	else
		(void)snprintf(s->host, sizeof s->host, "%s.s3.%s.%s", s->bucket, region, domain);
}

static bool region_valid(const char *r)
{
	const size_t n = strlen(r);
	return n > 0 && n < 64 && strspn(r, "abcdefghijklmnopqrstuvwxyz0123456789-") == n;
}

/* SSL_CERT_FILE stands for the system's certificates, as for OpenSSL's own programs. */
static status read_ca_file(const struct reading *r, struct s3_settings *s, struct err *err)
{
	const char *name = "AWS_CA_BUNDLE", *ca = variable(r, name);
	char bundle[sizeof s->ca_file];
	if (ca == NULL && profile_get(r, "ca_bundle", bundle, sizeof bundle)) {
		name = "ca_bundle of the AWS profile";
		ca = bundle;
	}
	if (ca == NULL) ca = variable(r, name = "SSL_CERT_FILE");
	if (ca != NULL && strlen(ca) >= sizeof s->ca_file) return fail(err, E_LIMIT, "%s: path too long", name);
	(void)snprintf(s->ca_file, sizeof s->ca_file, "%s", ca != NULL ? ca : "");
	return OK;
}

static status read_place(struct reading *r, struct s3_settings *s, struct err *err)
{
	char region[64] = "us-east-1", url[sizeof s->host + sizeof s->base_path];
	const char *given = variable(r, "AWS_REGION"), *name = "AWS_ENDPOINT_URL_S3";
	if (given == NULL) given = variable(r, "AWS_DEFAULT_REGION");
	if (given != NULL && !region_valid(given))
		return fail(err, E_USAGE, "AWS_REGION: expected a region as us-east-1, found '%.60s'", given);
	if (given != NULL) (void)snprintf(region, sizeof region, "%s", given);
	s->region_given = given != NULL || (profile_get(r, "region", region, sizeof region) && region_valid(region));
	if (!region_valid(region)) return fail(err, E_USAGE, "profile %s: region is not one", r->profile);
	const char *endpoint = variable(r, name);
	if (endpoint == NULL) endpoint = variable(r, name = "AWS_ENDPOINT_URL");
	if (endpoint == NULL && profile_get(r, "endpoint_url", url, sizeof url)) {
		endpoint = url;
		name = "endpoint_url of the AWS profile";
	}
	if (endpoint != NULL) {
		TRY(endpoint_set(s, endpoint, name, err));
		TRY(style_set(r, s, err));
	}
	s3_settings_region(s, region);
	const char *tries = variable(r, "AWS_MAX_ATTEMPTS");
	const long n_tries = tries != NULL ? strtol(tries, NULL, 10) : TRIES_DEFAULT;
	if (n_tries < 1 || n_tries > TRIES_LIMIT)
		return fail(err, E_USAGE, "AWS_MAX_ATTEMPTS: expected 1 to %d, found '%.40s'", TRIES_LIMIT, tries);
	s->tries_max = (int)n_tries;
	return read_ca_file(r, s, err);
}

static void wipe(struct buf *b)
{
	if (b->p != NULL) explicit_bzero(b->p, b->n);
	buf_deinit(b);
}

static status settings_read(struct reading *r, struct s3_settings *s, struct err *err)
{
	TRY(load(r, &r->credentials, "AWS_SHARED_CREDENTIALS_FILE", "credentials", err));
	TRY(load(r, &r->config, "AWS_CONFIG_FILE", "config", err));
	TRY(read_keys(r, s, err));
	return read_place(r, s, err);
}

status s3_settings_read(const char *uri, s3_env env, void *env_arg, struct s3_settings *out, struct err *err)
{
	struct s3_settings s = {.tls = true};
	struct reading r = {.env = env, .arg = env_arg, .profile = "default"};
	buf_init(&r.credentials, 0);
	buf_init(&r.config, 0);
	TRY(read_uri(uri, &s, err));
	if (variable(&r, "AWS_PROFILE") != NULL) r.profile = variable(&r, "AWS_PROFILE");
	const status code = settings_read(&r, &s, err);
	wipe(&r.credentials);
	wipe(&r.config);
	if (code == OK) *out = s;
	explicit_bzero(&s, sizeof s);
	return code;
}
