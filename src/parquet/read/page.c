/* parquet/read/page.c: page headers, checksums, decompression and the list of a column's pages. */
#include "base/limits.h"
#include "base/vec.h"
#include "io/checksum.h"
#include "parquet/read/reader_int.h"

enum { PAGE_VALUES_MAX = 1 << 26 }; /* values in one page; bounds what a page of nulls can make a reader allocate */

/* Sizes of the header's structs as the file gives them, checked afterwards. */
struct header {
	int32_t kind, values_bytes, body_bytes, n, encoding;
	int32_t levels_encoding, repetition_encoding, levels_bytes, repetition_bytes;
	bool compressed, has_crc, has_kind_header;
	uint32_t crc;
};

static void read_data_v1(struct thrift *t, struct header *h)
{
	struct thrift_field f = {0};
	while (thrift_field_next(t, &f)) {
		switch (f.id) {
		case 1: h->n = thrift_i32(t, &f); break;
		case 2: h->encoding = thrift_i32(t, &f); break;
		case 3: h->levels_encoding = thrift_i32(t, &f); break;
		case 4: h->repetition_encoding = thrift_i32(t, &f); break;
		default: thrift_skip(t, f.type);
		}
	}
	h->has_kind_header = true;
}

static void read_dictionary(struct thrift *t, struct header *h)
{
	struct thrift_field f = {0};
	while (thrift_field_next(t, &f)) {
		switch (f.id) {
		case 1: h->n = thrift_i32(t, &f); break;
		case 2: h->encoding = thrift_i32(t, &f); break;
		default: thrift_skip(t, f.type);
		}
	}
	h->has_kind_header = true;
}

static void read_data_v2(struct thrift *t, struct header *h)
{
	struct thrift_field f = {0};
	while (thrift_field_next(t, &f)) {
		switch (f.id) {
		case 1: h->n = thrift_i32(t, &f); break;
		case 4: h->encoding = thrift_i32(t, &f); break;
		case 5: h->levels_bytes = thrift_i32(t, &f); break;
		case 6: h->repetition_bytes = thrift_i32(t, &f); break;
		case 7: h->compressed = thrift_bool(t, &f); break;
		default: thrift_skip(t, f.type);
		}
	}
	h->has_kind_header = true;
}

static void read_header(struct thrift *t, struct header *h)
{
	struct thrift_field f = {0};
	while (thrift_field_next(t, &f)) {
		switch (f.id) {
		case 1: h->kind = thrift_i32(t, &f); break;
		case 2: h->values_bytes = thrift_i32(t, &f); break;
		case 3: h->body_bytes = thrift_i32(t, &f); break;
		case 4:
			h->crc = (uint32_t)thrift_i32(t, &f);
			h->has_crc = true;
			break;
		case 5:
			if (thrift_struct(t, &f)) read_data_v1(t, h);
			break;
		case 7:
			if (thrift_struct(t, &f)) read_dictionary(t, h);
			break;
		case 8:
			if (thrift_struct(t, &f)) read_data_v2(t, h);
			break;
		default: thrift_skip(t, f.type);
		}
	}
}

/* v2: both kinds of levels stand before the values. A flat column may still carry (void) repetition levels. */
static bool levels_fit(const struct header *h)
{
	if (h->levels_bytes < 0 || h->repetition_bytes < 0) return false;
	const int64_t both = (int64_t)h->levels_bytes + h->repetition_bytes;
	return both <= h->body_bytes && both <= h->values_bytes;
}

static const char *header_fault(const struct header *h, size_t left)
{
	if (h->kind < PAGE_DATA || h->kind > PAGE_DATA_V2) return "a page of an unknown kind";
	if (h->body_bytes < 0 || (size_t)h->body_bytes > left) return "a page longer than its column";
	if (h->values_bytes < 0 || h->values_bytes > PARQUET_PAGE_BYTES_MAX) return "a page of more than 256 MiB";
	if (h->kind == PAGE_INDEX) return NULL;
	if (!h->has_kind_header) return "a page header without its values";
	if (h->n < 0) return "a page with a negative number of values";
	if (h->n > PAGE_VALUES_MAX) return "a page of too many values";
	if (h->encoding < 0 || h->encoding > UINT8_MAX) return "a page of an unknown encoding";
	if (h->kind == PAGE_DATA_V2 && !levels_fit(h)) return "a page whose levels are longer than it";
	return NULL;
}

