/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What tests say to each other, as a capture: with L2TPHA_PCAP=FILE in the
 * environment every control packet is appended to that file (whose header
 * tests/decode/run has written), as IP and UDP would carry it.
 */
#ifndef TESTS_DECODE_CAPTURE_H
#define TESTS_DECODE_CAPTURE_H

#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "l2tp/endpoint.h"

static inline void capture_u16(uint8_t *to, size_t number)
{
	to[0] = (uint8_t)(number >> 8);
	to[1] = (uint8_t)number;
}

static inline void capture_packet(const struct l2tp_endpoint *from, const struct l2tp_endpoint *to, const uint8_t *data,
				  size_t len)
{
	static int fd = -2;	/* one write appends one packet, whoever else does */
	uint8_t buf[16 + 40 + 8 + 2048] = { 0 }, *ip = buf + 16, *udp;
	const char *name;
	uint32_t octets;

	if (fd == -2) {
		name = getenv("L2TPHA_PCAP");
		fd = name ? open(name, O_WRONLY | O_APPEND | O_CLOEXEC) : -1;
	}
	if (fd < 0 || len > 2048)
		return;
	if (from->family == 4) {
		udp = ip + 20;
		ip[0] = 0x45;
		capture_u16(ip + 2, 28 + len);
		ip[8] = 64;
		ip[9] = 17;
		memcpy(ip + 12, from->addr, 4);
		memcpy(ip + 16, to->addr, 4);
	} else {
		udp = ip + 40;
		ip[0] = 0x60;
		capture_u16(ip + 4, 8 + len);
		ip[6] = 17;
		ip[7] = 64;
		memcpy(ip + 8, from->addr, 16);
		memcpy(ip + 24, to->addr, 16);
	}
	capture_u16(udp, from->port);
	capture_u16(udp + 2, to->port);
	capture_u16(udp + 4, 8 + len);
	memcpy(udp + 8, data, len);
	octets = (uint32_t)(udp + 8 + len - ip);
	memcpy(buf + 8, &octets, 4);
	memcpy(buf + 12, &octets, 4);
	if (write(fd, buf, 16 + octets) < 0)
		abort();
}

#endif
