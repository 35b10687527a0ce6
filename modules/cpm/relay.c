/**
 * @file relay.c  Configuration of our MSRP relay: cpm_relay, cpm_relay_user,
 * cpm_relay_pass
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_msrp.h>
#include "glue.h"


static int get(char *dst, size_t size, const char **strp, const char *key)
{
	struct pl val;

	if (conf_get(conf_cur(), key, &val))
		return 0;

	if (val.l >= size || !val.l) {
		warning("cpm: %s: it must have 1 to %zu octets\n", key,
			size - 1);
		return EINVAL;
	}

	*strp = dst;

	return pl_strcpy(&val, dst, size);
}


/* 1*8 relays, from the inside outwards, with blanks between */
static bool is_path(const char *str)
{
	struct msrp_uri uri;
	size_t n = 0;

	while (*(str += strspn(str, " "))) {
		const struct pl pl = {str, strcspn(str, " ")};

		if (msrp_uri_decode(&uri, &pl) || pl_isset(&uri.sid) ||
		    pl_strcasecmp(&uri.transport, "tcp") ||
		    ++n > MSRP_RELAY_MAX)
			return false;
		str += pl.l;
	}

	return n > 0;
}


/* In a quoted string as it is */
static bool is_user(const char *str)
{
	for (; *str; str++) {
		const uint8_t c = (uint8_t)*str;

		if (c < 0x20 || c == 0x7f || c == '"' || c == '\\')
			return false;
	}

	return true;
}


int relay_config(struct cpm_conf *conf, struct relay_text *text)
{
	int err;

	err = get(text->uri, sizeof(text->uri), &conf->relay, "cpm_relay");
	if (!err)
		err = get(text->user, sizeof(text->user), &conf->relay_user,
			  "cpm_relay_user");
	if (!err)
		err = get(text->pass, sizeof(text->pass), &conf->relay_pass,
			  "cpm_relay_pass");
	if (err)
		return err;

	if (conf->relay && !is_path(conf->relay)) {
		warning("cpm: cpm_relay: \"%s\" is wrong, it must be "
			"msrp://HOST:PORT;tcp or msrps://HOST:PORT;tcp, or "
			"several with blanks between and quotes around\n",
			conf->relay);
		return EINVAL;
	}
	if (conf->relay && !strncmp(conf->relay, "msrps:", 6) &&
	    !conf->tls_verify) {
		warning("cpm: cpm_relay: with msrps a cpm_tls_cafile is "
			"needed, to know the relay by its certificate\n");
		return EINVAL;
	}
	if (conf->relay_user && !is_user(conf->relay_user)) {
		warning("cpm: cpm_relay_user: it must have no quotes or "
			"backslashes\n");
		return EINVAL;
	}
	if ((conf->relay_user && !conf->relay) ||
	    !conf->relay_user != !conf->relay_pass) {
		warning("cpm: cpm_relay_user and cpm_relay_pass go together, "
			"and with cpm_relay\n");
		return EINVAL;
	}

	return 0;
}


struct dnsc *relay_dnsc(void *arg)
{
	(void)arg;

	return net_dnsc(baresip_network());
}
