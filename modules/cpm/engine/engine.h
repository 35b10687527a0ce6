/**
 * @file engine.h  What the files of the engine share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef ENGINE_H
#define ENGINE_H

#include <cpm.h>
#include <cpm_cpim.h>
#include <cpm_imdn.h>
#include <cpm_msrp.h>

struct outbox;
struct policy;

struct cpm {
	struct cpm_conf conf;
	struct cpm_host host;
	struct cpm_store *store;
	struct msrp *msrp;
	struct list sessl;       /* struct session                          */
	struct policy *policy;
	struct outbox *outbox;
	struct list freshl;      /* struct fresh: events held for the rate  */
	struct tmr tmr_fresh;
	uint32_t sess_last;      /* last session number given               */
	size_t buffered;         /* octets of messages being received       */
	bool down;               /* SIP is not to be used any more          */
};

/* tag.c: which service a request is for (wire.md 1) */

enum tag {
	TAG_SESSION   = 1 << 0,
	TAG_GROUP     = 1 << 1,  /* session.group                           */
	TAG_LARGE     = 1 << 2,
	TAG_DEFERRED  = 1 << 3,
	TAG_MSG       = 1 << 4,
};

/** Services named in Accept-Contact, else in P-Asserted-Service; a set */
unsigned tag_msg(const struct sip_msg *msg);

/** Services named in one Accept-Contact value; a set */
unsigned tag_contact(const struct pl *val);

/** Services named in one P-Asserted-Service value; a set */
unsigned tag_service(const struct pl *val);

/* conv.c: who it is from, and which conversation it belongs to */

/** What the headers of an INVITE or MESSAGE say. Strings are owned. */
struct origin {
	char *peer;              /* sender: Referred-By, else asserted
				    identity, else From; normalised; NULL if
				    only the server or anonymous is known   */
	char *name;              /* display name, NULL if none              */
	char *conversation_id;
	char *contribution_id;
	char *in_reply_to;
	bool standfw;            /* asserted user part is rcse-standfw      */
};

/** @return 0; EBADMSG: Referred-By is no URI; EOVERFLOW: an id is longer
    than CPM_ID_MAX; ENOMEM */
int origin_decode(struct origin *org, const struct sip_msg *msg);
void origin_reset(struct origin *org);

/** Key of the conversation: its id, or a local one made of the sender.
    @param keyp mem_deref() it */
int conv_key(char **keyp, const struct origin *org, const char *peer);

/** Display name of a stranger, cut to CPM_NAME_MAX; none: *strp stays.
    @return 0; ENOMEM */
int name_dup(char **strp, const struct pl *name);

/* invite.c, dialog.c, session.c */

struct session;

/** @return true if the INVITE was ours */
bool session_invite(struct cpm *cpm, const struct sip_msg *msg);

/** @return true if the UPDATE was for a session of ours */
bool session_update(struct cpm *cpm, const struct sip_msg *msg);

/** Read no more from its connection; from all of them again */
void session_pause(struct session *s);
void session_resume_all(struct cpm *cpm);

/** End the sessions of an account (NULL: all): BYE, or 480 if asking */
void session_close_all(struct cpm *cpm, const char *aor);

/* incoming.c: MSRP message to stored message */

/** Where messages come from: shared by a session and each message of it that
    is being stored, so that the message may outlive the session */
struct source {
	struct cpm *cpm;
	struct session *sess;    /* borrowed; NULL once it has gone         */
	char *aor;               /* the account                             */
	char *callid;            /* names messages without imdn.Message-ID  */
	struct origin org;
	uint64_t conversation;   /* once known, else 0                      */
	uint64_t messages;       /* stored                                  */
	enum cpm_kind kind;
	enum cpm_mode mode;
	bool deferred;
};

/** @param srcp mem_deref() it. @return 0; ENOMEM; those of origin_decode() */
int source_alloc(struct source **srcp, struct cpm *cpm, const char *aor,
		 const struct sip_msg *msg);

/* handlers of the MSRP session; arg is the struct source */
uint16_t incoming_open(struct msrp_rx *rx, void *arg);
uint16_t incoming_data(struct msrp_rx *rx, uint64_t off, const uint8_t *buf,
		       size_t len, void *arg);
void incoming_drop(struct msrp_rx *rx, void *arg);
void incoming_done(struct msrp_rx *rx, void *arg);

/* fresh.c: message events, counted up and at most 20 a second */

int fresh_add(struct cpm *cpm, const char *account, uint64_t conv,
	      uint64_t id, bool deferred);
void fresh_flush(struct cpm *cpm);

/* report.c: notifications to be sent */

int outbox_alloc(struct outbox **obp, struct cpm *cpm);

/** Something may be due: look */
void outbox_kick(struct outbox *ob);

/** Give up what is on its way for an account (NULL: all); it stays due */
void outbox_stop(struct outbox *ob, const char *aor);

/* retry.c: pure */

/**
 * When to try again.
 *
 * @param now   ms
 * @param tries failed tries so far, from 1
 * @param rnd   any number, for the jitter
 *
 * @return ms; the delay doubles from 1 s to 1 h, less up to a quarter
 */
uint64_t retry_at(uint64_t now, uint32_t tries, uint32_t rnd);

/** What an answer to a notification means */
enum retry_verdict { RETRY_SENT, RETRY_LATER, RETRY_NEVER };
enum retry_verdict retry_verdict(uint16_t scode);

/* policy.c */

int policy_alloc(struct policy **polp, struct cpm_store *st);
void policy_resolve(const struct policy *pol, const struct cpm_conf *conf,
		    const char *aor, const char *peer,
		    struct cpm_policy *res);
int policy_change(struct policy *pol, struct cpm_store *st,
		  const struct cpm_policy_change *chg);

/* engine.c */

void engine_event(struct cpm *cpm, const struct cpm_event *ev);

/** ms since 1970 */
uint64_t engine_now(void);

#endif
