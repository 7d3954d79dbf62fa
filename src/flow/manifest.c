/* flow/manifest.c: the texts of manifest.json and checksums.json, and the root that sums up raw. Nothing is read or written here. */
#include "flow/manifest.h"

#include <string.h>

#include "flow/task_json.h"

status manifest_root(const struct file_list *files, char root[HEX_SHA256_CHARS + 1], struct err *err)
{
	uint8_t hash[SHA256_BYTES];
	uint8_t unused[XXH128_BYTES];
	char hex[HEX_SHA256_CHARS + 1];
	struct hash_stream h;
	TRY(hash_stream_init(&h, true, err));
	for (size_t i = 0; i < files->n; i++) {
		const struct file_ref *f = &files->items[i];
		ASSERT(i == 0 || strcmp(files->items[i - 1].path, f->path) < 0);
		hex_encode(f->sha256, SHA256_BYTES, hex);
		hash_stream_add(&h, f->path, strlen(f->path) + 1);
		hash_stream_add(&h, hex, HEX_SHA256_CHARS);
		hash_stream_add(&h, "\n", 1);
	}
	hash_stream_final(&h, unused, hash);
	hash_stream_deinit(&h);
	hex_encode(hash, sizeof hash, root);
	return OK;
}

static void object_json(struct buf *out, const struct file_ref *f)
{
	buf_printf(out, "{\"bytes\":%lld,\"path\":", (long long)f->bytes);
	buf_json_str(out, str_of(f->path));
	buf_printf(out, ",\"rows\":%lld,\"sha256\":\"", (long long)f->rows);
	buf_hex(out, f->sha256, SHA256_BYTES);
	buf_str(out, "\",\"xxh128\":\"");
	buf_hex(out, f->xxh128, XXH128_BYTES);
	buf_str(out, "\"}");
}

static void date_json(struct buf *out, int32_t date)
{
	char text[DATE_CHARS];
	if (date == INT32_MIN) {
		buf_str(out, "null");
		return;
	}
	date_format(date, text);
	buf_json_str(out, (struct str){text, sizeof text});
}

status manifest_json(struct buf *out, const struct workload *w, const struct commit *raw, struct err *err)
{
	const struct run_info *run = &raw->run;
	char as_of[TIME_RFC3339_CHARS];
	char root[HEX_SHA256_CHARS + 1];
	time_format(run->as_of, as_of);
	TRY(manifest_root(&raw->files, root, err));
	buf_printf(out, "{\"as_of\":\"%.*s\",\"config_hash\":\"%s\",\"counts\":", TIME_RFC3339_CHARS, as_of,
		run->config_hash);
	counter_list_json(out, &raw->events.types);
	buf_str(out, ",\"date_range\":{\"from\":");
	date_json(out, run->date_from);
	buf_str(out, ",\"to\":");
	date_json(out, run->date_to);
	buf_str(out, "},\"objects\":[");
	for (size_t i = 0; i < raw->files.n; i++) {
		if (i > 0) buf_char(out, ',');
		object_json(out, &raw->files.items[i]);
	}
	buf_printf(out, "],\"root\":\"%s\",\"run_id\":\"%s\",\"seed\":", root, run->run_id);
	if (run_makes(run))
		buf_printf(out, "%llu", (unsigned long long)w->making.seed(run));
	else
		buf_str(out, "null");
	buf_str(out, ",\"version\":");
	buf_json_str(out, str_of(raw->version));
	buf_str(out, ",\"workload\":");
	buf_json_str(out, str_of(run->workload));
	buf_char(out, '}');
	return buf_check(out, err);
}

static status all_files(const struct commit *commits, size_t n, struct file_list *all, struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < commits[i].files.n; k++) {
			if (!file_list_add(all, &commits[i].files.items[k])) return fail_nomem(err);
		}
	}
	file_list_sort(all);
	return OK;
}

status manifest_checksums_json(struct buf *out, const struct commit *commits, size_t n, struct err *err)
{
	struct arena arena;
	arena_init(&arena, 0);
	struct file_list all = {.arena = &arena};
	const status code = all_files(commits, n, &all, err);
	buf_char(out, '{');
	for (size_t i = 0; i < all.n && code == OK; i++) {
		if (i > 0) buf_char(out, ',');
		buf_json_str(out, str_of(all.items[i].path));
		buf_str(out, ":\"");
		buf_hex(out, all.items[i].sha256, SHA256_BYTES);
		buf_char(out, '"');
	}
	buf_char(out, '}');
	arena_deinit(&arena);
	return code != OK ? code : buf_check(out, err);
}
