/**
 * @file cpm.h  OMA CPM client for deferred messages: the engine
 *
 * OMA-TS-CPM_Conversation_Function 7.3.2, 7.3.12 and 5.4. Knows SIP through
 * libre; the softphone hands in what it needs (struct cpm_host) and drives
 * it. Runs without baresip. Everything is called on libre's main loop.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_H
#define CPM_H

#include <cpm_re.h>
#include <cpm_store.h>

#ifdef __cplusplus
extern "C" {
#endif

#define CPM_VERSION "0.5.0"

/** Limits, each with its reason */
enum {
	CPM_ID_MAX       = 256,   /**< octets of a Conversation-ID or
				       Contribution-ID: they are stored and
				       repeated in our requests            */
	CPM_URI_MAX      = 512,   /**< octets of a sender's URI: shown in each
				       list                                */
	CPM_NAME_MAX     = 256,   /**< octets of a display name, cut        */
	CPM_TYPE_MAX     = 256,   /**< octets of a Content-Type; parameters
				       over it go                          */
	CPM_FILENAME_MAX = 255,   /**< octets of a file's name, cut: what file
				       systems take                        */
	CPM_SESSION_MAX  = 16384, /**< that cpm_max_sessions may allow: some KiB
				       each while they live                */
	CPM_SESSIONS     = 768,   /**< cpm_max_sessions: libre polls 1,024
				       descriptors, and a quarter of them is
				       the softphone's                     */
	CPM_PEER_SESSIONS = 16,   /**< cpm_peer_sessions: some devices, each
				       with some conversations             */
	CPM_BUFFER_MAX   = 67108864, /**< octets in memory of messages being
				       received, all sessions together: over
				       it 413. A large one has 80 KiB there,
				       the rest is in its file             */
	CPM_WINDOW       = 16,    /**< notifications of an account on their
				       way at once, each to another sender */
	CPM_AUTH_MAX     = 2,     /**< challenges followed in one try       */
	CPM_MIN_SE       = 90,    /**< seconds, RFC 4028, 5                 */
	CPM_STORE_RETRY  = 5,     /**< seconds until a store that cannot be
				       opened is tried again: soon enough
				       for a person who repairs it         */
	CPM_RETRY_AFTER  = 30,    /**< seconds that a server is asked to wait
				       when it cannot be opened, or our
				       relay is not there                  */
	CPM_PROXIES      = 2,     /**< outbound proxies of an account: as many
				       as the softphone has                */
	CPM_ROOM_AFTER   = 300,   /**< the same when there is no room: a person
				       has to make some                    */
	CPM_PAGES        = 4096,  /**< page-mode messages that wait for the
				       disk at once: some commits. More are
				       answered 503                        */
	CPM_PAGE_AFTER   = 5,     /**< seconds that a server is asked to wait
				       when they are too many: the disk is
				       only slow                           */
	CPM_PAGE_LATE    = 60,    /**< seconds behind its sending after which a
				       page-mode message was kept on its way:
				       no transaction lasts so long, and
				       clocks differ by less               */
	CPM_CALL_WAIT    = 60,    /**< seconds that our INVITE waits for an
				       answer: servers answer at once, a
				       proxy may try some                  */
	CPM_CALLS        = 8,     /**< INVITEs of one session of ours:
				       redirections, and longer session
				       timers asked for                    */
	CPM_SE_MAX       = 86400, /**< seconds: a server that asks for a longer
				       session timer will not have one     */
	CPM_STRAYS       = 256,   /**< INVITEs of ours of which late and forked
				       answers are known and ended         */
	CPM_NOTICES      = 256,   /**< announcements that wait for the disk at
				       once; more are answered 503         */
	CPM_PULL_MAX     = 100,   /**< references in one pull: they go in an
				       INVITE, which UDP has to carry      */
	CPM_PAGE_LIMIT   = 1300,  /**< cpm_page_limit: octets of a text that
				       goes in a MESSAGE; RFC 3428, 8 has the
				       same figure for what UDP carries     */
	CPM_PAGE_MOST    = 6000,  /**< that cpm_page_limit may allow: over UDP
				       a MESSAGE, in which CPIM and headers
				       come too, must stay one datagram that
				       libre takes (8,192)                  */
	CPM_SEND_WAIT    = 3000,  /**< ms that a message to be sent waits for
				       the disk: a person sees a softphone
				       that hangs for longer                */
	CPM_CHAT_WINDOW  = 16,    /**< messages on their way at once on one
				       session                              */
	CPM_RELAY_WAIT   = 8,     /**< seconds that an INVITE waits for our
				       relay, then 480: well within the 32
				       that a server gives it              */
};

