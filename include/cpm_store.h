/**
 * @file cpm_store.h  What is kept: messages, conversations, notifications
 *
 * Writing is asynchronous: a thread takes all that is queued, commits once
 * (group commit) and reports each result on the thread of libre's main loop.
 * Reading is synchronous, on a connection of its own that sees the last
 * commit. Nothing here may be called from another thread than the main loop's.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_STORE_H
#define CPM_STORE_H

#include <cpm_re.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CPM_SPOOL_MIN = 65536,  /**< larger bodies, and those that are not
				     text, are files beside the database   */
	CPM_PREVIEW   = 2048,   /**< octets of a text that come with its
				     message                               */
	CPM_SWEEP_MAX = 200,    /**< messages in one sweep: what arrives waits
				     no longer than for their deletion     */
	CPM_BODY_OPEN = 128,    /**< large bodies that arrive at once: each
				     has a file open                       */
	CPM_BODY_QUEUE = 1048576, /**< octets of them that wait for the disk:
				     more, and cpm_body_full() says so     */
	CPM_FILTER_MORE = 1024, /**< octets that a filter may hold back     */
	CPM_ANNOUNCED_MAX = 1000, /**< announced messages kept of an account:
				     each is shown in one list; the oldest
				     go                                    */
};

/** Writes in one commit: bounds the time until the first of them is reported.
    1 makes each its own commit: make bench compares with that. */
#ifndef CPM_BATCH_MAX
#define CPM_BATCH_MAX 1024
#endif

struct cpm_store;
struct cpm_body;
struct stat;

enum cpm_dir  { CPM_IN = 0, CPM_OUT = 1 };
enum cpm_kind { CPM_CHAT = 0, CPM_GROUP = 1 };
enum cpm_mode { CPM_PAGE = 0, CPM_LARGE = 1, CPM_SESSION = 2 };

/** The two notifications (RFC 5438) that a client sends */
enum cpm_report { CPM_DELIVERED = 0, CPM_DISPLAYED = 1 };

/** Where a notification of ours stands */
enum cpm_report_state {
	CPM_REPORT_NONE = 0,    /**< not due: not asked for or not allowed  */
	CPM_REPORT_DUE,         /**< to be sent, or being sent              */
	CPM_REPORT_SENT,        /**< answered 2xx                           */
	CPM_REPORT_FAILED,      /**< refused for good                       */
};

/** Where a message of ours stands. A move goes down this list, never up; but
    who was told that it failed may learn that it arrived all the same */
enum cpm_out {
	CPM_OUT_NONE = 0,       /**< it is an incoming one                  */
	CPM_OUT_QUEUED,         /**< to be sent                             */
	CPM_OUT_SENDING,        /**< on its way, no final answer yet        */
	CPM_OUT_SENT,           /**< the network took it                    */
	CPM_OUT_DELIVERED,      /**< its recipient's client says so         */
	CPM_OUT_DISPLAYED,      /**< likewise                               */
	CPM_OUT_FAILED,         /**< it was refused, or not delivered       */
};

/** Local settings for one account and sender; empty means every one */
enum cpm_answer {
	CPM_ANSWER_DEFAULT = 0, /**< as the next wider policy says          */
	CPM_ANSWER_ACCEPT,
	CPM_ANSWER_DECLINE,
	CPM_ANSWER_ASK,
};

/** Yes, no, or as the next wider policy says */
enum cpm_tri { CPM_TRI_DEFAULT = 0, CPM_TRI_YES, CPM_TRI_NO };

/**
 * A message. As input of cpm_store_put() the fields marked (in) count; the
 * store hands out all of them. In a record made by cpm_msg_alloc() strings
 * are owned by it; in a record handed to a read handler they are borrowed
 * and die when the handler returns. NULL: absent.
 */
