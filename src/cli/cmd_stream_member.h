/* cli/cmd_stream_member.h: what the subcommands that take records share: the source by its options, the member's options, the status line.
 *
 *   open (reads the options, opens the source; touches neither lake nor database) -> run, with the subcommand's sink -> close
 */
#ifndef PQR_CLI_CMD_STREAM_MEMBER_H
#define PQR_CLI_CMD_STREAM_MEMBER_H

#include "cli/cmd_stream.h"

enum { CMD_STREAM_NAME_MAX = 512 };
struct cmd_stream_member {
	struct stream_cmd *k;
	const char *verb;  /* "land" */
	const char *group; /* consumer group, where the configuration names none */
	const void *ctx;   /* of the two: what the subcommand says of an interval, before what all say */
	void (*text)(const void *ctx, const struct stream_report *r, struct buf *out);
	void (*json)(const void *ctx, const struct stream_report *r, struct buf *out); /* members of the document */
	bool ends; /* at the end of the topic, whatever the options say */
	/* Filled in by open. */
	bool plain;                          /* lines of standard input */
	char source[CMD_STREAM_NAME_MAX];    /* whose positions are kept; "": lines without a name */
	char name[CMD_STREAM_NAME_MAX + 32]; /* for log lines */
	bool go_on_at_gap;                   /* where retention took messages before they were read */
	bool accept_new;                     /* a topic that was made again is read from its beginning */
	struct stream_source *records;
	struct stream_metrics *metrics; /* of the two: NULL where nobody asked for them */
	struct httpd *httpd;
	struct stream_member_opts opts;
};
status cmd_stream_member_open(struct cmd_stream_member *m, struct err *err) MUST_USE;
status cmd_stream_member_run(struct cmd_stream_member *m, const struct stream_sink *sink, struct err *err) MUST_USE;
void cmd_stream_member_close(struct cmd_stream_member *m); /* also after a failed open */

#endif
