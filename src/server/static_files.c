/* server/static_files.c: answers with the dashboard's files. A path is compared with those there are; none is ever opened. */
#include "server/static_files.h"

#include <stdio.h>

static const char *const types[][2] = {
	{".html", "text/html; charset=utf-8"},
	{".js", "text/javascript; charset=utf-8"},
	{".css", "text/css; charset=utf-8"},
	{".json", "application/json"},
	{".svg", "image/svg+xml"},
	{".png", "image/png"},
	{".ico", "image/x-icon"},
	{".webmanifest", "application/manifest+json"},
	{".woff2", "font/woff2"},
	{".txt", "text/plain; charset=utf-8"},
};

static const char *type_of(const char *path)
{
	const size_t n = strlen(path);
	for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
		const size_t k = strlen(types[i][0]);
		if (n > k && strcmp(path + n - k, types[i][0]) == 0) return types[i][1];
	}
	return "application/octet-stream";
}

static const struct static_file *find(struct str path)
{
	for (size_t i = 0; i < static_files_n; i++)
		if (str_is(path, static_files_all[i].path)) return &static_files_all[i];
	return NULL;
}

struct str static_file_get(const char *path)
{
	const struct static_file *f = find(str_of(path));
	return f != NULL ? (struct str){f->start, (size_t)(f->end - f->start)} : (struct str){NULL, 0};
}

bool static_file_answer(const struct request *r, struct response *out)
{
	struct str path;
	if (!request_decode(r->arena, r->path, false, &path)) return false;
	const struct static_file *f = find(path);
	if (f == NULL && memchr(path.p, '.', path.n) == NULL) f = find(STR("/index.html"));
	if (f == NULL) return false;
	char tag[80];
	(void)snprintf(tag, sizeof tag, "W/\"%s\"", f->tag);
	response_header_add(out, "ETag", "%s", tag);
	/* Names of assets hold a hash of their content; the page that names them must be asked for each time. */
	response_header_add(out, "Cache-Control",
		strncmp(f->path, "/assets/", 8) == 0 ? "public, max-age=31536000, immutable" : "no-cache");
	response_header_add(out, "Vary", "Accept-Encoding");
	const struct str known = request_header_get(r, "If-None-Match");
	if (known.p != NULL && memmem(known.p, known.n, tag, strlen(tag)) != NULL) {
		out->status = 304;
		return true;
	}
	out->type = type_of(f->path);
	out->borrowed = (struct str){f->start, (size_t)(f->end - f->start)};
	return true;
}
