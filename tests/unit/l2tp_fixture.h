/* SPDX-License-Identifier: GPL-2.0-or-later */
/* For tests of one active engine and one LAC: both are there before each test. */
#ifndef L2TPHA_TESTS_UNIT_L2TP_FIXTURE_H
#define L2TPHA_TESTS_UNIT_L2TP_FIXTURE_H

#include "tests/unit/l2tp_peer.h"

static struct box box;
static struct lac lac;

static void setup(void)
{
	box_init(&box);
	lac_init(&lac, &box, 77);
	l2tp_activate(box.l2tp, box.now);
}

static void teardown(void)
{
	box_done(&box);
}

#endif
