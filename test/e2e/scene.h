/**
 * @file scene.h  What most tests begin and end with: a PF, and Alice
 *
 * One Participating Function that keeps messages, one stock baresip with the
 * module and the account of Alice, and her end of the bus.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SCENE_H
#define SCENE_H

#include "e2e.h"

#define DOMAIN "cpm.test"
#define ALICE  "sip:alice@" DOMAIN
#define BOB    "sip:bob@" DOMAIN
#define CAROL  "sip:carol@" DOMAIN

struct scene_args {
	const char *config;   /* more lines of baresip's config, or NULL  */
	const char *params;   /* more parameters of the account, or NULL  */
	const char *pass;     /* that the PF knows; default "secret"      */
	bool tcp;             /* SIP over TCP                             */
	bool plain;           /* baresip without a line for cpm.so        */
	bool trace;           /* SIP trace into its log                   */
	const char *optv[8];  /* more options of the PF                   */
};

struct scene {
	struct scene_args args;
	struct env *env;
	struct pf *pf;
	struct baresip *b;
	struct ctrl *c;       /* of b                                     */
};

/** Environment and PF. args may be NULL. Its database is a file */
void scene_open(struct scene *s, const struct scene_args *args);

/** The PF alone, into an environment that is open, with args that are set */
void scene_pf(struct scene *s);

/** Start Alice's baresip and wait for its registration */
void scene_start(struct scene *s);

/** Start it again in the same folder; it has ended before */
void scene_restart(struct scene *s);

/** Start the PF again with its database on its port; it has ended before */
void scene_pf_restart(struct scene *s, const char *pass);

/** Let the PF keep a message for Alice: "from=... text=..." */
void scene_leave(struct scene *s, const char *fmt, ...) E2E_FMT(2, 3);

/** A delivery from Bob that stands still half way: his first message is there,
    the second waits with the PF, for a minute */
void scene_halfway(struct scene *s);

/** Wait until the PF has nothing left */
void scene_empty(struct scene *s);

/** The same, the module has no session and holds so many messages */
void scene_delivered(struct scene *s, int64_t messages);

/** Wait until so many notifications have reached the PF, at least once each,
    and none is due. @return How many came again */
int64_t scene_notified(struct scene *s, int64_t imdn);

/** One number of cpm_status */
int64_t scene_count(struct scene *s, const char *key);

/** Path of a file in the module's folder */
char *scene_file(struct scene *s, const char *name);

/** Both end orderly, with status 0; the environment is closed */
void scene_close(struct scene *s);

/** The text that the PF makes for size=N: octets from off on, len of them.
    Lives as long as the environment */
char *scene_text(struct env *env, size_t off, size_t len, size_t total);

/** The same into a buffer: no end of string, off and len within total */
void scene_text_fill(char *text, size_t off, size_t len, size_t total);

/** A command that must fail. The message of the error must hold text */
void scene_refused(struct scene *s, const char *cmd, const char *prm,
		   const char *code, const char *text);

#endif
