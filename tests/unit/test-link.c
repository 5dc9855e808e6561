// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The HA link over loopback: two real ends, real TLS, a poll() loop.
 */
#include "daemon/log.h"
#include "ha/link.h"
#include "tests/unit/check_main.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FDS 32

struct end {
	struct ha_link *link;
	struct ha_link_config config;
	struct { int fd, events; } watch[FDS];
	int tiny;		/* socket buffers of every new fd; 0: as they are */
	bool is_up;
	unsigned int ups, downs;
	char why[128], trouble[128];
	uint8_t *in;
	size_t in_len, in_size;
	size_t reset_at;	/* reset from inside the callback when so much has come */
	bool paused;
};

struct lines {
	char text[64][256];
	unsigned int n;
};

static void sink(void *ctx, enum log_level level, const char *text)
{
	struct lines *lines = ctx;

	(void)level;
	if (lines->n < 64)
		snprintf(lines->text[lines->n++], sizeof(lines->text[0]), "%s", text);
	if (getenv("V"))
		fprintf(stderr, "%s\n", text);
}

static unsigned int lines_with(const struct lines *lines, const char *what)
{
	unsigned int i, n = 0;

	for (i = 0; i < lines->n; i++)
		n += strstr(lines->text[i], what) != NULL;
	return n;
}

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static void on_up(void *ctx)
{
	struct end *end = ctx;

	ck_assert(!end->is_up);
	end->is_up = true;
	end->ups++;
}

static void on_down(void *ctx, const char *why)
{
	struct end *end = ctx;

	ck_assert(end->is_up);
	end->is_up = false;
	end->downs++;
	snprintf(end->why, sizeof(end->why), "%s", why);
}

static void on_input(void *ctx, const uint8_t *data, size_t len)
{
	struct end *end = ctx;

	if (end->in_len + len > end->in_size) {
		end->in_size = (end->in_len + len) * 2;
		end->in = realloc(end->in, end->in_size);
	}
	memcpy(end->in + end->in_len, data, len);
	end->in_len += len;
	if (end->reset_at && end->in_len >= end->reset_at)
		ha_link_reset(end->link, "test");
}

static void on_watch(void *ctx, int fd, int events)
{
	struct end *end = ctx;
	int i, slot = -1;

	for (i = 0; i < FDS; i++) {
		if (end->watch[i].events && end->watch[i].fd == fd) {
			end->watch[i].events = events;
			return;
		}
		if (!end->watch[i].events)
			slot = i;
	}
	ck_assert_int_ne(events, 0);	/* stops only what was started */
	ck_assert_int_ge(slot, 0);
	end->watch[slot].fd = fd;
	end->watch[slot].events = events;
	if (end->tiny) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &end->tiny, sizeof(end->tiny));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &end->tiny, sizeof(end->tiny));
	}
}

static void turn(struct end **ends, unsigned int n, int wait_ms)
{
	struct pollfd fds[3 * FDS];
	struct end *owner[3 * FDS];
	unsigned int i, j, count = 0;

	for (i = 0; i < n; i++) {
		if (!ends[i]->link || ends[i]->paused)
			continue;
		if (ha_link_deadline_ms(ends[i]->link) <= now())
			ha_link_tick(ends[i]->link, now());
		for (j = 0; j < FDS; j++) {
			int events = ends[i]->watch[j].events;

			if (!events)
				continue;
			owner[count] = ends[i];
			fds[count].fd = ends[i]->watch[j].fd;
			fds[count].revents = 0;
			fds[count++].events = (short)((events & 1 ? POLLIN : 0) | (events & 2 ? POLLOUT : 0));
		}
	}
	poll(fds, count, wait_ms);
	for (i = 0; i < count; i++) {
		int events = (fds[i].revents & (POLLIN | POLLHUP | POLLERR) ? 1 : 0) |
			     (fds[i].revents & (POLLOUT | POLLHUP | POLLERR) ? 2 : 0);

		if (events)
			ha_link_ready(owner[i]->link, fds[i].fd, events, now());
	}
}

static void run(struct end *a, struct end *b, uint64_t ms)
{
	struct end *ends[] = { a, b };
	uint64_t until = now() + ms;

	while (now() < until)
		turn(ends, b ? 2 : 1, 5);
}

