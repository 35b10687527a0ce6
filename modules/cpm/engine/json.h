/**
 * @file engine/json.h  JSON written as it comes
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#ifndef ENGINE_JSON_H
#define ENGINE_JSON_H

#include <stdio.h>
#include <cpm_re.h>

/** One writer; used by one thread at a time, which need not be that of the
    main loop: only json_alloc() and mem_deref() take and give memory */
struct json {
	FILE *f;             /* borrowed */
	int err;             /* the first one */
	bool first;          /* no member yet */
	struct mbuf *mb;
	size_t rawl;
	uint8_t raw[8192];   /* of a text, not yet written */
};

/** @param jsp mem_deref() it. @return 0; ENOMEM */
int json_alloc(struct json **jsp);

/** From now on to this file, which is borrowed; forgets an error */
void json_file(struct json *js, FILE *f);

/** An object on a line of its own */
void json_open(struct json *js);
void json_close(struct json *js);

/* Its members. Keys are ours: they are written as they are */
void json_uint(struct json *js, const char *key, uint64_t val);
void json_bool(struct json *js, const char *key, bool val);
/** NULL: no member */
void json_str(struct json *js, const char *key, const char *str);

/** A member that is an object: what follows belongs to it, up to its end */
void json_object(struct json *js, const char *key);
void json_object_end(struct json *js);

/** A string in pieces, cut anywhere */
void json_text_start(struct json *js, const char *key);
void json_text(struct json *js, const uint8_t *buf, size_t len);
void json_text_end(struct json *js);

#endif
