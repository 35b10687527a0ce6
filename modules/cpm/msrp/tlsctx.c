/**
 * @file tlsctx.c  What MSRP wants of TLS (RFC 4975, 14; RFC 8122)
 *
 * libre does the TLS, through OpenSSL. What libre 1.1 has no call for is set
 * here on its context, and nowhere else: no version below 1.2; a certificate
 * asked of the peer in both roles, with as many certificates between it and
 * the CA as it likes (libre: none); no sessions to be resumed, which OpenSSL
 * would refuse half way; no buffers for a connection that is idle.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include "msrp.h"

/* re_tls.h has it for those only who say that libre was built with OpenSSL */
struct ssl_ctx_st *tls_openssl_context(const struct tls *tls);

/* gone in libre 2, where tls_set_verify_server() does it */
int tls_set_servername(struct tls_conn *tc, const char *servername)
	__attribute__((weak));


enum {
	PEM_SIZE  = 1048576, /* octets of a file with key and certificates  */
	BACKDATED = 86400,   /* s: the peer's clock may be slow             */
	LIFETIME  = 3650,    /* days: longer than we run                    */
};


/*
 * Our certificate
 */

static bool name_set(X509 *cert)
{
	X509_NAME *name = X509_get_subject_name(cert);

	/* nothing about the user, who may be anonymous in a session */
	return X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					  (const unsigned char *)"cpm", -1,
					  -1, 0) &&
		X509_set_issuer_name(cert, name);
}


static X509 *cert_make(EVP_PKEY *key)
{
	X509 *cert = X509_new();

	if (cert && X509_set_version(cert, X509_VERSION_3) &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert),
			     rand_u32() & 0x7fffffff) &&
	    X509_gmtime_adj(X509_getm_notBefore(cert), -BACKDATED) &&
	    X509_time_adj_ex(X509_getm_notAfter(cert), LIFETIME, 0, NULL) &&
	    X509_set_pubkey(cert, key) && name_set(cert) &&
	    X509_sign(cert, key, EVP_sha256()))
		return cert;

	X509_free(cert);

	return NULL;
}


static int pem_set(struct tls *tls, BIO *bio)
{
	char *p = NULL;
	const long len = BIO_get_mem_data(bio, &p);

	return len > 0 ? tls_set_certificate(tls, p, (size_t)len) : ENOMEM;
}


/* A key and a certificate that nobody has signed: it is the fingerprint in
   our SDP that counts. P-256: made in no time, where RSA would hold up the
   main loop. */
static int selfsigned_set(struct tls *tls)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = key ? cert_make(key) : NULL;
	BIO *bio = BIO_new(BIO_s_mem());
	int err = ENOMEM;

	if (cert && bio && PEM_write_bio_X509(bio, cert) &&
	    PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL))
		err = pem_set(tls, bio);

	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	ERR_clear_error();

	return err;
}


static int file_load(char **strp, const char *path)
{
	FILE *f = fopen(path, "re");
	char *str = NULL;
	size_t n = 0;
	int err = 0;

	if (!f)
		return errno ? errno : EIO;

	str = mem_zalloc(PEM_SIZE + 1, NULL);
	if (!str)
		err = ENOMEM;
	else
		n = fread(str, 1, PEM_SIZE, f);
	if (!err && ferror(f))
		err = errno ? errno : EIO;
	if (!err && (!n || !feof(f)))
		err = EBADMSG;
	(void)fclose(f);

	if (err)
		mem_deref(str);
	else
		*strp = str;

	return err;
}


/* OpenSSL would ask for the passphrase on the terminal, and wait */
static bool is_locked(const char *pem)
{
	return strstr(pem, "ENCRYPTED") != NULL;
}


/* The chain goes with tls_alloc(), the certificate that tls_fingerprint()
   tells with tls_set_certificate() */
