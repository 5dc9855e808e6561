// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The configuration commands as one table: syntax, the field they set, its
 * default.  The parser (config_parse.c), the printer (config_print.c) and
 * config_new() all work from it, so a default is written once.
 *
 * Only commands with more than one argument have functions of their own
 * (grammar_commands.c).
 */
#include "daemon/grammar_commands.h"
#include "daemon/grammar_words.h"
#include "daemon/group.h"

#include <string.h>

/* What the rows below cannot say: defaults of fields that custom commands set. */
static void defaults_template(struct config_vtemplate *vt)
{
	vt->keepalive_s = KEEPALIVE_S;
	vt->keepalive_retries = KEEPALIVE_RETRIES;
}

static void defaults_dialer(struct config_dialer *dialer)
{
	dialer->keepalive_s = KEEPALIVE_S;
	dialer->keepalive_retries = KEEPALIVE_RETRIES;
}

static void defaults_group(struct config_redundancy_group *g)
{
	g->local.port = g->peer.port = HA_PORT;
	g->hot = true;
	g->heartbeat_ms = HEARTBEAT_MS;
	g->dead_ms = DEAD_MS;
}

/* ---- the table ---------------------------------------------------------- */

#define G CONFIG_MODE_GLOBAL
#define T CONFIG_MODE_TEMPLATE
#define VT CONFIG_MODE_VPDN_TEMPLATE
#define VV (CONFIG_MODE_VPDN | CONFIG_MODE_VPDN_TEMPLATE)
#define V CONFIG_MODE_VPDN
#define A CONFIG_MODE_ACCEPT
#define Q CONFIG_MODE_REQUEST
#define D CONFIG_MODE_DIALER
#define B CONFIG_MODE_BBA
#define R CONFIG_MODE_REDUNDANCY
#define RG CONFIG_MODE_GROUP

#define ROW(m, s, h) .g = { .modes = (m), .syntax = (s), .help = (h) }
#define SET(m, s, h, k, type, field, d) \
	{ ROW(m, s, h), .kind = SETTING_##k, .offset = offsetof(struct type, field), \
	  .size = sizeof(((struct type *)0)->field), .def = (d) }
#define LOCAL(m, s, h, k, type, field, d) \
	{ ROW(m, s, h), .kind = SETTING_##k, .offset = offsetof(struct type, field), \
	  .size = sizeof(((struct type *)0)->field), .def = (d), .node_local = true }
#define CHOICE(m, s, h, names, type, field, d) \
	{ ROW(m, s, h), .kind = SETTING_CHOICE, .offset = offsetof(struct type, field), \
	  .size = sizeof(((struct type *)0)->field), .def = (d), .choices = (names) }
#define ALIAS(m, s, h, names, type, field, d) \
	{ ROW(m, s, h), .kind = SETTING_CHOICE, .offset = offsetof(struct type, field), \
	  .size = sizeof(((struct type *)0)->field), .def = (d), .choices = (names), .alias = true }
#define DO(m, s, h, fset, fprint) { ROW(m, s, h), .set = (fset), .print = (fprint) }
#define DO_LOCAL(m, s, h, fset, fprint) { ROW(m, s, h), .set = (fset), .print = (fprint), .node_local = true }

#define REFUSED(m, s, why) { ROW(m, s, "not here"), .set = command_refuse, .why_not = (why) }

#define LIMIT_CODES "{resources|try-another|directed|temporary}"
#define SEARCHES "{multihop-hostname|dnis|domain}"
#define REDIRECTS "REDIRECT [REDIRECT2 [REDIRECT3 [REDIRECT4]]]"

