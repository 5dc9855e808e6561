/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An address and port, the one form every room passes around.
 */
#ifndef L2TPHA_L2TP_ENDPOINT_H
#define L2TPHA_L2TP_ENDPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* IPv4 in the first four octets (network order), or IPv6. */
struct l2tp_endpoint {
	uint8_t family;		/* 4 or 6; 0 = unset */
	uint8_t addr[16];
	uint16_t port;		/* host order */
};

#define ENDPOINT_TEXT_MAX 56

bool endpoint_equal(const struct l2tp_endpoint *a, const struct l2tp_endpoint *b);
bool endpoint_addr_equal(const struct l2tp_endpoint *a, const struct l2tp_endpoint *b);
/* "192.0.2.1" or, with a port, "192.0.2.1:1701" / "[2001:db8::1]:1701". Returns buf. */
const char *endpoint_format(const struct l2tp_endpoint *ep, bool with_port, char buf[ENDPOINT_TEXT_MAX]);
/* Address only; port is left as it was. 0 or -EINVAL. */
int endpoint_parse(struct l2tp_endpoint *ep, const char *text);

#endif
