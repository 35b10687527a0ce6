/**
 * @file relay.h  Our MSRP relay: what the files of the engine share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef ENGINE_RELAY_H
#define ENGINE_RELAY_H

struct relay;

/** As configured; without a relay *rp stays NULL, which all others take.
    @return 0; EBADMSG: no MSRP URI; ENOTSUP: msrps without TLS; EINVAL: a
    user that cannot be; ENOMEM */
int relay_alloc(struct relay **rp, struct cpm *cpm);

/** An account is used: it is who we are, if nobody else is configured */
void relay_account(struct relay *r, const char *aor);

/** Let a session use it, if there is one. @return 0; EAGAIN: it is not up;
    errno of msrp_sess_use_relay() */
int relay_use(struct relay *r, struct msrp_sess *sess);

/** It has refused us: no use in waiting */
bool relay_hopeless(const struct relay *r);

/**
 * Can a session go through it? What the peer wants secret does not leave us in
 * plain text. A peer that connects does it as it has offered; one that we go
 * to is reached by the relay as its URI says.
 *
 * @param tls     The offer is TCP/TLS/MSRP
 * @param passive The peer connects
 */
bool relay_fits(const struct relay *r, bool tls, bool passive);

void relay_status(const struct relay *r, struct cpm_status *status);

/* session.c, wait.c */

/** The relay is up, or refuses: go on if this session waits for it */
void session_relay(struct session *s);

#endif
