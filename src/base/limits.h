/* base/limits.h: every fixed limit of the project, each with its reason. */
#ifndef PQR_BASE_LIMITS_H
#define PQR_BASE_LIMITS_H

#include <stddef.h>
#include <stdint.h>

enum {
	LINE_BYTES_MIN = 1 << 10, /* least that ingest.line_bytes_max may say: an event without texts has 300 bytes */
	LINE_BYTES_DEFAULT = 16 << 20, /* contract 1: a longer raw line is rejected as too_long */
	LINE_BYTES_MAX = 1 << 25, /* most that it may say: each task holds a line, and its texts three times over */
	JSON_DEPTH_MAX =
		1024, /* nested containers in one value; kept on an explicit stack, so 1 bit to 1 byte a level */
	TABLE_COLUMNS_MAX = 256, /* widest contract has 40; foreign files may be wider, this bounds their metadata */
	PARQUET_LEAVES_MAX =
		4096, /* columns of one file: a Delta checkpoint has three leaves of statistics for each of the table's */
	PARQUET_PAGE_BYTES_MAX = 1 << 28, /* a page that claims more than 256 MiB is corrupt or hostile */
	PARQUET_FOOTER_BYTES_MAX = 1 << 26,
	TXN_RETRIES_MAX = 200, /* lost races of one replace: each is another's commit, so this many bounds starvation */
	TASK_RETRIES_MAX = 3,  /* attempts after the first, with exponential backoff */
	DRIVER_LINE_BYTES_MAX =
		1
		<< 26, /* a line of an executor's driver: a task's result names each file it wrote, 400 bytes a file */
	CONFIG_FILE_BYTES_MAX = 1 << 24,
	CONFIG_DEPTH_MAX = 32, /* nested maps and lists in a configuration file; ours need 6 */
	CONFIG_NODES_MAX =
		1 << 18, /* values in one configuration after aliases are copied: bounds an alias bomb to 30 MB */
	CONFIG_MAP_KEYS_MAX = 1024, /* members of one map; kept sorted by insertion, so this bounds the square */
};

#define BUF_MAX_DEFAULT \
	((size_t)1 << 31) /* a buffer nobody bounded more tightly; fits int32 offsets of Arrow strings */

#endif
