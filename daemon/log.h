/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logging, for every room.  Pure code may call it: the sink is injected
 * (daemon/io_log.c writes to the journal or stderr, the simulator keeps it).
 *
 * warn  = an operator should look;  info = the life of the service;
 * debug = for whoever follows one packet.  `warnx` has no errno, `warn` adds it.
 */
#ifndef L2TPHA_DAEMON_LOG_H
#define L2TPHA_DAEMON_LOG_H

#include <stdarg.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

typedef void (*log_sink_fn)(void *ctx, enum log_level level, const char *text);

/* Sets the process-wide sink (the one deliberate global). NULL = stderr. */
void log_set_sink(log_sink_fn sink, void *ctx, enum log_level max_level);
enum log_level log_level_max(void);

void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_line_errno(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_errorx(...) log_line(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warnx(...)  log_line(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_warn(...)   log_line_errno(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...)   log_line(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) \
	do { \
		if (log_level_max() >= LOG_LEVEL_DEBUG) \
			log_line(LOG_LEVEL_DEBUG, __VA_ARGS__); \
	} while (0)

#endif
