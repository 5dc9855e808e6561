/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between the test of mixed releases (mixed.c) and the nodes it starts
 * (node.c, one program of each release): one socket for orders and reports,
 * one for each tunnel.  The file is the same for both, whatever their trees.
 */
#ifndef TESTS_ISSU_H
#define TESTS_ISSU_H

#include <stdbool.h>
#include <stdint.h>

#define ISSU_TUNNELS_MAX 32
#define ISSU_FD_ORDERS 3		/* of the node; the tunnels' follow */

enum issu_order {
	ISSU_ORDER_REPORT = 'r',
	ISSU_ORDER_SWITCH = 's',
};

/* Sent when asked for and whenever the first line of it changes. */
struct issu_report {
	uint32_t role, sync, records, established;	/* role, sync: enum ha_role, enum ha_sync */
	uint32_t ppp_up, asked;				/* asked: of ISSU_ORDER_REPORT */
	uint64_t epoch, seq, digest, late;
	bool refused;					/* the switchover ordered last */
	char reason[128];				/* of sync, or of the refusal */
	char versions[128];				/* what was settled on; "": a release that does not say */
};

#endif
