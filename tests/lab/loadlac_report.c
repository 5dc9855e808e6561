// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The summary of the load generator as one JSON object, and the verdict that
 * becomes the exit status. Reads everything, changes nothing.
 */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "loadlac.h"

static int by_value(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* "name":{"n":…,"min":…,"p50":…,"p99":…,"max":…}; sorts v. */
static void spread(FILE *f, const char *name, double *v, unsigned n)
{
	qsort(v, n, sizeof(*v), by_value);
	fprintf(f, "\"%s\":{\"n\":%u", name, n);
	if (n)
		fprintf(f, ",\"min\":%.3f,\"p50\":%.3f,\"p99\":%.3f,\"max\":%.3f", v[0],
			v[(n - 1) / 2], v[(n - 1) * 99 / 100], v[n - 1]);
	fputc('}', f);
}

static void quoted(FILE *f, const char *s)
{
	fputc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			fprintf(f, "\\%c", *s);
		else if ((unsigned char)*s < 0x20 || (unsigned char)*s >= 0x7f)
			fprintf(f, "\\u%04x", (unsigned char)*s);
		else
			fputc(*s, f);
	}
	fputc('"', f);
}

static void texts(FILE *f, const char *name, const struct ll_texts *t)
{
	unsigned i;

	fprintf(f, ",\n\"%s\":[", name);
	for (i = 0; i < t->n; i++) {
		fputs(i ? ",\n {\"text\":" : "\n {\"text\":", f);
		quoted(f, t->v[i].text);
		fprintf(f, ",\"count\":%ju}", (uintmax_t)t->v[i].count);
	}
	fputc(']', f);
}

static const char *addr_text(uint32_t addr, char *out, size_t size)
{
	struct in_addr in = { .s_addr = htonl(addr) };

	return inet_ntop(AF_INET, &in, out, (socklen_t)size);
}

/* ---- sums ------------------------------------------------------------------- */

#define CONTROL_COUNTERS(X) \
	X(sent) X(received) X(zlb_sent) X(zlb_received) X(retransmissions) X(duplicates) \
	X(out_of_order) X(zlb_ignored) X(nr_invalid) X(nr_backward) X(window_exceeded) \
	X(ns_reused) X(malformed) X(pedantic) X(unexpected) X(stopccn_received) \
	X(cdn_received) X(hello_received) X(stopccn_sent) X(cdn_sent) X(hello_sent) \
	X(unknown_tunnel) X(unknown_session) X(data_sent) X(data_received) \
	X(data_unknown) X(data_closed) X(violations) X(tunnels_up) X(tunnels_down)

#define PPP_COUNTERS(X) \
	X(lcp_renegotiations) X(ipcp_renegotiations) X(confreq_repeats) X(terminates) \
	X(address_changes) X(reauths) X(bad_magic) X(malformed) X(echo_requests) \
	X(echo_sent) X(echo_replies)

static struct lac_counters control_sum(struct ll *ll)
{
	struct lac_counters sum = { 0 };
	const struct lac_counters *n;
	unsigned i;

	for (i = 0; i < ll->opt.tunnels; i++) {
		n = lac_counters(ll->tunnels[i].lac);
#define X(name) sum.name += n->name;
		CONTROL_COUNTERS(X)
#undef X
	}
	return sum;
}

static struct pppc_counters ppp_sum(struct ll *ll)
{
	struct pppc_counters sum = { 0 };
	const struct pppc_counters *n;
	unsigned i;

	for (i = 0; i < ll->n_sessions && !ll->opt.control_only; i++) {
		n = pppc_counters(ll->sessions[i].ppp);
#define X(name) sum.name += n->name;
		PPP_COUNTERS(X)
#undef X
	}
	return sum;
}

