/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The file of an image (ha/image.h): RUNDIR/GROUP.log, mapped. */
#ifndef L2TPHA_DAEMON_IO_IMAGE_H
#define L2TPHA_DAEMON_IO_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "ha/ha.h"

struct io_image;

/* NULL: out of memory. Makes nothing. */
struct io_image *io_image_new(const char *run_dir, const char *group);
/* Unmaps; the file stays. */
void io_image_free(struct io_image *image);
/* What an earlier daemon left, writable and in use from now on; NULL: nothing usable as memory. */
uint8_t *io_image_found(struct io_image *image, size_t *size);
const char *io_image_path(const struct io_image *image);
void io_image_ops(struct io_image *image, struct ha_image_ops *ops);
/* Of this boot; zeroes if the kernel does not tell. */
void io_boot_id(uint8_t id[16]);
/* One daemon at a time writes here: waits a moment for one that is dying. fd, or -errno. */
int io_image_lock(const char *run_dir);

#endif
