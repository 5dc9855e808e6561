/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Mute unless owner (S1), kept by the kernel.
 *
 * Owns: the nftables tables `inet l2tpha`, `arp l2tpha` and `netdev l2tpha` of this network
 * namespace.  Called by the kernel back end.
 *
 * A base chain on the output hook, before everything else, drops packets with
 * a virtual source address that is not in the set of leased addresses.  Tunnel
 * data is locally generated (L2TP encapsulates before this hook), so one rule
 * covers control, data, ICMP, and in the arp family the answers for the
 * address.  An element of the leased set carries a timeout: a daemon that is
 * killed or frozen goes mute by doing nothing.
 *
 * What has passed there may wait for its neighbour's address, for seconds, and
 * leave when the fence is long closed.  So what leaves an Ethernet interface is
 * asked the same once more, the last thing before its queue: table `netdev
 * l2tpha`, an egress hook (Linux 5.16) for each interface that was there when
 * the address was declared or added.  It goes with the daemon that ends in good
 * order: one of a release that does not know it could never open it.
 *
 * Installing is rare and goes as text through libnftables, which reads the
 * whole rule set first.  Leases are renewed several times a second: for these
 * the transaction is built by hand.  A kernel before 6.12 cannot change the
 * timeout of an element, and deleting one that is absent (or just timed out)
 * fails, so each renewal is add, delete, add in one transaction: whatever was
 * there before, the element ends up with the new timeout, and no packet sees
 * the state in between.
 */
#include "netlink/fence.h"

#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <netlink/attr.h>
#include <netlink/msg.h>
#include <nftables/libnftables.h>

#include "daemon/log.h"
#include "netlink/nlq.h"

#define TABLE "l2tpha"
#define TRIES 3

struct vip {
	struct dp_vip conf;
	uint64_t open_until_ms;	/* CLOCK_BOOTTIME; UINT64_MAX = for ever */
};
struct fence {
	struct nlq *nl;
	struct nft_ctx *nft;
	struct vip *vips;
	size_t count;
	bool installed;		/* by us */
	bool egress;		/* there is a table netdev */
	bool egress_told;	/* ... or it was said that there is none */
	unsigned *hooks;	/* interfaces in it */
	size_t hook_count;
};
struct change {
	struct fence *f;
	dp_done_fn done;
	void *arg;
	unsigned tries;
	struct dp_vip *vips;	/* owned */
	size_t count;
	uint64_t until_ms;	/* CLOCK_BOOTTIME; UINT64_MAX: for ever; 0: closed */
	uint8_t *data;
	size_t len, size;
	bool failed;		/* out of memory while building */
};

/*
 * ---- one set-element message after the other --------------------------
 */

static void append(struct change *c, struct nl_msg *msg)
{
	struct nlmsghdr *nlh = msg ? nlmsg_hdr(msg) : NULL;
	size_t len = nlh ? NLMSG_ALIGN(nlh->nlmsg_len) : 0;

	if (!nlh || c->failed) {
		c->failed = true;
		nlmsg_free(msg);
		return;
	}
	if (!c->data || c->len + len > c->size) {
		size_t size = (c->len + len) * 2;
		uint8_t *data = realloc(c->data, size);

		if (!data) {
			c->failed = true;
			nlmsg_free(msg);
			return;
		}
		c->data = data;
		c->size = size;
	}
	memset(c->data + c->len, 0, len);
	memcpy(c->data + c->len, nlh, nlh->nlmsg_len);
	c->len += len;
	nlmsg_free(msg);
}

