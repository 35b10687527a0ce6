/**
 * @file text.c  What the network says, made fit for a terminal
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "prog.h"


/* Octets of the character at p, in UTF-8; 0 if it is none (RFC 3629, 4) */
static size_t utf8_len(const uint8_t *p, size_t left)
{
	const size_t n = *p < 0x80 ? 1 : *p < 0xc2 ? 0 : *p < 0xe0 ? 2 :
		*p < 0xf0 ? 3 : *p < 0xf5 ? 4 : 0;
	size_t i;

	if (!n || n > left)
		return 0;
	for (i=1; i<n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	}
	/* longer than need be; surrogates; over U+10FFFF */
	if ((*p == 0xe0 && p[1] < 0xa0) || (*p == 0xed && p[1] > 0x9f) ||
	    (*p == 0xf0 && p[1] < 0x90) || (*p == 0xf4 && p[1] > 0x8f))
		return 0;

	return n;
}


/* Could it steer the terminal? C0 but for the line end and the tab, DEL, and
   C1 */
static bool steers(const uint8_t *p)
{
	return (*p < 0x20 && *p != '\n' && *p != '\t') || *p == 0x7f ||
		(*p == 0xc2 && p[1] < 0xa0);
}


/** Print a line: what, and the text without anything but text */
void text_print(const char *what, const uint8_t *buf, size_t len)
{
	size_t i = 0;

	fputs(what, stdout);
	while (i < len) {
		const size_t n = utf8_len(buf + i, len - i);

		if (n && !steers(buf + i))
			(void)fwrite(buf + i, 1, n, stdout);
		else if (buf[i] != '\r')
			putchar('?');
		i += n ? n : 1;
	}
	putchar('\n');
}


/** Is it what RFC 4975, 9 calls an ident? It can be typed in a shell then */
bool text_is_id(const char *str)
{
	const size_t n = strspn(str, "0123456789-.+%="
				"abcdefghijklmnopqrstuvwxyz"
				"ABCDEFGHIJKLMNOPQRSTUVWXYZ");

	return n && !str[n];
}
