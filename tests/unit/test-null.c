// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The null data plane keeps the promises of dataplane.h that the simulator
 * and its invariants rest on: completions later and in order, a fence that is
 * closed by default and closes by itself, errors as the kernel gives them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "netlink/null.h"
#include "tests/unit/check_main.h"

#define LOG_MAX 64
static struct world {
	struct dp *dp;
	int done[LOG_MAX];	/* arg * 1000 - error, in order of completion */
	size_t done_count, sent, packets, batches, vip_events, counted;
	const char *fail_op;
	int probe_result;
} w;

static void done(void *arg, int error)
{
	ck_assert_uint_lt(w.done_count, LOG_MAX);
	w.done[w.done_count++] = (int)(intptr_t)arg * 1000 - error;
}

static void session_done(void *arg, int error, int session_fd, int tunnel_fd)
{
	ck_assert_int_eq(session_fd, -1);
	ck_assert_int_eq(tunnel_fd, -1);
	done(arg, error);
}

static void chain(void *arg, int error)
{
	struct dp_tunnel t = { .local_id = 99 };

	done(arg, error);
	ck_assert_int_eq(w.dp->ops->tunnel_create(w.dp, &t, done, (void *)9), 0);
}

static void transmit(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		     const uint8_t *data, size_t len)
{
	(void)ctx, (void)local, (void)peer, (void)data, (void)len;
	w.sent++;
}

static void packet(void *ctx, const struct l2tp_endpoint *local, const struct l2tp_endpoint *peer,
		   const uint8_t *data, size_t len)
{
	(void)ctx, (void)local, (void)peer, (void)data, (void)len;
	w.packets++;
}

static void batch_end(void *ctx)
{
	(void)ctx;
	w.batches++;
}

static void vip_changed(void *ctx)
{
	(void)ctx;
	w.vip_events++;
}

static int fault(void *ctx, const char *operation)
{
	(void)ctx;
	return w.fail_op && !strcmp(w.fail_op, operation) ? -ENOBUFS : 0;
}

static int probe(void *ctx, const struct dp_vip *vip)
{
	(void)ctx, (void)vip;
	return w.probe_result;
}

static void each(void *arg, uint16_t tunnel_id, uint16_t session_id, const struct dp_session_counters *c)
{
	(void)c;
	ck_assert_ptr_eq(arg, (void *)5);
	ck_assert_uint_eq(tunnel_id, 7);
	ck_assert(session_id == 1 || session_id == 2);
	w.counted++;
}

static void setup(void)
{
	static const struct dp_null_config config = { transmit, probe, vip_changed, fault, NULL };
	static const struct dp_events events = { .packet = packet, .batch_end = batch_end };

	memset(&w, 0, sizeof(w));
	w.dp = dp_null_new(&config, &events);
	ck_assert_ptr_nonnull(w.dp);
}

static void teardown(void)
{
	w.dp->ops->free(w.dp);
}

static struct dp_vip vip4(uint8_t last)
{
	return (struct dp_vip){ .addr = { .family = 4, .addr = { 192, 0, 2, last } }, .prefix_len = 24 };
}

static int tunnel(uint16_t id, intptr_t tag)
{
	return w.dp->ops->tunnel_create(w.dp, &(struct dp_tunnel){ .local_id = id }, done, (void *)tag);
}

static int session(uint16_t tid, uint16_t sid, intptr_t tag)
{
	return w.dp->ops->session_create(w.dp, &(struct dp_session){ .tunnel_id = tid, .local_id = sid },
					 session_done, (void *)tag);
}

START_TEST(completions_wait_and_keep_order)
{
	ck_assert(!dp_null_pending(w.dp));
	ck_assert_int_eq(tunnel(7, 1), 0);
	ck_assert_int_eq(session(7, 1, 2), 0);
	ck_assert_int_eq(session(7, 1, 3), 0);
	ck_assert_int_eq(session(8, 1, 4), 0);
	ck_assert_int_eq(tunnel(7, 5), 0);
	ck_assert_uint_eq(w.done_count, 0);
	ck_assert_uint_eq(dp_null_tunnels(w.dp), 0);
	ck_assert(dp_null_pending(w.dp));

	ck_assert_uint_eq(dp_null_run(w.dp, 0), 5);
	ck_assert_int_eq(w.done[0], 1000);
	ck_assert_int_eq(w.done[1], 2000);
	ck_assert_int_eq(w.done[2], 3000 + EEXIST);
	ck_assert_int_eq(w.done[3], 4000 + ENODEV);
	ck_assert_int_eq(w.done[4], 5000 + EEXIST);
	ck_assert(dp_null_has_tunnel(w.dp, 7) && dp_null_has_session(w.dp, 7, 1));
	ck_assert(!dp_null_has_session(w.dp, 8, 1));
}
END_TEST

