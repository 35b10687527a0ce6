/**
 * @file pf.h  A small OMA CPM Participating Function: private interface
 *
 * Registrar with digest (RFC 3261, 10; RFC 2617), messages kept in SQLite for
 * absent users, delivery over SIP and MSRP (OMA CPM Conversation Functions,
 * 7.3.12 and 8.3.2; RFC 4975), collection of disposition notifications
 * (RFC 5438). It is the other side in the tests of cpm.so, so it has nothing
 * of cpm.so in it, and what it prints must be exactly what happened.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PF_H
#define PF_H

#include <cpm_re.h>
#include "fault.h"

struct pf;
struct user;
struct session;
struct conn;
struct keep;
struct body;
struct lane;
struct uas;
struct take;
struct leg;

/* of all CPM services */
#define ICSI_CPM "3gpp-service.ims.icsi.oma.cpm."

/* as a Conversation-ID: the INVITE has none */
#define NO_CONV "none"

enum {
	ID_SIZE   = 37,            /**< text of a UUID and its end          */
	LINE_MAX_ = 1024 * 1024,   /**< one command: bounds our buffer      */
};


/*
 * print.c: events on standard output
 */

void event(const char *fmt, ...) __attribute__((format(printf, 1, 2)));


/*
 * text.c: identifiers, dates, encodings, generated text
 */

void uuid_make(char id[ID_SIZE]);
void token_make(char *buf, size_t size);
void date_now(char *buf, size_t size);
int  percent_decode(char **dst, const struct pl *src);
int  uri_name(char **namep, const char *uri);
uint32_t pl_number(const struct pl *pl);
bool pl_has(const struct pl *pl, const char *word);
void text_make(uint8_t *buf, uint64_t off, size_t len, uint64_t total);


/*
 * keep.c: what must survive, in SQLite
 */

/** How a message is to reach its recipient */
enum way {
	WAY_NONE,            /**< as his policy says                        */
	WAY_AUTO,            /**< few short texts: page; one long: large;
				  else session                              */
	WAY_PAGE,            /**< a MESSAGE each                            */
	WAY_LARGE,           /**< an INVITE each, tagged largemsg           */
	WAY_INLINE,          /**< the first one inside of the INVITE        */
	WAY_ALL,             /**< all at once, tagged deferred              */
	WAY_SESSION,         /**< one INVITE a conversation                 */
	WAY_PULL,            /**< announced, and fetched by the client      */
	WAY_MAX
};

/** One kept message, without its body */
struct kept {
	uint64_t seq;        /**< order of arrival, and its key             */
	char *id;            /**< imdn.Message-ID                           */
	char *user;          /**< name of the user it waits for             */
	char *sender;        /**< URI                                       */
	char *rcpt;          /**< URI                                       */
	char *name;          /**< display name of the sender, or NULL       */
	char *conv;          /**< Conversation-ID                           */
	char *ask;           /**< imdn.Disposition-Notification, or NULL    */
	char *type;          /**< MIME type                                 */
	char *date;          /**< RFC 3339                                  */
	char *disp;          /**< Content-Disposition, or NULL              */
	char *group;         /**< URI of the group that it was sent to, or
				  NULL                                      */
	char *party;         /**< whose messages go together; NULL when
				  put: those of the group, else the sender  */
	bool anon;           /**< CPIM From and To are anonymous            */
	bool gen;            /**< the body is text_make()                   */
	uint64_t size;       /**< octets of body                            */
	enum way way;        /**< of this one                               */
	uint64_t expires;    /**< ms since 1970, 0: never                   */
	bool notice;         /**< a disposition notification, stored for
				  who was away                              */
	char *spool;         /**< file that the body is, or NULL            */
	char *contrib;       /**< Contribution-ID, or NULL: a new one       */
	char *reply;         /**< InReplyTo-Contribution-ID, or NULL        */
	bool raw;            /**< the body is a whole message/cpim          */
};

