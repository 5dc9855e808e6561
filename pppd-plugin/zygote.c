/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The zygote: one initialised pppd per daemon from which every session's pppd
 * is forked.
 *
 * pppd calls its channel's connect() when options are parsed and signals are
 * set, but before there is any channel, unit or timer.  There we stay, and
 * wait for START on the socket to the daemon.  For each one a child is forked
 * which returns from connect() with the session's pppox socket, and so becomes
 * an ordinary pppd.  The expensive steps (PPPIOCGCHAN waits for an RCU grace
 * period) are taken by the children, in parallel.
 *
 * What must not be shared after the fork is repaired in leave_zygote(): the
 * random seed (magic numbers, CHAP challenges), pppd's signal pipe, its status
 * database, the process group, what signals do.
 *
 * PREPARE asks for children in advance, see spare.c.
 *
 * With `l2tpha-once` no fork happens: one exec per session, for comparison.
 */
#include "pppd-plugin/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <unistd.h>

struct child {
	pid_t pid;
	struct ppp_key key;
	uint32_t instance;
};

struct zygote {
	int fd;
	int once;
	struct child *children;
	size_t n_children, max_children;
	int pipe_fds[2];		/* pppd's signal pipe */
	sigset_t wait_mask;
	char ident[32];
};

static struct zygote zygote = { .fd = -1, .pipe_fds = { -1, -1 } };
static char *daemon_path;
static char once_flag;

/* Weak: a pppd built without its database has no such symbol. */
extern void *pppdb __attribute__((weak));

static int option_fd(char **argv)
{
	return int_option(*argv, &zygote.fd);
}

option_t zygote_options[] = {
	{ .name = "l2tpha-fd", .type = o_special, .addr = (void *)option_fd,
	  .description = "socket to l2tphad", .flags = OPT_PRIV },
	{ .name = "l2tpha-socket", .type = o_string, .addr = &daemon_path,
	  .description = "path where l2tphad listens", .flags = OPT_PRIV },
	{ .name = "l2tpha-once", .type = o_bool, .addr = &once_flag,
	  .description = "serve one session without forking",
	  .flags = OPT_PRIV | 1 },
	{ .name = NULL }
};

/* The two ends of a pipe that are not the standard descriptors. */
static void find_signal_pipe(void)
{
	struct stat st;
	int fd, flags;

	for (fd = 3; fd < 32; fd++) {
		if (fstat(fd, &st) < 0 || !S_ISFIFO(st.st_mode))
			continue;
		flags = fcntl(fd, F_GETFL);
		if (flags < 0 || !(flags & O_NONBLOCK))
			continue;
		zygote.pipe_fds[(flags & O_ACCMODE) == O_WRONLY] = fd;
	}
}

static void replace_signal_pipe(void)
{
	int fds[2];

	if (zygote.pipe_fds[0] < 0 || zygote.pipe_fds[1] < 0)
		return;
	if (pipe2(fds, O_NONBLOCK | O_CLOEXEC) < 0)
		return;
	dup3(fds[0], zygote.pipe_fds[0], O_CLOEXEC);
	dup3(fds[1], zygote.pipe_fds[1], O_CLOEXEC);
	close(fds[0]);
	close(fds[1]);
}

static void reseed(void)
{
	unsigned short seed[3];

	if (getrandom(seed, sizeof(seed), 0) != sizeof(seed))
		fatal("l2tpha: no random numbers: %m");
	seed48(seed);
}

/* In the child. */
static void leave_zygote(void)
{
	sigset_t none;

	setsid();
	/*
	 * Only the daemon may hang up on a subscriber.  A signal, as at the
	 * shutdown of a box whose partner goes on, ends us without a word.
	 */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close(zygote.fd);
	zygote.fd = -1;
	free(zygote.children);
	zygote.children = NULL;
	spares_forget();
	replace_signal_pipe();
	reseed();
	if (&pppdb)
		pppdb = NULL;
}

/* With the session's descriptors already in `self`. */
static void take_name(void)
{
	snprintf(zygote.ident, sizeof(zygote.ident), "pppd[%u/%u]",
		 self.params.key.tunnel_id, self.params.key.session_id);
	closelog();
	openlog(zygote.ident, LOG_PID, LOG_DAEMON);
	/* the daemon tells the story; a debug log is a file, not syslog */
	setlogmask(LOG_UPTO(LOG_WARNING));
}

static void tell(enum proto_type type, struct ppp_key key, uint32_t instance,
		 int status_word)
{
	struct proto_note n = {
		.key = key, .instance = instance, .status = status_word
	};
	uint8_t buf[128];
	int len = proto_encode_note(buf, sizeof(buf), type, &n);

	if (len > 0)
		proto_send(zygote.fd, buf, len, NULL, 0);
}

static int remember(pid_t pid, struct ppp_key key, uint32_t instance)
{
	struct child *bigger;

	if (zygote.n_children == zygote.max_children) {
		size_t n = zygote.max_children ? 2 * zygote.max_children : 64;

		bigger = realloc(zygote.children, n * sizeof(*bigger));
		if (!bigger)
			return -ENOMEM;
		zygote.children = bigger;
		zygote.max_children = n;
	}
	zygote.children[zygote.n_children++] = 
		(struct child){ pid, key, instance };
	return 0;
}

static void reap(void)
{
	int word;
	pid_t pid;
	size_t i;

	while ((pid = waitpid(-1, &word, WNOHANG)) > 0) {
		for (i = 0; i < zygote.n_children; i++)
			if (zygote.children[i].pid == pid)
				break;
		if (i == zygote.n_children) {
			spares_reaped(pid);
			continue;
		}
		tell(PROTO_EXITED, zygote.children[i].key,
		     zygote.children[i].instance, word);
		zygote.children[i] = zygote.children[--zygote.n_children];
	}
}

