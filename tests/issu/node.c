// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One LNS of the test of mixed releases: the node of bench-control (the group
 * as l2tphad runs it, null data plane, real TLS link), told what to do by
 * tests/issu/mixed.c.  Built twice: in this tree, and in that of the release
 * before by tests/issu/build-previous.  So it uses only what both have, and
 * takes the node of its own tree as it is, with its insides.
 *
 *   node active|standby PORT hot|warm TUNNELS
 */
#include "tests/bench/control-node.c" // NOLINT(bugprone-suspicious-include)

#include "tests/issu/issu.h"

#include <sys/prctl.h>
#include <signal.h>

static void report(struct node *node, struct issu_report *last, bool asked)
{
	struct ha_info info = node_ha(node);
	struct issu_report now = {
		.role = info.role, .sync = info.sync, .records = info.records, .established = node_established(node),
		.ppp_up = node_ppp_up(node), .asked = asked, .epoch = info.epoch, .seq = info.seq,
		.digest = ha_digest(group_ha(node->group)), .late = info.late_commits, .refused = last->refused,
	};

	if (!asked && now.role == last->role && now.sync == last->sync && now.established == last->established)
		return;
	snprintf(now.reason, sizeof(now.reason), "%s", info.sync_reason);
	if (now.refused)
		snprintf(now.reason, sizeof(now.reason), "%s", last->reason);
#ifdef ISSU_VERSIONS
	ha_info_versions(&info, now.versions);
#endif
	*last = now;
	if (send(ISSU_FD_ORDERS, &now, sizeof(now), 0) < 0)
		exit(1);
}

static void obey(struct node *node, struct issu_report *last)
{
	char order, reason[HA_REASON_MAX] = "";

	if (recv(ISSU_FD_ORDERS, &order, 1, 0) != 1)
		exit(0);
	switch ((enum issu_order)order) {
	case ISSU_ORDER_REPORT:
		report(node, last, true);
		break;
	case ISSU_ORDER_SWITCH:
		last->refused = group_switchover(node->group, now_ms(), false, reason) != 0;
		snprintf(last->reason, sizeof(last->reason), "%s", reason);
		report(node, last, true);
		break;
	}
}

int main(int argc, char **argv)
{
	static int sockets[ISSU_TUNNELS_MAX];
	struct node_options options = { .ppp = true, .sockets = sockets };
	struct pollfd orders = { .fd = ISSU_FD_ORDERS, .events = POLLIN };
	struct issu_report last = { .role = UINT32_MAX };
	struct node *node;

	if (argc != 5 || (options.tunnels = (unsigned)atoi(argv[4])) > ISSU_TUNNELS_MAX)
		bench_die("usage: node active|standby PORT hot|warm TUNNELS");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	options.kind = strcmp(argv[1], "active") ? NODE_STANDBY : NODE_ACTIVE;
	options.port = (uint16_t)atoi(argv[2]);
	options.warm = !strcmp(argv[3], "warm");
	for (unsigned i = 0; i < options.tunnels; i++)
		sockets[i] = ISSU_FD_ORDERS + 1 + (int)i;
	node = node_new(&options);
	for (;;) {
		node_turn(node, &orders);
		if (orders.revents)
			obey(node, &last);
		report(node, &last, false);
	}
}
