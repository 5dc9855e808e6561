// SPDX-License-Identifier: GPL-2.0-or-later
/* The reliable channel alone: numbers, windows, back-off, order, taking over. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "l2tp/channel.h"
#include "l2tp/message.h"
#include "tests/unit/check_main.h"

static struct channel channel;
static uint8_t message[20];

static void setup(void)
{
	channel_init(&channel, &(struct channel_params){ .peer_window = 4, .window = 4, .retries = 5,
							 .rto_min_ms = 1000, .rto_max_ms = 8000 });
}

static void teardown(void)
{
	channel_free(&channel);
}

/* Both directions at a number, nothing in flight. */
static void start_at(uint16_t number)
{
	ck_assert_int_eq(channel_import(&channel, number, number, number), 0);
}

static uint16_t queue(void)
{
	uint16_t ns;

	memset(message, 0xff, sizeof(message));
	ck_assert_int_eq(channel_queue(&channel, message, sizeof(message), &ns), 0);
	return ns;
}

/* How many leave now, checking that they are in order from `first`. */
static int transmit(uint16_t first, uint64_t now)
{
	const struct channel_message *m;
	int n = 0;

	while ((m = channel_transmit(&channel, now))) {
		ck_assert_uint_eq(m->ns, (uint16_t)(first + n));
		n++;
	}
	return n;
}

START_TEST(numbers_start_at_zero_and_stay_in_the_message)
{
	const struct channel_message *m;

	ck_assert_uint_eq(channel_zlb_ns(&channel), 0);
	ck_assert_uint_eq(queue(), 0);
	/* a ZLB carries the next number to be sent: 0 is not sent yet */
	ck_assert_uint_eq(channel_zlb_ns(&channel), 0);
	m = channel_transmit(&channel, 0);
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(m->data[8] << 8 | m->data[9], 0);
	ck_assert_uint_eq(channel_zlb_ns(&channel), 1);
	ck_assert_uint_eq(queue(), 1);
	m = channel_find(&channel, 1);
	ck_assert_uint_eq(m->data[8] << 8 | m->data[9], 1);
}
END_TEST

START_TEST(slow_start_up_to_the_window)
{
	uint16_t i;

	for (i = 0; i < 20; i++)
		queue();
	ck_assert_int_eq(transmit(0, 0), 1);
	ck_assert_int_eq(channel_ack(&channel, 1, 10), 1);
	ck_assert_int_eq(transmit(1, 10), 2);
	ck_assert_int_eq(channel_ack(&channel, 3, 20), 2);
	ck_assert_int_eq(transmit(3, 20), 4);
	ck_assert_int_eq(transmit(7, 20), 0);
	/* the peer's window is 4: never more */
	ck_assert_int_eq(channel_ack(&channel, 7, 30), 4);
	ck_assert_int_eq(transmit(7, 30), 4);
	ck_assert_int_eq(channel_ack(&channel, 8, 40), 1);
	ck_assert_int_eq(transmit(11, 40), 1);
	ck_assert_uint_eq(channel.cwnd, 4);
}
END_TEST

/* One that got through: the next leaves, and what the window has grown by. */
static void acknowledge_one(uint16_t *sent)
{
	ck_assert_int_eq(channel_ack(&channel, (uint16_t)(channel.una + 1), 5000), 1);
	*sent += (uint16_t)transmit(*sent, 5000);
}

/*
 * RFC 2661 appendix A: a loss halves what was reached, from there on the window
 * grows by one message for a whole window acknowledged, up to the peer's and no further.
 */
