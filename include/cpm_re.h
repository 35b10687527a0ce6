/**
 * @file cpm_re.h  libre, whatever its version
 *
 * The only place that spells out what differs between releases of libre.
 * Everything else includes this file and not re.h.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef CPM_RE_H
#define CPM_RE_H

/* libre up to 2.0.1 does not find these out by itself, and its .pc file does
   not say them: without them its headers use other types than the library */
#ifndef HAVE_INTTYPES_H
#define HAVE_INTTYPES_H 1
#endif
#ifndef HAVE_STDBOOL_H
#define HAVE_STDBOOL_H 1
#endif
#ifndef HAVE_INET6
#define HAVE_INET6 1
#endif

#include <stddef.h>
#include <string.h>
#include <re.h>

/* libre keeps a request whose answer was 2xx for 32 s, to know it if it comes
   again. What it needs for that is not in the list of headers, which is half
   of it: for use after the final answer, when nobody reads them any more. */
static inline void cpm_sip_msg_forget(const struct sip_msg *msg)
{
#ifdef HAVE_RE_ARG
	(void)msg;
#else
	struct sip_msg *m = (struct sip_msg *)msg;

	list_flush(&m->hdrl);
	hash_flush(m->hdrht);
	m->hdrht = (struct hash *)mem_deref(m->hdrht);
#endif
}

#endif