START_TEST(an_operation_of_a_completion_waits_for_the_next_run)
{
	struct dp_tunnel t = { .local_id = 1 };

	w.dp->ops->tunnel_create(w.dp, &t, chain, (void *)1);
	ck_assert_uint_eq(dp_null_run(w.dp, 0), 1);
	ck_assert(!dp_null_has_tunnel(w.dp, 99));
	ck_assert_uint_eq(dp_null_run(w.dp, 0), 1);
	ck_assert(dp_null_has_tunnel(w.dp, 99));
	ck_assert_uint_eq(dp_null_run(w.dp, 0), 0);
}
END_TEST

START_TEST(a_tunnel_takes_its_sessions_along)
{
	intptr_t i;

	for (i = 0; i < 200; i++) {	/* more than the queue's first size, several tunnels */
		if (i < 4)
			tunnel((uint16_t)(i + 1), i % 9);
		w.dp->ops->session_create(w.dp, &(struct dp_session){ .tunnel_id = (uint16_t)(i % 4 + 1),
					  .local_id = (uint16_t)(i + 1) }, session_done, NULL);
		if (i % 20 == 19) {
			dp_null_run(w.dp, 0);
			w.done_count = 0;
		}
	}
	ck_assert_uint_eq(dp_null_sessions(w.dp), 200);
	w.dp->ops->session_delete(w.dp, 2, 2, done, NULL);
	w.dp->ops->session_delete(w.dp, 2, 2, done, NULL);
	w.dp->ops->tunnel_delete(w.dp, 2, done, NULL);
	w.dp->ops->tunnel_delete(w.dp, 2, NULL, NULL);
	dp_null_run(w.dp, 0);
	ck_assert_int_eq(w.done[0], 0);
	ck_assert_int_eq(w.done[1], ENOENT);
	ck_assert_int_eq(w.done[2], 0);
	ck_assert_uint_eq(w.done_count, 3);
	ck_assert_uint_eq(dp_null_sessions(w.dp), 150);
	ck_assert(!dp_null_has_session(w.dp, 2, 6));
	ck_assert(dp_null_has_session(w.dp, 1, 1));
}
END_TEST

static void send_from(const struct dp_vip *vip)
{
	struct l2tp_endpoint peer = { .family = 4, .addr = { 198, 51, 100, 1 }, .port = 1701 };

	ck_assert_int_eq(w.dp->ops->send(w.dp, 0, &vip->addr, &peer, (const uint8_t *)"x", 1), 0);
}

START_TEST(mute_until_leased_and_again_when_the_lease_ends)
{
	struct dp_vip vip = vip4(1), other = vip4(2);

	ck_assert_int_eq(w.dp->ops->vip_declare(w.dp, &vip, 1), 0);
	send_from(&vip);
	ck_assert_uint_eq(w.sent, 0);
	send_from(&other);	/* nobody's virtual address */
	ck_assert_uint_eq(w.sent, 1);

	dp_null_set_time(w.dp, 100);
	w.dp->ops->lease(w.dp, &vip, 1, 500, done, (void *)1);
	send_from(&vip);
	ck_assert_uint_eq(w.sent, 1);
	dp_null_run(w.dp, 110);	/* takes effect late, counts from the call */
	ck_assert_uint_eq(w.vip_events, 2);	/* declared, opened */
	send_from(&vip);
	ck_assert_uint_eq(w.sent, 2);
	ck_assert(dp_null_leased(w.dp, &vip.addr, 599) && !dp_null_leased(w.dp, &vip.addr, 600));

	dp_null_set_time(w.dp, 599);
	send_from(&vip);
	ck_assert_uint_eq(w.sent, 3);
	ck_assert_uint_eq(w.vip_events, 2);
	dp_null_set_time(w.dp, 600);
	ck_assert_uint_eq(w.vip_events, 3);
	send_from(&vip);
	ck_assert_uint_eq(w.sent, 3);
	ck_assert_uint_eq(dp_null_get_stats(w.dp).muted, 3);

	w.dp->ops->lease(w.dp, &vip, 1, 0, done, (void *)2);
	ck_assert_int_eq(w.dp->ops->vip_declare(w.dp, &other, 1), 0);	/* another group's, later */
	ck_assert(!dp_null_leased(w.dp, &other.addr, 600));
	dp_null_run(w.dp, 600);
	ck_assert(dp_null_leased(w.dp, &vip.addr, UINT64_MAX));
	w.dp->ops->fence(w.dp, &vip, 1, done, (void *)3);
	dp_null_run(w.dp, 600);
	ck_assert(!dp_null_leased(w.dp, &vip.addr, 600));
}
END_TEST