struct cpm;
struct tls;

/** What carries MSRP: cpm_msrp */
enum cpm_msrp {
	CPM_MSRP_AUTO = 0,  /**< offers of ours have TLS when SIP runs over it;
			         a peer's offer is taken with and without   */
	CPM_MSRP_TCP,       /**< offers of ours have none; likewise         */
	CPM_MSRP_TLS,       /**< TLS always: other offers are answered 488  */
};

/** From where requests of ours may come: cpm_trust */
enum cpm_trust {
	CPM_TRUST_PROXY = 0,  /**< from what the account registers with     */
	CPM_TRUST_ANY,        /**< from anywhere; but only from there is an
				   asserted identity believed               */
};

/** Local settings; see the configuration keys of the same name */
struct cpm_conf {
	const char *db;            /**< path of the database                */
	enum cpm_answer deferred;  /**< cpm_deferred                        */
	enum cpm_answer chat;      /**< cpm_chat: ordinary sessions that come;
				        CPM_ANSWER_DEFAULT: they are accepted */
	uint32_t ask_timeout;      /**< s, cpm_ask_timeout                  */
	bool delivery_imdn;        /**< cpm_delivery_imdn                   */
	bool display_imdn;         /**< cpm_display_imdn                    */
	struct sa listen;          /**< cpm_listen; unset: any address      */
	enum cpm_msrp msrp;        /**< cpm_msrp                            */
	enum cpm_trust trust;      /**< cpm_trust                           */
	struct tls *tls;           /**< shared; cpm_tls_cert and cpm_tls_cafile,
				        see msrp_tls_alloc(); NULL: no TLS  */
	bool tls_verify;           /**< there is a cpm_tls_cafile           */
	uint64_t max_size;         /**< octets, cpm_max_size                */
	struct cpm_limits limits;  /**< cpm_quota, cpm_disk_reserve         */
	uint32_t idle_timeout;     /**< s, cpm_idle_timeout                 */
	uint32_t stall_timeout;    /**< s, cpm_stall_timeout; 0: as MSRP has */
	uint32_t max_sessions;     /**< cpm_max_sessions; 0: CPM_SESSIONS.
				        More are answered 486               */
	uint32_t peer_sessions;    /**< cpm_peer_sessions, of one sender with
				        one account; 0: CPM_PEER_SESSIONS.
				        More are answered 486               */
	uint32_t page_limit;       /**< octets, cpm_page_limit: at most
				        CPM_PAGE_MOST; 0: nothing goes in page
				        mode by itself                      */
	uint32_t keep_days;        /**< cpm_keep_days; 0: for ever          */
	const char *deferred_uri;  /**< cpm_deferred_uri: SIP URI; NULL: the
				        account's own                       */
	bool auto_pull;            /**< cpm_auto_pull                       */
	const char *relay;         /**< cpm_relay: one or more MSRP URIs, from
					the inside outwards; NULL: none     */
	const char *relay_user;    /**< cpm_relay_user; NULL: that of the
					first account used, by authh        */
	const char *relay_pass;    /**< cpm_relay_pass, with it             */
};

/** An account of the softphone; strings are borrowed until it runs again */
struct cpm_account {
	const char *aor;           /**< sip:alice@example.net               */
	const char *cuser;         /**< user part of our Contact            */
	const char *outbound;      /**< URI of the outbound proxy, or NULL  */
	const char *proxyv[CPM_PROXIES]; /**< of all of them; NULL: not used */
	uint32_t regint;           /**< s, for which it registers           */
	bool registers;            /**< it is meant to be registered        */
	bool registered;
};
typedef void (cpm_client_h)(const struct cpm_account *acc, void *arg);

/** What happens, for the user's programs: bus.md, Events */
enum cpm_event_id {
	CPM_EV_MESSAGE,
	CPM_EV_SESSION,
	CPM_EV_IMDN,
	CPM_EV_ERROR,
	CPM_EV_EXPORT,
	CPM_EV_STORE,
	CPM_EV_COMPOSING,
	CPM_EV_DEFERRED,
	CPM_EV_STATUS,
	CPM_EV_PROGRESS,
};

