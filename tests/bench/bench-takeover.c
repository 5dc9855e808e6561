// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a takeover costs the daemon, and how long tunnels take to be in step
 * with their peers again.  A pair and its LACs in one process: the groups of
 * l2tphad over the null data plane, the real HA link between them, packets
 * from hand to hand.  Only what the new active's process does is counted.
 *
 *   takeover_hot      processor time from the claim until every tunnel has
 *                     probed its peer; hot sessions forward from the moment
 *                     the fence is open, which is before that.  1000 tunnels
 *                     with 1, 10 and 60 sessions.
 *   resync_time       from the takeover until all tunnels are resynced, with
 *                     0, 4, 100 and 250 messages of each peer unanswered when
 *                     the active died, and `l2tp tunnel resync` 4 and 250.
 *   scale_*           8000 tunnels of two sessions with resync 4, retries 30
 *                     and a first timeout of 8 s; 20 tunnels of 500 sessions
 *                     with resync 500: one switchover, nothing lost.
 *
 *   bench-takeover [--only hot|resync|scale]
 */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "daemon/log.h"
#include "tests/bench/bench.h"
#include "tests/bench/control.h"

#define LIMIT_US 240000000u
#define OPEN_AT_ONCE 100	/* tunnels; the LNS has a limit for those half open */

struct packet {
	unsigned lac;
	size_t len;
	uint8_t data[CONTROL_PACKET_MAX];
};
struct queue {
	struct packet *packets;
	size_t len, size;
};

struct world;
struct box {
	struct world *world;
	struct lac *lac;
	unsigned index, placed, up, down;
	bool is_up, heard;	/* heard: from the new active */
	char hostname[16];
};
struct scene {			/* what is measured */
	unsigned tunnels, sessions, unanswered;
	const char *config;	/* more lines of the VPDN group */
	unsigned window;	/* calls at once in each tunnel */
};
struct world {
	struct scene scene;
	struct node *node, *standby;
	struct box *boxes;
	struct queue to_node, to_lacs;
	unsigned tunnels_up, opening, calls_up, calls_down, tunnels_down, heard;
	uint64_t now_ms, since_us;
	uint32_t random;
};
struct figures {
	double work_ms, wall_ms;	/* claim -> every tunnel has probed */
	double resync_ms;		/* claim -> every tunnel resynced, as the group counts */
	double caught_up_ms;		/* claim -> no message of a LAC unanswered */
	double turn_ms;			/* longest wake-up after the takeover */
	double told_ms;			/* claim -> the last PPP was told that it may speak */
	unsigned refused, resynced, lost;
};

static void queue_add(struct queue *queue, unsigned lac, const uint8_t *data, size_t len)
{
	if (queue->len == queue->size) {
		queue->size = queue->size ? queue->size * 2 : 1024;
		queue->packets = realloc(queue->packets, queue->size * sizeof(*queue->packets));
		if (!queue->packets)
			bench_die("out of memory");
	}
	if (len > CONTROL_PACKET_MAX)
		bench_die("a packet is too long");
	queue->packets[queue->len].lac = lac;
	queue->packets[queue->len].len = len;
	memcpy(queue->packets[queue->len++].data, data, len);
}

/* ---- the LACs --------------------------------------------------------------- */

static uint32_t world_random(void *ctx)
{
	struct world *world = ctx;

	world->random = world->random * 1664525u + 1013904223u;
	return world->random ^ world->random >> 15;
}

static void on_send(void *ctx, const uint8_t *data, size_t len)
{
	struct box *box = ctx;

	if (box->world->node)
		queue_add(&box->world->to_node, box->index, data, len);
}

static void on_tunnel_up(void *ctx)
{
	struct box *box = ctx;

	box->is_up = true;
	box->world->tunnels_up++;
	box->world->opening--;
}

static void on_tunnel_down(void *ctx, const struct lac_reason *reason)
{
	struct box *box = ctx;

	if (!box->world->tunnels_down++)
		fprintf(stderr, "bench: %s: tunnel down: %s\n", box->hostname, reason->text);
}

