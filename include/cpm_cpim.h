/**
 * @file cpm_cpim.h  Common Presence and Instant Messaging: message format
 *
 * RFC 3862 (CPIM), RFC 5438 (the imdn. headers in it). Lenient on reading,
 * strict on writing. No I/O, no global state; needs libre only.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_CPIM_H
#define CPM_CPIM_H

#include <cpm_re.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
	CPIM_HEAD_MAX  = 16384, /**< octets before the body: bounds memory  */
	CPIM_HDR_MAX   = 64,    /**< headers: bounds work                   */
	CPIM_ROUTE_MAX = 8,     /**< IMDN-Record-Route entries kept         */
};

/** What the sender asks for (RFC 5438, 6.2). A set. */
enum cpim_notify {
	CPIM_POSITIVE_DELIVERY = 1 << 0,
	CPIM_NEGATIVE_DELIVERY = 1 << 1,
	CPIM_DISPLAY           = 1 << 2,
	CPIM_PROCESSING        = 1 << 3,
	CPIM_INTERWORKING      = 1 << 4, /**< network's own, never ours    */
};

/** A CPIM address (RFC 3862, 2.1): display name and URI. */
struct cpim_addr {
	struct pl dname;  /**< without quotes, may be unset                  */
	struct pl uri;    /**< without angle brackets, may be unset          */
};

/**
 * Decode an address (RFC 3862, 3.2): [ display name ] "<" URI ">". Also a
 * bare sip, sips or tel URI. Where the ">" is missing the end of the URI was
 * lost: it would name somebody else, so uri stays unset.
 *
 * @param addr Filled with views into pl; unset if it fails
 *
 * @return 0; EBADMSG; EINVAL
 */
int cpim_addr_decode(struct cpim_addr *addr, const struct pl *pl);

/**
 * Print a display name or a subject ("%H") with its escapes resolved (RFC
 * 3862, 2.3), so \" and \u00e9 come out as one character each. Control
 * characters come out as spaces: what is printed is one line.
 */
int cpim_text_print(struct re_printf *pf, const struct pl *pl);

/**
 * The head of a CPIM message. Every pl is a view into mb and lives as long
 * as this object.
 */
struct cpim_msg {
	struct mbuf *mb;          /**< shared                               */
	struct cpim_addr from;
	struct cpim_addr to;      /**< the first To                         */
	struct pl datetime;       /**< as written                           */
	struct pl subject;
	struct pl imdn_msgid;     /**< imdn.Message-ID, may be unset        */
	unsigned notify;          /**< set of enum cpim_notify              */
	struct pl orig_to;        /**< imdn.Original-To, the URI            */
	struct pl routev[CPIM_ROUTE_MAX];  /**< imdn.IMDN-Record-Route, the
					        URIs, in the order of the
					        message                     */
	size_t routec;

	struct pl ctype;          /**< Content-Type of the body, whole value */
	struct pl cdisp;          /**< Content-Disposition, whole value      */
	struct pl cte;            /**< Content-Transfer-Encoding             */
	struct pl clen;           /**< Content-Length: a hint, never trusted */
	size_t body;              /**< offset of the body in mb->buf         */
};

/**
 * Decode the head of a CPIM message: message headers and the headers of the
 * content (RFC 3862, 2). Accepts LF line ends, a missing empty line before
 * Content-* headers, NS without a space, header names in any case, the
 * imdn namespace under any prefix, folded lines, empty lines in front.
 * Octets after the head are not looked at, Content-Length is not used.
 *
 * @param msgp Pointer to the new message; mem_deref() it
 * @param mb   Buffer with the message from its pos on; shared. On success
 *             its pos is at the first octet of the body, and the line
 *             breaks of folded headers are overwritten with spaces
 *
 * @return 0; ENODATA if the head is not complete, pos kept; EBADMSG if it
 *         is no CPIM; EOVERFLOW if it is over CPIM_HEAD_MAX or CPIM_HDR_MAX;
 *         EINVAL; ENOMEM
 */
int cpim_decode(struct cpim_msg **msgp, struct mbuf *mb);

/**
 * The same, but the message ends with the buffer (a SIP MESSAGE, an MSRP
 * message that is complete): a head that the end cuts is taken as far as it
 * goes when it had at least one Content header or the separator, so that
 * defective messages of real networks are read. A last line that is cut and
 * no header is left to the body: nothing is dropped.
 *
 * @return as cpim_decode(); never ENODATA, EBADMSG instead
 */
