/**
 * @file cert.h  Certificates of a test CA, right and wrong ones
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CERT_H
#define CERT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	CERT_FP = 104,        /* octets of "sha-256 AB:..." with its end  */
};

struct cert_args {
	const char *name;     /* CN, and the DNS name unless it is a CA   */
	const char *ip;       /* an address besides, or NULL              */
	const char *issuer;   /* PEM of the CA; NULL: self-signed         */
	int days;             /* until it expires, from now; 0: 30        */
	bool ca;
};

/**
 * Make a key and its certificate
 *
 * @param path PEM file: the key, the certificate, and its issuer's one unless
 *             that is self-signed
 *
 * @return 0, or -1 with a word on standard error
 */
int cert_make(const char *path, const struct cert_args *args);

/** Fingerprint of the first certificate of a file. @param hash "sha-256" or
    "sha-1". @return 0; -1 */
int cert_fingerprint(char buf[CERT_FP], const char *path, const char *hash);

#endif
