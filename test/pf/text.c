/**
 * @file text.c  Identifiers, dates, encodings and generated text
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdio.h>
#include <time.h>
#include "pf.h"


enum {
	TEXT_LINE = 31,      /* octets of a generated line: the number of a
				line follows from an offset               */
	TEXT_MOD = 10000000, /* what fits into its seven digits           */
};


/** Random UUID (RFC 4122, 4.4) */
void uuid_make(char id[ID_SIZE])
{
	uint8_t b[16];
	size_t i, n = 0;

	rand_bytes(b, sizeof(b));
	b[6] = (b[6] & 0x0f) | 0x40;
	b[8] = (b[8] & 0x3f) | 0x80;

	for (i = 0; i < sizeof(b); i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			id[n++] = '-';
		n += (size_t)snprintf(&id[n], ID_SIZE - n, "%02x", b[i]);
	}
}


/** Random letters and digits, with the end mark in size */
void token_make(char *buf, size_t size)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyz234567";
	size_t i;

	for (i = 0; i + 1 < size; i++)
		buf[i] = set[rand_u32() % 32];
	buf[i] = '\0';
}


/** The time now as RFC 3339 has it, with milliseconds */
void date_now(char *buf, size_t size)
{
	struct timespec ts;
	struct tm tm;
	char sec[32];

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	(void)gmtime_r(&ts.tv_sec, &tm);
	(void)strftime(sec, sizeof(sec), "%Y-%m-%dT%H:%M:%S", &tm);
	(void)snprintf(buf, size, "%s.%03uZ", sec,
		       (unsigned)(ts.tv_nsec / 1000000) % 1000);
}


static bool hex_is(char ch)
{
	return (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'f') ||
		(ch >= 'A' && ch <= 'F');
}


/** Undo %XX. What is no such thing stays. @return 0; ENOMEM */
int percent_decode(char **dst, const struct pl *src)
{
	char *str = mem_alloc(src->l + 1, NULL);
	size_t i, n = 0;

	if (!str)
		return ENOMEM;

	for (i = 0; i < src->l; i++) {
		const char *p = src->p + i;

		if (*p == '%' && i + 2 < src->l &&
		    hex_is(p[1]) && hex_is(p[2])) {
			str[n++] = (char)(ch_hex(p[1]) << 4 | ch_hex(p[2]));
			i += 2;
			continue;
		}
		str[n++] = *p;
	}
	str[n] = '\0';

	*dst = str;
	return 0;
}


/** The user part of a sip URI, the number of a tel URI, or the name itself.
    @return 0; EINVAL; ENOMEM */
int uri_name(char **namep, const char *uri)
{
	struct pl pl;
	const char *p = uri;
	size_t n = strcspn(p, ":@");

	if (p[n] == ':')
		p += n + 1;
	n = strcspn(p, "@;?>");
	if (!n)
		return EINVAL;

	pl.p = p;
	pl.l = n;
	return percent_decode(namep, &pl);
}


/** The number at the beginning of a text; 0: none */
uint32_t pl_number(const struct pl *pl)
{
	struct pl num = {pl->p, 0};

	while (num.l < pl->l && num.p[num.l] >= '0' && num.p[num.l] <= '9')
		num.l++;

	return pl_u32(&num);
}


/** The text holds the word, whatever the case */
bool pl_has(const struct pl *pl, const char *word)
{
	const size_t n = strlen(word);
	size_t i, j;

	for (i = 0; i + n <= pl->l; i++) {
		for (j = 0; j < n; j++) {
			if ((pl->p[i + j] | 0x20) != (word[j] | 0x20))
				break;
		}
		if (j == n)
			return true;
	}

	return false;
}


/**
 * Octets off to off+len of the generated text of total octets: lines of 31
 * octets with a running number, then full stops to the exact size. Every
 * line holds characters of 1, 2 and 3 octets, and none is cut at the end.
 */
void text_make(uint8_t *buf, uint64_t off, size_t len, uint64_t total)
{
	const uint64_t full = total - total % TEXT_LINE;
	char line[] = "0000000 \xc3\x9cn\xc3\xaf" "c\xc3\xb8" "d\xc3\xa9"
		" \xe6\xbc\xa2\xe5\xad\x97 \xe2\x80\xa6\n";
	size_t n;

	for (; len; buf += n, off += n, len -= n) {
		const size_t pos = off % TEXT_LINE;
		uint32_t i, num = (uint32_t)(off / TEXT_LINE % TEXT_MOD);

		if (off >= full) {
			memset(buf, '.', len);
			return;
		}
		/* a gigabyte is 32 million lines: no printf here */
		for (i = 7; i--; num /= 10)
			line[i] = (char)('0' + num % 10);
		n = MIN(len, TEXT_LINE - pos);
		memcpy(buf, line + pos, n);
	}
}
