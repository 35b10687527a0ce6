/**
 * @file cert.c  Certificates of a test CA, right and wrong ones
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>
#include "cert.h"


struct pair {
	EVP_PKEY *key;
	X509 *cert;
};


static int fail(const char *path)
{
	fprintf(stderr, "cert: %s\n", path);
	ERR_print_errors_fp(stderr);

	return -1;
}


static void pair_free(struct pair *p)
{
	EVP_PKEY_free(p->key);
	X509_free(p->cert);
}


static int pair_read(struct pair *p, const char *path)
{
	FILE *f = fopen(path, "r");

	if (!f)
		return fail(path);

	p->key = PEM_read_PrivateKey(f, NULL, NULL, NULL);
	rewind(f);
	p->cert = PEM_read_X509(f, NULL, NULL, NULL);
	fclose(f);

	return p->key && p->cert ? 0 : fail(path);
}


static bool ext_add(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *ext;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = ext && X509_add_ext(cert, ext, -1);
	X509_EXTENSION_free(ext);

	return ok;
}


static bool exts_add(X509 *cert, X509 *issuer, const struct cert_args *args)
{
	char alt[512];

	if (!ext_add(cert, issuer, NID_basic_constraints, args->ca
		     ? "critical,CA:TRUE" : "critical,CA:FALSE"))
		return false;
	if (args->ca)
		return ext_add(cert, issuer, NID_key_usage,
			       "critical,keyCertSign");

	snprintf(alt, sizeof(alt), "DNS:%s%s%s", args->name,
		 args->ip ? ",IP:" : "", args->ip ? args->ip : "");

	return ext_add(cert, issuer, NID_subject_alt_name, alt);
}


static bool cert_fill(struct pair *p, const struct pair *issuer,
		      const struct cert_args *args)
{
	const int days = args->days ? args->days : 30;
	X509 *x = p->cert;
	X509_NAME *name = X509_get_subject_name(x);
	uint64_t serial = 0;

	/* one that has expired was good for a month */
	return RAND_bytes((unsigned char *)&serial, 7) == 1 &&
		X509_set_version(x, X509_VERSION_3) &&
		ASN1_INTEGER_set_uint64(X509_get_serialNumber(x), serial) &&
		X509_time_adj_ex(X509_getm_notBefore(x), days < 0
				 ? days - 30 : -1, 0, NULL) &&
		X509_time_adj_ex(X509_getm_notAfter(x), days, 0, NULL) &&
		X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC,
			(const unsigned char *)args->name, -1, -1, 0) &&
		X509_set_issuer_name(x, X509_get_subject_name(issuer->cert)) &&
		X509_set_pubkey(x, p->key) &&
		exts_add(x, issuer->cert, args) &&
		X509_sign(x, issuer->key, EVP_sha256());
}


static int pair_write(const struct pair *p, const struct pair *issuer,
		      const char *path)
{
	FILE *f = fopen(path, "w");
	bool ok;

	if (!f)
		return fail(path);

	(void)chmod(path, 0600);
	ok = PEM_write_PrivateKey(f, p->key, NULL, NULL, 0, NULL, NULL) &&
		PEM_write_X509(f, p->cert);
	if (ok && issuer != p && !(X509_get_extension_flags(issuer->cert) &
				   EXFLAG_SS))
		ok = PEM_write_X509(f, issuer->cert);
	if (fclose(f))
		ok = false;

	return ok ? 0 : fail(path);
}


int cert_make(const char *path, const struct cert_args *args)
{
	struct pair own = {EVP_EC_gen("P-256"), X509_new()}, ca = {NULL, NULL};
	const struct pair *issuer = args->issuer ? &ca : &own;
	int err = own.key && own.cert ? 0 : fail(path);

	if (!err && args->issuer)
		err = pair_read(&ca, args->issuer);
	if (!err && !cert_fill(&own, issuer, args))
		err = fail(path);
	if (!err)
		err = pair_write(&own, issuer, path);

	pair_free(&own);
	pair_free(&ca);

	return err;
}


int cert_fingerprint(char buf[CERT_FP], const char *path, const char *hash)
{
	struct pair p = {NULL, NULL};
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned int len = 0, i;
	int n, err = pair_read(&p, path);

	if (!err && !X509_digest(p.cert, !strcmp(hash, "sha-1") ? EVP_sha1()
				 : EVP_sha256(), md, &len))
		err = fail(path);

	n = snprintf(buf, CERT_FP, "%s", hash);
	for (i=0; !err && i<len; i++)
		n += snprintf(buf + n, CERT_FP - (size_t)n, "%c%02X",
			      i ? ':' : ' ', md[i]);
	pair_free(&p);

	return err;
}
