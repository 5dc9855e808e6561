/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where log lines go: stderr, with a systemd priority prefix under the journal. */
#ifndef L2TPHA_DAEMON_IO_LOG_H
#define L2TPHA_DAEMON_IO_LOG_H

#include "daemon/log.h"

void io_log_start(enum log_level max_level);

#endif
