// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Readiness and time in, calls out.  One ev_check runs first in every wake-up
 * and gives the groups the time; packets are handed to their group by local
 * address, PPP events by tunnel ID (IDs are unique per box); one ev_prepare
 * runs every group and sets the one timer.  It comes last of all before the
 * loop sleeps, after the netlink queues have read their answers: whatever a
 * wake-up brought costs one commit, and nothing is left waiting for the next.
 */
#include "daemon/io_node.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "daemon/io_image.h"
#include "daemon/io_pppd.h"
#include "daemon/io_pppoe.h"
#include "daemon/io_store.h"
#include "daemon/log.h"
#include "daemon/pool.h"
#include "ha/link.h"
#include "netlink/kernel.h"
#include "netlink/udp.h"

#define LINK_FDS_MAX 16
#define LINK_PORT 1702

struct node_group;

struct link_watch {
	ev_io io;		/* first: the callback gets its address */
	struct node_group *owner;
	bool used;
};

struct node_group {
	struct io_node *node;
	struct group *group;
	struct ha_link *link;
	struct io_image *image;
	struct link_watch watches[LINK_FDS_MAX];
	struct io_pppoe *pppoe;		/* NULL: it has no such subscribers */
	uint16_t id_min, id_max;	/* of its tunnels, unless they are older than tunnel-ids */
	struct ha_id_range *not_ours;
	char epoch_path[256];
};

struct io_node {
	struct ev_loop *loop;
	const struct config *config;
	struct dp *dp;
	struct io_pppd *pppd;
	struct pool_set *pools;
	struct node_group *groups;
	struct group **group_ptrs;
	size_t count;
	struct ppp_events ppp_events;
	ev_check check;
	ev_prepare prepare;
	ev_timer timer;
	int lock_fd;
	bool flushed;		/* what an earlier daemon left in the kernel, and nobody took over */
};

uint64_t io_now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static int64_t wall_offset_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000 - (int64_t)io_now_ms();
}

/* ---- what a group asks of the shell ------------------------------------- */

static void shell_random(void *ctx, void *buf, size_t len)
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

static void shell_link_send(void *ctx, const uint8_t *data, size_t len)
{
	struct node_group *ng = ctx;

	if (ng->link)
		ha_link_send(ng->link, data, len);
}

static void shell_link_reset(void *ctx, const char *why)
{
	struct node_group *ng = ctx;

	if (ng->link)
		ha_link_reset(ng->link, why);
}

static uint64_t epoch_read(const char *path)
{
	FILE *f = fopen(path, "re");
	uint64_t epoch = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%" SCNu64, &epoch) != 1)
		log_warnx("%s holds no epoch; starting from 0", path);
	fclose(f);
	return epoch;
}

/*
 * Over the old number, always as long: a file replaced by a new one may be
 * empty after a power loss, and a takeover has no time to wait for a disk.
 */
static int shell_persist_epoch(void *ctx, uint64_t epoch)
{
	struct node_group *ng = ctx;
	char text[32];
	int fd, rc = 0, n = snprintf(text, sizeof(text), "%-20" PRIu64 "\n", epoch);

	fd = open(ng->epoch_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (pwrite(fd, text, (size_t)n, 0) == n)
		sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);	/* on its way; waits for nothing */
	else
		rc = -EIO;
	close(fd);
	return rc;
}

/* ---- HA link ------------------------------------------------------------ */

static void link_up(void *ctx)
{
	struct node_group *ng = ctx;

	group_link_up(ng->group, io_now_ms());
}

static void link_down(void *ctx, const char *why)
{
	struct node_group *ng = ctx;

	(void)why;	/* the link has logged it */
	group_link_down(ng->group, io_now_ms());
}

static void link_trouble(void *ctx, const char *why)
{
	struct node_group *ng = ctx;

	ha_link_trouble(group_ha(ng->group), why);
}

static void link_input(void *ctx, const uint8_t *data, size_t len)
{
	struct node_group *ng = ctx;

	group_link_input(ng->group, io_now_ms(), data, len);
}

static void link_ready(struct ev_loop *loop, ev_io *io, int revents)
{
	struct link_watch *w = (struct link_watch *)io;

	(void)loop;
	ha_link_ready(w->owner->link, io->fd, (revents & EV_READ ? 1 : 0) | (revents & EV_WRITE ? 2 : 0), io_now_ms());
}

