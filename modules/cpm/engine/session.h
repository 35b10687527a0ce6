/**
 * @file session.h  What the files of a CPM session share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SESSION_H
#define SESSION_H

/** Where a session stands */
enum sess_state {
	SESS_NEW = 0,       /* nothing sent yet                             */
	SESS_ASKING,        /* 180 sent, the user is asked                  */
	SESS_WAITING,       /* 183 sent, our relay is not there yet; of ours:
			       nothing sent, likewise                       */
	SESS_CALLING,       /* our INVITE sent, no answer yet               */
	SESS_STORING,       /* 180 or 183 sent, what came in the INVITE is not
			       committed yet                                */
	SESS_ACCEPTED,      /* 200 sent or here, no ACK yet                 */
	SESS_CONNECTING,    /* ACK came or sent, MSRP is not bound yet      */
	SESS_ESTABLISHED,   /* MSRP is bound                                */
	SESS_BYE_SEEN,      /* BYE came; octets may still be on their way   */
	SESS_TCP_GONE,      /* MSRP closed by the peer; its BYE may come    */
	SESS_CLOSED,        /* over, in order                               */
	SESS_DECLINED,      /* over, refused by us                          */
	SESS_FAILED,        /* over, otherwise                              */

	SESS_STATE_MAX
};

struct sender;
struct calling;
struct refresh;
struct chat;

struct session {
	struct le le;            /* of cpm->sessl                            */
	struct le nle;           /* of cpm->numberh                          */
	struct le cle;           /* of cpm->callidh                          */
	struct le ple;           /* of cpm->pausedl                          */
	struct le sle;           /* of its sender's                          */
	struct sender *sender;   /* shared; NULL: it is not limited          */
	struct cpm *cpm;
	struct source *src;
	struct sipsess *sip;
	struct msrp_sess *msrp;
	struct msrp_sdp *sdp;
	struct tmr tmr;          /* the user's answer; then the end          */
	struct tmr tmr_se;       /* session timer                            */
	char *cuser;             /* user part of our Contact                 */
	char *fingerprint;       /* likewise; NULL: none                     */
	void *asked;             /* the INVITE, while the user is asked or the
				    relay or the store waited for            */
	struct first *first;     /* came in the INVITE, is to be stored;
				    NULL: nothing                            */
	uint32_t id;
	uint32_t expires;        /* s, Session-Expires in force; 0: none     */
	uint32_t after;          /* s, Retry-After of the refusal; 0: none   */
	bool outgoing;           /* the INVITE is ours                       */
	bool bound;              /* MSRP was                                 */
	bool bye;                /* the peer has ended it, by BYE            */
	bool unwanted;           /* our user has                             */
	bool lost;               /* our INVITE found no way to the server    */
	bool refresher;          /* we refresh it                            */
	bool updates;            /* the peer takes UPDATE                    */
	bool passive;            /* the peer connects                        */
	bool tls;                /* MSRP goes over it                        */
	bool early;              /* MSRP was bound before the ACK came       */
	enum sdp_dir dir;        /* of our answer                            */
	unsigned forms;          /* set of enum comp_form: what the peer takes*/
	struct calling *call;    /* what is asked for; NULL: not outgoing    */
	struct refresh *refresh; /* not answered yet; NULL: none             */
	struct composing *comp;  /* NULL: nobody has written yet             */
	struct chat *chat;       /* NULL: nothing of ours has gone over it   */
	char *takes;             /* media types that the peer takes, in CPIM;
				    NULL: it did not say                     */
	uint64_t peer_max;       /* octets of a message that it takes; 0: any*/
	enum sess_state state;
	uint16_t code;           /* SIP status of the refusal or failure     */
	const char *reason;      /* why it failed: the MSRP leg, or the answer
				    to an INVITE of ours; constant           */
};

/* invite.c */

/* what an INVITE may bring (RFC 3261, 20.1), alone or as a part */
#define SESS_ACCEPT "Accept: application/sdp, multipart/mixed, " \
	"message/cpim\r\n"

