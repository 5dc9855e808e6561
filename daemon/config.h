/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The configuration as data: what the grammar (grammar_config.c) fills and
 * everything else reads.  Once parsed it does not change, but what the running
 * one holds may be exchanged between two wake-ups (config_change.h): pointers
 * into it are not kept, save to redundancy groups.  Every field has its default set by config_new();
 * `show running-config` prints what differs from it.
 */
#ifndef L2TPHA_DAEMON_CONFIG_H
#define L2TPHA_DAEMON_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "l2tp/l2tp.h"
#include "netlink/dataplane.h"

#define CONFIG_NAME_MAX 64
#define CONFIG_SECRET_MAX 128
#define CONFIG_VIPS_MAX 8
#define CONFIG_TEXT_MAX 128
#define CONFIG_POOL_MAX (1u << 20)	/* addresses in a pool */
#define CONFIG_PATH_MAX 256
#define CONFIG_DIAL_NAMES_MAX 16	/* domains and numbers of a group */
#define CONFIG_DIAL_PEERS_MAX 16

struct config_user {			/* username NAME password [0|7] SECRET */
	struct config_user *next;
	char name[CONFIG_NAME_MAX];
	char password[CONFIG_SECRET_MAX];
	uint32_t address;		/* fixed address, network order; 0 = from the pool */
	struct config_user *bucket_next;	/* of the index; config.c only */
};

struct config_pool {			/* ip local pool NAME FIRST LAST */
	struct config_pool *next;
	char name[CONFIG_NAME_MAX];
	uint32_t first, last;		/* host order, inclusive */
};

struct config_vtemplate {		/* interface virtual-template N */
	struct config_vtemplate *next;
	uint16_t number;		/* 1..1000 */
	uint32_t local_address;		/* ip address A; network order */
	char pool[CONFIG_NAME_MAX];	/* peer default ip address pool NAME */
	bool auth_pap, auth_chap;	/* ppp authentication {chap|pap}... */
	uint16_t mtu;			/* default 1460 */
	uint32_t dns[2];		/* ppp ipcp dns A [B] */
	uint16_t keepalive_s;		/* keepalive S [R]: LCP echo; default 30, 0 off */
	uint8_t keepalive_retries;	/* default 4 */
	bool adjust_mss;		/* ip tcp adjust-mss: of its links, if not of all */
};

/* Is LCP negotiated though the LAC has done so? */
enum config_renegotiation {
	CONFIG_RENEGOTIATE_ON_MISMATCH,	/* if what it has agreed on does not do */
	CONFIG_RENEGOTIATE_ALWAYS,
	CONFIG_RENEGOTIATE_NEVER,	/* then the call ends */
};

/* How a LAC is told that we are full: enum l2tp_busy, and "not said" before it. */
enum config_limit_code {
	CONFIG_LIMIT_UNSET,
	CONFIG_LIMIT_RESOURCES,
	CONFIG_LIMIT_TRY_ANOTHER,
	CONFIG_LIMIT_DIRECTED,
	CONFIG_LIMIT_TEMPORARY,
};

enum config_bearer {		/* AVP 4: 1 digital, 2 analog */
	CONFIG_BEARER_NONE,
	CONFIG_BEARER_DIGITAL,
	CONFIG_BEARER_ANALOG,
	CONFIG_BEARER_ALL,
};

enum config_framing {		/* AVP 3 without: 1 synchronous, 2 asynchronous */
	CONFIG_FRAMING_ALL,
	CONFIG_FRAMING_ASYNCHRONOUS,
	CONFIG_FRAMING_SYNCHRONOUS,
	CONFIG_FRAMING_NONE,
};

/* initiate-to ip A [limit N] [priority P]: an LNS that calls of the group may go to. */
struct config_dial_peer {
	struct l2tp_endpoint address;	/* family 0: the place is free */
	uint32_t limit;			/* sessions; 0: none */
	uint16_t priority;		/* the lowest first; equal ones share the load */
};

/*
 * A template (vpdn-template [NAME]) is the same object in a list of its own:
 * of it only what its mode can say is used, where the group is silent.
 */
