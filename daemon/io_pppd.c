/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * pppd behind the seam of ppp.h: a libev shell, no policy.
 *
 * Every session has a link, one end of a socket pair whose other end is in
 * that session's pppd.  Orders go out on it, events come in, one event per
 * wake-up, so that an event's receiver may end any session it likes.  When a
 * link ends, the process has died (the zygote, its parent, says so) or it
 * threw the link away and will come back through ppp.sock within
 * a moment; only then is there a `down`.
 *
 * ppp.sock is also where the sessions of an earlier daemon report.  Whatever
 * arrives there and makes no sense is one line in the log and a closed
 * connection.
 */
#include "daemon/io_pppd.h"

#include "daemon/io_pppd_zygote.h"
#include "daemon/log.h"
#include "pppd-plugin/proto.h"
#include "pppd-plugin/proto_early.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <uthash.h>

#define RECONNECT_GRACE_S	2.0
#define ACCEPTS			64
#define HELLO_TIMEOUT_S		5.0

enum pppd_session_state {
	PPPD_SESSION_LINKED,
	PPPD_SESSION_LOST,		/* link gone, process may come back */
	PPPD_SESSION_ADOPTING,		/* waiting for its descriptors */
};

struct pppd_session {
	struct io_pppd *engine;
	struct ppp_key key;
	uint32_t id;			/* hash key: both IDs */
	uint32_t instance;
	enum pppd_session_state state;
	int fd;
	ev_io readable;
	ev_timer grace;
	bool exited, terminating;
	int wait_status;
	int pidfd;			/* of a process that is no child of our zygote; or -1 */
	ev_io ended;
	UT_hash_handle hh;
};

/* A connection on ppp.sock that has not said who it is. */
struct stranger {
	LIST_ENTRY(stranger) entry;
	struct io_pppd *engine;
	int fd;
	ev_io readable;
	ev_timer timeout;
};

struct io_pppd {
	struct ev_loop *loop;
	const struct ppp_events *events;
	void *ctx;
	struct zygote *zygote;
	struct pppd_session *sessions;
	uint32_t next_instance;
	struct early_table early;
	char socket_path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int listen_fd;
	ev_io acceptable;
	LIST_HEAD(, stranger) strangers;
};

static uint32_t key_id(struct ppp_key key)
{
	return (uint32_t)key.tunnel_id << 16 | key.session_id;
}

static struct pppd_session *session_find(struct io_pppd *p, struct ppp_key key)
{
	struct pppd_session *s;
	uint32_t id = key_id(key);

	HASH_FIND(hh, p->sessions, &id, sizeof(id), s);
	return s;
}

static void on_link(struct ev_loop *loop, ev_io *w, int revents);
static void on_grace(struct ev_loop *loop, ev_timer *w, int revents);
static void on_ended(struct ev_loop *loop, ev_io *w, int revents);

static struct pppd_session *session_new(struct io_pppd *p, struct ppp_key key)
{
	struct pppd_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->engine = p;
	s->key = key;
	s->id = key_id(key);
	s->instance = ++p->next_instance;
	s->fd = s->pidfd = -1;
	ev_init(&s->readable, on_link);
	ev_init(&s->ended, on_ended);
	s->ended.data = s;
	ev_init(&s->grace, on_grace);
	s->readable.data = s->grace.data = s;
	HASH_ADD(hh, p->sessions, id, sizeof(s->id), s);
	return s;
}

