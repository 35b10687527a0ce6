/**
 * @file redirect.h  Where a redirection of our INVITE leads
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef REDIRECT_H
#define REDIRECT_H

/** Those of one call, tried and to be tried */
struct targets {
	struct {
		char *uri;
		unsigned q;      /**< thousandths                           */
	} v[CPM_CALLS];
	size_t n;
	size_t next;             /**< those before it have been tried       */
};

/**
 * Take the Contacts of a 3xx: those not known yet, best first, before or
 * behind those that are still to be tried, as q says (RFC 3261, 8.1.3.4). What
 * is no sip: URI, and what is too much, is passed over.
 *
 * @param first The URI of the call itself: it is not tried again
 *
 * @return 0; ENOMEM
 */
int targets_add(struct targets *t, const struct sip_msg *msg,
		const char *first);

/** The next one to be tried: borrowed; NULL: there is none */
const char *targets_next(struct targets *t);

void targets_reset(struct targets *t);

#endif
