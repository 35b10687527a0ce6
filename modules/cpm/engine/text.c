/**
 * @file text.c  Text of strangers, made safe for the user's programs
 *
 * RFC 3629 (UTF-8). The bus passes octets through as they are, so what is no
 * UTF-8, or would move a terminal's cursor, is taken out here.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


static const uint8_t replacement[] = {0xef, 0xbf, 0xbd};  /* U+FFFD */


static bool iscont(uint8_t c)
{
	return (c & 0xc0) == 0x80;
}


/*
 * UTF8-2 = %xC2-DF UTF8-tail
 * UTF8-3 = %xE0 %xA0-BF tail / %xE1-EC 2tail / %xED %x80-9F tail / ...
 * UTF8-4 = %xF0 %x90-BF 2tail / %xF1-F3 3tail / %xF4 %x80-8F 2tail
 *
 * Length of the character at buf; 0: none.
 */
size_t text_utf8(const uint8_t *buf, size_t len)
{
	const uint8_t c = buf[0];
	size_t n, i;

	if (c < 0x80)
		return 1;
	else if (c >= 0xc2 && c <= 0xdf)
		n = 2;
	else if (c >= 0xe0 && c <= 0xef)
		n = 3;
	else if (c >= 0xf0 && c <= 0xf4)
		n = 4;
	else
		return 0;

	if (n > len)
		return 0;
	for (i=1; i<n; i++) {
		if (!iscont(buf[i]))
			return 0;
	}

	/* overlong forms, surrogates, above U+10FFFF */
	if ((c == 0xe0 && buf[1] < 0xa0) || (c == 0xed && buf[1] > 0x9f) ||
	    (c == 0xf0 && buf[1] < 0x90) || (c == 0xf4 && buf[1] > 0x8f))
		return 0;

	return n;
}


static bool isunwanted(const uint8_t *c, size_t n)
{
	if (n == 1)
		return (c[0] < 0x20 && c[0] != '\n' && c[0] != '\t') ||
			c[0] == 0x7f;
	if (n == 2)
		return c[0] == 0xc2 && c[1] < 0xa0;  /* C1 */

	/* line and paragraph separator: a line must stay one */
	return n == 3 && c[0] == 0xe2 && c[1] == 0x80 &&
		(c[2] == 0xa8 || c[2] == 0xa9);
}


int cpm_text_clean(struct mbuf *mb, const uint8_t *buf, size_t len)
{
	size_t i = 0, start = 0;
	int err = 0;

	if (!mb || (!buf && len))
		return EINVAL;

	while (i < len && !err) {
		const size_t n = text_utf8(buf + i, len - i);

		if (n && !isunwanted(buf + i, n)) {
			i += n;
			continue;
		}

		if (i > start)
			err = mbuf_write_mem(mb, buf + start, i - start);
		if (!err && !n)
			err = mbuf_write_mem(mb, replacement,
					     sizeof(replacement));
		/* a lone CR was somebody's line end */
		if (!err && buf[i] == '\r' &&
		    (i + 1 == len || buf[i+1] != '\n'))
			err = mbuf_write_u8(mb, '\n');

		i += n ? n : 1;
		start = i;
	}

	if (!err && i > start)
		err = mbuf_write_mem(mb, buf + start, i - start);

	return err;
}


size_t cpm_text_valid(const uint8_t *buf, size_t len)
{
	size_t i = 0, n;

	while (i < len && (n = text_utf8(buf + i, len - i)) > 0)
		i += n;

	return i;
}


size_t cpm_text_cut(const uint8_t *buf, size_t len, size_t max)
{
	size_t n = max, back;

	if (!buf || len <= max)
		return buf ? len : 0;

	for (back=0; back < 3 && n && iscont(buf[n]); back++)
		--n;

	/* no character is that long: binary, cut anywhere */
	return iscont(buf[n]) ? max : n;
}