/** Which messages: of a user, and perhaps of one conversation only */
struct pick {
	const char *user;
	const char *party;   /**< group, else sender; NULL: any             */
	const char *conv;
	uint64_t after;      /**< not up to this one                        */
	uint64_t upto;       /**< and none behind this                      */
};

/** One collected disposition notification */
struct notice {
	char id[257];        /**< whose state it tells                      */
	char status[33];
	char from[513];
	char to[513];
	uint32_t count;      /**< times seen, this one included             */
};

typedef void (notice_h)(const struct notice *notice, void *arg);
typedef int (lane_h)(const char *party, const char *conv, void *arg);

int  kept_alloc(struct kept **mp);
int  keep_open(struct keep **kp, const char *file, bool sync);
int  keep_begin(struct keep *k);
int  keep_end(struct keep *k);
int  keep_put(struct keep *k, struct kept *m, const struct pl *text,
	      const char *file);
int  keep_next(struct kept **mp, struct keep *k, const struct pick *pick);
int  keep_lanes(struct keep *k, const char *user, uint64_t upto, lane_h *h,
		void *arg);
int  keep_expired(struct kept **mp, struct keep *k, const char *user,
		  uint64_t now);
uint64_t keep_expiry(struct keep *k);
int  keep_conv(char **convp, struct keep *k, const char *sender,
	       const char *user);
int  keep_remove(struct keep *k, uint64_t seq);
uint64_t keep_count(struct keep *k, const char *user);
uint64_t keep_left(struct keep *k, const struct pick *pick);
uint64_t keep_last(struct keep *k);
uint64_t keep_waiting(struct keep *k, const struct user *user,
		      uint64_t *lastp);
int  keep_notice(struct keep *k, struct notice *notice);
void keep_notices(struct keep *k, const char *from, notice_h *h, void *arg);


/*
 * body.c: bodies
 */

int  body_open(struct body **bp, struct keep *k, const struct kept *m);
int  body_append(struct mbuf *mb, struct keep *k, const struct kept *m);
int  body_read(struct body *b, uint64_t off, uint8_t *buf, size_t len);


/*
 * cpim.c: message/cpim (RFC 3862) and message/imdn+xml (RFC 5438)
 */

/** A decoded message/cpim. Views. */
struct cpim {
	struct pl from;
	struct pl to;
	struct pl id;        /**< imdn.Message-ID                           */
	struct pl ctype;
	struct pl disp;      /**< Content-Disposition                       */
	struct pl body;
};

int cpim_head_print(struct mbuf *mb, const struct kept *m);
int cpim_decode(struct cpim *cpim, const struct pl *pl, const char **why);
void entities_undo(char *str);
int imdn_decode(struct notice *notice, const struct pl *xml,
		const char **why);


/*
 * user.c: accounts and their bindings
 */

struct binding {
	struct le le;
	struct user *user;   /**< borrowed: owns us                         */
	char *uri;           /**< Request-URI of a delivery                 */
	struct tmr tmr;      /**< end of the registration                   */
	bool third;          /**< by the core: the URI is the user's own    */
};

struct user {
	struct le le;
	struct pf *pf;       /**< borrowed                                  */
	char *name;
	char *pass;          /**< NULL: no account, known by the core only  */
	char *aor;
	struct list bindl;   /**< latest first                              */
	struct session *sess;/**< the running delivery                      */
	enum way way;        /**< his policy; WAY_NONE: that of all         */
	uint32_t few;        /**< of WAY_AUTO; 0: that of all               */
	struct list lanel;   /**< conversations of the running round        */
	struct list pagel;   /**< MESSAGEs on their way                     */
	struct list passl;   /**< notifications passed on                   */
	struct announce *ann;/**< he is being told, or NULL                 */
	uint32_t regs;       /**< how often he has registered               */
	uint64_t told;       /**< the latest message that he was told of    */
	uint64_t upto;       /**< last message of this round                */
	bool again;          /**< registered anew while a delivery ran      */
	bool failed;         /**< the round was stopped                     */
	bool all_off;        /**< WAY_ALL was declined in this round        */
	struct tmr tmr;      /**< a round begins when this event is over    */
	struct tmr tmr_retry;/**< Retry-After                               */
};

