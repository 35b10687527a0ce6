/**
 * @file cpm_msrp_codec.h  MSRP on the wire: requests, responses, URIs
 *
 * RFC 4975. Eats bytes and yields views; no I/O. cpm_msrp.h has it included.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_MSRP_CODEC_H
#define CPM_MSRP_CODEC_H

#include <cpm_re.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Limits, each with its reason */
enum {
	MSRP_HEAD_MAX  = 16384, /**< octets of start line and headers: a peer
				     must not make us buffer without end   */
	MSRP_HDR_MAX   = 64,    /**< headers: bounds decode work            */
	MSRP_TID_MIN   = 4,     /**< RFC 4975, 9: ident                     */
	MSRP_TID_MAX   = 32,    /**< RFC 4975, 9: ident                     */
	MSRP_MSGID_MAX = 256,   /**< Message-ID: kept for each open message */
	MSRP_URI_MAX   = 512,   /**< one URI of a path                      */
};

/** The flag that ends a request or response (RFC 4975, 7.1) */
enum msrp_flag {
	MSRP_FLAG_NONE = 0,
	MSRP_CONTINUE  = '+',   /**< more chunks follow                     */
	MSRP_COMPLETE  = '$',   /**< last octet of the message is in here   */
	MSRP_ABORT     = '#',   /**< given up by the sender                 */
};

/** Failure-Report (RFC 4975, 7.1.1) */
enum msrp_freport {
	MSRP_FREPORT_YES = 0,   /**< default                                */
	MSRP_FREPORT_NO,
	MSRP_FREPORT_PARTIAL,
};

/** Byte-Range (RFC 4975, 7.1.1): positions count from 1 */
struct msrp_range {
	uint64_t start;
	uint64_t end;           /**< 0 and !end_set: "*"                    */
	uint64_t total;         /**< 0 and !total_set: "*"                  */
	bool end_set;
	bool total_set;
};

/** Start line and headers. Every pl is a view into the decoded buffer. */
struct msrp_head {
	struct pl tid;          /**< transaction id                         */
	bool req;
	struct pl met;          /**< request: method                        */
	uint16_t scode;         /**< response: status code                  */
	struct pl reason;       /**< response: comment, may be unset        */
	struct pl to_path;      /**< all URIs                               */
	struct pl from_path;    /**< all URIs                               */
	struct pl msgid;
	struct pl ctype;        /**< set: a body follows                    */
	struct pl status;       /**< REPORT: whole Status value             */
	struct pl all;          /**< the octets of all this                 */
	struct msrp_range range;
	bool range_set;
	bool range_bad;         /**< there was a Byte-Range, but unreadable */
	enum msrp_freport failure_report;
	bool success_report;
	enum msrp_flag flag;    /**< set when no body follows               */
	bool body;              /**< a body follows; use msrp_body_decode() */
};

/**
 * Decode start line and headers, and the end-line where no body follows
 * (RFC 4975, 9).
 *
 * @param head Filled with views into mb
 * @param mb   Buffer; on success pos is behind what was decoded
 *
 * @return 0; ENODATA for a proper prefix, pos kept; EBADMSG if it is no
 *         MSRP; EOVERFLOW over MSRP_HEAD_MAX, MSRP_HDR_MAX or
 *         MSRP_MSGID_MAX; EINVAL
 */
int msrp_head_decode(struct msrp_head *head, struct mbuf *mb);

/** State of one body; zero it, then set tid. Nothing is scanned twice. */
struct msrp_body {
	char tid[MSRP_TID_MAX + 1];
	enum msrp_flag flag;    /**< set once the end-line was found        */
	bool crlf;              /**< internal: body octets were yielded     */
};

/**
 * Yield the next octets of a body, up to its end-line, which may be split
 * over any number of buffers.
 *
 * @param body State
 * @param mb   Buffer; pos moves behind what was yielded and decoded. Octets
 *             that may begin an end-line stay in mb until more come
 * @param data Next octets of the body, a view into mb, may be empty
 *
 * @return 0: body->flag is set, this is the end; ENODATA: use data, then
 *         call again with more octets; EINVAL
 */
int msrp_body_decode(struct msrp_body *body, struct mbuf *mb,
		     struct pl *data);

/** An MSRP URI (RFC 4975, 6). Views. */
struct msrp_uri {
	bool tls;               /**< msrps                                  */
	struct pl user;
	struct pl host;         /**< without brackets                       */
	uint16_t port;          /**< 0 if absent                            */
	struct pl sid;          /**< session-id                             */
	struct pl transport;
};

/** Decode one MSRP URI. @return 0; EBADMSG; EINVAL */
int msrp_uri_decode(struct msrp_uri *uri, const struct pl *pl);

/** Same URI by the rules of RFC 4975, 6.1: scheme, host, port, transport
    without case; session-id with case; user ignored. */
bool msrp_uri_cmp(const struct msrp_uri *a, const struct msrp_uri *b);

#ifdef __cplusplus
}
#endif
#endif
