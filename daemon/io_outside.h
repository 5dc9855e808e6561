/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The files by which keepalived and the groups of this box talk: one reader
 * for each notify FIFO, one track_file for each group that names one.
 */
#ifndef L2TPHA_DAEMON_IO_OUTSIDE_H
#define L2TPHA_DAEMON_IO_OUTSIDE_H

#include <stddef.h>

#include "daemon/group.h"

struct ev_loop;
struct io_outside;

/*
 * For the groups whose configuration asks for it; the groups outlive it.  Writes
 * every track_file at once: nothing is known yet, so "not fit".  NULL: out of
 * memory.  A file that cannot be made is said and tried again.
 */
struct io_outside *io_outside_new(struct ev_loop *loop, struct group **groups, size_t count, const char *run_dir);
void io_outside_free(struct io_outside *outside);

#endif
