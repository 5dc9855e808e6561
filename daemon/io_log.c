// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The log sink of the programs.  Under systemd a line starts with its priority
 * (sd-daemon(3)) and the journal adds the time; elsewhere we add the time.
 */
#include "daemon/io_log.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

static void to_journal(void *ctx, enum log_level level, const char *text)
{
	static const int priority[] = { 3, 4, 6, 7 };

	(void)ctx;
	fprintf(stderr, "<%d>%s\n", priority[level], text);
}

static void to_stderr(void *ctx, enum log_level level, const char *text)
{
	static const char *const name[] = { "error", "warn", "info", "debug" };
	struct timeval tv;
	struct tm tm;

	(void)ctx;
	gettimeofday(&tv, NULL);
	localtime_r(&tv.tv_sec, &tm);
	fprintf(stderr, "%02d:%02d:%02d.%03d %s: %s\n", tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(tv.tv_usec / 1000),
		name[level], text);
}

void io_log_start(enum log_level max_level)
{
	setvbuf(stderr, NULL, _IOLBF, 0);
	log_set_sink(getenv("JOURNAL_STREAM") ? to_journal : to_stderr, NULL, max_level);
}