static void session_unlink(struct pppd_session *s)
{
	ev_io_stop(s->engine->loop, &s->readable);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

static void session_free(struct pppd_session *s)
{
	session_unlink(s);
	ev_io_stop(s->engine->loop, &s->ended);
	if (s->pidfd >= 0)
		close(s->pidfd);
	ev_timer_stop(s->engine->loop, &s->grace);
	HASH_DEL(s->engine->sessions, s);
	free(s);
}

static void session_link(struct pppd_session *s, int fd,
			 enum pppd_session_state state)
{
	session_unlink(s);
	ev_timer_stop(s->engine->loop, &s->grace);
	s->fd = fd;
	s->state = state;
	ev_io_set(&s->readable, fd, EV_READ);
	ev_io_start(s->engine->loop, &s->readable);
}

/* Calls back from the loop, never from inside an op. */
static void grace_start(struct pppd_session *s, double after_s)
{
	ev_timer_stop(s->engine->loop, &s->grace);
	ev_timer_set(&s->grace, after_s, 0.);
	ev_timer_start(s->engine->loop, &s->grace);
}

static void order(struct pppd_session *s, enum proto_type type)
{
	struct proto_note n = { .key = s->key, .instance = s->instance };
	uint8_t buf[128];
	int len = proto_encode_note(buf, sizeof(buf), type, &n);

	if (s->fd >= 0)
		proto_send(s->fd, buf, len, NULL, 0);
}

static void report_down(struct pppd_session *s, const struct ppp_down *d)
{
	struct io_pppd *p = s->engine;
	struct ppp_key key = s->key;
	struct ppp_down copy = *d;

	session_free(s);
	p->events->down(p->ctx, key, &copy);
}

/* The process is gone and left no word. */
static void report_death(struct pppd_session *s)
{
	struct ppp_down d = { .reason = PPP_DOWN_ENGINE, .status = -1 };

	if (s->exited && WIFEXITED(s->wait_status))
		d.status = WEXITSTATUS(s->wait_status);
	if (s->terminating) {
		d.reason = PPP_DOWN_LOCAL;
		d.cause = 1;
	}
	if (s->exited && WIFSIGNALED(s->wait_status))
		snprintf(d.message, sizeof(d.message), "pppd killed by signal %d",
			 WTERMSIG(s->wait_status));
	else
		snprintf(d.message, sizeof(d.message), "pppd ended");
	report_down(s, &d);
}

static void on_grace(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	report_death(w->data);
}

static void link_ended(struct pppd_session *s)
{
	session_unlink(s);
	s->state = PPPD_SESSION_LOST;
	if (s->exited)
		report_death(s);
	else
		grace_start(s, RECONNECT_GRACE_S);
}

static void on_exited(void *ctx, const struct proto_note *n)
{
	struct io_pppd *p = ctx;
	struct pppd_session *s = session_find(p, n->key);

	if (!s || s->instance != n->instance || s->exited)
		return;
	s->exited = true;
	s->wait_status = n->status;
	if (s->state == PPPD_SESSION_LOST)
		grace_start(s, 0.);
}

/* An adopted process ended: what it said before lies unread in the link, and comes first. */
static void on_ended(struct ev_loop *loop, ev_io *w, int revents)
{
	struct pppd_session *s = w->data;

	(void)revents;
	ev_io_stop(loop, &s->ended);
	s->exited = true;
	if (s->state == PPPD_SESSION_LOST)
		grace_start(s, 0.);
}

/* The zygote tells of its children; this one has another parent. */
static void session_watch(struct pppd_session *s)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(s->fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0 || peer.pid <= 0)
		return;
	s->pidfd = (int)syscall(SYS_pidfd_open, peer.pid, 0);
	if (s->pidfd < 0)
		return;
	ev_io_set(&s->ended, s->pidfd, EV_READ);
	ev_io_start(s->engine->loop, &s->ended);
}

/* ---- what a session says -------------------------------------------- */

static int hear_auth(struct pppd_session *s, struct proto_iter *it)
{
	struct io_pppd *p = s->engine;
	struct ppp_auth a;
	int err = proto_decode_auth(it, &a);

	if (!err)
		p->events->auth_request(p->ctx, s->key, &a);
	explicit_bzero(&a, sizeof(a));
	return err;
}

static int hear_up(struct pppd_session *s, struct proto_iter *it, bool first)
{
	struct io_pppd *p = s->engine;
	struct ppp_key key;
	struct ppp_up up;
	int err = proto_decode_up(it, &key, &up);

	if (err)
		return err;
	if (first)
		p->events->up(p->ctx, s->key, &up);
	else
		p->events->changed(p->ctx, s->key, &up);
	return 0;
}

static int hear_injected(struct pppd_session *s, struct proto_iter *it)
{
	struct io_pppd *p = s->engine;
	struct proto_note n;
	int err = proto_decode_note(it, &n);

	if (!err)
		p->events->injected(p->ctx, s->key, n.status);
	return err;
}

static int hear_down(struct pppd_session *s, struct proto_iter *it)
{
	struct ppp_down d;
	int err = proto_decode_down(it, &d);

	if (!err)
		report_down(s, &d);
	return err;
}

static int hear_fds(struct pppd_session *s, int *fds, size_t *n_fds)
{
	struct io_pppd *p = s->engine;
	size_t n = *n_fds;

	if (s->state != PPPD_SESSION_ADOPTING || !n || n > 2)
		return -EBADMSG;
	s->state = PPPD_SESSION_LINKED;
	*n_fds = 0;
	p->events->adopted(p->ctx, s->key, fds[0], n > 1 ? fds[1] : -1);
	return 0;
}

