// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * keepalived's notify FIFO and track_file; what they mean is in outside.c.
 *
 * The FIFO is opened for reading only, so that its end tells when keepalived
 * has gone.  keepalived opens it for both: what it says while no daemon runs
 * waits in the pipe for the next one.  Whoever comes first makes the FIFO;
 * keepalived removes it when it ends if it was the one, so once a second the
 * path is compared with what is open.
 *
 * keepalived says each thing once.  The last word is kept in the run
 * directory, for a daemon that is restarted; it counts only while keepalived
 * still has the FIFO open.
 *
 * The groups are looked at before the loop sleeps: whatever changed their
 * fitness or their role woke it up.
 */
#include "daemon/io_outside.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/io_node.h"
#include "daemon/log.h"
#include "daemon/outside.h"

struct fifo {			/* one path, however many groups listen to it */
	ev_io io;		/* first: the callback gets its address */
	struct io_outside *owner;
	const char *path;
	bool open, complained;
	dev_t dev;
	ino_t ino;
};

struct one {			/* a group */
	struct group *group;
	struct outside *outside;	/* NULL: only its track_file is wanted */
	const char *fifo, *track_file;
	char word_path[CONFIG_PATH_MAX];
	enum outside_word kept;
	int track;			/* in the file; INT_MAX: nothing is */
	bool complained;
};

struct io_outside {
	struct ev_loop *loop;
	struct one *ones;
	struct fifo *fifos;
	size_t count, fifo_count;
	ev_prepare prepare;
	ev_timer timer;			/* an order that is due */
	ev_timer look;			/* is the FIFO still the one we read? */
};

/* ---- files ---------------------------------------------------------------- */

/* The new content or the old one, never half of it. */
static int file_replace(const char *path, const char *text)
{
	char temporary[CONFIG_PATH_MAX + 8];
	size_t len = strlen(text);
	int fd, rc = 0;

	snprintf(temporary, sizeof(temporary), "%s.new", path);
	fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	if (write(fd, text, len) != (ssize_t)len)
		rc = -EIO;
	close(fd);
	if (!rc && rename(temporary, path))
		rc = -errno;
	if (rc)
		unlink(temporary);
	return rc;
}

static void track(struct one *one, enum ha_fitness fitness, const char *reason)
{
	int value = outside_track(fitness), rc;
	char text[16];

	if (!one->track_file || value == one->track)
		return;
	snprintf(text, sizeof(text), "%d\n", value);
	rc = file_replace(one->track_file, text);
	if (rc) {
		if (!one->complained)
			log_warnx("redundancy group %s: %s cannot be written: %s", group_name(one->group),
				  one->track_file, strerror(-rc));
		one->complained = true;
		return;		/* tried again when next looked at */
	}
	one->complained = false;
	one->track = value;
	log_info("redundancy group %s: told keepalived %d: %s (%s)", group_name(one->group), value,
		 ha_fitness_name(fitness), reason);
}

static void word_keep(struct one *one)
{
	enum outside_word word = outside_word(one->outside);

	if (word == one->kept)
		return;
	one->kept = word;
	if (word == OUTSIDE_WORD_NONE)
		unlink(one->word_path);
	else
		file_replace(one->word_path, outside_word_name(word));
}

static void word_recall(struct one *one)
{
	char text[32] = "";
	FILE *f = fopen(one->word_path, "re");

	if (!f)
		return;
	if (fgets(text, sizeof(text), f))
		one->kept = outside_word_parse(text);
	fclose(f);
	outside_remember(one->outside, io_now_ms(), one->kept);
}

/* ---- the FIFO ------------------------------------------------------------- */

static void fifo_close(struct fifo *fifo)
{
	if (!fifo->open)
		return;
	ev_io_stop(fifo->owner->loop, &fifo->io);
	close(fifo->io.fd);
	fifo->open = false;
}