static void on_call_up(void *ctx, struct lac_call *call)
{
	struct box *box = ctx;

	(void)call;
	box->up++;
	box->world->calls_up++;
}

static void on_call_down(void *ctx, struct lac_call *call, const struct lac_reason *reason)
{
	struct box *box = ctx;

	(void)call;
	(void)reason;
	box->down++;
	box->world->calls_down++;
}

static void on_violation(void *ctx, const char *text)
{
	fprintf(stderr, "bench: %s: %s\n", ((struct box *)ctx)->hostname, text);
}

static const struct lac_ops lac_ops = {
	.send = on_send, .tunnel_up = on_tunnel_up, .tunnel_down = on_tunnel_down, .call_up = on_call_up,
	.call_down = on_call_down, .violation = on_violation,
};

static void boxes_new(struct world *world)
{
	struct lac_config config;

	world->boxes = calloc(world->scene.tunnels, sizeof(*world->boxes));
	if (!world->boxes)
		bench_die("out of memory");
	for (unsigned i = 0; i < world->scene.tunnels; i++) {
		struct box *box = &world->boxes[i];

		box->world = world;
		box->index = i;
		snprintf(box->hostname, sizeof(box->hostname), "lac%u", i);
		lac_config_init(&config);
		lac_config_peer(&config, LAC_PEER_RFC);
		config.ops = &lac_ops;
		config.ctx = box;
		config.random = world_random;
		config.random_ctx = world;
		config.hostname = box->hostname;
		config.window = 1000;
		config.rtx_tries = 30;
		config.call_setup_ms = 60000;
		config.dev |= LAC_DEV_NO_SLOW_START;
		config.allow_hello_probe = true;
		box->lac = lac_new(&config);
		if (!box->lac)
			bench_die("no LAC");
	}
}

static void place_calls(struct world *world, unsigned each)
{
	for (unsigned i = 0; i < world->scene.tunnels; i++) {
		struct box *box = &world->boxes[i];

		while (box->placed < each && box->placed - box->up - box->down < world->scene.window) {
			if (!lac_call(box->lac, world->now_ms, NULL, NULL))
				bench_die("a LAC cannot place a call");
			box->placed++;
		}
	}
}

/* ---- the world goes on ------------------------------------------------------ */

static void node_sends(void *ctx, unsigned lac, const uint8_t *data, size_t len)
{
	struct world *world = ctx;

	if (lac < world->scene.tunnels)
		queue_add(&world->to_lacs, lac, data, len);
}

static void lacs_turn_all(struct world *world)
{
	world->now_ms = bench_now_us() / 1000;
	for (size_t i = 0; i < world->to_lacs.len; i++) {
		struct packet *p = &world->to_lacs.packets[i];
		struct box *box = &world->boxes[p->lac];

		if (!world->standby && !box->heard) {	/* the standby is the node by then */
			box->heard = true;
			world->heard++;
		}
		lac_input(box->lac, world->now_ms, p->data, p->len);
	}
	world->to_lacs.len = 0;
	for (unsigned i = 0; i < world->scene.tunnels; i++)
		if (lac_deadline_ms(world->boxes[i].lac) <= world->now_ms)
			lac_tick(world->boxes[i].lac, world->now_ms);
}

static void node_turn_fed(struct world *world)
{
	struct queue *queue = &world->to_node;

	for (size_t i = 0; i < queue->len; i++)
		node_packet(world->node, queue->packets[i].lac, queue->packets[i].data, queue->packets[i].len);
	queue->len = 0;
	node_turn(world->node, NULL);
}

static void world_turn(struct world *world, const char *what)
{
	node_turn_fed(world);
	if (world->standby)
		node_turn(world->standby, NULL);
	lacs_turn_all(world);
	if (bench_now_us() - world->since_us > LIMIT_US)
		bench_die(what);
}

static bool in_sync(const struct world *world)
{
	struct ha_info a = node_ha(world->node), b = node_ha(world->standby);

	return a.role == HA_ROLE_ACTIVE && a.sync == HA_SYNC_IN_SYNC && b.sync == HA_SYNC_IN_SYNC &&
	       a.acked_seq == a.seq && !a.waiting_output;
}

