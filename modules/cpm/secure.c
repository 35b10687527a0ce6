/**
 * @file secure.c  Configuration of MSRP over TLS
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <cpm_msrp.h>
#include "glue.h"


enum { PATH_SIZE = 1024 };


static int get_mode(enum cpm_msrp *mode)
{
	static const char key[] = "cpm_msrp";
	struct pl val;

	if (conf_get(conf_cur(), key, &val))
		return 0;

	if (!pl_strcasecmp(&val, "auto"))
		*mode = CPM_MSRP_AUTO;
	else if (!pl_strcasecmp(&val, "tcp"))
		*mode = CPM_MSRP_TCP;
	else if (!pl_strcasecmp(&val, "tls"))
		*mode = CPM_MSRP_TLS;
	else {
		warning("cpm: %s: \"%r\" is wrong, it must be auto, tcp or "
			"tls\n", key, &val);
		return EINVAL;
	}

	return 0;
}


/* @return 0, path empty if there is no such key; EINVAL */
static int get_file(char *path, size_t size, const char *key)
{
	struct pl val;

	*path = '\0';
	if (conf_get(conf_cur(), key, &val) || !val.l)
		return 0;

	if (!pl_strcpy(&val, path, size))
		return 0;

	warning("cpm: %s: \"%r\" is wrong, it must be a path of less than "
		"1024 octets\n", key, &val);

	return EINVAL;
}


static int bad_file(const char *key, const char *path, const char *text)
{
	warning("cpm: %s: %s: %s\n", key, path, text);

	return EINVAL;
}


static int cert_open(struct tls **tlsp, const char *key)
{
	char path[PATH_SIZE];
	int err;

	err = get_file(path, sizeof(path), key);
	if (err)
		return err;

	err = msrp_tls_alloc(tlsp, *path ? path : NULL);
	if (!err)
		return 0;
	if (!*path)
		return bad_file(key, "no certificate could be made",
				strerror(err));

	switch (err) {

	case EBADMSG:
		return bad_file(key, path, "no PEM file with a private key "
				"and its certificate");

	case ENOTSUP:
		return bad_file(key, path, "its key has a passphrase: there "
				"is nobody to ask for it");

	default:
		return bad_file(key, path, strerror(err));
	}
}


static int ca_open(bool *verify, struct tls *tls, const char *key)
{
	char path[PATH_SIZE];
	FILE *f;
	int err;

	err = get_file(path, sizeof(path), key);
	if (err || !*path)
		return err;

	f = fopen(path, "re");
	if (!f)
		return bad_file(key, path, strerror(errno));
	(void)fclose(f);

	if (tls_add_ca(tls, path))
		return bad_file(key, path, "no PEM file with certificates");

	*verify = true;

	return 0;
}


/**
 * Read the keys of MSRP over TLS
 *
 * @param conf Its tls has to go with mem_deref()
 */
int secure_config(struct cpm_conf *conf)
{
	struct tls *tls = NULL;
	int err;

	err = get_mode(&conf->msrp);
	if (!err)
		err = cert_open(&tls, "cpm_tls_cert");
	if (!err)
		err = ca_open(&conf->tls_verify, tls, "cpm_tls_cafile");
	if (err)
		mem_deref(tls);
	else
		conf->tls = tls;

	return err;
}
