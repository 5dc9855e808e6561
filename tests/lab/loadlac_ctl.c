// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The control socket of a running load generator, and `loadlac ctl`, its
 * client. A client connects, sends one line, reads the answer to its end.
 * An answer that begins with "error:" is a failure. Called by loadlac.c.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "loadlac.h"

struct client {
	TAILQ_ENTRY(client) all;
	int fd;
	char line[256];
	size_t len;
	bool waits;
	enum ll_state wait_state;
	unsigned wait_n;
	uint64_t wait_until_us;
	struct ll_timer timer;
	struct ll *ll;
};

struct ll_server {
	int fd;
	char path[108];
	TAILQ_HEAD(client_list, client) clients;
};

struct command {
	const char *name;
	const char *args;
	void (*run)(struct client *c, char *args, FILE *out);
};

static void finish(struct client *c, const char *text, size_t len)
{
	struct ll *ll = c->ll;
	ssize_t n;

	/* the answer may be long: let the socket block for it */
	while (len) {
		n = send(c->fd, text, len, MSG_NOSIGNAL);
		if (n <= 0)
			break;
		text += n;
		len -= (size_t)n;
	}
	ll_timer_set(&ll->heap, &c->timer, LL_NEVER);
	TAILQ_REMOVE(&ll->server->clients, c, all);
	close(c->fd);
	free(c);
}

static unsigned count_arg(const char *args, unsigned all)
{
	if (!*args || !strcmp(args, "all"))
		return all;
	return (unsigned)strtoul(args, NULL, 10);
}

static void cmd_call(struct client *c, char *args, FILE *out)
{
	fprintf(out, "ok %u calls queued\n", ll_call(c->ll, count_arg(args, c->ll->n_sessions)));
}

static void cmd_hangup(struct client *c, char *args, FILE *out)
{
	unsigned index;

	if (!strncmp(args, "session ", 8)) {
		index = (unsigned)strtoul(args + 8, NULL, 10);
		fputs(ll_hangup_one(c->ll, index) ? "ok\n" : "error: no such call\n", out);
		return;
	}
	if (!*args) {
		fputs("error: how many? a number, `all`, or `session N`\n", out);
		return;
	}
	fprintf(out, "ok %u calls ended\n", ll_hangup(c->ll, count_arg(args, c->ll->n_sessions)));
}

static void cmd_shutdown(struct client *c, char *args, FILE *out)
{
	unsigned i, n = 0;

	for (i = 0; i < c->ll->opt.tunnels; i++) {
		if (*args && strcmp(args, "all") != 0 && strtoul(args, NULL, 10) != i)
			continue;
		ll_shutdown_tunnel(&c->ll->tunnels[i], 6);
		n++;
	}
	fprintf(out, "ok %u tunnels shut down\n", n);
}

static void cmd_stats(struct client *c, char *args, FILE *out)
{
	ll_report(c->ll, out, !strcmp(args, "full"));
}

static void cmd_reset(struct client *c, char *args, FILE *out)
{
	(void)args;
	ll_traffic_reset(c->ll);
	fputs("ok\n", out);
}

static void cmd_drop(struct client *c, char *args, FILE *out)
{
	if (strcmp(args, "on") != 0 && strcmp(args, "off") != 0) {
		fputs("error: `drop on` or `drop off`\n", out);
		return;
	}
	c->ll->link_cut = !strcmp(args, "on");
	fputs("ok\n", out);
}

static void cmd_traffic(struct client *c, char *args, FILE *out)
{
	if (strcmp(args, "on") != 0 && strcmp(args, "off") != 0) {
		fputs("error: `traffic on` or `traffic off`\n", out);
		return;
	}
	c->ll->traffic_on = !strcmp(args, "on");
	if (c->ll->traffic_on)
		ll_traffic_reset(c->ll);
	fputs("ok\n", out);
}

static void cmd_hello(struct client *c, char *args, FILE *out)
{
	unsigned i, n = 0;

	(void)args;
	for (i = 0; i < c->ll->opt.tunnels; i++) {
		n += !lac_hello_now(c->ll->tunnels[i].lac, c->ll->now_us / 1000);
		ll_tunnel_rearm(&c->ll->tunnels[i]);
	}
	fprintf(out, "ok %u tunnels\n", n);
}