struct cpm_msg {
	uint64_t id;            /**< grows, never used again                */
	uint64_t conversation;
	char *account;          /**< (in) AOR                               */
	enum cpm_dir direction; /**< (in)                                   */
	enum cpm_kind kind;     /**< (in) of the conversation               */
	char *key;              /**< (in) of the conversation: its
				     Conversation-ID, or a local one       */
	char *peer;             /**< (in) URI of the other side; NULL if
				     unknown: no notification then         */
	char *name;             /**< (in) display name of the sender        */
	char *group;            /**< (in) URI of the group: the peer of its
				     conversation; NULL when read           */
	char *group_name;       /**< (in) its display name; likewise        */
	char *msgkey;           /**< (in) unique with account and peer (for a
				     group: with the conversation): imdn.
				     Message-ID or a local one. Of an
				     outgoing one: "out:" and its imdn.
				     Message-ID, so that a message to
				     oneself arrives                       */
	char *imdn_id;          /**< (in) imdn.Message-ID                   */
	char *conversation_id;  /**< (in)                                   */
	char *contribution_id;  /**< (in)                                   */
	char *in_reply_to;      /**< (in) InReplyTo-Contribution-ID         */
	char *datetime;         /**< (in) CPIM DateTime as written          */
	char *route;            /**< (in) IMDN-Record-Route values, one a
				     line                                  */
	uint64_t time;          /**< (in) sent, ms since 1970               */
	uint64_t received;      /**< (in) ms since 1970                     */
	bool deferred;          /**< (in)                                   */
	enum cpm_mode mode;     /**< (in) of one of ours: how it went last  */
	char *type;             /**< (in) Content-Type of the body          */
	unsigned notify;        /**< (in) what was asked: enum cpim_notify  */
	bool text;              /**< (in) body is UTF-8 text                */
	char *filename;         /**< (in) of a body that is a file: as its
				     sender calls it, made safe            */
	enum cpm_out status;    /**< (in) of an outgoing one; put with NONE
				     it is SENT                            */
	uint16_t code;          /**< (in) SIP status with that; 0: none     */
	char *reason;           /**< (in) why it failed; NULL: not known    */
	uint8_t wish;           /**< (in) of an outgoing one: how it is to go,
				     a number that the store only keeps    */
	bool fixed;             /**< (in) likewise: it goes only over a
				     session begun for in_reply_to         */
	uint32_t tries;         /**< likewise: failed so far                */
	char *source;           /**< (in) of an outgoing one: absolute path of
				     the user's file that is its body,
				     instead of one. It is read where it
				     lies, never written, moved nor removed,
				     and takes no room of the quota        */
	uint64_t source_mtime;  /**< (in) when that was last changed, ms since
				     1970: a file with another time or size
				     is another one, and missing           */
	uint64_t size;          /**< octets of the body; (in) with source   */
	bool read;
	char *file;             /**< path of the stored body, if one, or the
				     source                                */
	bool missing;           /**< there is no such file, or it has been
				     cut short                             */
	enum cpm_report_state report[2];  /**< (in) by enum cpm_report: NONE
					       or DUE when put             */
	struct mbuf *body;      /**< (in) shared; NULL when read: see
				     cpm_store_body()                      */
	struct pl text_whole;   /**< the body if it is a text of at most
				     CPM_PREVIEW octets, else unset        */
	struct cpm_body *large; /**< (in) shared: instead of body; NULL when
				     read                                  */
};

/** @return 0; EINVAL; ENOMEM */
int cpm_msg_alloc(struct cpm_msg **msgp);

/** As source_mtime has it: ms since 1970; what was changed before is of 1970 */
uint64_t cpm_source_mtime(const struct stat *st);

/**
 * Open a file of the user's for reading. Nothing else than a regular file is
 * opened at all: a device may do something then.
 *
 * @param fdp close() it
 * @param st  Filled; also if it is another kind of file
 *
 * @return 0; EISDIR; EINVAL: another kind of file; errno of looking at it
 */
int cpm_source_open(int *fdp, struct stat *st, const char *path);

/** A conversation, borrowed while the handler runs */
struct cpm_conv {
	uint64_t id;
	const char *account;
	enum cpm_kind kind;
	const char *peer;
	const char *name;
	const char *conversation_id;
	uint64_t messages;
	uint64_t unread;
	uint64_t last_id;       /**< 0: no message left                     */
	uint64_t last_time;     /**< ms since 1970                          */
	const char *last_text;  /**< at most 2,048 octets, cut at a
				     character; NULL if it is no text      */
};

