/* parquet/read/column_codes.c: what the kinds of columns share about a page: dictionary indices, and encodings that none of
 * them reads. Invariant: an index that leaves here is below the dictionary's size. */
#include "parquet/read/reader_int.h"

status reader_encoding_unsupported(const struct reader_column *c, const struct reader_page_part *part, struct err *err)
{
	static const char *const names[] = {"PLAIN", "1", "PLAIN_DICTIONARY", "RLE", "BIT_PACKED",
		"DELTA_BINARY_PACKED", "DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY", "RLE_DICTIONARY",
		"BYTE_STREAM_SPLIT"};
	static const char *const types[] = {
		"BOOLEAN", "INT32", "INT64", "INT96", "FLOAT", "DOUBLE", "BYTE_ARRAY", "FIXED_LEN_BYTE_ARRAY"};
	const unsigned encoding = part->page->encoding;
	const char *name = encoding < sizeof names / sizeof names[0] ? names[encoding] : "unknown";
	return fail(err, E_UNSUPPORTED, "unsupported: column %s: encoding %s of %s", c->leaf->info.name, name,
		types[c->leaf->physical]);
}

status reader_column_indices(
	const struct reader_column *c, const struct reader_page_part *part, uint32_t *dst, struct err *err)
{
	const size_t take = part->slice.take;
	if (take == 0) return OK;
	if (c->list->dictionary.body == NULL)
		return fail(err, E_CORRUPT, "a dictionary-encoded page in a column without a dictionary");
	if (part->values_n == 0) return fail(err, E_CORRUPT, "a page that ends before its dictionary indices");
	const unsigned width = part->values[0];
	if (width > 32) return fail(err, E_CORRUPT, "dictionary indices of %u bits", width);
	TRY(decode_hybrid(c->r->kernels, (struct decode_source){part->values + 1, part->values_n - 1}, width,
		part->slice, dst, err));
	if (width < 32 && UINT32_C(1) << width <= c->dict_n) return OK; /* no value of that width is too large */
	const uint32_t max = c->r->kernels->max(dst, take);
	if (max >= c->dict_n)
		return fail(err, E_CORRUPT, "dictionary index %u, the dictionary has %u entries", max, c->dict_n);
	return OK;
}
