// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What output commit costs: control-only setups (ICRQ to ICCN, established
 * and, with HA, confirmed by the standby) a second, with a hot standby in
 * sync and without redundancy; and what a session costs in memory.
 *
 * Three processes: the active, its LACs, the standby; between them real UDP
 * and the real HA link on loopback.  Each trial is made by new processes;
 * trials with and without HA alternate, and what is compared are medians.  A
 * trial in which a commit was late was not in sync all the time: it is
 * repeated, and counted.  The processor time of the active per session is
 * reported beside the rate: it does not depend on what else the machine does,
 * nor on LACs and standby sharing its other processors.  Tunnels of a pair have
 * a smaller receive window (l2tp tunnel resync, 16; else 20), which costs a LAC
 * with many calls at once throughput of its own: the same is therefore
 * measured with equal windows, too.
 *
 * Memory: what the active and the standby have resident before the first
 * tunnel and after the last session, with PPP open on all (captured state,
 * user name, address) and without.
 *
 *   bench-control [--rounds N] [--tunnels T] [--sessions S] [--window W] [--resync N]
 *                 [--only rate|resync|memory]
 */
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <arpa/inet.h>
#include <netinet/in.h>

#include "daemon/log.h"
#include "tests/bench/bench.h"
#include "tests/bench/control.h"

#define TRIAL_LIMIT_US 60000000u
#define ROUNDS_MAX 25
#define REPEATS_MAX 3		/* of rounds, for late commits */

struct options {
	unsigned rounds, tunnels, sessions, window, resync;
	bool rate, windows, memory;
};

struct result {
	double per_s, seconds;
	double cpu_us, lac_cpu_us, standby_cpu_us;	/* of a session */
	double lag_p50_ms, lag_p99_ms, lag_max_ms;
	double packets;					/* the LNS sent, of a session */
	double rss_kib, standby_rss_kib;		/* of a session */
	uint64_t late, retransmissions, commits;
	enum ha_sync sync;
};

/* ---- a trial ------------------------------------------------------------------ */

static struct bed_options bed_of(const struct options *o, bool ha)
{
	return (struct bed_options){ .ha = ha, .tunnels = o->tunnels, .sessions = o->sessions, .window = o->window,
				     .resync = o->resync };
}

static struct result rate_trial(const struct options *o, bool ha)
{
	struct bed_options bo = bed_of(o, ha);
	struct bed *bed = bed_new(&bo);
	struct node *node = bed_node(bed);
	uint32_t total = o->tunnels * o->sessions;
	struct standby_report standby = { .sync = HA_SYNC_IN_SYNC };
	struct lacs_report lacs = { 0 };
	struct ha_info before;
	struct result r = { 0 };
	uint64_t start, cpu, target, packets;
	size_t lags;
	double *lag;

	bed_tunnels(bed);
	node_lags(node, &lags);
	before = node_ha(node);
	packets = node_packets_sent(node);
	bed_begin(bed);
	cpu = bench_cpu_us();
	start = bench_now_us();
	bed_call(bed);
	bed_established(bed, total);
	target = node_ha(node).seq;
	while (ha && node_ha(node).acked_seq < target)
		bed_turn(bed, "the sessions are not confirmed");
	r.seconds = (double)(bench_now_us() - start) / 1e6;
	r.cpu_us = (double)(bench_cpu_us() - cpu) / total;
	r.per_s = total / r.seconds;
	r.packets = (double)(node_packets_sent(node) - packets) / total;
	r.late = node_ha(node).late_commits - before.late_commits;
	r.commits = node_ha(node).seq - before.seq;
	r.sync = node_ha(node).sync;
	lag = node_lags(node, &lags);
	r.lag_p50_ms = bench_quantile(lag, lags, 0.5);
	r.lag_p99_ms = bench_quantile(lag, lags, 0.99);
	r.lag_max_ms = lags ? lag[lags - 1] : 0;
	bed_end(bed, &standby, &lacs);
	r.lac_cpu_us = (double)lacs.cpu_us / total;
	r.retransmissions = lacs.retransmissions;
	r.standby_cpu_us = (double)standby.cpu_us / total;
	if (standby.sync != HA_SYNC_IN_SYNC)
		r.sync = standby.sync;
	return r;
}