int  user_add(struct user **up, struct pf *pf, const char *name,
	      const char *pass);
struct user *user_find(const struct pf *pf, const char *name);
struct user *user_find_uri(const struct pf *pf, const struct pl *uri);
struct binding *user_binding(const struct user *user);
int  user_bind(struct user *user, const char *uri, uint32_t expires,
	       bool third);
void user_unbind(struct user *user, const char *uri);


/*
 * auth.c: digest
 */

enum auth {
	AUTH_OK,
	AUTH_NONE,           /**< no credentials for our realm              */
	AUTH_STALE,          /**< good, but the nonce is too old            */
	AUTH_WRONG,          /**< wrong user or password                    */
};

enum auth auth_check(struct user **up, const struct pf *pf,
		     const struct sip_msg *msg, enum sip_hdrid id);
int auth_challenge(const struct pf *pf, const struct sip_msg *msg,
		   uint16_t scode, bool stale);


/*
 * registrar.c, page.c: REGISTER and MESSAGE
 */

void registrar_recv(struct pf *pf, const struct sip_msg *msg);
void page_recv(struct pf *pf, const struct sip_msg *msg);
bool sender_check(struct pf *pf, const struct sip_msg *msg);


/*
 * announce.c: what waits to be fetched
 */

enum ann_how { ANN_MESSAGE, ANN_NOTIFY };

enum ann_list {
	ANN_NONE,            /**< no body                                   */
	ANN_TEXT,
	ANN_SUMMARY,         /**< RFC 3842                                  */
	ANN_XML,             /**< a list of all                             */
	ANN_NEWS,            /**< of what came since the last one           */
};

struct ann_args {
	enum ann_how how;
	enum ann_list list;
};

int  announce_args(struct ann_args *args, const struct pl *val);
int  announce_news(struct user *user);


/*
 * notice.c: notifications for users of ours
 */

enum notices {
	NOTICES_OFF,         /**< collected only                            */
	NOTICES_APART,       /**< kept, and sent in sessions of their own   */
	NOTICES_MIXED,       /**< kept, and sent among the messages         */
};

int  notice_args(enum notices *np, const struct pl *val);
void notice_hand(struct pf *pf, const struct notice *notice,
		 const struct cpim *cpim, const char *conv,
		 const char *contrib);


/*
 * sdp.c: offer and answer
 */

struct answer {
	char *path;          /**< all URIs                                  */
	char *fp;            /**< a=fingerprint, NULL: none                 */
	bool tls;            /**< TCP/TLS/MSRP                              */
	struct sa addr;      /**< where the path leads                      */
	char setup[16];
	char dir[16];
	bool cpim;           /**< message/cpim is acceptable                */
};

int sdp_offer_print(struct mbuf *mb, const struct session *sess);
int sdp_answer_decode(struct answer *ans, const struct pl *sdp,
		      const char **why);


/*
 * secure.c: MSRP over TLS
 */

int  secure_open(struct pf *pf);
int  secure_start(struct tls_conn **scp, struct pf *pf, struct tcp_conn *tc);
int  secure_print(struct mbuf *mb, const struct pf *pf);
bool secure_wanted(const struct pf *pf);
bool secure_check(const struct tls_conn *sc, const struct session *sess);


/*
 * frame.c, msrp.c: framing and connections
 */

/** A whole request or response. Views. */
struct frame {
	struct pl tid;
	struct pl met;       /**< request                                   */
	uint32_t code;       /**< response                                  */
	struct pl to;
	struct pl from;
	struct pl mid;
	struct pl range;
	struct pl status;
	struct pl ctype;
	struct pl freport;   /**< Failure-Report                            */
	struct pl sreport;   /**< Success-Report                            */
	struct pl use;       /**< Use-Path                                  */
	struct pl chall;     /**< WWW-Authenticate                          */
	struct pl body;
	char flag;
};