START_TEST(congestion_is_avoided)
{
	static const uint16_t in_flight[] = { 2, 3, 4, 4, 4, 4, 5, 5, 5, 5, 5, 6 };
	uint16_t sent;
	size_t i;

	channel_set_peer_window(&channel, 9);
	for (i = 0; i < 100; i++)
		queue();
	sent = (uint16_t)transmit(0, 0);
	for (i = 0; i < 7; i++)
		acknowledge_one(&sent);
	ck_assert_uint_eq(sent - channel.una, 8);
	ck_assert_int_eq(channel_timeout(&channel, 6000), CHANNEL_TIMEOUT_RETRANSMIT);
	ck_assert_int_eq(transmit(channel.una, 6000), 1);
	sent = (uint16_t)(channel.una + 1);
	for (i = 0; i < sizeof(in_flight) / sizeof(in_flight[0]); i++) {
		acknowledge_one(&sent);
		ck_assert_uint_eq(sent - channel.una, in_flight[i]);
	}
	for (i = 0; i < 60; i++)
		acknowledge_one(&sent);
	ck_assert_uint_eq(sent - channel.una, 9);
}
END_TEST

START_TEST(backoff)
{
	static const uint64_t at[] = { 1000, 3000, 7000, 15000, 23000 };
	size_t i;

	queue();
	transmit(0, 0);
	for (i = 0; i < 5; i++) {
		ck_assert_uint_eq(channel.deadline_ms, at[i]);
		ck_assert_int_eq(channel_timeout(&channel, at[i] - 1), CHANNEL_TIMEOUT_NONE);
		ck_assert_int_eq(channel_timeout(&channel, at[i]), CHANNEL_TIMEOUT_RETRANSMIT);
		ck_assert_int_eq(transmit(0, at[i]), 1);
	}
	ck_assert_int_eq(channel_timeout(&channel, 30999), CHANNEL_TIMEOUT_NONE);
	ck_assert_int_eq(channel_timeout(&channel, 31000), CHANNEL_TIMEOUT_DEAD);
}
END_TEST

START_TEST(an_answer_resets_the_backoff)
{
	queue();
	queue();
	transmit(0, 0);
	channel_timeout(&channel, 1000);
	transmit(0, 1000);
	channel_timeout(&channel, 3000);
	transmit(0, 3000);
	ck_assert_uint_eq(channel.tries, 2);
	ck_assert_int_eq(channel_ack(&channel, 1, 3100), 1);
	ck_assert_uint_eq(channel.tries, 0);
	ck_assert_int_eq(transmit(1, 3100), 1);
	ck_assert_uint_eq(channel.deadline_ms, 4100);
	ck_assert_int_eq(channel_ack(&channel, 2, 3200), 1);
	ck_assert_uint_eq(channel.deadline_ms, CHANNEL_NEVER);
}
END_TEST

START_TEST(timeout_goes_back_and_a_late_ack_is_believed)
{
	uint16_t i;

	for (i = 0; i < 7; i++)
		queue();
	transmit(0, 0);
	channel_ack(&channel, 1, 0);
	transmit(1, 0);
	channel_ack(&channel, 3, 0);
	ck_assert_int_eq(transmit(3, 0), 4);		/* 3..6 in flight */
	ck_assert_int_eq(channel_timeout(&channel, 1000), CHANNEL_TIMEOUT_RETRANSMIT);
	ck_assert_uint_eq(channel.cwnd, 1);
	ck_assert_uint_eq(channel.ssthresh, 2);
	ck_assert_int_eq(transmit(3, 1000), 1);		/* only the head */
	ck_assert_uint_eq(channel_zlb_ns(&channel), 7);
	/* the peer had the others all along */
	ck_assert_int_eq(channel_ack(&channel, 7, 1010), 4);
	ck_assert_int_eq(transmit(7, 1010), 0);
	ck_assert_uint_eq(channel.una, 7);
}
END_TEST

START_TEST(acks_that_lie)
{
	queue();
	queue();
	transmit(0, 0);					/* 0 went, 1 waits */
	ck_assert_int_eq(channel_ack(&channel, 2, 0), -ERANGE);
	ck_assert_int_eq(channel_ack(&channel, 30000, 0), -ERANGE);
	ck_assert_int_eq(channel_ack(&channel, 0, 0), 0);
	ck_assert_int_eq(channel_ack(&channel, 1, 0), 1);
	ck_assert_int_eq(channel_ack(&channel, 0, 0), 0);	/* old: ignored */
	ck_assert_int_eq(channel_ack(&channel, 40000, 0), 0);	/* older */
	ck_assert_uint_eq(channel.una, 1);
	ck_assert_ptr_nonnull(channel_find(&channel, 1));
}
END_TEST