static int by_addr(const void *a, const void *b)
{
	const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static unsigned duplicate_addresses(struct ll *ll)
{
	uint32_t *v = calloc(ll->n_sessions, sizeof(*v));
	unsigned i, n = 0, dup = 0;

	if (!v)
		return 0;
	for (i = 0; i < ll->n_sessions; i++)
		if (ll->sessions[i].state == LL_UP)
			v[n++] = ll->sessions[i].addr;
	qsort(v, n, sizeof(*v), by_addr);
	for (i = 1; i < n; i++)
		dup += v[i] == v[i - 1];
	free(v);
	return dup;
}

bool ll_verdict(struct ll *ll)
{
	const struct lac_counters c = control_sum(ll);
	const struct pppc_counters p = ppp_sum(ll);

	return !ll->failed && !ll->lost && !c.violations && !ll->foreign &&
	       !p.lcp_renegotiations && !p.ipcp_renegotiations && !p.address_changes &&
	       !p.bad_magic && !duplicate_addresses(ll);
}

/* ---- parts -------------------------------------------------------------------- */

static void setup_part(struct ll *ll, FILE *f, double *v)
{
	double seconds = (double)(ll->last_up_us - ll->first_call_us) / 1e6;
	unsigned i, n = 0;

	fprintf(f, ",\n\"setup\":{\"sessions\":%u,\"seconds\":%.3f,\"sessions_per_s\":%.2f,",
		ll->batch_up,
		ll->last_up_us ? seconds : 0.0,
		ll->last_up_us && seconds > 0 ? ll->batch_up / seconds : 0.0);
	for (i = 0; i < ll->n_sessions; i++)
		if (ll->sessions[i].l2tp_us)
			v[n++] = (double)(ll->sessions[i].l2tp_us - ll->sessions[i].called_us) / 1e3;
	spread(f, "l2tp_ms", v, n);
	fputc(',', f);
	for (i = n = 0; i < ll->n_sessions; i++)
		if (ll->sessions[i].up_us)
			v[n++] = (double)(ll->sessions[i].up_us - ll->sessions[i].called_us) / 1e3;
	spread(f, "ppp_ms", v, n);
	fputc('}', f);
}

static void traffic_part(struct ll *ll, FILE *f, double *v)
{
	uint64_t sent = 0, received = 0, lost = 0, reordered = 0, up_received = 0, up_lost = 0;
	unsigned i, n = 0, silent = 0;
	struct ll_session *s;

	for (i = 0; i < ll->n_sessions; i++) {
		s = &ll->sessions[i];
		sent += s->sent;
		received += s->down.received;
		lost += s->down.lost;
		reordered += s->down.reordered;
		up_received += s->up_received;
		up_lost += s->up_lost;
		silent += s->state == LL_UP && !s->down.started;
	}
	fprintf(f, ",\n\"traffic\":{\"kind\":\"%s\",\"interval_ms\":%u,\"sent\":%ju,"
		"\"received\":%ju,\"lost\":%ju,\"reordered\":%ju,\"silent_sessions\":%u",
		ll->opt.traffic == LL_TRAFFIC_NONE ? "none" :
		ll->opt.traffic == LL_TRAFFIC_ICMP ? "icmp" : "udp",
		ll->opt.interval_ms, (uintmax_t)sent, (uintmax_t)received, (uintmax_t)lost,
		(uintmax_t)reordered, silent);
	if (ll->opt.traffic == LL_TRAFFIC_UDP)
		fprintf(f, ",\"up_received\":%ju,\"up_lost\":%ju", (uintmax_t)up_received,
			(uintmax_t)up_lost);
	for (i = 0; i < ll->n_sessions; i++) {
		s = &ll->sessions[i];
		if (s->state == LL_UP && s->down.started)
			v[n++] = (double)ll_gap_max(&s->down, ll->traffic_on ? ll->now_us : 0) / 1e3;
	}
	fputc(',', f);
	spread(f, ll->opt.traffic == LL_TRAFFIC_UDP ? "gap_down_ms" : "gap_ms", v, n);
	if (ll->opt.traffic == LL_TRAFFIC_UDP) {
		for (i = n = 0; i < ll->n_sessions; i++)
			if (ll->sessions[i].state == LL_UP && ll->sessions[i].down.started)
				v[n++] = ll->sessions[i].up_gap_us / 1e3;
		fputc(',', f);
		spread(f, "gap_up_ms", v, n);
	}
	fputc('}', f);
}

static void control_part(struct ll *ll, FILE *f)
{
	const struct lac_counters c = control_sum(ll);
	const struct pppc_counters p = ppp_sum(ll);
	const char *sep = "";

	fputs(",\n\"control\":{", f);
#define X(name) fprintf(f, "%s\"" #name "\":%ju", sep, (uintmax_t)c.name), sep = ",";
	CONTROL_COUNTERS(X)
#undef X
	fputs("},\n\"ppp\":{", f);
	sep = "";
#define X(name) fprintf(f, "%s\"" #name "\":%ju", sep, (uintmax_t)p.name), sep = ",";
	PPP_COUNTERS(X)
#undef X
	fprintf(f, ",\"renegotiations\":%ju,\"duplicate_addresses\":%u}",
		(uintmax_t)(p.lcp_renegotiations + p.ipcp_renegotiations),
		duplicate_addresses(ll));
}

static void sessions_part(struct ll *ll, FILE *f)
{
	static const char *const states[] = { "down", "waiting", "calling", "l2tp", "up" };
	char addr[INET_ADDRSTRLEN];
	struct ll_session *s;
	unsigned i;

	fputs(",\n\"session\":[", f);
	for (i = 0; i < ll->n_sessions; i++) {
		s = &ll->sessions[i];
		fprintf(f, "%s\n {\"n\":%u,\"user\":", i ? "," : "", i);
		quoted(f, s->user);
		fprintf(f, ",\"tunnel\":%u,\"state\":\"%s\"", s->tunnel->index, states[s->state]);
		if (s->call)
			fprintf(f, ",\"tid\":%u,\"peer_tid\":%u,\"sid\":%u,\"peer_sid\":%u",
				lac_tid(s->tunnel->lac), lac_peer_tid(s->tunnel->lac),
				lac_call_sid(s->call), lac_call_peer_sid(s->call));
		if (s->state == LL_UP)
			fprintf(f, ",\"addr\":\"%s\",\"gap_down_ms\":%.3f,\"gap_up_ms\":%.3f,"
				"\"lost\":%ju",
				addr_text(s->addr, addr, sizeof(addr)),
				(double)ll_gap_max(&s->down, ll->now_us) / 1e3, s->up_gap_us / 1e3,
				(uintmax_t)s->down.lost);
		fputc('}', f);
	}
	fputc(']', f);
}

void ll_report(struct ll *ll, FILE *f, bool full)
{
	double *v = calloc(ll->n_sessions + 1, sizeof(*v));
	unsigned i, up = 0, backlog = 0;

	if (!v)
		return;
	for (i = 0; i < ll->opt.tunnels; i++) {
		up += lac_is_up(ll->tunnels[i].lac);
		backlog += lac_backlog(ll->tunnels[i].lac);
	}
	fprintf(f, "{\"time_s\":%.3f,\"ok\":%s,\n\"tunnels\":{\"configured\":%u,\"up\":%u,"
		"\"unacknowledged\":%u}",
		(double)(ll->now_us - ll->start_us) / 1e6, ll_verdict(ll) ? "true" : "false",
		ll->opt.tunnels, up, backlog);
	fprintf(f, ",\n\"sessions\":{\"configured\":%u,\"ready\":%u,\"down\":%u,\"waiting\":%u,"
		"\"calling\":%u,\"l2tp\":%u,\"up\":%u,\"calls\":%ju,\"hangups\":%ju,"
		"\"failed\":%ju,\"lost\":%ju,\"regained\":%ju}",
		ll->n_sessions, ll_n_ready(ll), ll->n_state[LL_DOWN], ll->n_state[LL_WAITING],
		ll->n_state[LL_CALLING], ll->n_state[LL_L2TP], ll->n_state[LL_UP],
		(uintmax_t)ll->calls, (uintmax_t)ll->hangups, (uintmax_t)ll->failed,
		(uintmax_t)ll->lost, (uintmax_t)ll->regained);
	setup_part(ll, f, v);
	traffic_part(ll, f, v);
	control_part(ll, f);
	fprintf(f, ",\n\"link\":{\"tx\":%ju,\"rx\":%ju,\"tx_cut\":%ju,\"rx_cut\":%ju,"
		"\"tx_errors\":%ju,\"foreign_source\":%ju,\"cut\":%s}",
		(uintmax_t)ll->tx, (uintmax_t)ll->rx, (uintmax_t)ll->tx_cut, (uintmax_t)ll->rx_cut,
		(uintmax_t)ll->tx_errors, (uintmax_t)ll->foreign, ll->link_cut ? "true" : "false");
	texts(f, "reasons", &ll->reasons);
	texts(f, "violations", &ll->violations);
	if (full)
		sessions_part(ll, f);
	fputs("}\n", f);
	free(v);
}