int  frame_decode(struct frame *f, const struct pl *pl, size_t *usedp);
int  frame_head(struct frame *f, const struct pl *pl, size_t *usedp);

int  msrp_listen(struct pf *pf);
int  conn_open(struct session *sess, const struct sa *addr, struct tls *tls);
void conn_bind(struct session *sess);
void conn_printf(struct conn *conn, const char *fmt, ...);
void conn_wake(struct conn *conn);


/*
 * sender.c: messages to chunks, answers to results
 */

struct sender {
	struct list outl;    /**< messages on their way, oldest first       */
	struct list donel;   /**< messages answered lately                  */
	struct list chunkl;  /**< chunks without answer, oldest first       */
	struct kept *next;   /**< to be sent next, if that is decided       */
	uint32_t copy;       /**< of next: 0 for the first time             */
	struct tmr tmr;      /**< FAULT_DELAY                               */
	bool rested;         /**< that is over                              */
	uint64_t last;       /**< latest message begun                      */
	uint32_t begun;      /**< messages begun, without copies            */
	uint32_t turn;       /**< FAULT_INTERLEAVE                          */
	uint32_t lost;       /**< FAULT_LOSE: answers not read              */
	uint32_t delivered;  /**< messages removed                          */
};

int  sender_fill(struct session *sess, struct mbuf *mb);
void sender_answer(struct session *sess, const struct frame *f);
void sender_report(struct session *sess, const struct frame *f);
void sender_flush(struct session *sess);


/*
 * session.c, dialog.c: one delivery
 */

enum sess_state {
	SESS_AUTH,           /**< our relay has not told a path yet         */
	SESS_INVITING,       /**< no final answer yet                       */
	SESS_ANSWERED,       /**< 200 came; MSRP is not bound yet           */
	SESS_BOUND,          /**< messages may flow                         */
	SESS_DRAINING,       /**< the client said BYE; answers to what we
				  sent may still be on the way             */
	SESS_LEAVING,        /**< our BYE waits for its answer              */
	SESS_ENDED,          /**< only the last event is to come            */
};

enum by { BY_PF, BY_CLIENT, BY_ERROR };

struct session {
	struct le le;
	struct pf *pf;       /**< borrowed                                  */
	struct user *user;   /**< borrowed: owns us                         */
	enum sess_state state;
	char *target;        /**< Request-URI of the INVITE                 */
	enum way way;
	char *sender;
	char *party;         /**< the group, else the sender                */
	char *group;         /**< NULL: none                                */
	struct uas *uas;     /**< the client has begun it; NULL: we have    */
	struct pull *pull;   /**< and fetches                               */
	struct take *take;   /**< or sends, to the user that owns us        */
	char *conv;
	uint64_t first;      /**< the message that it began with            */
	bool many;           /**< of several conversations                  */
	bool single;         /**< there was no other message                */
	struct kept *inl;    /**< in the INVITE, until that is accepted     */
	char contrib[ID_SIZE];
	char *kept_contrib;  /**< the message has one already, or NULL      */
	char *reply;         /**< InReplyTo-Contribution-ID, or NULL        */
	char sid[24];
	char *path;          /**< our URI                                   */
	char *told;          /**< a=path if not that: relays before it      */
	char *route;         /**< relays of ours on the way, or NULL        */
	char *to;            /**< To-Path: these, and the client's path     */
	char *next;          /**< its first URI                             */
	bool relayed;        /**< there are relays on the way               */
	uint32_t auths;      /**< AUTH sent                                 */
	char setup[16];      /**< offered                                   */
	struct mbuf *offer;
	struct sip_dialog *dlg;
	struct sip_request *req;   /**< the INVITE                          */
	struct sip_request *mreq;  /**< re-INVITE or UPDATE                 */
	struct sip_request *breq;  /**< the BYE                             */
	bool reinvite;       /**< what mreq is                              */
	bool asked;          /**< mreq was commanded                        */
	bool canceled;
	bool confirmed;      /**< an ACK went out                           */
	uint32_t expires;    /**< session timer offered, seconds            */
	uint32_t interval;   /**< session timer agreed, 0: none             */
	bool refresher;      /**< that is us                                */
	struct answer ans;
	struct conn *conn;
	struct sender send;
	struct tmr tmr;      /**< deadline of the state                     */
	struct tmr tmr_sip;  /**< CANCEL, then the session timer            */
	struct tmr tmr_ack;  /**< FAULT_LATEACK                             */
	uint32_t cseq;       /**< of that ACK                               */
	enum by by;
	char reason[64];
	uint16_t scode;      /**< final answer to the INVITE                */
	bool ordinary;       /**< no delivery: what is sent comes by command,
				  or from the client                        */
	char dir[16];        /**< offered when ordinary                     */
	char *types;         /**< accept-types, likewise                    */
	char *wrapped;
	uint32_t refuse;     /**< what is said to us; 0: no                 */
	struct mbuf *said;   /**< frames by command, not written yet        */
	struct list saidl;   /**< those without answer                      */
};