/* After this `s` may be gone. */
static int hear(struct pppd_session *s, const uint8_t *buf, int len, int *fds,
		size_t *n_fds)
{
	struct proto_iter it;
	int type = proto_open(&it, buf, len);

	switch (type) {
	case PROTO_AUTH:
		return hear_auth(s, &it);
	case PROTO_UP:
		return hear_up(s, &it, true);
	case PROTO_CHANGED:
		return hear_up(s, &it, false);
	case PROTO_INJECTED:
		return hear_injected(s, &it);
	case PROTO_DOWN:
		return hear_down(s, &it);
	case PROTO_FDS:
		return hear_fds(s, fds, n_fds);
	default:
		return type < 0 ? type : 0;	/* news from a newer plugin */
	}
}

static void on_link(struct ev_loop *loop, ev_io *w, int revents)
{
	struct pppd_session *s = w->data;
	struct io_pppd *p = s->engine;
	struct ppp_key key = s->key;
	uint8_t buf[PROTO_MSG_MAX];
	int fds[PROTO_FDS_MAX];
	size_t n_fds;
	int len, err;

	(void)loop;
	(void)revents;
	len = proto_recv(s->fd, buf, sizeof(buf), fds, &n_fds);
	if (len == -EAGAIN)
		return;
	if (len <= 0 && len != -EBADMSG) {
		link_ended(s);
		return;
	}
	err = len < 0 ? len : hear(s, buf, len, fds, &n_fds);
	while (n_fds)
		close(fds[--n_fds]);
	explicit_bzero(buf, sizeof(buf));
	if (!err)
		return;
	log_warnx("ppp: session %u/%u: bad message from pppd, link closed",
		  key.tunnel_id, key.session_id);
	s = session_find(p, key);
	if (s)
		link_ended(s);
}

/* ---- ppp.sock ------------------------------------------------------- */

static int stranger_free(struct stranger *st, bool keep_fd)
{
	int fd = st->fd;

	ev_io_stop(st->engine->loop, &st->readable);
	ev_timer_stop(st->engine->loop, &st->timeout);
	LIST_REMOVE(st, entry);
	free(st);
	if (keep_fd)
		return fd;
	close(fd);
	return -1;
}

static void send_away(struct stranger *st, struct ppp_key key)
{
	struct proto_note n = { .key = key };
	uint8_t buf[128];
	int len = proto_encode_note(buf, sizeof(buf), PROTO_KILL, &n);

	proto_send(st->fd, buf, len, NULL, 0);
	stranger_free(st, false);
}

static void welcome(struct stranger *st, struct ppp_key key,
		    const struct ppp_up *up)
{
	struct io_pppd *p = st->engine;
	struct pppd_session *s = session_find(p, key);

	if (s && s->state == PPPD_SESSION_LOST && !s->exited) {
		session_link(s, stranger_free(st, true), PPPD_SESSION_LINKED);
		log_info("ppp: session %u/%u: link restored", key.tunnel_id,
			 key.session_id);
		p->events->changed(p->ctx, key, up);
		return;
	}
	if (s || !p->events->orphan || !p->events->orphan(p->ctx, key, up)) {
		log_info("ppp: session %u/%u (%s, pppd of an earlier daemon) sent away",
			 key.tunnel_id, key.session_id, up->ifname);
		send_away(st, key);
		return;
	}
	s = session_new(p, key);
	if (!s) {
		send_away(st, key);
		return;
	}
	session_link(s, stranger_free(st, true), PPPD_SESSION_ADOPTING);
	session_watch(s);
	order(s, PROTO_ADOPT);
}

static void on_stranger(struct ev_loop *loop, ev_io *w, int revents)
{
	struct stranger *st = w->data;
	uint8_t buf[PROTO_MSG_MAX];
	struct proto_iter it;
	struct ppp_key key;
	struct ppp_up up;
	int len;

	(void)loop;
	(void)revents;
	len = proto_recv(st->fd, buf, sizeof(buf), NULL, NULL);
	if (len == -EAGAIN)
		return;
	if (len > 0 && proto_open(&it, buf, len) == PROTO_HELLO
	    && !proto_decode_up(&it, &key, &up) && key.session_id) {
		welcome(st, key, &up);
		return;
	}
	if (len > 0 || len == -EBADMSG)
		log_warnx("ppp: %s: bad message, connection closed",
			  st->engine->socket_path);
	stranger_free(st, false);
}