static int file_alloc(struct tls **tlsp, const char *path)
{
	struct tls *tls = NULL;
	char *pem = NULL;
	int err;

	err = file_load(&pem, path);
	if (err)
		return err;

	if (is_locked(pem))
		err = ENOTSUP;
	if (!err)
		err = tls_alloc(&tls, TLS_METHOD_SSLV23, path, NULL);
	if (!err)
		err = tls_set_certificate(tls, pem, strlen(pem));
	if (err && err != ENOTSUP)
		err = EBADMSG;

	memset(pem, 0, PEM_SIZE);
	mem_deref(pem);
	if (err)
		mem_deref(tls);
	else
		*tlsp = tls;

	return err;
}


int msrp_tls_alloc(struct tls **tlsp, const char *certfile)
{
	struct tls *tls = NULL;
	int err;

	if (!tlsp)
		return EINVAL;
	if (certfile)
		return file_alloc(tlsp, certfile);

	err = tls_alloc(&tls, TLS_METHOD_SSLV23, NULL, NULL);
	if (!err)
		err = selfsigned_set(tls);
	if (err)
		mem_deref(tls);
	else
		*tlsp = tls;

	return err;
}


/*
 * The peer's certificate
 */

/* Does it name the host of the peer's first URI? */
static bool cert_names(X509 *cert, const struct msrp_sess *sess)
{
	char host[HOST_SIZE];
	struct sa sa;

	if (!sess->peer || msrp_path_host(host, sizeof(host), sess->peer))
		return false;

	/* an address written as a name is none */
	if (!sa_set_str(&sa, host, 0))
		return X509_check_ip_asc(cert, host, 0) == 1;

	return X509_check_host(cert, host, 0,
			       X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS,
			       NULL) == 1;
}


/*
 * A certificate that the CA vouches for. Whose connection this is shows at
 * its first request, when libre has only the fingerprint of it: so sessions
 * that wait for a certificate of that name are told the fingerprint now.
 */
static void cert_vouched(struct msrp *msrp, X509 *cert)
{
	uint8_t md[FP_SIZE];
	uint32_t i;

	if (X509_digest(cert, EVP_sha256(), md, NULL) != 1)
		return;

	for (i=0; i<SESS_HASH; i++) {
		struct le *le = list_head(hash_list(msrp->sessh, i));

		for (; le; le = le->next) {
			struct msrp_sess *sess = le->data;

			if (sess->tls && sess->state < SESS_BIND &&
			    (!sess->fp || sess->fp->vouched) &&
			    cert_names(cert, sess))
				(void)msrp_fp_vouch(&sess->fp, md);
		}
	}
}


/* Never ends the handshake: the reason shall be known by its session. The
   outcome stays with ctx, for tls_peer_verify(). */
static int verify_handler(X509_STORE_CTX *ctx, void *arg)
{
	struct msrp *msrp = arg;

	if (msrp->conf.tls_verify && X509_verify_cert(ctx) == 1)
		cert_vouched(msrp, X509_STORE_CTX_get0_cert(ctx));
	ERR_clear_error();

	return 1;
}


/* As the active side: tls_peer_verify() says whether it is this host's */
int msrp_tls_expect(struct tls_conn *sc, const char *host)
{
	struct sa sa;
	const bool is_ip = !sa_set_str(&sa, host, 0);
	int err;

	/* libre 2 has no check of addresses */
	if (is_ip && !tls_set_servername)
		return ENOTSUP;

	err = tls_set_verify_server(sc, host);
	if (!err && !is_ip && tls_set_servername)
		err = tls_set_servername(sc, host);

	return err;
}


/* The context serves this stack from now on */
int msrp_tls_open(struct msrp *msrp)
{
	SSL_CTX *ctx = tls_openssl_context(msrp->conf.tls);

	if (!ctx || !SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION))
		return EINVAL;

	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE,
			   NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify_handler, msrp);
	(void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET |
				  SSL_OP_NO_RENEGOTIATION |
				  SSL_OP_NO_COMPRESSION);
	(void)SSL_CTX_set_num_tickets(ctx, 0);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS);

	return 0;
}


void msrp_tls_close(struct msrp *msrp)
{
	SSL_CTX *ctx = tls_openssl_context(msrp->conf.tls);

	if (ctx)
		SSL_CTX_set_cert_verify_callback(ctx, NULL, NULL);
}