START_TEST(send_wrap)
{
	uint16_t i;

	start_at(65533);
	for (i = 0; i < 6; i++)
		ck_assert_uint_eq(queue(), (uint16_t)(65533 + i));
	ck_assert_int_eq(transmit(65533, 0), 1);
	ck_assert_int_eq(channel_ack(&channel, 65534, 0), 1);
	ck_assert_int_eq(transmit(65534, 0), 2);
	ck_assert_int_eq(channel_ack(&channel, 0, 0), 2);
	ck_assert_int_eq(transmit(0, 0), 3);
	ck_assert_uint_eq(channel_zlb_ns(&channel), 3);
	ck_assert_int_eq(channel_ack(&channel, 3, 0), 3);
	ck_assert_int_eq(channel_ack(&channel, 65534, 0), 0);
	ck_assert_int_eq(channel_ack(&channel, 4, 0), -ERANGE);
}
END_TEST

START_TEST(receive_order)
{
	/* RFC 2661 5.8: last received 15 */
	channel.vr = 16;
	ck_assert_int_eq(channel_order(&channel, 16), CHANNEL_ORDER_NEXT);
	ck_assert_int_eq(channel_order(&channel, 15), CHANNEL_ORDER_DUPLICATE);
	ck_assert_int_eq(channel_order(&channel, 0), CHANNEL_ORDER_DUPLICATE);
	ck_assert_int_eq(channel_order(&channel, 65535), CHANNEL_ORDER_DUPLICATE);
	ck_assert_int_eq(channel_order(&channel, 32784), CHANNEL_ORDER_DUPLICATE);
	ck_assert_int_eq(channel_order(&channel, 32783), CHANNEL_ORDER_FUTURE);
	ck_assert_int_eq(channel_order(&channel, 17), CHANNEL_ORDER_FUTURE);
	channel.vr = 0;
	ck_assert_int_eq(channel_order(&channel, 65535), CHANNEL_ORDER_DUPLICATE);
	ck_assert_int_eq(channel_order(&channel, 0), CHANNEL_ORDER_NEXT);
}
END_TEST

static void take(uint16_t ns)
{
	struct channel_early *early = channel_take(&channel);
	const uint8_t *data;
	size_t len;

	ck_assert_ptr_nonnull(early);
	data = channel_early_data(early, &len);
	ck_assert_uint_eq(len, 1);
	ck_assert_uint_eq(data[0], (uint8_t)ns);
	free(early);
	channel.vr++;
}

static void keep(uint16_t ns)
{
	uint8_t octet = (uint8_t)ns;

	channel_keep(&channel, ns, &octet, 1);
}

START_TEST(early_messages_wait)
{
	channel.vr = 65534;
	keep(1);		/* 65534 0 1 are within the window of 4 */
	keep(65535);
	keep(65535);
	keep(2);		/* beyond */
	ck_assert_uint_eq(channel.early_count, 2);
	ck_assert_ptr_null(channel_take(&channel));
	channel.vr++;		/* 65534 arrived */
	take(65535);
	ck_assert_ptr_null(channel_take(&channel));
	channel.vr++;		/* 0 arrived */
	take(1);
	ck_assert_ptr_null(channel_take(&channel));
	ck_assert_uint_eq(channel.early_count, 0);
}
END_TEST

START_TEST(queue_has_an_end)
{
	uint16_t ns;
	int i;

	for (i = 0; i < CHANNEL_QUEUE_MAX; i++)
		queue();
	ck_assert_int_eq(channel_queue(&channel, message, sizeof(message), &ns), -ENOBUFS);
	transmit(0, 0);
	channel_ack(&channel, 1, 0);
	ck_assert_int_eq(channel_queue(&channel, message, sizeof(message), &ns), 0);
}
END_TEST