/** A notification that is due, borrowed while the handler runs */
struct cpm_due {
	uint64_t id;            /**< of the report                          */
	uint64_t msg;
	enum cpm_report kind;
	char *imdn_id;          /**< its own imdn.Message-ID, the same at
				     each try                              */
	uint32_t tries;         /**< failed so far                          */
	uint64_t sender;        /**< account and peer as a number           */
	char *account;
	char *peer;
	char *orig_id;          /**< imdn.Message-ID of the message         */
	char *datetime;         /**< of the message                         */
	char *route;            /**< IMDN-Record-Route of the message       */
	char *conversation_id;
	char *contribution_id;
};

/** A message that the server has announced, to be fetched. Borrowed while a
    handler runs. Strings that are not known are NULL. */
struct cpm_announced {
	uint64_t id;            /**< in the order in which they were
				     announced; not used when put          */
	char *account;          /**< not used when put                      */
	char *reference;        /**< what the server calls it; mandatory    */
	char *from;             /**< URI                                    */
	char *subject;
	uint64_t size;          /**< octets, 0: not known                   */
	uint64_t time;          /**< sent, ms since 1970; 0: not known      */
	uint64_t expires;       /**< ms since 1970; 0: not known            */
	enum cpm_mode mode;
};

/** What became of a message that was put */
struct cpm_put_result {
	uint64_t id;
	uint64_t conversation;
	bool duplicate;         /**< known before; nothing was changed      */
	bool opened;            /**< its conversation is new                */
};

/** Result of one write. @param err 0; ENOSPC; EDQUOT: the account is to have
    no more (cpm_store_limit()); EIO; EROFS; EBUSY: another
    program holds the database; EBADMSG: it is damaged, and another one is
    begun; EACCES; ENOMEM; ENOENT: the row was not there, or had already
    moved */
typedef void (cpm_put_h)(int err, const struct cpm_put_result *res,
			 void *arg);
typedef void (cpm_done_h)(int err, void *arg);

/** After the results of one commit were handed out */
typedef void (cpm_batch_h)(void *arg);

/** The store cannot work, or has begun a new database in the place of a
    damaged one. The same word comes at most once a minute, unless it is news.
    @param what fixed word, see README.md, Events; @param text one line */
typedef void (cpm_fault_h)(const char *what, const char *text, void *arg);

/** Where the store stands */
enum cpm_store_state {
	CPM_STORE_READY = 0,
	CPM_STORE_CLOSED,       /**< not opened yet                         */
	CPM_STORE_LOCKED,       /**< another process has it                 */
	CPM_STORE_READONLY,     /**< no right to write there                */
	CPM_STORE_FULL,         /**< no room                                */
	CPM_STORE_NEWER,        /**< its schema is newer than known         */
	CPM_STORE_FOREIGN,      /**< the file is not a store; not touched   */
	CPM_STORE_CORRUPT,      /**< damaged, and cannot be set aside       */
	CPM_STORE_UNREADABLE,   /**< anything else                          */
};

/**
 * Make a store that is not open yet: each call for it gives EAGAIN.
 *
 * @param stp  Pointer to the store; close it with cpm_store_close()
 * @param path Database file
 *
 * @return 0; EINVAL; ENOMEM
 */
int cpm_store_alloc(struct cpm_store **stp, const char *path,
		    cpm_batch_h *bh, cpm_fault_h *fh, void *arg);

/**
 * Open, create or migrate the database. The folder is made with mode 0700,
 * files with 0600. After a failure, which the fault handler is told as well,
 * it may be called again at any time. A store that is open may come to stop
 * by itself (see cpm_store_info()) and is started again by this.
 *
 * A damaged database is set aside under another name, never overwritten, and
 * a new one begun; the fault handler is told where ("store-corrupt").
 *
 * @return 0, also if it is open; EACCES; EROFS; ENOSPC; EBUSY: another
 *         process has it; EMEDIUMTYPE: it is another program's file;
 *         ENOTSUP: a schema newer than known; ENOENT or ENOTDIR: the folder
 *         that is to hold its folder; EISDIR; EIO; ENOMEM; EINVAL; ESHUTDOWN
 */
