/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `debug {l2tp|vpdn} redundancy CLASS` switches on.  The classes are one
 * set of events, told under either name.  Off costs one test of a mask; a
 * line goes to the sink, which the shell of the daemon provides (journal and
 * the sessions that said `terminal monitor`).
 */
#ifndef L2TPHA_DAEMON_DEBUG_H
#define L2TPHA_DAEMON_DEBUG_H

#include <stdbool.h>

enum debug_class {
	DEBUG_CF,		/* checkpointing facility: commits, snapshots, confirmations */
	DEBUG_DETAIL,		/* single records, heartbeats */
	DEBUG_ERROR,
	DEBUG_EVENT,		/* the stream and the sync state */
	DEBUG_FSM,		/* roles */
	DEBUG_RESYNC,		/* tunnels after a takeover */
	DEBUG_RF,		/* redundancy facility: the steps of a change of role */
	DEBUG_CLASSES
};
enum debug_facility { DEBUG_L2TP, DEBUG_VPDN, DEBUG_FACILITIES };

struct debug {
	unsigned mask[DEBUG_FACILITIES];	/* bit: class */
	void (*sink)(void *ctx, const char *line);
	void *ctx;
};

/* As typed ("event") and as confirmed ("events"); "L2TP". */
const char *debug_class_word(enum debug_class class);
const char *debug_class_name(enum debug_class class);
const char *debug_facility_name(enum debug_facility facility);

static inline bool debug_on(const struct debug *debug, enum debug_class class)
{
	return debug && ((debug->mask[DEBUG_L2TP] | debug->mask[DEBUG_VPDN]) & (1u << class));
}

void debug_line(const struct debug *debug, enum debug_class class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#endif
