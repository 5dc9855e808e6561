/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of the simulator: seeds over worker processes, the seeds
 * that failed once first (tests/sim/seeds.txt), one summary line.
 */
#include "tests/sim/sim.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WORKERS_MAX 16

struct work {
	uint64_t seed, seeds;
	const char *scenario;		/* NULL: all */
	const char *seeds_file;
	bool verbose, sweep, sweep_only, coverage;
	unsigned jobs;
	unsigned max_failures;
};

/* Shared with the workers, so that a worker that dies tells where it was. */
struct progress {
	uint64_t seed;
	char scenario[64];
	unsigned failures, sweeps;
	struct sim_stats stats;
	bool done;
};

static void usage(FILE *to)
{
	fprintf(to, "usage: sim [--seed N] [--seeds N] [--scenario NAME] [--sweep | --sweep-only] [--jobs N] [--verbose]\n"
		"  --seed N        first seed (1)\n"
		"  --seeds N       how many (100)\n"
		"  --scenario NAME one story, sweep:PLAN, or sweep:PLAN:N as a failure names it\n"
		"  --list          the stories\n"
		"  --coverage      which rare states were reached; one that was not is a failure\n"
		"  --sweep         every step and every message too; --sweep-only: nothing else\n"
		"  --jobs N        worker processes (one per processor)\n"
		"  --seeds-file F  seeds that run first (tests/sim/seeds.txt)\n");
}

static bool one(const struct scenario *s, uint64_t seed, const struct work *work, struct progress *p)
{
	p->seed = seed;
	snprintf(p->scenario, sizeof(p->scenario), "%s", s->name);
	if (scenario_run(s, seed, work->verbose, &p->stats))
		return true;
	p->failures++;
	return false;
}

/* Lines "SEED [SCENARIO]"; # starts a remark. */
static void run_file(const struct work *work, unsigned part, struct progress *p)
{
	FILE *f = fopen(work->seeds_file, "r");
	char line[128], name[64];
	unsigned long long seed;
	unsigned n = 0;

	if (!f)
		return;
	while (fgets(line, sizeof(line), f)) {
		const struct scenario *s;
		int fields = sscanf(line, "%llu %63[a-z0-9-]", &seed, name);

		if (fields < 1 || n++ % work->jobs != part)
			continue;
		s = scenario_find(fields > 1 ? name : "random");
		if (!s) {
			printf("FAIL %s: no scenario %s\n", work->seeds_file, name);
			p->failures++;
			continue;
		}
		one(s, seed, work, p);
	}
	fclose(f);
}

/* Every seed is one long story by chance, odd ones the classic one; the others are looked at a few times. */
static bool due(const struct scenario *s, uint64_t seed, uint64_t i, unsigned jobs)
{
	switch (s->seeds) {
	case STORY_FEW: return i < 8ULL * jobs;
	case STORY_ODD: return seed % 2;
	case STORY_EVEN: return !(seed % 2);
	case STORY_ONCE: return i < jobs;
	}
	return false;
}

static void run_part(const struct work *work, unsigned part, struct progress *p)
{
	uint64_t i;

	if (work->scenario && !strncmp(work->scenario, "sweep:", 6)) {
		p->failures += sweep_run(work->scenario, part, work->jobs, work->verbose, &p->stats, &p->sweeps);
		return;
	}
	if (!work->scenario && !work->sweep_only)
		run_file(work, part, p);
	for (i = part; !work->sweep_only && i < work->seeds && p->failures < work->max_failures; i += work->jobs) {
		const struct scenario *s = NULL;

		if (work->scenario) {
			one(scenario_find(work->scenario), work->seed + i, work, p);
			continue;
		}
		while ((s = scenario_next(s)))
			if (due(s, work->seed + i, i, work->jobs))
				one(s, work->seed + i, work, p);
	}
	if (work->sweep) {
		snprintf(p->scenario, sizeof(p->scenario), "sweep");
		p->failures += sweep_run(NULL, part, work->jobs, work->verbose, &p->stats, &p->sweeps);
	}
}

