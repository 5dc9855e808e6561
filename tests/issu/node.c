// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One LNS of the test of mixed releases: the group as l2tphad runs it, over
 * the null data plane, with the real HA link, in a poll() loop that does what
 * daemon/io_node.c does; told what to do by tests/issu/mixed.c.  PPP is a
 * model that accepts everybody and reports a captured state.
 *
 * Built twice: in this tree, and in that of the release before by
 * tests/issu/build-previous.  So it uses only what both have, and nothing of
 * the other tests, which change with their tree.
 *
 *   node active|standby PORT hot|warm TUNNELS
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>

#include "daemon/group.h"
#include "ha/link.h"
#include "netlink/null.h"
#include "pppd-plugin/proto.h"
#include "tests/issu/issu.h"

#define LINK_FDS 16
#define PACKET_MAX 1500

struct options {
	bool standby, warm;	/* standby: its node name, and it waits for the other's HA link */
	uint16_t port;
	unsigned tunnels;
	int sockets[ISSU_TUNNELS_MAX];
};

struct engine {
	struct node *node;
	struct { struct ppp_key key; bool inject, verdict; uint32_t address; } *pending;
	size_t len, size;
	uint32_t up;
};

struct node {
	struct options options;
	struct config *config;
	struct dp *dp;
	struct group *group;
	struct ha_link *link;
	struct { int fd, events; } watch[LINK_FDS];
	struct pollfd fds[LINK_FDS + 1 + ISSU_TUNNELS_MAX];
	struct engine engine;
	struct issu_report last;
};

static const char config_text[] =
	"hostname %s\n"
	"vpdn enable\n"
	"ip local pool SUBSCRIBERS 10.64.0.2 10.64.255.254\n"
	"interface virtual-template 1\n"
	" ip address 10.64.0.1\n"
	" peer default ip address pool SUBSCRIBERS\n"
	"vpdn-group WHOLESALE\n"
	" accept-dialin\n"
	"  protocol l2tp\n"
	"  virtual-template 1\n"
	" no l2tp tunnel authentication\n";
static const char config_redundancy[] =
	"redundancy\n"
	" mode sso\n"
	" group 1\n"
	"  virtual-address 10.1.0.254/24 interface eth0\n"
	"  local address 127.0.0.%d\n"
	"  peer address 127.0.0.%d port %u\n"
	"  pre-shared-key 0 000102030405060708090a0b0c0d0e0f\n"
	"  priority %d\n"
	"  standby %s\n";

static const struct l2tp_endpoint lns_address = { .family = 4, .addr = { 10, 1, 0, 254 }, .port = 1701 };

/* To the group the LACs have addresses of their own: the socket says which it is. */
static struct l2tp_endpoint lac_address(unsigned tunnel)
{
	return (struct l2tp_endpoint){ .family = 4, .addr = { 10, 1, 1, (uint8_t)(tunnel + 1) }, .port = 1701 };
}

static void die(const char *what)
{
	fprintf(stderr, "issu-node: %s\n", what);
	exit(1);
}

static uint64_t clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static uint64_t now_ms(void)
{
	return clock_us(CLOCK_BOOTTIME) / 1000;
}

/* ---- the PPP engine ------------------------------------------------------ */

static void todo_add(struct engine *engine, struct ppp_key key, bool inject, bool verdict, uint32_t address)
{
	if (engine->len == engine->size) {
		engine->size = engine->size ? engine->size * 2 : 256;
		engine->pending = realloc(engine->pending, engine->size * sizeof(*engine->pending));
		if (!engine->pending)
			die("out of memory");
	}
	engine->pending[engine->len].key = key;
	engine->pending[engine->len].inject = inject;
	engine->pending[engine->len].verdict = verdict;
	engine->pending[engine->len++].address = address;
}

static int ppp_start(void *ctx, const struct ppp_params *p)
{
	todo_add(ctx, p->key, p->state != NULL, false, 0);
	return 0;
}

static void ppp_nothing(void *ctx, struct ppp_key key)
{
	(void)ctx;
	(void)key;
}

static void ppp_reply(void *ctx, struct ppp_key key, const struct ppp_verdict *verdict)
{
	if (!verdict->ok)
		die("a subscriber was refused");
	todo_add(ctx, key, false, true, verdict->peer_addr);
}

static const struct ppp_engine_ops ppp_ops = {
	.start = ppp_start, .activate = ppp_nothing, .kill = ppp_nothing, .terminate = ppp_nothing,
	.auth_reply = ppp_reply,
};

