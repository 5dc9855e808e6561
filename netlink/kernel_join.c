/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Two PPP channels become one way: PPPIOCBRIDGECHAN (Linux 5.12).
 *
 * Owns: each join or separation under way, with its own copies of the sockets.
 * Called through dp_ops.  The work is done in a thread: the index of a channel
 * costs an RCU grace period (PPPIOCGCHAN), and so does undoing a joint.
 *
 * The kernel ends a joint with either channel, that is with the last copy of a
 * pppox socket; /dev/ppp need not stay open for it.  Until it is made, frames
 * wait: in the socket while nobody asked for its channel, then in the channel.
 * A subscriber's first LCP frames are among them, and would come again only
 * after seconds, so they are handed over here.
 */
#include "netlink/kernel_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/ppp-ioctl.h>

#include "netlink/worker.h"

#define FRAME_MAX 2048
#define FRAMES_WAITING 64	/* more than a channel keeps; a flood does not hold us up */

struct joint {
	struct dp_kernel *k;
	int fd[2];		/* copies of the pppox sockets */
	bool join;
	struct dp_end ends[2];
	dp_done_fn done;
	void *arg;
};

static int channel_open(int pppox)
{
	int index, fd, e;

	if (ioctl(pppox, PPPIOCGCHAN, &index) < 0)
		return -errno;
	fd = open("/dev/ppp", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (ioctl(fd, PPPIOCATTCHAN, &index) < 0) {
		e = -errno;
		close(fd);
		return e;
	}
	return fd;
}

/* What came for nobody at the one end leaves at the other. */
static void hand_over_channel(int from, int to)
{
	uint8_t frame[FRAME_MAX];
	unsigned i;

	for (i = 0; i < FRAMES_WAITING; i++) {
		ssize_t len = read(from, frame, sizeof(frame));

		if (len <= 0 || write(to, frame, (size_t)len) < 0)
			return;
	}
}

/* The same of what came before the channel had an index; read now, written when there is a way. */
struct waiting {
	uint8_t frame[4][FRAME_MAX];
	ssize_t len[4];
	unsigned count;
};
static void collect_socket(int pppox, struct waiting *w)
{
	while (w->count < 4) {
		ssize_t len = recv(pppox, w->frame[w->count], FRAME_MAX, MSG_DONTWAIT);

		if (len <= 0)
			return;
		w->len[w->count++] = len;
	}
}

static void hand_over_socket(const struct waiting *w, int to)
{
	unsigned i;

	for (i = 0; i < w->count; i++) {
		const uint8_t *f = w->frame[i];
		ssize_t len = w->len[i];

		if (len > 2 && f[0] == 0xff && f[1] == 0x03) {	/* the channel puts its own in front */
			f += 2;
			len -= 2;
		}
		if (write(to, f, (size_t)len) < 0)
			return;
	}
}

static int join(int a, int b, int b_pppox)
{
	int index;

	/* pppd may have left one of them to a unit that nobody serves any more */
	ioctl(a, PPPIOCDISCONN);
	ioctl(b, PPPIOCDISCONN);
	if (ioctl(b_pppox, PPPIOCGCHAN, &index) < 0)
		return -errno;
	if (!ioctl(a, PPPIOCBRIDGECHAN, &index) || errno == EALREADY)
		return 0;	/* already: by the daemon before us; a session is joined once in its life */
	return errno == ENOTTY || errno == EINVAL ? -EOPNOTSUPP : -errno;
}

static int run_join(void *arg)
{
	struct joint *j = arg;
	struct waiting *w = calloc(2, sizeof(*w));
	int channel[2] = { -1, -1 }, e = w ? 0 : -ENOMEM, i;

	for (i = 0; !e && i < 2; i++) {
		collect_socket(j->fd[i], &w[i]);
		channel[i] = channel_open(j->fd[i]);
		if (channel[i] < 0)
			e = channel[i];
	}
	if (!e)
		e = join(channel[0], channel[1], j->fd[1]);
	for (i = 0; !e && i < 2; i++) {
		hand_over_socket(&w[i], channel[1 - i]);
		hand_over_channel(channel[i], channel[1 - i]);
	}
	for (i = 0; i < 2; i++) {
		if (channel[i] >= 0)
			close(channel[i]);
		close(j->fd[i]);
	}
	free(w);
	return e;
}

static int run_separate(void *arg)
{
	struct joint *j = arg;
	int channel = channel_open(j->fd[0]), e = 0;

	if (channel < 0)
		e = channel;
	else if (ioctl(channel, PPPIOCUNBRIDGECHAN) < 0 && errno != EINVAL)	/* EINVAL: it was not joined */
		e = -errno;
	if (channel >= 0)
		close(channel);
	close(j->fd[0]);
	return e;
}

static bool end_stands(const struct joint *j, int i)
{
	return !j->ends[i].tunnel_id || dp_kernel_session_fd(j->k, j->ends[i].tunnel_id, j->ends[i].session_id) >= 0;
}

static void on_done(void *arg, int error)
{
	struct joint *j = arg;
	dp_done_fn done = j->done;
	void *done_arg = j->arg;

	if (j->join && !(end_stands(j, 0) && end_stands(j, 1)))
		error = -ECANCELED;
	free(j);
	if (done)
		done(done_arg, error);
}

static int copy_of(const struct dp_kernel *k, const struct dp_end *end)
{
	int fd = end->tunnel_id ? dp_kernel_session_fd(k, end->tunnel_id, end->session_id) : end->fd;

	if (fd < 0)
		return -ENODEV;
	fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	return fd < 0 ? -errno : fd;
}

static int start(struct dp *dp, const struct dp_end *a, const struct dp_end *b, dp_done_fn done, void *arg)
{
	struct dp_kernel *k = kernel_of(dp);
	struct joint *j = calloc(1, sizeof(*j));
	int e;

	if (!j)
		return -ENOMEM;
	*j = (struct joint){ .k = k, .join = b != NULL, .ends = { *a, b ? *b : *a }, .done = done, .arg = arg };
	j->fd[0] = copy_of(k, a);
	j->fd[1] = b ? copy_of(k, b) : -1;
	e = j->fd[0] < 0 ? j->fd[0] : b && j->fd[1] < 0 ? j->fd[1] : 0;
	if (!e)
		e = worker_submit(k->worker, b ? run_join : run_separate, on_done, j);
	if (!e)
		return 0;
	if (j->fd[0] >= 0)
		close(j->fd[0]);
	if (j->fd[1] >= 0)
		close(j->fd[1]);
	free(j);
	return e;
}

int dp_kernel_join(struct dp *dp, const struct dp_end *a, const struct dp_end *b, dp_done_fn done, void *arg)
{
	return start(dp, a, b, done, arg);
}

int dp_kernel_separate(struct dp *dp, const struct dp_end *end, dp_done_fn done, void *arg)
{
	return start(dp, end, NULL, done, arg);
}