static void cmd_echo(struct client *c, char *args, FILE *out)
{
	unsigned i, n = 0;

	(void)args;
	for (i = 0; i < c->ll->n_sessions; i++)
		if (c->ll->sessions[i].state == LL_UP)
			n += !pppc_echo_now(c->ll->sessions[i].ppp);
	fprintf(out, "ok %u sessions\n", n);
}

static void cmd_quit(struct client *c, char *args, FILE *out)
{
	if (!strcmp(args, "now"))
		c->ll->opt.abrupt = true;
	c->ll->quit = true;
	fputs("ok\n", out);
}

static bool is_there(const struct client *c)
{
	return c->wait_state == LL_DOWN ? c->ll->n_state[LL_DOWN] >= c->wait_n :
					  ll_n_ready(c->ll) >= c->wait_n;
}

static void timed_out(void *arg, uint64_t now_us)
{
	struct client *c = arg;
	char text[128];
	int n;

	(void)now_us;
	n = snprintf(text, sizeof(text), "error: timeout, %u ready, %u down\n", ll_n_ready(c->ll),
		     c->ll->n_state[LL_DOWN]);
	finish(c, text, (size_t)n);
}

/* wait up|down N [SECONDS] */
static void cmd_wait(struct client *c, char *args, FILE *out)
{
	double seconds = 60;
	char what[8];

	if (sscanf(args, "%7s %u %lf", what, &c->wait_n, &seconds) < 2 ||
	    (strcmp(what, "up") != 0 && strcmp(what, "down") != 0)) {
		fputs("error: `wait up N [SECONDS]` or `wait down N [SECONDS]`\n", out);
		return;
	}
	c->wait_state = !strcmp(what, "up") ? LL_UP : LL_DOWN;
	if (is_there(c)) {
		fputs("ok\n", out);
		return;
	}
	c->waits = true;
	ll_timer_set(&c->ll->heap, &c->timer, c->ll->now_us + (uint64_t)(seconds * 1e6));
}

static const struct command commands[] = {
	{ "call", "[N]", cmd_call },
	{ "hangup", "N|all|session I", cmd_hangup },
	{ "shutdown", "[TUNNEL|all]", cmd_shutdown },
	{ "stats", "[full]", cmd_stats },
	{ "reset", "", cmd_reset },
	{ "drop", "on|off", cmd_drop },
	{ "traffic", "on|off", cmd_traffic },
	{ "hello", "", cmd_hello },
	{ "echo", "", cmd_echo },
	{ "wait", "up|down N [SECONDS]", cmd_wait },
	{ "quit", "[now]", cmd_quit },
};
#define N_COMMANDS (sizeof(commands) / sizeof(*commands))

static void execute(struct client *c)
{
	size_t size = 0, name = strcspn(c->line, " "), i;
	char *text = NULL, *args;
	FILE *out = open_memstream(&text, &size);

	if (!out) {
		finish(c, "error: memory\n", 14);
		return;
	}
	args = c->line + name + strspn(c->line + name, " ");
	for (i = 0; i < N_COMMANDS; i++)
		if (strlen(commands[i].name) == name && !strncmp(commands[i].name, c->line, name))
			break;
	if (i < N_COMMANDS) {
		commands[i].run(c, args, out);
	} else {
		fputs("error: unknown command; there are:", out);
		for (i = 0; i < N_COMMANDS; i++)
			fprintf(out, " %s %s;", commands[i].name, commands[i].args);
		fputc('\n', out);
	}
	fclose(out);
	if (!c->waits)
		finish(c, text, size);
	free(text);
}

static void client_read(struct client *c)
{
	ssize_t n = recv(c->fd, c->line + c->len, sizeof(c->line) - 1 - c->len, MSG_DONTWAIT);
	char *end;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0 || c->waits) {
		finish(c, "", 0);
		return;
	}
	c->len += (size_t)n;
	c->line[c->len] = '\0';
	end = strchr(c->line, '\n');
	if (!end) {
		if (c->len == sizeof(c->line) - 1)
			finish(c, "error: line too long\n", 21);
		return;
	}
	*end = '\0';
	execute(c);
}

