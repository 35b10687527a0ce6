/**
 * @file secure.c  MSRP over TLS (RFC 4975, 14.4; RFC 8122)
 *
 * Each side tells the other the fingerprint of its certificate in the SDP. We
 * take a client only with the certificate that it told, as it should take us.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <openssl/ssl.h>
#include "pf.h"

/* re_tls.h keeps it from those who do not say which library libre has */
struct ssl_ctx_st *tls_openssl_context(const struct tls *tls);


enum {
	BITS     = 2048,
	PEM_SIZE = 65536,
	MD_SIZE  = 32,
};


/* libre knows its own fingerprint only when it gets the text */
static int file_use(struct tls *tls, const char *path)
{
	FILE *f = fopen(path, "r");
	char *pem;
	size_t n;
	int err;

	if (!f)
		return errno;

	pem = mem_zalloc(PEM_SIZE, NULL);
	n = pem ? fread(pem, 1, PEM_SIZE - 1, f) : 0;
	err = n ? tls_set_certificate(tls, pem, n) : EIO;
	(void)fclose(f);
	mem_deref(pem);

	return err;
}


/** Make the context. @return 0; errno */
int secure_open(struct pf *pf)
{
	const char *path = pf->opt.cert;
	int err;

	if (!pf->opt.tls)
		return 0;

	err = tls_alloc(&pf->tls, TLS_METHOD_SSLV23, path, NULL);
	if (!err)
		err = path ? file_use(pf->tls, path)
			: tls_set_selfsigned_rsa(pf->tls, "pf", BITS);
	if (err)
		return err;

	/* a client that shows none is found out by secure_check() */
	tls_set_verify_client(pf->tls);
	return 0;
}


static int version_set(const struct pf *pf)
{
	static const char *weak[] = {"ALL:@SECLEVEL=0"};
	struct ssl_ctx_st *ctx = tls_openssl_context(pf->tls);
	const bool *fault = pf->faults.on;
	int version = 0;

	if (fault[FAULT_TLS11])
		version = TLS1_1_VERSION;
	else if (fault[FAULT_TLS12])
		version = TLS1_2_VERSION;
	else if (fault[FAULT_TLS13])
		version = TLS1_3_VERSION;

	if (version == TLS1_1_VERSION) {
		int err = tls_set_ciphers(pf->tls, weak, 1);

		if (err)
			return err;
	}

	return SSL_CTX_set_min_proto_version(ctx, version) &&
		SSL_CTX_set_max_proto_version(ctx, version) ? 0 : EINVAL;
}


/** MSRP has it, from us on */
bool secure_wanted(const struct pf *pf)
{
	return pf->opt.relay ? pf->relay_tls : pf->tls != NULL;
}


/** Begin TLS on a connection, if MSRP is to have it. @return 0; errno */
int secure_start(struct tls_conn **scp, struct pf *pf, struct tcp_conn *tc)
{
	int err;

	if (!pf->tls || pf->faults.on[FAULT_NOTLS])
		return 0;

	err = version_set(pf);

	return err ? err : tls_start_tcp(scp, pf->tls, tc, 0);
}


static int md_print(struct mbuf *mb, const char *hash, const uint8_t *md,
		    size_t n)
{
	size_t i;
	int err;

	err = mbuf_printf(mb, "a=fingerprint:%s ", hash);
	for (i = 0; i < n && !err; i++)
		err = mbuf_printf(mb, "%s%02X", i ? ":" : "", md[i]);

	return err ? err : mbuf_printf(mb, "\r\n");
}


/** Print our a=fingerprint line */
int secure_print(struct mbuf *mb, const struct pf *pf)
{
	const bool *fault = pf->faults.on;
	const bool sha1 = fault[FAULT_SHA1];
	const size_t n = sha1 ? 20 : MD_SIZE;
	uint8_t md[MD_SIZE];
	int err;

	if (!pf->tls || fault[FAULT_NOFP])
		return 0;

	err = tls_fingerprint(pf->tls, sha1 ? TLS_FINGERPRINT_SHA1
			      : TLS_FINGERPRINT_SHA256, md, sizeof(md));
	if (err)
		return err;
	if (fault[FAULT_BADFP])
		md[n - 1] ^= 1;

	return md_print(mb, sha1 ? "sha-1" : "sha-256", md, n);
}


/** Is the certificate of a connection the one that the answer told? Says so
    if it is not */
bool secure_check(const struct tls_conn *sc, const struct session *sess)
{
	struct mbuf *mb;
	uint8_t md[MD_SIZE];
	bool ok = false;

	/* of a relay the client knows nothing */
	if (!sc || sess->relayed || sess->pf->opt.relay)
		return true;

	mb = mbuf_alloc(128);
	if (mb && sess->ans.fp &&
	    !tls_peer_fingerprint(sc, TLS_FINGERPRINT_SHA256, md,
				  sizeof(md)) &&
	    !md_print(mb, "sha-256", md, sizeof(md)) &&
	    !mbuf_write_u8(mb, 0)) {
		struct pl pl;

		mb->end -= 3;
		mb->pos = strlen("a=fingerprint:");
		pl_set_mbuf(&pl, mb);
		ok = !pl_strcmp(&pl, sess->ans.fp);
	}
	mem_deref(mb);

	if (!ok)
		event("error text=%s", "client has another certificate than "
		      "its fingerprint says");
	return ok;
}
