// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the control plane of the daemon itself costs: build/l2tphad-null, which
 * is l2tphad with a data plane that is not there, and LACs over UDP on loopback.
 *
 *   rate    as many session setups (ICRQ to ICCN) a second as it takes, on one
 *           processor, without HA and with a standby in sync.
 *   flat    processor time of a session that is set up alone, one after the
 *           other: in one tunnel that holds 10 to 57,000 others, and spread
 *           over 1 to 8,000 tunnels.
 *   idle    8,000 tunnels, HELLOs of both ends every minute: processor time.
 *
 * LACs and standby share the other processor.
 *
 *   bench-daemon [rate|flat|idle ...]
 */
#include <string.h>
#include <sys/resource.h>

#include "tests/bench/bench.h"
#include "tests/bench/control.h"
#include "tests/null/daemon.h"

#define LIMIT_US 300000000u
#define WINDOW 16
#define OPEN_AT_ONCE 40

static const char config_text[] =
	"hostname lns-%s\n"
	"vpdn enable\n"
	"ip local pool SUBSCRIBERS 10.64.0.2 10.64.255.254\n"
	"interface virtual-template 1\n"
	" ip address 10.64.0.1\n"
	" peer default ip address pool SUBSCRIBERS\n"
	"vpdn-group WHOLESALE\n"
	" accept-dialin\n"
	"  protocol l2tp\n"
	"  virtual-template 1\n"
	" no l2tp tunnel authentication\n"
	"%s";
static const char config_redundancy[] =
	"redundancy\n"
	" mode sso\n"
	" group 1\n"
	"  virtual-address " DAEMON_ADDRESS "/8 interface lo\n"
	"  local address 127.0.0.%d\n"
	"  peer address 127.0.0.%d\n"
	"  pre-shared-key 0 000102030405060708090a0b0c0d0e0f\n"
	"  priority %d\n";

struct bed {
	struct daemon_run active, standby;
	bool ha;
	unsigned tunnels;
	int *sockets;
	struct lacs *lacs;
};

static void bed_check(const struct bed *bed, uint64_t since_us, const char *what)
{
	if (!daemon_alive(&bed->active) || (bed->ha && !daemon_alive(&bed->standby)))
		bench_die("a daemon has ended");
	if (lacs_down(bed->lacs) || bench_now_us() - since_us > LIMIT_US)
		bench_die(what);
}

static void rest(struct bed *bed, uint64_t us)
{
	uint64_t until = bench_now_us() + us;

	while (bench_now_us() < until)
		lacs_turn(bed->lacs, NULL);
}

static void calls(struct bed *bed, uint64_t total)
{
	uint64_t since = bench_now_us();

	while (lacs_calls_up(bed->lacs) < total) {
		lacs_turn(bed->lacs, NULL);
		bed_check(bed, since, "the calls are not up");
	}
}

static void start(struct bed *bed, bool standby)
{
	char text[2048], more[512] = "";

	if (bed->ha)
		snprintf(more, sizeof(more), config_redundancy, standby ? 2 : 1, standby ? 1 : 2, standby ? 90 : 100);
	snprintf(text, sizeof(text), config_text, standby ? "b" : "a", more);
	if (!daemon_start(standby ? &bed->standby : &bed->active, text, standby, standby ? 1 : 0))
		bench_die("l2tphad-null does not start");
}

/* Tunnels up; a pair in sync. */
static struct bed *bed_open(unsigned tunnels, unsigned window, bool ha)
{
	struct bed *bed = calloc(1, sizeof(*bed));
	struct lacs_options o = { .tunnels = tunnels, .window = window, .open_window = OPEN_AT_ONCE };
	uint64_t since = bench_now_us();

	if (!bed)
		bench_die("out of memory");
	bed->ha = ha;
	bed->tunnels = tunnels;
	bed->sockets = calloc(tunnels, sizeof(int));
	start(bed, false);
	if (ha)
		start(bed, true);
	for (unsigned i = 0; i < tunnels; i++) {
		bed->sockets[i] = daemon_lac_socket(i);
		if (bed->sockets[i] < 0)
			bench_die("no socket for a LAC");
	}
	usleep(ha ? 3000000 : 500000);
	o.sockets = bed->sockets;
	bed->lacs = lacs_new(&o);
	lacs_open(bed->lacs);
	while (!lacs_open_done(bed->lacs)) {
		lacs_turn(bed->lacs, NULL);
		bed_check(bed, since, "the tunnels are not up");
	}
	rest(bed, 200000);
	return bed;
}

