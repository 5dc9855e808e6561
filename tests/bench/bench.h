/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What native benchmarks share: clocks, memory, medians, the line of result.
 *
 * A result is one line of JSON on stdout, {"bench", "value", "unit", "goal",
 * "ok", ...}; everything for people goes to stderr.
 */
#ifndef TESTS_BENCH_H
#define TESTS_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t bench_clock_us(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

static inline uint64_t bench_now_us(void)
{
	return bench_clock_us(CLOCK_BOOTTIME);
}

static inline uint64_t bench_cpu_us(void)
{
	return bench_clock_us(CLOCK_PROCESS_CPUTIME_ID);
}

static inline long bench_rss_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "re");
	long total, resident = 0;

	if (!f)
		return 0;
	if (fscanf(f, "%ld %ld", &total, &resident) != 2)
		resident = 0;
	fclose(f);
	return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

static inline int bench_compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* Sorts the values. */
static inline double bench_quantile(double *values, size_t n, double q)
{
	size_t i = (size_t)(q * (double)n);

	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), bench_compare);
	return values[i < n ? i : n - 1];
}

static inline double bench_median(double *values, size_t n)
{
	if (!n)
		return 0;
	qsort(values, n, sizeof(*values), bench_compare);
	return n % 2 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

static inline void bench_die(const char *what)
{
	fprintf(stderr, "bench: %s\n", what);
	exit(1);
}

#endif