static struct result memory_trial(const struct options *o, bool ppp, bool warm)
{
	struct bed_options bo = bed_of(o, true);
	uint32_t total = o->tunnels * o->sessions;
	struct standby_report standby = { 0 };
	struct lacs_report lacs = { 0 };
	struct result r = { 0 };
	struct bed *bed;
	long rss;

	bo.ppp = ppp;
	bo.warm = warm;
	bed = bed_new(&bo);
	rss = bench_rss_kib();
	bed_tunnels(bed);
	bed_call(bed);
	bed_established(bed, total);
	bed_in_sync(bed);
	bed_rest(bed, 1000);	/* the last acknowledgements, and the standby's PPP */
	r.rss_kib = (double)(bench_rss_kib() - rss) / total;
	bed_end(bed, &standby, &lacs);
	if (standby.sync != HA_SYNC_IN_SYNC || standby.records < total * (ppp ? 2 : 1) ||
	    standby.ppp_up != (ppp && !warm ? total : 0))
		bench_die("the standby does not hold everything");
	r.standby_rss_kib = (double)standby.rss_kib / total;
	return r;
}

/* ---- a process for each trial ------------------------------------------------ */

enum trial { TRIAL_ALONE, TRIAL_HA, TRIAL_MEMORY_CONTROL, TRIAL_MEMORY_HOT, TRIAL_MEMORY_WARM };

static struct result run_trial(const struct options *o, enum trial trial)
{
	struct result r = { 0 };
	int fds[2], status;
	pid_t pid;

	if (pipe(fds))
		bench_die("no pipe");
	pid = control_child(trial == TRIAL_ALONE ? "bench-alone" : "bench-active");
	if (!pid) {
		switch (trial) {
		case TRIAL_ALONE:
			r = rate_trial(o, false);
			break;
		case TRIAL_HA:
			r = rate_trial(o, true);
			break;
		case TRIAL_MEMORY_CONTROL:
			r = memory_trial(o, false, false);
			break;
		case TRIAL_MEMORY_HOT:
			r = memory_trial(o, true, false);
			break;
		case TRIAL_MEMORY_WARM:
			r = memory_trial(o, true, true);
			break;
		}
		_exit(write(fds[1], &r, sizeof(r)) != sizeof(r));
	}
	close(fds[1]);
	if (read(fds[0], &r, sizeof(r)) != sizeof(r) || waitpid(pid, &status, 0) != pid || status)
		bench_die("a trial failed");
	close(fds[0]);
	return r;
}

/* ---- the benchmarks ---------------------------------------------------------- */

struct rates {
	struct result alone, ha;	/* medians, each figure for itself */
	double ratio;
	unsigned repeated;
};

static struct result medians(const struct result *r, size_t n)
{
	static const size_t figures[] = {
		offsetof(struct result, per_s), offsetof(struct result, seconds), offsetof(struct result, cpu_us),
		offsetof(struct result, lac_cpu_us), offsetof(struct result, standby_cpu_us),
		offsetof(struct result, lag_p50_ms), offsetof(struct result, lag_p99_ms),
		offsetof(struct result, lag_max_ms), offsetof(struct result, packets),
	};
	struct result m = r[0];
	double values[ROUNDS_MAX];

	for (size_t f = 0; f < sizeof(figures) / sizeof(figures[0]); f++) {
		double median;

		for (size_t i = 0; i < n; i++)
			memcpy(&values[i], (const char *)&r[i] + figures[f], sizeof(double));
		median = bench_median(values, n);
		memcpy((char *)&m + figures[f], &median, sizeof(median));
	}
	return m;
}

static void tell(const char *what, const struct result *r)
{
	fprintf(stderr, "  %-11s %7.0f/s  LNS %5.1f us/session and %.2f packets, LAC %4.1f", what, r->per_s, r->cpu_us, r->packets,
		r->lac_cpu_us);
	if (r->standby_cpu_us > 0)
		fprintf(stderr, ", standby %4.1f; %.0f sessions/commit, confirmed in %.2f ms (p99 %.2f)%s",
			r->standby_cpu_us, r->per_s * r->seconds / (double)r->commits, r->lag_p50_ms, r->lag_p99_ms,
			r->late || r->sync != HA_SYNC_IN_SYNC ? "  LATE: repeated" : "");
	fprintf(stderr, "%s\n", r->retransmissions ? "  (retransmissions)" : "");
}