status reader_page_header(const struct parquet_reader *r, const uint8_t *p, size_t n, int64_t at,
	struct reader_page *out, struct err *err)
{
	struct thrift t;
	struct header h = {.kind = -1,
		.values_bytes = -1,
		.body_bytes = -1,
		.n = -1,
		.encoding = -1,
		.levels_encoding = ENCODING_RLE,
		.repetition_encoding = ENCODING_RLE,
		.compressed = true};
	thrift_start(&t, p, n);
	read_header(&t, &h);
	if (t.error != NULL) return reader_corrupt(r, err, at, "page header: %s", t.error);
	const char *fault = header_fault(&h, (size_t)(t.end - t.p));
	if (fault != NULL) return reader_corrupt(r, err, at, "%s", fault);
	*out = (struct reader_page){
		.at = at,
		.body = t.p,
		.body_n = (uint32_t)h.body_bytes,
		.values_n = (uint32_t)h.values_bytes,
		.n = h.kind == PAGE_INDEX ? 0 : (uint32_t)h.n,
		.repetition_n = h.kind == PAGE_DATA_V2 ? (uint32_t)h.repetition_bytes : 0,
		.levels_n = h.kind == PAGE_DATA_V2 ? (uint32_t)h.levels_bytes : 0,
		.crc = h.crc,
		.kind = (uint8_t)h.kind,
		.encoding = (uint8_t)h.encoding,
		.levels_encoding = (uint8_t)h.levels_encoding,
		.repetition_encoding = (uint8_t)h.repetition_encoding,
		.has_crc = h.has_crc,
		.compressed = h.kind != PAGE_DATA_V2 || h.compressed,
	};
	return OK;
}

/* ---- bytes of a page -------------------------------------------------------------------------------------- */

/* The most that n compressed bytes can become, by the densest copy of each format: bounds the buffer before it is made. */
static size_t decompressed_max(int32_t codec, size_t n)
{
	switch (codec) {
	case CODEC_SNAPPY: return n * 22 + 64; /* 64 bytes from 3 */
	case CODEC_LZ4_HADOOP:
	case CODEC_LZ4_RAW: return n * 255 + 64; /* 255 from each further length byte */
	case CODEC_GZIP: return n * 1032 + 64;   /* 258 from 2 bits */
	default: return PARQUET_PAGE_BYTES_MAX;  /* zstd, brotli: no bound worth having */
	}
}

/* src decompressed to exactly want bytes; views src itself when it is not compressed. */
static status decompress(struct parquet_reader *r, int32_t codec, struct decode_source src, size_t want,
	const uint8_t **out, struct err *err)
{
	const size_t n = src.n;
	if (codec == CODEC_NONE || (n == 0 && want == 0)) {
		if (n != want) return fail(err, E_CORRUPT, "a page of %zu bytes that claims %zu uncompressed", n, want);
		*out = src.p;
		return OK;
	}
	if (want > decompressed_max(codec, n))
		return fail(err, E_CORRUPT, "a page of %zu bytes that claims %zu uncompressed", n, want);
	if (!reader_scratch_reserve(&r->page_bytes, want)) return reader_nomem(r, err);
	if (r->compressor == NULL) TRY(compress_create(&r->compressor, err));
	TRY(compress_expand(r->compressor, (enum compress_codec)codec, (struct compress_src){src.p, n},
		(struct compress_dst){r->page_bytes.p, want}, err));
	*out = r->page_bytes.p;
	return OK;
}

/* Levels of one kind at the start of the values: a length and that many bytes. */
static status cut_levels(struct reader_page_bytes *out, const uint8_t **levels, size_t *levels_n, struct err *err)
{
	uint32_t length;
	if (out->values_n < sizeof length) return fail(err, E_CORRUPT, "a page that ends inside its levels");
	memcpy(&length, out->values, sizeof length);
	if (length > out->values_n - sizeof length)
		return fail(err, E_CORRUPT, "levels of %u bytes in a page of %zu", length, out->values_n);
	*levels = out->values + sizeof length;
	*levels_n = length;
	out->values = *levels + length;
	out->values_n -= sizeof length + length;
	return OK;
}

static status levels_unsupported(const struct reader_leaf *leaf, uint8_t encoding, struct err *err)
{
	return fail(err, E_UNSUPPORTED, "unsupported: column %s: levels of encoding %u", leaf->info.name,
		(unsigned)encoding);
}

