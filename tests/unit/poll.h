/* tests/unit/poll.h: what tests wait with: no test waits for a time to pass, it waits for what it needs. */
#ifndef PQR_TESTS_POLL_H
#define PQR_TESTS_POLL_H

#include <stdbool.h>
#include <unistd.h>

#include "check.h"

/* Asks again until the condition holds; fails the test after half a minute, which bounds a failure, not a wait. */
static inline void poll_until(bool (*condition)(void *arg), void *arg)
{
	for (int i = 0; !condition(arg); i++) {
		if (i == 30000) fail_msg("waited in vain");
		(void)usleep(1000);
	}
}

#endif