/** An ordinary session */
struct chat_args {
	char *types;         /**< NULL: CPIM and isComposing                */
	char *wrapped;       /**< NULL: everything                          */
	uint32_t refuse;     /**< code for what the client says, 0: 200     */
};

int  session_alloc(struct session **sp, struct user *user);
int  session_start(struct user *user, const struct binding *bind,
		   const struct kept *first, const struct chat_args *chat);
void session_invite(struct session *sess);
void session_answered(struct session *sess, int err,
		      const struct sip_msg *msg);
void session_pulled(struct session *sess);
void session_acked(struct session *sess);
void session_rings(struct session *sess);
struct session *session_pull(const struct user *user);
void session_estab(struct session *sess);
void session_alive(struct session *sess);
void session_done(struct session *sess);
void session_lost(struct session *sess, int err);
void session_bye_recv(struct session *sess, const struct sip_msg *msg);
void session_end(struct session *sess, enum by by, const char *reason);
struct session *session_find(const struct pf *pf, const struct pl *path);

int  inline_print(struct mbuf *mb, const struct session *sess);
int  inline_set(struct session *sess, const struct kept *first);
int  inline_accepted(struct session *sess);
int  dialog_invite(struct session *sess);
int  dialog_answer_print(struct mbuf *mb, struct session *sess,
			 const struct sip_msg *msg);
void dialog_ack(struct session *sess, uint32_t cseq);
void dialog_bye(struct session *sess, sip_resp_h *resph);
int  dialog_modify(struct session *sess, bool reinvite, bool offer);
void dialog_timer(struct session *sess, const struct sip_msg *msg,
		  bool asked);
bool dialog_recv(struct pf *pf, const struct sip_msg *msg);
bool dialog_resp_recv(struct pf *pf, const struct sip_msg *msg);


/*
 * pull.c: the client fetches
 */

bool pull_is(const struct sip_msg *msg);
void pull_recv(struct pf *pf, const struct sip_msg *msg);
void pull_event(const struct session *sess, const struct sip_msg *msg,
		uint16_t code);
int  pull_next(struct kept **mp, const struct session *sess, uint64_t after);


/*
 * relay.c: relays, ours and the client's
 */

enum { RELAY_CHUNK = 8192 };  /**< at most: some lose larger ones           */

int  relay_init(struct pf *pf);
int  relay_open(struct session *sess);
void relay_auth(struct session *sess, const struct frame *f);
void relay_answer(struct session *sess, const struct frame *f);
int  relay_path(struct session *sess);
bool relay_from(const struct session *sess, const struct pl *from);


/*
 * chat.c: ordinary sessions
 */