/** The address that we would send to peer from: nothing is sent. laddr: of
    the right family, unchanged if there is none
    @return 0; EHOSTUNREACH */
int source_address(struct sa *laddr, const struct sa *peer);

/* sessions.c: which sessions there are */

bool sessions_sender_full(const struct cpm *cpm, const struct source *src);
/** Gives it its number. @return 0; ENOMEM */
int  sessions_add(struct session *s);
void sessions_remove(struct session *s);
/** Its Call-ID is known now. @return 0; ENOMEM */
int  sessions_set_callid(struct session *s, const char *callid);
struct session *sessions_find(const struct cpm *cpm, uint32_t id);
/** Those from one peer, or to him, in the order of their numbers: sle.
    @return NULL: there is none */
const struct list *sessions_of(const struct cpm *cpm, const char *aor,
			       const char *peer);
struct session *sessions_dialog(const struct cpm *cpm,
				const struct sip_msg *msg);

/** Ours, whose INVITE this answers, while it has no final answer */
struct session *sessions_called(const struct cpm *cpm,
				const struct sip_msg *msg);

/* session.c: states and ending */

int  session_alloc(struct session **sp, struct cpm *cpm, struct source *src,
		   const char *cuser);
void session_move(struct session *s, enum sess_state state, uint16_t code);
/** MSRP is bound, and SIP has said all that there is to say */
void session_established(struct session *s);

/** Over: tell, let go of SIP (BYE) and MSRP, free */
void session_end(struct session *s, enum sess_state state, uint16_t code);

/** Our SDP. @param descp mem_deref() it */
int  session_desc(struct mbuf **descp, struct session *s, bool offer);

/** What the two sides agreed on, once an offer was taken: direction, types */
void session_negotiated(struct session *s);

/** Take an offer that changes nothing that is there already, but the direction.
    @return 0; EBADMSG, ENOENT, EPROTO: refuse it with 488 */
int  session_reoffer(struct session *s, struct mbuf *mb);

extern const struct msrp_sess_h session_msrp_handlers;

/** The SIP session has ended by itself. @param err ETIMEDOUT: no answer; else
    CANCEL or BYE */
void session_sip_closed(struct session *s, int err);

/* glare.c: both began at once */

/** Ours that is not answered yet, of the conversation of one that comes; NULL:
    there is none */
struct session *glare_find(const struct session *theirs);

/** Is it ours that is kept? */
bool glare_wins(const struct session *ours, const struct session *theirs);

/* wait.c: 200 once our relay is there */

/** Wait for the relay; 480 if it does not come */
void session_wait(struct session *s);

/** 200 after a 180 or 183, once what came in the INVITE is stored and our
    relay is there. @return 0; errno: it is over */
int  session_answer(struct session *s);

/* forget.c */

/** Keep of an INVITE only what it is known by: after its final answer, when
    nobody reads the rest any more */
void session_forget(const struct sip_msg *msg);

/* dialog.c: what SIP tells a session */

/** Send 180 (the user is asked), 183 (the relay is waited for) or 200 */
int  dialog_accept(struct session *s, const struct sip_msg *msg,
		   uint16_t scode);
/** 200 after a 180 or 183 */
int  dialog_answer(struct session *s);

/* handlers of libre's, of any session; arg is the struct session */
int  dialog_offer_handler(struct mbuf **descp, const struct sip_msg *msg,
			  void *arg);
void dialog_estab_handler(const struct sip_msg *msg, void *arg);

/* timer.c: the session timer */

/** Session-Expires of a request, if the peer keeps session timers
    @return 0; EOVERFLOW if it is below CPM_MIN_SE */
int  timer_decode(struct session *s, const struct sip_msg *msg);
/** The same of the answer to our INVITE */
void timer_answered(struct session *s, const struct sip_msg *msg);
/** The same of an UPDATE. @param timed It has one
    @return 0; EOVERFLOW: refuse it with 422, all stays as it is */
int  timer_update(struct session *s, const struct sip_msg *msg, bool *timed);
void timer_start(struct session *s);
/** Refresh it now */
void timer_refresh(struct session *s);

#endif
