// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pair of mixed releases: two LNS processes, of this release or of the one
 * before, as the steps of an upgrade, a rollback and a downgrade have them,
 * with the real HA link between them and LACs in front (facts S4, S5, S36,
 * S39).  This process is the network: it has the LACs, gives their packets to
 * whichever node has the address, and reads what the nodes send.
 *
 * After every step: the pair is in sync, both stores have one digest, every
 * call of the LACs stands, none was ever ended, no StopCCN or CDN came that a
 * LAC had not asked for, and a call can be placed and one be hung up.
 *
 *   mixed NEW-NODE OLD-NODE
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netinet/in.h>

#include "ha/ha.h"
#include "tests/bench/bench.h"
#include "tests/issu/issu.h"
#include "tests/lac/lac.h"

#define TUNNELS 8u
#define CALLS 20u			/* of a tunnel, to begin with */
#define STEP_LIMIT_US 15000000u
#define CONTROL_STOPCCN 4
#define CONTROL_CDN 14

enum release { RELEASE_OLD, RELEASE_NEW };
static const char *const release_names[] = { "old", "new" };

struct side {
	pid_t pid;			/* 0: not running */
	enum release release;
	int orders, wires[TUNNELS];
	struct issu_report report;
	uint64_t quiet_since_us;	/* says that it is standby since then; 0: it does not */
	unsigned asked;
};

struct world {
	const char *programs[2];	/* by enum release */
	const char *mode;
	uint16_t port;
	struct side sides[2];
	int address;			/* the side that has it */
	struct lac *lacs[TUNNELS];
	unsigned calls, up, down, ended, mute_packets;
	uint64_t now_ms;
	char step[64];
};

static struct world world;
static unsigned passed, failed;

static uint32_t net_random(void *ctx)
{
	static uint32_t x = 0x2661;

	(void)ctx;
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x;
}

/* ---- LACs ------------------------------------------------------------------ */

static void on_send(void *ctx, const uint8_t *data, size_t len)
{
	const struct side *side = &world.sides[world.address];

	/* to nobody: as if lost */
	if (side->pid)
		send(side->wires[*(unsigned *)ctx], data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void on_call_up(void *ctx, struct lac_call *call)
{
	(void)ctx;
	(void)call;
	world.up++;
}

static void complain(const char *what, const char *why)
{
	if (!world.down++)
		printf("  %s: %s: %s\n", world.step, what, why);
}

static void on_call_down(void *ctx, struct lac_call *call, const struct lac_reason *reason)
{
	(void)ctx;
	(void)call;
	world.up--;
	if (reason->cause != LAC_CAUSE_LOCAL)
		complain("a call ended", reason->text);
}

static void on_tunnel_down(void *ctx, const struct lac_reason *reason)
{
	(void)ctx;
	complain("a tunnel ended", reason->text);
}

static void on_violation(void *ctx, const char *text)
{
	(void)ctx;
	complain("violation", text);
}

static void lacs_start(void)
{
	static const struct lac_ops ops = { .send = on_send, .call_up = on_call_up, .call_down = on_call_down,
					    .tunnel_down = on_tunnel_down, .violation = on_violation };
	static unsigned numbers[TUNNELS];
	static char names[TUNNELS][16];
	struct lac_config config;

	for (unsigned i = 0; i < TUNNELS; i++) {
		numbers[i] = i;
		snprintf(names[i], sizeof(names[i]), "lac%u", i);
		lac_config_init(&config);
		lac_config_peer(&config, (enum lac_peer)(i % LAC_PEERS));
		config.ops = &ops;
		config.ctx = &numbers[i];
		config.random = net_random;
		config.hostname = names[i];
		config.tid = (uint16_t)(i + 1);
		config.hello_ms = 500;
		world.lacs[i] = lac_new(&config);
		if (!world.lacs[i])
			bench_die("no LAC");
	}
}

/* ---- nodes ----------------------------------------------------------------- */

static void side_start(int n, enum release release)
{
	struct side *side = &world.sides[n];
	int fds[TUNNELS + 1][2];
	char port[8], tunnels[8];

	for (unsigned i = 0; i <= TUNNELS; i++)
		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds[i]))
			bench_die("no socket pair");
	snprintf(port, sizeof(port), "%u", world.port);
	snprintf(tunnels, sizeof(tunnels), "%u", TUNNELS);
	fflush(NULL);
	*side = (struct side){ .pid = fork(), .release = release };
	if (side->pid < 0)
		bench_die("cannot fork");
	if (!side->pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		/* out of the way of the numbers they are to have */
		for (unsigned i = 0; i <= TUNNELS; i++)
			fds[i][1] = fcntl(fds[i][1], F_DUPFD_CLOEXEC, 200);
		for (unsigned i = 0; i <= TUNNELS; i++)
			dup2(fds[i][1], ISSU_FD_ORDERS + (int)i);
		execl(world.programs[release], n ? "issu-node-b" : "issu-node-a", n ? "standby" : "active", port, world.mode,
		      tunnels, (char *)NULL);
		_exit(127);
	}
	for (unsigned i = 0; i <= TUNNELS; i++)
		close(fds[i][1]);
	side->orders = fds[0][0];
	for (unsigned i = 0; i < TUNNELS; i++)
		side->wires[i] = fds[i + 1][0];
}