/** Where a session stands, as the bus names it */
enum cpm_sess_state {
	CPM_SESS_ASKING = 0,  /**< the user is asked; 180 was sent         */
	CPM_SESS_ACCEPTED,    /**< 200 was sent; no ACK or no MSRP yet     */
	CPM_SESS_ESTABLISHED, /**< MSRP is bound                           */
	CPM_SESS_CLOSED,      /**< ended in order                          */
	CPM_SESS_DECLINED,    /**< refused by us, or never answered        */
	CPM_SESS_FAILED,      /**< no ACK, no MSRP, or timed out           */
	CPM_SESS_WAITING,     /**< accepted; 200 waits for our relay. Or
				   ours: the INVITE does                   */
	CPM_SESS_CALLING,     /**< ours: the INVITE was sent, no answer    */
};

/** One event; strings are borrowed while the handler runs */
struct cpm_event {
	enum cpm_event_id id;
	const char *account;           /**< AOR; NULL: none in particular  */
	union {
		struct {
			uint64_t conversation;
			uint64_t first;
			uint64_t last;
			uint32_t count;
			bool deferred;
		} message;
		struct {
			uint32_t session;
			enum cpm_sess_state state;
			uint64_t conversation; /**< 0: not known yet       */
			bool deferred;
			uint16_t code;         /**< SIP status, 0: none    */
			uint64_t messages;
			const char *reason;    /**< why the MSRP leg failed,
						    or what we asked for;
						    NULL: it did not       */
			bool refused;          /**< it is about that       */
		} session;
		struct {
			uint64_t id;           /**< of the message         */
			enum cpm_report status;
			bool sent;             /**< else refused for good  */
			uint16_t code;
		} imdn;
		struct {
			const char *what;      /**< fixed word             */
			const char *text;
		} error;
		struct {
			uint32_t number;
			bool done;             /**< else failed            */
			const char *path;      /**< as it was given        */
			uint64_t messages;
			uint64_t lost;         /**< without their body     */
			const char *text;      /**< NULL when done         */
		} exported;
		struct {
			enum cpm_store_state state;
		} store;
		struct {
			uint64_t conversation; /**< 0: none yet            */
			uint32_t session;
			bool active;           /**< else idle              */
		} composing;
		struct {
			uint64_t count;        /**< announced, not fetched */
		} deferred;
		struct {
			uint64_t id;           /**< of the message, ours   */
			enum cpm_out status;   /**< it has moved there     */
			uint16_t code;         /**< SIP status, 0: none    */
			const char *reason;    /**< why it failed; NULL    */
		} status;
		struct {
			uint64_t id;           /**< of the message, ours   */
			uint64_t sent;         /**< octets of its body     */
			uint64_t size;
		} progress;
	} u;
};

/** What the engine needs of the softphone. Handlers are mandatory, but for
    dnsch and eachh. */
struct cpm_host {
	struct sip *sip;               /**< borrowed                        */
	struct sipsess_sock *sock;     /**< borrowed                        */
	/** The account that a request is for; false: none */
	bool (*findh)(struct cpm_account *acc, const struct sip_msg *msg,
		      void *arg);
	/** The account with this AOR; false: gone */
	bool (*accounth)(struct cpm_account *acc, const char *aor, void *arg);
	/** Its credentials; both given */
	int (*authh)(char **user, char **pass, const char *realm,
		     const char *aor, void *arg);
	/** The user does not want to be disturbed now */
	bool (*dndh)(void *arg);
	void (*eventh)(const struct cpm_event *ev, void *arg);
	/** Whom to ask for the address of a name, borrowed; optional, as what
	    it returns */
	struct dnsc *(*dnsch)(void *arg);
	/** Each account that there is; optional: their servers' names are then
	    asked for at the start, not when the first request comes */
	void (*eachh)(cpm_client_h *h, void *harg, void *arg);
	void *arg;
};

/**
 * Open the store and begin. If the store cannot be opened now it is tried
 * again each CPM_STORE_RETRY seconds. Until then deliveries are refused with
 * 480, so that the server keeps the messages, and what needs the store
 * returns EAGAIN.
 *
 * @param errp If it fails: one line for the user, or NULL; mem_deref() it
 *
 * @return 0; ENOENT, ENOTDIR, EISDIR, ELOOP, ENAMETOOLONG: the path of the
 *         database is wrong; EBADMSG: relay is none; ENOTSUP: it is msrps, and
 *         there is no TLS; EINVAL; ENOMEM
 */
