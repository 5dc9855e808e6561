// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tunnels and calls that failed: `show vpdn history failure`, and the one place
 * that logs them.  Whoever fails is somebody else, who may do it as often as he
 * likes: what happens again is counted, and so many lines a minute are enough.
 */
#include <stdio.h>
#include <string.h>

#include "daemon/group_internal.h"
#include "daemon/log.h"

enum { FAILURES_LOGGED = 60, FAILURES_PERIOD_MS = 60000 };

static bool failure_same(const struct group_failure *a, const struct group_failure *b)
{
	return endpoint_addr_equal(&a->peer, &b->peer) && !strcmp(a->peer_name, b->peer_name) && !strcmp(a->user, b->user) &&
	       !strcmp(a->type, b->type) && !strcmp(a->reason, b->reason);
}

/* How many may still be logged this minute; what was not is said at the beginning of the next one. */
static bool failure_may_log(struct group *group)
{
	if (group->now_ms - group->failures_since_ms >= FAILURES_PERIOD_MS) {
		if (group->failures_unlogged)
			log_info("redundancy group %s: %u more failures of tunnels and calls: see show vpdn history failure",
				 group_name(group), group->failures_unlogged);
		group->failures_since_ms = group->now_ms;
		group->failures_logged = group->failures_unlogged = 0;
	}
	if (group->failures_logged < FAILURES_LOGGED)
		return ++group->failures_logged;
	group->failures_unlogged++;
	return false;
}

/* One that happens again and again: the first, second, fourth, ... time. */
static void failure_log(struct group *group, const struct group_failure *f)
{
	char addr[ENDPOINT_TEXT_MAX], often[32] = "";

	if ((f->repeats & (f->repeats - 1)) || !failure_may_log(group))
		return;
	if (f->repeats > 1)
		snprintf(often, sizeof(often), " (%u times)", f->repeats);
	log_info("%s%s%s%s%s%s%s%s%s: %s: %s%s", f->user[0] ? "user '" : "peer", f->user, f->user[0] ? "'" : "",
		 f->user[0] && f->peer.family ? ", peer" : "", f->peer_name[0] ? " '" : "", f->peer_name,
		 f->peer_name[0] ? "'" : "", f->peer.family ? " " : "",
		 f->peer.family ? endpoint_format(&f->peer, false, addr) : "", f->type, f->reason, often);
}

/* The same failure again is counted, so that a hasty peer does not push the others out. */
void group_failure_add(struct group *group, uint16_t tunnel_id, const struct l2tp_endpoint *peer, const char *user,
		       const char *type, const char *reason)
{
	struct group_failure f = { .at_unix_ms = group_unix_ms(group), .repeats = 1, .tunnel_id = tunnel_id };
	struct l2tp_tunnel *tunnel = tunnel_id ? l2tp_tunnel_find(group->l2tp, tunnel_id) : NULL;
	struct group_failure *list = group->failures;
	struct l2tp_tunnel_info info;
	size_t i = 0;

	if (peer)
		f.peer = *peer;
	if (tunnel) {
		l2tp_tunnel_info(tunnel, &info);
		snprintf(f.peer_name, sizeof(f.peer_name), "%s", info.s.peer_name);
		f.peer = info.s.peer;
	}
	snprintf(f.user, sizeof(f.user), "%.*s", (int)sizeof(f.user) - 1, user);
	snprintf(f.type, sizeof(f.type), "%s", type);
	snprintf(f.reason, sizeof(f.reason), "%.*s", (int)sizeof(f.reason) - 1, reason);
	while (i < group->failure_count && !failure_same(&list[i], &f))
		i++;
	if (i < group->failure_count)
		f.repeats += list[i].repeats;
	else if (group->failure_count < GROUP_HISTORY_MAX)
		group->failure_count++;
	else
		i--;
	memmove(list + 1, list, i * sizeof(*list));
	list[0] = f;
	failure_log(group, &f);
}

size_t group_failures(const struct group *group, struct group_failure *out, size_t max)
{
	size_t n = group->failure_count < max ? group->failure_count : max;

	memcpy(out, group->failures, n * sizeof(*out));
	return n;
}
