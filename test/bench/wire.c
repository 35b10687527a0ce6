/**
 * @file wire.c  A connection of the bench's own, plain or TLS
 *
 * TLS is OpenSSL's as it comes: its defaults are those that libre takes. The
 * certificate is made for the run, and is that of both sides; only the library
 * checks it.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <unistd.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include "bench.h"


enum {
	DAY = 86400,  /* s that a certificate is good for */
};


static void __attribute__((noreturn)) tls_die(const char *what)
{
	char text[256];

	ERR_error_string_n(ERR_get_error(), text, sizeof(text));
	die("TLS: %s: %s", what, text);
}


void wire_cert(const char *path)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *cert = X509_new();
	X509_NAME *name;
	FILE *f;

	if (!key || !cert)
		tls_die("key");
	name = X509_get_subject_name(cert);
	if (!X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
					(const unsigned char *)"127.0.0.1",
					-1, -1, 0) ||
	    !X509_set_issuer_name(cert, name) || !X509_set_version(cert, 2) ||
	    !ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) ||
	    !X509_gmtime_adj(X509_getm_notBefore(cert), -DAY) ||
	    !X509_gmtime_adj(X509_getm_notAfter(cert), DAY) ||
	    !X509_set_pubkey(cert, key) ||
	    !X509_sign(cert, key, EVP_sha256()))
		tls_die("certificate");

	f = fopen(path, "w");
	if (!f || !PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL) ||
	    !PEM_write_X509(f, cert) || fclose(f))
		die("%s: not written", path);
	X509_free(cert);
	EVP_PKEY_free(key);
}


void wire_tls(struct wire *w, const char *pem, bool server)
{
	SSL_CTX *ctx = SSL_CTX_new(server ? TLS_server_method()
				   : TLS_client_method());
	int r;

	if (!ctx)
		tls_die("context");
	if (SSL_CTX_use_certificate_file(ctx, pem, SSL_FILETYPE_PEM) <= 0 ||
	    SSL_CTX_use_PrivateKey_file(ctx, pem, SSL_FILETYPE_PEM) <= 0)
		tls_die(pem);
	(void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
			       SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
			       SSL_MODE_AUTO_RETRY);
	SSL_CTX_set_read_ahead(ctx, 1);

	w->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	if (!w->ssl || !SSL_set_fd(w->ssl, w->fd))
		tls_die("connection");
	r = server ? SSL_accept(w->ssl) : SSL_connect(w->ssl);
	if (r <= 0)
		tls_die("handshake");
}


/* @return -1 with errno; 0 at the end */
static ssize_t tls_result(struct wire *w, int r)
{
	switch (SSL_get_error(w->ssl, r)) {

	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		errno = EAGAIN;
		return -1;

	case SSL_ERROR_ZERO_RETURN:
		return 0;

	case SSL_ERROR_SYSCALL:
		if (errno == ECONNRESET || errno == EPIPE || !errno)
			return 0;
		return -1;

	default:
		/* closed without a word */
		ERR_clear_error();
		return 0;
	}
}


ssize_t wire_read(struct wire *w, void *buf, size_t len)
{
	int r;

	if (!w->ssl)
		return read(w->fd, buf, len);

	errno = 0;
	r = SSL_read(w->ssl, buf, (int)len);

	return r > 0 ? r : tls_result(w, r);
}


ssize_t wire_write(struct wire *w, const void *buf, size_t len)
{
	size_t n = 0;
	int r = 1;

	if (!w->ssl)
		return write(w->fd, buf, len);

	/* a record at a time, as far as it goes */
	errno = 0;
	while (n < len && r > 0) {
		r = SSL_write(w->ssl, (const char *)buf + n, (int)(len - n));
		if (r > 0)
			n += (size_t)r;
	}

	return n ? (ssize_t)n : tls_result(w, r);
}


void wire_close(struct wire *w)
{
	if (w->ssl) {
		(void)SSL_shutdown(w->ssl);
		SSL_free(w->ssl);
		w->ssl = NULL;
	}
	close(w->fd);
	w->fd = -1;
}
