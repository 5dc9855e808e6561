/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zygote process: started here, watched here, restarted with back-off.
 *
 * It runs in its own session (no terminal signal reaches it) and in its own
 * mount namespace, where /etc/ppp is empty: no options file, secrets file or
 * ip-up script of the machine has any influence on our sessions, whatever
 * pppd thinks it ought to read or run.
 *
 * In exec mode (for comparison) every request gets a pppd of its own.
 */
#include "daemon/io_pppd_zygote.h"

#include "daemon/log.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define ZYGOTE_FD	3
#define BACKOFF_MIN_S	0.5
#define BACKOFF_MAX_S	30.0
#define SEND_BUFFER	(1 << 20)

struct request {
	TAILQ_ENTRY(request) entry;
	struct ppp_key key;
	int fds[PROTO_FDS_MAX];
	size_t n_fds, len;
	uint8_t bytes[];
};

struct zygote {
	struct ev_loop *loop;
	const struct zygote_events *events;
	void *ctx;
	char *pppd, *plugin, *log, *socket_path;
	bool exec_per_session;

	int fd, err_fd;
	pid_t pid;
	ev_io readable, writable, err_readable;
	ev_timer restart;
	double backoff_s;
	TAILQ_HEAD(, request) queue;
};

static void close_all(const int *fds, size_t n)
{
	while (n--)
		close(fds[n]);
}

static void request_free(struct zygote *z, struct request *r)
{
	TAILQ_REMOVE(&z->queue, r, entry);
	close_all(r->fds, r->n_fds);
	free(r);
}

/* ---- the new process ------------------------------------------------ */

static void hide_machine_configuration(void)
{
	if (unshare(CLONE_NEWNS) < 0
	    || mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) < 0
	    || mount("none", "/etc/ppp", "tmpfs", MS_RDONLY | MS_NOSUID | MS_NOEXEC,
		     "size=0,mode=755") < 0)
		dprintf(STDERR_FILENO, "cannot hide /etc/ppp: %s\n",
			strerror(errno));
}

