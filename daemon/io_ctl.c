// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket of io_ctl.h.  Nothing here blocks: a client that does
 * not read its reply is not read from until it has, and is cut off if it
 * takes too long; the others do not notice.  A command that shows counters
 * waits until the data plane was asked for them, its client with it.  An
 * answer that is the longer the more sessions there are is made and sent by a
 * process of its own (io_apart.h): the daemon would be silent for seconds, and
 * the standby takes that for its end.
 */
#include "daemon/io_ctl.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "daemon/cli.h"
#include "daemon/debug.h"
#include "daemon/io_apart.h"
#include "daemon/log.h"

enum { CLIENTS_MAX = 64, UNASKED = 100, UNASKED_MAX = 256 << 10 };
enum { APART_MAX = 4, HEAD_MAX = 48, STILL_S = 5 };
static const int IDLE_WRITE_S = 30;	/* a reply nobody reads */
static const ev_tstamp COUNTERS_S = 2.;	/* longer the kernel is not waited for */

/* A client that waits is not read from, and its request is the first line of `in` still. */
enum waits {
	WAITS_NOT,
	WAITS_COUNTERS,		/* then its request is run again */
	WAITS_TURN,		/* for one of APART_MAX, then its request is run again */
	WAITS_APART,		/* its answer is being sent, but not by us */
};

struct client {
	struct client *next;
	struct io_ctl *ctl;
	struct cli *cli;
	ev_io io;
	ev_timer stuck;
	char in[IO_CTL_LINE_MAX];
	size_t in_len;
	char *out;		/* the reply that is being written */
	size_t out_len, out_done;
	bool closing;		/* after the reply */
	bool running;		/* in client_run(): what is to be written is written there */
	enum waits waits;
	struct io_apart *apart;	/* WAITS_APART */
	const char *line;	/* for client_answer(), in the other process */
};

struct io_ctl {
	struct ev_loop *loop;
	struct show_context *show;
	struct debug debug;
	size_t reading;		/* groups whose counters are being read */
	ev_timer patience;
	size_t apart;		/* clients that are WAITS_APART */
	ev_io listener;
	int spare;		/* given up to turn a client away when descriptors run out */
	struct client *clients;
	size_t client_count;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
};

static uint64_t wall_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void client_free(struct client *client)
{
	struct io_ctl *ctl = client->ctl;
	struct client **at = &ctl->clients;

	while (*at != client)
		at = &(*at)->next;
	*at = client->next;
	ctl->client_count--;
	ev_io_stop(ctl->loop, &client->io);
	ev_timer_stop(ctl->loop, &client->stuck);
	ctl->apart -= client->apart != NULL;
	io_apart_free(client->apart);
	close(client->io.fd);
	cli_free(client->cli);
	free(client->out);
	free(client);
}

static void client_watch(struct client *client, int events)
{
	struct ev_loop *loop = client->ctl->loop;

	ev_io_stop(loop, &client->io);
	ev_io_set(&client->io, client->io.fd, events);
	ev_io_start(loop, &client->io);
	if (events == EV_WRITE)
		ev_timer_again(loop, &client->stuck);
	else
		ev_timer_stop(loop, &client->stuck);
}

static bool put(struct client *client, int code, const char *body)
{
	size_t len = strlen(body);
	char head[HEAD_MAX], *out;
	size_t n = (size_t)snprintf(head, sizeof(head), "%d %zu\n", code, len);

	out = realloc(client->out, client->out_len + n + len);
	if (!out)
		return false;
	memcpy(out + client->out_len, head, n);
	memcpy(out + client->out_len + n, body, len);
	client->out = out;
	client->out_len += n + len;
	return true;
}

/* Puts the reply together; body may be NULL (no memory) and is freed. */
static void reply(struct client *client, enum show_code code, char *body)
{
	if (!put(client, (int)code, body ? body : ""))
		client->closing = true;
	free(body);
}

/* A line of debug: to the log, and to the sessions that want it; one that does not read loses lines. */
static void on_debug(void *ctx, const char *line)
{
	struct io_ctl *ctl = ctx;
	char text[600];

	log_info("%s", line);
	snprintf(text, sizeof(text), "%s\n", line);
	for (struct client *c = ctl->clients; c; c = c->next) {
		if (!cli_monitor(c->cli) || c->out_len - c->out_done > UNASKED_MAX || !put(c, UNASKED, text))
			continue;
		if (!c->running && c->waits == WAITS_NOT)
			client_watch(c, EV_WRITE);
	}
}

