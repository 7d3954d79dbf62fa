/* cli/signals.c: the first signal asks, a second one does not wait.
 *
 * One request may arrive as several signals: a terminal sends to the whole group and a wrapper passes its own on; Linux sends the signal of
 * PR_SET_PDEATHSIG once for each thread of the parent through which the child is handed on. None of these is impatience. */
#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/time.h"

enum { SAME_REQUEST_US = 500 * 1000 };

static void (*on_asked)(int signal_number);
static volatile sig_atomic_t was_asked;
static volatile int64_t
	asked_us; /* written by the first signal, read by the later ones; SIGINT and SIGTERM mask each other */

static void on_signal(int signal_number)
{
	if (!was_asked) {
		was_asked = 1;
		asked_us = time_mono_us();
		on_asked(signal_number);
	} else if (time_mono_us() - asked_us >= SAME_REQUEST_US) {
		(void)signal(signal_number, SIG_DFL);
		(void)raise(signal_number);
	}
}

void cli_signals_answered(void)
{
	was_asked = 0;
}

void cli_signals_to(void (*asked)(int signal_number))
{
	struct sigaction action = {.sa_handler = on_signal};
	(void)sigemptyset(&action.sa_mask);
	(void)sigaddset(&action.sa_mask, SIGINT);
	(void)sigaddset(&action.sa_mask, SIGTERM);
	on_asked = asked;
	was_asked = 0;
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
}