static void side_kill(int n)
{
	struct side *side = &world.sides[n];

	if (!side->pid)
		return;
	kill(side->pid, SIGKILL);
	waitpid(side->pid, NULL, 0);
	close(side->orders);
	for (unsigned i = 0; i < TUNNELS; i++)
		close(side->wires[i]);
	side->pid = 0;
}

static void order(int n, enum issu_order what)
{
	char c = (char)what;

	if (world.sides[n].pid && send(world.sides[n].orders, &c, 1, MSG_NOSIGNAL) != 1)
		bench_die("a node is gone");
}

static void on_report(int n)
{
	struct side *side = &world.sides[n];
	struct issu_report report;

	while (recv(side->orders, &report, sizeof(report), MSG_DONTWAIT) == sizeof(report)) {
		side->report = report;
		side->asked += report.asked;
		if (report.role != HA_ROLE_STANDBY)
			side->quiet_since_us = 0;
		else if (!side->quiet_since_us)
			side->quiet_since_us = bench_now_us();
		if (report.role == HA_ROLE_ACTIVE)
			world.address = n;
	}
}

static void on_wire(int n, unsigned tunnel)
{
	struct side *side = &world.sides[n];
	uint8_t data[2048];
	ssize_t len;

	while ((len = recv(side->wires[tunnel], data, sizeof(data), MSG_DONTWAIT)) > 0) {
		if (side->quiet_since_us && bench_now_us() - side->quiet_since_us > 200000 && !world.mute_packets++)
			printf("  %s: a standby sent a packet\n", world.step);
		if (len >= 20 && (data[0] & 0x80) && data[18] == 0 && (data[19] == CONTROL_STOPCCN || data[19] == CONTROL_CDN))
			world.ended++;
		lac_input(world.lacs[tunnel], world.now_ms, data, (size_t)len);
	}
}

/* ---- the network ----------------------------------------------------------- */

static void turn(void)
{
	struct pollfd fds[2 * (TUNNELS + 1)];
	unsigned n = 0;

	for (int s = 0; s < 2; s++) {
		fds[n++] = (struct pollfd){ .fd = world.sides[s].pid ? world.sides[s].orders : -1, .events = POLLIN };
		for (unsigned i = 0; i < TUNNELS; i++)
			fds[n++] = (struct pollfd){ .fd = world.sides[s].pid ? world.sides[s].wires[i] : -1, .events = POLLIN };
	}
	poll(fds, n, 5);
	world.now_ms = bench_now_us() / 1000;
	for (int s = 0; s < 2; s++) {
		const struct pollfd *p = &fds[(unsigned)s * (TUNNELS + 1)];

		if (p[0].revents & POLLIN)
			on_report(s);
		else if (p[0].revents)
			bench_die("a node is gone");
		for (unsigned i = 0; i < TUNNELS; i++)
			if (p[i + 1].revents & POLLIN)
				on_wire(s, i);
	}
	for (unsigned i = 0; i < TUNNELS; i++)
		if (lac_deadline_ms(world.lacs[i]) <= world.now_ms)
			lac_tick(world.lacs[i], world.now_ms);
}

static void for_ms(unsigned ms)
{
	uint64_t until = bench_now_us() + ms * 1000u;

	while (bench_now_us() < until)
		turn();
}

/* Both answer with what they are now. */
static void look(void)
{
	unsigned before[2];
	uint64_t until = bench_now_us() + STEP_LIMIT_US;

	for (int n = 0; n < 2; n++) {
		before[n] = world.sides[n].asked;
		order(n, ISSU_ORDER_REPORT);
	}
	while (bench_now_us() < until && ((world.sides[0].pid && world.sides[0].asked == before[0]) ||
					  (world.sides[1].pid && world.sides[1].asked == before[1])))
		turn();
}

static bool backlog(void)
{
	for (unsigned i = 0; i < TUNNELS; i++)
		if (lac_backlog(world.lacs[i]))
			return true;
	return false;
}

/* In sync, all calls up on the active and known to the standby, one digest. */
static bool settled(int active)
{
	const struct issu_report *a = &world.sides[active].report, *b = &world.sides[!active].report;

	return a->role == HA_ROLE_ACTIVE && b->role == HA_ROLE_STANDBY && a->sync == HA_SYNC_IN_SYNC &&
	       b->sync == HA_SYNC_IN_SYNC && world.up == world.calls && a->established == world.calls &&
	       b->established == world.calls && a->digest == b->digest && a->records == b->records && !backlog();
}

static bool await(int active)
{
	uint64_t until = bench_now_us() + STEP_LIMIT_US;

	do {
		look();
		if (settled(active))
			return true;
		for_ms(20);
	} while (bench_now_us() < until);
	return false;
}

/* ---- steps ------------------------------------------------------------------ */