static const char *const never_names[] = { "never", NULL };
static const char *const renegotiation_names[] = {
	[CONFIG_RENEGOTIATE_ON_MISMATCH] = "on-mismatch",
	[CONFIG_RENEGOTIATE_ALWAYS] = "always",
	[CONFIG_RENEGOTIATE_NEVER] = "never",
	NULL,
};
static const char *const framing_names[] = {
	[CONFIG_FRAMING_ALL] = "all",
	[CONFIG_FRAMING_ASYNCHRONOUS] = "asynchronous",
	[CONFIG_FRAMING_SYNCHRONOUS] = "synchronous",
	[CONFIG_FRAMING_NONE] = "none",
	NULL,
};
static const char *const bearer_names[] = {
	[CONFIG_BEARER_NONE] = "none",
	[CONFIG_BEARER_DIGITAL] = "digital",
	[CONFIG_BEARER_ANALOG] = "analog",
	[CONFIG_BEARER_ALL] = "all",
	NULL,
};
static const char *const precedence_numbers[] = { "", "0", "1", "2", "3", "4", "5", "6", "7", NULL };
static const char *const precedence_names[] = {
	"", "routine", "priority", "immediate", "flash", "flash-override", "critical", "internet", "network", NULL,
};
static const char *const address_change_names[] = {
	[L2TP_PEER_CHANGE_PORT] = "port",
	[L2TP_PEER_CHANGE_ACCEPT] = "accept",
	[L2TP_PEER_CHANGE_IGNORE] = "ignore",
	[L2TP_PEER_CHANGE_REJECT] = "reject",
	NULL,
};

