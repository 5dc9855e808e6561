/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Roles from outside: the built-in detector is off, and a manager as keepalived
 * or Pacemaker are decides: it sees machines and access links, not records, and
 * says promote and demote.  It is also wrong at times: promotes both, promotes
 * the one whose records are old, is late, says everything twice.
 */
#include "tests/sim/sim.h"

#include <stdio.h>

const struct scenario outside_scenarios[] = {
	{ NULL, NULL, STORY_FEW },
};