static void hang_up_first(void *ctx, struct lac_call *call)
{
	bool *done = ctx;

	if (*done || !lac_call_is_up(call))
		return;
	*done = true;
	lac_hangup(call, world.now_ms, 1);
	world.calls--;
}

static void check(int active)
{
	const struct side *a = &world.sides[active], *b = &world.sides[!active];
	unsigned hung_up = 0, ended;
	bool ok = await(active);

	/* the new owner works: every tunnel places a call and hangs one up */
	world.now_ms = bench_now_us() / 1000;
	ended = world.ended;
	for (unsigned i = 0; i < TUNNELS; i++) {
		bool done = false;

		if (!lac_call(world.lacs[i], world.now_ms, NULL, NULL))
			bench_die("a LAC cannot place a call");
		world.calls++;
		lac_each_call(world.lacs[i], hang_up_first, &done);
		hung_up += done;
	}
	ok = await(active) && ok;
	ok = ok && hung_up == TUNNELS && !world.down && world.ended == ended && !world.ended && !world.mute_packets;
	printf("%s %-44s %s %s %u calls of %u, %u ended, digest %s, %s\n", ok ? "  ok   " : "  FAIL ", world.step,
	       release_names[a->release], active ? "(b)" : "(a)", a->report.established, world.calls, world.down + world.ended,
	       a->report.digest == b->report.digest ? "equal" : "DIFFERS",
	       b->report.versions[0] ? b->report.versions : a->report.versions[0] ? a->report.versions : "first release");
	if (!ok)
		printf("        a: role %u sync %u (%s), b: role %u sync %u (%s), %u up, %u/%u established\n",
		       world.sides[0].report.role, world.sides[0].report.sync, world.sides[0].report.reason,
		       world.sides[1].report.role, world.sides[1].report.sync, world.sides[1].report.reason, world.up,
		       world.sides[0].report.established, world.sides[1].report.established);
	fflush(stdout);
	ok ? passed++ : failed++;
	if (!ok) {
		/* what follows would only fail again, slowly */
		printf("%u passed, %u failed\n", passed, failed);
		exit(1);
	}
	world.down = world.ended = world.mute_packets = 0;
}

static void step(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void step(const char *fmt, ...)
{
	int n = snprintf(world.step, sizeof(world.step), "%s: ", world.mode);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(world.step + n, sizeof(world.step) - (size_t)n, fmt, ap);
	va_end(ap);
}

/* The standby is stopped, its software replaced, and started again. */
static void replace(int n, enum release release)
{
	enum release before = world.sides[n].release;

	step("%s standby becomes %s", release_names[before], release_names[release]);
	side_kill(n);
	for_ms(100);
	side_start(n, release);
	check(!n);
}

static void switch_to(int n)
{
	step("switchover %s -> %s", release_names[world.sides[!n].release], release_names[world.sides[n].release]);
	order(!n, ISSU_ORDER_SWITCH);
	check(n);
}

/* The active b dies; a, of whatever release, takes over, and b comes back. */
static void crash_b(void)
{
	enum release release = world.sides[1].release;

	step("%s dies, %s takes over", release_names[release], release_names[world.sides[0].release]);
	side_kill(1);
	for_ms(2500);
	side_start(1, release);
	check(0);
}

static uint16_t free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) || getsockname(fd, (struct sockaddr *)&addr, &len))
		bench_die("no port on loopback");
	close(fd);
	return ntohs(addr.sin_port);
}

static void story(const char *mode)
{
	world.mode = mode;
	world.port = free_port();
	world.calls = world.up = world.down = world.ended = world.mute_packets = 0;
	world.address = 0;
	side_start(0, RELEASE_OLD);
	side_start(1, RELEASE_OLD);
	lacs_start();
	for_ms(500);
	for (unsigned i = 0; i < TUNNELS; i++)
		for (unsigned c = 0; c < CALLS; c++, world.calls++)
			lac_call(world.lacs[i], world.now_ms, NULL, NULL);
	step("a pair of the old release");
	check(0);
	replace(1, RELEASE_NEW);	/* upgrade: standby first */
	switch_to(1);
	switch_to(0);			/* rollback */
	switch_to(1);
	crash_b();			/* the new one fails: the old one has everything */
	switch_to(1);
	replace(0, RELEASE_NEW);	/* upgrade: the other one */
	switch_to(0);
	replace(1, RELEASE_OLD);	/* downgrade: standby first */
	switch_to(1);
	crash_b();			/* the old one fails */
	switch_to(1);
	replace(0, RELEASE_OLD);
	switch_to(0);
	for (int n = 0; n < 2; n++)
		side_kill(n);
	for (unsigned i = 0; i < TUNNELS; i++)
		lac_free(world.lacs[i]);
}

int main(int argc, char **argv)
{
	if (argc != 3)
		bench_die("usage: mixed NEW-NODE OLD-NODE");
	world.programs[RELEASE_NEW] = argv[1];
	world.programs[RELEASE_OLD] = argv[2];
	story("hot");
	story("warm");
	printf("%u passed, %u failed\n", passed, failed);
	return 0;
}
