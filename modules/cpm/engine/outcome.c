/**
 * @file outcome.c  What a refusal means to the person who wrote the message
 *
 * RFC 3261, 21; RFC 4028, 6; wire.md 2.9.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include "engine.h"


/* Where the text says nothing that the code does not, the class has one */
static const struct {
	uint16_t scode;
	const char *text;
} reasonv[] = {
	{400, "the request was not understood"},
	{401, "wrong user or password"},
	{402, "payment required"},
	{403, "not allowed"},
	{404, "no such user"},
	{405, "the other side takes no such requests"},
	{406, "the other side does not take it"},
	{407, "wrong user or password"},
	{408, "no answer"},
	{410, "the user is gone"},
	{413, "too large"},
	{414, "the address is too long"},
	{415, "the other side does not take this type"},
	{416, "the address is of no use there"},
	{420, "an extension is not supported"},
	{421, "an extension is required"},
	{422, "the session timer was not agreed on"},
	{433, "anonymous senders are refused"},
	{480, "away"},
	{481, "the session is not known there any more"},
	{482, "the request went round in a loop"},
	{483, "too many hops"},
	{484, "the address is incomplete"},
	{485, "the address is ambiguous"},
	{486, "busy"},
	{487, "ended before it was answered"},
	{488, "the other side does not take it"},
	{491, "both began at once"},
	{494, "a secured connection is required"},
	{501, "the other side takes no such requests"},
	{505, "another SIP version is required"},
	{513, "too large"},
	{600, "busy"},
	{603, "declined"},
	{604, "no such user"},
	{606, "the other side does not take it"},
};


const char *sip_reason(uint16_t scode)
{
	size_t i;

	for (i=0; i<sizeof(reasonv)/sizeof(reasonv[0]); i++) {
		if (reasonv[i].scode == scode)
			return reasonv[i].text;
	}

	switch (scode / 100) {

	case 3:  return "moved, and nobody there takes it";
	case 4:  return "refused";
	case 5:  return "the server cannot now";
	case 6:  return "refused everywhere";
	default: return "no usable answer";
	}
}