static void refuse(struct client *client, const char *why)
{
	log_info("control socket: %s", why);
	client->closing = true;
	reply(client, SHOW_USAGE, strdup(why));
}

static void client_run(struct client *client);

static struct client *waiting(struct io_ctl *ctl, enum waits for_what)
{
	struct client *client = ctl->clients;

	while (client && client->waits != for_what)
		client = client->next;
	return client;
}

/* Who came while they were read is served as well: they are a moment old. */
static void on_counters(void *arg)
{
	struct io_ctl *ctl = arg;
	struct client *client;

	if (--ctl->reading)
		return;
	ev_timer_stop(ctl->loop, &ctl->patience);
	ctl->show->can_wait = false;
	while ((client = waiting(ctl, WAITS_COUNTERS))) {
		client->waits = WAITS_NOT;
		client_run(client);	/* may be its end */
	}
	ctl->show->can_wait = true;
}

static void on_patience(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct io_ctl *ctl = timer->data;

	(void)loop;
	(void)events;
	log_warnx("control socket: the data plane does not tell its counters");
	for (size_t i = 0; i < ctl->show->group_count; i++)
		group_counters(ctl->show->groups[i], NULL, NULL);
	ctl->reading = 1;
	on_counters(ctl);
}

/* False: there is nothing to wait for. */
static bool client_waits(struct client *client)
{
	struct io_ctl *ctl = client->ctl;

	if (!ctl->reading)
		for (size_t i = 0; i < ctl->show->group_count; i++)
			ctl->reading += !group_counters(ctl->show->groups[i], on_counters, ctl);
	if (ctl->reading && !ev_is_active(&ctl->patience)) {
		ev_timer_set(&ctl->patience, COUNTERS_S, 0.);
		ev_timer_start(ctl->loop, &ctl->patience);
	}
	client->waits = ctl->reading ? WAITS_COUNTERS : WAITS_NOT;
	return client->waits != WAITS_NOT;
}

/* ---- answers from a process of their own --------------------------------- */

static bool send_all(const char *data, size_t len)
{
	struct pollfd wait = { .fd = IO_APART_FD, .events = POLLOUT };

	while (len) {
		ssize_t n = send(IO_APART_FD, data, len, MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && errno == EAGAIN && poll(&wait, 1, IDLE_WRITE_S * 1000) > 0)
			continue;
		if (n <= 0)
			return false;
		data += n;
		len -= (size_t)n;
	}
	return true;
}