int cpm_store_start(struct cpm_store *st);

/** What there is to say about it; borrowed until the main loop goes on */
struct cpm_store_info {
	enum cpm_store_state state;
	const char *text;       /**< one line why it is not READY, or NULL  */
	const char *fault;      /**< a word of cpm_fault_h: why it is not
				     READY, or why the last commit failed;
				     or NULL                                */
	const char *lost;       /**< one line: a database was set aside in
				     this process; or NULL                  */
};
void cpm_store_info(const struct cpm_store *st, struct cpm_store_info *info);

/**
 * Both in one. There is no store if it fails.
 *
 * @param stp  Pointer to the store; close it with cpm_store_close()
 * @param path Database file
 * @param errp If it fails: one line for the user; mem_deref() it
 *
 * @return those of cpm_store_alloc() and cpm_store_start()
 */
int cpm_store_open(struct cpm_store **stp, const char *path,
		   cpm_batch_h *bh, cpm_fault_h *fh, void *arg, char **errp);

/** Commit what is queued, hand out every result, stop the thread, close.
    Sets *stp to NULL. */
void cpm_store_close(struct cpm_store **stp);

/** How much may be kept. Zero: no limit. */
struct cpm_limits {
	uint64_t quota;         /**< octets of bodies of one account        */
	uint64_t reserve;       /**< octets that stay free on the disk      */
};

/** Set limits. Before the first write. A message that would be over one is
    refused: EDQUOT, or ENOSPC; whatever else is written is not. */
void cpm_store_limit(struct cpm_store *st, const struct cpm_limits *lim);

/** Octets of bodies that an account has; 0 also while the store is not READY */
uint64_t cpm_store_octets(struct cpm_store *st, const char *account);

/** Is there room for so many octets more of an account? What is on its way is
    not counted. @return 0; EDQUOT; ENOSPC; EAGAIN; EINVAL */
int cpm_store_room(struct cpm_store *st, const char *account,
		   uint64_t octets);

/** Path of the database, absolute once it was found. Borrowed. */
const char *cpm_store_path(const struct cpm_store *st);

/*
 * Writing. Each call takes a reference to what it needs, queues, and returns
 * 0, EINVAL, ENOMEM, ESHUTDOWN, or EAGAIN while the store is not READY; the
 * handler, which may be NULL, is called exactly once if it returned 0.
 * Handlers run in the order of the calls, but for a message with a large body:
 * its file is finished first, and what was written meanwhile does not wait for
 * that. Handlers may write, read and close. The first call in the child of a
 * fork opens the database again.
 */

/** Keep a message; with it, in the same transaction, its conversation if it
    is new and the reports that are DUE (none without a peer and imdn_id).
    An outgoing one that is QUEUED is to be sent (cpm_queue.h): it
    needs a peer and an imdn_id, and is of a CHAT.
    The body is from its buffer's pos on. The message and the octets of its
    body must not change until the handler is called. A large body is used up
    if this returns 0. EPROTO: it was used up before. Also what
    cpm_body_write() returns. The handler may get, besides: EILSEQ: the
    filter of its large body did not take it */
int cpm_store_put(struct cpm_store *st, struct cpm_msg *msg, cpm_put_h *h,
		  void *arg);

/**
 * The same, and wait for the commit: the caller is blocked until then, but no
 * longer than ms milliseconds. What was queued before is written before. Any
 * handler may call this, also one that reads: the writer never waits for the
 * main loop. Results of other calls that come meanwhile are handed out later,
 * in order, as ever.
 *
 * What was given up is never in the queue of messages to be sent, and is kept
 * only if the very COMMIT was under way: then it is deleted again as soon as
 * that ends. One thing cannot be told apart afterwards: when the process dies,
 * or the disk fails for good, between the two, the message is there at the
 * next start, and is sent.
 *
 * @param resp Its result, if this returns 0; may be NULL
 *
 * @return 0; ETIMEDOUT: given up; those of cpm_store_put() and of its handler
 */
int cpm_store_put_wait(struct cpm_store *st, struct cpm_msg *msg, uint32_t ms,
		       struct cpm_put_result *resp);

