/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * LCP echo (RFC 1661 5.8), ours instead of pppd's.
 *
 * pppd starts its echo at the moment LCP comes up and at no other; a standby
 * must not echo, and must begin to when it becomes active.  So pppd's is left
 * off.  The first request comes after a random part of the interval: after a
 * switchover a thousand sessions start at once.
 */
#include "pppd-plugin/plugin.h"

static void beat(void *arg)
{
	unsigned char data[4], *p = data;

	(void)arg;
	self.echo_running = 0;
	if (lcp_fsm[0].state != OPENED)
		return;
	if (self.params.echo_failures
	    && self.echo_pending >= self.params.echo_failures) {
		notice("No answer to %d echo requests", self.echo_pending);
		exit_code = EXIT_PEER_DEAD;
		lcp_close(0, "Peer not responding");
		session_finish();
		return;
	}
	PUTLONG(lcp_gotoptions[0].magicnumber, p);
	fsm_sdata(&lcp_fsm[0], ECHOREQ, self.echo_id++, data, sizeof(data));
	self.echo_pending++;
	self.echo_running = 1;
	TIMEOUT_S(beat, NULL, self.params.echo_interval_s);
}

void echo_start(void)
{
	uint32_t interval_ms = self.params.echo_interval_s * 1000;
	uint32_t first_ms;

	if (!interval_ms || self.echo_running || self.muted)
		return;
	self.echo_pending = 0;
	self.echo_running = 1;
	first_ms = interval_ms / 2 + magic() % (interval_ms / 2 + 1);
	if (first_ms >= 1000)
		TIMEOUT_S(beat, NULL, first_ms / 1000);
	else
		TIMEOUT_US(beat, NULL, first_ms * 1000);
}

void echo_stop(void)
{
	UNTIMEOUT_FN(beat, NULL);
	self.echo_running = 0;
}

void echo_reply_seen(void)
{
	self.echo_pending = 0;
}
