/**
 * @file announce/summary.c  Something waits: reading a message summary
 *
 * RFC 3842, 5.2:
 *
 *     Messages-Waiting: yes
 *     Text-Message: 2/0
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <cpm_announce.h>


static bool isblank_octet(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}


static void trim(struct pl *pl)
{
	while (pl->l && isblank_octet(pl->p[0]))
		pl_advance(pl, 1);
	while (pl->l && isblank_octet(pl->p[pl->l - 1]))
		--pl->l;
}


/* The value, if the line has this name */
static bool line_value(struct pl *val, const struct pl *line)
{
	const char *colon = pl_strchr(line, ':');
	struct pl name = *line;

	if (!colon)
		return false;

	name.l = (size_t)(colon - line->p);
	trim(&name);
	if (pl_strcasecmp(&name, "Messages-Waiting"))
		return false;

	*val = *line;
	pl_advance(val, colon + 1 - line->p);
	trim(val);

	return true;
}


int announce_summary(bool *waiting, const uint8_t *buf, size_t len)
{
	struct pl left = {(const char *)buf, len}, val;

	if (!waiting || !buf)
		return EINVAL;
	if (len > ANNOUNCE_DOC_MAX)
		return EOVERFLOW;

	while (left.l) {
		const char *lf = pl_strchr(&left, '\n');
		struct pl line = left;

		if (lf)
			line.l = (size_t)(lf - left.p);
		pl_advance(&left, (ssize_t)(line.l + (lf ? 1 : 0)));

		if (!line_value(&val, &line))
			continue;

		*waiting = !pl_strcasecmp(&val, "yes");
		return *waiting || !pl_strcasecmp(&val, "no") ? 0 : EBADMSG;
	}

	return EBADMSG;
}