static const struct config_command commands[] = {
	LOCAL(G, "hostname ~ HOSTNAME", "name of this node", STRING, config, hostname, 0),
	LOCAL(G, "enable secret ~ [0] ENABLE", "password of the privileged mode", SECRET, config, enable_secret, 0),
	LOCAL(G, "enable password ~ [0] ENABLE", "the same, if there is no secret", SECRET, config, enable_password, 0),
	SET(G, "vpdn enable ~", "accept tunnels", FLAG, config, vpdn_enable, 0),
	SET(G, "vpdn multihop ~", "calls that come in may go on to another LNS", FLAG, config, multihop, 0),
	DO(G, "vpdn search-order ~ " SEARCHES " [" SEARCHES "] [" SEARCHES "]", "what says where a call goes on",
	   command_set_search_order, command_print_search_order),
	SET(G, "vpdn softshut ~", "no new tunnels and sessions", FLAG, config, softshut, 0),
	SET(G, "vpdn history failure table-size ~ HISTORY", "failures that are kept", U32, config, history_size,
	    GROUP_HISTORY_MAX),
	SET(G, "vpdn session-limit ~ SESSIONS", "of a redundancy group", U32, config, session_limit, 0),
	CHOICE(G, "vpdn limit-code ~ " LIMIT_CODES, "what a LAC is told at a limit", config_limit_names, config, limit_code,
	       CONFIG_LIMIT_RESOURCES),
	SET(G, "vpdn limit-redirect ~ " REDIRECTS, "where a LAC is sent at a limit", ADDRESSES, config, limit_redirect, 0),
	SET(G, "vpdn max-starting ~ STARTING", "sessions in setup at once", U32, config, max_starting, 1000),
	SET(G, "vpdn max-starting per-peer ~ STARTING", "of one peer", U32, config, max_starting_peer, 0),
	SET(G, "vpdn max-starting tunnels ~ STARTING", "tunnels in setup at once", U32, config, max_tunnels_starting, 500),
	SET(G, "vpdn max-starting tunnels per-peer ~ STARTING", "of one peer", U32, config, max_tunnels_starting_peer, 50),
	SET(G, "l2tp sso enable ~", "replicate tunnels of all groups", FLAG, config, l2tp_sso, 1),
	CHOICE(G, "l2tp failover-resync ~ {disable|failover-protocol|failover-protocol-fallback-to-silent-failover|"
	       "silent-failover}", "how tunnels are resynchronised", config_failover_names, config, failover,
	       L2TP_FAILOVER_SILENT),
	SET(G, "l2tp failover recovery-time ~ RECOVERY", "asked of peers of the failover protocol", U32, config,
	    failover_recovery_ms, 900000),
	DO(G, "username USER ~ password [0] SECRET [address ADDRESS4]", "a subscriber", command_set_username, command_print_usernames),
	SET(G, "ip tcp adjust-mss ~", "TCP of subscribers, to what fits into their links", FLAG, config, adjust_mss, 0),
	DO(G, "ip local pool POOL ~ FIRST [LAST]", "addresses for subscribers", command_set_pool, command_print_pools),
	DO(G, "interface virtual-template TEMPLATE ~", "what subscriber interfaces are made from", command_enter_template, NULL),
	DO(G, "interface dialer DIALER ~", "this box dials, and is the subscriber", command_enter_dialer, NULL),
	DO(G, "bba-group pppoe BBA ~", "PPPoE subscribers on an interface", command_enter_bba, NULL),
	DO(G, "vpdn-group VPDN ~", "peers that are treated alike", command_enter_vpdn_group, NULL),
	DO(G, "vpdn-template ~ [VPDN-TEMPLATE]", "what VPDN groups have in common", command_enter_vpdn_template, NULL),
	DO(G, "redundancy ~", "the other node", command_enter_redundancy, NULL),

	SET(T, "ip address ~ ADDRESS4", "our address of the links", IPV4, config_vtemplate, local_address, 0),
	SET(T, "peer default ip address pool ~ POOL", "pool for the peers", STRING, config_vtemplate, pool, 0),
	DO(T, "ppp authentication ~ {chap|pap} [chap|pap]", "how subscribers prove who they are", command_set_authentication,
	   command_print_authentication),
	DO(T, "ppp ipcp dns ~ DNS1 [DNS2]", "name servers for the peers", command_set_dns, command_print_dns),
	SET(T, "mtu ~ MTU", "of the subscriber interfaces", U16, config_vtemplate, mtu, 1460),
	SET(T, "ip tcp adjust-mss ~", "TCP of its subscribers, to what fits into their links", FLAG, config_vtemplate, adjust_mss, 0),
	DO(T, "keepalive ~ [KEEPALIVE [KEEPALIVE-RETRIES]]", "LCP echo", command_set_keepalive, command_print_keepalive),

	LOCAL(V, "description ~ DESCRIPTION", "a remark", STRING, config_vpdn_group, description, 0),
	DO(V, "accept-dialin ~", "accept calls", command_enter_accept_dialin, NULL),
	SET(A, "protocol l2tp ~", "of the calls", FLAG, config_vpdn_group, protocol_l2tp, 0),
	SET(A, "virtual-template ~ TEMPLATE", "for the calls", U16, config_vpdn_group, vtemplate, 0),
	DO(V, "request-dialin ~", "place calls", command_enter_request_dialin, NULL),
	SET(Q, "protocol l2tp ~", "of the calls", FLAG, config_vpdn_group, request_l2tp, 0),
	DO(Q, "domain DOMAIN ~", "users of this domain", command_set_dial_name, command_print_dial_names),
	DO(Q, "dnis DNIS ~", "calls of this number", command_set_dial_name, command_print_dial_names),
	DO(Q, "multihop-hostname PEERNAME ~", "calls that come by tunnels of this peer", command_set_dial_name,
	   command_print_dial_names),
	DO(V, "initiate-to ip TO ~ [limit TO-LIMIT] [priority TO-PRIORITY]", "a peer the calls go to", command_set_dial_peer,
	   command_print_dial_peers),
	DO(V, "loadsharing ip TO ~ [limit TO-LIMIT]", "another one of the same priority", command_set_dial_peer, NULL),
	DO(V, "backup ip TO ~ [limit TO-LIMIT] [priority TO-PRIORITY]", "one for when the others cannot", command_set_dial_peer,
	   NULL),
	SET(V, "terminate-from hostname ~ PEERNAME", "peer the group is for", STRING, config_vpdn_group, terminate_from, 0),
	SET(V, "local name ~ LOCALNAME", "our name in tunnels", STRING, config_vpdn_group, local_name, 0),
	SET(V, "source vpdn-template ~ VPDN-TEMPLATE", "what it does not say itself", STRING, config_vpdn_group, source_template, 0),
	LOCAL(V, "source-ip ~ SOURCE", "our address of the tunnels", ENDPOINT, config_vpdn_group, source_ip, 0),
	SET(VV, "l2tp tunnel authentication ~", "challenge the peer", FLAG, config_vpdn_group, tunnel_auth, 1),
	SET(VV, "l2tp tunnel password ~ [0] TUNNEL-SECRET", "shared with the peer", SECRET, config_vpdn_group, tunnel_password, 0),
	SET(VV, "l2tp tunnel hello ~ HELLO", "keepalive interval", U16, config_vpdn_group, hello_s, 60),
	SET(VV, "l2tp tunnel receive-window ~ WINDOW", "messages the peer may have outstanding", U16, config_vpdn_group,
	    receive_window, 20),
	SET(VV, "l2tp tunnel resync ~ RESYNC", "the same for replicated tunnels", U16, config_vpdn_group, resync, 16),
	SET(VV, "l2tp tunnel retransmit retries ~ RETRIES", "before a tunnel is given up", U8, config_vpdn_group,
	    retransmit_retries, 10),
	SET(VV, "l2tp tunnel retransmit timeout min ~ RETRANSMIT", "first retransmission", U8, config_vpdn_group,
	    retransmit_min_s, 1),
	SET(VV, "l2tp tunnel retransmit timeout max ~ RETRANSMIT", "longest wait", U8, config_vpdn_group, retransmit_max_s, 8),
	SET(VV, "l2tp tunnel timeout setup ~ SETUP", "of tunnels and sessions in setup", U16, config_vpdn_group,
	    setup_timeout_s, 10),
	{ ROW(VV, "l2tp tunnel timeout no-session ~ {NO-SESSION|never}", "of a tunnel without sessions"), .kind = SETTING_U32,
	  .offset = offsetof(struct config_vpdn_group, no_session_s), .size = sizeof(uint32_t), .choices = never_names },
	SET(VV, "l2tp tunnel retransmit initial retries ~ RETRIES", "of our request for a tunnel", U8, config_vpdn_group,
	    initial_retries, 2),
	SET(VV, "l2tp tunnel retransmit initial timeout min ~ RETRANSMIT", "its first retransmission", U8, config_vpdn_group,
	    initial_min_s, 1),
	SET(VV, "l2tp tunnel retransmit initial timeout max ~ RETRANSMIT", "its longest wait", U8, config_vpdn_group,
	    initial_max_s, 8),
	CHOICE(VV, "l2tp tunnel address-change ~ {port|accept|ignore|reject}", "a peer answers from elsewhere than we asked",
	       address_change_names, config_vpdn_group, address_change, L2TP_PEER_CHANGE_PORT),
	SET(VV, "l2tp tunnel tie-breaker ~", "of requests that cross one stays", FLAG, config_vpdn_group, tie_break, 0),
	CHOICE(VV, "lcp renegotiation ~ {on-mismatch|always|never}", "of what the LAC has agreed on", renegotiation_names,
	       config_vpdn_group, renegotiation, CONFIG_RENEGOTIATE_ON_MISMATCH),
	SET(VV, "force-local-chap ~", "challenge who the LAC has challenged", FLAG, config_vpdn_group, local_chap, 0),
	SET(VV, "l2tp sequencing ~", "number the data of calls we place", FLAG, config_vpdn_group, sequencing, 0),
	SET(VV, "l2tp hidden ~", "hide attributes of calls", FLAG, config_vpdn_group, hide, 0),
	SET(VV, "l2tp hidden setup ~", "those of the tunnel's setup, too", FLAG, config_vpdn_group, hide_setup, 0),
	SET(VV, "l2tp drop out-of-order ~", "numbered data that was overtaken is not waited for", FLAG, config_vpdn_group,
	    drop_late, 0),
	SET(VV, "l2tp ip udp checksum ~", "of the packets", FLAG, config_vpdn_group, checksum, 1),
	CHOICE(VV, "l2tp tunnel framing capabilities ~ {all|asynchronous|synchronous|none}", "that the peer is told of",
	       framing_names, config_vpdn_group, framing, CONFIG_FRAMING_ALL),
	CHOICE(VV, "l2tp tunnel bearer capabilities ~ {none|digital|analog|all}", "that the peer is told of", bearer_names,
	       config_vpdn_group, bearer, CONFIG_BEARER_NONE),
	SET(VV, "ip tos ~ TOS", "type of service of the packets", U8, config_vpdn_group, tos, 0),
	CHOICE(VV, "ip precedence ~ {0|1|2|3|4|5|6|7}", "of the packets", precedence_numbers, config_vpdn_group, precedence, 0),
	ALIAS(VV, "ip precedence ~ {routine|priority|immediate|flash|flash-override|critical|internet|network}", "the same",
	      precedence_names, config_vpdn_group, precedence, 0),
	REFUSED(VV, "ip pmtu ~", "Linux fragments tunnel packets and never sets DF on them; expected mtu or ip tcp adjust-mss in "
		"the virtual-template"),
	REFUSED(VV, "ip mtu adjust ~", "the MTU of links is the virtual-template's; expected mtu there"),
	REFUSED(V, "request-dialout ~", "this box asks no LAC to dial; expected accept-dialin or request-dialin"),
	REFUSED(V, "accept-dialout ~", "this box dials no telephone for an LNS; expected accept-dialin or request-dialin"),
	REFUSED(V, "vpn vrf VRF ~", "tunnels are in the network namespace of the daemon; expected a daemon in each"),
	REFUSED(VV, "l2tp security crypto-profile PROFILE ~", "IPsec is set up beside this daemon, for UDP port 1701"),
	SET(VV, "l2tp tunnel busy timeout ~ BUSY", "a peer that refused is left alone for", U16, config_vpdn_group, busy_s, 60),
	SET(V, "session-limit ~ SESSIONS", "of the group", U32, config_vpdn_group, session_limit, 0),
	CHOICE(VV, "limit-code ~ " LIMIT_CODES, "what a LAC is told at a limit", config_limit_names, config_vpdn_group,
	       limit_code, CONFIG_LIMIT_UNSET),
	SET(VV, "limit-redirect ~ " REDIRECTS, "where a LAC is sent at a limit", ADDRESSES, config_vpdn_group,
	    limit_redirect, 0),
	CHOICE(VV, "failover-resync ~ {disable|failover-protocol|failover-protocol-fallback-to-silent-failover|"
	       "silent-failover}", "how its tunnels are resynchronised", config_failover_names, config_vpdn_group, failover,
	       L2TP_FAILOVER_UNSET),
	ALIAS(VV, "l2tp failover-resync ~ {disable|failover-protocol|failover-protocol-fallback-to-silent-failover|"
	      "silent-failover}", "the same", config_failover_names, config_vpdn_group, failover, L2TP_FAILOVER_UNSET),
	SET(VV, "sso enable ~", "replicate the tunnels of the group", FLAG, config_vpdn_group, sso, 1),

	LOCAL(D, "description ~ DESCRIPTION", "a remark", STRING, config_dialer, description, 0),
	SET(D, "dialer vpdn-group ~ VPDN", "the group its calls are placed by", STRING, config_dialer, vpdn_group, 0),
	SET(D, "dialer persistent ~", "dial again when the call ends", FLAG, config_dialer, persistent, 1),
	SET(D, "dialer redial interval ~ REDIAL", "between two attempts", U32, config_dialer, redial_s, 10),
	SET(D, "dialer redial max-interval ~ REDIAL", "the interval doubles up to this", U32, config_dialer, redial_max_s, 0),
	SET(D, "dialer max-redial ~ MAX-REDIAL", "attempts in a row", U32, config_dialer, max_redial, 0),
	SET(D, "interface-name ~ INTERFACE", "its name on this system", STRING, config_dialer, ifname, 0),
	SET(D, "ppp chap hostname ~ USER", "our name when the peer asks by CHAP", STRING, config_dialer, chap_user, 0),
	SET(D, "ppp chap password ~ [0] SECRET", "our password when the peer asks by CHAP", SECRET, config_dialer, chap_password, 0),
	DO(D, "ppp pap sent-username ~ USER password [0] SECRET", "what we say when the peer asks by PAP", command_set_pap,
	   command_print_pap),
	SET(D, "mtu ~ MTU", "of the interface", U16, config_dialer, mtu, 1460),
	SET(D, "ip tcp adjust-mss ~", "TCP through it, to what fits into the link", FLAG, config_dialer, adjust_mss, 0),
	DO(D, "keepalive ~ [KEEPALIVE [KEEPALIVE-RETRIES]]", "LCP echo", command_set_keepalive, command_print_dialer_keepalive),
	SET(D, "shutdown ~", "do not dial", FLAG, config_dialer, shutdown, 0),

	LOCAL(B, "interface ~ INTERFACE", "where they are", STRING, config_bba, ifname, 0),
	SET(B, "virtual-template ~ TEMPLATE", "for their links", U16, config_bba, vtemplate, 0),
	SET(B, "ac name ~ ACNAME", "what we call ourselves to them", STRING, config_bba, ac_name, 0),
	SET(B, "service name ~ SERVICE", "the service we have", STRING, config_bba, service, 0),
	SET(B, "redundancy group ~ GROUP", "who serves them", STRING, config_bba, redundancy, 0),
	SET(B, "sessions max limit ~ SESSIONS", "of the interface", U32, config_bba, max_sessions, 0),
	SET(B, "sessions per-mac limit ~ SESSIONS", "of one subscriber's address", U32, config_bba, max_per_mac, 100),

	SET(R, "mode sso ~", "stateful switchover", FLAG, config, mode_sso, 1),
	DO(R, "group GROUP ~", "virtual addresses that move together", command_enter_group, NULL),
	DO(RG, "virtual-address VIRTUAL ~ interface INTERFACE", "of the tunnels", command_set_vip, command_print_vips),
	DO_LOCAL(RG, "local address ~ HA-LOCAL [port PORT]", "our end of the stream to the peer", command_set_local, command_print_local),
	DO_LOCAL(RG, "peer address ~ HA-PEER [port PORT]", "the other node", command_set_peer, command_print_peer),
	DO_LOCAL(RG, "pre-shared-key ~ {[0] KEY|file KEY-FILE}", "secret of the stream", command_set_key, command_print_key),
	DO(RG, "standby ~ {hot|warm}", "what the standby keeps in place", command_set_standby, command_print_standby),
	{ ROW(RG, "detector ~ {builtin|keepalived|pacemaker|none}", "who decides on a takeover"), .kind = SETTING_CHOICE,
	  .offset = offsetof(struct config_redundancy_group, detector), .size = sizeof(enum config_detector),
	  .def = CONFIG_DETECTOR_BUILTIN, .choices = config_detector_names, .set = command_set_detector },
	LOCAL(RG, "keepalived fifo ~ FIFO", "where keepalived tells its state", STRING, config_redundancy_group,
	      keepalived_fifo, 0),
	LOCAL(RG, "keepalived instance ~ INSTANCE", "vrrp instance or sync group that moves the addresses", STRING,
	      config_redundancy_group, keepalived_instance, 0),
	LOCAL(RG, "track-file ~ TRACK-FILE", "where keepalived reads our readiness", STRING, config_redundancy_group,
	      track_file, 0),
	LOCAL(RG, "priority ~ PRIORITY", "who starts active: the higher", U32, config_redundancy_group, priority, 100),
	DO(RG, "tunnel-ids ~ FIRST-ID LAST-ID", "given out by the group", command_set_tunnel_ids, command_print_tunnel_ids),
	DO(RG, "timers heartbeat ~ HEARTBEAT dead DEAD", "of the stream", command_set_timers, command_print_timers),
	SET(RG, "timers lease ~ LEASE", "a node that stops is mute after", U32, config_redundancy_group, lease_ms, 1000),
	SET(RG, "timers startup ~ STARTUP", "wait for the peer before being alone", U32, config_redundancy_group,
	    startup_ms, 3000),
	SET(RG, "commit timeout ~ COMMIT", "output waits for the standby at most", U32, config_redundancy_group,
	    commit_timeout_ms, 20),

	DO(CONFIG_MODE_ANY & ~(unsigned)G, "exit", "one mode up", command_leave, NULL),
	DO(CONFIG_MODE_ANY, "end", "to the global mode", command_leave_all, NULL),
};

