/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which data packets make a Linux session expect a number (seq.c says what for).
 *
 * Pure; called by seq.c.  The receiver, as far as it matters: a number that is
 * WINDOW or more ahead is old.  The first packet of a session sets what is
 * expected.  After that, without a time for gaps, one that is not expected is
 * dropped unless it is the last of IN_A_ROW, each one more than the one before.
 */
#include "netlink/seqnum.h"

#define WINDOW 32767		/* half the numbers */
#define IN_A_ROW 6

static uint16_t get16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

int seq_of(const uint8_t *data, size_t len, uint16_t *tunnel_id, uint16_t *session_id)
{
	size_t at = 2;

	if (len < 2 || (get16(data) & 0x880f) != 0x0802)
		return -1;
	if (data[0] & 0x40)
		at += 2;	/* length */
	if (len < at + 8)
		return -1;
	*tunnel_id = get16(data + at);
	*session_id = get16(data + at + 2);
	return get16(data + at + 4);
}

size_t seq_steps(uint16_t peer, uint16_t steps[SEQ_STEPS])
{
	size_t n = 0;
	unsigned i;

	if (peer < WINDOW || peer >= 2 * WINDOW)
		return 0;
	steps[n++] = WINDOW - 1;
	if (peer < WINDOW + IN_A_ROW - 1)
		return n;
	for (i = IN_A_ROW; i; i--)
		steps[n++] = (uint16_t)(peer + 1 - i);
	return n;
}