static void append_batch_mark(struct change *c, uint16_t type)
{
	struct nfgenmsg nfg = { .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0,
				.res_id = htons(NFNL_SUBSYS_NFTABLES) };
	struct nl_msg *msg = nlmsg_alloc_simple(type, NLM_F_REQUEST);

	if (msg && nlmsg_append(msg, &nfg, sizeof(nfg), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		msg = NULL;
	}
	append(c, msg);
}

static void append_element(struct change *c, bool add, uint8_t family, const char *set,
			   const struct dp_vip *vip, uint64_t timeout_ms, bool ack)
{
	struct nfgenmsg nfg = { .nfgen_family = family, .version = NFNETLINK_V0 };
	uint16_t type = (NFNL_SUBSYS_NFTABLES << 8) | (add ? NFT_MSG_NEWSETELEM : NFT_MSG_DELSETELEM);
	uint16_t flags = NLM_F_REQUEST | (add ? NLM_F_CREATE : 0) | (ack ? NLM_F_ACK : 0);
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);
	struct nlattr *list, *elem, *key;

	if (!msg || nlmsg_append(msg, &nfg, sizeof(nfg), NLMSG_ALIGNTO) < 0)
		goto fail;
	if (nla_put_string(msg, NFTA_SET_ELEM_LIST_TABLE, TABLE) < 0 ||
	    nla_put_string(msg, NFTA_SET_ELEM_LIST_SET, set) < 0)
		goto fail;
	list = nla_nest_start(msg, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED);
	elem = list ? nla_nest_start(msg, NFTA_LIST_ELEM | NLA_F_NESTED) : NULL;
	key = elem ? nla_nest_start(msg, NFTA_SET_ELEM_KEY | NLA_F_NESTED) : NULL;
	if (!key || nla_put(msg, NFTA_DATA_VALUE, vip->addr.family == 6 ? 16 : 4, vip->addr.addr) < 0)
		goto fail;
	nla_nest_end(msg, key);
	if (add && timeout_ms) {
		uint64_t be = htobe64(timeout_ms);

		if (nla_put(msg, NFTA_SET_ELEM_TIMEOUT, sizeof(be), &be) < 0)
			goto fail;
	}
	nla_nest_end(msg, elem);
	nla_nest_end(msg, list);
	append(c, msg);
	return;
fail:
	nlmsg_free(msg);
	c->failed = true;
}

/* Leaves the element with the timeout, or (lease_ms NULL) absent, whatever it was before. */
static void append_change(struct change *c, uint8_t family, const char *set, const struct dp_vip *vip,
			  const uint64_t *lease_ms, bool last)
{
	append_element(c, true, family, set, vip, 1000, false);
	append_element(c, false, family, set, vip, 0, last && !lease_ms);
	if (lease_ms)
		append_element(c, true, family, set, vip, *lease_ms, last);
}

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_BOOTTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static struct vip *find(const struct fence *f, const struct l2tp_endpoint *addr)
{
	size_t i;

	for (i = 0; i < f->count; i++)
		if (endpoint_addr_equal(&f->vips[i].conf.addr, addr))
			return &f->vips[i];
	return NULL;
}

static void change_free(struct change *c)
{
	free(c->vips);
	free(c->data);
	free(c);
}

/* Another change was asked for since: to do this one again would undo that. */
static bool superseded(const struct change *c)
{
	const struct vip *v;
	size_t i;

	for (i = 0; i < c->count; i++) {
		v = find(c->f, &c->vips[i].addr);
		if (!v || v->open_until_ms != c->until_ms)
			return true;
	}
	return false;
}

static int submit(struct change *c);

static void on_done(void *arg, int error)
{
	struct change *c = arg;

	/*
	 * The element timed out between our add and our delete; somebody else's transaction came between; or we stood
	 * still before it was sent, and from now the lease would last too long.
	 */
	if (error == -ENOENT || error == -EAGAIN || error == -ESTALE) {
		if (superseded(c))
			error = -ECANCELED;
		else if (c->tries < TRIES && !(error = submit(c)))
			return;
	}
	if (error && error != -ECANCELED)
		log_errorx("fence: nftables refused a change of table %s: %s", TABLE, strerror(-error));
	if (c->done)
		c->done(c->arg, error);
	change_free(c);
}

static void build(struct change *c, const uint64_t *lease_ms)
{
	size_t i;

	c->len = 0;
	append_batch_mark(c, NFNL_MSG_BATCH_BEGIN);
	for (i = 0; i < c->count; i++) {
		const struct dp_vip *vip = &c->vips[i];
		bool last = i + 1 == c->count, egress = c->f->egress;

		if (vip->addr.family == 6) {
			append_change(c, NFPROTO_INET, "leased6", vip, lease_ms, last && !egress);
			if (egress)
				append_change(c, NFPROTO_NETDEV, "leased6", vip, lease_ms, last);
			continue;
		}
		append_change(c, NFPROTO_INET, "leased4", vip, lease_ms, false);
		append_change(c, NFPROTO_ARP, "leased4", vip, lease_ms, last && !egress);
		if (egress)
			append_change(c, NFPROTO_NETDEV, "leased4", vip, lease_ms, last);
	}
	append_batch_mark(c, NFNL_MSG_BATCH_END);
}