static void run_until_up(struct end *a, struct end *b)
{
	struct end *ends[] = { a, b };
	uint64_t until = now() + 5000;

	while (!(a->is_up && b->is_up) && now() < until)
		turn(ends, 2, 5);
	ck_assert(a->is_up && b->is_up);
}

static uint16_t free_port(void)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	getsockname(fd, (struct sockaddr *)&addr, &len);
	close(fd);
	return ntohs(addr.sin_port);
}

static void on_trouble(void *ctx, const char *why)
{
	struct end *end = ctx;

	snprintf(end->trouble, sizeof(end->trouble), "%s", why);
}

static void end_start(struct end *end, const char *node, bool dials, uint16_t port, const char *key)
{
	struct ha_link_ops ops = { .ctx = end, .up = on_up, .down = on_down, .input = on_input, .trouble = on_trouble,
				   .watch = on_watch };
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(port) };

	snprintf(end->config.node, sizeof(end->config.node), "%s", node);
	if (!end->config.group[0])
		strcpy(end->config.group, "g1");
	end->config.dial = dials;
	memcpy(&end->config.local, &addr, sizeof(addr));
	memcpy(&end->config.peer, &addr, sizeof(addr));
	end->config.key_len = strlen(key);
	memcpy(end->config.key, key, end->config.key_len);
	end->config.retry_ms = 50;
	end->config.connect_timeout_ms = 500;
	end->link = ha_link_new(&end->config, &ops);
	ck_assert_ptr_nonnull(end->link);
	ck_assert_int_eq(ha_link_start(end->link, now()), 0);
}

static void end_stop(struct end *end)
{
	ha_link_free(end->link);
	end->link = NULL;
	free(end->in);
	end->in = NULL;
}

#define KEY "0123456789abcdef0123456789abcdef"