static void report_up(struct engine *engine, struct ppp_key key, uint32_t address)
{
	struct ppp_state s = { .version = PPP_STATE_VERSION, .got = { LCP_MRU | LCP_MAGIC, 1460, 0, 0xdeadbeef },
			       .his = { LCP_MRU | LCP_MAGIC, 1460, 0, 0xcafe }, .lcp_id = 1, .ipcp_id = 1,
			       .ipcp_flags = IPCP_GOT_ADDR | IPCP_HIS_ADDR, .local_addr = htonl(0x0a400001),
			       .peer_addr = address };
	struct ppp_up up = { .local_addr = s.local_addr, .peer_addr = address, .mru = 1460, .peer_mru = 1460,
			     .local_magic = s.got.magic, .peer_magic = s.his.magic };
	uint8_t state[PPP_STATE_MAX];
	int len;

	snprintf(s.user, sizeof(s.user), "subscriber%u.%u@isp.example", key.tunnel_id, key.session_id);
	snprintf(up.user, sizeof(up.user), "%s", s.user);
	snprintf(up.ifname, sizeof(up.ifname), "lns%u-%u", key.tunnel_id, key.session_id);
	len = proto_encode_state(state, sizeof(state), &s);
	if (len < 0)
		die("a state cannot be encoded");
	up.state = state;
	up.state_len = (size_t)len;
	group_ppp_events()->up(engine->node->group, key, &up);
}

static void engine_run(struct engine *engine)
{
	const struct ppp_events *events = group_ppp_events();
	struct ppp_auth auth = { .kind = PPP_AUTH_NONE };

	for (size_t i = 0; i < engine->len; i++) {
		struct ppp_key key = engine->pending[i].key;

		if (engine->pending[i].verdict) {
			report_up(engine, key, engine->pending[i].address);
			engine->up++;
		} else if (engine->pending[i].inject) {
			events->injected(engine->node->group, key, 0);
			engine->up++;
		} else {
			events->auth_request(engine->node->group, key, &auth);
		}
	}
	engine->len = 0;
}

/* ---- what the group and the link ask ------------------------------------- */

static void op_random(void *ctx, void *buf, size_t len)
{
	(void)ctx;
	while (len) {
		ssize_t n = getrandom(buf, len, 0);

		if (n <= 0)
			continue;
		buf = (uint8_t *)buf + n;
		len -= (size_t)n;
	}
}

static void op_link_send(void *ctx, const uint8_t *data, size_t len)
{
	ha_link_send(((struct node *)ctx)->link, data, len);
}

static void op_link_reset(void *ctx, const char *why)
{
	ha_link_reset(((struct node *)ctx)->link, why);
}

static int op_persist_epoch(void *ctx, uint64_t epoch)
{
	(void)ctx;
	(void)epoch;
	return 0;
}

static void dp_transmit(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
			const uint8_t *data, size_t len)
{
	struct node *node = ctx;
	unsigned tunnel = peer->addr[3] - 1u;

	(void)local;
	/* what does not fit is lost, as on a network */
	if (tunnel < node->options.tunnels)
		send(node->options.sockets[tunnel], data, len, MSG_DONTWAIT);
}

/*
 * The active finds nobody on its address when it starts, the standby finds the
 * active.  Who has become active since finds nobody but itself.
 */
static int dp_probe(void *ctx, const struct dp_vip *vip)
{
	const struct node *node = ctx;
	struct ha_info info;

	(void)vip;
	if (!node->options.standby || !node->group)
		return node->options.standby;
	ha_info(group_ha(node->group), &info);
	return info.role != HA_ROLE_ACTIVE;
}

static void link_up(void *ctx)
{
	group_link_up(((struct node *)ctx)->group, now_ms());
}

static void link_down(void *ctx, const char *why)
{
	(void)why;
	group_link_down(((struct node *)ctx)->group, now_ms());
}

static void link_input(void *ctx, const uint8_t *data, size_t len)
{
	group_link_input(((struct node *)ctx)->group, now_ms(), data, len);
}

static void link_watch(void *ctx, int fd, int events)
{
	struct node *node = ctx;
	int spare = -1;

	for (int i = 0; i < LINK_FDS; i++) {
		if (node->watch[i].events && node->watch[i].fd == fd) {
			node->watch[i].events = events;
			return;
		}
		if (!node->watch[i].events)
			spare = i;
	}
	if (!events)
		return;
	if (spare < 0)
		die("too many connections");
	node->watch[spare].fd = fd;
	node->watch[spare].events = events;
}