/* A pair in sync, hot, with all tunnels and sessions up, at rest. */
static void world_start(struct world *world, const struct scene *scene)
{
	struct node_options no = { .kind = NODE_ACTIVE, .ppp = true, .more = scene->config, .transmit = node_sends,
				   .ctx = world, .port = control_free_port() };
	unsigned next = 0, total = scene->tunnels * scene->sessions;

	*world = (struct world){ .scene = *scene, .random = 1, .since_us = bench_now_us() };
	boxes_new(world);
	no.kind = NODE_STANDBY;
	world->standby = node_new(&no);
	no.kind = NODE_ACTIVE;
	world->node = node_new(&no);
	while (!in_sync(world))
		world_turn(world, "the pair does not come into sync");
	while (world->tunnels_up < scene->tunnels) {
		while (next < scene->tunnels && world->opening < OPEN_AT_ONCE) {
			if (lac_open(world->boxes[next++].lac, world->now_ms))
				bench_die("a LAC cannot open its tunnel");
			world->opening++;
		}
		world_turn(world, "the tunnels do not come up");
	}
	while (world->calls_up < total) {
		place_calls(world, scene->sessions);
		world_turn(world, "the sessions do not come up");
	}
	while (node_ppp_up(world->node) < total || node_ppp_up(world->standby) < total || !in_sync(world))
		world_turn(world, "the standby does not hold everything");
	/* the last acknowledgements, too */
	for (uint64_t until = bench_now_us() + 300000; bench_now_us() < until || !in_sync(world);)
		world_turn(world, "the pair does not come to rest");
	if (world->calls_down || world->tunnels_down)
		bench_die("a LAC lost a call or a tunnel before anything happened");
}

/* A takeover finds nothing of its tunnels in the processor's caches, however few sessions they have. */
static void caches_cold(void)
{
	enum { OCTETS = 256 << 20 };
	uint8_t *all = malloc(OCTETS);

	if (!all)
		bench_die("out of memory");
	memset(all, 1, OCTETS);
	__asm__ volatile("" : : "r"(all) : "memory");
	free(all);
}

/* The LACs say something that the active does not hear any more: it loses power. */
static void power_loss(struct world *world)
{
	world->scene.window = world->scene.unanswered;
	if (world->scene.unanswered)
		place_calls(world, world->scene.sessions + world->scene.unanswered);
	world->to_node.len = world->to_lacs.len = 0;
	node_free(world->node);
	world->node = world->standby;
	world->standby = NULL;
	node_address_free(world->node);
	caches_cold();
}

static bool lacs_answered(const struct world *world)
{
	for (unsigned i = 0; i < world->scene.tunnels; i++)
		if (lac_backlog(world->boxes[i].lac))
			return false;
	return world->calls_up + world->calls_down >=
	       world->scene.tunnels * (world->scene.sessions + world->scene.unanswered);
}

static void takeover(struct world *world, struct figures *f)
{
	unsigned total = world->scene.tunnels * world->scene.sessions;
	uint64_t claim_us = 0, cpu, start, now;
	struct group_resync_info resync;
	bool probed = false;

	*f = (struct figures){ 0 };
	for (;;) {
		cpu = bench_cpu_us();
		start = bench_now_us();
		node_turn_fed(world);
		cpu = bench_cpu_us() - cpu;
		now = bench_now_us();
		if (!claim_us && node_ha(world->node).role != HA_ROLE_STANDBY)
			claim_us = start;
		lacs_turn_all(world);
		if (now - world->since_us > LIMIT_US)
			bench_die("the takeover does not come to an end");
		if (!claim_us)
			continue;
		if (!probed)
			f->work_ms += (double)cpu / 1e3;
		else if ((double)(now - start) / 1e3 > f->turn_ms)
			f->turn_ms = (double)(now - start) / 1e3;
		if (!probed && world->heard == world->scene.tunnels) {
			probed = true;
			f->wall_ms = (double)(now - claim_us) / 1e3;
		}
		if (f->told_ms == 0 && node_ppp_activated(world->node) == total)
			f->told_ms = (double)(now - claim_us) / 1e3;
		group_resync_info(node_group(world->node), &resync);
		if (f->caught_up_ms == 0 && lacs_answered(world))
			f->caught_up_ms = (double)(now - claim_us) / 1e3;
		if (probed && f->told_ms > 0 && resync.complete && f->caught_up_ms > 0)
			break;
	}
	f->resync_ms = resync.duration_ms;
	f->resynced = resync.ok;
	f->refused = world->calls_down;
}