/* The kernel counts a timeout from when it is told: what is left of it is reckoned as late as can be. */
static int submit(struct change *c)
{
	bool ends = c->until_ms && c->until_ms != UINT64_MAX;
	uint64_t now = now_ms(), left_ms = ends && c->until_ms > now ? c->until_ms - now : 0;

	if (ends && !left_ms)
		return -ETIME;
	build(c, c->until_ms ? &left_ms : NULL);
	c->tries++;
	return c->failed ? -ENOMEM : nlq_request_raw(c->f->nl, c->data, c->len, ends, on_done, c);
}

static int change(struct fence *f, const struct dp_vip *vips, size_t count, uint64_t until_ms, dp_done_fn done, void *arg)
{
	struct change *c = calloc(1, sizeof(*c));
	int e;

	if (!c)
		return -ENOMEM;
	c->f = f;
	c->done = done;
	c->arg = arg;
	c->until_ms = until_ms;
	c->count = count;
	c->vips = calloc(count, sizeof(*vips));
	if (c->vips)
		memcpy(c->vips, vips, count * sizeof(*vips));
	e = c->vips ? submit(c) : -ENOMEM;
	if (e)
		change_free(c);
	return e;
}

/* ---- leases ---------------------------------------------------------- */

static void set_open(struct fence *f, const struct dp_vip *vips, size_t count, uint64_t until_ms)
{
	size_t i;

	for (i = 0; i < count; i++) {
		struct vip *v = find(f, &vips[i].addr);

		if (v)
			v->open_until_ms = until_ms;
	}
}

int fence_lease(struct fence *f, const struct dp_vip *vips, size_t count, uint32_t lease_ms, dp_done_fn done, void *arg)
{
	uint64_t until_ms = lease_ms ? now_ms() + lease_ms : UINT64_MAX;
	size_t i;
	int e;

	if (!count)
		return -EINVAL;
	for (i = 0; i < count; i++)
		if (!find(f, &vips[i].addr))
			return -EADDRNOTAVAIL;	/* never declared: no rule would ever close it again */
	e = change(f, vips, count, until_ms, done, arg);
	if (!e)
		set_open(f, vips, count, until_ms);
	return e;
}

int fence_close(struct fence *f, const struct dp_vip *vips, size_t count, dp_done_fn done, void *arg)
{
	size_t i;

	if (!count)
		return -EINVAL;
	for (i = 0; i < count; i++)
		if (!find(f, &vips[i].addr))
			return -EADDRNOTAVAIL;
	set_open(f, vips, count, 0);
	return change(f, vips, count, 0, done, arg);
}

bool fence_is_open(const struct fence *f, const struct l2tp_endpoint *addr)
{
	const struct vip *v = find(f, addr);

	return !v || now_ms() < v->open_until_ms;
}

bool fence_declared(const struct fence *f, const struct l2tp_endpoint *addr)
{
	return find(f, addr);
}

size_t fence_declared_count(const struct fence *f)
{
	return f->count;
}

/* ---- installation ---------------------------------------------------- */

static void print_elements(FILE *out, const struct vip *vips, size_t count, uint8_t family)
{
	char text[ENDPOINT_TEXT_MAX];
	const char *sep = "\t\telements = { ";
	size_t i;

	for (i = 0; i < count; i++) {
		if (vips[i].conf.addr.family != family)
			continue;
		fprintf(out, "%s%s", sep, endpoint_format(&vips[i].conf.addr, false, text));
		sep = ", ";
	}
	if (*sep == ',')
		fputs(" }\n", out);
}

static void print_set(FILE *out, const struct vip *vips, size_t count, uint8_t family)
{
	const char *type = family == 6 ? "ipv6_addr" : "ipv4_addr";

	fprintf(out, "\tset virtual%d {\n\t\ttype %s\n", family, type);
	print_elements(out, vips, count, family);
	fprintf(out, "\t}\n\tset leased%d {\n\t\ttype %s\n\t\tflags timeout\n\t}\n", family, type);
}

