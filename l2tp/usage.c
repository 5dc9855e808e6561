/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the VPDN groups have in use, for limits that span tunnels: counted as
 * tunnels and sessions come and go, for a limit is asked at every call.
 *
 * A group is known by the name in its tunnels' parameters.  There are as many
 * as somebody configured, so they are a list, and each tunnel holds its own.
 */
#include "l2tp/engine.h"

#include <stdlib.h>
#include <string.h>

static struct usage *usage_find(const struct l2tp *l2tp, const char *group)
{
	struct usage *usage = l2tp->usages;

	while (usage && strcmp(usage->group, group))
		usage = usage->next;
	return usage;
}

void usage_attach(struct l2tp_tunnel *tunnel)
{
	struct l2tp *l2tp = tunnel->l2tp;
	struct usage *usage = tunnel->usage;

	if (usage && !strcmp(usage->group, tunnel->params.group))
		return;
	if (usage)
		usage->sessions -= tunnel->session_count;
	usage = usage_find(l2tp, tunnel->params.group);
	if (!usage) {
		usage = calloc(1, sizeof(*usage));
		if (usage) {
			memcpy(usage->group, tunnel->params.group, sizeof(usage->group));
			usage->next = l2tp->usages;
			l2tp->usages = usage;
		}
	}
	tunnel->usage = usage;
	if (usage)
		usage->sessions += tunnel->session_count;
}

void usage_tunnel(struct l2tp_tunnel *tunnel, uint32_t by)
{
	if (tunnel->usage)
		tunnel->usage->tunnels += by;
}

void usage_clear(struct l2tp *l2tp)
{
	while (l2tp->usages) {
		struct usage *next = l2tp->usages->next;

		free(l2tp->usages);
		l2tp->usages = next;
	}
}

void l2tp_group_usage(const struct l2tp *l2tp, const char *group, uint32_t *tunnels, uint32_t *sessions)
{
	const struct usage *usage = usage_find(l2tp, group);

	*tunnels = usage ? usage->tunnels : 0;
	*sessions = usage ? usage->sessions : 0;
}
