// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Text and comparison of addresses.  inet_pton/ntop are pure text functions,
 * so they may be used in the pure rooms.
 */
#include "l2tp/endpoint.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

static size_t addr_len(const struct l2tp_endpoint *ep)
{
	return ep->family == 6 ? 16 : 4;
}

bool endpoint_addr_equal(const struct l2tp_endpoint *a, const struct l2tp_endpoint *b)
{
	return a->family == b->family && !memcmp(a->addr, b->addr, addr_len(a));
}

bool endpoint_equal(const struct l2tp_endpoint *a, const struct l2tp_endpoint *b)
{
	return a->port == b->port && endpoint_addr_equal(a, b);
}

const char *endpoint_format(const struct l2tp_endpoint *ep, bool with_port, char buf[ENDPOINT_TEXT_MAX])
{
	char addr[INET6_ADDRSTRLEN] = "unset";

	if (ep->family)
		inet_ntop(ep->family == 6 ? AF_INET6 : AF_INET, ep->addr, addr, sizeof(addr));
	if (!with_port)
		snprintf(buf, ENDPOINT_TEXT_MAX, "%s", addr);
	else
		snprintf(buf, ENDPOINT_TEXT_MAX, ep->family == 6 ? "[%s]:%u" : "%s:%u", addr, (unsigned)ep->port);
	return buf;
}

int endpoint_parse(struct l2tp_endpoint *ep, const char *text)
{
	struct l2tp_endpoint out = { .port = ep->port };

	if (inet_pton(AF_INET, text, out.addr) == 1)
		out.family = 4;
	else if (inet_pton(AF_INET6, text, out.addr) == 1)
		out.family = 6;
	else
		return -EINVAL;
	*ep = out;
	return 0;
}