/* Every tunnel still serves: one more call in each. What had been up and is not, is lost. */
static void prove(struct world *world, struct figures *f)
{
	unsigned before = world->calls_up, refused = world->calls_down;

	world->scene.window = 1;
	place_calls(world, world->scene.sessions + world->scene.unanswered + 1);
	while (world->calls_up - before < world->scene.tunnels)
		world_turn(world, "a tunnel does not serve after the takeover");
	f->lost = world->calls_down - refused + world->tunnels_down + (f->refused > world->scene.unanswered *
		  world->scene.tunnels ? f->refused - world->scene.unanswered * world->scene.tunnels : 0);
}

static void world_end(struct world *world)
{
	node_free(world->node);
	for (unsigned i = 0; i < world->scene.tunnels; i++)
		lac_free(world->boxes[i].lac);
	free(world->boxes);
	free(world->to_node.packets);
	free(world->to_lacs.packets);
}

/* In a process of its own, so that one measurement does not find the memory of another. */
static struct figures measure(struct scene scene)
{
	struct figures f = { 0 };
	struct world world;
	int fds[2], status;
	pid_t pid;

	fflush(NULL);
	if (pipe(fds) || (pid = fork()) < 0)
		bench_die("no process");
	if (!pid) {
		world_start(&world, &scene);
		power_loss(&world);
		takeover(&world, &f);
		prove(&world, &f);
		world_end(&world);
		_exit(write(fds[1], &f, sizeof(f)) != sizeof(f));
	}
	close(fds[1]);
	if (read(fds[0], &f, sizeof(f)) != sizeof(f) || waitpid(pid, &status, 0) != pid || status)
		bench_die("a measurement failed");
	close(fds[0]);
	fprintf(stderr, "%5u tunnels x %3u: claim to probed %6.2f ms of work (%.2f ms), all told %.1f ms, longest wake-up %.2f ms; "
		"resynced %u in %.0f ms, caught up %.0f ms; %u calls refused, %u lost\n", scene.tunnels, scene.sessions,
		f.work_ms, f.wall_ms, f.told_ms, f.turn_ms, f.resynced, f.resync_ms, f.caught_up_ms, f.refused, f.lost);
	return f;
}

/* ---- the benchmarks ------------------------------------------------------------ */

#define ROUNDS 3

static void bench_hot(void)
{
	static const unsigned sessions[] = { 1, 10, 60 };
	double work[3], turn[3], told[3], all[ROUNDS], turns[ROUNDS], tolds[ROUNDS];
	unsigned lost = 0;

	for (int i = 0; i < 3; i++) {
		for (int r = 0; r < ROUNDS; r++) {
			struct figures f = measure((struct scene){ .tunnels = 1000, .sessions = sessions[i], .window = 4 });

			all[r] = f.work_ms;
			turns[r] = f.turn_ms;
			tolds[r] = f.told_ms;
			lost += f.lost;
		}
		work[i] = bench_median(all, ROUNDS);
		turn[i] = bench_median(turns, ROUNDS);
		told[i] = bench_median(tolds, ROUNDS);
	}
	printf("{\"bench\": \"takeover_hot\", \"value\": %.1f, \"unit\": \"ms of 1000 tunnels\", \"goal\": \"<= 50\", \"ok\": %s, "
	       "\"sessions\": [1000, 10000, 60000], \"work_ms\": [%.2f, %.2f, %.2f], \"longest_wakeup_ms\": [%.2f, %.2f, %.2f], "
	       "\"all_told_ms\": [%.1f, %.1f, %.1f], \"lost\": %u}\n",
	       work[2], work[2] <= 50 && !lost ? "true" : "false", work[0], work[1], work[2], turn[0], turn[1], turn[2],
	       told[0], told[1], told[2], lost);
	printf("{\"bench\": \"takeover_hot_60000_vs_1000\", \"value\": %.2f, \"unit\": \"x (work, sessions)\", \"goal\": \"<= 1.5\", "
	       "\"ok\": %s}\n", work[2] / work[0], work[2] <= 1.5 * work[0] ? "true" : "false");
}

