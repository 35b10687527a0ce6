/**
 * @file print.c  Events on standard output
 *
 * One event is one line and one write(): key=value separated by one space.
 * Octets that would break that (space, control characters, the percent sign)
 * are percent-encoded in every value; UTF-8 is left as it is.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <errno.h>
#include <unistd.h>
#include <stdarg.h>
#include "pf.h"


static void value_write(struct mbuf *mb, const char *str)
{
	const unsigned char *p;

	for (p = (const unsigned char *)str; p && *p; p++) {
		if (*p <= ' ' || *p == '%' || *p == 0x7f)
			(void)mbuf_printf(mb, "%%%02X", *p);
		else
			(void)mbuf_write_u8(mb, *p);
	}
}


static void line_send(struct mbuf *mb)
{
	size_t pos = 0;

	while (pos < mb->end) {
		ssize_t n = write(STDOUT_FILENO, mb->buf + pos, mb->end - pos);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return;
		pos += (size_t)n;
	}
}


/**
 * Print one event
 *
 * @param fmt The whole line. Knows %s (encoded), %u (unsigned) and
 *            %llu (unsigned long long) only
 */
void event(const char *fmt, ...)
{
	struct mbuf *mb = mbuf_alloc(512);
	va_list ap;

	if (!mb)
		return;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			(void)mbuf_write_u8(mb, (uint8_t)*fmt);
			continue;
		}
		if (*++fmt == 's') {
			value_write(mb, va_arg(ap, const char *));
		}
		else if (*fmt == 'u') {
			(void)mbuf_printf(mb, "%u", va_arg(ap, unsigned));
		}
		else {
			fmt += 2;
			(void)mbuf_printf(mb, "%llu",
					  va_arg(ap, unsigned long long));
		}
	}
	va_end(ap);

	(void)mbuf_write_u8(mb, '\n');
	line_send(mb);
	mem_deref(mb);
}