START_TEST(drop_unsent_and_all)
{
	uint16_t i;

	for (i = 0; i < 5; i++)
		queue();
	transmit(0, 0);
	channel_drop_unsent(&channel);
	ck_assert_uint_eq(channel.vs, 1);
	ck_assert_ptr_nonnull(channel_find(&channel, 0));
	ck_assert_ptr_null(channel_find(&channel, 1));
	ck_assert_uint_eq(queue(), 1);
	channel_drop_all(&channel);
	ck_assert_uint_eq(channel.vs, 1);
	ck_assert_uint_eq(channel.una, 1);
	ck_assert_ptr_null(channel_find(&channel, 0));
	ck_assert_uint_eq(channel.deadline_ms, CHANNEL_NEVER);
}
END_TEST

START_TEST(take_over)
{
	uint16_t hole;

	/* messages may come before the numbers that include them */
	ck_assert_int_eq(channel_import_message(&channel, 2, message, sizeof(message)), 0);
	ck_assert_int_eq(channel_import_message(&channel, 3, message, sizeof(message)), 0);
	ck_assert_int_eq(channel_import_message(&channel, 4, message, sizeof(message)), 0);
	ck_assert_int_eq(channel_import_message(&channel, 9, message, sizeof(message)), 0);
	ck_assert_int_eq(channel_import(&channel, 5, 3, 8), 0);
	ck_assert_ptr_null(channel_find(&channel, 2));
	ck_assert_int_eq(channel_import_message(&channel, 1, message, sizeof(message)), 0);
	ck_assert_ptr_null(channel_find(&channel, 1));
	ck_assert_int_eq(channel_import(&channel, 5, 6, 8), -EINVAL);
	channel_restart(&channel);
	ck_assert(!channel_hole(&channel, &hole));
	ck_assert_ptr_null(channel_find(&channel, 9));
	/* the other box may have sent both: an ack of both is fine, a ZLB carries 5 */
	ck_assert_uint_eq(channel_zlb_ns(&channel), 5);
	ck_assert_int_eq(transmit(3, 0), 1);
	ck_assert_int_eq(channel_ack(&channel, 6, 0), -ERANGE);
	ck_assert_int_eq(channel_ack(&channel, 5, 0), 2);
}
END_TEST

START_TEST(holes_are_found)
{
	uint16_t hole;

	start_at(65535);
	ck_assert_int_eq(channel_import(&channel, 2, 65535, 0), 0);
	ck_assert_int_eq(channel_import_message(&channel, 65535, message, sizeof(message)), 0);
	ck_assert_int_eq(channel_import_message(&channel, 1, message, sizeof(message)), 0);
	ck_assert(channel_hole(&channel, &hole));
	ck_assert_uint_eq(hole, 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("channel");
	TCase *tcase = tcase_create("channel");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, numbers_start_at_zero_and_stay_in_the_message);
	tcase_add_test(tcase, slow_start_up_to_the_window);
	tcase_add_test(tcase, congestion_is_avoided);
	tcase_add_test(tcase, backoff);
	tcase_add_test(tcase, an_answer_resets_the_backoff);
	tcase_add_test(tcase, timeout_goes_back_and_a_late_ack_is_believed);
	tcase_add_test(tcase, acks_that_lie);
	tcase_add_test(tcase, send_wrap);
	tcase_add_test(tcase, receive_order);
	tcase_add_test(tcase, early_messages_wait);
	tcase_add_test(tcase, queue_has_an_end);
	tcase_add_test(tcase, drop_unsent_and_all);
	tcase_add_test(tcase, take_over);
	tcase_add_test(tcase, holes_are_found);
	suite_add_tcase(suite, tcase);
	return check_main(suite);
}
