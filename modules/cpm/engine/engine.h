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
#include <cpm_queue.h>

struct keep;
struct outbox;
struct policy;
struct pull;
struct pulls;
struct relay;
struct sendq;
struct trust;

struct cpm {
	struct cpm_conf conf;
	struct cpm_host host;
	struct cpm_store *store;
	struct msrp *msrp;
	struct list sessl;       /* struct session, in the order of numbers */
	struct hash *numberh;    /* the same by number                      */
	struct hash *callidh;    /* and by Call-ID                          */
	struct hash *senderh;    /* who they are from                       */
	uint32_t sessc;
	struct list pausedl;     /* struct session: not read for now        */
	struct list pagel;       /* struct page: not answered yet           */
	uint32_t pagec;
	struct policy *policy;
	struct outbox *outbox;
	struct sendq *sendq;
	struct keep *keep;
	struct relay *relay;     /* NULL: none is configured                */
	struct pulls *pulls;     /* what is fetched                         */
	struct list strayl;      /* struct stray: INVITEs of ours, oldest
				    first                               */
	struct list noticel;     /* struct notice: announcements that wait
				    for the disk                            */
	struct trust *trust;
	struct list freshl;      /* struct fresh: events held for the rate  */
	struct tmr tmr_fresh;
	struct tmr tmr_batch;    /* what a commit brought is to be told     */
	struct tmr tmr_store;    /* until the next try to open it           */
	enum cpm_store_state store_told;  /* that an event has said         */
	bool store_first;        /* it is being opened for the first time   */
	bool store_late;         /* what was lost is said again: nobody
				    could have heard it at the start        */
	uint32_t sess_last;      /* last session number given               */
	uint32_t export_last;    /* last export number given                */
	size_t buffered;         /* octets of messages being received       */
	bool down;               /* SIP is not to be used any more          */
};

/* tag.c: which service a request is for (wire.md 1) */

enum tag {
	TAG_SESSION   = 1 << 0,
	TAG_GROUP     = 1 << 1,  /* session.group; with another: its .group */
	TAG_LARGE     = 1 << 2,
	TAG_DEFERRED  = 1 << 3,
	TAG_MSG       = 1 << 4,
};

/** Services named in Accept-Contact, else in P-Asserted-Service; a set */
unsigned tag_msg(const struct sip_msg *msg);

/** Services named in Accept-Contact; a set. All that counts if who asserts is
    not trusted */
unsigned tag_wanted(const struct sip_msg *msg);

/** Services named in one Accept-Contact value; a set */
unsigned tag_contact(const struct pl *val);

/** Services named in one P-Asserted-Service value; a set */
unsigned tag_service(const struct pl *val);

/* admit.c: whom we listen to (cpm_trust) */

/** A request that is meant for this module by its form: is it for an account
    of ours, and from where its requests may come? Else it is answered 403, or
    480 while the addresses of the account's servers are not known.
    @param acc      Filled if so
    @param answered If not: it was refused; else it is the softphone's */
bool admit(struct cpm_account *acc, bool *answered, struct cpm *cpm,
	   const struct sip_msg *msg);

/** Its services, once admitted: those that are asserted (P-Asserted-Service)
    count only from where that is believed. A set */
unsigned admit_tags(const struct cpm *cpm, const char *aor,
		    const struct sip_msg *msg);

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

/** @param asserted It comes from where an asserted identity is believed (RFC
                    3325, 8); else that header does not count
    @return 0; EBADMSG: Referred-By is no URI; EOVERFLOW: an id is longer
    than CPM_ID_MAX; ENOMEM */
int origin_decode(struct origin *org, const struct sip_msg *msg,
		  bool asserted);
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

/* lost.c */

/** End the sessions of an account whose address this machine has no more */
void session_close_lost(struct cpm *cpm, const char *aor);

/* sessions.c: which sessions there are */

int  sessions_alloc(struct cpm *cpm);
/** All of them go, silently */
void sessions_close(struct cpm *cpm);
/** No more sessions of anybody */
bool sessions_full(const struct cpm *cpm);

/* leg.c: TLS for the MSRP leg or not; pure */

/** Has an offer of ours TLS? @param tp What its SIP goes over */
bool leg_offer_tls(enum cpm_msrp mode, enum sip_transp tp);

/** Is a peer's offer taken, with TLS or without? */
bool leg_takes(enum cpm_msrp mode, bool tls);

/* take.c: a message that has come, see take.h */

/** Where messages come from: shared by a session and each message of it that
    is being stored, so that the message may outlive the session. Of a SIP
    MESSAGE: its own */
struct source {
	struct cpm *cpm;
	struct session *sess;    /* borrowed; NULL once it has gone         */
	char *aor;               /* the account                             */
	char *callid;            /* names messages without imdn.Message-ID  */
	struct origin org;
	struct pull *pull;       /* NULL: nothing was asked for             */
	struct cpim_msg *head;   /* of the message that comes first, from the
				    INVITE; NULL: none, or it has come      */
	uint64_t conversation;   /* once known, else 0                      */
	uint64_t messages;       /* stored                                  */
	enum cpm_kind kind;
	enum cpm_mode mode;
	bool deferred;
};