static struct rates measure_rates(const struct options *o)
{
	struct result alone[ROUNDS_MAX], ha[ROUNDS_MAX];
	struct rates rates = { .repeated = 0 };

	fprintf(stderr, "%u tunnels x %u sessions, %u calls at once in each%s\n", o->tunnels, o->sessions, o->window,
		o->resync ? ", receive window given" : "");
	for (unsigned i = 0; i < o->rounds; i++) {
		alone[i] = run_trial(o, TRIAL_ALONE);
		tell("without HA", &alone[i]);
		for (;;) {
			ha[i] = run_trial(o, TRIAL_HA);
			tell("with HA", &ha[i]);
			if (!ha[i].late && ha[i].sync == HA_SYNC_IN_SYNC)
				break;
			if (++rates.repeated > REPEATS_MAX * o->rounds)
				bench_die("commits are late all the time: this machine is too busy");
		}
	}
	rates.alone = medians(alone, o->rounds);
	rates.ha = medians(ha, o->rounds);
	rates.ratio = rates.ha.per_s / rates.alone.per_s;
	fprintf(stderr, "  medians: %.0f/s without, %.0f/s with HA: %.2f\n", rates.alone.per_s, rates.ha.per_s,
		rates.ratio);
	return rates;
}

static void bench_rate(const struct options *o)
{
	struct rates rates = measure_rates(o), equal;
	const struct result *alone = &rates.alone, *ha = &rates.ha;
	struct options other = *o;

	other.resync = 20;
	equal = measure_rates(&other);

	printf("{\"bench\": \"control_setup_rate_ha\", \"value\": %.3f, \"unit\": \"x without HA\", \"goal\": \">= 0.9\", "
	       "\"ok\": %s, \"without_ha_per_s\": %.0f, \"with_ha_per_s\": %.0f, \"sessions\": %u, \"tunnels\": %u, "
	       "\"calls_at_once_per_tunnel\": %u, \"rounds\": %u, \"rounds_repeated_late_commit\": %u, "
	       "\"cpu_us_per_session\": {\"without_ha\": %.1f, \"with_ha\": %.1f, \"standby\": %.1f}, \"cpu_ratio\": %.3f, "
	       "\"cpu_share_of_active\": {\"without_ha\": %.2f, \"with_ha\": %.2f}, "
	       "\"commit_lag_ms\": {\"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f}, "
	       "\"equal_windows\": {\"ratio\": %.3f, \"cpu_ratio\": %.3f}}\n",
	       rates.ratio, rates.ratio >= 0.9 ? "true" : "false", alone->per_s, ha->per_s, o->tunnels * o->sessions,
	       o->tunnels, o->window, o->rounds, rates.repeated + equal.repeated, alone->cpu_us, ha->cpu_us, ha->standby_cpu_us,
	       alone->cpu_us / ha->cpu_us, alone->cpu_us * alone->per_s / 1e6, ha->cpu_us * ha->per_s / 1e6,
	       ha->lag_p50_ms, ha->lag_p99_ms, ha->lag_max_ms, equal.ratio, equal.alone.cpu_us / equal.ha.cpu_us);
	/* where LACs, active and standby share two processors the rate says what all three cost; this, the active alone */
	printf("{\"bench\": \"control_setup_cpu_ha\", \"value\": %.3f, \"unit\": \"x without HA\", \"goal\": \">= 0.9\", "
	       "\"ok\": %s}\n", equal.alone.cpu_us / equal.ha.cpu_us,
	       equal.alone.cpu_us >= 0.9 * equal.ha.cpu_us ? "true" : "false");
}

/* What a larger window buys where a tunnel has many calls in setup: `l2tp tunnel resync` 4, 8 and 250. */
static void bench_resync(const struct options *o)
{
	static const unsigned windows[] = { 4, 8, 250 };
	struct result r[ROUNDS_MAX], median;
	struct options with = *o;
	double rate[3];

	with.tunnels = 4;
	with.sessions = 2500;
	with.window = 250;
	for (size_t w = 0; w < 3; w++) {
		with.resync = windows[w];
		for (unsigned i = 0; i < o->rounds; i++)
			r[i] = run_trial(&with, TRIAL_HA);
		median = medians(r, o->rounds);
		rate[w] = median.per_s;
		fprintf(stderr, "resync %u: ", windows[w]);
		tell("with HA", &median);
	}
	printf("{\"bench\": \"control_rate_resync_250_vs_4\", \"value\": %.2f, \"unit\": \"x\", \"goal\": \">= 1\", \"ok\": %s, "
	       "\"per_s\": {\"4\": %.0f, \"8\": %.0f, \"250\": %.0f}, \"tunnels\": %u, \"calls_at_once_per_tunnel\": %u}\n",
	       rate[2] / rate[0], rate[2] >= rate[0] ? "true" : "false", rate[0], rate[1], rate[2], with.tunnels, with.window);
}