static const struct grammar_arg args[] = {
	{ "HOSTNAME", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "name" },
	{ "ENABLE", GRAMMAR_SECRET, 1, CONFIG_SECRET_MAX - 1, "password" },
	{ "STARTING", GRAMMAR_NUMBER, 1, 65535, "number" },
	{ "USER", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "user name" },
	{ "SECRET", GRAMMAR_SECRET, 1, CONFIG_SECRET_MAX - 1, "password" },
	{ "ADDRESS4", GRAMMAR_IPV4, 0, 0, "address" },
	{ "POOL", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "pool name" },
	{ "FIRST", GRAMMAR_IPV4, 0, 0, "first address" },
	{ "LAST", GRAMMAR_IPV4, 0, 0, "last address" },
	{ "TEMPLATE", GRAMMAR_NUMBER, 1, 1000, "template number" },
	{ "DNS1", GRAMMAR_IPV4, 0, 0, "name server" },
	{ "DNS2", GRAMMAR_IPV4, 0, 0, "second name server" },
	{ "MTU", GRAMMAR_NUMBER, 128, 1500, "octets" },
	{ "KEEPALIVE", GRAMMAR_NUMBER, 0, 32767, "seconds" },
	{ "KEEPALIVE-RETRIES", GRAMMAR_NUMBER, 1, 255, "echoes without an answer" },
	{ "VPDN", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "group name" },
	{ "VPDN-TEMPLATE", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "template name" },
	{ "RECOVERY", GRAMMAR_NUMBER, 0, 86400000, "milliseconds" },
	{ "DESCRIPTION", GRAMMAR_TEXT, 1, CONFIG_TEXT_MAX - 1, "text" },
	{ "PEERNAME", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "peer's host name" },
	{ "LOCALNAME", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "host name" },
	{ "SOURCE", GRAMMAR_ADDRESS, 0, 0, "address" },
	{ "TUNNEL-SECRET", GRAMMAR_SECRET, 1, CONFIG_NAME_MAX - 1, "password" },
	{ "HELLO", GRAMMAR_NUMBER, 0, 1000, "seconds, 0: none" },
	{ "WINDOW", GRAMMAR_NUMBER, 1, 16384, "messages" },
	{ "RESYNC", GRAMMAR_NUMBER, 1, 1000, "messages" },
	{ "RETRIES", GRAMMAR_NUMBER, 1, 255, "retransmissions" },
	{ "RETRANSMIT", GRAMMAR_NUMBER, 1, 8, "seconds" },
	{ "SETUP", GRAMMAR_NUMBER, 1, 6000, "seconds" },
	{ "HISTORY", GRAMMAR_NUMBER, 20, GROUP_HISTORY_MAX, "failures" },
	{ "SESSIONS", GRAMMAR_NUMBER, 1, 131072, "sessions" },
	{ "NO-SESSION", GRAMMAR_NUMBER, 1, 86400, "seconds" },
	{ "REDIRECT", GRAMMAR_ADDRESS, 0, 0, "another LNS" },
	{ "REDIRECT2", GRAMMAR_ADDRESS, 0, 0, "another LNS" },
	{ "REDIRECT3", GRAMMAR_ADDRESS, 0, 0, "another LNS" },
	{ "REDIRECT4", GRAMMAR_ADDRESS, 0, 0, "another LNS" },
	{ "DIALER", GRAMMAR_NUMBER, 1, 65535, "interface number" },
	{ "BBA", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "name of the group" },
	{ "ACNAME", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "a name" },
	{ "SERVICE", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "name of a service" },
	{ "DOMAIN", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "domain of user names" },
	{ "DNIS", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "called number" },
	{ "TO", GRAMMAR_ADDRESS, 0, 0, "address of the LNS" },
	{ "TO-LIMIT", GRAMMAR_NUMBER, 1, 65535, "sessions" },
	{ "TO-PRIORITY", GRAMMAR_NUMBER, 1, 32767, "the lowest first" },
	{ "BUSY", GRAMMAR_NUMBER, 1, 65535, "seconds" },
	{ "VRF", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "name" },
	{ "PROFILE", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "name" },
	{ "TOS", GRAMMAR_NUMBER, 0, 255, "the whole octet" },
	{ "REDIAL", GRAMMAR_NUMBER, 1, 86400, "seconds" },
	{ "MAX-REDIAL", GRAMMAR_NUMBER, 1, 65535, "attempts" },
	{ "GROUP", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "group name" },
	{ "VIRTUAL", GRAMMAR_PREFIX, 0, 0, "virtual address" },
	{ "INTERFACE", GRAMMAR_NAME, 1, 15, "interface name" },
	{ "HA-LOCAL", GRAMMAR_ADDRESS, 0, 0, "our address" },
	{ "HA-PEER", GRAMMAR_ADDRESS, 0, 0, "peer's address" },
	{ "PORT", GRAMMAR_NUMBER, 1, 65535, "TCP port" },
	{ "KEY", GRAMMAR_HEX, 16, 64, "key" },
	{ "KEY-FILE", GRAMMAR_PATH, 1, CONFIG_PATH_MAX - 1, "file with the key in hexadecimal" },
	{ "FIFO", GRAMMAR_PATH, 1, CONFIG_PATH_MAX - 1, "named pipe" },
	{ "INSTANCE", GRAMMAR_NAME, 1, CONFIG_NAME_MAX - 1, "name" },
	{ "TRACK-FILE", GRAMMAR_PATH, 1, CONFIG_PATH_MAX - 1, "file" },
	{ "PRIORITY", GRAMMAR_NUMBER, 0, 65535, "the higher starts active" },
	{ "FIRST-ID", GRAMMAR_NUMBER, 1, 65535, "first tunnel ID" },
	{ "LAST-ID", GRAMMAR_NUMBER, 1, 65535, "last tunnel ID" },
	{ "HEARTBEAT", GRAMMAR_NUMBER, 10, 60000, "milliseconds" },
	{ "DEAD", GRAMMAR_NUMBER, 30, 600000, "milliseconds" },
	{ "LEASE", GRAMMAR_NUMBER, 30, 600000, "milliseconds" },
	{ "STARTUP", GRAMMAR_NUMBER, 0, 600000, "milliseconds" },
	{ "COMMIT", GRAMMAR_NUMBER, 1, 10000, "milliseconds" },
};

