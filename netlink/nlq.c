/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Asynchronous netlink: a queue of requests, a list of those the kernel has.
 *
 * Owns: one netlink socket, its requests.  Called by the kernel back end for
 * generic netlink (L2TP), rtnetlink (addresses) and nfnetlink (the fence).
 *
 * Requests wait in the queue until the loop is about to sleep; then they are
 * sent for SEND_BUDGET_US and the answers, which are there as soon as sendmsg
 * returns, are read at once, for RECV_BUDGET_US.  A request ends with the first of: an error or
 * acknowledgement with its sequence number, the end of its dump, a timeout,
 * or an overrun of the receive buffer (ENOBUFS), after which nobody knows
 * which answers were lost and all that are out end with -ENOBUFS.
 */
#include "netlink/nlq.h"

#include <errno.h>
#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include <ev.h>
#include <netlink/attr.h>
#include <netlink/msg.h>
#include <netlink/netlink.h>

#include "daemon/log.h"

#define SEND_BUDGET_US 1000
#define RECV_BUDGET_US 1000	/* callbacks included */
#define REQUEST_TIMEOUT_S 5.
#define RECV_BUFFER (1024 * 1024)

_Static_assert(ENOBUFS == 105 && ETIMEDOUT == 110, "nlq_unknown() in nlq.h");

struct request {
	struct request *next;
	uint32_t seq;
	double sent_at;
	double made_at;		/* not to be sent when that is too long ago; 0: at any time */
	nlq_msg_fn on_msg;
	nlq_done_fn done;
	void *arg;
	size_t len;
	uint8_t data[];
};
struct list {
	struct request *head, **tail;
	unsigned count;
};
struct nlq {
	struct ev_loop *loop;
	const char *name;
	struct nl_sock *sock;
	int fd;
	uint32_t seq;
	unsigned in_flight_max;
	struct list waiting, out;
	ev_io io;
	ev_prepare prepare;
	ev_idle spin;		/* active while requests wait: the loop must not sleep */
	ev_timer timeout;
	uint8_t *buf;
};

static void list_init(struct list *l)
{
	l->head = NULL;
	l->tail = &l->head;
	l->count = 0;
}

static void list_push(struct list *l, struct request *r)
{
	r->next = NULL;
	*l->tail = r;
	l->tail = &r->next;
	l->count++;
}

static struct request *list_unlink(struct list *l, struct request **link)
{
	struct request *r = *link;

	*link = r->next;
	if (l->tail == &r->next)
		l->tail = link;
	l->count--;
	return r;
}

static struct request **out_find(struct nlq *q, uint32_t seq)
{
	struct request **link;

	for (link = &q->out.head; *link; link = &(*link)->next)
		if ((*link)->seq == seq)
			return link;
	return NULL;
}

static void finish(struct nlq *q, struct request **link, int error)
{
	struct request *r = list_unlink(&q->out, link);

	if (r->done)
		r->done(r->arg, error);
	free(r);
}

static void finish_all(struct nlq *q, int error)
{
	/* requests made meanwhile go to `waiting`, so this ends */
	while (q->out.head)
		finish(q, &q->out.head, error);
}

static void log_refusal(const struct nlq *q, const struct nlmsghdr *nlh, const struct nlmsgerr *err)
{
	size_t payload = sizeof(*err);
	struct nlattr *text;

	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		payload += err->msg.nlmsg_len - sizeof(struct nlmsghdr);
	text = nlmsg_find_attr((struct nlmsghdr *)nlh, (int)NLMSG_ALIGN(payload), NLMSGERR_ATTR_MSG);
	if (text)
		log_debug("netlink %s: %s: %s", q->name, strerror(-err->error), nla_get_string(text));
}