static void print_rules(FILE *out, const struct vip *vips, size_t count)
{
	/* `add` first: deleting what is not there would fail */
	fputs("add table inet " TABLE "\ndelete table inet " TABLE "\n"
	      "add table arp " TABLE "\ndelete table arp " TABLE "\n", out);
	if (!count)
		return;
	fputs("table inet " TABLE " {\n", out);
	print_set(out, vips, count, 4);
	print_set(out, vips, count, 6);
	fputs("\tchain output {\n\t\ttype filter hook output priority raw; policy accept;\n"
	      "\t\tip saddr @virtual4 ip saddr != @leased4 counter drop\n"
	      "\t\tip6 saddr @virtual6 ip6 saddr != @leased6 counter drop\n\t}\n}\n"
	      "table arp " TABLE " {\n", out);
	print_set(out, vips, count, 4);
	fputs("\tchain output {\n\t\ttype filter hook output priority filter; policy accept;\n"
	      "\t\tarp saddr ip @virtual4 arp saddr ip != @leased4 counter drop\n\t}\n}\n", out);
}

static char *make_rules(const struct vip *vips, size_t count)
{
	char *rules = NULL;
	size_t len;
	FILE *out = open_memstream(&rules, &len);

	if (!out)
		return NULL;
	print_rules(out, vips, count);
	fclose(out);
	return rules;
}

static int run_rules(struct fence *f, const char *rules)
{
	const char *errors = NULL;
	size_t len;

	if (f->nl && !nft_run_cmd_from_buffer(f->nft, rules))
		return 0;
	if (f->nl)
		errors = nft_ctx_get_error_buffer(f->nft);
	if (!errors || !*errors)
		errors = "no nfnetlink in this kernel";
	len = strcspn(errors, "\n");
	log_line(strchr(rules, '{') ? LOG_LEVEL_ERROR : LOG_LEVEL_DEBUG,
		 "fence: cannot install the nftables rules that keep an inactive node silent: %.*s"
		 " (try `modprobe nf_tables`; CAP_NET_ADMIN is needed)", (int)len, errors);
	return -EOPNOTSUPP;
}

/* ---- behind the neighbour queue ------------------------------------------ */

static void print_leased(FILE *out, const struct vip *v, uint64_t now)
{
	char text[ENDPOINT_TEXT_MAX];

	if (now >= v->open_until_ms)
		return;
	fprintf(out, "add element netdev " TABLE " leased%u { %s", v->conf.addr.family,
		endpoint_format(&v->conf.addr, false, text));
	if (v->open_until_ms != UINT64_MAX)
		fprintf(out, " timeout %" PRIu64 "ms", v->open_until_ms - now);
	fputs(" }\n", out);
}

/* Neighbours are asked for on Ethernet; the subscribers' own interfaces have none. */
static void print_hooks(struct fence *f, FILE *out)
{
	struct if_nameindex *all = if_nameindex(), *i;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	unsigned *hooks;

	f->hook_count = 0;
	for (i = all; fd >= 0 && i && i->if_index; i++) {
		struct ifreq ifr = { 0 };

		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", i->if_name);
		if (strpbrk(i->if_name, "\"\\*") || ioctl(fd, SIOCGIFHWADDR, &ifr) < 0 ||
		    ifr.ifr_hwaddr.sa_family != ARPHRD_ETHER)
			continue;
		hooks = realloc(f->hooks, (f->hook_count + 1) * sizeof(*hooks));
		if (!hooks)
			break;
		f->hooks = hooks;
		hooks[f->hook_count++] = i->if_index;
		fprintf(out, "add chain netdev " TABLE " egress-%u { type filter hook egress device \"%s\" priority filter; }\n"
			"add rule netdev " TABLE " egress-%u jump fence\n", i->if_index, i->if_name, i->if_index);
	}
	if (fd >= 0)
		close(fd);
	if (all)
		if_freenameindex(all);
}