static void fifo_gone(struct fifo *fifo)
{
	for (size_t i = 0; i < fifo->owner->count; i++) {
		struct one *one = &fifo->owner->ones[i];

		if (one->outside && !strcmp(one->fifo, fifo->path))
			outside_closed(one->outside);
	}
}

static void fifo_open(struct fifo *fifo);

static void fifo_ready(struct ev_loop *loop, ev_io *io, int revents)
{
	struct fifo *fifo = (struct fifo *)io;
	uint8_t data[4096];
	ssize_t n;

	(void)loop;
	(void)revents;
	n = read(io->fd, data, sizeof(data));
	if (n < 0) {
		if (errno == EAGAIN || errno == EINTR)
			return;
		log_warn("%s cannot be read", fifo->path);
	}
	if (n <= 0) {
		fifo_gone(fifo);
		fifo_close(fifo);
		fifo_open(fifo);	/* waits without a sound until keepalived is back */
		return;
	}
	for (size_t i = 0; i < fifo->owner->count; i++) {
		struct one *one = &fifo->owner->ones[i];

		if (one->outside && !strcmp(one->fifo, fifo->path))
			outside_input(one->outside, io_now_ms(), data, (size_t)n);
	}
}

static void fifo_complain(struct fifo *fifo, const char *why)
{
	if (!fifo->complained)
		log_warnx("%s: %s; keepalived is not heard", fifo->path, why);
	fifo->complained = true;
}

static void fifo_open(struct fifo *fifo)
{
	struct stat st;
	int fd;

	if (mkfifo(fifo->path, 0600) && errno != EEXIST) {
		fifo_complain(fifo, strerror(errno));
		return;
	}
	fd = open(fifo->path, O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0) {
		fifo_complain(fifo, strerror(errno));
		return;
	}
	if (fstat(fd, &st) || !S_ISFIFO(st.st_mode)) {
		fifo_complain(fifo, "expected a FIFO");
		close(fd);
		return;
	}
	fifo->complained = false;
	fifo->dev = st.st_dev;
	fifo->ino = st.st_ino;
	fifo->open = true;
	ev_io_init(&fifo->io, fifo_ready, fd, EV_READ);
	ev_io_start(fifo->owner->loop, &fifo->io);
}

static bool fifo_has_writer(const char *path)
{
	int fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);

	if (fd < 0)
		return false;	/* ENXIO: nobody has it open */
	close(fd);
	return true;
}

static void on_look(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct io_outside *o = w->data;
	struct stat st;

	(void)loop;
	(void)revents;
	for (size_t i = 0; i < o->fifo_count; i++) {
		struct fifo *fifo = &o->fifos[i];

		if (fifo->open && !lstat(fifo->path, &st) && st.st_dev == fifo->dev && st.st_ino == fifo->ino)
			continue;
		fifo_close(fifo);
		fifo_open(fifo);
	}
}

/* ---- the groups ----------------------------------------------------------- */

static void order(struct one *one, enum outside_action action)
{
	char reason[HA_REASON_MAX] = "";
	uint64_t now = io_now_ms();
	int rc = 0;

	switch (action) {
	case OUTSIDE_ACTION_NONE:
		return;
	case OUTSIDE_ACTION_PROMOTE:
		rc = group_promote(one->group, now, false, reason);
		break;
	case OUTSIDE_ACTION_HANDOVER:
		rc = group_switchover(one->group, now, false, reason);
		break;
	case OUTSIDE_ACTION_DEMOTE:
		rc = group_demote(one->group, now, reason);
		break;
	}
	outside_result(one->outside, now, action, rc, reason);
}