struct config_vpdn_group {		/* vpdn-group NAME */
	struct config_vpdn_group *next;
	char name[CONFIG_NAME_MAX];
	bool accept_dialin;
	bool protocol_l2tp;
	uint16_t vtemplate;		/* 0 = none */
	char terminate_from[CONFIG_NAME_MAX];	/* empty: the default group */
	char local_name[CONFIG_NAME_MAX];	/* empty: the hostname */
	struct l2tp_endpoint source_ip;	/* family 0 = any */
	bool tunnel_auth;		/* l2tp tunnel authentication; default on */
	char tunnel_password[CONFIG_NAME_MAX];
	uint16_t hello_s;		/* 60 */
	uint16_t receive_window;	/* 20 */
	uint16_t resync;		/* l2tp tunnel resync N: window of HA tunnels; default 16 */
	uint8_t retransmit_retries;	/* 10 */
	uint8_t retransmit_min_s, retransmit_max_s; /* 1, 8 */
	uint16_t setup_timeout_s;	/* 10 */
	uint32_t session_limit;		/* 0 = none */
	bool hide, hide_setup;		/* l2tp hidden; l2tp hidden setup */
	enum config_renegotiation renegotiation; /* lcp renegotiation WHEN; default on-mismatch */
	bool local_chap;		/* force-local-chap: who it is we ask ourselves */
	uint32_t no_session_s;		/* l2tp tunnel timeout no-session S; 0 = never; not said, ours: 15 */
	enum config_limit_code limit_code; /* unset: the global one */
	char limit_redirect[L2TP_TEXT_MAX]; /* limit-redirect A...: as error 9 has it, "A, [B]"; empty: the global one */
	enum config_framing framing;	/* l2tp tunnel framing capabilities WHAT; default all */
	enum config_bearer bearer;	/* l2tp tunnel bearer capabilities WHAT; default none */
	uint8_t tos;			/* ip tos N */
	unsigned precedence;		/* ip precedence N, and 1; 0: that of tos */
	bool checksum;			/* l2tp ip udp checksum; default on */
	bool drop_late;			/* l2tp drop out-of-order */
	/* of tunnels we open */
	uint8_t initial_retries, initial_min_s, initial_max_s; /* l2tp tunnel retransmit initial ...; 2, 1, 8 */
	enum l2tp_peer_change address_change;	/* l2tp tunnel address-change WHAT; default port */
	bool tie_break;			/* l2tp tunnel tie-breaker */
	bool sso;			/* sso enable; default on */
	enum l2tp_failover failover;	/* failover-resync METHOD; unset: the global one */
	char source_template[CONFIG_NAME_MAX];	/* source vpdn-template NAME; empty: the one without a name */
	char description[CONFIG_TEXT_MAX];
	/* as LAC */
	bool request_dialin;
	bool request_l2tp;		/* request-dialin / protocol l2tp */
	char domains[CONFIG_DIAL_NAMES_MAX][CONFIG_NAME_MAX];	/* domain NAME; empty: the place is free */
	char dnis[CONFIG_DIAL_NAMES_MAX][CONFIG_NAME_MAX];	/* dnis NUMBER */
	char hostnames[CONFIG_DIAL_NAMES_MAX][CONFIG_NAME_MAX];	/* multihop-hostname NAME: calls of its tunnels */
	struct config_dial_peer peers[CONFIG_DIAL_PEERS_MAX];
	bool sequencing;		/* l2tp sequencing: of calls we place */
	uint16_t busy_s;		/* l2tp tunnel busy timeout N; default 60 */
	uint64_t set;			/* rows that were given (config_setting_bit()) */
};

