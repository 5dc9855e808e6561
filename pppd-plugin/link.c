/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A session's link to the daemon.
 *
 * pppd's main loop has no hook for a foreign descriptor, but it has one for
 * SIGUSR2 ("reopen CCP"): in the network phases it calls ccp_protent.open
 * from the loop.  CCP is disabled here, so that slot is ours, and the kernel
 * sends SIGUSR2 when the link becomes readable (F_SETSIG).  Before the network
 * phase a short timer looks instead; questions of authentication are waited
 * for on the spot.
 *
 * When the daemon dies the session goes on forwarding.  It tries to find the
 * daemon at its well-known path and says who it is; the daemon keeps it or
 * sends it away.  A session that was not open yet has nothing worth keeping
 * and leaves without a word.
 */
#include "pppd-plugin/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define EARLY_POLL_US	100000

static void reconnect(void *arg);

static void arm(int fd)
{
	int flags = fcntl(fd, F_GETFL);

	fcntl(fd, F_SETOWN, getpid());
	fcntl(fd, F_SETSIG, SIGUSR2);
	fcntl(fd, F_SETFL, flags | O_NONBLOCK | O_ASYNC);
}

static void reconnect_later(void)
{
	TIMEOUT_US(reconnect, NULL, proto_retry_us(self.reconnects++, magic()));
}

static void lose(void)
{
	close(self.link_fd);
	self.link_fd = -1;
	if (!self.captured)
		session_vanish();
	self.link = LINK_LOST;
	self.reconnects = 0;
	reconnect_later();
}

void link_send(const uint8_t *buf, int len)
{
	if (self.link != LINK_OPEN || len <= 0)
		return;
	if (proto_send(self.link_fd, buf, len, NULL, 0) < 0)
		lose();
}

void link_note(enum proto_type type, int32_t value)
{
	struct proto_note n = {
		.key = self.params.key, .instance = self.instance,
		.status = value
	};
	uint8_t buf[128];

	link_send(buf, proto_encode_note(buf, sizeof(buf), type, &n));
}

static void hand_over_fds(void)
{
	struct proto_note n = {
		.key = self.params.key, .instance = self.instance
	};
	int fds[2] = { self.session_fd, self.tunnel_fd };
	uint8_t buf[128];
	int len = proto_encode_note(buf, sizeof(buf), PROTO_FDS, &n);

	if (proto_send(self.link_fd, buf, len, fds,
		       self.tunnel_fd < 0 ? 1 : 2) < 0)
		lose();
}

static int handle(const uint8_t *buf, int len)
{
	struct proto_iter it;
	struct proto_frame frame;
	int type = proto_open(&it, buf, len);

	switch (type) {
	case PROTO_EARLY:
		if (proto_decode_early(&it, &frame))
			return -EBADMSG;
		early_arrived(frame.bytes, frame.bytes_len);
		return 0;
	case PROTO_VERDICT:
		if (proto_decode_verdict(&it, &self.verdict))
			return -EBADMSG;
		self.have_verdict = 1;
		return 0;
	case PROTO_ACTIVATE:
		session_activate();
		return 0;
	case PROTO_MUTE:
		session_mute();
		return 0;
	case PROTO_TERMINATE:
		session_terminate();
		return 0;
	case PROTO_KILL:
		session_vanish();
	case PROTO_ADOPT:
		hand_over_fds();
		return 0;
	default:
		/* a newer daemon may say more than we know */
		return type < 0 ? type : 0;
	}
}

/* Reads what there is. */
void link_drain(void)
{
	uint8_t buf[PROTO_MSG_MAX];
	int len;

	while (self.link == LINK_OPEN) {
		len = proto_recv(self.link_fd, buf, sizeof(buf), NULL, NULL);
		if (len == -EAGAIN)
			return;
		if (len > 0 && !handle(buf, len))
			continue;
		if (len > 0 || len == -EBADMSG)
			warn("l2tpha: bad message from l2tphad, link closed");
		lose();
	}
}

static void on_readable(int unit)
{
	(void)unit;
	link_drain();
}

static void early(void *arg)
{
	(void)arg;
	self.polling = 0;
	link_drain();
	link_poll_early();
}

void link_poll_early(void)
{
	if (self.polling || phase == PHASE_NETWORK || phase == PHASE_RUNNING
	    || phase == PHASE_DEAD)
		return;
	self.polling = 1;
	TIMEOUT_US(early, NULL, EARLY_POLL_US);
}

void link_start(int fd)
{
	self.link = LINK_OPEN;
	self.link_fd = fd;
	ccp_protent.open = on_readable;
	arm(fd);
}

static void reconnect(void *arg)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct ppp_up up;
	uint8_t state[PPP_STATE_MAX], buf[PROTO_MSG_MAX];
	int fd;

	(void)arg;
	fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		goto later;
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s",
		 self.daemon_path ? self.daemon_path : "");
	if (connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0) {
		close(fd);
		goto later;
	}
	link_start(fd);
	state_fill_up(&up, state, sizeof(state));
	link_send(buf, proto_encode_up(buf, sizeof(buf), PROTO_HELLO,
				       self.params.key, &up));
	link_drain();
	return;
later:
	reconnect_later();
}

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

int link_await_verdict(unsigned int timeout_ms)
{
	struct pollfd pfd = { .fd = self.link_fd, .events = POLLIN };
	int64_t end = now_ms() + timeout_ms, left;

	while (self.link == LINK_OPEN && !self.have_verdict) {
		if (self.local_terminated || got_sigterm)
			return -ECANCELED;
		left = end - now_ms();
		if (left <= 0)
			return -ETIMEDOUT;
		if (poll(&pfd, 1, left) > 0)
			link_drain();
	}
	return self.have_verdict ? 0 : -ENOTCONN;
}