static void bench_memory(const struct options *o)
{
	struct result control = run_trial(o, TRIAL_MEMORY_CONTROL), hot, warm;
	double worst;

	hot = run_trial(o, TRIAL_MEMORY_HOT);
	warm = run_trial(o, TRIAL_MEMORY_WARM);
	worst = hot.rss_kib > hot.standby_rss_kib ? hot.rss_kib : hot.standby_rss_kib;
	worst = warm.standby_rss_kib > worst ? warm.standby_rss_kib : worst;
	fprintf(stderr, "KiB/session of %u: active %.2f, hot standby %.2f, warm standby %.2f; control only %.2f and %.2f\n",
		o->tunnels * o->sessions, hot.rss_kib, hot.standby_rss_kib, warm.standby_rss_kib, control.rss_kib,
		control.standby_rss_kib);
	printf("{\"bench\": \"standby_memory_warm\", \"value\": %.2f, \"unit\": \"KiB/session\", \"goal\": \"<= 4\", \"ok\": %s}\n",
	       warm.standby_rss_kib, warm.standby_rss_kib <= 4 ? "true" : "false");
	printf("{\"bench\": \"control_memory\", \"value\": %.2f, \"unit\": \"KiB/session\", \"goal\": \"<= 8\", \"ok\": %s, "
	       "\"sessions\": %u, \"ppp_open\": {\"active\": %.2f, \"hot_standby\": %.2f, \"warm_standby\": %.2f}, "
	       "\"control_only\": {\"active\": %.2f, \"hot_standby\": %.2f}}\n",
	       worst, worst <= 8 ? "true" : "false", o->tunnels * o->sessions, hot.rss_kib, hot.standby_rss_kib,
	       warm.standby_rss_kib, control.rss_kib, control.standby_rss_kib);
}

static void quiet(void *ctx, enum log_level level, const char *text)
{
	(void)ctx;
	if (level <= LOG_LEVEL_WARN && getenv("V"))
		fprintf(stderr, "    %s\n", text);
}

static unsigned number(const char *text, unsigned min, unsigned max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*end || n < min || n > max) {
		fprintf(stderr, "bench-control: '%s' is not a number from %u to %u\n", text, min, max);
		exit(2);
	}
	return (unsigned)n;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "rounds", required_argument, NULL, 'r' },   { "tunnels", required_argument, NULL, 't' },
		{ "sessions", required_argument, NULL, 's' }, { "window", required_argument, NULL, 'w' },
		{ "resync", required_argument, NULL, 'n' },   { "only", required_argument, NULL, 'o' },
		{ NULL, 0, NULL, 0 },
	};
	struct options o = { .rounds = 7, .tunnels = 20, .sessions = 500, .window = 16, .rate = true, .windows = true,
			     .memory = true };
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (c) {
		case 'r':
			o.rounds = number(optarg, 1, ROUNDS_MAX);
			break;
		case 't':
			o.tunnels = number(optarg, 1, CONTROL_TUNNELS_MAX);
			break;
		case 's':
			o.sessions = number(optarg, 1, 5000);
			break;
		case 'w':
			o.window = number(optarg, 1, 1000);
			break;
		case 'n':
			o.resync = number(optarg, 1, 1000);
			break;
		case 'o':
			o.rate = !strcmp(optarg, "rate");
			o.windows = !strcmp(optarg, "resync");
			o.memory = !strcmp(optarg, "memory");
			break;
		default:
			return 2;
		}
	}
	log_set_sink(quiet, NULL, LOG_LEVEL_INFO);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (o.rate)
		bench_rate(&o);
	if (o.windows)
		bench_resync(&o);
	if (o.memory)
		bench_memory(&o);
	return 0;
}