START_TEST(addresses_come_and_go)
{
	struct dp_vip v[2] = { vip4(1), vip4(2) };

	w.dp->ops->vip_declare(w.dp, v, 2);
	w.dp->ops->vip_add(w.dp, v, 2, done, (void *)1);
	ck_assert(!dp_null_has_vip(w.dp, &v[1].addr));
	dp_null_run(w.dp, 0);
	ck_assert(dp_null_has_vip(w.dp, &v[0].addr) && dp_null_has_vip(w.dp, &v[1].addr));
	w.dp->ops->vip_del(w.dp, &v[0], 1, done, (void *)2);
	dp_null_run(w.dp, 0);
	ck_assert(!dp_null_has_vip(w.dp, &v[0].addr) && dp_null_has_vip(w.dp, &v[1].addr));
}
END_TEST

START_TEST(probe_says_what_it_found)
{
	struct dp_vip vip = vip4(1);
	static const int results[] = { 1, 0, -EIO };
	size_t i;

	for (i = 0; i < 3; i++) {
		w.probe_result = results[i];
		w.dp->ops->vip_probe(w.dp, &vip, 1, 100, done, NULL);
		dp_null_run(w.dp, i);
		ck_assert_int_eq(w.done[i], -results[i]);
	}
}
END_TEST

START_TEST(faults_reach_the_one_who_asked)
{
	struct dp_vip vip = vip4(1);

	w.fail_op = "session_create";
	tunnel(7, 1);
	session(7, 1, 2);
	dp_null_run(w.dp, 0);
	ck_assert_int_eq(w.done[0], 1000);
	ck_assert_int_eq(w.done[1], 2000 + ENOBUFS);
	ck_assert(!dp_null_has_session(w.dp, 7, 1));
	w.fail_op = "vip_declare";
	ck_assert_int_eq(w.dp->ops->vip_declare(w.dp, &vip, 1), -ENOBUFS);
	w.fail_op = "send";
	ck_assert_int_eq(w.dp->ops->send(w.dp, 0, &vip.addr, &vip.addr, NULL, 0), -ENOBUFS);
}
END_TEST

static void join(uint16_t a, uint16_t b, int id)
{
	struct dp_end ea = { 7, a, -1 }, eb = { b ? 7 : 0, b, -1 };

	ck_assert_int_eq(w.dp->ops->join(w.dp, &ea, &eb, done, (void *)(intptr_t)id), 0);
}

START_TEST(a_joint_ends_with_either_session)
{
	struct dp_end end = { 7, 1, -1 };
	uint16_t t, s;

	tunnel(7, 1);
	session(7, 1, 1);
	session(7, 2, 1);
	session(7, 3, 1);
	join(1, 2, 4);
	join(2, 1, 5);		/* again: as it is */
	join(3, 2, 6);		/* taken */
	join(3, 9, 7);		/* nobody */
	join(3, 0, 8);		/* a socket from elsewhere */
	dp_null_run(w.dp, 0);
	ck_assert_int_eq(w.done[4], 4000);
	ck_assert_int_eq(w.done[5], 5000);
	ck_assert_int_eq(w.done[6], 6000 + EBUSY);
	ck_assert_int_eq(w.done[7], 7000 + ENODEV);
	ck_assert_int_eq(w.done[8], 8000);
	ck_assert(dp_null_joined(w.dp, 7, 1, &t, &s) && t == 7 && s == 2);
	ck_assert(dp_null_joined(w.dp, 7, 2, &t, &s) && t == 7 && s == 1);
	ck_assert(dp_null_joined(w.dp, 7, 3, &t, &s) && !t && !s);
	dp_null_orphan(w.dp, NULL);	/* the kernel keeps it */
	ck_assert(dp_null_joined(w.dp, 7, 1, &t, &s));
	w.dp->ops->separate(w.dp, &end, NULL, NULL);
	dp_null_run(w.dp, 1);
	ck_assert(!dp_null_joined(w.dp, 7, 1, &t, &s) && !dp_null_joined(w.dp, 7, 2, &t, &s));
	join(1, 2, 9);
	w.dp->ops->session_delete(w.dp, 7, 2, NULL, NULL);
	dp_null_run(w.dp, 2);
	ck_assert(!dp_null_joined(w.dp, 7, 1, &t, &s) && dp_null_has_session(w.dp, 7, 1));
}
END_TEST