/*
 * A large body goes to the disk as it comes, in any order, without the main
 * loop waiting for that. Until its message is put and committed the file has
 * no name that lasts: whoever lets go of the body, or of the store, or dies,
 * leaves nothing behind.
 */

/**
 * Begin a body.
 *
 * @param bodyp Pointer to the body; mem_deref() it
 * @param size  Octets that are to come, if known: ENOSPC comes early when
 *              there is no room for them. 0: not known
 *
 * @return 0; EMFILE over CPM_BODY_OPEN; ENOSPC; EINVAL; ENOMEM; ESHUTDOWN;
 *         see above
 */
int cpm_body_open(struct cpm_body **bodyp, struct cpm_store *st,
		  uint64_t size);

/**
 * Some of its octets, copied. Each offset once; all up to the last one have
 * to come before the message is put.
 *
 * @return 0; ENOSPC; EIO; EROFS; EACCES: of this or an earlier piece, and of
 *         every later one; EPROTO: it was put; ENOMEM; EINVAL; ESHUTDOWN
 */
int cpm_body_write(struct cpm_body *body, uint64_t off, const uint8_t *buf,
		   size_t len);

/**
 * Takes the next octets of a body, and gives what is to be kept of them: as
 * many at most, all in all, as it took. Called on a thread of the store's:
 * it must not use anything but its arguments, nor memory of libre's.
 *
 * @param out  Room for inl + CPM_FILTER_MORE octets
 * @param outl Octets given
 * @param end  There are no more
 *
 * @return 0, or the body is refused
 */
typedef int (cpm_filter_h)(uint8_t *out, size_t *outl, const uint8_t *in,
			   size_t inl, bool end, void *arg);

/** Before it is put: the body is what comes out of the filter (NULL: what
    was written), and begins at offset off. @param arg shared: mem_ref() */
void cpm_body_filter(struct cpm_body *body, uint64_t off, cpm_filter_h *h,
		     void *arg);

/** Do more than CPM_BODY_QUEUE octets wait for the disk? Then write no more
    than what is there already; the room handler is called when there are no
    more than half as many. */
bool cpm_body_full(struct cpm_store *st);

typedef void (cpm_room_h)(void *arg);
void cpm_store_set_room(struct cpm_store *st, cpm_room_h *h, void *arg);

/** Mark incoming messages as read and make the display reports due. ENOENT
    if none of them is an incoming message; to mark twice is no error.
    @param report true: also make the display report due where msg asked for
    it (CPIM_DISPLAY) and none was made */
int cpm_store_display(struct cpm_store *st, const uint64_t *idv, size_t idc,
		      bool report, cpm_done_h *h, void *arg);

/** The same for all unread messages of a conversation up to a message id.
    ENOENT if there is no such conversation */
int cpm_store_display_conv(struct cpm_store *st, uint64_t conv, uint64_t last,
			   bool report, cpm_done_h *h, void *arg);

/** Make one report due by hand. ENOENT if the message did not ask, has no
    sender, or the report is there already (any state). */
int cpm_store_report_add(struct cpm_store *st, uint64_t msg,
			 enum cpm_report kind, cpm_done_h *h, void *arg);

/** Move a report from DUE: to SENT or FAILED, or stay DUE with one more try.
    ENOENT if it is not DUE.
    @param next when its sender's turn comes again, ms since 1970 */
int cpm_store_report_move(struct cpm_store *st, uint64_t id,
			  enum cpm_report_state to, uint64_t next,
			  cpm_done_h *h, void *arg);

/** @param err 0; ENOENT: no outgoing message is meant; EALREADY: it has come as
    far, or further; those of any write
    @param id  Of the message, if err is 0 or EALREADY */
typedef void (cpm_status_h)(int err, uint64_t id, void *arg);

/**
 * Move an outgoing message on: see enum cpm_out.
 *
 * @param peer   Who says so, as cpm_uri_norm() has it: nobody is heard but the
 *               message's recipient, a member if it went to a group, anybody
 *               if it went nobody knows where. NULL: ourselves, or the server
 * @param id     Its imdn.Message-ID
 * @param code   SIP status, 0: none
 * @param reason Or NULL
 */
