// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon itself (build/l2tphad-null) under a million SCCRQs from addresses
 * all over 127/8 while one tunnel is up: that tunnel's HELLOs are acknowledged
 * within a second, the daemon does not grow, and a new LAC gets in meanwhile
 * (by asking again) and afterwards.
 */
#include "tests/null/tunnel.h"
#include "tests/unit/check_main.h"

#define REQUESTS 1000000
#define BATCH 64

static const char config[] =
	"hostname lns\n"
	"vpdn enable\n"
	"interface virtual-template 1\n"
	" ip address 10.64.0.1\n"
	"vpdn-group WHOLESALE\n"
	" accept-dialin\n"
	"  protocol l2tp\n"
	"  virtual-template 1\n"
	" no l2tp tunnel authentication\n";

/* HELLO after HELLO, each as soon as the one before is acknowledged; at most one in 10 ms. */
static void tunnel_turn(struct tunnel *t)
{
	uint8_t buf[L2TP_MSG_MAX];
	struct message_header header;
	struct avp_builder out;

	while (next(t->fd, 0, buf, &header))
		if (t->waiting && header.nr == t->ns)
			t->waiting = false;
	if (now_ms() - t->since_ms > t->worst_ms && t->waiting)
		t->worst_ms = now_ms() - t->since_ms;
	if (t->waiting || now_ms() - t->since_ms < 10)
		return;
	message_begin(&out, buf, sizeof(buf), MESSAGE_HELLO, t->id, 0);
	message_end(&out);
	message_set_ns(buf, t->ns++);
	message_set_nr(buf, 1);
	t->waiting = true;
	t->since_ms = now_ms();
	send(t->fd, buf, out.len, 0);
}

/* A LAC that wants a tunnel meanwhile, and repeats every second what is not answered. */
struct comer {
	int fd;
	uint16_t id;		/* 0: its request is not answered yet */
	unsigned asked;
	uint64_t began_ms, next_ms, up_ms;
};

static void comer_say(struct comer *c)
{
	uint8_t buf[L2TP_MSG_MAX];
	struct avp_builder out;

	c->next_ms = now_ms() + 1000;
	if (!c->id) {
		c->asked++;
		send(c->fd, buf, put_sccrq(buf, sizeof(buf), OWN_ID), 0);
		return;
	}
	message_begin(&out, buf, sizeof(buf), MESSAGE_SCCCN, c->id, 0);
	message_end(&out);
	message_set_ns(buf, 1);
	message_set_nr(buf, 1);
	send(c->fd, buf, out.len, 0);
}

static void comer_turn(struct comer *c)
{
	uint8_t buf[L2TP_MSG_MAX], room[L2TP_MSG_MAX];
	struct message_header header;
	static struct message message;

	if (c->up_ms)
		return;
	while (next(c->fd, 0, buf, &header)) {
		if (c->id && header.nr == 2) {
			c->up_ms = now_ms();
			return;
		}
		if (c->id || !header.body_len || message_parse(header.body, header.body_len, "", room, &message) ||
		    message.type != MESSAGE_SCCRP)
			continue;
		c->id = message_u16(&message, AVP_ASSIGNED_TUNNEL_ID);
		c->next_ms = 0;
	}
	if (now_ms() >= c->next_ms)
		comer_say(c);
}

/* Any source port, and what comes back is nobody's. */
static int sender(unsigned number)
{
	struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f200000 + number * 977 + 1) };
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(1701) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), least = 1;

	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
	inet_pton(AF_INET, DAEMON_ADDRESS, &to.sin_addr);
	if (bind(fd, (struct sockaddr *)&from, sizeof(from)) || connect(fd, (struct sockaddr *)&to, sizeof(to))) {
		close(fd);
		return -1;
	}
	return fd;
}

static void flood_batch(uint32_t number)
{
	static uint8_t data[BATCH][128];
	static struct iovec iov[BATCH];
	static struct mmsghdr msgs[BATCH];
	int fd = sender(number), i;

	for (i = 0; i < BATCH; i++) {
		iov[i] = (struct iovec){ data[i], put_sccrq(data[i], sizeof(data[i]), (uint16_t)(number * BATCH + i + 1)) };
		msgs[i].msg_hdr = (struct msghdr){ .msg_iov = &iov[i], .msg_iovlen = 1 };
	}
	if (fd < 0)
		return;
	sendmmsg(fd, msgs, BATCH, 0);
	close(fd);
}

START_TEST(flood)
{
	struct daemon_run run = { 0 };
	struct tunnel tunnel, after;
	struct comer comer = { 0 };
	long before, grown;
	uint32_t i;

	ck_assert(daemon_start(&run, config, false, -1));
	ck_assert_msg(tunnel_open(&tunnel, 1), "no tunnel before the flood");
	before = daemon_rss_kib(&run);
	for (i = 0; i < REQUESTS / BATCH || (!comer.up_ms && now_ms() - comer.began_ms < 20000); i++) {
		flood_batch(i);
		tunnel_turn(&tunnel);
		if (i == 1000)
			comer = (struct comer){ .fd = daemon_lac_socket(3), .began_ms = now_ms() };
		if (i >= 1000)
			comer_turn(&comer);
	}
	ck_assert_msg(daemon_alive(&run), "the daemon has ended");
	grown = daemon_rss_kib(&run) - before;
	ck_assert_msg(tunnel.worst_ms < 1000, "a HELLO waited %u ms", (unsigned)tunnel.worst_ms);
#ifndef __SANITIZE_ADDRESS__	/* which keeps what was given back for a while */
	ck_assert_msg(grown < 8 * 1024, "it grew by %ld KiB", grown);
#endif
	ck_assert_uint_gt(tunnel.ns, 10);
	ck_assert_msg(comer.up_ms, "no new tunnel during the flood: asked %u times", comer.asked);
	/* a busy machine loses some in the buffer of the socket; RFC 2661 5.8 has a LAC ask six times before it gives up */
	ck_assert_msg(comer.asked <= 6, "a new LAC had to ask %u times", comer.asked);
	ck_assert_msg(tunnel_open(&after, 2), "no tunnel after the flood");
	if (getenv("V"))
		fprintf(stderr, "%u HELLOs, the longest waited %u ms; a new tunnel after %u ms, asked for %u times; "
			"grown by %ld KiB, %u ms of CPU\n", tunnel.ns - 2u, (unsigned)tunnel.worst_ms,
			(unsigned)(comer.up_ms - comer.began_ms), comer.asked, grown, (unsigned)(daemon_cpu_us(&run) / 1000));
	daemon_end(&run);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("daemon-flood");
	TCase *tcase = tcase_create("flood");

	tcase_set_timeout(tcase, 110);
	if (daemon_network())
		printf("not run: no network of our own, that needs root or user namespaces\n");
	else
		tcase_add_test(tcase, flood);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
