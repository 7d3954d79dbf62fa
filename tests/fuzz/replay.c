/* Run a fuzz target over the files of a folder: what an everyday build does with the corpus. */
#include <dirent.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "fuzz.h"

enum { INPUT_BYTES_MAX = 16 << 20 };

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	if (f == NULL) {
		(void)fprintf(stderr, "cannot open %s\n", path);
		return 1;
	}
	(void)fseek(f, 0, SEEK_END);
	const long size = ftell(f);
	rewind(f);
	uint8_t *data = size >= 0 && size <= INPUT_BYTES_MAX ? mem_alloc((size_t)size)
							     : NULL; /* exact: a sanitizer sees reads beyond it */
	const int failed = data == NULL || fread(data, 1, (size_t)size, f) != (size_t)size;
	(void)fclose(f);
	if (failed)
		(void)fprintf(stderr, "cannot read %s\n", path);
	else
		(void)LLVMFuzzerTestOneInput(data, (size_t)size);
	mem_free(data);
	return failed;
}

int main(int argc, char **argv)
{
	int files = 0, failed = 0;
	DIR *d = argc == 2 ? opendir(argv[1]) : NULL;
	if (d == NULL) {
		(void)fprintf(stderr, "usage: %s FOLDER (readable)\n", argv[0]);
		return 2;
	}
	for (struct dirent *e; (e = readdir(d)) != NULL;) {
		char path[1024];
		if (e->d_name[0] == '.') continue;
		(void)snprintf(path, sizeof path, "%s/%s", argv[1], e->d_name);
		failed += replay_file(path);
		files++;
	}
	(void)closedir(d);
	printf("%d inputs replayed, %d unreadable\n", files, failed);
	return files == 0 || failed != 0;
}
