/**
 * @file glue.h  What the files that see the host share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef GLUE_H
#define GLUE_H

#include <cpm.h>
#include <cpm_cpim.h>
#include "host.h"

enum {
	ANSWER_MAX = 262144,  /* octets of an answer: ctrl_tcp's send queue
			         holds twice that, and what is over it
			         breaks the stream                        */
	TEXT_LIST_MAX = 2048, /* octets of a text in a list               */
	TEXT_LAST_MAX = 256,  /* octets of a conversation's last text     */
	TEXT_MAX = 100000,    /* octets of a text by itself: fits an answer
			         when each octet is escaped               */
	EVENT_MAX = 255,      /* octets that the host's event carries     */
};

/* relay.c: configuration of our relay */

enum {
	RELAY_SIZE = 1024,   /* of the URIs of all relays                */
	NAME_SIZE  = 128,    /* of a user name or password               */
};

/** What the configuration borrows */
struct relay_text {
	char uri[RELAY_SIZE];
	char user[NAME_SIZE];
	char pass[NAME_SIZE];
};

/** @param text Lives as long as conf. @return 0; EINVAL: told */
int relay_config(struct cpm_conf *conf, struct relay_text *text);

/** The softphone's resolver. cpm_host.dnsch */
struct dnsc *relay_dnsc(void *arg);

/* pull.c: whom to ask for what was announced */

enum {
	PULL_URI_SIZE = 256,
};

/** What the configuration borrows */
struct pull_text {
	char uri[PULL_URI_SIZE];
};

/** @param text Lives as long as conf. @return 0; EINVAL: told */
int pull_config(struct cpm_conf *conf, struct pull_text *text);

/* cmd.c */
int  commands_open(struct cpm *cpm);
void commands_close(void);

/* secure.c */
int  secure_config(struct cpm_conf *conf);

/* register.c: the CPM feature tags on the account's registration */

/** Put them there from now on. @return 0; ENOMEM */
int  register_open(void);
/** No more. Accounts that register do it again, without */
void register_close(void);
/** What the softphone tells, by the event's name */
void register_event(struct ua *ua, const char *name);
/** The account's outbound proxies are its own again: to be called before they
    are read */
void register_settle(void);
/** Whose response is this? Those to REGISTER come from us.
    @param src Filled if so: who had answered; unset: nobody
    @return true if so */
bool register_source(struct sa *src, const struct sip_msg *msg);
/** Is it registered, with the tags? */
bool register_istagged(const struct ua *ua);

/* trust.c */
int  trust_config(struct cpm_conf *conf);

/* bus.c */
void bus_event(const struct cpm_event *ev, void *arg);

/* fds.c */
int fds_grow(unsigned count);

/* args.c: parameters of a command */

enum arg_type {
	ARG_UINT,
	ARG_STR,
	ARG_BOOL,
	ARG_TRI,    /* true, false, "yes", "no" or "default" */
	ARG_LIST,   /* array of numbers */
	ARG_STRS,   /* array of strings */
};

struct arg_key {
	const char *name;
	enum arg_type type;
};

enum {
	ARG_KEYS = 10,
	ARG_POS  = 2,
};

/** What a command takes */
struct arg_spec {
	struct arg_key keyv[ARG_KEYS];
	const char *posv[ARG_POS];  /* keys of the words by position; "id|c"
				       means: id, or c and a conversation;
				       "to|c|r" likewise: to, c and a
				       conversation, or r and a message    */
	bool rest;                  /* the word at ARG_POS is all that is
				       left of the line                    */
	bool needed;                /* at least one must be there          */
};

/**
 * @param op   Decoded parameters, mem_deref() it
 * @param text Filled with what is wrong
 *
 * @return 0; EINVAL; ENOMEM
 */
int args_decode(struct odict **op, const struct arg_spec *spec,
		const char *prm, char *text, size_t size);

bool args_has(const struct odict *o, const char *key);
uint64_t args_uint(const struct odict *o, const char *key);
const char *args_str(const struct odict *o, const char *key);
bool args_bool(const struct odict *o, const char *key);
/** @return 0; EINVAL: none of the words */
int args_tri(enum cpm_tri *tri, const struct odict *o, const char *key);
/** @param idv mem_deref() it. @return 0; EINVAL; ENOMEM */
int args_list(uint64_t **idvp, size_t *idcp, const struct odict *o,
	      const char *key);

/** @param strvp mem_deref() it; the strings are borrowed from o.
    @return 0; EINVAL: none, or not all are strings; ENOMEM */
int args_strings(const char ***strvp, size_t *strcp, const struct odict *o,
		 const char *key);

/* draft.c: texts that come in pieces; they are in memory only */

enum {
	DRAFTS_MAX     = 16,       /* at once: 64 MiB of them             */
	DRAFT_SIZE     = 4194304,  /* octets of one: a long book          */
	DRAFT_NAME_MAX = 64,       /* octets of its name                  */
};

struct drafts;

int drafts_alloc(struct drafts **dp);
/** Put a piece behind what is there; begin one if it is not there.
    @param sizep Octets that it has then
    @return 0; EINVAL: its name is empty or too long; EMSGSIZE: it would be
    over DRAFT_SIZE, and stays; EBUSY: DRAFTS_MAX are there; ENOMEM: it stays */
int drafts_append(struct drafts *d, const char *name, const char *str,
		  size_t *sizep);
/** @return ENOENT: none of that name */
int drafts_remove(struct drafts *d, const char *name);
/** Its octets, from pos 0 on; borrowed. NULL: none of that name */
const struct mbuf *drafts_find(const struct drafts *d, const char *name);

/* filetype.c: what a file is, and whether it is one */

struct filetype;

/** Of no effect but memory until it is used. */
int filetype_alloc(struct filetype **ftp);
/**
 * The media type of a file by its first octets (libmagic); of a text with its
 * charset, where that is known.
 *
 * @param type At least CPM_TYPE_MAX + 1 octets; NULL: the path is looked at
 *             only
 * @param whyp Filled, if it fails: what is wrong with the path, constant; NULL
 *
 * @return 0; EINVAL: no absolute path, neither a file nor a folder, or empty;
 *         EISDIR; ENOENT, EACCES and others of looking at it; ENOMEM
 */
int filetype_get(struct filetype *ft, char *type, size_t size,
		 const char *path, const char **whyp);
/** Is it a media type with its parameters (RFC 2045, 5.1), strictly? */
bool filetype_isvalid(const char *type);

/* show.c: records as JSON */

int show_str(struct odict *o, const char *key, const char *str);
int show_uint(struct odict *o, const char *key, uint64_t val);
int show_bool(struct odict *o, const char *key, bool val);
int show_time(struct odict *o, const char *key, uint64_t ms);
/** Adds and lets go of the child, also on error */
int show_child(struct odict *o, const char *key, int type,
	       struct odict *child);

/** Part of a text */
struct show_part {
	uint64_t off;
	size_t len;     /* octets at most; 0: no text */
	bool given;     /* off or len was asked for   */
};
int show_msg(struct odict *o, struct cpm_store *st, const struct cpm_msg *msg,
	     const struct show_part *part);
int show_conv(struct odict *o, const struct cpm_conv *conv);
int show_session(struct odict *o, const struct cpm_sess_info *info);
int show_policy(struct odict *o, const struct cpm_policy *pol);

/** Fields of a file transfer over HTTP; of another message none */
int show_ft(struct odict *o, struct cpm_store *st, const struct cpm_msg *msg);

const char *show_answer(enum cpm_answer answer);
const char *show_errno(int err);

#endif