static void on_timer(struct ev_loop *loop, ev_timer *w, int revents)
{
	(void)loop;
	(void)w;
	(void)revents;
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct io_outside *o = w->data;
	uint64_t now = io_now_ms(), next = UINT64_MAX;

	(void)revents;
	for (size_t i = 0; i < o->count; i++) {
		struct one *one = &o->ones[i];
		struct ha_info info;
		uint64_t at;

		ha_info(group_ha(one->group), &info);
		track(one, info.fitness, info.fitness_reason);
		if (!one->outside)
			continue;
		order(one, outside_next(one->outside, now, &info));
		word_keep(one);
		at = outside_deadline_ms(one->outside);
		next = at < next ? at : next;
	}
	ev_timer_stop(loop, &o->timer);
	if (next == UINT64_MAX)
		return;
	ev_timer_set(&o->timer, next > now ? (double)(next - now) / 1000. : 0., 0.);
	ev_timer_start(loop, &o->timer);
}

/* ---- life ----------------------------------------------------------------- */

static void fifo_add(struct io_outside *o, const char *path)
{
	struct fifo *fifo;

	for (size_t i = 0; i < o->fifo_count; i++)
		if (!strcmp(o->fifos[i].path, path))
			return;
	fifo = &o->fifos[o->fifo_count++];
	fifo->owner = o;
	fifo->path = path;
}

static bool one_add(struct io_outside *o, struct group *group, const char *run_dir)
{
	const struct config_redundancy_group *rg = group_redundancy(group);
	bool keepalived = rg && rg->detector == CONFIG_DETECTOR_KEEPALIVED;
	struct one *one = &o->ones[o->count];

	if (!rg || (!keepalived && !rg->track_file[0]))
		return true;
	o->count++;
	one->group = group;
	one->track = INT_MAX;
	if (rg->track_file[0])
		one->track_file = rg->track_file;
	track(one, HA_FITNESS_UNKNOWN, "started");
	if (!keepalived)
		return true;
	one->fifo = rg->keepalived_fifo;
	one->outside = outside_new(rg->name, rg->keepalived_instance[0] ? rg->keepalived_instance : rg->name);
	if (!one->outside)
		return false;
	snprintf(one->word_path, sizeof(one->word_path), "%s/keepalived.%s", run_dir, rg->name);
	if (fifo_has_writer(one->fifo))
		word_recall(one);
	else
		unlink(one->word_path);
	fifo_add(o, one->fifo);
	return true;
}

struct io_outside *io_outside_new(struct ev_loop *loop, struct group **groups, size_t count, const char *run_dir)
{
	struct io_outside *o = calloc(1, sizeof(*o));

	if (!o)
		return NULL;
	o->loop = loop;
	o->ones = calloc(count, sizeof(*o->ones));
	o->fifos = calloc(count, sizeof(*o->fifos));
	if (!o->ones || !o->fifos)
		goto fail;
	for (size_t i = 0; i < count; i++)
		if (!one_add(o, groups[i], run_dir))
			goto fail;
	for (size_t i = 0; i < o->fifo_count; i++)
		fifo_open(&o->fifos[i]);
	if (!o->count)
		return o;
	ev_timer_init(&o->timer, on_timer, 0., 0.);
	/* after the packets, before the groups' own last round (io_node.c) */
	ev_prepare_init(&o->prepare, on_prepare);
	ev_set_priority(&o->prepare, EV_MINPRI + 1);
	o->prepare.data = o;
	ev_prepare_start(loop, &o->prepare);
	ev_timer_init(&o->look, on_look, 1., 1.);
	o->look.data = o;
	if (o->fifo_count)
		ev_timer_start(loop, &o->look);
	return o;
fail:
	io_outside_free(o);
	return NULL;
}

void io_outside_free(struct io_outside *o)
{
	if (!o)
		return;
	if (ev_is_active(&o->prepare)) {
		ev_prepare_stop(o->loop, &o->prepare);
		ev_timer_stop(o->loop, &o->timer);
		ev_timer_stop(o->loop, &o->look);
	}
	for (size_t i = 0; i < o->fifo_count; i++)
		fifo_close(&o->fifos[i]);
	for (size_t i = 0; o->ones && i < o->count; i++)
		outside_free(o->ones[i].outside);
	free(o->ones);
	free(o->fifos);
	free(o);
}