struct config_dialer {			/* interface dialer N: this box is the subscriber */
	struct config_dialer *next;
	uint16_t number;		/* 1..65535 */
	char vpdn_group[CONFIG_NAME_MAX];	/* dialer vpdn-group NAME */
	char ifname[16];		/* interface-name IF; empty: dialerN */
	char chap_user[CONFIG_NAME_MAX], chap_password[CONFIG_SECRET_MAX];
	char pap_user[CONFIG_NAME_MAX], pap_password[CONFIG_SECRET_MAX];
	bool persistent;		/* dialer persistent; default on */
	uint32_t redial_s;		/* dialer redial interval N; default 10 */
	uint32_t redial_max_s;		/* dialer redial max-interval N; 0: always redial_s */
	uint32_t max_redial;		/* dialer max-redial N: attempts in a row; 0: no end */
	uint16_t mtu;			/* default 1460 */
	uint16_t keepalive_s;		/* 30; 0 off */
	uint8_t keepalive_retries;	/* 4 */
	bool adjust_mss;		/* ip tcp adjust-mss */
	bool shutdown;
	char description[CONFIG_TEXT_MAX];
};

struct config_bba {			/* bba-group pppoe NAME: PPPoE subscribers on an interface */
	struct config_bba *next;
	char name[CONFIG_NAME_MAX];
	char ifname[16];		/* interface IF */
	uint16_t vtemplate;		/* virtual-template N */
	char ac_name[CONFIG_NAME_MAX];	/* ac name NAME; empty: the hostname */
	char service[CONFIG_NAME_MAX];	/* service name NAME; empty: any */
	uint32_t max_sessions;		/* sessions max limit N; 0 = none */
	uint32_t max_per_mac;		/* sessions per-mac limit N; default 100 */
	char redundancy[CONFIG_NAME_MAX]; /* redundancy group NAME: who serves them; empty: the first */
};

enum config_detector {			/* who decides on the role */
	CONFIG_DETECTOR_BUILTIN,
	CONFIG_DETECTOR_KEEPALIVED,
	CONFIG_DETECTOR_PACEMAKER,
	CONFIG_DETECTOR_NONE,		/* the operator */
};

struct config_redundancy_group {	/* redundancy / group NAME */
	struct config_redundancy_group *next;
	char name[CONFIG_NAME_MAX];
	struct dp_vip vips[CONFIG_VIPS_MAX];	/* virtual-address A/LEN interface IF */
	size_t vip_count;
	struct l2tp_endpoint local, peer;	/* local address A, peer address A [port N]; default port 1702 */
	uint8_t key[64];			/* pre-shared-key 0 HEX | pre-shared-key file PATH */
	size_t key_len;
	char key_file[CONFIG_PATH_MAX];		/* read by config_load(); empty: the key is in the file */
	bool hot;			/* standby {hot|warm}; default hot */
	enum config_detector detector;	/* detector {builtin|keepalived|pacemaker|none}; default builtin */
	char keepalived_fifo[CONFIG_PATH_MAX];
	char keepalived_instance[CONFIG_NAME_MAX];
	char track_file[CONFIG_PATH_MAX];
	uint32_t priority;		/* 100 */
	uint32_t heartbeat_ms, dead_ms;	/* timers heartbeat MS dead MS; 200, 1000 */
	uint32_t lease_ms;		/* timers lease MS; 1000 */
	uint32_t commit_timeout_ms;	/* commit timeout MS; 20 */
	uint32_t startup_ms;		/* timers startup MS; 3000 */
	uint16_t tunnel_first, tunnel_last; /* tunnel-ids FIRST LAST; 0: by the place among the groups */
};

/* What says where a call goes on. */
enum config_search {
	CONFIG_SEARCH_NONE,
	CONFIG_SEARCH_HOSTNAME,		/* the host name of the tunnel it came by */
	CONFIG_SEARCH_DNIS,
	CONFIG_SEARCH_DOMAIN,
};
#define CONFIG_SEARCH_MAX 3

