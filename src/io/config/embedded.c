/* io/config/embedded.c: the assembler includes each file as it is (.incbin; the search path is config/, set by CMakeLists.txt). */
#include "io/config/embedded.h"

#include "io/config/embedded_int.h"

#define EMBEDDED_BYTES(symbol, name)                                                  \
	__asm__(".pushsection .rodata." #symbol ",\"a\",@progbits\n"                  \
		".balign 16\n"                                                        \
		".globl " #symbol "\n.hidden " #symbol "\n" #symbol ":\n"             \
		".incbin \"" name "\"\n"                                              \
		".globl " #symbol "_end\n.hidden " #symbol "_end\n" #symbol "_end:\n" \
		".byte 0\n"                                                           \
		".popsection\n");
EMBEDDED_FILES(EMBEDDED_BYTES)

struct embedded {
	const char *name, *start, *end;
};
#define EMBEDDED_ENTRY(symbol, name) {name, symbol, symbol##_end},
static const struct embedded files[] = {EMBEDDED_FILES(EMBEDDED_ENTRY)};

struct str embedded_file(const char *name)
{
	for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
		if (strcmp(files[i].name, name) == 0)
			return (struct str){files[i].start, (size_t)(files[i].end - files[i].start)};
	}
	return (struct str){NULL, 0};
}

const char *embedded_name(size_t i)
{
	return i < sizeof files / sizeof files[0] ? files[i].name : NULL;
}
