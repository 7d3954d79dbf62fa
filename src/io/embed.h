/* io/embed.h: files compiled into the program as they are, so that it works from any folder.
 *
 *	EMBED_FILE(topics, "pqrs_topics_v1.yaml")    at file scope: the bytes are topics[] up to topics_end, and a NUL that does not count
 *
 * The assembler includes the file (.incbin): its search path is an option of the file that says so, and no compiler reports it as a
 * dependency: CMakeLists.txt tells both. Symbols are global to the assembler, and hidden: a module names them after itself.
 */
#ifndef PQR_IO_EMBED_H
#define PQR_IO_EMBED_H

#define EMBED_FILE(symbol, name)                                                      \
	extern const char symbol[] __attribute__((visibility("hidden")));             \
	extern const char symbol##_end[] __attribute__((visibility("hidden")));       \
	__asm__(".pushsection .rodata." #symbol ",\"a\",@progbits\n"                  \
		".balign 16\n"                                                        \
		".globl " #symbol "\n.hidden " #symbol "\n" #symbol ":\n"             \
		".incbin \"" name "\"\n"                                              \
		".globl " #symbol "_end\n.hidden " #symbol "_end\n" #symbol "_end:\n" \
		".byte 0\n"                                                           \
		".popsection\n");

#endif