/** @param srcp mem_deref() it. @return 0; ENOMEM; those of origin_decode() */
int source_alloc(struct source **srcp, struct cpm *cpm, const char *aor,
		 const struct sip_msg *msg);

/** One that nothing has come from yet: no Call-ID, nobody is known */
int source_make(struct source **srcp, struct cpm *cpm, const char *aor);

/* page.c: a message in a SIP MESSAGE */

/** @return true if the MESSAGE was ours: it is answered, or will be */
bool page_recv(struct cpm *cpm, const struct sip_msg *msg);

/** SIP is not to be used any more: what is not answered yet never will be */
void page_stop(struct cpm *cpm);

/* incoming.c: MSRP message to stored message */

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

/* outbox.c: notifications to be sent */

int outbox_alloc(struct outbox **obp, struct cpm *cpm);

/** Something may be due: look */
void outbox_kick(struct outbox *ob);

/** Give up what is on its way for an account (NULL: all); it stays due */
void outbox_stop(struct outbox *ob, const char *aor);

/* send.c */

/** Delete, as cpm_delete() does: what is on its way of it is given up, and
    nothing of that conversation goes until it is done. @return 0; ENOENT;
    ENOMEM; those of cpm_store_delete() */
int send_delete(struct cpm *cpm, uint64_t msg, uint64_t conv);

/* pager.c */

/** A telephone number has no host to send to: our own domain knows the way */
int tel_route(char **strp, const char *aor);

/* announce.c: messages that wait to be fetched */

/** @return true if it announces some */
bool announce_recv(struct cpm *cpm, const struct sip_msg *msg);

/** As page_stop() */
void announce_stop(struct cpm *cpm);

/* retry.c: pure */

enum {
	RETRY_MAX = 25,        /* tries in vain, about half a day: then a
				  notification is of no use any more       */
	RETRY_FAR = 172800000, /* ms: no time to wait for is so far ahead  */
};

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

/**
 * The same when the server may have said when (Retry-After): never before
 * that, but up to an eighth later.
 *
 * @param after seconds, 0: it did not
 */
uint64_t retry_next(uint64_t now, uint32_t tries, uint32_t after,
		    uint32_t rnd);

/** Value of a Retry-After header (RFC 3261, 20.33)
    @return s, at most a day; 0: none that can be read */
uint32_t retry_seconds(const struct pl *val);

/** What an answer to a notification means */
enum retry_verdict { RETRY_SENT, RETRY_LATER, RETRY_NEVER };
enum retry_verdict retry_verdict(uint16_t scode);

/* outcome.c: pure */

/** Why a request of ours was refused, for the person who wrote it: constant,
    never NULL. @param scode Final SIP status */
const char *sip_reason(uint16_t scode);

/* keep.c: old messages go */

/** ms */
struct keep_times {
	uint32_t first;          /* from the start to the first look        */
	uint32_t pause;          /* between two parts of a look             */
	uint32_t again;          /* between two looks                       */
};

/** mem_deref() it after the store was closed, not before: it waits for
    results. @param days 0: for ever. @param times NULL: the usual ones.
    @return 0; EINVAL; ENOMEM */
int keep_alloc(struct keep **keepp, struct cpm_store *store, uint32_t days,
	       const struct keep_times *times);
/* ready.c: while the store cannot be opened */

/** Open the store, or begin to wait for it.
    @return 0; errno: it is no use to wait */
int ready_start(struct cpm *cpm);

/** Something is wrong with the store: tell, and wait if need be */
void ready_fault(struct cpm *cpm, const char *what, const char *text);

/** true while messages can be kept and read */
bool ready_is(const struct cpm *cpm);

/* policy.c */

int policy_alloc(struct policy **polp);
/** What the store has. Done once: later memory is right. @return 0; errno */
int policy_load(struct policy *pol, struct cpm_store *st);
/** Put all into a store that is new */
void policy_save(const struct policy *pol, struct cpm_store *st);
void policy_resolve(const struct policy *pol, const struct cpm_conf *conf,
		    const char *aor, const char *peer,
		    struct cpm_policy *res);
int policy_change(struct policy *pol, struct cpm_store *st,
		  const struct cpm_policy_change *chg);

/* uuid.c */

enum { UUID_SIZE = 37 };  /* as text, with the end of the string */

/** A new id for whatever needs one (RFC 4122, 4.4) */
void uuid_make(char id[UUID_SIZE]);

/* text.c */

/** Octets of the UTF-8 character at buf; 0: it is none. @param len From 1 */
size_t text_utf8(const uint8_t *buf, size_t len);

/* engine.c */

void engine_event(struct cpm *cpm, const struct cpm_event *ev);

/** ms since 1970 */
uint64_t engine_now(void);

#endif
