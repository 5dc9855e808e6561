/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The functions of the rows of the configuration table (grammar_config.c).
 */
#ifndef L2TPHA_DAEMON_GRAMMAR_COMMANDS_H
#define L2TPHA_DAEMON_GRAMMAR_COMMANDS_H

#include "daemon/grammar_config.h"

/* defaults that commands of more than one argument share with the table */
enum { KEEPALIVE_S = 30, KEEPALIVE_RETRIES = 4, HA_PORT = 1702, HEARTBEAT_MS = 200, DEAD_MS = 1000 };

int command_enter_bba(struct config_parser *p, const struct grammar_match *m);
int command_enter_dialer(struct config_parser *p, const struct grammar_match *m);
int command_enter_request_dialin(struct config_parser *p, const struct grammar_match *m);
int command_set_search_order(struct config_parser *p, const struct grammar_match *m);
void command_print_search_order(struct config_printer *out, const struct config_command *command, const void *object);
int command_set_dial_name(struct config_parser *p, const struct grammar_match *m);
int command_set_dial_peer(struct config_parser *p, const struct grammar_match *m);
int command_set_pap(struct config_parser *p, const struct grammar_match *m);
void command_print_dial_names(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_dial_peers(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_dialer_keepalive(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_pap(struct config_printer *out, const struct config_command *command, const void *object);
int command_enter_accept_dialin(struct config_parser *p, const struct grammar_match *m);
int command_enter_group(struct config_parser *p, const struct grammar_match *m);
int command_enter_redundancy(struct config_parser *p, const struct grammar_match *m);
int command_enter_template(struct config_parser *p, const struct grammar_match *m);
int command_enter_vpdn_group(struct config_parser *p, const struct grammar_match *m);
int command_enter_vpdn_template(struct config_parser *p, const struct grammar_match *m);
int command_refuse(struct config_parser *p, const struct grammar_match *m);
int command_leave(struct config_parser *p, const struct grammar_match *m);
int command_leave_all(struct config_parser *p, const struct grammar_match *m);
void command_print_authentication(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_dns(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_keepalive(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_key(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_local(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_peer(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_pools(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_standby(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_tunnel_ids(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_timers(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_usernames(struct config_printer *out, const struct config_command *command, const void *object);
void command_print_vips(struct config_printer *out, const struct config_command *command, const void *object);
int command_set_authentication(struct config_parser *p, const struct grammar_match *m);
int command_set_detector(struct config_parser *p, const struct grammar_match *m);
int command_set_dns(struct config_parser *p, const struct grammar_match *m);
int command_set_keepalive(struct config_parser *p, const struct grammar_match *m);
int command_set_key(struct config_parser *p, const struct grammar_match *m);
int command_set_local(struct config_parser *p, const struct grammar_match *m);
int command_set_peer(struct config_parser *p, const struct grammar_match *m);
int command_set_pool(struct config_parser *p, const struct grammar_match *m);
int command_set_standby(struct config_parser *p, const struct grammar_match *m);
int command_set_tunnel_ids(struct config_parser *p, const struct grammar_match *m);
int command_set_timers(struct config_parser *p, const struct grammar_match *m);
int command_set_username(struct config_parser *p, const struct grammar_match *m);
int command_set_vip(struct config_parser *p, const struct grammar_match *m);

#endif
