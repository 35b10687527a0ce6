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

#endif