/* Whoever asked does not give up on us: an empty line that was not asked for. */
static void on_alarm(int signal)
{
	static const char nothing[] = "100 0\n";

	(void)signal;
	(void)!send(IO_APART_FD, nothing, sizeof(nothing) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static bool client_answer(void *ctx)
{
	const struct itimerval never = { 0 }, often = { { .tv_sec = STILL_S }, { .tv_sec = STILL_S } };
	struct client *client = ctx;
	struct show_context *show = client->ctl->show;
	enum show_code code;
	char head[HEAD_MAX], *body;

	show->can_wait = show->apart = false;
	signal(SIGALRM, on_alarm);
	setitimer(ITIMER_REAL, &often, NULL);
	code = cli_exec(client->cli, client->line, &body);
	setitimer(ITIMER_REAL, &never, NULL);
	if (!body)
		return false;
	snprintf(head, sizeof(head), "%d %zu\n", (int)code, strlen(body));
	return send_all(head, strlen(head)) && send_all(body, strlen(body));
}

static void request_done(struct client *client)
{
	char *end = memchr(client->in, '\n', client->in_len);
	size_t len = end ? (size_t)(end - client->in) : 0;

	if (!end)
		return;
	explicit_bzero(client->in, len);	/* it may have been a password */
	client->in_len -= len + 1;
	memmove(client->in, end + 1, client->in_len);
}

static void on_answered(void *ctx, bool all)
{
	struct client *client = ctx, *next;
	struct io_ctl *ctl = client->ctl;

	if (all) {
		io_apart_free(client->apart);
		client->apart = NULL;
		client->waits = WAITS_NOT;
		ctl->apart--;
		request_done(client);
		client_run(client);
	} else {
		client_free(client);	/* half an answer may be out */
	}
	next = ctl->apart < APART_MAX ? waiting(ctl, WAITS_TURN) : NULL;
	if (next) {
		next->waits = WAITS_NOT;
		client_run(next);
	}
}

/* False: nothing can be started, it is to be done here. */
static bool client_apart(struct client *client, const char *line)
{
	struct io_ctl *ctl = client->ctl;

	if (ctl->apart >= APART_MAX) {
		client->waits = WAITS_TURN;
		return true;
	}
	client->line = line;
	client->apart = io_apart_new(ctl->loop, client->io.fd, client_answer, on_answered, client);
	client->line = NULL;
	if (!client->apart) {
		log_warn("control socket: no process for a long answer, which stops the daemon meanwhile");
		return false;
	}
	client->waits = WAITS_APART;
	ctl->apart++;
	return true;
}

static enum show_code execute(struct client *client, const char *line, char **body)
{
	struct show_context *show = client->ctl->show;
	bool can_wait = show->can_wait, apart = show->apart;
	enum show_code code = cli_exec(client->cli, line, body);

	if (code == SHOW_WAIT && !client_waits(client)) {
		free(*body);
		show->can_wait = false;
		code = cli_exec(client->cli, line, body);
	}
	if (code == SHOW_APART && !client_apart(client, line)) {
		free(*body);
		show->apart = false;
		code = cli_exec(client->cli, line, body);
	}
	show->can_wait = can_wait;
	show->apart = apart;
	return code == SHOW_APART ? SHOW_WAIT : code;
}

/* False: it waits, and is to be asked again. */
static bool request(struct client *client, char *line)
{
	char *body = NULL, *arg = line + strcspn(line, " ");
	enum show_code code = SHOW_OK;

	for (const char *p = line; *p; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 0x7f) {
			refuse(client, "refused: control character in a request\n");
			return true;
		}
	if (*arg)
		*arg++ = '\0';
	if (!strcmp(line, "exec") || !strcmp(line, "json")) {
		client->ctl->show->json = *line == 'j';
		code = execute(client, arg, &body);
		client->ctl->show->json = false;
	} else if (!strcmp(line, "complete")) {
		body = cli_complete(client->cli, arg);
	} else if (!strcmp(line, "shell")) {
		cli_shell(client->cli);
		body = cli_prompt(client->cli);
	} else if (!strcmp(line, "prompt")) {
		body = cli_prompt(client->cli);
	} else if (!strcmp(line, "password")) {
		code = cli_password(client->cli, arg, &body);
	} else {
		refuse(client, "refused: expected one of exec, json, complete, shell, prompt, password\n");
		return true;
	}
	if (code == SHOW_WAIT) {
		free(body);
		return false;
	}
	if (code == SHOW_BYE)
		client->closing = true;
	reply(client, body ? code : SHOW_FAILED, body);
	return true;
}

/* Answers what has arrived, one request at a time, while replies fit the socket. */
static void client_run(struct client *client)
{
	client->running = true;
	for (;;) {
		char *end, line[IO_CTL_LINE_MAX];
		size_t len;
		bool done;

		while (client->out_done < client->out_len) {
			ssize_t n = send(client->io.fd, client->out + client->out_done, client->out_len - client->out_done,
					 MSG_NOSIGNAL);

			if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
				client->running = false;
				client_watch(client, EV_WRITE);
				return;
			}
			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				goto gone;
			client->out_done += (size_t)n;
		}
		free(client->out);
		client->out = NULL;
		client->out_done = client->out_len = 0;
		if (client->closing)
			goto gone;
		end = memchr(client->in, '\n', client->in_len);
		if (!end) {
			if (client->in_len < sizeof(client->in)) {
				client->running = false;
				client_watch(client, EV_READ);
				return;
			}
			refuse(client, "refused: request too long\n");
			continue;
		}
		len = (size_t)(end - client->in);
		if (memchr(client->in, '\0', len)) {
			refuse(client, "refused: control character in a request\n");
			continue;
		}
		memcpy(line, client->in, len);
		line[len && line[len - 1] == '\r' ? len - 1 : len] = '\0';
		done = request(client, line);
		explicit_bzero(line, len);
		if (!done) {
			client->running = false;
			ev_io_stop(client->ctl->loop, &client->io);
			return;
		}
		request_done(client);
	}
gone:
	client_free(client);
}

static void on_client(struct ev_loop *loop, ev_io *io, int events)
{
	struct client *client = io->data;
	ssize_t n;

	(void)loop;
	if (events & EV_READ) {
		n = recv(io->fd, client->in + client->in_len, sizeof(client->in) - client->in_len, 0);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		if (n <= 0) {
			client_free(client);
			return;
		}
		client->in_len += (size_t)n;
	}
	client_run(client);
}

static void on_stuck(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	log_info("control socket: a client does not read its reply: closed");
	client_free(timer->data);
}

/* The superuser, and who the daemon runs as, could do worse than configure it. */
static bool peer_trusted(int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) && (peer.uid == 0 || peer.uid == geteuid());
}

