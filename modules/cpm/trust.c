/**
 * @file trust.c  Configuration of cpm_trust
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "glue.h"


int trust_config(struct cpm_conf *conf)
{
	static const char key[] = "cpm_trust";
	struct pl val;

	if (conf_get(conf_cur(), key, &val))
		return 0;

	if (!pl_strcasecmp(&val, "proxy"))
		conf->trust = CPM_TRUST_PROXY;
	else if (!pl_strcasecmp(&val, "any"))
		conf->trust = CPM_TRUST_ANY;
	else {
		warning("cpm: %s: \"%r\" is wrong, it must be proxy or "
			"any\n", key, &val);
		return EINVAL;
	}

	return 0;
}
