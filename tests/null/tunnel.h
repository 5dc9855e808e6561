/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A LAC of one tunnel, in as few words as there can be, that talks to build/l2tphad-null. */
#ifndef TESTS_NULL_TUNNEL_H
#define TESTS_NULL_TUNNEL_H

#include <poll.h>
#include <time.h>

#include "l2tp/message.h"
#include "tests/null/daemon.h"

#define OWN_ID 77

static DAEMON_UNUSED uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static size_t put_sccrq(uint8_t *buf, size_t size, uint16_t id)
{
	struct avp_builder out;

	message_begin(&out, buf, size, MESSAGE_SCCRQ, 0, 0);
	avp_put_u16(&out, AVP_PROTOCOL_VERSION, 0x0100);
	avp_put_u32(&out, AVP_FRAMING_CAPABILITIES, 3);
	avp_put_text(&out, AVP_HOST_NAME, "lac");
	avp_put_u16(&out, AVP_ASSIGNED_TUNNEL_ID, id);
	return message_end(&out);
}

/* The next packet within so long; false: none. */
static bool next(int fd, int wait_ms, uint8_t *buf, struct message_header *header)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	if (poll(&p, 1, wait_ms) <= 0)
		return false;
	n = recv(fd, buf, L2TP_MSG_MAX, 0);
	if (n < 0)
		poll(NULL, 0, 20);	/* nobody listens yet */
	return n > 0 && message_header_parse(buf, (size_t)n, header) == MESSAGE_KIND_CONTROL;
}

struct tunnel {
	int fd;
	uint16_t id, ns;
	bool waiting;		/* for the acknowledgement of a HELLO */
	uint64_t since_ms, worst_ms;
};

static DAEMON_UNUSED bool tunnel_open(struct tunnel *t, unsigned number)
{
	uint8_t buf[L2TP_MSG_MAX], room[L2TP_MSG_MAX];
	struct message_header header;
	static struct message message;
	struct avp_builder out;
	int try;

	memset(t, 0, sizeof(*t));
	t->fd = daemon_lac_socket(number);
	for (try = 0; try < 100; try++) {
		send(t->fd, buf, put_sccrq(buf, sizeof(buf), OWN_ID), 0);
		if (next(t->fd, 100, buf, &header) && header.body_len &&
		    !message_parse(header.body, header.body_len, "", room, &message) && message.type == MESSAGE_SCCRP)
			break;
	}
	if (try == 100)
		return false;
	t->id = message_u16(&message, AVP_ASSIGNED_TUNNEL_ID);
	t->ns = 2;
	message_begin(&out, buf, sizeof(buf), MESSAGE_SCCCN, t->id, 0);
	message_end(&out);
	message_set_ns(buf, 1);
	message_set_nr(buf, 1);
	send(t->fd, buf, out.len, 0);
	return next(t->fd, 2000, buf, &header) && header.nr == 2;
}

#endif