static void __attribute__((noreturn)) become_pppd(const struct zygote *z,
						  int sock, int err)
{
	const char *argv[40];
	size_t n = 0;
	sigset_t none;
	int null;

	setsid();
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	signal(SIGPIPE, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	/* out of the way of the numbers that are given below */
	sock = fcntl(sock, F_DUPFD, 10);
	err = fcntl(err, F_DUPFD, 10);
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(err, STDERR_FILENO);
	dup2(sock, ZYGOTE_FD);
	close_range(ZYGOTE_FD + 1, ~0U, 0);
	hide_machine_configuration();

	argv[n++] = z->pppd;
	argv[n++] = "plugin";
	argv[n++] = z->plugin;
	argv[n++] = "l2tpha-fd";
	argv[n++] = "3";
	argv[n++] = "l2tpha-socket";
	argv[n++] = z->socket_path;
	if (z->exec_per_session)
		argv[n++] = "l2tpha-once";
	argv[n++] = "nodetach";
	argv[n++] = "noauth";
	argv[n++] = "nodefaultroute";
	argv[n++] = "noproxyarp";
	argv[n++] = "noccp";
	argv[n++] = "novj";
	argv[n++] = "noipv6";
	argv[n++] = "noipdefault";
	argv[n++] = "nopersist";
	argv[n++] = "nomultilink";
	argv[n++] = "lcp-echo-interval";
	argv[n++] = "0";
	if (z->log) {
		argv[n++] = "debug";
		argv[n++] = "logfile";
		argv[n++] = z->log;
	}
	argv[n] = NULL;
	execv(z->pppd, (char **)argv);
	dprintf(STDERR_FILENO, "cannot execute: %s\n", strerror(errno));
	_exit(127);
}

/* The parent's end of the socket, or -errno. */
static int spawn(const struct zygote *z, pid_t *pid, int *err_fd)
{
	int sv[2], err[2], size = SEND_BUFFER, saved;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -errno;
	if (pipe2(err, O_CLOEXEC) < 0) {
		saved = errno;
		close_all(sv, 2);
		return -saved;
	}
	setsockopt(sv[0], SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof(size));
	*pid = fork();
	if (!*pid)
		become_pppd(z, sv[1], err[1]);
	saved = errno;
	close(sv[1]);
	close(err[1]);
	if (*pid < 0) {
		close(sv[0]);
		close(err[0]);
		return -saved;
	}
	fcntl(sv[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	*err_fd = err[0];
	return sv[0];
}

/* ---- watching it ---------------------------------------------------- */

static void stop_watching(struct zygote *z)
{
	struct request *r;

	ev_io_stop(z->loop, &z->readable);
	ev_io_stop(z->loop, &z->writable);
	close(z->fd);
	z->fd = -1;
	while ((r = TAILQ_FIRST(&z->queue)))
		request_free(z, r);
}

static void lost(struct zygote *z)
{
	stop_watching(z);
	waitpid(z->pid, NULL, WNOHANG);
	log_warnx("ppp: the pppd zygote (pid %d) ended, restart in %.1f s",
		  (int)z->pid, z->backoff_s);
	ev_timer_set(&z->restart, z->backoff_s, 0.);
	ev_timer_start(z->loop, &z->restart);
	z->backoff_s *= 2;
	if (z->backoff_s > BACKOFF_MAX_S)
		z->backoff_s = BACKOFF_MAX_S;
}

static void on_err(struct ev_loop *loop, ev_io *w, int revents)
{
	struct zygote *z = w->data;
	char text[512], *line, *next;
	ssize_t n = read(z->err_fd, text, sizeof(text) - 1);

	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		ev_io_stop(loop, w);
		close(z->err_fd);
		z->err_fd = -1;
		return;
	}
	text[n] = 0;
	for (line = text; line && *line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		if (*line)
			log_warnx("ppp: pppd: %s", line);
	}
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct zygote *z = w->data;
	uint8_t buf[PROTO_MSG_MAX];
	struct proto_iter it;
	struct proto_note note;
	int len, type;

	(void)loop;
	(void)revents;
	len = proto_recv(z->fd, buf, sizeof(buf), NULL, NULL);
	if (len == -EAGAIN)
		return;
	if (len <= 0) {
		lost(z);
		return;
	}
	type = proto_open(&it, buf, len);
	if (type < 0 || proto_decode_note(&it, &note)) {
		log_warnx("ppp: bad message from the pppd zygote ignored");
		return;
	}
	if (type == PROTO_READY)
		z->backoff_s = BACKOFF_MIN_S;
	else if (type == PROTO_EXITED)
		z->events->exited(z->ctx, &note);
}

static int transmit(struct zygote *z, const uint8_t *buf, size_t len,
		    const int *fds, size_t n_fds)
{
	int err = proto_send(z->fd, buf, len, fds, n_fds);

	return err < 0 ? err : 0;
}

static void on_writable(struct ev_loop *loop, ev_io *w, int revents)
{
	struct zygote *z = w->data;
	struct request *r;

	(void)revents;
	while ((r = TAILQ_FIRST(&z->queue))) {
		if (transmit(z, r->bytes, r->len, r->fds, r->n_fds) == -EAGAIN)
			return;
		request_free(z, r);
	}
	ev_io_stop(loop, w);
}

static int run(struct zygote *z)
{
	int fd;

	if (z->err_fd >= 0) {
		ev_io_stop(z->loop, &z->err_readable);
		close(z->err_fd);
		z->err_fd = -1;
	}
	fd = spawn(z, &z->pid, &z->err_fd);
	if (fd < 0)
		return fd;
	z->fd = fd;
	ev_io_set(&z->readable, fd, EV_READ);
	ev_io_start(z->loop, &z->readable);
	ev_io_set(&z->writable, fd, EV_WRITE);
	ev_io_set(&z->err_readable, z->err_fd, EV_READ);
	ev_io_start(z->loop, &z->err_readable);
	return 0;
}

static void on_restart(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct zygote *z = w->data;
	int err = run(z);

	(void)revents;
	if (!err)
		return;
	log_warnx("ppp: cannot start the pppd zygote: %s", strerror(-err));
	ev_timer_set(w, BACKOFF_MAX_S, 0.);
	ev_timer_start(loop, w);
}

/* ---- for io_pppd.c -------------------------------------------------- */

static int queue(struct zygote *z, struct ppp_key key, const uint8_t *buf,
		 size_t len, const int *fds, size_t n_fds)
{
	struct request *r = calloc(1, sizeof(*r) + len);

	if (!r)
		return -ENOMEM;
	r->key = key;
	r->len = len;
	r->n_fds = n_fds;
	memcpy(r->bytes, buf, len);
	if (n_fds)
		memcpy(r->fds, fds, n_fds * sizeof(*fds));
	TAILQ_INSERT_TAIL(&z->queue, r, entry);
	ev_io_start(z->loop, &z->writable);
	return 0;
}

/* Exec mode: a pppd that serves this request and no other. */
static int send_to_own_pppd(struct zygote *z, const uint8_t *buf, size_t len,
			    const int *fds, size_t n_fds)
{
	int err_fd = -1, err, fd;
	pid_t pid;

	if (!n_fds)
		return 0;
	fd = spawn(z, &pid, &err_fd);
	if (fd < 0)
		return fd;
	close(err_fd);
	err = proto_send(fd, buf, len, fds, n_fds);
	close(fd);
	return err < 0 ? err : 0;
}

int zygote_send(struct zygote *z, struct ppp_key key, const uint8_t *buf,
		size_t len, const int *fds, size_t n_fds)
{
	int err;

	if (z->exec_per_session)
		err = send_to_own_pppd(z, buf, len, fds, n_fds);
	else if (z->fd < 0)
		err = -ENOTCONN;
	else if (!TAILQ_EMPTY(&z->queue))
		err = -EAGAIN;
	else
		err = transmit(z, buf, len, fds, n_fds);
	if (err == -EAGAIN) {
		err = queue(z, key, buf, len, fds, n_fds);
		if (!err)
			return 0;
	}
	close_all(fds, n_fds);
	return err;
}

bool zygote_cancel(struct zygote *z, struct ppp_key key)
{
	struct request *r;

	TAILQ_FOREACH(r, &z->queue, entry) {
		if (!r->n_fds || r->key.tunnel_id != key.tunnel_id
		    || r->key.session_id != key.session_id)
			continue;
		request_free(z, r);
		return true;
	}
	return false;
}

struct zygote *zygote_new(struct ev_loop *loop,
			  const struct io_pppd_config *config,
			  const char *socket_path,
			  const struct zygote_events *events, void *ctx)
{
	struct zygote *z = calloc(1, sizeof(*z));
	int err;

	if (!z)
		return NULL;
	z->loop = loop;
	z->events = events;
	z->ctx = ctx;
	z->fd = -1;
	z->err_fd = -1;
	z->backoff_s = BACKOFF_MIN_S;
	z->exec_per_session = config->exec_per_session;
	z->pppd = strdup(config->pppd_path ? config->pppd_path
					   : "/usr/sbin/pppd");
	z->plugin = strdup(config->plugin_path);
	if (config->log_path && config->log_path[0])
		z->log = strdup(config->log_path);
	z->socket_path = strdup(socket_path);
	TAILQ_INIT(&z->queue);
	ev_init(&z->readable, on_readable);
	ev_init(&z->writable, on_writable);
	ev_init(&z->err_readable, on_err);
	ev_init(&z->restart, on_restart);
	z->readable.data = z->writable.data = z->err_readable.data = z;
	z->restart.data = z;

	err = access(z->pppd, X_OK) < 0 ? -errno : 0;
	if (err)
		log_warnx("ppp: %s: %s", z->pppd, strerror(-err));
	if (!err && access(z->plugin, R_OK) < 0) {
		err = -errno;
		log_warnx("ppp: %s: %s", z->plugin, strerror(-err));
	}
	if (!err && !z->exec_per_session) {
		err = run(z);
		if (err)
			log_warnx("ppp: cannot start pppd: %s", strerror(-err));
	}
	if (!err)
		return z;
	zygote_free(z);
	errno = -err;
	return NULL;
}

void zygote_free(struct zygote *z)
{
	if (!z)
		return;
	ev_timer_stop(z->loop, &z->restart);
	if (z->fd >= 0)
		stop_watching(z);
	ev_io_stop(z->loop, &z->err_readable);
	if (z->err_fd >= 0)
		close(z->err_fd);
	free(z->pppd);
	free(z->plugin);
	free(z->log);
	free(z->socket_path);
	free(z);
}
