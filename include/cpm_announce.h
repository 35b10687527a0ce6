/**
 * @file cpm_announce.h  What a server announces to be fetched (pull)
 *
 * The one place that knows what these documents look like. No specification
 * that can be had says it for OMA CPM: the change requests have the flow only
 * (a notification, our invitation, some or all messages, the end). So this is
 * assumed, after the ancestor, OMA SIMPLE IM 1.0, whose names for the type and
 * the namespace are known, and whose elements are not:
 *
 *     <deferred-list xmlns="urn:oma:xml:im:history-list" state="full">
 *       <entry reference="ID">        what the server calls it; the
 *         <from>sip:bob@..</from>     imdn.Message-ID where it has one
 *         <subject>...</subject>
 *         <size>1234</size>           octets of its body
 *         <date>2026-11-21T03:11:00Z</date>    sent
 *         <expiry>2026-11-28T03:11:00Z</expiry>
 *         <mode>page|large|session</mode>
 *       </entry>
 *     </deferred-list>
 *
 * state="full" says that there are no others; without it, or with "partial",
 * the entries come in addition. All elements but entry are optional, unknown
 * ones are passed over. To fetch some, the same document goes out with
 * nothing but their references.
 *
 * The other document is the message summary (RFC 3842), as it is: messages
 * wait, or do not.
 *
 * No I/O, no global state; needs libre only.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_ANNOUNCE_H
#define CPM_ANNOUNCE_H

#include <cpm_re.h>

#ifdef __cplusplus
extern "C" {
#endif

#define ANNOUNCE_LIST_TYPE "application/vnd.oma.im.deferred-list+xml"
#define ANNOUNCE_SUMMARY_TYPE "application/simple-message-summary"

enum {
	ANNOUNCE_DOC_MAX     = 65536, /**< octets of a document: libre takes no
					   larger request over TCP (and 8,192
					   over UDP)                       */
	ANNOUNCE_ENTRIES_MAX = 500,   /**< in one document: some 130 octets
					   each                            */
	ANNOUNCE_TEXT_MAX    = 4096,  /**< octets of a value: what the XML
					   reader gives                    */
	ANNOUNCE_REF_MAX     = 256,   /**< octets of a reference           */
};

/** How a message was sent, as the list says */
enum announce_mode {
	ANNOUNCE_UNKNOWN = 0,
	ANNOUNCE_PAGE,
	ANNOUNCE_LARGE,
	ANNOUNCE_SESSION,
};

/** One message. What is not said is NULL or 0. */
struct announce_entry {
	char *reference;          /**< never empty; no control characters  */
	char *from;               /**< URI, as it came                     */
	char *subject;
	char *date;               /**< as it came, cpim_time_decode()      */
	char *expiry;             /**< likewise                            */
	uint64_t size;
	enum announce_mode mode;
};

struct announce_list {
	bool whole;               /**< there are no others                 */
	size_t entryc;
	struct announce_entry *entryv;
};

/**
 * Read a deferred list.
 *
 * @param listp mem_deref() it
 *
 * @return 0; EBADMSG: not well formed, not whole, another document, an entry
 *         without a reference or with one that cannot be; EOVERFLOW: over one
 *         of the limits above, or a document type declaration; EINVAL; ENOMEM
 */
int announce_decode(struct announce_list **listp, const uint8_t *buf,
		    size_t len);

/**
 * Append a list of references, to fetch those.
 *
 * @return 0; EINVAL: none, more than ANNOUNCE_ENTRIES_MAX, or one that cannot
 *         be; ENOMEM. Then nothing was appended
 */
int announce_encode(struct mbuf *mb, const char *const *refv, size_t refc);

/**
 * Read a message summary (RFC 3842, 5.2): the line Messages-Waiting, which is
 * mandatory; the rest is passed over.
 *
 * @param waiting Filled
 *
 * @return 0; EBADMSG: no such line, or neither yes nor no; EOVERFLOW over
 *         ANNOUNCE_DOC_MAX; EINVAL
 */
int announce_summary(bool *waiting, const uint8_t *buf, size_t len);

#ifdef __cplusplus
}
#endif
#endif
