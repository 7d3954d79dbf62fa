/* flow/common_config.h: keys that mean the same to every workload, and decide bytes of what it writes: how long a raw line may be, how
 * many may be rejected, and how Parquet is written. Each workload's table of keys has them, and its canonical form holds them.
 */
#ifndef PQR_FLOW_COMMON_CONFIG_H
#define PQR_FLOW_COMMON_CONFIG_H

#include "base/limits.h"
#include "io/config/config.h"
#include "parquet/writer.h"

struct common_config {
	size_t line_bytes_max;    /* of a raw line without its end */
	uint32_t reject_rate_max; /* millionths */
	struct parquet_opts parquet;
};

extern const char *const common_config_codecs[]; /* choices; ends with NULL */
_Static_assert(LINE_BYTES_DEFAULT == 16777216, "the fallback of ingest.line_bytes_max");

/* Rows of a table of keys. */
#define COMMON_CONFIG_LINE_BYTES                                                                                \
	{                                                                                                       \
		"ingest.line_bytes_max", CONFIG_T_INT, LINE_BYTES_MIN, LINE_BYTES_MAX, NULL, "16777216", false, \
			"bytes of a raw line at most, without its end; a longer one is a reject", 2             \
	}
#define COMMON_CONFIG_REJECT_RATE                                                             \
	{                                                                                     \
		"quality.reject_rate_max", CONFIG_T_DECIMAL, 0, 1000000, NULL, "0.05", false, \
			"most raw lines that may be rejected", 0                              \
	}
#define COMMON_CONFIG_PARQUET                                                                                         \
	{"parquet.codec", CONFIG_T_CHOICE, 0, 0, common_config_codecs, "zstd", false, "compression of pages", 0},     \
		{"parquet.level", CONFIG_T_INT, 1, 19, NULL, "1", false, "zstd level", 0},                            \
		{"parquet.page_rows_max", CONFIG_T_INT, 100, 1 << 20, NULL, "20000", false, "rows of a page at most", \
			0},                                                                                           \
		{"parquet.page_bytes_min", CONFIG_T_INT, 1024, 1 << 26, NULL, "16384", false,                         \
			"encoded bytes after which a page may end", 0},                                               \
	{                                                                                                             \
		"parquet.bloom", CONFIG_T_BOOL, 0, 1, NULL, "true", false, "bloom filters on id columns", 0           \
	}

/* From a tree or a canonical form; limits as keys has them. What has no key keeps its value in *out. */
status common_config_read(const struct config_node *root, const struct config_keys *keys, struct common_config *out,
	struct err *err) MUST_USE;
const char *common_config_codec_name(enum parquet_codec codec); /* "zstd" */

#endif