static void on_stranger_timeout(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	stranger_free(w->data, false);
}

static bool accept_one(struct io_pppd *p)
{
	struct stranger *st;
	int fd = accept4(p->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return false;
	st = calloc(1, sizeof(*st));
	if (!st) {
		close(fd);
		return false;
	}
	st->engine = p;
	st->fd = fd;
	LIST_INSERT_HEAD(&p->strangers, st, entry);
	ev_io_init(&st->readable, on_stranger, fd, EV_READ);
	ev_timer_init(&st->timeout, on_stranger_timeout, HELLO_TIMEOUT_S, 0.);
	st->readable.data = st->timeout.data = st;
	ev_io_start(p->loop, &st->readable);
	ev_timer_start(p->loop, &st->timeout);
	return true;
}

/* After a restart all sessions come at once; an event loop has more to do. */
static void on_acceptable(struct ev_loop *loop, ev_io *w, int revents)
{
	unsigned int n = 0;

	(void)loop;
	(void)revents;
	while (n++ < ACCEPTS && accept_one(w->data))
		;
}

static int listen_on(struct io_pppd *p)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	mode_t mask;
	int err;

	if (fd < 0)
		return -errno;
	memcpy(sun.sun_path, p->socket_path, sizeof(sun.sun_path));
	unlink(p->socket_path);
	mask = umask(0177);
	err = bind(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0
		|| listen(fd, SOMAXCONN) < 0 ? -errno : 0;
	umask(mask);
	if (err) {
		close(fd);
		return err;
	}
	p->listen_fd = fd;
	ev_io_init(&p->acceptable, on_acceptable, fd, EV_READ);
	p->acceptable.data = p;
	ev_io_start(p->loop, &p->acceptable);
	return 0;
}

/* ---- the ops -------------------------------------------------------- */

static int send_start(struct io_pppd *p, const struct pppd_session *s,
		      const struct ppp_params *params, int link_fd)
{
	uint8_t buf[PROTO_MSG_MAX];
	int fds[PROTO_FDS_MAX] = { link_fd, -1, -1 };
	size_t n = 1;
	int len;

	len = proto_encode_start(buf, sizeof(buf), params, s->instance);
	fds[n] = fcntl(params->session_fd, F_DUPFD_CLOEXEC, 3);
	if (fds[n++] < 0 || len < 0)
		goto fail;
	if (params->tunnel_fd >= 0) {
		fds[n] = fcntl(params->tunnel_fd, F_DUPFD_CLOEXEC, 3);
		if (fds[n++] < 0)
			goto fail;
	}
	return zygote_send(p->zygote, params->key, buf, len, fds, n);
fail:
	len = len < 0 ? len : -errno;
	while (n--)
		if (fds[n] >= 0)
			close(fds[n]);
	return len;
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000ull + ts.tv_nsec / 1000000;
}

static void send_early(const struct pppd_session *s, const uint8_t *frame,
		       size_t len)
{
	struct proto_frame f = { frame, len };
	uint8_t buf[256];
	int n = proto_encode_early(buf, sizeof(buf), &f);

	if (s->fd >= 0 && n > 0)
		proto_send(s->fd, buf, n, NULL, 0);
}

void io_pppd_early(struct io_pppd *p, const uint8_t *packet, size_t len)
{
	const uint8_t *frame;
	struct pppd_session *s;
	struct ppp_key key;
	int n = early_parse(packet, len, &key, &frame);

	if (n < 0 || !early_wanted(frame, n))
		return;
	s = session_find(p, key);
	if (s)
		send_early(s, frame, n);
	else
		early_put(&p->early, key, frame, n, now_ms());
}

static int pppd_start(void *engine, const struct ppp_params *params)
{
	struct io_pppd *p = engine;
	const struct early_frame *early;
	struct pppd_session *s;
	int sv[2], err;

	if (session_find(p, params->key))
		return -EEXIST;
	if (params->standby && !params->state_len)
		return -EINVAL;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	s = session_new(p, params->key);
	if (!s) {
		close(sv[0]);
		close(sv[1]);
		return -ENOMEM;
	}
	session_link(s, sv[0], PPPD_SESSION_LINKED);
	err = send_start(p, s, params, sv[1]);	/* takes sv[1] */
	if (err) {
		session_free(s);
		return err;
	}
	early = early_take(&p->early, params->key, now_ms());
	if (early && !params->state_len)
		send_early(s, early->bytes, early->len);
	return 0;
}

static void pppd_activate(void *engine, struct ppp_key key)
{
	struct pppd_session *s = session_find(engine, key);

	if (s)
		order(s, PROTO_ACTIVATE);
}

static void pppd_mute(void *engine, struct ppp_key key)
{
	struct pppd_session *s = session_find(engine, key);

	if (s)
		order(s, PROTO_MUTE);
}

static void pppd_terminate(void *engine, struct ppp_key key)
{
	struct pppd_session *s = session_find(engine, key);

	if (!s)
		return;
	s->terminating = true;
	order(s, PROTO_TERMINATE);
}

static void pppd_kill(void *engine, struct ppp_key key)
{
	struct io_pppd *p = engine;
	struct pppd_session *s = session_find(p, key);
	struct proto_note n = { .key = key };
	uint8_t buf[128];
	int len;

	if (!s)
		return;
	if (!zygote_cancel(p->zygote, key)) {
		/* the order if it listens, the signal if it does not */
		order(s, PROTO_KILL);
		if (s->pidfd >= 0)
			syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
		n.instance = s->instance;
		len = proto_encode_note(buf, sizeof(buf), PROTO_KILL, &n);
		zygote_send(p->zygote, key, buf, len, NULL, 0);
	}
	session_free(s);
}

static void pppd_auth_reply(void *engine, struct ppp_key key,
			    const struct ppp_verdict *v)
{
	struct pppd_session *s = session_find(engine, key);
	uint8_t buf[PROTO_MSG_MAX];
	int len;

	if (!s || s->fd < 0)
		return;
	len = proto_encode_verdict(buf, sizeof(buf), v);
	proto_send(s->fd, buf, len, NULL, 0);
}

static void pppd_prepare(void *engine, uint32_t count)
{
	struct io_pppd *p = engine;
	struct proto_note n = { .status = count < INT32_MAX ? (int32_t)count : INT32_MAX };
	uint8_t buf[128];
	int len = proto_encode_note(buf, sizeof(buf), PROTO_PREPARE, &n);

	zygote_send(p->zygote, n.key, buf, len, NULL, 0);
}

const struct ppp_engine_ops io_pppd_ops = {
	.start = pppd_start,
	.activate = pppd_activate,
	.mute = pppd_mute,
	.kill = pppd_kill,
	.terminate = pppd_terminate,
	.auth_reply = pppd_auth_reply,
	.prepare = pppd_prepare,
};

/* ---- the engine ----------------------------------------------------- */

static const struct zygote_events zygote_events = { .exited = on_exited };

struct io_pppd *io_pppd_new(struct ev_loop *loop,
			    const struct io_pppd_config *config,
			    const struct ppp_events *events, void *ctx)
{
	struct io_pppd *p = calloc(1, sizeof(*p));
	int err, n;

	if (!p)
		return NULL;
	p->loop = loop;
	p->events = events;
	p->ctx = ctx;
	p->listen_fd = -1;
	LIST_INIT(&p->strangers);
	n = snprintf(p->socket_path, sizeof(p->socket_path), "%s/ppp.sock",
		     config->rundir);
	err = n < (int)sizeof(p->socket_path) ? listen_on(p) : -ENAMETOOLONG;
	if (err) {
		log_warnx("ppp: %s/ppp.sock: %s", config->rundir, strerror(-err));
		goto fail;
	}
	p->zygote = zygote_new(loop, config, p->socket_path, &zygote_events, p);
	if (p->zygote)
		return p;
	err = -errno;
fail:
	io_pppd_free(p);
	errno = -err;
	return NULL;
}

void io_pppd_free(struct io_pppd *p)
{
	struct pppd_session *s, *tmp;

	if (!p)
		return;
	if (p->listen_fd >= 0) {
		ev_io_stop(p->loop, &p->acceptable);
		close(p->listen_fd);
		unlink(p->socket_path);
	}
	while (!LIST_EMPTY(&p->strangers))
		stranger_free(LIST_FIRST(&p->strangers), false);
	HASH_ITER(hh, p->sessions, s, tmp)
		session_free(s);
	zygote_free(p->zygote);
	free(p);
}

size_t io_pppd_sessions(const struct io_pppd *p)
{
	return HASH_COUNT(p->sessions);
}
