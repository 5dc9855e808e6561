/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Roles that somebody outside decides, for one redundancy group: octets of
 * keepalived's notify FIFO and the group's own state in, orders and the value
 * of a track_file out.  Pure; daemon/io_outside.c has the files.
 *
 * keepalived knows which machine is there, the group knows which one holds the
 * sessions.  So its word is a wish: MASTER is carried out when the group is fit
 * (and asked again until then), BACKUP, FAULT and STOP make it give the address
 * up, in order if the peer holds everything, at once if not.  What the group is
 * fit for goes back to keepalived as a number, so that a box without the
 * sessions does not win.
 */
#ifndef L2TPHA_DAEMON_OUTSIDE_H
#define L2TPHA_DAEMON_OUTSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ha/ha.h"

#define OUTSIDE_LINE_MAX 512

struct outside;

enum outside_word {		/* the last thing keepalived said of our instance */
	OUTSIDE_WORD_NONE,
	OUTSIDE_WORD_MASTER,
	OUTSIDE_WORD_BACKUP,
	OUTSIDE_WORD_FAULT,
	OUTSIDE_WORD_STOP,
};
const char *outside_word_name(enum outside_word word);	/* as keepalived writes it; NONE: "" */
enum outside_word outside_word_parse(const char *name);

enum outside_action {
	OUTSIDE_ACTION_NONE,
	OUTSIDE_ACTION_PROMOTE,		/* not forced */
	OUTSIDE_ACTION_HANDOVER,	/* planned: the peer holds everything */
	OUTSIDE_ACTION_DEMOTE,
};

/* Names are copied. `instance` is the vrrp_instance or vrrp_sync_group to listen to. */
struct outside *outside_new(const char *group, const char *instance);
void outside_free(struct outside *outside);

/* Octets of the FIFO, any split. */
void outside_input(struct outside *outside, uint64_t now_ms, const uint8_t *data, size_t len);
/* Nobody has the FIFO open any more: what was said counts no longer; the role stays as it is. */
void outside_closed(struct outside *outside);
/* What was said to the daemon before this one, while keepalived lived on. */
void outside_remember(struct outside *outside, uint64_t now_ms, enum outside_word word);
enum outside_word outside_word(const struct outside *outside);

/*
 * What to do now, given the group's state; at most one order.  The caller
 * carries it out and tells the result; then asks again at the deadline or
 * when the state changed.
 */
enum outside_action outside_next(struct outside *outside, uint64_t now_ms, const struct ha_info *info);
void outside_result(struct outside *outside, uint64_t now_ms, enum outside_action action, int error, const char *reason);
uint64_t outside_deadline_ms(const struct outside *outside);	/* UINT64_MAX: none */

/* For a track_file with weight 1: 0, or so far below that another box wins. */
int outside_track(enum ha_fitness fitness);
/* For a promotion score of Pacemaker; INT_MIN: -INFINITY. */
int outside_score(enum ha_fitness fitness);

#endif
