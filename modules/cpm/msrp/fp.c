/**
 * @file fp.c  Fingerprints of certificates (RFC 8122, 5)
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "msrp.h"


enum {
	SHA1_SIZE   = 20,
	SHA256_SIZE = 32,
};

static const char hash_sha1[]   = "sha-1";
static const char hash_sha256[] = "sha-256";


/* Each octet of a connection's certificate is covered by it */
static size_t md_size(const struct msrp_fp *fp)
{
	return fp->sha1 ? SHA1_SIZE : SHA256_SIZE;
}


static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') ||
		(c >= 'A' && c <= 'F');
}


/* fingerprint = 2UHEX *(":" 2UHEX); lower case is read as well */
static int md_decode(uint8_t *md, size_t size, const struct pl *pl)
{
	size_t i;

	if (pl->l != size * 3 - 1)
		return EBADMSG;

	for (i=0; i<size; i++) {
		const char *p = pl->p + i * 3;

		if (!is_hex(p[0]) || !is_hex(p[1]) ||
		    (i + 1 < size && p[2] != ':'))
			return EBADMSG;

		md[i] = (uint8_t)(ch_hex(p[0]) << 4 | ch_hex(p[1]));
	}

	return 0;
}


/* hash-func SP fingerprint. What is weaker than one that is there already, or
   unknown, is passed over (RFC 8122, 5) */
static int value_decode(struct msrp_fp *fp, const struct pl *val)
{
	struct pl hash = {val->p, 0}, hex;
	uint8_t md[FP_SIZE] = {0};
	bool sha1;
	int err;

	while (hash.l < val->l && val->p[hash.l] != ' ')
		++hash.l;

	sha1 = !pl_strcasecmp(&hash, hash_sha1);
	if (!sha1 && pl_strcasecmp(&hash, hash_sha256))
		return hash.l < val->l ? 0 : EBADMSG;

	hex.p = val->p + hash.l;
	hex.l = val->l - hash.l;
	while (hex.l && *hex.p == ' ')
		pl_advance(&hex, 1);

	err = md_decode(md, sha1 ? SHA1_SIZE : SHA256_SIZE, &hex);
	if (err)
		return err;

	if (fp->n && fp->sha1 && !sha1)
		fp->n = 0;
	if ((fp->n && !fp->sha1 && sha1) || fp->n >= FP_MAX)
		return 0;

	fp->sha1 = sha1;
	memcpy(fp->mdv[fp->n++], md, sizeof(md));

	return 0;
}


static void trim(struct pl *pl)
{
	while (pl->l && *pl->p == ' ')
		pl_advance(pl, 1);
	while (pl->l && pl->p[pl->l - 1] == ' ')
		--pl->l;
}


/* Values separated by commas. @return 0; EBADMSG; ENOTSUP: no hash that we
   know; ENOMEM */
int msrp_fp_decode(struct msrp_fp **fpp, const char *str)
{
	struct msrp_fp *fp;
	struct pl list, val;
	int err = 0;

	fp = mem_zalloc(sizeof(*fp), NULL);
	if (!fp)
		return ENOMEM;

	pl_set_str(&list, str);
	do {
		val = list;
		val.l = 0;
		while (val.l < list.l && val.p[val.l] != ',')
			++val.l;
		pl_advance(&list, (ssize_t)(val.l + (val.l < list.l)));
		trim(&val);
		err = value_decode(fp, &val);
	} while (!err && list.l);

	if (!err && !fp->n)
		err = ENOTSUP;
	if (err) {
		mem_deref(fp);
		return err;
	}

	mem_deref(*fpp);
	*fpp = fp;

	return 0;
}


/* A CA says that this one is right */
int msrp_fp_vouch(struct msrp_fp **fpp, const uint8_t *md)
{
	if (!*fpp)
		*fpp = mem_zalloc(sizeof(**fpp), NULL);
	if (!*fpp)
		return ENOMEM;

	memcpy((*fpp)->mdv[0], md, FP_SIZE);
	(*fpp)->n = 1;
	(*fpp)->vouched = true;

	return 0;
}


bool msrp_fp_match(const struct msrp_fp *fp, const struct tls_conn *sc)
{
	uint8_t md[FP_SIZE];
	uint32_t i;

	if (tls_peer_fingerprint(sc, fp->sha1 ? TLS_FINGERPRINT_SHA1
				 : TLS_FINGERPRINT_SHA256, md, sizeof(md)))
		return false;

	for (i=0; i<fp->n; i++) {
		if (!memcmp(fp->mdv[i], md, md_size(fp)))
			return true;
	}

	return false;
}


int msrp_sess_set_fingerprint(struct msrp_sess *sess, const char *fp)
{
	if (!sess || !fp)
		return EINVAL;

	return msrp_fp_decode(&sess->fp, fp);
}


int msrp_fingerprint(char *buf, size_t size, const struct msrp *msrp)
{
	uint8_t md[SHA256_SIZE];
	size_t i, n = sizeof(hash_sha256) - 1;
	int err;

	if (!buf || !msrp)
		return EINVAL;
	if (!msrp->conf.tls)
		return ENOTSUP;
	if (size < MSRP_FP_SIZE)
		return EOVERFLOW;

	err = tls_fingerprint(msrp->conf.tls, TLS_FINGERPRINT_SHA256, md,
			      sizeof(md));
	if (err)
		return err;

	memcpy(buf, hash_sha256, n);
	for (i=0; i<sizeof(md); i++)
		n += (size_t)re_snprintf(buf + n, size - n, "%c%02X",
					 i ? ':' : ' ', (uint32_t)md[i]);

	return 0;
}


const char *msrp_strerror(int err)
{
	switch (err) {

	case 0:            return "closed by the peer";
	case EKEYREJECTED: return "certificate has another fingerprint";
	case ENOKEY:       return "certificate cannot be checked: no "
				  "fingerprint, no CA file";
	case EACCES:       return "certificate is not trusted, or of another "
				  "host";
	case EPROTO:       return "refused by the peer, or TLS failed";
	case ETIMEDOUT:    return "no answer in time";
	case ECONNREFUSED: return "connection refused";
	case ECONNRESET:   return "connection broken by the peer";
	case EHOSTUNREACH: return "host cannot be reached";
	case ENETUNREACH:  return "network cannot be reached";
	case EOVERFLOW:    return "the peer sent too much";
	case EBADMSG:      return "the peer does not speak MSRP";
	case ENOTSUP:      return "not supported";
	case ENOMEM:       return "no memory";
	default:           return "connection failed";
	}
}