static int tcp_connect(uint16_t port)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				    .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	ck_assert_int_eq(connect(fd, (struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

START_TEST(up_both_ways_and_down)
{
	struct end a = { 0 }, b = { 0 };
	struct lines lines = { 0 };
	uint16_t port = free_port();

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	end_start(&b, "b", false, port, KEY);
	end_start(&a, "a", true, port, KEY);
	run_until_up(&a, &b);
	ck_assert_int_eq(ha_link_send(a.link, (const uint8_t *)"hello", 5), 0);
	ck_assert_int_eq(ha_link_send(b.link, (const uint8_t *)"hi", 2), 0);
	run(&a, &b, 50);
	ck_assert_uint_eq(b.in_len, 5);
	ck_assert(!memcmp(b.in, "hello", 5));
	ck_assert_uint_eq(a.in_len, 2);
	end_stop(&a);
	run(&b, NULL, 50);
	ck_assert_uint_eq(b.downs, 1);
	ck_assert_str_eq(b.why, "closed by the peer");
	ck_assert_int_eq(ha_link_send(b.link, (const uint8_t *)"x", 1), -ENOTCONN);
	end_stop(&b);
}
END_TEST

/* Before a peer is called late: what he said is read though no loop has told of it yet. */
START_TEST(read_without_being_told)
{
	struct end a = { 0 }, b = { 0 };
	uint16_t port = free_port();

	end_start(&b, "b", false, port, KEY);
	end_start(&a, "a", true, port, KEY);
	ha_link_read(a.link, now());	/* no connection yet */
	run_until_up(&a, &b);
	run(&a, &b, 20);
	ha_link_send(a.link, (const uint8_t *)"hello", 5);
	for (uint64_t until = now() + 2000; b.in_len < 5 && now() < until;)
		ha_link_read(b.link, now());
	ck_assert_uint_eq(b.in_len, 5);
	ha_link_read(b.link, now());	/* nothing there is nothing */
	ck_assert(b.is_up);
	end_stop(&a);
	for (uint64_t until = now() + 2000; b.is_up && now() < until;)
		ha_link_read(b.link, now());
	ck_assert_str_eq(b.why, "closed by the peer");
	end_stop(&b);
}
END_TEST

START_TEST(dialler_waits_for_a_listener_and_reconnects)
{
	struct end a = { 0 }, b = { 0 };
	struct lines lines = { 0 };
	uint16_t port = free_port();

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	end_start(&a, "a", true, port, KEY);
	run(&a, NULL, 300);
	/* many attempts, one line */
	ck_assert_uint_eq(lines_with(&lines, "Connection refused"), 1);
	end_start(&b, "b", false, port, KEY);
	run_until_up(&a, &b);
	ha_link_reset(b.link, "test");
	ck_assert_uint_eq(b.downs, 1);
	ck_assert_str_eq(b.why, "test");
	run(&a, &b, 20);
	ck_assert_uint_eq(a.downs, 1);
	run_until_up(&a, &b);
	ck_assert_uint_eq(a.ups, 2);
	end_stop(&a);
	end_stop(&b);
}
END_TEST

static void refused(const char *key_b, const char *group_b, const char *node_b, const char *line)
{
	struct end a = { 0 }, b = { 0 };
	struct lines lines = { 0 };
	uint16_t port = free_port();

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	strcpy(a.config.group, group_b);
	end_start(&b, "b", false, port, KEY);
	end_start(&a, node_b, true, port, key_b);
	run(&a, &b, 600);
	ck_assert_uint_eq(a.ups, 0);
	ck_assert_uint_eq(b.ups, 0);
	/* about ten attempts, one line on each side, with the peer's address */
	ck_assert_msg(lines_with(&lines, line) == 1, "%u times \"%s\"", lines_with(&lines, line), line);
	ck_assert_uint_eq(lines_with(&lines, "127.0.0.1:"), lines.n);
	ck_assert_uint_eq(lines.n, 2);
	/* and both can show it */
	ck_assert_str_ne(a.trouble, "");
	ck_assert_str_ne(b.trouble, "");
	ck_assert(strstr(a.trouble, line) || strstr(b.trouble, line));
	end_stop(&a);
	end_stop(&b);
}

START_TEST(wrong_key_group_or_node)
{
	refused("fedcba9876543210fedcba9876543210", "g1", "a", "refused: wrong pre-shared key");
	refused(KEY, "g2", "a", "not of our redundancy group");
	refused(KEY, "g1", "b", "our own node name");
}
END_TEST

START_TEST(garbage_and_silence_do_not_disturb_the_live_link)
{
	struct end a = { 0 }, b = { 0 };
	struct lines lines = { 0 };
	uint16_t port = free_port();
	uint8_t junk[4096];
	int fd[6], i;

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	end_start(&b, "b", false, port, KEY);
	end_start(&a, "a", true, port, KEY);
	run_until_up(&a, &b);
	for (i = 0; i < (int)sizeof(junk); i++)
		junk[i] = (uint8_t)(i * 37 + 11);
	for (i = 0; i < 6; i++) {
		fd[i] = tcp_connect(port);
		if (i % 2 && write(fd[i], junk, sizeof(junk)) < 0)
			ck_abort();
		run(&a, &b, 20);
	}
	run(&a, &b, 800);
	ck_assert_uint_eq(lines_with(&lines, "not TLS 1.3"), 1);
	ck_assert_uint_eq(lines_with(&lines, "not finished in time"), 1);
	ck_assert_uint_eq(a.downs + b.downs, 0);
	ck_assert_int_eq(ha_link_send(a.link, (const uint8_t *)"alive", 5), 0);
	run(&a, &b, 50);
	ck_assert_uint_eq(b.in_len, 5);
	for (i = 0; i < 6; i++)
		close(fd[i]);
	end_stop(&a);
	end_stop(&b);
}
END_TEST

START_TEST(strangers_cannot_lock_the_peer_out)
{
	struct end a = { 0 }, b = { 0 };
	struct lines lines = { 0 };
	uint16_t port = free_port();
	int fd[8], i;

	/* the strangers come from another address than the configured peer */
	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	end_start(&b, "b", false, port, KEY);
	for (i = 0; i < 8; i++) {
		struct sockaddr_in from = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(0x7f000002) };
		struct sockaddr_in to = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
					  .sin_port = htons(port) };

		fd[i] = socket(AF_INET, SOCK_STREAM, 0);
		ck_assert_int_eq(bind(fd[i], (struct sockaddr *)&from, sizeof(from)), 0);
		ck_assert_int_eq(connect(fd[i], (struct sockaddr *)&to, sizeof(to)), 0);
	}
	run(&b, NULL, 50);
	end_start(&a, "a", true, port, KEY);
	run(&a, &b, 300);	/* before the strangers time out */
	ck_assert(a.is_up && b.is_up);
	for (i = 0; i < 8; i++)
		close(fd[i]);
	end_stop(&a);
	end_stop(&b);
}
END_TEST

START_TEST(newer_connection_of_the_peer_replaces_the_old_one)
{
	struct end a = { 0 }, a2 = { 0 }, b = { 0 };
	struct end *ends[] = { &a2, &b };
	struct lines lines = { 0 };
	uint16_t port = free_port();
	uint64_t until;

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	end_start(&b, "b", false, port, KEY);
	end_start(&a, "a", true, port, KEY);
	run_until_up(&a, &b);
	a.paused = true;	/* the old process hangs; a new one of the same node comes */
	end_start(&a2, "a", true, port, KEY);
	until = now() + 2000;
	while (!(a2.is_up && b.ups == 2) && now() < until)
		turn(ends, 2, 5);
	ck_assert_uint_eq(b.downs, 1);
	ck_assert_ptr_nonnull(strstr(b.why, "replaced"));
	ck_assert_int_eq(ha_link_send(a2.link, (const uint8_t *)"new", 3), 0);
	run(&a2, &b, 50);
	ck_assert_uint_eq(b.in_len, 3);
	end_stop(&a);
	end_stop(&a2);
	end_stop(&b);
}
END_TEST

START_TEST(much_data_through_tiny_buffers_both_ways)
{
	enum { SIZE = 200000 };
	struct end a = { .tiny = 8192 }, b = { .tiny = 8192 };
	struct end *ends[] = { &a, &b };
	struct lines lines = { 0 };
	uint16_t port = free_port();
	uint8_t *data = malloc(SIZE);
	uint64_t until;
	size_t i, n;

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	end_start(&b, "b", false, port, KEY);
	end_start(&a, "a", true, port, KEY);
	run_until_up(&a, &b);
	for (i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 2654435761u >> 13);
	/* odd pieces, queued faster than they leave */
	for (i = 0; i < SIZE; i += n) {
		n = 1 + i * 7919 % 50000;
		if (n > SIZE - i)
			n = SIZE - i;
		ck_assert_int_eq(ha_link_send(a.link, data + i, n), 0);
		ck_assert_int_eq(ha_link_send(b.link, data + i, n), 0);
		turn(ends, 2, 0);
	}
	ck_assert_uint_gt(ha_link_queued(a.link), 0);
	until = now() + 30000;
	while ((a.in_len < SIZE || b.in_len < SIZE) && now() < until)
		turn(ends, 2, 5);
	ck_assert_uint_eq(a.in_len, SIZE);
	ck_assert_uint_eq(b.in_len, SIZE);
	ck_assert(!memcmp(a.in, data, SIZE));
	ck_assert(!memcmp(b.in, data, SIZE));
	ck_assert_uint_eq(ha_link_queued(a.link), 0);
	free(data);
	end_stop(&a);
	end_stop(&b);
}
END_TEST

START_TEST(a_peer_that_does_not_read_is_bounded)
{
	struct end a = { 0 }, b = { 0 };
	struct lines lines = { 0 };
	uint16_t port = free_port();
	uint8_t *chunk = calloc(1, 1 << 20);
	int i, ret = 0;

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	end_start(&b, "b", false, port, KEY);
	end_start(&a, "a", true, port, KEY);
	run_until_up(&a, &b);
	for (i = 0; i < 100 && !ret; i++)
		ret = ha_link_send(a.link, chunk, 1 << 20);
	ck_assert_int_eq(ret, -ENOBUFS);
	ck_assert_int_gt(i, 60);
	ck_assert_uint_eq(a.downs, 1);
	free(chunk);
	end_stop(&a);
	end_stop(&b);
}
END_TEST

START_TEST(reset_from_inside_a_callback)
{
	struct end a = { 0 }, b = { .reset_at = 20000 };
	struct lines lines = { 0 };
	uint16_t port = free_port();
	uint8_t data[60000] = { 0 };

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	end_start(&b, "b", false, port, KEY);
	end_start(&a, "a", true, port, KEY);
	run_until_up(&a, &b);
	ck_assert_int_eq(ha_link_send(a.link, data, sizeof(data)), 0);
	run(&a, &b, 30);
	ck_assert_uint_ge(b.downs, 1);
	b.reset_at = 0;
	run_until_up(&a, &b);
	end_stop(&a);
	end_stop(&b);
}
END_TEST

/* A relay that we may cut or corrupt, between the two ends. */
static int relay_accept(int listener)
{
	struct pollfd pfd = { .fd = listener, .events = POLLIN };

	ck_assert_int_eq(poll(&pfd, 1, 1000), 1);
	return accept(listener, NULL, NULL);
}

static void relay_pump(int from, int to, uint8_t flip)
{
	uint8_t buf[65536];
	ssize_t n = recv(from, buf, sizeof(buf), MSG_DONTWAIT);

	if (n <= 0)
		return;
	if (flip)
		buf[n / 2] ^= flip;
	ck_assert_int_eq(send(to, buf, (size_t)n, 0), n);
}

static void through_relay(bool corrupt)
{
	struct sockaddr_in addr = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct end a = { 0 }, b = { 0 };
	struct end *ends[] = { &a, &b };
	struct lines lines = { 0 };
	uint16_t port = free_port(), relay_port = free_port();
	int listener = socket(AF_INET, SOCK_STREAM, 0), left, right, on = 1;
	uint64_t until;

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	addr.sin_port = htons(relay_port);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	ck_assert_int_eq(bind(listener, (struct sockaddr *)&addr, sizeof(addr)), 0);
	ck_assert_int_eq(listen(listener, 4), 0);
	end_start(&b, "b", false, port, KEY);
	end_start(&a, "a", true, relay_port, KEY);
	left = relay_accept(listener);
	right = tcp_connect(port);
	until = now() + 2000;
	while (!(a.is_up && b.is_up) && now() < until) {
		turn(ends, 2, 1);
		relay_pump(left, right, 0);
		relay_pump(right, left, 0);
	}
	ck_assert(a.is_up && b.is_up);
	ck_assert_int_eq(ha_link_send(a.link, (const uint8_t *)"some state that matters", 23), 0);
	turn(ends, 2, 1);
	if (corrupt) {
		relay_pump(left, right, 0x40);
	} else {
		uint8_t buf[8];	/* the record ends in the middle */

		ck_assert_int_eq(recv(left, buf, sizeof(buf), 0), sizeof(buf));
		ck_assert_int_eq(send(right, buf, sizeof(buf), 0), sizeof(buf));
		close(right);
	}
	until = now() + 2000;
	while (!b.downs && now() < until)
		turn(ends, 2, 5);
	ck_assert_uint_eq(b.downs, 1);
	ck_assert_uint_eq(b.in_len, 0);
	if (corrupt)
		close(right);
	else
		ck_assert_str_eq(b.why, "stream cut off");
	close(left);
	close(listener);
	until = now() + 2000;
	while (!a.downs && now() < until)
		turn(ends, 2, 5);
	ck_assert_uint_eq(a.downs, 1);
	end_stop(&a);
	end_stop(&b);
}

START_TEST(cut_in_the_middle_of_a_record)
{
	through_relay(false);
}
END_TEST

START_TEST(one_flipped_bit_on_the_wire)
{
	through_relay(true);
}
END_TEST

START_TEST(short_key_is_no_key)
{
	struct ha_link_config config = { .node = "a", .group = "g1", .key_len = 15 };
	struct ha_link_ops ops = { 0 };
	struct lines lines = { 0 };

	log_set_sink(sink, &lines, LOG_LEVEL_INFO);
	ck_assert_ptr_null(ha_link_new(&config, &ops));
	ck_assert_uint_eq(lines_with(&lines, "pre-shared key"), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("link");
	TCase *tcase = tcase_create("loopback");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, up_both_ways_and_down);
	tcase_add_test(tcase, read_without_being_told);
	tcase_add_test(tcase, dialler_waits_for_a_listener_and_reconnects);
	tcase_add_test(tcase, wrong_key_group_or_node);
	tcase_add_test(tcase, garbage_and_silence_do_not_disturb_the_live_link);
	tcase_add_test(tcase, strangers_cannot_lock_the_peer_out);
	tcase_add_test(tcase, newer_connection_of_the_peer_replaces_the_old_one);
	tcase_add_test(tcase, much_data_through_tiny_buffers_both_ways);
	tcase_add_test(tcase, a_peer_that_does_not_read_is_bounded);
	tcase_add_test(tcase, reset_from_inside_a_callback);
	tcase_add_test(tcase, cut_in_the_middle_of_a_record);
	tcase_add_test(tcase, one_flipped_bit_on_the_wire);
	tcase_add_test(tcase, short_key_is_no_key);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