int cpim_decode_all(struct cpim_msg **msgp, struct mbuf *mb);

/** Is this the URI of somebody? Not when unset, not a sip, sips or tel URI,
    anonymous.invalid (RFC 3323), or with octets that no URI has */
bool cpim_uri_isreal(const struct pl *uri);

/**
 * Decode the transfer encoding of a body (RFC 2045, 6): base64,
 * quoted-printable; 7bit, 8bit, binary and none are copied.
 *
 * @param mbp Pointer to a new buffer with pos 0; mem_deref() it
 * @param cte Value of Content-Transfer-Encoding, NULL or unset if none
 *
 * @return 0; ENOTSUP for an unknown encoding; EBADMSG for bad base64;
 *         EINVAL; ENOMEM
 */
int cpim_body_decode(struct mbuf **mbp, const struct pl *cte,
		     const uint8_t *buf, size_t len);

enum {
	CPIM_DEC_MORE = 1024,   /**< octets that a decoder may hold back: a
				     line has 76 (RFC 2045, 6.7)           */
};

/** A transfer encoding being decoded, a piece at a time. Internal: on the
    stack or wherever; nothing to free. */
struct cpim_dec {
	enum cpim_enc {
		CPIM_ENC_NONE = 0,  /**< nothing to decode               */
		CPIM_ENC_BASE64,
		CPIM_ENC_QP,        /**< quoted-printable                */
	} enc;
	unsigned padc;
	size_t heldc;
	uint8_t heldv[CPIM_DEC_MORE];
};

/** Begin. @param cte as in cpim_body_decode(). @return 0; ENOTSUP for an
    unknown encoding; EINVAL */
int cpim_dec_init(struct cpim_dec *dec, const struct pl *cte);

/**
 * Decode the next piece. Uses no memory but its arguments, so any thread may
 * call it. All that came out so far is never longer than all that went in.
 *
 * @param out  Room for len + CPIM_DEC_MORE octets; must not overlap in
 * @param outl Octets written
 * @param end  This is the last piece
 *
 * @return 0; EBADMSG for bad base64; EINVAL
 */
int cpim_dec_block(struct cpim_dec *dec, uint8_t *out, size_t *outl,
		   const uint8_t *in, size_t len, bool end);

/** What to write. NULL leaves a header out. Borrowed. */
struct cpim_out {
	const char *from;        /**< URI, mandatory                        */
	const char *to;          /**< URI, mandatory                        */
	uint64_t time;           /**< ms since 1970; 0: no DateTime         */
	const char *imdn_msgid;
	unsigned notify;         /**< set of enum cpim_notify, without
				      CPIM_INTERWORKING                    */
	const char *const *routev; /**< imdn.IMDN-Route URIs, in this order */
	size_t routec;
	const char *ctype;       /**< Content-Type, mandatory               */
	const char *cdisp;       /**< Content-Disposition                   */
	const uint8_t *body;
	size_t len;
	uint64_t follows;        /**< octets of the body that the caller adds
				      behind these                         */
};

/**
 * Write a CPIM message at mb's pos (RFC 3862, 2; CRLF, NS line for imdn if
 * used, exact Content-Length).
 *
 * @return 0; EINVAL if a mandatory field is missing, a value holds a control
 *         character, a URI or id one that would end it, or notify a bit that
 *         is not ours; ENOMEM. When it fails mb is as before
 */
int cpim_encode(struct mbuf *mb, const struct cpim_out *out);

/**
 * Read an RFC 3339 date-time (also without zone, which means UTC; fractions
 * of any length, cut to milliseconds; a zone without colon; a blank for T).
 *
 * @param ms Milliseconds since 1970, UTC
 *
 * @return 0; EBADMSG; EINVAL
 */
int cpim_time_decode(uint64_t *ms, const struct pl *pl);

/**
 * Print milliseconds since 1970 as RFC 3339 in UTC ("%H"), e.g.
 * 2026-11-21T03:11:00Z; with .123 when there are milliseconds.
 * EINVAL after the year 9999.
 */
int cpim_time_print(struct re_printf *pf, const uint64_t *ms);

#ifdef __cplusplus
}
#endif
#endif