static void client_accept(struct ll *ll)
{
	struct timeval patience = { .tv_sec = 2 };
	struct epoll_event ev = { .events = EPOLLIN };
	struct client *c;
	int fd = accept4(ll->server->fd, NULL, NULL, SOCK_CLOEXEC);

	if (fd < 0)
		return;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	c = calloc(1, sizeof(*c));
	if (!c) {
		close(fd);
		return;
	}
	c->fd = fd;
	c->ll = ll;
	ll_timer_init(&c->timer, timed_out, c);
	TAILQ_INSERT_TAIL(&ll->server->clients, c, all);
	ev.data.ptr = c;
	epoll_ctl(ll->epoll_fd, EPOLL_CTL_ADD, fd, &ev);
}

int ll_server_open(struct ll *ll, const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct epoll_event ev = { .events = EPOLLIN };
	struct ll_server *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	ll->server = s;
	TAILQ_INIT(&s->clients);
	if (strlen(path) >= sizeof(sa.sun_path))
		return -ENAMETOOLONG;
	strcpy(sa.sun_path, path);
	strcpy(s->path, path);
	unlink(path);
	s->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s->fd < 0 || bind(s->fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(s->fd, 16))
		return -errno;
	ev.data.ptr = s;
	return epoll_ctl(ll->epoll_fd, EPOLL_CTL_ADD, s->fd, &ev) ? -errno : 0;
}

bool ll_server_owns(const struct ll *ll, const void *cookie)
{
	const struct client *c;

	if (!ll->server)
		return false;
	if (cookie == ll->server)
		return true;
	TAILQ_FOREACH(c, &ll->server->clients, all)
		if (c == cookie)
			return true;
	return false;
}

void ll_server_event(struct ll *ll, void *cookie)
{
	if (cookie == ll->server)
		client_accept(ll);
	else
		client_read(cookie);
}

void ll_server_poll(struct ll *ll)
{
	struct client *c, *next;

	if (!ll->server)
		return;
	for (c = TAILQ_FIRST(&ll->server->clients); c; c = next) {
		next = TAILQ_NEXT(c, all);
		if (c->waits && is_there(c))
			finish(c, "ok\n", 3);
	}
}

void ll_server_close(struct ll *ll)
{
	struct client *c;

	if (!ll->server)
		return;
	while ((c = TAILQ_FIRST(&ll->server->clients)))
		finish(c, "error: ending\n", 14);
	close(ll->server->fd);
	unlink(ll->server->path);
	free(ll->server);
	ll->server = NULL;
}

/* loadlac ctl PATH COMMAND…: 0 = ok, 1 = the command failed, 2 = no server */
int ll_client(int argc, char **argv)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	char b[4096], line[256] = "";
	bool failed = false, first = true;
	ssize_t n;
	int fd, i;

	if (argc < 3 || strlen(argv[1]) >= sizeof(sa.sun_path)) {
		fputs("usage: loadlac ctl SOCKET COMMAND [ARGUMENTS]\n", stderr);
		return 2;
	}
	strcpy(sa.sun_path, argv[1]);
	for (i = 2; i < argc; i++) {
		if (strlen(line) + strlen(argv[i]) + 2 >= sizeof(line)) {
			fputs("loadlac: command too long\n", stderr);
			return 2;
		}
		strcat(line, argv[i]);
		strcat(line, i + 1 < argc ? " " : "\n");
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sa, sizeof(sa)) ||
	    send(fd, line, strlen(line), MSG_NOSIGNAL) < 0) {
		fprintf(stderr, "loadlac: %s: %s\n", argv[1], strerror(errno));
		return 2;
	}
	while ((n = recv(fd, b, sizeof(b), 0)) > 0) {
		if (first)
			failed = n >= 6 && !memcmp(b, "error:", 6);
		first = false;
		fwrite(b, 1, (size_t)n, failed ? stderr : stdout);
	}
	close(fd);
	return failed || first ? 1 : 0;
}
