/**
 * @file cmd.h  What the files of the commands share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PF_CMD_H
#define PF_CMD_H

enum { ARG_MAX_ = 24 };


/** A command, split. Views into the line. */
struct args {
	struct pf *pf;
	struct pl word;      /* the command itself                          */
	struct pl bare;      /* first argument without "="                  */
	struct pl rest;      /* all behind the command                      */
	struct pl key[ARG_MAX_];
	struct pl val[ARG_MAX_];
	size_t n;
};

const struct pl *arg_find(const struct args *args, const char *key);
int arg_get(char **valp, const struct args *args, const char *key);
int arg_num(uint64_t *np, const struct args *args, const char *key);
int arg_uri(char **urip, const struct args *args, const char *key);
int arg_user(struct user **up, const struct args *args);
struct session *arg_session(const struct args *args);

/* leave.c */
int leave_cmd(const struct args *args);
int leave_cmd_way(const struct args *args);

/* chat.c */
int chat_cmd_chat(const struct args *args);
int chat_cmd_say(const struct args *args);
int chat_cmd_composing(const struct args *args);
int chat_cmd_dir(const struct args *args);

/* announce.c, notice.c */
int announce_cmd(const struct args *args);
int notice_cmd_report(const struct args *args);

#endif
