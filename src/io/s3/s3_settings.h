/* io/s3/s3_settings.h: where an S3 lake is and who asks: s3://bucket/prefix, the AWS_* environment and the profile files.
 *
 *   AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN   else [AWS_PROFILE or default] of ~/.aws/credentials, ~/.aws/config
 *   AWS_REGION, AWS_DEFAULT_REGION                                else the profile's region, else us-east-1
 *   AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL                         else the profile's endpoint_url, else AWS by region
 *   AWS_MAX_ATTEMPTS                                              1 to 30 tries of a request, else 9
 *   AWS_CA_BUNDLE, SSL_CERT_FILE                                  else the profile's ca_bundle, else the system's certificates
 *   AWS_SHARED_CREDENTIALS_FILE, AWS_CONFIG_FILE
 *   AWS_VIRTUAL_HOSTED_STYLE_REQUEST                              else the profile's addressing_style below "s3 ="
 *
 * At AWS virtual-host style, except where the bucket's name has a dot, which no certificate's wildcard covers; at an endpoint
 * path style (endpoint/bucket/key), except where asked for. The secret and the token are for signing alone: never logged, never in an error.
 */
#ifndef PQR_IO_S3_S3_SETTINGS_H
#define PQR_IO_S3_S3_SETTINGS_H

#include "base/buf.h"

enum { S3_BUCKET_CHARS_MAX = 255, S3_KEY_CHARS_MAX = 1024, S3_SECRET_CHARS_MAX = 200, S3_TOKEN_CHARS_MAX = 8192 };

struct s3_settings {
	char bucket[S3_BUCKET_CHARS_MAX + 1];
	char prefix[S3_KEY_CHARS_MAX + 1]; /* without slashes at its ends; "" = the bucket's root */
	char access_key[S3_SECRET_CHARS_MAX + 1];
	char secret_key[S3_SECRET_CHARS_MAX + 1];
	char token[S3_TOKEN_CHARS_MAX + 1]; /* "" = none */
	char region[64];
	bool region_given; /* by the environment or the profile */
	bool tls, path_style;
	bool endpoint_given;
	char host[512];      /* host[:port], the bucket in front where virtual-host style */
	char base_path[256]; /* of the endpoint, encoded, without a slash at its end */
	int tries_max;
	char ca_file[1024]; /* "" = the system's */
};

/* env gives a variable or NULL (getenv's shape). E_USAGE with what to set. */
typedef const char *(*s3_env)(void *arg, const char *name);
status s3_settings_read(const char *uri, s3_env env, void *env_arg, struct s3_settings *out, struct err *err) MUST_USE;
/* Another region, learnt from an answer; the host follows where it names one. */
void s3_settings_region(struct s3_settings *s, const char *region);

/* The value of a key in a section of an AWS profile file, cut at dst; false: not there. "s3.addressing_style":
 * the key of an indented line below "s3 =". */
bool s3_profile_value(struct str file, const char *section, const char *key, char *dst, size_t size);

#endif