int cpm_alloc(struct cpm **cpmp, const struct cpm_conf *conf,
	      const struct cpm_host *host, char **errp);

/** The softphone is going down, or this account of it (AOR; NULL: all):
    sessions end with BYE, notifications wait for the next start. SIP is not
    used for it after this call. */
void cpm_shutdown(struct cpm *cpm, const char *aor);

/** End: commit what is queued, free. Uses no SIP. Sets *cpmp to NULL. */
void cpm_close(struct cpm **cpmp);

/** A SIP request has come; called before the softphone's own handlers.
    @return true if it was ours: it is answered or will be */
bool cpm_request(struct cpm *cpm, const struct sip_msg *msg);

/** A SIP response has come; called before libre itself looks at it, so that
    cpm_registered() may know where it came from (RFC 3325, 8) */
void cpm_response(struct cpm *cpm, const struct sip_msg *msg);

/** An account has registered: what waited for that may go now. To be called
    while the response that says so is being handled. */
void cpm_registered(struct cpm *cpm, const char *aor);

/** The store, for reading. Borrowed. */
struct cpm_store *cpm_reader(const struct cpm *cpm);

/** One session, borrowed while the handler runs */
struct cpm_sess_info {
	uint32_t session;
	const char *account;
	const char *peer;
	bool incoming;
	bool deferred;
	enum cpm_sess_state state;
	const char *transport;         /**< "tcp" or "tls"                  */
	uint64_t messages;
	uint64_t bytes;
};
typedef void (cpm_sess_h)(const struct cpm_sess_info *info, void *arg);

void cpm_sessions(const struct cpm *cpm, cpm_sess_h *h, void *arg);

/** Answer a session that asks. @return 0; ENOENT: no such session; EPROTO:
    it does not ask (any more); errno */
int cpm_accept(struct cpm *cpm, uint32_t session);
int cpm_decline(struct cpm *cpm, uint32_t session);

/** End a session with BYE (480 while it asks). @return 0; ENOENT */
int cpm_sess_close(struct cpm *cpm, uint32_t session);

/** What became of it */
enum cpm_composed {
	CPM_COMPOSED_SENT = 0, /**< said to the other side                  */
	CPM_COMPOSED_KNOWN,    /**< nothing new for it, or not yet          */
	CPM_COMPOSED_NOT_TAKEN,/**< it takes no such messages               */
	CPM_COMPOSED_HELD,     /**< the session only receives now           */
};

/**
 * The user writes a message, or has stopped (RFC 3994). To be called again
 * while he writes: 15 s after the last time the other side is told that he
 * has stopped, and each 60 s that he goes on.
 *
 * @param conv Conversation, of which an ordinary session is open
 *
 * @return 0; ENOENT: no such conversation; ENOTCONN: no session of it is
 *         open; EPROTO: only a delivery is, on which nothing is sent;
 *         EAGAIN: the store is not ready; EINVAL; ENOMEM; those of
 *         msrp_send()
 */
int cpm_composing(struct cpm *cpm, uint64_t conv, bool active,
		  enum cpm_composed *donep);

/** Name of a state as the bus has it: "asking" */
const char *cpm_sess_state_name(enum cpm_sess_state state);

/** What the server has announced for an account (NULL: all) and was neither
    fetched nor has expired, oldest first. Reference "all": there is something,
    and no more is known. @return 0; those of reading the store */
int cpm_deferred(const struct cpm *cpm, const char *account,
		 cpm_announced_h *h, void *arg);

/**
 * Fetch announced messages: an INVITE to the server, which sends them over
 * MSRP and ends the session (wire.md 5 and 13.8).
 *
 * @param refv    References of cpm_deferred()
 * @param refc    At most CPM_PULL_MAX; 0: all, also those not announced
 * @param session Filled: of this pull, or with EALREADY of the one that runs
 * @param bad     Filled with ENOENT: which of refv; may be NULL
 *
 * @return 0: events tell the rest; ENOTCONN: there is no such account, or it
 *         is not registered; ENOENT: a reference that was not announced, or
 *         not any more; EALREADY: a pull of this account runs; EBUSY: no more
 *         sessions; EOVERFLOW: over CPM_PULL_MAX; EAGAIN: the store is not
 *         ready; those of call_start()
 */
