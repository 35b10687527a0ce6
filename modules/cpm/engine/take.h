/**
 * @file take.h  A whole message that has come, whichever way
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef TAKE_H
#define TAKE_H

/** What is known of a message besides its octets. Borrowed. */
struct taken {
	const char *local;       /* names it if it has no imdn.Message-ID:
				    unique within its source                */
	struct cpm_body *body;   /* octets behind those in memory; NULL: there
				    are none                                */
	uint64_t base;           /* offset in the message where body begins */
	uint64_t time;           /* when it was sent, ms since 1970, if it
				    does not say that itself; 0: now        */
};

/**
 * It has been committed, or cannot be kept.
 *
 * @param err 0; EILSEQ: its body was not as its encoding has it; others: it
 *            cannot be kept now
 * @param res NULL: it was no message
 */
typedef void (take_h)(int err, const struct cpm_put_result *res, void *arg);

/**
 * Take a message/cpim: a message to be kept, notifications for messages of
 * ours, or isComposing. Also tells of a new message, and counts it.
 *
 * @param src Shared. Its conversation is set once it is known
 * @param mb  The message from its pos on; not needed any more afterwards
 *
 * @return 0: h will be called once, after the commit; EALREADY: nothing is to
 *         be kept, acknowledge it now; EBADMSG, EOVERFLOW: malformed; ENOTSUP:
 *         an encoding that is not known; others: it cannot be kept now, and h
 *         will not be called
 */
int take_cpim(struct source *src, struct mbuf *mb, const struct taken *how,
	      take_h *h, void *arg);

/**
 * Take a message that is not in CPIM: no notification is sent for it.
 *
 * @param ctype Its Content-Type; unset: text/plain
 * @param cte   Its Content-Transfer-Encoding, may be unset
 *
 * @return as take_cpim()
 */
int take_bare(struct source *src, struct mbuf *mb, const struct pl *ctype,
	      const struct pl *cte, const struct taken *how, take_h *h,
	      void *arg);

/* filename.c */

/** What the sender calls the file, made safe; none: *strp stays.
    @param strp mem_deref() it. @return 0; ENOMEM */
int filename_set(char **strp, const struct cpim_msg *cpim);

/** Its media type, made safe: what is none is octets, and parameters go if
    they are odd, too long, or name a file.
    @param ctype Unset: text/plain
    @return 0; EOVERFLOW: the type alone is over CPM_TYPE_MAX; ENOMEM */
int type_set(char **strp, const struct pl *ctype);

/* status.c: notifications for messages of ours */

/** Is it the media type of one? */
bool notification_type(const struct pl *ctype);

/** Does it carry one, or several and nothing else? */
bool notification_is(const struct cpim_msg *cpim);

/**
 * Take what it carries: our messages move in the store, and that is told.
 * Notifications of messages that we do not know, and of those that are not
 * their recipients, do nothing.
 *
 * @return as take_cpim(); the result of h is NULL
 */
int notification_take(struct source *src, const struct cpim_msg *cpim,
		      take_h *h, void *arg);

/* record.c: its row in the store */

/** Who wrote it (wire.md 13.5). @param peerp, namep unset: nobody known;
    mem_deref() them. @return 0; ENOMEM */
int record_sender(char **peerp, char **namep, const struct source *src,
		  const struct cpim_msg *cpim);

/**
 * @param msgp  mem_deref() it
 * @param start Where in cpim->mb the message begins
 *
 * @return 0; EBADMSG, EOVERFLOW, ENOTSUP: the peer's fault; ENOMEM; those of
 *         cpm_body_write()
 */
int record(struct cpm_msg **msgp, const struct source *src,
	   const struct cpim_msg *cpim, size_t start,
	   const struct taken *how);

#endif