START_TEST(a_killed_daemon_leaves_leftovers)
{
	struct dp_vip vip = vip4(1);
	static const struct dp_events next = { .packet = packet, .batch_end = batch_end };

	w.dp->ops->vip_declare(w.dp, &vip, 1);
	w.dp->ops->lease(w.dp, &vip, 1, 500, done, NULL);
	w.dp->ops->vip_add(w.dp, &vip, 1, done, NULL);
	tunnel(7, 1);
	session(7, 1, 2);
	dp_null_run(w.dp, 0);
	w.done_count = 0;
	tunnel(8, 3);
	dp_null_orphan(w.dp, &next);
	dp_null_run(w.dp, 1);
	ck_assert_uint_eq(w.done_count, 0);
	ck_assert(!dp_null_has_tunnel(w.dp, 8));
	ck_assert(dp_null_has_session(w.dp, 7, 1));
	ck_assert(dp_null_leased(w.dp, &vip.addr, 1) && dp_null_has_vip(w.dp, &vip.addr));

	tunnel(7, 4);	/* taken by the leftover */
	tunnel(9, 5);
	w.dp->ops->flush(w.dp, done, (void *)6);
	dp_null_run(w.dp, 2);
	ck_assert_int_eq(w.done[0], 4000 + EEXIST);
	ck_assert_int_eq(w.done[1], 5000);
	ck_assert_int_eq(w.done[2], 6000);
	ck_assert(!dp_null_has_tunnel(w.dp, 7) && dp_null_has_tunnel(w.dp, 9));
	ck_assert_uint_eq(dp_null_sessions(w.dp), 0);

	w.dp->ops->vip_declare(w.dp, &vip, 1);	/* the next daemon starts closed */
	ck_assert(!dp_null_leased(w.dp, &vip.addr, 2));
}
END_TEST

START_TEST(packets_and_counters_reach_their_callbacks)
{
	struct l2tp_endpoint a = { .family = 4 };

	dp_null_receive(w.dp, &a, &a, (const uint8_t *)"x", 1);
	dp_null_receive(w.dp, &a, &a, (const uint8_t *)"x", 1);
	dp_null_batch_end(w.dp);
	ck_assert_uint_eq(w.packets, 2);
	ck_assert_uint_eq(w.batches, 1);
	tunnel(7, 1);
	session(7, 1, 1);
	session(7, 2, 1);
	w.dp->ops->counters(w.dp, each, done, (void *)5);
	dp_null_run(w.dp, 0);
	ck_assert_uint_eq(w.counted, 2);
	ck_assert_int_eq(w.done[3], 5000);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("null data plane");
	TCase *tc = tcase_create("null");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, completions_wait_and_keep_order);
	tcase_add_test(tc, an_operation_of_a_completion_waits_for_the_next_run);
	tcase_add_test(tc, a_tunnel_takes_its_sessions_along);
	tcase_add_test(tc, mute_until_leased_and_again_when_the_lease_ends);
	tcase_add_test(tc, addresses_come_and_go);
	tcase_add_test(tc, probe_says_what_it_found);
	tcase_add_test(tc, faults_reach_the_one_who_asked);
	tcase_add_test(tc, a_joint_ends_with_either_session);
	tcase_add_test(tc, a_killed_daemon_leaves_leftovers);
	tcase_add_test(tc, packets_and_counters_reach_their_callbacks);
	suite_add_tcase(s, tc);
	return check_main(s);
}