static void link_watch(void *ctx, int fd, int events)
{
	struct node_group *ng = ctx;
	struct link_watch *w = NULL, *spare = NULL;

	for (size_t i = 0; i < LINK_FDS_MAX; i++) {
		if (ng->watches[i].used && ng->watches[i].io.fd == fd)
			w = &ng->watches[i];
		else if (!ng->watches[i].used && !spare)
			spare = &ng->watches[i];
	}
	if (!w && !events)
		return;
	if (!w)
		w = spare;
	if (!w) {
		log_warnx("redundancy group %s: too many connections on the HA link", group_name(ng->group));
		return;
	}
	if (w->used)
		ev_io_stop(ng->node->loop, &w->io);
	w->used = events != 0;
	w->owner = ng;
	if (!events)
		return;
	ev_io_init(&w->io, link_ready, fd, (events & 1 ? EV_READ : 0) | (events & 2 ? EV_WRITE : 0));
	ev_set_priority(&w->io, 1);
	ev_io_start(ng->node->loop, &w->io);
}

static int link_start(struct node_group *ng, const struct config_redundancy_group *rg, char why[256])
{
	struct ha_link_config lc = { .key_len = rg->key_len, .connect_timeout_ms = 2000, .retry_ms = 200 };
	struct ha_link_ops lo = { .ctx = ng, .up = link_up, .down = link_down, .input = link_input,
				  .trouble = link_trouble, .watch = link_watch };
	int rc;

	snprintf(lc.node, sizeof(lc.node), "%s", ng->node->config->hostname);
	snprintf(lc.group, sizeof(lc.group), "%s", rg->name);
	memcpy(lc.key, rg->key, sizeof(lc.key));
	udp_sockaddr(&lc.local, &rg->local, rg->local.port ? rg->local.port : LINK_PORT);
	udp_sockaddr(&lc.peer, &rg->peer, rg->peer.port ? rg->peer.port : LINK_PORT);
	/* the peer's name is not known yet, its address is: the lower address dials */
	lc.dial = memcmp(rg->local.addr, rg->peer.addr, sizeof(rg->local.addr)) < 0;
	ng->link = ha_link_new(&lc, &lo);
	if (!ng->link) {
		snprintf(why, 256, "redundancy group %s: the HA link cannot be made", rg->name);
		return -ENOMEM;
	}
	rc = ha_link_start(ng->link, io_now_ms());
	if (rc)
		snprintf(why, 256, "redundancy group %s: the HA link cannot listen: %s", rg->name, strerror(-rc));
	return rc;
}

/* ---- dispatch ----------------------------------------------------------- */

static struct group *group_of_tunnel(struct io_node *node, uint16_t tunnel_id)
{
	struct node_group *ng = &node->groups[0];	/* of no group: it knows no such tunnel */

	for (size_t i = 0; i < node->count; i++)
		if (tunnel_id >= node->groups[i].id_min && tunnel_id <= node->groups[i].id_max)
			ng = &node->groups[i];
	for (size_t i = 0; i < node->count && !l2tp_tunnel_find(group_l2tp(ng->group), tunnel_id); i++)
		if (l2tp_tunnel_find(group_l2tp(node->groups[i].group), tunnel_id))
			return node->groups[i].group;
	return ng->group;
}

static struct group *group_of_key(struct io_node *node, struct ppp_key key)
{
	for (size_t i = 0; !key.tunnel_id && i < node->count; i++)
		if (group_has_access(node->groups[i].group, key.session_id))
			return node->groups[i].group;
	return group_of_tunnel(node, key.tunnel_id);
}

static void on_packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		      const uint8_t *data, size_t len)
{
	struct io_node *node = ctx;

	for (size_t i = 0; i < node->count; i++)
		if (group_owns_address(node->groups[i].group, local)) {
			group_packet(node->groups[i].group, io_now_ms(), local, peer, data, len);
			return;
		}
}

static void on_early(void *ctx, const uint8_t *data, size_t len)
{
	struct io_node *node = ctx;

	if (node->pppd)
		io_pppd_early(node->pppd, data, len);
}

