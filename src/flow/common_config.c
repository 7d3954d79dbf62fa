/* flow/common_config.c: see common_config.h. */
#include "flow/common_config.h"

const char *const common_config_codecs[] = {"zstd", "snappy", "uncompressed", NULL};
enum { CODECS = sizeof common_config_codecs / sizeof *common_config_codecs - 1, MILLION = 1000000 };
static const enum parquet_codec codecs[CODECS] = {PARQUET_ZSTD, PARQUET_SNAPPY, PARQUET_UNCOMPRESSED};

const char *common_config_codec_name(enum parquet_codec codec)
{
	for (size_t i = 0; i < CODECS; i++) {
		if (codecs[i] == codec) return common_config_codecs[i];
	}
	ASSERT(false);
	return "";
}

static status read_i64(
	const struct config_node *root, const struct config_keys *keys, const char *path, int64_t *out, struct err *err)
{
	const struct config_key *key = config_key_find(keys, 1, path);
	const struct config_node *node;
	ASSERT(key != NULL && key->type == CONFIG_T_INT);
	TRY(config_need(root, path, &node, err));
	return config_i64(node, key->min, key->max, out, err);
}

status common_config_read(
	const struct config_node *root, const struct config_keys *keys, struct common_config *out, struct err *err)
{
	const struct config_node *node;
	struct common_config c = *out;
	int64_t line, rate, level, rows, bytes;
	size_t codec;
	TRY(read_i64(root, keys, "ingest.line_bytes_max", &line, err));
	TRY(config_need(root, "quality.reject_rate_max", &node, err));
	TRY(config_millionths(node, 0, MILLION, &rate, err));
	TRY(config_need(root, "parquet.codec", &node, err));
	TRY(config_choice(node, common_config_codecs, CODECS, &codec, err));
	TRY(read_i64(root, keys, "parquet.level", &level, err));
	TRY(read_i64(root, keys, "parquet.page_rows_max", &rows, err));
	TRY(read_i64(root, keys, "parquet.page_bytes_min", &bytes, err));
	TRY(config_need(root, "parquet.bloom", &node, err));
	TRY(config_bool(node, &c.parquet.bloom, err));
	c.line_bytes_max = (size_t)line;
	c.reject_rate_max = (uint32_t)rate;
	c.parquet.codec = codecs[codec];
	c.parquet.level = (int)level;
	c.parquet.page_rows_max = (uint32_t)rows;
	c.parquet.page_bytes_min = (uint32_t)bytes;
	*out = c;
	return OK;
}
