/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For ppp-driver.c: the core behind ppp.h, which checks passwords, counts
 * events and keeps the last state it was given; and what every story does.
 */
#ifndef TESTS_LAB_PPP_CORE_H
#define TESTS_LAB_PPP_CORE_H

#include "daemon/io_pppd.h"
#include "pppd-plugin/proto.h"
#include "tests/lab/ppp-driver.h"

#include <ev.h>
#include <nettle/md5.h>

struct core {
	struct ev_loop *loop;
	struct io_pppd *engine;
	uint8_t state[PPP_STATE_MAX];
	size_t state_len;
	struct ppp_up last;
	struct ppp_down why;
	uint32_t peer_addr;
	unsigned int ups, changes, injected, downs, auths, orphans, adopted;
	int inject_err, adopt;
	int session_fd, tunnel_fd;
};

static struct core core = { .peer_addr = 0 };

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec + ts.tv_nsec / 1e9;
}

static bool chap_ok(const struct ppp_auth *a)
{
	struct md5_ctx md5;
	uint8_t digest[MD5_DIGEST_SIZE];

	md5_init(&md5);
	md5_update(&md5, 1, &a->chap_id);
	md5_update(&md5, strlen(SECRET), (const uint8_t *)SECRET);
	md5_update(&md5, a->challenge_len, a->challenge);
	md5_digest(&md5, sizeof(digest), digest);
	return a->response_len == sizeof(digest)
		&& !memcmp(digest, a->response, sizeof(digest));
}

static void on_auth(void *ctx, struct ppp_key key, const struct ppp_auth *a)
{
	struct core *c = ctx;
	struct ppp_verdict v = { .peer_addr = c->peer_addr,
				 .dns = { inet_addr("198.51.100.53"), 0 } };

	c->auths++;
	switch (a->kind) {
	case PPP_AUTH_NONE:
		v.ok = true;
		break;
	case PPP_AUTH_PAP:
		v.ok = !strcmp(a->user, USER) && !strcmp(a->password, SECRET);
		break;
	case PPP_AUTH_CHAP_MD5:
		v.ok = !strcmp(a->user, USER) && chap_ok(a);
		break;
	}
	snprintf(v.message, sizeof(v.message), v.ok ? "welcome" : "no");
	io_pppd_ops.auth_reply(c->engine, key, &v);
}

static void keep(struct core *c, const struct ppp_up *up)
{
	c->last = *up;
	c->last.state = NULL;
	memcpy(c->state, up->state, up->state_len);
	c->state_len = up->state_len;
}

static void on_up(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	struct core *c = ctx;
	char local[16], peer[16];

	c->ups++;
	keep(c, up);
	inet_ntop(AF_INET, &up->local_addr, local, sizeof(local));
	inet_ntop(AF_INET, &up->peer_addr, peer, sizeof(peer));
	printf("up %u/%u: %s user '%s' %s -> %s mru %u/%u magic %08x/%08x, state %zu octets\n",
	       key.tunnel_id, key.session_id, up->ifname, up->user, local, peer,
	       up->mru, up->peer_mru, up->local_magic, up->peer_magic,
	       up->state_len);
}

static void on_changed(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	struct core *c = ctx;

	(void)key;
	c->changes++;
	keep(c, up);
}

static void on_injected(void *ctx, struct ppp_key key, int err)
{
	struct core *c = ctx;

	(void)key;
	c->injected++;
	c->inject_err = err;
}

static void on_down(void *ctx, struct ppp_key key, const struct ppp_down *d)
{
	struct core *c = ctx;

	c->downs++;
	c->why = *d;
	printf("down %u/%u: reason %d cause %u protocol %04x direction %u status %d: %s\n",
	       key.tunnel_id, key.session_id, d->reason, d->cause, d->protocol,
	       d->direction, d->status, d->message);
}