static void bench_resync(void)
{
	static const unsigned unanswered[] = { 0, 4, 100, 250 };
	double resync[5], caught[5], worst = 0;
	struct figures f;
	unsigned lost = 0;

	for (int i = 0; i < 5; i++) {
		struct scene scene = { .tunnels = 100, .sessions = 10, .window = 4, .unanswered = unanswered[i % 4],
				       .config = " l2tp tunnel resync 250\n l2tp tunnel receive-window 250\n" };

		if (i == 4)	/* as many calls wait, but no more than four messages are under way */
			scene = (struct scene){ .tunnels = 100, .sessions = 10, .window = 4, .unanswered = 250,
						.config = " l2tp tunnel resync 4\n" };
		f = measure(scene);
		resync[i] = f.resync_ms;
		caught[i] = f.caught_up_ms;
		lost += f.lost;
		worst = resync[i] > worst ? resync[i] : worst;
	}
	printf("{\"bench\": \"resync_time\", \"value\": %.0f, \"unit\": \"ms of 100 tunnels\", \"goal\": \"<= 1000\", \"ok\": %s, "
	       "\"unanswered\": [0, 4, 100, 250], \"resync_250_ms\": [%.0f, %.0f, %.0f, %.0f], "
	       "\"resync_250_caught_up_ms\": [%.0f, %.0f, %.0f, %.0f], \"resync_4_with_250_waiting_ms\": %.0f, "
	       "\"resync_4_caught_up_ms\": %.0f, \"lost\": %u}\n",
	       worst, worst <= 1000 && !lost ? "true" : "false", resync[0], resync[1], resync[2], resync[3], caught[0],
	       caught[1], caught[2], caught[3], resync[4], caught[4], lost);
}

static void bench_scale(void)
{
	static const struct {
		const char *name;
		struct scene scene;
	} scales[] = {
		{ "scale_8000x2", { .tunnels = 8000, .sessions = 2, .window = 2,
				    .config = " l2tp tunnel resync 4\n l2tp tunnel retransmit retries 30\n"
					      " l2tp tunnel retransmit timeout min 8\n" } },
		{ "scale_20x500", { .tunnels = 20, .sessions = 500, .window = 100,
				    .config = " l2tp tunnel resync 500\n l2tp tunnel receive-window 500\n" } },
	};

	for (size_t i = 0; i < sizeof(scales) / sizeof(scales[0]); i++) {
		struct figures f = measure(scales[i].scene);

		printf("{\"bench\": \"%s\", \"value\": %u, \"unit\": \"lost\", \"goal\": \"0\", \"ok\": %s, \"work_ms\": %.1f, "
		       "\"resynced\": %u, \"resync_ms\": %.0f, \"all_told_ms\": %.0f}\n",
		       scales[i].name, f.lost, f.lost || f.resynced != scales[i].scene.tunnels ? "false" : "true", f.work_ms,
		       f.resynced, f.resync_ms, f.told_ms);
	}
}

static void quiet(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	if (level <= LOG_LEVEL_WARN && getenv("V"))
		fprintf(stderr, "    %s\n", text);
}

int main(int argc, char **argv)
{
	const char *only = argc == 3 && !strcmp(argv[1], "--only") ? argv[2] : NULL;

	if (argc != 1 && !only) {
		fprintf(stderr, "usage: bench-takeover [--only hot|resync|scale]\n");
		return 2;
	}
	signal(SIGPIPE, SIG_IGN);
	log_set_sink(quiet, NULL, LOG_LEVEL_INFO);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!only || !strcmp(only, "hot"))
		bench_hot();
	if (!only || !strcmp(only, "resync"))
		bench_resync();
	if (!only || !strcmp(only, "scale"))
		bench_scale();
	return 0;
}
