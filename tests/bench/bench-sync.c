// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What protection costs those who call: the full synchronisation of a standby
 * that comes to an active with 60,000 sessions, while calls go on; and the
 * time from ICRQ to ICRP with and without a standby, at a rate that neither
 * finds hard.
 *
 *   sync_60000        from the handshake until in sync; calls come evenly all
 *                     the time
 *   sync_60000_delay  what the synchronisation makes an acknowledgement wait:
 *                     the most work of the active in one wake-up, and the
 *                     commit timeout if a commit was late; how long calls took
 *                     from ICRQ to ICRP is beside it, but on a busy machine
 *                     tells more of the others on it
 *   setup_latency_ha  median of ICRQ to ICRP; what a commit adds
 *
 *   bench-sync [--only sync|latency]
 */
#include <string.h>
#include <sys/wait.h>

#include "daemon/log.h"
#include "tests/bench/bench.h"
#include "tests/bench/control.h"

#define ROUNDS 3
#define DELAY_MAX_MS 20
#define COMMIT_TIMEOUT_MS 20	/* the default */

struct figures {
	double sync_s, longest_ms, standby_ms;	/* longest wake-up of the active while it synchronised; of the standby */
	double p50_ms, p99_ms, max_ms;		/* ICRQ -> ICRP */
	double delay_ms;
	double lag_p50_ms, lag_p99_ms;		/* commits */
	uint64_t late, octets;
	unsigned records;
};

static struct figures sync_trial(bool warm)
{
	struct bed_options o = { .ha = true, .ppp = true, .warm = warm, .standby_later = true, .tunnels = 100,
				 .sessions = 600, .window = 16, .more = 20, .more_per_s = 500 };
	struct bed *bed = bed_new(&o);
	struct node *node = bed_node(bed);
	struct standby_report standby;
	struct ha_info before, info;
	struct lacs_report lacs;
	struct figures f = { 0 };
	uint64_t ready = 0;

	bed_tunnels(bed);
	bed_call(bed);
	bed_established(bed, o.tunnels * o.sessions);
	bed_rest(bed, 300);
	bed_begin(bed);		/* the standby hears of it when it lives */
	bed_more(bed);
	bed_rest(bed, 300);
	before = node_ha(node);
	bed_standby(bed);
	node_longest_ms(node);
	do {
		bed_turn(bed, "the standby does not come into sync");
		info = node_ha(node);
		if (!ready && info.peer_ready)
			ready = bench_now_us();
	} while (info.sync != HA_SYNC_IN_SYNC);
	f.sync_s = (double)(bench_now_us() - ready) / 1e6;
	f.longest_ms = node_longest_ms(node);
	f.octets = info.bytes_sent - before.bytes_sent;
	f.records = info.records;
	bed_lacs_report(bed, &lacs);
	f.p50_ms = lacs.setup_p50_ms;
	f.p99_ms = lacs.setup_p99_ms;
	f.max_ms = lacs.setup_max_ms;
	bed_established(bed, o.tunnels * (o.sessions + o.more));
	bed_in_sync(bed);
	bed_rest(bed, 500);
	f.late = node_ha(node).late_commits;
	bed_end(bed, &standby, &lacs);
	if (standby.sync != HA_SYNC_IN_SYNC || standby.records < o.tunnels * (o.sessions + o.more) * 2)
		bench_die("the standby does not hold everything");
	f.standby_ms = standby.longest_ms;
	return f;
}

static struct figures latency_trial(bool ha)
{
	struct bed_options o = { .ha = ha, .tunnels = 20, .sessions = 50, .window = 4, .more = 100, .more_per_s = 1000 };
	struct bed *bed = bed_new(&o);
	struct node *node = bed_node(bed);
	struct standby_report standby;
	struct lacs_report lacs;
	struct figures f = { 0 };
	size_t lags;
	double *lag;

	bed_tunnels(bed);
	bed_call(bed);
	bed_established(bed, o.tunnels * o.sessions);
	bed_rest(bed, 300);
	bed_begin(bed);
	node_lags(node, &lags);
	bed_more(bed);
	bed_established(bed, o.tunnels * (o.sessions + o.more));
	lag = node_lags(node, &lags);
	f.lag_p50_ms = bench_quantile(lag, lags, 0.5);
	f.lag_p99_ms = bench_quantile(lag, lags, 0.99);
	f.late = node_ha(node).late_commits;
	bed_end(bed, &standby, &lacs);
	f.p50_ms = lacs.setup_p50_ms;
	f.p99_ms = lacs.setup_p99_ms;
	f.max_ms = lacs.setup_max_ms;
	return f;
}

enum trial { TRIAL_SYNC_HOT, TRIAL_SYNC_WARM, TRIAL_ALONE, TRIAL_HA };

/* In a process of its own. */
static struct figures run_trial(enum trial trial)
{
	struct figures f = { 0 };
	int fds[2], status;
	pid_t pid;