const char *const config_failover_names[] = {
	[L2TP_FAILOVER_UNSET] = "",
	[L2TP_FAILOVER_DISABLE] = "disable",
	[L2TP_FAILOVER_PROTOCOL] = "failover-protocol",
	[L2TP_FAILOVER_PROTOCOL_SILENT] = "failover-protocol-fallback-to-silent-failover",
	[L2TP_FAILOVER_SILENT] = "silent-failover",
	NULL,
};
const char *const config_limit_names[] = {
	[CONFIG_LIMIT_UNSET] = "",
	[CONFIG_LIMIT_RESOURCES] = "resources",
	[CONFIG_LIMIT_TRY_ANOTHER] = "try-another",
	[CONFIG_LIMIT_DIRECTED] = "directed",
	[CONFIG_LIMIT_TEMPORARY] = "temporary",
	NULL,
};
const char *const config_detector_names[] = {
	[CONFIG_DETECTOR_BUILTIN] = "builtin",
	[CONFIG_DETECTOR_KEEPALIVED] = "keepalived",
	[CONFIG_DETECTOR_PACEMAKER] = "pacemaker",
	[CONFIG_DETECTOR_NONE] = "none",
	NULL,
};

const struct grammar config_grammar = {
	.commands = commands, .stride = sizeof(commands[0]), .count = sizeof(commands) / sizeof(commands[0]),
	.args = args, .arg_count = sizeof(args) / sizeof(args[0]),
	.words = config_words, .word_count = sizeof(config_words) / sizeof(config_words[0]),
};