struct config {
	char hostname[CONFIG_NAME_MAX];
	char enable_secret[CONFIG_SECRET_MAX], enable_password[CONFIG_SECRET_MAX]; /* of the privileged mode */
	bool vpdn_enable;
	bool l2tp_sso;			/* l2tp sso enable; default on */
	bool mode_sso;			/* redundancy / mode sso */
	enum l2tp_failover failover;	/* l2tp failover-resync METHOD; default silent-failover */
	uint32_t failover_recovery_ms;	/* l2tp failover recovery-time MS; default 900000 */
	bool multihop;			/* vpdn multihop: calls that came in may be dialled on */
	enum config_search search_order[CONFIG_SEARCH_MAX];	/* vpdn search-order; default: host name, number, domain */
	bool adjust_mss;		/* ip tcp adjust-mss: of subscribers, to what fits into their links */
	bool softshut;			/* vpdn softshut: no new tunnels and sessions */
	uint32_t history_size;		/* vpdn history failure table-size N; default 50 */
	uint32_t session_limit;		/* vpdn session-limit N, of a redundancy group; 0 = none */
	enum config_limit_code limit_code;	/* vpdn limit-code WHAT; default resources */
	char limit_redirect[L2TP_TEXT_MAX];	/* vpdn limit-redirect A... */
	uint32_t max_starting, max_starting_peer;	/* sessions in setup at once: 1000, 0 = no limit */
	uint32_t max_tunnels_starting, max_tunnels_starting_peer;	/* tunnels in setup at once: 500, 50 */
	struct config_user *users;
	struct config_pool *pools;
	struct config_vtemplate *vtemplates;
	struct config_vpdn_group *vpdn_groups, *vpdn_templates;
	struct config_dialer *dialers;
	struct config_bba *bbas;
	struct config_redundancy_group *redundancy_groups;
	struct config_user_index *user_index;	/* by name; NULL (a config made by hand): the list is searched */
};

struct config *config_new(void);	/* defaults */
void config_free(struct config *config);
/* Reads a whole file's text. NULL: `error` is "FILE:LINE: what was refused: what was expected". */
struct config *config_parse(const char *filename, const char *text, char error[256]);
/*
 * The running configuration as IOS lists it: what differs from the defaults,
 * or everything.  Secrets read "<hidden>" unless asked for.  The caller frees it.
 */
enum config_print_flag { CONFIG_PRINT_ALL = 1, CONFIG_PRINT_SECRETS = 2, CONFIG_PRINT_SHARED = 4 };
char *config_print(const struct config *config, unsigned flags);
/* Reads the file and the key files it names, parses and checks (io_config.c). */
struct config *config_load(const char *path, char error[256]);
/* Writes the text in place of the file, whole or not at all; the old one stays beside it as PATH.old (io_config.c). */
int config_save(const char *path, const char *text, char error[256]);
/* Cross-checks (a template that does not exist, an empty pool, redundancy without an address ...). */
int config_check(const struct config *config, char error[256]);
/* The tunnel IDs of the group at `index` of the list: no two groups, on no two boxes, give the same. */
void config_tunnel_ids(const struct config *config, size_t index, uint16_t *first, uint16_t *last);
/* Of what must be equal on both nodes (users, pools, templates, groups; not addresses of the node). */
void config_digest(const struct config *config, uint8_t digest[16]);
const struct config_user *config_user_find(const struct config *config, const char *name);
const struct config_pool *config_pool_find(const struct config *config, const char *name);
const struct config_vtemplate *config_vtemplate_find(const struct config *config, uint16_t number);
const struct config_bba *config_bba_find(const struct config *config, const char *name);
/* The place of its redundancy group in their list. */
size_t config_bba_redundancy(const struct config *config, const struct config_bba *bba);
const struct config_dialer *config_dialer_find(const struct config *config, uint16_t number);
const struct config_vpdn_group *config_vpdn_group_find(const struct config *config, const char *name);
const struct config_vpdn_group *config_vpdn_template_find(const struct config *config, const char *name);
/* The template the group takes from: the one it names, else the one without a name; NULL: none. */
const struct config_vpdn_group *config_vpdn_template_of(const struct config *config, const struct config_vpdn_group *group);
/* What holds for new tunnels of the group: its own word, else its template's, else the global one, else the default. */
void config_vpdn_group_effective(const struct config *config, const struct config_vpdn_group *group,
				 struct config_vpdn_group *out);
/* Does the group, or its template, say what stands at the offset?  Of an effective one. */
bool config_vpdn_group_says(const struct config_vpdn_group *effective, size_t offset);
const char *config_failover_name(enum l2tp_failover failover);
const char *config_detector_name(enum config_detector detector);

#endif