	if (pipe(fds))
		bench_die("no pipe");
	pid = control_child("bench-active");
	if (!pid) {
		switch (trial) {
		case TRIAL_SYNC_HOT:
		case TRIAL_SYNC_WARM:
			f = sync_trial(trial == TRIAL_SYNC_WARM);
			break;
		case TRIAL_ALONE:
		case TRIAL_HA:
			f = latency_trial(trial == TRIAL_HA);
			break;
		}
		_exit(write(fds[1], &f, sizeof(f)) != sizeof(f));
	}
	close(fds[1]);
	if (read(fds[0], &f, sizeof(f)) != sizeof(f) || waitpid(pid, &status, 0) != pid || status)
		bench_die("a trial failed");
	close(fds[0]);
	return f;
}

static double median_of(const struct figures *f, size_t offset)
{
	double values[ROUNDS];

	for (int i = 0; i < ROUNDS; i++)
		memcpy(&values[i], (const char *)&f[i] + offset, sizeof(double));
	return bench_median(values, ROUNDS);
}

static void tell_sync(const char *mode, const struct figures *f)
{
	fprintf(stderr, "  %s: %u records, %.1f MB in %.2f s; longest wake-up %.1f ms, of the standby %.1f; ICRQ to ICRP meanwhile %.2f ms, p99 %.1f, "
		"longest %.1f; %llu late commits\n", mode, f->records, (double)f->octets / 1e6, f->sync_s, f->longest_ms, f->standby_ms,
		f->p50_ms, f->p99_ms, f->max_ms, (unsigned long long)f->late);
}

static void bench_sync(void)
{
	struct figures hot[ROUNDS], warm[ROUNDS];
	double s, delay;

	for (int i = 0; i < ROUNDS; i++) {
		hot[i] = run_trial(TRIAL_SYNC_HOT);
		tell_sync("hot", &hot[i]);
		warm[i] = run_trial(TRIAL_SYNC_WARM);
		tell_sync("warm", &warm[i]);
	}
	for (int i = 0; i < ROUNDS; i++)
		hot[i].delay_ms = hot[i].longest_ms + (hot[i].late ? COMMIT_TIMEOUT_MS : 0);
	s = median_of(hot, offsetof(struct figures, sync_s));
	delay = median_of(hot, offsetof(struct figures, delay_ms));
	printf("{\"bench\": \"sync_60000\", \"value\": %.2f, \"unit\": \"s\", \"goal\": \"<= 3\", \"ok\": %s, \"warm_s\": %.2f, "
	       "\"longest_wakeup_ms\": %.1f, \"standby_longest_wakeup_ms\": %.1f, \"icrq_to_icrp_ms\": {\"p50\": %.2f, \"p99\": %.2f, \"max\": %.2f}, \"megabytes\": %.1f}\n",
	       s, s <= 3 ? "true" : "false", median_of(warm, offsetof(struct figures, sync_s)),
	       median_of(hot, offsetof(struct figures, longest_ms)), median_of(hot, offsetof(struct figures, standby_ms)), median_of(hot, offsetof(struct figures, p50_ms)),
	       median_of(hot, offsetof(struct figures, p99_ms)), median_of(hot, offsetof(struct figures, max_ms)), (double)hot[0].octets / 1e6);
	printf("{\"bench\": \"sync_60000_delay\", \"value\": %.1f, \"unit\": \"ms (longest)\", \"goal\": \"<= %d\", \"ok\": %s}\n",
	       delay, DELAY_MAX_MS, delay <= DELAY_MAX_MS ? "true" : "false");
}

static void bench_latency(void)
{
	struct figures alone[ROUNDS], ha[ROUNDS];
	double without, with;

	for (int i = 0; i < ROUNDS; i++) {
		alone[i] = run_trial(TRIAL_ALONE);
		ha[i] = run_trial(TRIAL_HA);
		fprintf(stderr, "  ICRQ to ICRP: without HA %.3f ms (p99 %.3f), with %.3f (p99 %.3f); commits confirmed in %.3f (p99 %.3f)\n",
			alone[i].p50_ms, alone[i].p99_ms, ha[i].p50_ms, ha[i].p99_ms, ha[i].lag_p50_ms, ha[i].lag_p99_ms);
	}
	without = median_of(alone, offsetof(struct figures, p50_ms));
	with = median_of(ha, offsetof(struct figures, p50_ms));
	printf("{\"bench\": \"setup_latency_ha\", \"value\": %.3f, \"unit\": \"ms more than without\", \"goal\": \"<= 2\", \"ok\": %s, "
	       "\"icrq_to_icrp_ms\": {\"without\": {\"p50\": %.3f, \"p99\": %.3f}, \"with\": {\"p50\": %.3f, \"p99\": %.3f}}, "
	       "\"commit_lag_ms\": {\"p50\": %.3f, \"p99\": %.3f}}\n",
	       with - without, with - without <= 2 ? "true" : "false", without,
	       median_of(alone, offsetof(struct figures, p99_ms)), with, median_of(ha, offsetof(struct figures, p99_ms)),
	       median_of(ha, offsetof(struct figures, lag_p50_ms)), median_of(ha, offsetof(struct figures, lag_p99_ms)));
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
		fprintf(stderr, "usage: bench-sync [--only sync|latency]\n");
		return 2;
	}
	log_set_sink(quiet, NULL, LOG_LEVEL_INFO);
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!only || !strcmp(only, "sync"))
		bench_sync();
	if (!only || !strcmp(only, "latency"))
		bench_latency();
	return 0;
}