void *config_mode_object(struct config_parser *p)
{
	switch (p->mode) {
	case CONFIG_MODE_GLOBAL:
	case CONFIG_MODE_REDUNDANCY:
		return p->config;
	case CONFIG_MODE_TEMPLATE:
		return p->vtemplate;
	case CONFIG_MODE_VPDN:
	case CONFIG_MODE_ACCEPT:
	case CONFIG_MODE_REQUEST:
	case CONFIG_MODE_VPDN_TEMPLATE:
		return p->vpdn;
	case CONFIG_MODE_DIALER:
		return p->dialer;
	case CONFIG_MODE_BBA:
		return p->bba;
	case CONFIG_MODE_GROUP:
		return p->group;
	}
	return NULL;
}

/*
 * A group or a template knows which of its rows were given: a bit for each,
 * in the order of the table.  An alias has the bit of the row it stands for.
 */
uint64_t config_setting_bit(const struct config_command *command)
{
	unsigned bit = 0;

	if (!(command->g.modes & (VV | A | Q)))
		return 0;
	for (const struct config_command *c = commands; c != command; c++) {
		if (command->alias && c->offset == command->offset && (c->g.modes & VV))
			break;
		bit += (c->g.modes & (VV | A | Q)) && c->kind != SETTING_CUSTOM;
	}
	return 1ull << bit;
}

/* What a template gives, the group did not say. */
void config_vpdn_group_inherit(const struct config_vpdn_group *template, struct config_vpdn_group *group)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct config_command *c = &commands[i];
		uint64_t bit = config_setting_bit(c);

		if ((c->g.modes & VT) && c->kind != SETTING_CUSTOM && (template->set & bit) && !(group->set & bit))
			memcpy((char *)group + c->offset, (const char *)template + c->offset, c->size);
	}
	group->set |= template->set;
}

bool config_vpdn_group_says(const struct config_vpdn_group *effective, size_t offset)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if ((commands[i].g.modes & VV) && commands[i].kind != SETTING_CUSTOM && commands[i].offset == offset)
			return effective->set & config_setting_bit(&commands[i]);
	return false;
}

void config_defaults(enum config_mode mode, void *object)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		const struct config_command *c = &commands[i];

		if (!(c->g.modes & mode) || c->kind == SETTING_CUSTOM)
			continue;
		config_setting_reset(c, object);
	}
	if (mode == CONFIG_MODE_TEMPLATE)
		defaults_template(object);
	if (mode == CONFIG_MODE_DIALER)
		defaults_dialer(object);
	if (mode == CONFIG_MODE_GROUP)
		defaults_group(object);
}