static void client_new(struct io_ctl *ctl, int fd)
{
	struct client *client;

	client = ctl->client_count < CLIENTS_MAX ? calloc(1, sizeof(*client)) : NULL;
	if (!client) {
		static const char busy[] = "500 29\ntoo many control connections\n";

		(void)!send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL);
		close(fd);
		return;
	}
	client->cli = cli_new(ctl->show, peer_trusted(fd));
	if (!client->cli) {
		free(client);
		close(fd);
		return;
	}
	client->ctl = ctl;
	client->next = ctl->clients;
	ctl->clients = client;
	ctl->client_count++;
	ev_io_init(&client->io, on_client, fd, EV_READ);
	client->io.data = client;
	ev_init(&client->stuck, on_stuck);
	client->stuck.repeat = IDLE_WRITE_S;
	client->stuck.data = client;
	ev_io_start(ctl->loop, &client->io);
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct io_ctl *ctl = io->data;
	int fd;

	(void)loop;
	(void)events;
	while ((fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0)
		client_new(ctl, fd);
	if ((errno != EMFILE && errno != ENFILE) || ctl->spare < 0)
		return;
	/* a waiting connection would wake us for ever */
	log_warn("control socket: a client is turned away");
	close(ctl->spare);
	fd = accept4(io->fd, NULL, NULL, SOCK_CLOEXEC);
	if (fd >= 0)
		close(fd);
	ctl->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

/* A socket nobody listens on is a leftover. */
static int socket_bind(int fd, const struct sockaddr_un *addr)
{
	int probe, err;

	if (!bind(fd, (const struct sockaddr *)addr, sizeof(*addr)))
		return 0;
	if (errno != EADDRINUSE)
		return -1;
	probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return -1;
	err = connect(probe, (const struct sockaddr *)addr, sizeof(*addr)) ? errno : 0;
	close(probe);
	if (err != ECONNREFUSED) {
		errno = EADDRINUSE;
		return -1;
	}
	if (unlink(addr->sun_path))
		return -1;
	return bind(fd, (const struct sockaddr *)addr, sizeof(*addr));
}

struct io_ctl *io_ctl_new(struct ev_loop *loop, const char *path, struct show_context *show)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	struct io_ctl *ctl;
	mode_t mask;
	int fd, err;

	if (strlen(path) >= sizeof(addr.sun_path)) {
		errno = ENAMETOOLONG;
		return NULL;
	}
	strcpy(addr.sun_path, path);
	ctl = calloc(1, sizeof(*ctl));
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (!ctl || fd < 0)
		goto fail;
	mask = umask(0117);	/* 0660 from the first moment */
	err = socket_bind(fd, &addr);
	umask(mask);
	if (err || listen(fd, CLIENTS_MAX))
		goto fail;
	if (!show->unix_ms)
		show->unix_ms = wall_ms;
	if (!show->started_ms)
		show->started_ms = show->now_ms();
	ctl->loop = loop;
	ctl->show = show;
	ctl->debug = (struct debug){ .sink = on_debug, .ctx = ctl };
	show->debug = &ctl->debug;
	show->can_wait = show->apart = true;
	for (size_t i = 0; i < show->group_count; i++)
		group_debug_set(show->groups[i], &ctl->debug);
	ctl->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
	memcpy(ctl->path, addr.sun_path, sizeof(ctl->path));
	ev_io_init(&ctl->listener, on_accept, fd, EV_READ);
	ctl->listener.data = ctl;
	ev_init(&ctl->patience, on_patience);
	ctl->patience.data = ctl;
	ev_io_start(loop, &ctl->listener);
	return ctl;
fail:
	err = errno;
	if (fd >= 0)
		close(fd);
	free(ctl);
	errno = err;
	return NULL;
}

void io_ctl_free(struct io_ctl *ctl)
{
	if (!ctl)
		return;
	for (size_t i = 0; i < ctl->show->group_count; i++) {
		group_debug_set(ctl->show->groups[i], NULL);
		group_counters(ctl->show->groups[i], NULL, NULL);
	}
	while (ctl->clients)
		client_free(ctl->clients);
	ev_io_stop(ctl->loop, &ctl->listener);
	ev_timer_stop(ctl->loop, &ctl->patience);
	close(ctl->listener.fd);
	if (ctl->spare >= 0)
		close(ctl->spare);
	unlink(ctl->path);
	free(ctl);
}