static char *make_egress(struct fence *f)
{
	uint64_t now = now_ms();
	char *rules = NULL;
	size_t len, i;
	FILE *out = open_memstream(&rules, &len);

	if (!out)
		return NULL;
	fputs("add table netdev " TABLE "\ndelete table netdev " TABLE "\ntable netdev " TABLE " {\n", out);
	print_set(out, f->vips, f->count, 4);
	print_set(out, f->vips, f->count, 6);
	fputs("\tchain fence {\n"
	      "\t\tip saddr @virtual4 ip saddr != @leased4 counter drop\n"
	      "\t\tip6 saddr @virtual6 ip6 saddr != @leased6 counter drop\n"
	      "\t\tarp saddr ip @virtual4 arp saddr ip != @leased4 counter drop\n\t}\n}\n", out);
	for (i = 0; i < f->count; i++)
		print_leased(out, &f->vips[i], now);
	print_hooks(f, out);
	fclose(out);
	return rules;
}

/* In one transaction, with what is open now open; an interface may go while we look at them. */
static void egress_install(struct fence *f)
{
	unsigned tries;

	f->egress = false;
	for (tries = 0; tries < TRIES && !f->egress && f->count && f->nl; tries++) {
		char *rules = make_egress(f);

		f->egress = rules && !nft_run_cmd_from_buffer(f->nft, rules);
		free(rules);
	}
	if (f->egress || f->egress_told || !f->count)
		return;
	f->egress_told = true;
	log_warnx("fence: no rules on the way out of the interfaces (Linux 5.16 has them): what waits for the address of"
		  " its neighbour when this node falls silent may still leave: %.*s",
		  (int)strcspn(nft_ctx_get_error_buffer(f->nft), "\n"), nft_ctx_get_error_buffer(f->nft));
}

static void egress_remove(struct fence *f)
{
	if (f->nl)
		nft_run_cmd_from_buffer(f->nft, "add table netdev " TABLE "\ndelete table netdev " TABLE);
	f->egress = false;
}

/* One that was made again has another index. */
static bool egress_knows(const struct fence *f, unsigned ifindex)
{
	for (size_t i = 0; i < f->hook_count; i++)
		if (f->hooks[i] == ifindex)
			return true;
	return false;
}

void fence_interfaces(struct fence *f, const struct dp_vip *vips, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		unsigned ifindex = if_nametoindex(vips[i].ifname);

		if (!f->egress || !ifindex || egress_knows(f, ifindex))
			continue;
		egress_install(f);
		return;
	}
}

/* One transaction: it fails as a whole if one of the addresses is not open any more. */
static char *make_extension(const struct dp_vip *vips, size_t count, uint32_t lease_ms)
{
	char *rules = NULL, text[ENDPOINT_TEXT_MAX], timeout[32] = "";
	size_t len, i;
	FILE *out = open_memstream(&rules, &len);

	if (!out)
		return NULL;
	if (lease_ms)
		snprintf(timeout, sizeof(timeout), " timeout %" PRIu32 "ms", lease_ms);
	for (i = 0; i < count; i++) {
		const char *families[] = { "inet", "arp" };
		unsigned int family = vips[i].addr.family, n = family == 6 ? 1 : 2, k;

		endpoint_format(&vips[i].addr, false, text);
		for (k = 0; k < n; k++)
			fprintf(out, "delete element %s " TABLE " leased%u { %s }\nadd element %s " TABLE " leased%u { %s%s }\n",
				families[k], family, text, families[k], family, text, timeout);
	}
	fclose(out);
	return rules;
}

static int extend(struct fence *f, const struct dp_vip *vips, size_t count, uint32_t lease_ms)
{
	char *rules = make_extension(vips, count, lease_ms);
	int e = rules && f->nl && !nft_run_cmd_from_buffer(f->nft, rules) ? 0 : -ENOENT;

	if (e)
		log_debug("fence: not held: %s", nft_ctx_get_error_buffer(f->nft));
	free(rules);
	return e;
}

