/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The peer's first words, which were said before anybody listened.
 *
 * Until pppd has attached to the channel, what the peer sends lies in one of
 * three places: in the daemon (it came before the kernel's session; the link
 * brings it), in the queue of the pppox socket (before PPPIOCGCHAN, after
 * which the kernel refuses to read there), in the queue of the channel
 * (afterwards; pppd reads that one by itself).  The newest frame of the first
 * two is given to LCP, when that is up, as if it had just been received.
 *
 * Only LCP is worth it: before LCP is open nothing else is valid.
 */
#include "pppd-plugin/plugin.h"

#include <string.h>
#include <sys/socket.h>

static void keep(const uint8_t *frame, size_t len)
{
	if (len < 6 || len > sizeof(self.early) || frame[0] != PPP_LCP >> 8
	    || frame[1] != (PPP_LCP & 0xff))
		return;
	memcpy(self.early, frame, len);
	self.early_len = len;
}

static void give(void)
{
	uint8_t packet[2 + sizeof(self.early)] = { 0xff, 0x03 };
	int len = self.early_len + 2;

	if (!self.early_len)
		return;
	memcpy(packet + 2, self.early, self.early_len);
	self.early_len = 0;
	dump_packet("rcvd early", packet, len);
	session_received(packet, len);
	lcp_protent.input(0, packet + 4, len - 4);
}

/* Just before the socket becomes a channel. */
void early_collect(void)
{
	uint8_t frame[PPP_EARLY_MAX + 1];
	ssize_t n;

	link_drain();
	while ((n = recv(self.session_fd, frame, sizeof(frame), MSG_DONTWAIT)) > 0)
		keep(frame, n);
}

/* LCP is up. */
void early_begin(void)
{
	link_drain();
	self.early_begun = 1;
	give();
}

/* From the daemon.  If the peer was heard since, it is of the past. */
void early_arrived(const uint8_t *frame, size_t len)
{
	if (self.saw_lcp || self.params.state_len)
		return;
	keep(frame, len);
	if (self.early_begun)
		give();
}
