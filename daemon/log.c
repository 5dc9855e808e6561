// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Log lines are formatted here, once, and handed to the injected sink.
 * Control characters that came from a peer are replaced, so that a host
 * name cannot forge a log line.
 */
#include "daemon/log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static log_sink_fn sink_fn;
static void *sink_ctx;
static enum log_level sink_max = LOG_LEVEL_INFO;

void log_set_sink(log_sink_fn sink, void *ctx, enum log_level max_level)
{
	sink_fn = sink;
	sink_ctx = ctx;
	sink_max = max_level;
}

enum log_level log_level_max(void)
{
	return sink_max;
}

static void emit(enum log_level level, char *text)
{
	for (char *p = text; *p; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '.';
	if (sink_fn)
		sink_fn(sink_ctx, level, text);
	else
		fprintf(stderr, "l2tpha: %s\n", text);
}

void log_line(enum log_level level, const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	if (level > sink_max)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	emit(level, text);
}

void log_line_errno(enum log_level level, const char *fmt, ...)
{
	int saved = errno;
	char text[1024];
	size_t n;
	va_list ap;

	if (level > sink_max)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	n = strlen(text);
	snprintf(text + n, sizeof(text) - n, ": %s", strerror(saved));
	emit(level, text);
}
