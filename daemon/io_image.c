// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that outlives the daemon: a file in the runtime directory (a tmpfs),
 * mapped and shared.  Owns the mappings.  Called by io_node.c; ha/keep.c
 * writes in it, without a system call, until it wants a new area: that is a
 * second file, which then takes the name of the first.
 *
 * The octets of an area are allocated when it is made: a full file system is
 * found out here, not by a signal at some write.
 */
#include "daemon/io_image.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/log.h"

#define LOCK_TRIES 200
#define LOCK_WAIT_US 20000

struct area {
	uint8_t *base;
	size_t size;
};
struct io_image {
	char path[320], next_path[328];
	struct area now, next;
};

static void area_drop(struct area *area)
{
	if (area->base)
		munmap(area->base, area->size);
	*area = (struct area){ NULL, 0 };
}

static int area_map(struct area *area, int fd, size_t size)
{
	void *base = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (base == MAP_FAILED)
		return -errno;
	*area = (struct area){ base, size };
	return 0;
}

struct io_image *io_image_new(const char *run_dir, const char *group)
{
	struct io_image *image = calloc(1, sizeof(*image));

	if (!image)
		return NULL;
	snprintf(image->path, sizeof(image->path), "%.240s/%.64s.log", run_dir, group);
	snprintf(image->next_path, sizeof(image->next_path), "%s.new", image->path);
	return image;
}

void io_image_free(struct io_image *image)
{
	if (!image)
		return;
	area_drop(&image->now);
	area_drop(&image->next);
	free(image);
}

const char *io_image_path(const struct io_image *image)
{
	return image->path;
}

uint8_t *io_image_found(struct io_image *image, size_t *size)
{
	int fd = open(image->path, O_RDWR | O_CLOEXEC | O_NOFOLLOW), rc;
	struct stat st;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() || st.st_size < 1) {
		close(fd);
		return NULL;
	}
	/* one that was cut would end us by a signal where it has holes */
	rc = posix_fallocate(fd, 0, st.st_size);
	if (!rc)
		rc = -area_map(&image->now, fd, (size_t)st.st_size);
	close(fd);
	if (rc) {
		log_warnx("%s cannot be used: %s", image->path, strerror(rc));
		return NULL;
	}
	*size = image->now.size;
	return image->now.base;
}

static uint8_t *begin(void *ctx, size_t size, size_t *got)
{
	struct io_image *image = ctx;
	int fd, rc;

	area_drop(&image->next);
	unlink(image->next_path);
	fd = open(image->next_path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	rc = fd < 0 ? errno : posix_fallocate(fd, 0, (off_t)size);
	if (!rc)
		rc = -area_map(&image->next, fd, size);
	if (fd >= 0)
		close(fd);
	if (rc) {
		log_warnx("%s cannot have %zu octets: %s", image->next_path, size, strerror(rc));
		unlink(image->next_path);
		return NULL;
	}
	*got = size;
	return image->next.base;
}

static int swap(void *ctx)
{
	struct io_image *image = ctx;

	if (rename(image->next_path, image->path) < 0)
		return -errno;
	area_drop(&image->now);
	image->now = image->next;
	image->next = (struct area){ NULL, 0 };
	return 0;
}

void io_image_ops(struct io_image *image, struct ha_image_ops *ops)
{
	*ops = (struct ha_image_ops){ .ctx = image, .begin = begin, .swap = swap };
}

void io_boot_id(uint8_t id[16])
{
	FILE *f = fopen("/proc/sys/kernel/random/boot_id", "re");
	unsigned int octet;
	size_t n = 0;
	int c;

	memset(id, 0, 16);
	while (f && n < 16 && (c = getc(f)) != EOF) {
		if (c == '-')
			continue;
		ungetc(c, f);
		if (fscanf(f, "%2x", &octet) != 1)
			break;
		id[n++] = (uint8_t)octet;
	}
	if (f)
		fclose(f);
}

int io_image_lock(const char *run_dir)
{
	char path[320];
	int fd, tries, rc;

	snprintf(path, sizeof(path), "%.300s/l2tphad.lock", run_dir);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	for (tries = 0; tries < LOCK_TRIES; tries++) {
		if (!flock(fd, LOCK_EX | LOCK_NB))
			return fd;
		if (errno != EWOULDBLOCK)
			break;
		usleep(LOCK_WAIT_US);
	}
	rc = errno == EWOULDBLOCK ? -EBUSY : -errno;
	close(fd);
	return rc;
}