int cpm_pull(struct cpm *cpm, const char *account, const char *const *refv,
	     size_t refc, uint32_t *session, size_t *bad);

/** Mark as read, and let the display notifications go that are asked for and
    allowed. @param count messages that were unread. @return 0; ENOENT if one
    of them is unknown (nothing is done); errno */
int cpm_display(struct cpm *cpm, const uint64_t *idv, size_t idc,
		uint64_t *count);
int cpm_display_conv(struct cpm *cpm, uint64_t conv, uint64_t *count);

/** Send one notification by hand. @return 0; ENOENT: no such message;
    EINVAL: its sender did not ask for this one; EALREADY: it is due, sent or
    failed already; errno */
int cpm_imdn(struct cpm *cpm, uint64_t msg, enum cpm_report kind);

/** How a message is to go */
enum cpm_send_mode {
	CPM_SEND_AUTO = 0,  /**< a file in large mode; an answer in a session
			         of its own; a text up to cpm_page_limit in a
			         MESSAGE; else over the conversation's open
			         session, or a new one                      */
	CPM_SEND_PAGE,
	CPM_SEND_LARGE,
	CPM_SEND_SESSION,
};

/** What is to be sent. Borrowed. Exactly one of to, conversation and reply_to,
    and exactly one of body and file */
struct cpm_send {
	const char *account;       /**< AOR; NULL: that of conversation or
				        reply_to. Mandatory with to         */
	const char *to;            /**< URI, as cpm_uri_norm() takes it     */
	uint64_t conversation;     /**< 0: none                             */
	uint64_t reply_to;         /**< id of a message, ours or not; 0     */
	struct mbuf *body;         /**< from pos on                         */
	const char *file;          /**< absolute path of a regular file, which
				        is read where it lies until it was
				        sent                                */
	const char *type;          /**< Content-Type; NULL: text/plain, and the
				        body is UTF-8                       */
	enum cpm_send_mode mode;
};

/**
 * Send a message (OMA CPM 7.3.1.1, 7.2.1; wire.md 7 and 13.9). It is committed
 * when this returns 0, and then goes as soon as it can, also after a restart;
 * events `status` tell what became of it. Waits for the commit, at most
 * CPM_SEND_WAIT ms.
 *
 * @param idp  Filled with the message's id
 * @param whyp If it fails: one line for the person, constant, or NULL
 *
 * @return 0; ENOENT: no such conversation, message or file; EINVAL: no URI,
 *         nothing to send, not one way to say to whom, no type, no UTF-8;
 *         ENOTSUP: a group; EMSGSIZE: over cpm_page_limit with PAGE, or over
 *         cpm_max_size; EACCES, EISDIR, of the file; ENOTCONN: no such
 *         account; EAGAIN: the store is not ready; ETIMEDOUT: the disk did not
 *         take it in time, and it will not be sent; EDQUOT; ENOSPC; EIO;
 *         ENOMEM
 */
int cpm_send(struct cpm *cpm, const struct cpm_send *snd, uint64_t *idp,
	     const char **whyp);

/** Send it no more: it is FAILED then, for the reason "canceled". What has been
    taken by the other side cannot be called back.
    @return 0; ENOENT: no such message; EINVAL: it is not ours to send;
    EALREADY: it has left, or failed; EAGAIN; ENOMEM */
int cpm_cancel(struct cpm *cpm, uint64_t id);

/** Delete. One that is still to be sent is not sent any more.
    @param count messages deleted. @return 0; ENOENT; errno */
int cpm_delete(struct cpm *cpm, uint64_t msg, uint64_t conv,
	       uint64_t *count);

/**
 * Write messages to a file, one JSON object a line, with the whole text;
 * bodies that are no text go to files in a folder PATH.files. It is done
 * aside; an event tells its end. What is there by these names then is whole;
 * until then it grows as PATH.part-XXXXXX, which is removed if it fails.
 *
 * @param path   Absolute, UTF-8 without control characters; mode 0600
 * @param conv   Conversation, 0: all
 * @param number Of this export, for its event
 *
 * @return 0; EINVAL: path is none; EEXIST: it, or PATH.files, is there;
 *         ENOTDIR: the folder that is to hold it is not; ENOENT: no such
 *         conversation; EBUSY: one is running; errno of looking at path;
 *         ENOMEM; EIO
 */
