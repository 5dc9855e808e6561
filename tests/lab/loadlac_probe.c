// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Probes: the packets that go through the sessions, their bytes and the
 * arithmetic of gaps. Used by loadlac_session.c and loadlac_core.c.
 *
 * ICMP: an echo request to the core host; its answers show both directions
 * at once. UDP: two independent streams, one up, one down, against
 * `loadlac core`; each direction has a gap of its own.
 */
#include <arpa/inet.h>
#include <string.h>

#include "loadlac.h"

static void set32(uint8_t *b, uint32_t v)
{
	v = htonl(v);
	memcpy(b, &v, 4);
}

static uint32_t get32(const uint8_t *b)
{
	uint32_t v;

	memcpy(&v, b, 4);
	return ntohl(v);
}

static void set16(uint8_t *b, uint16_t v)
{
	b[0] = (uint8_t)(v >> 8);
	b[1] = (uint8_t)v;
}

static uint16_t get16(const uint8_t *b)
{
	return (uint16_t)(b[0] << 8 | b[1]);
}

void ll_probe_put(uint8_t b[LL_PROBE_LEN], const struct ll_probe *p)
{
	set32(b, p->magic);
	set32(b + 4, p->session);
	set32(b + 8, p->round);
	set32(b + 12, p->seq);
	set32(b + 16, (uint32_t)(p->sent_us >> 32));
	set32(b + 20, (uint32_t)p->sent_us);
	set32(b + 24, p->up_received);
	set32(b + 28, p->up_lost);
	set32(b + 32, p->up_gap_us);
	set32(b + 36, p->spare);
}

bool ll_probe_get(struct ll_probe *p, const uint8_t *b, size_t len)
{
	if (len < LL_PROBE_LEN)
		return false;
	p->magic = get32(b);
	p->session = get32(b + 4);
	p->round = get32(b + 8);
	p->seq = get32(b + 12);
	p->sent_us = (uint64_t)get32(b + 16) << 32 | get32(b + 20);
	p->up_received = get32(b + 24);
	p->up_lost = get32(b + 28);
	p->up_gap_us = get32(b + 32);
	p->spare = get32(b + 36);
	return p->magic == LL_PROBE_MAGIC || p->magic == LL_PROBE_BYE;
}

void ll_gap_hit(struct ll_gap *g, uint64_t now_us, uint32_t seq)
{
	if (g->started && now_us - g->last_us > g->max_us)
		g->max_us = now_us - g->last_us;
	g->last_us = now_us;
	g->received++;
	if (g->started && (int32_t)(seq - g->next_seq) < 0) {
		g->reordered++;
		if (g->lost)
			g->lost--;
		return;
	}
	if (g->started)
		g->lost += seq - g->next_seq;
	g->started = true;
	g->next_seq = seq + 1;
}

uint64_t ll_gap_max(const struct ll_gap *g, uint64_t now_us)
{
	uint64_t running = g->started && now_us > g->last_us ? now_us - g->last_us : 0;

	return running > g->max_us ? running : g->max_us;
}

static uint16_t checksum(const uint8_t *b, size_t len)
{
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += get16(b + i);
	if (len & 1)
		sum += (uint32_t)b[len - 1] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* An IPv4 packet with 8 octets of ICMP or UDP header and one probe. */
size_t ll_probe_packet(const struct ll_session *s, uint32_t magic, uint8_t *b, size_t size)
{
	const struct ll_options *o = &s->ll->opt;
	const struct ll_probe p = {
		.magic = magic,
		.session = s->index,
		.round = s->ll->round,
		.seq = s->seq,
		.sent_us = s->ll->now_us,
	};
	size_t len = 28 + LL_PROBE_LEN;
	bool icmp = o->traffic == LL_TRAFFIC_ICMP;

	if (size < len)
		return 0;
	memset(b, 0, 28);
	b[0] = 0x45;
	set16(b + 2, (uint16_t)len);
	set16(b + 4, (uint16_t)s->seq);
	b[8] = 64;
	b[9] = icmp ? 1 : 17;
	set32(b + 12, s->addr);
	memcpy(b + 16, &o->core, 4);
	set16(b + 10, checksum(b, 20));
	ll_probe_put(b + 28, &p);
	if (icmp) {
		b[20] = 8;
		set16(b + 24, (uint16_t)s->index);
		set16(b + 26, (uint16_t)s->seq);
		set16(b + 22, checksum(b + 20, len - 20));
	} else {
		set16(b + 20, o->core_port);
		set16(b + 22, o->core_port);
		set16(b + 24, (uint16_t)(len - 20));
		/* UDP checksum 0: none */
	}
	return len;
}

static void answer_echo(struct ll_session *s, const uint8_t *ip, size_t len, size_t head)
{
	uint8_t b[1500];

	if (len > sizeof(b) || head != 20)
		return;
	memcpy(b, ip, len);
	memcpy(b + 12, ip + 16, 4);
	memcpy(b + 16, ip + 12, 4);
	b[20] = 0;
	set16(b + 22, 0);
	set16(b + 22, checksum(b + 20, len - 20));
	pppc_send_ip(s->ppp, b, len);
}

void ll_probe_input(struct ll_session *s, uint64_t now_us, const uint8_t *ip, size_t len)
{
	const struct ll_options *o = &s->ll->opt;
	size_t head = len ? (ip[0] & 0xfu) * 4 : 0;
	struct ll_probe p;

	if (len < 28 || ip[0] >> 4 != 4 || head < 20 || len < head + 8)
		return;
	if (ip[9] == 1 && ip[head] == 8 && get32(ip + 16) == s->addr) {
		answer_echo(s, ip, len, head);
		return;
	}
	if (o->traffic == LL_TRAFFIC_ICMP && (ip[9] != 1 || ip[head]))
		return;
	if (o->traffic == LL_TRAFFIC_UDP && (ip[9] != 17 || get16(ip + head + 2) != o->core_port))
		return;
	if (!ll_probe_get(&p, ip + head + 8, len - head - 8) || p.session != s->index)
		return;
	if (p.round != s->ll->round)
		return; /* sent before the last reset */
	ll_gap_hit(&s->down, now_us, p.seq);
	s->up_received = p.up_received;
	s->up_lost = p.up_lost;
	s->up_gap_us = p.up_gap_us;
}
