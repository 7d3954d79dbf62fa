/* server/systemd.h: what systemd hands a service (sd_listen_fds(3), sd_notify(3)), by its plain protocols. Without systemd: nothing. */
#ifndef PQR_SERVER_SYSTEMD_H
#define PQR_SERVER_SYSTEMD_H

/* The first socket that listens already for this process, or -1. */
int systemd_socket(void);
/* Tell the service manager: "READY=1". */
void systemd_notify(const char *state);

#endif