static void on_carrier(void *ctx)
{
	struct io_node *node = ctx;

	for (size_t i = 0; i < node->count; i++)
		if (node->groups[i].group)
			group_carrier(node->groups[i].group, io_now_ms());
}

static void ppp_auth_request(void *ctx, struct ppp_key key, const struct ppp_auth *auth)
{
	group_ppp_events()->auth_request(group_of_key(ctx, key), key, auth);
}

static void ppp_up(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	group_ppp_events()->up(group_of_key(ctx, key), key, up);
}

static void ppp_changed(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	group_ppp_events()->changed(group_of_key(ctx, key), key, up);
}

static void ppp_injected(void *ctx, struct ppp_key key, int err)
{
	group_ppp_events()->injected(group_of_key(ctx, key), key, err);
}

static void ppp_down(void *ctx, struct ppp_key key, const struct ppp_down *down)
{
	group_ppp_events()->down(group_of_key(ctx, key), key, down);
}

static void ppp_adopted(void *ctx, struct ppp_key key, int session_fd, int tunnel_fd)
{
	group_ppp_events()->adopted(group_of_key(ctx, key), key, session_fd, tunnel_fd);
}

static bool ppp_orphan(void *ctx, struct ppp_key key, const struct ppp_up *up)
{
	return group_ppp_events()->orphan(group_of_key(ctx, key), key, up);
}

/* ---- the loop ----------------------------------------------------------- */

static void on_check(struct ev_loop *loop, ev_check *w, int revents)
{
	struct io_node *node = w->data;
	uint64_t now = io_now_ms();

	(void)loop;
	(void)revents;
	for (size_t i = 0; i < node->count; i++)
		group_now(node->groups[i].group, now);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
}

static void flush_when_settled(struct io_node *node)
{
	for (size_t i = 0; !node->flushed && i < node->count; i++)
		if (group_adopting(node->groups[i].group))
			return;
	if (!node->flushed)
		node->dp->ops->flush(node->dp, NULL, NULL);
	node->flushed = true;
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct io_node *node = w->data;
	uint64_t now = io_now_ms(), next = UINT64_MAX;

	(void)revents;
	flush_when_settled(node);
	for (size_t i = 0; i < node->count; i++) {
		struct node_group *ng = &node->groups[i];
		uint64_t d;

		group_run(ng->group, now);
		if (now >= group_deadline_ms(ng->group)) {
			/* confirmations that came while this wake-up worked are in time */
			if (ng->link)
				ha_link_read(ng->link, now);
			group_tick(ng->group, now);
		}
		if (ng->link && now >= ha_link_deadline_ms(ng->link))
			ha_link_tick(ng->link, now);
		d = group_deadline_ms(ng->group);
		next = d < next ? d : next;
		d = ng->link ? ha_link_deadline_ms(ng->link) : UINT64_MAX;
		next = d < next ? d : next;
	}
	ev_timer_stop(loop, &node->timer);
	if (next == UINT64_MAX)
		return;
	ev_timer_set(&node->timer, next > now ? (double)(next - now) / 1000. : 0., 0.);
	ev_timer_start(loop, &node->timer);
}

static void shell_access_end(void *ctx, uint16_t session_id, const char *why)
{
	struct node_group *ng = ctx;

	io_pppoe_end(ng->pppoe, session_id, why);
}

static int shell_access_socket(void *ctx, const struct group_access *access)
{
	struct node_group *ng = ctx;

	return ng->pppoe ? io_pppoe_socket(ng->pppoe, access) : -EAGAIN;
}

static void shell_access_announce(void *ctx)
{
	struct node_group *ng = ctx;

	io_pppoe_announce(ng->pppoe);
}

