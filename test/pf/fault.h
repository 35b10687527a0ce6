/**
 * @file fault.h  What to do wrong on purpose
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef PF_FAULT_H
#define PF_FAULT_H

#include <stdio.h>
#include <cpm_re.h>

enum fault {
	FAULT_DROP,          /**< close TCP after N octets of a session     */
	FAULT_NOACK,         /**< no ACK to the 200                         */
	FAULT_LATEACK,       /**< ACK after MS, MSRP at once                */
	FAULT_BADRANGE,      /**< Byte-Range that does not fit its chunk    */
	FAULT_DELAY,         /**< wait MS before each message               */
	FAULT_REFUSE,        /**< answer the next N IMDNs with a code       */
	FAULT_NOBYE,         /**< no BYE at the end                         */
	FAULT_EARLYBYE,      /**< BYE right after the ACK                   */
	FAULT_CANCEL,        /**< CANCEL after MS                           */
	FAULT_LOSE,          /**< do not read answers, stop after N messages*/
	FAULT_ABORT,         /**< abort each 2nd message, then repeat it    */
	FAULT_INTERLEAVE,    /**< chunks of two messages alternate          */
	FAULT_SHUFFLE,       /**< chunks of a message out of order          */
	FAULT_REVERSE,       /**< chunks of a message from the last on     */
	FAULT_OCTET,         /**< MSRP octet by octet                       */
	FAULT_DUP,           /**< each message twice in a session           */
	FAULT_NOPATH,        /**< offer without a=path                      */
	FAULT_NOACCEPT,      /**< offer without message/cpim                */
	FAULT_NORANGE,       /**< SEND without Byte-Range, one chunk        */
	FAULT_AUDIO,         /**< offer of audio only                       */
	FAULT_SESSIONLEVEL,  /**< a=sendonly at session level               */
	FAULT_SENDRECV,      /**< a=sendrecv                                */
	FAULT_EXPIRES,       /**< Session-Expires of N seconds              */
	FAULT_REQUIRE,       /**< Require: nonsense                         */
	FAULT_NOREFRESH,     /**< never refresh the session timer           */
	FAULT_REPORT,        /**< ask for Success-Report                    */
	FAULT_GROUP,         /**< the INVITE is tagged session.group        */
	FAULT_SILENT,        /**< no answer to an IMDN                      */
	FAULT_WWW,           /**< MESSAGE is challenged with 401        */
	FAULT_BADFP,         /**< a=fingerprint of another certificate      */
	FAULT_NOFP,          /**< TLS without a=fingerprint                 */
	FAULT_SHA1,          /**< a=fingerprint with SHA-1                  */
	FAULT_NOTLS,         /**< TLS is offered, plain TCP is spoken       */
	FAULT_MIXED,         /**< m= and a=path differ about TLS            */
	FAULT_TLS11,         /**< TLS 1.1 and no other                      */
	FAULT_TLS12,         /**< TLS 1.2 and no other                      */
	FAULT_TLS13,         /**< TLS 1.3 and no other                      */
	FAULT_BURST,         /**< N MESSAGEs at once, whoever wrote         */
	FAULT_REORDER,       /**< MESSAGEs of a sender change places        */
	FAULT_DEFERRED,      /**< a MESSAGE is tagged deferred              */
	FAULT_UNTAGGED,      /**< a MESSAGE has no tag                      */
	FAULT_BARE,          /**< a MESSAGE has the text alone              */
	FAULT_PULLREFUSE,    /**< refuse a pull with a code                 */
	FAULT_PULLSILENT,    /**< do not answer it                          */
	FAULT_PULLNOSDP,     /**< answer it without SDP                     */
	FAULT_MAX
};

struct faults {
	bool on[FAULT_MAX];
	uint32_t arg[FAULT_MAX];
	uint32_t code;       /**< of FAULT_REFUSE                           */
	uint32_t after;      /**< its Retry-After in s, 0: none             */
};

int  fault_set(struct faults *faults, const char *str);
void fault_help(FILE *f);

#endif