int cpm_store_status(struct cpm_store *st, const char *account,
		     const char *peer, const char *id, enum cpm_out to,
		     uint16_t code, const char *reason, cpm_status_h *h,
		     void *arg);

/**
 * Keep what the server announced. What was announced before with the same
 * reference is changed, not doubled; what has expired goes.
 *
 * @param v     NULL if c is 0
 * @param c     At most CPM_ANNOUNCED_MAX, else EOVERFLOW
 * @param whole That is all there is: whatever else of the account goes
 */
int cpm_store_announce(struct cpm_store *st, const char *account,
		       const struct cpm_announced *v, size_t c, bool whole,
		       cpm_done_h *h, void *arg);

/** Announced messages have come. ENOENT: none of them was announced
    @param refc 0: all of the account; else references in refv */
int cpm_store_fetched(struct cpm_store *st, const char *account,
		      const char *const *refv, size_t refc, cpm_done_h *h,
		      void *arg);

/** Delete one message (msg), or all of a conversation (conv). Their keys stay
    so that a repeat is still known; bodies and spool files go; reports that
    are due are still sent. ENOENT if there is nothing to delete. */
int cpm_store_delete(struct cpm_store *st, uint64_t msg, uint64_t conv,
		     cpm_done_h *h, void *arg);

/** Delete old messages, as cpm_store_delete() does: those received before a
    time, oldest first, at most CPM_SWEEP_MAX; incoming ones only if they were
    read, outgoing ones unless they are QUEUED or SENDING. ENOENT if there is
    none (left). @param before ms since 1970 */
int cpm_store_sweep(struct cpm_store *st, uint64_t before, cpm_done_h *h,
		    void *arg);

/** One line of policy; account and peer "" for every one. A line that is
    DEFAULT throughout is no longer kept. */
struct cpm_policy_row {
	const char *account;
	const char *peer;
	enum cpm_answer deferred;
	enum cpm_tri delivery_imdn;
	enum cpm_tri display_imdn;
	enum cpm_answer chat;
};
int cpm_store_policy_set(struct cpm_store *st,
			 const struct cpm_policy_row *row, cpm_done_h *h,
			 void *arg);

/*
 * Reading. A handler returns true to stop. All return 0, ENOENT, EIO,
 * EINVAL, ENOMEM, or EAGAIN while the store is not READY.
 */
typedef bool (cpm_conv_h)(const struct cpm_conv *conv, void *arg);
typedef bool (cpm_msg_h)(const struct cpm_msg *msg, void *arg);
typedef bool (cpm_due_h)(const struct cpm_due *due, void *arg);
typedef bool (cpm_policy_h)(const struct cpm_policy_row *row, void *arg);

/** Conversations with at least one message, newest last message first.
    @param account NULL: all
    @param before only those whose last message id is below it; 0: all */
int cpm_store_convs(struct cpm_store *st, const char *account,
		    uint64_t before, uint32_t limit, cpm_conv_h *h,
		    void *arg);

/** One conversation, also an empty one. ENOENT */
int cpm_store_conv(struct cpm_store *st, uint64_t id, cpm_conv_h *h,
		   void *arg);

/** Number of a conversation. ENOENT: nothing of it has been stored yet
    @param key As in cpm_msg.key */
int cpm_store_conv_find(struct cpm_store *st, const char *account,
			const char *key, uint64_t *idp);

/** Number of the CHAT with that peer in which something was kept last, of the
    hundred that began last.
    ENOENT: there is none
    @param peer As in cpm_msg.peer */
int cpm_store_conv_peer(struct cpm_store *st, const char *account,
			const char *peer, uint64_t *idp);

/** Which messages. Zero or NULL: no condition. */
struct cpm_query {
	uint64_t conversation;
	const char *peer;
	bool unread;            /**< incoming and not read                  */
	uint64_t after;         /**< id above                               */
	bool first;             /**< the first ones, also without after     */
	uint64_t before;        /**< id below                               */
	uint32_t limit;         /**< needed                                 */
};