/* Who is sent to at an address of this box sends from there himself. */
static bool shell_own_address(void *ctx, const struct l2tp_endpoint *address)
{
	struct sockaddr_storage to, from = { 0 };
	socklen_t len = udp_sockaddr(&to, address, L2TP_PORT), from_len = sizeof(from);
	int fd = socket(to.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct l2tp_endpoint own;
	bool is = false;

	(void)ctx;
	if (fd < 0)
		return false;
	if (!connect(fd, (struct sockaddr *)&to, len) && !getsockname(fd, (struct sockaddr *)&from, &from_len))
		is = udp_endpoint(&own, &from) && endpoint_addr_equal(&own, address);
	close(fd);
	return is;
}

/* ---- life --------------------------------------------------------------- */

static const struct config_redundancy_group *redundancy_at(const struct config *config, size_t index)
{
	const struct config_redundancy_group *rg = config->redundancy_groups;

	while (rg && index--)
		rg = rg->next;
	return rg;
}

/* No ID is in two groups of a box: records of a tunnel that would be are refused. */
static bool ids_of_others(struct node_group *ng, size_t i)
{
	struct io_node *node = ng->node;

	ng->not_ours = calloc(node->count, sizeof(*ng->not_ours));
	for (size_t o = 0, n = 0; ng->not_ours && o < node->count; o++)
		if (o != i) {
			config_tunnel_ids(node->config, o, &ng->not_ours[n].first, &ng->not_ours[n].last);
			n++;
		}
	return ng->not_ours;
}

static int group_make(struct io_node *node, size_t i, const struct io_node_config *c, char why[256])
{
	struct node_group *ng = &node->groups[i];
	const struct config_redundancy_group *rg = redundancy_at(node->config, i);
	struct group_config gc = {
		.config = node->config,
		.rg = rg,
		.pools = node->pools,
		.unix_minus_monotonic_ms = wall_offset_ms(),
	};
	struct ha_image_ops io;
	struct group_ops go = { .ctx = ng, .random = shell_random, .link_send = shell_link_send,
				.link_reset = shell_link_reset, .persist_epoch = shell_persist_epoch,
				.access_end = shell_access_end, .access_socket = shell_access_socket,
				.access_announce = shell_access_announce, .own_address = shell_own_address };

	config_tunnel_ids(node->config, i, &ng->id_min, &ng->id_max);
	gc.id_min = ng->id_min;
	gc.id_max = ng->id_max;
	ng->node = node;
	if (!ids_of_others(ng, i)) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	gc.not_ours = ng->not_ours;
	gc.not_ours_count = node->count - 1;
	snprintf(ng->epoch_path, sizeof(ng->epoch_path), "%s/epoch.%s", c->state_dir, rg ? rg->name : "none");
	gc.epoch = epoch_read(ng->epoch_path);
	ng->image = io_image_new(c->run_dir, rg ? rg->name : "none");
	if (ng->image) {
		io_image_ops(ng->image, &io);
		gc.image = &io;
		io_boot_id(gc.boot_id);
	}
	ng->group = group_new(&gc, &go, node->dp, &io_pppd_ops, node->pppd, io_now_ms());
	node->group_ptrs[i] = ng->group;
	if (!ng->group) {
		snprintf(why, 256, "out of memory");
		return -ENOMEM;
	}
	return 0;
}

/*
 * Groups that would share a number are a mistake of the configuration that is found out too late to be
 * refused by it: whoever starts empty loses what the file as it was would keep.
 */
static int group_take_back(struct node_group *ng, char error[256])
{
	char why[HA_REASON_MAX] = "";
	size_t size;
	uint8_t *found = ng->image ? io_image_found(ng->image, &size) : NULL;
	int rc = found ? group_restore(ng->group, found, size, why) : 0;

	if (rc == -ERANGE) {
		snprintf(error, 256, "%s; start with the groups as they were, or remove %.60s to give its sessions up", why,
			 io_image_path(ng->image));
		return rc;
	}
	if (rc)
		log_warnx("%s is not used, this node starts empty: %s", io_image_path(ng->image), why);
	return 0;
}

struct io_node *io_node_new(struct ev_loop *loop, const struct io_node_config *c, char why[256])
{
	struct io_node *node = calloc(1, sizeof(*node));
	struct dp_events de = { .ctx = node, .packet = on_packet, .early = on_early, .carrier = on_carrier };
	struct io_pppd_config pc = { .rundir = c->run_dir, .plugin_path = c->plugin_path, .log_path = c->pppd_log };

	if (!node) {
		snprintf(why, 256, "out of memory");
		return NULL;
	}
	node->loop = loop;
	node->config = c->config;
	node->lock_fd = -1;
	for (node->count = 0; redundancy_at(c->config, node->count); node->count++)
		;
	node->count = node->count ? node->count : 1;
	node->groups = calloc(node->count, sizeof(*node->groups));
	node->group_ptrs = calloc(node->count, sizeof(struct group *));
	node->pools = pool_set_new(c->config);
	if (!node->groups || !node->group_ptrs || !node->pools) {
		snprintf(why, 256, "out of memory");
		goto fail;
	}
	node->lock_fd = io_image_lock(c->run_dir);
	if (node->lock_fd < 0) {
		snprintf(why, 256, "%.200s/l2tphad.lock: %s", c->run_dir, node->lock_fd == -EBUSY ? "another l2tphad runs here" :
			 strerror(-node->lock_fd));
		goto fail;
	}
	node->dp = dp_kernel_new(loop, &de, why);
	if (!node->dp)
		goto fail;
	io_store_start(node->dp);
	node->ppp_events = (struct ppp_events){ .auth_request = ppp_auth_request, .up = ppp_up, .changed = ppp_changed,
						.injected = ppp_injected, .down = ppp_down, .orphan = ppp_orphan,
						.adopted = ppp_adopted };
	node->pppd = io_pppd_new(loop, &pc, &node->ppp_events, node);
	if (!node->pppd) {
		snprintf(why, 256, "pppd does not start: %s", strerror(errno));
		goto fail;
	}
	for (size_t i = 0; i < node->count; i++)
		if (group_make(node, i, c, why))
			goto fail;
	for (size_t i = 0; i < node->count; i++)
		if (group_take_back(&node->groups[i], why))
			goto fail;
	for (size_t i = 0; i < node->count; i++)
		group_resume(node->groups[i].group, io_now_ms());
	for (size_t i = 0; i < node->count; i++) {
		const struct config_redundancy_group *rg = redundancy_at(c->config, i);

		if (group_start(node->groups[i].group, io_now_ms(), why))
			goto fail;
		if (rg && rg->peer.family && c->config->mode_sso && link_start(&node->groups[i], rg, why))
			goto fail;
	}
	for (size_t i = 0; i < node->count; i++) {
		node->groups[i].pppoe = io_pppoe_new(loop, c->config, node->groups[i].group, i, node->count, why);
		if (!node->groups[i].pppoe && why[0])
			goto fail;
	}
	on_carrier(node);
	ev_check_init(&node->check, on_check);
	ev_set_priority(&node->check, EV_MAXPRI);
	node->check.data = node;
	ev_check_start(loop, &node->check);
	ev_prepare_init(&node->prepare, on_prepare);
	ev_set_priority(&node->prepare, EV_MINPRI);
	node->prepare.data = node;
	ev_prepare_start(loop, &node->prepare);
	ev_timer_init(&node->timer, on_timer, 0., 0.);
	return node;
fail:
	io_node_free(node);
	return NULL;
}

static uint32_t hold_ms(const struct io_node *node)
{
	uint32_t hold = 0;

	for (size_t i = 0; i < node->count; i++) {
		const struct config_redundancy_group *rg = redundancy_at(node->config, i);

		if (rg && group_hold_ms(rg) && (!hold || group_hold_ms(rg) < hold))
			hold = group_hold_ms(rg);
	}
	return hold;
}

void io_node_free(struct io_node *node)
{
	if (!node)
		return;
	if (ev_is_active(&node->check)) {
		ev_check_stop(node->loop, &node->check);
		ev_prepare_stop(node->loop, &node->prepare);
		ev_timer_stop(node->loop, &node->timer);
	}
	for (size_t i = 0; node->groups && i < node->count; i++) {
		io_pppoe_free(node->groups[i].pppoe);
		node->groups[i].pppoe = NULL;
		ha_link_free(node->groups[i].link);
		node->groups[i].link = NULL;
		group_free(node->groups[i].group);
		io_image_free(node->groups[i].image);
		free(node->groups[i].not_ours);
	}
	if (node->pppd)
		io_pppd_free(node->pppd);
	if (node->dp)
		node->dp->ops->leave(node->dp, hold_ms(node));
	if (node->lock_fd >= 0)
		close(node->lock_fd);
	pool_set_free(node->pools);
	free(node->groups);
	free(node->group_ptrs);
	free(node);
}

struct group **io_node_groups(struct io_node *node, size_t *count)
{
	*count = node->count;
	return node->group_ptrs;
}

struct pool_set *io_node_pools(struct io_node *node)
{
	return node->pools;
}