static void kill_child(struct ppp_key key, uint32_t instance)
{
	size_t i;

	for (i = 0; i < zygote.n_children; i++) {
		struct child *c = &zygote.children[i];

		if (c->instance == instance
		    && c->key.tunnel_id == key.tunnel_id
		    && c->key.session_id == key.session_id)
			kill(c->pid, SIGKILL);
	}
}

static void close_all(const int *fds, size_t n)
{
	while (n--)
		close(fds[n]);
}

static void become_session(const struct ppp_params *p, uint32_t instance,
			   const int *fds, size_t n_fds)
{
	self.params = *p;
	self.instance = instance;
	if (p->state_len) {
		memcpy(self.state_bytes, p->state, p->state_len);
		self.params.state = self.state_bytes;
	}
	self.session_fd = fds[1];
	self.tunnel_fd = n_fds > 2 ? fds[2] : -1;
	self.daemon_path = daemon_path;
	take_name();
	link_start(fds[0]);
}

/* True in the process that is the session's. */
static int start(const struct ppp_params *p, uint32_t instance,
		 const uint8_t *buf, int len, const int *fds, size_t n_fds)
{
	pid_t pid = 0;

	if (n_fds < 2)
		return 0;
	if (!zygote.once) {
		pid = spares_give(buf, len, fds, n_fds);
		if (!pid)
			pid = fork();
		if (pid) {
			if (pid < 0 || remember(pid, p->key, instance) < 0)
				tell(PROTO_EXITED, p->key, instance, 1 << 8);
			return 0;
		}
	}
	leave_zygote();
	become_session(p, instance, fds, n_fds);
	return 1;
}

/* The life of a spare, until it is a session. */
static void wait_for_session(int sock)
{
	uint8_t buf[PROTO_MSG_MAX];
	int fds[PROTO_FDS_MAX];
	struct ppp_params p;
	struct proto_iter it;
	uint32_t instance = 0;
	size_t n_fds;
	int len;

	leave_zygote();
	spare_warm_up();
	do
		len = proto_recv(sock, buf, sizeof(buf), fds, &n_fds);
	while (len == -EINTR || len == -EAGAIN);
	if (len <= 0 || proto_open(&it, buf, len) != PROTO_START
	    || proto_decode_start(&it, &p, &instance) || n_fds < 2)
		_exit(0);
	close(sock);
	become_session(&p, instance, fds, n_fds);
}

/* One datagram from the daemon: true in a new session's process. */
static int receive(void)
{
	uint8_t buf[PROTO_MSG_MAX];
	int fds[PROTO_FDS_MAX];
	struct ppp_params p;
	struct proto_note note;
	struct proto_iter it;
	uint32_t instance = 0;
	size_t n_fds;
	int len, type, err = 0;

	len = proto_recv(zygote.fd, buf, sizeof(buf), fds, &n_fds);
	if (len == -EAGAIN)
		return 0;
	if (len == 0 || len == -ECONNRESET)
		die(0);			/* the daemon is gone; children stay */
	type = len < 0 ? len : proto_open(&it, buf, len);
	if (type == PROTO_START)
		err = proto_decode_start(&it, &p, &instance);
	else if (type == PROTO_KILL || type == PROTO_PREPARE)
		err = proto_decode_note(&it, &note);
	else
		err = -EBADMSG;
	if (err) {
		warn("l2tpha: bad message from l2tphad ignored");
		close_all(fds, n_fds);
		return 0;
	}
	if (type == PROTO_START) {
		if (start(&p, instance, buf, len, fds, n_fds))
			return 1;
	} else if (type == PROTO_PREPARE) {
		if (!zygote.once && note.status > 0)
			spares_want(note.status);
	} else {
		kill_child(note.key, note.instance);
	}
	close_all(fds, n_fds);
	return 0;
}

int zygote_connect(void)
{
	struct pollfd pfd = { .fd = zygote.fd, .events = POLLIN };
	struct timespec wait;
	int timeout_ms, sock;
	sigset_t block;

	if (zygote.fd < 0)
		fatal("l2tpha: no l2tpha-fd option");
	zygote.once = once_flag != 0;
	find_signal_pipe();
	fcntl(zygote.fd, F_SETFD, FD_CLOEXEC);
	sigemptyset(&block);
	sigaddset(&block, SIGCHLD);
	sigaddset(&block, SIGTERM);
	sigaddset(&block, SIGINT);
	sigaddset(&block, SIGHUP);
	sigprocmask(SIG_BLOCK, &block, &zygote.wait_mask);
	tell(PROTO_READY, (struct ppp_key){ 0 }, 0, 0);
	dup2(STDOUT_FILENO, STDERR_FILENO);	/* start-up errors went there */
	for (;;) {
		timeout_ms = spares_timeout_ms();
		wait.tv_sec = timeout_ms / 1000;
		wait.tv_nsec = timeout_ms % 1000 * 1000000L;
		if (ppoll(&pfd, 1, timeout_ms < 0 ? NULL : &wait, &zygote.wait_mask) < 0) {
			if (errno != EINTR)
				fatal("l2tpha: ppoll: %m");
			pfd.revents = 0;
		}
		if (got_sigterm)
			die(0);
		reap();
		if (pfd.revents) {
			if (receive())
				break;
		} else if (timeout_ms >= 0) {
			sock = spares_tend();
			if (sock < 0)
				continue;
			wait_for_session(sock);
			break;
		}
	}
	session_setup();
	return self.session_fd;
}
