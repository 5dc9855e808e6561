/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changing the configuration of a running daemon: copy, compare, exchange.
 */
#ifndef L2TPHA_DAEMON_CONFIG_CHANGE_H
#define L2TPHA_DAEMON_CONFIG_CHANGE_H

#include "daemon/config.h"

enum config_how { CONFIG_ADDED, CONFIG_REMOVED, CONFIG_CHANGED };
enum config_effect {		/* the furthest a change reaches; nothing that is up is disturbed by the first four, but for a dialer that is to hang up */
	CONFIG_EFFECT_AT_ONCE,
	CONFIG_EFFECT_NEW_SESSIONS,
	CONFIG_EFFECT_NEW_TUNNELS,
	CONFIG_EFFECT_NEW_CALLS,
	CONFIG_EFFECT_RESTART,
};
struct config_change {
	char what[96];		/* the line, or the first of a section; no secret */
	enum config_how how;
	enum config_effect effect;
};
const char *config_how_name(enum config_how how);
const char *config_effect_text(enum config_effect effect);

/* A deep copy; NULL: no memory. */
struct config *config_clone(const struct config *config);
/* The differences, at most `max` of them filled in; returns how many there are, -1: no memory. */
int config_diff(const struct config *old, const struct config *next, struct config_change *out, size_t max);
/* Puts what `next` says into `running`, redundancy groups excepted; frees `next`. */
void config_replace(struct config *running, struct config *next);

#endif