int fence_resume(struct fence *f, const struct dp_vip *vips, size_t count, uint32_t lease_ms)
{
	struct vip *all;
	size_t i;
	int e;

	if (!count)
		return -EINVAL;
	all = calloc(f->count + count, sizeof(*all));
	if (!all)
		return -ENOMEM;
	e = extend(f, vips, count, lease_ms);
	if (e) {
		free(all);
		return e;
	}
	if (f->count)
		memcpy(all, f->vips, f->count * sizeof(*all));
	for (i = 0; i < count; i++)
		all[f->count++].conf = vips[i];
	free(f->vips);
	f->vips = all;
	f->installed = true;
	set_open(f, vips, count, lease_ms ? now_ms() + lease_ms : UINT64_MAX);
	egress_install(f);
	return 0;
}

static char *make_additions(const struct vip *vips, size_t count)
{
	char *rules = NULL, text[ENDPOINT_TEXT_MAX];
	size_t len, i;
	FILE *out = open_memstream(&rules, &len);

	if (!out)
		return NULL;
	for (i = 0; i < count; i++) {
		const struct l2tp_endpoint *addr = &vips[i].conf.addr;

		endpoint_format(addr, false, text);
		/* beside resumed ones: the rules are an earlier daemon's, in which this one may be open */
		fprintf(out, "add element inet " TABLE " virtual%u { %s }\n"
			"add element inet " TABLE " leased%u { %s }\ndelete element inet " TABLE " leased%u { %s }\n",
			addr->family, text, addr->family, text, addr->family, text);
		if (addr->family == 4)
			fprintf(out, "add element arp " TABLE " virtual4 { %s }\nadd element arp " TABLE " leased4 { %s }\n"
				"delete element arp " TABLE " leased4 { %s }\n", text, text, text);
	}
	fclose(out);
	return rules;
}

int fence_declare(struct fence *f, const struct dp_vip *vips, size_t count)
{
	struct vip *all = calloc(f->count + count + 1, sizeof(*all));
	size_t total = f->count, i;
	char *rules;
	int e;

	if (!all)
		return -ENOMEM;
	if (f->count)
		memcpy(all, f->vips, f->count * sizeof(*all));
	for (i = 0; i < count; i++)
		if (!find(f, &vips[i].addr))
			all[total++].conf = vips[i];
	if (f->installed && total == f->count) {
		free(all);
		return 0;
	}
	rules = f->count ? make_additions(all + f->count, total - f->count) : make_rules(all, total);
	e = rules ? run_rules(f, rules) : -ENOMEM;
	free(rules);
	if (e && total) {
		free(all);
		return e;
	}
	free(f->vips);
	f->vips = all;
	f->count = total;
	f->installed = true;
	if (total)
		egress_install(f);
	else
		egress_remove(f);
	return 0;
}

bool fence_installed(const struct fence *f)
{
	return f->installed;
}

struct fence *fence_new(struct ev_loop *loop, char why[256])
{
	struct fence *f = calloc(1, sizeof(*f));

	if (f)
		f->nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!f || !f->nft) {
		free(f);
		snprintf(why, 256, "out of memory");
		return NULL;
	}
	nft_ctx_buffer_error(f->nft);
	nft_ctx_buffer_output(f->nft);
	/* without it nothing can be declared, which only a node with virtual addresses needs */
	f->nl = nlq_new(loop, NETLINK_NETFILTER, 16, "nftables");
	return f;
}

static void fence_end(struct fence *f)
{
	nlq_free(f->nl);
	nft_ctx_free(f->nft);
	free(f->vips);
	free(f->hooks);
	free(f);
}

void fence_free(struct fence *f)
{
	char *rules;
	size_t i;

	if (!f)
		return;
	/* whoever ends in good order goes mute at once, not when the lease ends */
	rules = f->count ? make_rules(f->vips, f->count) : NULL;
	if (rules)
		run_rules(f, rules);
	free(rules);
	for (i = 0; i < f->count; i++)
		f->vips[i].open_until_ms = 0;
	egress_install(f);
	fence_end(f);
}

void fence_leave(struct fence *f, uint32_t hold_ms)
{
	uint64_t now = now_ms();
	size_t i;

	for (i = 0; i < f->count && hold_ms; i++)
		if (now < f->vips[i].open_until_ms && f->vips[i].open_until_ms != UINT64_MAX)
			extend(f, &f->vips[i].conf, 1, hold_ms);
	/* who follows makes it again; who does not know it would never open it */
	if (f->count)
		egress_remove(f);
	fence_end(f);
}