/* ---- the loop ------------------------------------------------------------ */

static uint64_t deadline_us(const struct node *node)
{
	uint64_t d = group_deadline_ms(node->group), l = node->link ? ha_link_deadline_ms(node->link) : UINT64_MAX;

	if (dp_null_pending(node->dp) || node->engine.len)
		return 0;
	d = l < d ? l : d;
	return d == UINT64_MAX ? d : d * 1000;
}

static void receive(struct node *node, unsigned tunnel)
{
	struct l2tp_endpoint peer = lac_address(tunnel);
	uint8_t data[PACKET_MAX];
	ssize_t len;

	while ((len = recv(node->options.sockets[tunnel], data, sizeof(data), MSG_DONTWAIT)) > 0)
		group_packet(node->group, now_ms(), &lns_address, &peer, data, (size_t)len);
}

static size_t wait_for(struct node *node, struct pollfd *extra)
{
	uint64_t now = clock_us(CLOCK_BOOTTIME), due = deadline_us(node), wait_us = due > now ? due - now : 0;
	struct timespec ts;
	size_t n = 0, links;

	for (int i = 0; i < LINK_FDS; i++)
		if (node->watch[i].events)
			node->fds[n++] = (struct pollfd){ .fd = node->watch[i].fd,
				.events = (short)((node->watch[i].events & 1 ? POLLIN : 0) |
						  (node->watch[i].events & 2 ? POLLOUT : 0)) };
	links = n;
	for (unsigned i = 0; i < node->options.tunnels; i++)
		node->fds[n++] = (struct pollfd){ .fd = node->options.sockets[i], .events = POLLIN };
	if (extra)
		node->fds[n++] = *extra;
	wait_us = wait_us < 100000 ? wait_us : 100000;
	ts = (struct timespec){ 0, (long)wait_us * 1000 };
	ppoll(node->fds, n, &ts, NULL);
	if (extra)
		extra->revents = node->fds[n - 1].revents;
	return links;
}

static void node_turn(struct node *node, struct pollfd *extra)
{
	size_t links = wait_for(node, extra);
	uint64_t now = now_ms();

	group_now(node->group, now);
	for (size_t i = 0; i < links; i++) {
		short r = node->fds[i].revents;
		int events = (r & (POLLIN | POLLHUP | POLLERR) ? 1 : 0) | (r & (POLLOUT | POLLHUP | POLLERR) ? 2 : 0);

		if (events)
			ha_link_ready(node->link, node->fds[i].fd, events, now);
	}
	for (unsigned i = 0; i < node->options.tunnels; i++) {
		if (node->fds[links + i].revents)
			receive(node, i);
	}
	now = now_ms();
	dp_null_run(node->dp, now);
	engine_run(&node->engine);
	group_run(node->group, now);
	if (now >= group_deadline_ms(node->group))
		group_tick(node->group, now);
	if (node->link && now >= ha_link_deadline_ms(node->link))
		ha_link_tick(node->link, now);
}

/* ---- orders ------------------------------------------------------------- */

static void report(struct node *node, bool asked)
{
	struct issu_report *last = &node->last;
	struct l2tp_counters counters;
	struct ha_info info;
	struct issu_report now;

	ha_info(group_ha(node->group), &info);
	l2tp_counters(group_l2tp(node->group), &counters);
	now = (struct issu_report){
		.role = info.role, .sync = info.sync, .records = info.records, .established = counters.sessions_established,
		.ppp_up = node->engine.up, .asked = asked, .epoch = info.epoch, .seq = info.seq,
		.digest = ha_digest(group_ha(node->group)), .late = info.late_commits, .refused = last->refused,
	};

	if (!asked && now.role == last->role && now.sync == last->sync && now.established == last->established)
		return;
	snprintf(now.reason, sizeof(now.reason), "%s", info.sync_reason);
	if (now.refused)
		snprintf(now.reason, sizeof(now.reason), "%s", last->reason);
#ifdef ISSU_VERSIONS
	ha_info_versions(&info, now.versions);
#endif
	*last = now;
	if (send(ISSU_FD_ORDERS, &now, sizeof(now), 0) < 0)
		exit(1);
}

