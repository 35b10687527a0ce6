/**
 * @file sess_tls_unit.h  What the tests of sessions over TLS share
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef SESS_TLS_UNIT_H
#define SESS_TLS_UNIT_H

#include "sess_unit.h"
#include "mock/cert.h"

#define PEER_NAME "peer.example"   /* the host in PEER */

void tls_setup(void);
void tls_teardown(void);

/* Path of a file in the test's folder */
const char *tls_path(const char *name);

/* A certificate in the test's folder; args of NULL: of PEER_NAME, self-signed.
   @return its path */
const char *tls_cert(const char *name, const struct cert_args *args);

/* The stack with TLS. @param ca CA file, or NULL */
void tls_stack(const char *ca);

/* The peer's side. @param path Its certificate; NULL: none */
struct tls *tls_peer(const char *path);

/* s1 and p1, passive or active: what both roles have in common.
   @param fp Fingerprint told by the peer, or NULL. @return 0 or the error of
   msrp_sess_connect(); the peer's bind is sent, or ours is waited for */
int tls_begin(bool passive, const char *addr, const char *fp);

/* The session has to end like that, and the connection with it; nothing of a
   message is seen by either side */
void tls_refused(bool passive, int err);

/* It has to be bound, and a message to arrive */
void tls_works(bool passive);

#endif