/** With after or first: the first ones; else the last ones (before it).
    Handed out in order of (time, id). */
int cpm_store_msgs(struct cpm_store *st, const struct cpm_query *q,
		   cpm_msg_h *h, void *arg);

/** One message. ENOENT if unknown or deleted */
int cpm_store_msg(struct cpm_store *st, uint64_t id, cpm_msg_h *h,
		  void *arg);

/** Append len octets of a body from off on (fewer at its end) to mb.
    ENODATA if its file is missing or cut short, or its source has changed */
int cpm_store_body(struct cpm_store *st, uint64_t id, uint64_t off,
		   size_t len, struct mbuf *mb);

/*
 * Reports that are DUE. Those to one sender go one at a time, in the order in
 * which they became due, and while the first one waits for its next try, the
 * others wait behind it. A display report is not among them while the
 * delivery report of its message is DUE. No call walks through a backlog.
 */
typedef bool (cpm_account_h)(const char *account, void *arg);

/** Accounts with such a report. The AOR is borrowed. */
int cpm_store_due_accounts(struct cpm_store *st, cpm_account_h *h, void *arg);

/** The first report of each sender of an account whose time is from..to (ms
    since 1970; 0: at once), earliest time first */
int cpm_store_due(struct cpm_store *st, const char *account, uint64_t from,
		  uint64_t to, uint32_t limit, cpm_due_h *h, void *arg);

/** The earliest time of a sender of the account that is behind now
    @param nextp ms since 1970; 0: there is none */
int cpm_store_due_next(struct cpm_store *st, const char *account,
		       uint64_t now, uint64_t *nextp);

int cpm_store_policies(struct cpm_store *st, cpm_policy_h *h, void *arg);

typedef bool (cpm_announced_h)(const struct cpm_announced *ann, void *arg);

/** What is announced and has not been fetched, nor expired, oldest first
    @param account NULL: all. @param now ms since 1970 */
int cpm_store_announced(struct cpm_store *st, const char *account,
			uint64_t now, cpm_announced_h *h, void *arg);

/*
 * Export: every message, on a thread of its own that reads by itself
 */

/** Who takes it. Called on that thread: uses neither the store nor any object
    of libre that another thread uses. Each returns 0, or the errno that ends
    the export. */
struct cpm_export_sink {
	/** First */
	int (*openh)(void *arg);
	/** A message: all but its body. Borrowed */
	int (*msgh)(const struct cpm_msg *msg, void *arg);
	/** The next octets of its body: in one piece, in several, or none */
	int (*bodyh)(const uint8_t *buf, size_t len, void *arg);
	/** That was all of it. @param lost there should have been more */
	int (*endh)(bool lost, void *arg);
	/** Last, if openh returned 0. @param err 0; what a handler returned;
	    ECANCELED: the store is being closed; EIO; ENOMEM.
	    @return what is told of the export as a whole */
	int (*closeh)(int err, void *arg);
};

struct cpm_export_result {
	uint64_t messages;
	uint64_t lost;          /**< of them: with less than their body     */
};

/** On the main loop, exactly once if cpm_store_export() returned 0; also when
    the store is closed before it has ended: cpm_store_close() ends it */
typedef void (cpm_export_h)(int err, const struct cpm_export_result *res,
			    void *arg);

/** Hand out the messages that are there now, in the order of their ids.
    @param conv 0: all. @param sink borrowed until h was called.
    @return 0; EBUSY: one is running; ENOENT: no such conversation; EINVAL;
    ENOMEM; ESHUTDOWN; EIO */
int cpm_store_export(struct cpm_store *st, uint64_t conv,
		     const struct cpm_export_sink *sink, cpm_export_h *h,
		     void *arg);

struct cpm_counts {
	uint64_t conversations;
	uint64_t messages;
	uint64_t unread;
	uint64_t imdn_pending;
	uint64_t imdn_failed;
	uint64_t deferred;      /**< announced, neither fetched nor expired */
	uint64_t queued;        /**< messages to be sent, or on their way   */
};
int cpm_store_counts(struct cpm_store *st, struct cpm_counts *counts);

#ifdef __cplusplus
}
#endif
#endif