/* v1: repetition, then definition levels stand before the values, those the column has. */
static status split_v1(const struct reader_leaf *leaf, const struct reader_page *page, const uint8_t *p, size_t n,
	struct reader_page_bytes *out, struct err *err)
{
	*out = (struct reader_page_bytes){.values = p, .values_n = n};
	if (page->kind != PAGE_DATA) return OK;
	if (leaf->max_rep > 0) {
		if (page->repetition_encoding != ENCODING_RLE)
			return levels_unsupported(leaf, page->repetition_encoding, err);
		TRY(cut_levels(out, &out->repetition, &out->repetition_n, err));
	}
	if (leaf->max_def == 0) return OK;
	if (page->levels_encoding != ENCODING_RLE) return levels_unsupported(leaf, page->levels_encoding, err);
	return cut_levels(out, &out->levels, &out->levels_n, err);
}

static status open_bytes(struct parquet_reader *r, const struct reader_leaf *leaf, const struct reader_chunk *chunk,
	const struct reader_page *page, struct reader_page_bytes *out, struct err *err)
{
	if (page->has_crc && checksum_crc32(0, page->body, page->body_n) != page->crc)
		return fail(err, E_CORRUPT, "page checksum differs");
	const uint8_t *bytes = NULL;
	if (page->kind != PAGE_DATA_V2) {
		TRY(decompress(r, chunk->codec, (struct decode_source){page->body, page->body_n}, page->values_n,
			&bytes, err));
		return split_v1(leaf, page, bytes, page->values_n, out, err);
	}
	const size_t before = (size_t)page->repetition_n + page->levels_n;
	const size_t want = page->values_n - before, n = page->body_n - before;
	bytes = page->body + before;
	/* Some writers leave nothing at all of empty values, without saying that they are not compressed. */
	if (page->compressed && want > 0)
		TRY(decompress(r, chunk->codec, (struct decode_source){bytes, n}, want, &bytes, err));
	else if (!page->compressed && want != n)
		return fail(err, E_CORRUPT, "an uncompressed page of %zu bytes that claims %zu", n, want);
	*out = (struct reader_page_bytes){.values = bytes, .values_n = want};
	if (leaf->max_rep > 0) {
		out->repetition = page->body;
		out->repetition_n = page->repetition_n;
	}
	if (leaf->max_def > 0) {
		out->levels = page->body + page->repetition_n;
		out->levels_n = page->levels_n;
	}
	return OK;
}

status reader_page_open(struct parquet_reader *r, const struct reader_leaf *leaf, const struct reader_chunk *chunk,
	const struct reader_page *page, struct reader_page_bytes *out, struct err *err)
{
	const status code = open_bytes(r, leaf, chunk, page, out, err);
	return code == OK ? OK : err_at(err, code, r->key, page->at, -1);
}

/* ---- the pages of a column -------------------------------------------------------------------------------- */

/* What the walk over a column's bytes [at, at + n) has met. */
struct walk {
	struct parquet_reader *r;
	const uint8_t *bytes;
	size_t n;
	int64_t at;
	struct reader_page_list *list;
};

static status walk_add(struct walk *w, const struct reader_page *page, struct err *err)
{
	struct reader_pages *pages = &w->r->pages;
	if (!VEC_ROOM(pages, 1)) return reader_nomem(w->r, err);
	pages->items[pages->n++] = *page;
	w->list->pages = pages->items;
	w->list->n = pages->n;
	return OK;
}

/* From byte `pos` and row `row` on, up to row range->end. */
static status walk_pages(
	struct walk *w, const struct parquet_range *range, size_t pos, int64_t row, int64_t n_rows, struct err *err)
{
	while (row < range->end) {
		struct reader_page page;
		if (pos >= w->n)
			return reader_corrupt(w->r, err, w->at + (int64_t)w->n, "pages end after row %lld of %lld",
				(long long)row, (long long)n_rows);
		TRY(reader_page_header(w->r, w->bytes + pos, w->n - pos, w->at + (int64_t)pos, &page, err));
		pos = (size_t)(page.body - w->bytes) + page.body_n;
		if (page.kind == PAGE_DICTIONARY) {
			if (w->list->dictionary.body != NULL || w->list->n > 0)
				return reader_corrupt(w->r, err, page.at, "a dictionary page in the wrong place");
			w->list->dictionary = page;
		}
		if (page.kind == PAGE_DICTIONARY || page.kind == PAGE_INDEX) continue;
		if (page.n > n_rows - row)
			return reader_corrupt(w->r, err, page.at, "pages of more rows than the %lld of their row group",
				(long long)n_rows);
		page.row = row;
		row += page.n;
		if (row > range->begin && page.n > 0) TRY(walk_add(w, &page, err));
	}
	return OK;
}