static void handle(struct nlq *q, struct nlmsghdr *nlh)
{
	struct request **link = out_find(q, nlh->nlmsg_seq);

	if (!link)
		return;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *err = nlmsg_data(nlh);

		if (err->error)
			log_refusal(q, nlh, err);
		finish(q, link, err->error);
		return;
	}
	if (nlh->nlmsg_type == NLMSG_DONE) {
		int error = nlmsg_datalen(nlh) >= (int)sizeof(int) ? *(const int *)nlmsg_data(nlh) : 0;

		finish(q, link, error);
		return;
	}
	if ((*link)->on_msg && nlh->nlmsg_type >= NLMSG_MIN_TYPE)
		(*link)->on_msg((*link)->arg, nlh);
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void receive(struct nlq *q)
{
	double start = now_s();

	while ((now_s() - start) * 1e6 < RECV_BUDGET_US) {	/* the rest in the next turn */
		struct sockaddr_nl from = { 0 };
		socklen_t from_len = sizeof(from);
		ssize_t len = recvfrom(q->fd, q->buf, RECV_BUFFER / 16, MSG_DONTWAIT,
				       (struct sockaddr *)&from, &from_len);
		struct nlmsghdr *nlh = (struct nlmsghdr *)q->buf;
		int rest = (int)len;

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == ENOBUFS) {
			log_warnx("netlink %s: answers were lost (receive buffer overrun), %u requests failed",
				  q->name, q->out.count);
			finish_all(q, -ENOBUFS);
			continue;
		}
		if (len < 0)
			return;
		if (from.nl_pid)
			continue;	/* only the kernel may answer */
		for (; nlmsg_ok(nlh, rest); nlh = nlmsg_next(nlh, &rest))
			handle(q, nlh);
	}
}

static void send_one(struct nlq *q)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct request *r = list_unlink(&q->waiting, &q->waiting.head);
	ssize_t n;

	r->sent_at = now_s();
	list_push(&q->out, r);
	if (r->made_at != 0 && (r->sent_at - r->made_at) * 1000 > NLQ_FRESH_MS) {
		finish(q, out_find(q, r->seq), -ESTALE);
		return;
	}
	do
		n = sendto(q->fd, r->data, r->len, MSG_DONTWAIT, (struct sockaddr *)&kernel, sizeof(kernel));
	while (n < 0 && errno == EINTR);
	if (n < 0) {
		int error = -errno;
		struct request **link = out_find(q, r->seq);

		if (link)
			finish(q, link, error);
	}
}

static void arm(struct nlq *q)
{
	bool can_send = q->waiting.count && q->out.count < q->in_flight_max;

	if (can_send && !ev_is_active(&q->spin))
		ev_idle_start(q->loop, &q->spin);
	else if (!can_send && ev_is_active(&q->spin))
		ev_idle_stop(q->loop, &q->spin);
	if (q->out.count && !ev_is_active(&q->timeout))
		ev_timer_again(q->loop, &q->timeout);
	else if (!q->out.count && ev_is_active(&q->timeout))
		ev_timer_stop(q->loop, &q->timeout);
}

static void on_prepare(struct ev_loop *loop, ev_prepare *w, int revents)
{
	struct nlq *q = w->data;
	double start;

	(void)loop, (void)revents;
	if (q->waiting.count && q->out.count < q->in_flight_max) {
		start = now_s();
		do {
			while (q->waiting.count && q->out.count < q->in_flight_max &&
			       (now_s() - start) * 1e6 < SEND_BUDGET_US)
				send_one(q);
			receive(q);
		} while (q->waiting.count && q->out.count < q->in_flight_max &&
			 (now_s() - start) * 1e6 < SEND_BUDGET_US);
	}
	arm(q);
}

static void on_readable(struct ev_loop *loop, ev_io *w, int revents)
{
	(void)loop, (void)revents;
	receive(w->data);
}

static void on_timeout(struct ev_loop *loop, ev_timer *w, int revents)
{
	struct nlq *q = w->data;
	double limit = now_s() - REQUEST_TIMEOUT_S;

	(void)loop, (void)revents;
	/* in order of sending: the oldest is first */
	while (q->out.head && q->out.head->sent_at <= limit) {
		log_warnx("netlink %s: no answer within %.0f s", q->name, REQUEST_TIMEOUT_S);
		finish(q, &q->out.head, -ETIMEDOUT);
	}
	arm(q);
}