static int run_all(const struct work *work)
{
	struct progress *p = mmap(NULL, sizeof(*p) * WORKERS_MAX, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct sim_stats sum = { 0 };
	unsigned i, k, failures = 0, sweeps = 0;
	struct timespec from, to;
	pid_t pids[WORKERS_MAX];
	double took;

	if (p == MAP_FAILED)
		return 2;
	clock_gettime(CLOCK_MONOTONIC, &from);
	fflush(stdout);
	for (i = 0; i < work->jobs; i++) {
		pids[i] = work->jobs == 1 ? 0 : fork();
		if (pids[i])
			continue;
		run_part(work, i, &p[i]);
		p[i].done = true;
		fflush(stdout);
		if (work->jobs > 1)
			exit(0);	/* not _exit: a leak checker looks now */
	}
	for (i = 0; i < work->jobs; i++) {
		int status = 0;

		if (work->jobs > 1)
			waitpid(pids[i], &status, 0);
		if (!p[i].done) {
			printf("FAIL seed %llu scenario %s: the simulator itself ended by signal %d\n",
			       (unsigned long long)p[i].seed, p[i].scenario, WIFSIGNALED(status) ? WTERMSIG(status) : 0);
			p[i].failures++;
		} else if (status) {
			printf("FAIL worker %u ended with status %d: a leak?\n", i, WEXITSTATUS(status));
			p[i].failures++;
		}
		failures += p[i].failures;
		sweeps += p[i].sweeps;
		for (k = 0; k < REACH_STATES; k++)
			sum.reached[k] += p[i].stats.reached[k];
		sum.runs += p[i].stats.runs;
		sum.steps += p[i].stats.steps;
		sum.control += p[i].stats.control;
		sum.checked += p[i].stats.checked;
		sum.switchovers += p[i].stats.switchovers;
		sum.calls_up += p[i].stats.calls_up;
		sum.planned += p[i].stats.planned;
		sum.crashes += p[i].stats.crashes;
		sum.kills += p[i].stats.kills;
		sum.freezes += p[i].stats.freezes;
		sum.link_faults += p[i].stats.link_faults;
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	took = (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9;
	printf("sim: %llu runs (%u of them the sweep), %llu steps, %llu control packets (%llu checked against the standby), "
	       "%llu calls up, %llu takeovers: %llu power losses, %llu kills, %llu planned, %llu freezes, %llu stream cuts; %.1f s\n",
	       (unsigned long long)sum.runs, sweeps, (unsigned long long)sum.steps, (unsigned long long)sum.control,
	       (unsigned long long)sum.checked, (unsigned long long)sum.calls_up, (unsigned long long)sum.switchovers,
	       (unsigned long long)sum.crashes, (unsigned long long)sum.kills, (unsigned long long)sum.planned,
	       (unsigned long long)sum.freezes, (unsigned long long)sum.link_faults, took);
	for (k = 0; work->coverage && k < REACH_STATES; k++) {
		printf("%s %8llu  %s\n", sum.reached[k] ? "    " : "FAIL", (unsigned long long)sum.reached[k],
		       reach_name((enum reach)k));
		failures += !sum.reached[k];
	}
	printf("sim: %llu passed, %u failed\n", (unsigned long long)(sum.runs - (failures < sum.runs ? failures : sum.runs)),
	       failures);
	munmap(p, sizeof(*p) * WORKERS_MAX);
	return failures ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seed", required_argument, NULL, 's' },	{ "seeds", required_argument, NULL, 'n' },
		{ "scenario", required_argument, NULL, 'c' },	{ "verbose", no_argument, NULL, 'v' },
		{ "sweep", no_argument, NULL, 'w' },		{ "sweep-only", no_argument, NULL, 'W' },
		{ "jobs", required_argument, NULL, 'j' },	{ "seeds-file", required_argument, NULL, 'f' },
		{ "coverage", no_argument, NULL, 'C' },
		{ "list", no_argument, NULL, 'l' },		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	struct work work = { .seed = 1, .seeds = 100, .seeds_file = "tests/sim/seeds.txt", .max_failures = 3 };
	const struct scenario *s = NULL;
	int c;

	work.jobs = cpus < 1 ? 1 : cpus > WORKERS_MAX ? WORKERS_MAX : (unsigned)cpus;
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's': work.seed = strtoull(optarg, NULL, 10); break;
		case 'n': work.seeds = strtoull(optarg, NULL, 10); break;
		case 'c': work.scenario = optarg; break;
		case 'v': work.verbose = true; break;
		case 'w': work.sweep = true; break;
		case 'W': work.sweep = work.sweep_only = true; break;
		case 'j': work.jobs = (unsigned)strtoul(optarg, NULL, 10); break;
		case 'f': work.seeds_file = optarg; break;
		case 'C': work.coverage = true; break;
		case 'l':
			while ((s = scenario_next(s)))
				puts(s->name);
			sweep_list();
			return 0;
		case 'h':
			usage(stdout);
			return 0;
		default:
			usage(stderr);
			return 2;
		}
	if (optind < argc || !work.jobs || work.jobs > WORKERS_MAX) {
		usage(stderr);
		return 2;
	}
	if (work.scenario && strncmp(work.scenario, "sweep:", 6) && !scenario_find(work.scenario)) {
		fprintf(stderr, "sim: no scenario %s; --list names them\n", work.scenario);
		return 2;
	}
	if (work.verbose || work.seeds < work.jobs)
		work.jobs = 1;
	return run_all(&work);
}