static void bed_close(struct bed *bed)
{
	daemon_end(&bed->active);
	if (bed->ha)
		daemon_end(&bed->standby);
	for (unsigned i = 0; i < bed->tunnels; i++)
		close(bed->sockets[i]);
	lacs_free(bed->lacs);
	free(bed->sockets);
	free(bed);
}

/* ---- rate --------------------------------------------------------------------- */

#define ROUNDS 3
#define RATE_TUNNELS 20
#define RATE_SESSIONS 40000

struct rate {
	double per_s, cpu_us, standby_cpu_us, late_ms;
};

static struct rate rate_trial(bool ha)
{
	struct bed *bed = bed_open(RATE_TUNNELS, WINDOW, ha);
	uint64_t cpu = daemon_cpu_us(&bed->active), standby = ha ? daemon_cpu_us(&bed->standby) : 0, began = bench_now_us();
	struct rate r = { 0 };
	double us;

	lacs_more(bed->lacs, RATE_SESSIONS / RATE_TUNNELS, 0);
	lacs_call(bed->lacs);
	calls(bed, RATE_SESSIONS);
	us = (double)(bench_now_us() - began);
	r.per_s = RATE_SESSIONS / us * 1e6;
	r.cpu_us = (double)(daemon_cpu_us(&bed->active) - cpu) / RATE_SESSIONS;
	if (ha)
		r.standby_cpu_us = (double)(daemon_cpu_us(&bed->standby) - standby) / RATE_SESSIONS;
	if (lacs_retransmissions(bed->lacs))
		fprintf(stderr, "(%" PRIu64 " retransmissions) ", lacs_retransmissions(bed->lacs));
	bed_close(bed);
	return r;
}

static void bench_rate(bool ha)
{
	struct rate r[ROUNDS];
	double rates[ROUNDS], cpu[ROUNDS], median;

	for (int i = 0; i < ROUNDS; i++) {
		r[i] = rate_trial(ha);
		rates[i] = r[i].per_s;
		cpu[i] = r[i].cpu_us;
		fprintf(stderr, "%-10s %7.0f sessions/s, %5.1f us/session, standby %4.1f\n", ha ? "with HA" : "without HA",
			r[i].per_s, r[i].cpu_us, r[i].standby_cpu_us);
	}
	median = bench_median(cpu, ROUNDS);
	/* on one processor that does nothing else; what the wall clock says depends on who shares it */
	printf("{\"bench\": \"daemon_setup_rate%s\", \"value\": %.0f, \"unit\": \"sessions/s of CPU\", \"goal\": \">= 20000\", "
	       "\"ok\": %s, \"sessions\": %u, \"tunnels\": %u, \"cpu_us_per_session\": %.1f, \"wall_per_s\": %.0f}\n",
	       ha ? "_ha" : "", 1e6 / median, median <= 50 ? "true" : "false", RATE_SESSIONS, RATE_TUNNELS, median,
	       bench_median(rates, ROUNDS));
}

/* ---- flat --------------------------------------------------------------------- */

#define POINT_SESSIONS 1000

/* The least of three: what others do on this machine only adds. */
static double point(struct bed *bed, unsigned each, uint64_t *total)
{
	double best = 0, cost;

	for (int round = 0; round < 3; round++) {
		uint64_t cpu, n = (uint64_t)each * bed->tunnels;

		rest(bed, 100000);
		cpu = daemon_cpu_us(&bed->active);
		lacs_more_at_once(bed->lacs, each, 1);
		*total += n;
		calls(bed, *total);
		cost = (double)(daemon_cpu_us(&bed->active) - cpu) / (double)n;
		best = !round || cost < best ? cost : best;
	}
	return best;
}