static bool on_orphan(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	struct core *c = ctx;

	c->orphans++;
	keep(c, up);
	printf("orphan %u/%u: %s\n", key.tunnel_id, key.session_id, up->ifname);
	return c->adopt;
}

static void on_adopted(void *ctx, struct ppp_key key, int session_fd,
		       int tunnel_fd)
{
	struct core *c = ctx;

	(void)key;
	c->adopted++;
	c->session_fd = session_fd;
	c->tunnel_fd = tunnel_fd;
}

static const struct ppp_events events = {
	.auth_request = on_auth, .up = on_up, .changed = on_changed,
	.injected = on_injected, .down = on_down, .orphan = on_orphan,
	.adopted = on_adopted,
};

static void on_tick(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)w;
	(void)revents;
	ev_break(loop, EVBREAK_ONE);
}

static void run_for(double seconds)
{
	ev_timer t;

	ev_now_update(core.loop);
	ev_timer_init(&t, on_tick, seconds, 0.);
	ev_timer_start(core.loop, &t);
	ev_run(core.loop, 0);
	ev_timer_stop(core.loop, &t);
}

static double await(const unsigned int *counter, unsigned int want,
		    double seconds, const char *what)
{
	double start = now_s();

	while (*counter < want) {
		if (now_s() - start > seconds)
			fail("no %s after %.0f s (%u of %u)", what, seconds,
			     *counter, want);
		run_for(0.005);
	}
	return now_s() - start;
}

static void core_start(bool exec_per_session)
{
	struct io_pppd_config config = {
		.rundir = RUNDIR,
		.plugin_path = getenv("L2TPHA_PLUGIN"),
		.log_path = getenv("L2TPHA_PPPD_LOG"),
		.exec_per_session = exec_per_session,
	};

	enter(&lns);
	core.loop = ev_default_loop(0);
	core.peer_addr = inet_addr("10.9.0.2");
	core.engine = io_pppd_new(core.loop, &config, &events, &core);
	if (!core.engine)
		fail("io_pppd_new: %s", strerror(errno));
}

static struct ppp_params params(uint16_t session, int fd, const char *auth)
{
	struct ppp_params p = {
		.key = { TUNNEL_LNS, session },
		.session_fd = fd, .tunnel_fd = lns.udp,
		.auth_pap = !strcmp(auth, "pap"),
		.auth_chap = !strcmp(auth, "chap"),
		.local_name = "lns", .mru = 1460,
		.local_addr = inet_addr("10.9.0.1"),
	};

	snprintf(p.ifname, sizeof(p.ifname), "l2tp%u.%u", TUNNEL_LNS, session);
	return p;
}

static void start(const struct ppp_params *p)
{
	int err = io_pppd_ops.start(core.engine, p);

	if (err)
		fail("start: %s", strerror(-err));
}

static void ping(const char *when)
{
	double t = now_s();

	enter(&lns);
	shell("ping -q -n -c 5 -i 0.1 -W 2 -I 10.9.0.1 10.9.0.2 >/dev/null");
	printf("traffic %s: 5 of 5 echoes, %.1f s\n", when, now_s() - t);
}

/* Not if_nametoindex(): for an unknown name the kernel runs modprobe. */
static bool interface_exists(const char *name)
{
	FILE *f = fopen("/proc/thread-self/net/dev", "r");
	char line[512], *colon;
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f)) {
		colon = strchr(line, ':');
		if (!colon)
			continue;
		*colon = 0;
		found = !strcmp(line + strspn(line, " "), name);
	}
	if (f)
		fclose(f);
	return found;
}

static void gone(const char *name, double seconds)
{
	double end = now_s() + seconds;

	enter(&lns);
	while (interface_exists(name)) {
		if (now_s() > end)
			fail("%s is still there", name);
		run_for(0.01);
	}
}

static void no_pidfile(const char *ifname)
{
	char path[64];

	snprintf(path, sizeof(path), "/run/%s.pid", ifname);
	if (!access(path, F_OK))
		fail("%s was left behind", path);
}

#endif