/* The part of the page locations that covers the range: [*first, *last). */
static void locations_cut(const struct reader_page_location *locations, size_t n, const struct parquet_range *range,
	size_t *first, size_t *last)
{
	size_t a = 0, b = n;
	while (a + 1 < n && locations[a + 1].row <= range->begin) a++;
	while (b > a + 1 && locations[b - 1].row >= range->end) b--;
	*first = a;
	*last = b;
}

/* The dictionary page, when one stands before the first data page. */
static status walk_dictionary(struct walk *w, const struct reader_chunk *chunk, int64_t first_data, struct err *err)
{
	if (chunk->at >= first_data) return OK;
	struct reader_page page;
	const uint8_t *bytes;
	const size_t n = (size_t)(first_data - chunk->at);
	TRY(reader_view(w->r, &w->r->dict_bytes, chunk->at, n, &bytes, err));
	TRY(reader_page_header(w->r, bytes, n, chunk->at, &page, err));
	if (page.kind == PAGE_DICTIONARY) w->list->dictionary = page;
	return OK;
}

static status list_by_index(struct walk *w, const struct parquet_range *range, const struct reader_chunk *chunk,
	const struct reader_page_location *locations, size_t n, struct err *err)
{
	struct parquet_reader *r = w->r;
	size_t first, last;
	locations_cut(locations, n, range, &first, &last);
	TRY(walk_dictionary(w, chunk, locations[0].at, err));
	w->at = locations[first].at;
	w->n = (size_t)((last < n ? locations[last].at : chunk->at + chunk->bytes) - w->at);
	TRY(reader_view(r, &r->chunk_bytes, w->at, w->n, &w->bytes, err));
	TRY(walk_pages(w, range, 0, locations[first].row, r->row_groups[range->row_group].n_rows, err));
	for (size_t i = 0; i < w->list->n; i++) { /* the index and the pages must tell the same */
		const struct reader_page *page = &w->list->pages[i];
		while (first < last && locations[first].at < page->at) first++;
		if (first == last || page->at != locations[first].at || page->row != locations[first].row)
			return reader_corrupt(r, err, page->at, "the offset index does not match the pages");
	}
	return OK;
}

status reader_pages_list_all(
	struct parquet_reader *r, const struct reader_chunk *chunk, struct reader_page_list *out, struct err *err)
{
	struct walk w = {.r = r, .list = out, .at = chunk->at};
	*out = (struct reader_page_list){0};
	r->pages.n = 0;
	w.n = (size_t)chunk->bytes;
	TRY(reader_view(r, &r->chunk_bytes, w.at, w.n, &w.bytes, err));
	const struct parquet_range all = {.end = chunk->n_values};
	return walk_pages(&w, &all, 0, 0, chunk->n_values, err);
}

status reader_pages_list(struct parquet_reader *r, const struct parquet_range *range, size_t leaf,
	struct reader_page_list *out, struct err *err)
{
	const struct reader_row_group *g = &r->row_groups[range->row_group];
	const struct reader_chunk *chunk = &g->chunks[leaf];
	struct walk w = {.r = r, .list = out, .at = chunk->at};
	*out = (struct reader_page_list){0};
	r->pages.n = 0;
	struct reader_page_location *locations = NULL;
	size_t n = 0;
	/* The walk alone tells all when every row is asked for. */
	const bool part = range->begin > 0 || range->end < g->n_rows;
	if (part && chunk->offset_index_at > 0)
		TRY(reader_index_locations(r, range->row_group, leaf, &locations, &n, err));
	if (n > 0) return list_by_index(&w, range, chunk, locations, n, err);
	w.n = (size_t)chunk->bytes;
	TRY(reader_view(r, &r->chunk_bytes, w.at, w.n, &w.bytes, err));
	return walk_pages(&w, range, 0, 0, g->n_rows, err);
}