static void fill(struct bed *bed, uint64_t to, uint64_t *total)
{
	if (to <= *total)
		return;
	lacs_more_at_once(bed->lacs, (unsigned)(to - *total) / bed->tunnels, 64);
	*total = to;
	calls(bed, *total);
}

static void report_flat(const char *name, const unsigned *at, const double *cost, size_t n)
{
	double least = cost[0], most = cost[0];

	printf("{\"bench\": \"%s\", \"cpu_us_per_session\": {", name);
	for (size_t i = 0; i < n; i++) {
		least = cost[i] < least ? cost[i] : least;
		most = cost[i] > most ? cost[i] : most;
		printf("%s\"%u\": %.1f", i ? ", " : "", at[i], cost[i]);
	}
	printf("}, \"value\": %.2f, \"unit\": \"x, most to least\", \"goal\": \"<= 1.5\", \"ok\": %s}\n", most / least,
	       most <= 1.5 * least ? "true" : "false");
}

static void bench_flat(void)
{
	static const unsigned held[] = { 10, 1000, 5000, 10000, 30000, 57000 };
	static const unsigned tunnels[] = { 1, 10, 100, 1000, 8000 };
	double cost[6];
	struct bed *bed = bed_open(1, WINDOW, false);
	uint64_t total = 0;

	for (size_t i = 0; i < 6; i++) {
		fill(bed, held[i], &total);
		cost[i] = point(bed, POINT_SESSIONS, &total);
		fprintf(stderr, "%6u sessions held: %5.1f us/session\n", held[i], cost[i]);
	}
	bed_close(bed);
	report_flat("daemon_flat_sessions", held, cost, 6);
	for (size_t i = 0; i < 5; i++) {
		bed = bed_open(tunnels[i], WINDOW, false);
		total = 0;
		cost[i] = point(bed, tunnels[i] < POINT_SESSIONS ? POINT_SESSIONS / tunnels[i] : 1, &total);
		fprintf(stderr, "%6u tunnels: %5.1f us/session\n", tunnels[i], cost[i]);
		bed_close(bed);
	}
	report_flat("daemon_flat_tunnels", tunnels, cost, 5);
}

/* ---- idle --------------------------------------------------------------------- */

#define IDLE_TUNNELS 8000
#define IDLE_S 60

static void bench_idle(void)
{
	struct bed *bed = bed_open(IDLE_TUNNELS, WINDOW, false);
	uint64_t cpu, began;
	double share;

	rest(bed, 30000000);	/* from here on every tunnel has one HELLO a minute */
	cpu = daemon_cpu_us(&bed->active);
	began = bench_now_us();
	rest(bed, IDLE_S * 1000000u);
	share = 100.0 * (double)(daemon_cpu_us(&bed->active) - cpu) / (double)(bench_now_us() - began);
	bed_check(bed, began, "a tunnel is down");
	fprintf(stderr, "%u tunnels: %.3f %% of a processor, %ld MiB\n", IDLE_TUNNELS, share,
		daemon_rss_kib(&bed->active) / 1024);
	printf("{\"bench\": \"daemon_idle\", \"value\": %.3f, \"unit\": \"%% CPU\", \"goal\": \"< 1\", \"ok\": %s, "
	       "\"tunnels\": %u, \"rss_kib\": %ld}\n", share, share < 1 ? "true" : "false", IDLE_TUNNELS,
	       daemon_rss_kib(&bed->active));
	bed_close(bed);
}

static bool wanted(int argc, char **argv, const char *part)
{
	bool any = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], part))
			return true;
		any = true;
	}
	return !any;
}

int main(int argc, char **argv)
{
	struct rlimit files;
	cpu_set_t set;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (daemon_network())
		bench_die("no network of our own: this needs root, or user namespaces");
	if (!getrlimit(RLIMIT_NOFILE, &files)) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	CPU_ZERO(&set);
	CPU_SET(1, &set);
	sched_setaffinity(0, sizeof(set), &set);	/* fails where there is only one */
	if (wanted(argc, argv, "rate")) {
		bench_rate(false);
		bench_rate(true);
	}
	if (wanted(argc, argv, "flat"))
		bench_flat();
	if (wanted(argc, argv, "idle"))
		bench_idle();
	return 0;
}
