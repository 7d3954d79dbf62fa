/* cli/signals.h: how a person, a service manager or a caller that ends asks the program to end. */
#ifndef PQR_CLI_SIGNALS_H
#define PQR_CLI_SIGNALS_H

/* From now on SIGINT and SIGTERM call asked(signal_number), once, in the handler: only what is async-signal-safe. A later signal ends the
 * process at once, the way a shell expects; one within half a second of the first is the same request told twice. */
void cli_signals_to(void (*asked)(int signal_number));
/* What was asked is done and the program goes on, as a prompt does: the next signal is a first one again. */
void cli_signals_answered(void);

#endif