static void obey(struct node *node)
{
	struct issu_report *last = &node->last;
	char order, reason[HA_REASON_MAX] = "";

	if (recv(ISSU_FD_ORDERS, &order, 1, 0) != 1)
		exit(0);
	switch ((enum issu_order)order) {
	case ISSU_ORDER_REPORT:
		report(node, true);
		break;
	case ISSU_ORDER_SWITCH:
		last->refused = group_switchover(node->group, now_ms(), false, reason) != 0;
		snprintf(last->reason, sizeof(last->reason), "%s", reason);
		report(node, true);
		break;
	}
}

/* ---- life ---------------------------------------------------------------- */

static struct config *make_config(const struct options *o)
{
	bool standby = o->standby;
	char text[2048], error[256] = "";
	struct config *config;
	int n;

	n = snprintf(text, sizeof(text), config_text, standby ? "lns-b" : "lns-a");
	snprintf(text + n, sizeof(text) - (size_t)n, config_redundancy, standby ? 2 : 1, standby ? 1 : 2, o->port,
			 standby ? 90 : 100, o->warm ? "warm" : "hot");
	config = config_parse("issu", text, error);
	if (!config || config_check(config, error))
		die(error);
	return config;
}

static void start_link(struct node *node)
{
	const struct config_redundancy_group *rg = node->config->redundancy_groups;
	struct ha_link_config lc = { .dial = !node->options.standby, .key_len = rg->key_len,
				     .connect_timeout_ms = 2000, .retry_ms = 20 };
	struct ha_link_ops lo = { .ctx = node, .up = link_up, .down = link_down, .input = link_input, .watch = link_watch };
	struct sockaddr_in *local = (struct sockaddr_in *)&lc.local, *peer = (struct sockaddr_in *)&lc.peer;

	snprintf(lc.node, sizeof(lc.node), "%s", node->config->hostname);
	snprintf(lc.group, sizeof(lc.group), "%s", rg->name);
	memcpy(lc.key, rg->key, sizeof(lc.key));
	*local = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons(node->options.port) };
	*peer = *local;
	memcpy(&local->sin_addr, rg->local.addr, 4);
	memcpy(&peer->sin_addr, rg->peer.addr, 4);
	node->link = ha_link_new(&lc, &lo);
	if (!node->link || ha_link_start(node->link, now_ms()))
		die("the HA link does not start");
}

static struct node *node_new(const struct options *options)
{
	struct node *node = calloc(1, sizeof(*node));
	struct dp_null_config dc = { .transmit = dp_transmit, .probe = dp_probe, .ctx = node };
	struct group_ops go = { .ctx = node, .random = op_random, .link_send = op_link_send,
				.link_reset = op_link_reset, .persist_epoch = op_persist_epoch };
	struct group_config gc = { .id_min = 1, .id_max = 65535,
				   .unix_minus_monotonic_ms = (int64_t)(clock_us(CLOCK_REALTIME) / 1000 - now_ms()) };
	struct dp_events de = { .ctx = node };
	char why[256] = "";

	if (!node)
		die("out of memory");
	node->options = *options;
	node->engine.node = node;
	node->config = make_config(options);
	node->dp = dp_null_new(&dc, &de);
	gc.config = node->config;
	gc.rg = node->config->redundancy_groups;
	dp_null_set_time(node->dp, now_ms());
	node->group = group_new(&gc, &go, node->dp, &ppp_ops, &node->engine, now_ms());
	if (!node->group || group_start(node->group, now_ms(), why))
		die(why);
	start_link(node);
	return node;
}

int main(int argc, char **argv)
{
	struct pollfd orders = { .fd = ISSU_FD_ORDERS, .events = POLLIN };
	struct options options = { 0 };
	struct node *node;

	if (argc != 5 || (options.tunnels = (unsigned)atoi(argv[4])) > ISSU_TUNNELS_MAX)
		die("usage: node active|standby PORT hot|warm TUNNELS");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	options.standby = strcmp(argv[1], "active") != 0;
	options.port = (uint16_t)atoi(argv[2]);
	options.warm = !strcmp(argv[3], "warm");
	for (unsigned i = 0; i < options.tunnels; i++)
		options.sockets[i] = ISSU_FD_ORDERS + 1 + (int)i;
	node = node_new(&options);
	node->last.role = UINT32_MAX;
	for (;;) {
		node_turn(node, &orders);
		if (orders.revents)
			obey(node);
		report(node, false);
	}
}