int cpm_export(struct cpm *cpm, const char *path, uint64_t conv,
	       uint32_t *number);

/** Names as the bus has them: "session", "due" */
const char *cpm_mode_name(enum cpm_mode mode);
const char *cpm_report_name(enum cpm_report_state state);
const char *cpm_out_name(enum cpm_out status);

/** The policy in force for an account and a sender (NULL or "": any) */
struct cpm_policy {
	enum cpm_answer deferred;      /**< never DEFAULT                   */
	enum cpm_answer chat;          /**< likewise                        */
	bool delivery_imdn;
	bool display_imdn;
};
/** @return 0; EINVAL; ENOMEM */
int cpm_policy_get(const struct cpm *cpm, const char *aor,
		   const char *peer, struct cpm_policy *pol);

/** Change what row says; members that are NULL stay as they are.
    @return 0; EINVAL: peer is no URI; ENOMEM */
struct cpm_policy_change {
	const char *account;           /**< NULL or "": every account       */
	const char *peer;              /**< NULL or "": every sender        */
	const enum cpm_answer *deferred;
	const enum cpm_answer *chat;
	const enum cpm_tri *delivery_imdn;
	const enum cpm_tri *display_imdn;
};
int cpm_policy_set(struct cpm *cpm, const struct cpm_policy_change *chg);

/** Counted now */
struct cpm_status {
	uint32_t sessions;
	struct cpm_store_info store;
	struct cpm_counts counts;      /**< while the store is READY        */
	struct {
		const char *uri;       /**< NULL: none is configured        */
		const char *state;     /**< "up", "connecting" or "down"    */
		const char *text;      /**< why it is down, or NULL         */
		bool up;
	} relay;                       /**< borrowed                        */
};

/** Name of a state as the bus has it: "locked" */
const char *cpm_store_state_name(enum cpm_store_state state);
int cpm_status(const struct cpm *cpm, struct cpm_status *status);

/*
 * Text that goes out to the user's programs
 */

/** Append valid UTF-8 without control characters but newline and tab: each
    octet that is no UTF-8 becomes U+FFFD, CR LF becomes newline, other
    controls (C0, C1, DEL) and U+2028/2029 go. @return 0; ENOMEM */
int cpm_text_clean(struct mbuf *mb, const uint8_t *buf, size_t len);

/** Octets of buf up to the first that is no UTF-8 (RFC 3629), or len */
size_t cpm_text_valid(const uint8_t *buf, size_t len);

/**
 * A name that a stranger gave to a file, fit to be shown and to be proposed as
 * the name of a file: what is behind the last slash or backslash, valid UTF-8
 * without control, bidirectional or invisible characters and without dots in
 * front; what file systems do not take becomes "_". The end of a long name is
 * cut, but not its extension. No memory is taken.
 *
 * @param buf Room for CPM_FILENAME_MAX octets and the end of the string; "" if
 *            nothing is left
 */
void cpm_filename(char *buf, const char *str);

/** Longest prefix of at most max octets that does not end inside a
    character */
size_t cpm_text_cut(const uint8_t *buf, size_t len, size_t max);

/**
 * A URI in the form in which it is kept and compared: scheme and host in
 * lower case, no parameters or headers, no default port.
 *
 * @param strp mem_deref() it
 *
 * @return 0; EBADMSG if it is no sip, sips or tel URI; EINVAL; ENOMEM
 */
int cpm_uri_norm(char **strp, const struct pl *uri);

/**
 * Parameters of the Contact of a REGISTER that says what we do: those that are
 * there, +sip.instance if it is not among them (RFC 5626), and the services
 * session, msg, largemsg and deferred in one +g.3gpp.icsi-ref, behind those
 * that it has already (RFC 3840, 3GPP TS 24.229).
 *
 * @param mb     Appended to
 * @param params ";expires=600;q=1", or empty
 * @param uuid   Names this softphone: 36 octets
 *
 * @return 0; EINVAL; ENOMEM
 */
int cpm_contact_params(struct mbuf *mb, const struct pl *params,
		       const char *uuid);

#ifdef __cplusplus
}
#endif
#endif