static void on_spin(struct ev_loop *loop, ev_idle *w, int revents)
{
	(void)loop, (void)w, (void)revents;
}

struct nlq *nlq_new(struct ev_loop *loop, int protocol, unsigned in_flight, const char *name)
{
	struct nlq *q = calloc(1, sizeof(*q));
	int one = 1, saved;

	if (!q)
		return NULL;
	q->loop = loop;
	q->name = name;
	q->in_flight_max = in_flight;
	list_init(&q->waiting);
	list_init(&q->out);
	q->buf = malloc(RECV_BUFFER / 16);
	q->sock = nl_socket_alloc();
	if (!q->buf || !q->sock) {
		errno = ENOMEM;
		goto fail;
	}
	if (nl_connect(q->sock, protocol) < 0)	/* errno is that of socket() or bind() */
		goto fail;
	q->fd = nl_socket_get_fd(q->sock);
	nl_socket_set_nonblocking(q->sock);
	nl_socket_set_buffer_size(q->sock, RECV_BUFFER, 256 * 1024);
	setsockopt(q->fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(q->fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	/* lets the kernel filter address dumps by interface */
	setsockopt(q->fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	q->seq = 1;

	ev_io_init(&q->io, on_readable, q->fd, EV_READ);
	ev_prepare_init(&q->prepare, on_prepare);
	ev_idle_init(&q->spin, on_spin);
	ev_init(&q->timeout, on_timeout);
	q->timeout.repeat = REQUEST_TIMEOUT_S / 5;
	q->io.data = q->prepare.data = q->timeout.data = q;
	ev_io_start(loop, &q->io);
	ev_prepare_start(loop, &q->prepare);
	return q;
fail:
	saved = errno;
	nl_socket_free(q->sock);
	free(q->buf);
	free(q);
	errno = saved;
	return NULL;
}

void nlq_free(struct nlq *q)
{
	if (!q)
		return;
	ev_io_stop(q->loop, &q->io);
	ev_prepare_stop(q->loop, &q->prepare);
	ev_idle_stop(q->loop, &q->spin);
	ev_timer_stop(q->loop, &q->timeout);
	while (q->waiting.head)
		free(list_unlink(&q->waiting, &q->waiting.head));
	while (q->out.head)
		free(list_unlink(&q->out, &q->out.head));
	nl_socket_free(q->sock);
	free(q->buf);
	free(q);
}

static int submit(struct nlq *q, const void *data, size_t len, bool fresh, nlq_msg_fn on_msg, nlq_done_fn done, void *arg)
{
	struct request *r = malloc(sizeof(*r) + len);
	struct nlmsghdr *nlh;
	int rest = (int)len;

	if (!r)
		return -ENOMEM;
	*r = (struct request){
		.seq = q->seq++, .on_msg = on_msg, .done = done, .arg = arg, .len = len, .made_at = fresh ? now_s() : 0,
	};
	memcpy(r->data, data, len);
	for (nlh = (struct nlmsghdr *)r->data; nlmsg_ok(nlh, rest); nlh = nlmsg_next(nlh, &rest)) {
		nlh->nlmsg_seq = r->seq;
		nlh->nlmsg_pid = 0;
	}
	list_push(&q->waiting, r);
	arm(q);
	return 0;
}

int nlq_request(struct nlq *q, struct nl_msg *msg, nlq_msg_fn on_msg, nlq_done_fn done, void *arg)
{
	struct nlmsghdr *nlh;
	bool dump;
	int e;

	if (!msg)
		return -ENOMEM;
	nlh = nlmsg_hdr(msg);
	dump = (nlh->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
	nlh->nlmsg_flags |= NLM_F_REQUEST | (dump ? 0 : NLM_F_ACK);
	e = submit(q, nlh, nlh->nlmsg_len, false, on_msg, done, arg);
	nlmsg_free(msg);
	return e;
}

int nlq_request_raw(struct nlq *q, const void *data, size_t len, bool fresh, nlq_done_fn done, void *arg)
{
	return submit(q, data, len, fresh, NULL, done, arg);
}
