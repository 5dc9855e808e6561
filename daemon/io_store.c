// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * systemd keeps descriptors for a service while it is restarted
 * (FileDescriptorStoreMax=): listeners and tunnel sockets, so that what comes
 * in while no daemon runs waits in their queues, and a tunnel without sessions
 * survives.  Session sockets are not kept here: their pppds have them, and the
 * names of all that is kept travel in one environment string.
 *
 * A socket in the store keeps its kernel tunnel alive: it is taken out by name
 * when its tunnel ends.
 */
#include "daemon/io_store.h"

#ifdef HAVE_SYSTEMD
#include <stdio.h>
#include <stdlib.h>
#include <systemd/sd-daemon.h>

#include "daemon/log.h"

static void keep(void *ctx, const char *name, int fd)
{
	char text[128];

	(void)ctx;
	/* an error that waits in a socket is not its end */
	snprintf(text, sizeof(text), "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	sd_pid_notify_with_fds(0, 0, text, &fd, 1);
}

static void drop(void *ctx, const char *name)
{
	char text[128];

	(void)ctx;
	snprintf(text, sizeof(text), "FDSTOREREMOVE=1\nFDNAME=%s", name);
	sd_notify(0, text);
}

void io_store_start(struct dp *dp)
{
	const struct dp_keeper keeper = { .keep = keep, .drop = drop };
	char **names = NULL;
	int n = sd_listen_fds_with_names(1, &names), i;

	for (i = 0; i < n; i++) {
		dp_kernel_offer(dp, names ? names[i] : "", SD_LISTEN_FDS_START + i);
		if (names)
			free(names[i]);
	}
	free(names);
	if (n > 0)
		log_info("systemd kept %d sockets", n);
	if (getenv("NOTIFY_SOCKET"))
		dp_kernel_keeper(dp, &keeper);
}

#else

void io_store_start(struct dp *dp)
{
	(void)dp;
}

#endif