int  chat_fill(struct session *sess, struct mbuf *mb);
bool chat_answer(struct session *sess, const struct frame *f);
uint32_t chat_recv(struct session *sess, const struct frame *f);


/*
 * pager.c: page mode
 */

int  pager_send(struct lane *lane, struct kept *m,
		const struct binding *bind);
void pager_moved(struct user *user, const char *uri);


/*
 * way.c: policies, and what has expired
 */

enum way way_find(const struct pl *pl);
const char *way_name(enum way way);
enum way way_of(const struct user *user, const struct kept *m);
enum way way_choose(const struct lane *lane, const struct kept *m);
uint64_t expire_at(uint64_t seconds);
int  expire_next(struct kept **mp, struct pf *pf, const struct pick *pick);
void expire_sweep(struct pf *pf);


/*
 * deliver.c: who gets what, and when
 */

/** A conversation in a round */
struct lane {
	struct le le;
	struct user *user;   /**< borrowed: owns us                         */
	char *party;         /**< group, else sender                        */
	char *conv;
	uint64_t last;       /**< messages up to here were tried            */
	uint32_t busy;       /**< MESSAGEs under way                        */
	bool held;           /**< a session is under way                    */
	bool stopped;        /**< declined in this round                    */
};

int  deliver_scope(struct session *sess);
int  deliver_next(struct kept **mp, struct session *sess, uint64_t after);
void deliver_paged(struct lane *lane, uint16_t scode, uint32_t after);
int  deliver_start(struct user *user);
void deliver_registered(struct user *user, const char *uri);
void deliver_kept(struct user *user);
void deliver_ended(struct session *sess);


/*
 * cmd.c: commands on standard input
 */

int  cmd_listen(struct pf *pf);
void cmd_close(struct pf *pf);


/*
 * main.c: options and the rest of the state
 */

struct options {
	const char *listen;
	const char *db;
	const char *domain;
	const char *core;
	const char *relay;
	const char *relay_user;
	const char *relay_pass;
	const char *cert;    /**< PEM file; NULL: self-signed               */
	const char *host;    /**< in our paths; NULL: the address           */
	enum way way;        /**< of those who have no policy               */
	uint32_t few;
	struct ann_args ann;
	enum notices notices;
	bool pass;           /**< notifications for those who are here      */
	char setup[16];
	uint32_t window;
	uint32_t chunk;
	bool noauth;
	bool network;        /**< what users send is handed on              */
	uint32_t patience;   /**< ms until who is here counts as absent     */
	bool tls;            /**< MSRP goes over it                         */
	bool verbose;
};

struct pf {
	struct options opt;
	struct faults faults;
	char *domain;        /**< as a URI has it                           */
	struct sip *sip;
	struct sip_lsnr *lsnr_req;
	struct sip_lsnr *lsnr_resp;
	struct sa laddr;     /**< SIP                                       */
	struct sa maddr;     /**< MSRP                                      */
	struct sa core;      /**< unset: no core                            */
	struct sa relay;     /**< unset: none of our own                    */
	bool relay_tls;
	struct tls *tls_relay;
	struct tcp_sock *ts;
	struct tls *tls;     /**< NULL: MSRP goes without                   */
	struct list connl;
	struct keep *keep;
	struct list userl;
	struct list sessl;   /**< running, of all users                     */
	struct list legl;    /**< requests handed on, without their answer  */
	struct mbuf *line;   /**< unfinished command                        */
	struct tmr tmr_expire;
	uint64_t secret;     /**< makes our nonces                          */
	uint32_t delivered;
	uint32_t sessions;
	uint32_t taken;      /**< messages of clients that were kept        */
	uint32_t proxied;    /**< requests handed on that had their answer  */
	uint32_t routed;     /**< requests within dialogs of users          */
	bool auto_on;
	bool quit;           /**< said before the main loop ran             */
};

bool pf_from_core(const struct pf *pf, const struct sip_msg *msg);

#endif
