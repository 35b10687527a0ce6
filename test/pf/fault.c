/**
 * @file fault.c  What to do wrong on purpose
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#include <stdlib.h>
#include "pf.h"


enum { REFUSE_CODE = 503 };

/* by fault; param: the name needs "=value" */
static const struct {
	const char *name;
	bool param;
	const char *help;
} table[FAULT_MAX] = {
	[FAULT_DROP] = {"drop", true,
		"=N  close the TCP connection after N octets of a session"},
	[FAULT_NOACK] = {"noack", false, "  no ACK to the 200"},
	[FAULT_LATEACK] = {"lateack", true,
		"=MS  ACK after so long, MSRP at once; below 500"},
	[FAULT_BADRANGE] = {"badrange", false,
		"  a Byte-Range that ends behind the octets of its chunk"},
	[FAULT_DELAY] = {"delay", true, "=MS  wait before each message"},
	[FAULT_REFUSE] = {"refuse", true,
		"=N[,CODE[,SECONDS]]  answer the next N IMDNs with CODE (503)"
		" and Retry-After"},
	[FAULT_NOBYE] = {"nobye", false, "  no BYE at the end"},
	[FAULT_EARLYBYE] = {"early-bye", false,
		"  BYE right after the ACK"},
	[FAULT_CANCEL] = {"cancel", true, "=MS  CANCEL the INVITE"},
	[FAULT_LOSE] = {"lose", true,
		"=N  do not read answers, stop after N messages"},
	[FAULT_ABORT] = {"abort", false,
		"  abort each 2nd message with #, then send it again"},
	[FAULT_INTERLEAVE] = {"interleave", false,
		"  the chunks of two messages alternate"},
	[FAULT_SHUFFLE] = {"shuffle", false,
		"  the chunks of a message are out of order"},
	[FAULT_REVERSE] = {"reverse", false,
		"  the chunks of a message from the last to the first"},
	[FAULT_OCTET] = {"octet", false, "  write MSRP octet by octet"},
	[FAULT_DUP] = {"dup", false,
		"  send each message twice in a session, or as two MESSAGEs"},
	[FAULT_NOPATH] = {"nopath", false, "  offer without a=path"},
	[FAULT_NOACCEPT] = {"noaccept", false,
		"  offer without message/cpim"},
	[FAULT_NORANGE] = {"norange", false,
		"  SEND without Byte-Range, a message is one chunk"},
	[FAULT_AUDIO] = {"audio", false, "  offer of audio only"},
	[FAULT_SESSIONLEVEL] = {"session-level", false,
		"  a=sendonly at session level"},
	[FAULT_SENDRECV] = {"sendrecv", false, "  a=sendrecv"},
	[FAULT_EXPIRES] = {"expires", true,
		"=SECONDS  Session-Expires of the INVITE"},
	[FAULT_REQUIRE] = {"require", false, "  Require: nonsense"},
	[FAULT_NOREFRESH] = {"norefresh", false,
		"  never refresh the session timer"},
	[FAULT_REPORT] = {"report", false, "  ask for Success-Report"},
	[FAULT_GROUP] = {"group", false,
		"  the INVITE is tagged as one of a group session"},
	[FAULT_SILENT] = {"silent", false, "  no answer to an IMDN"},
	[FAULT_BADFP] = {"badfp", false,
		"  a fingerprint of another certificate"},
	[FAULT_NOFP] = {"nofp", false, "  no fingerprint"},
	[FAULT_SHA1] = {"sha1", false, "  a fingerprint with SHA-1"},
	[FAULT_NOTLS] = {"notls", false,
		"  offer TLS, and speak plain TCP"},
	[FAULT_MIXED] = {"mixed", false,
		"  the m= line and the path differ about TLS"},
	[FAULT_TLS11] = {"tls1.1", false, "  TLS 1.1 and no other"},
	[FAULT_TLS12] = {"tls1.2", false, "  TLS 1.2 and no other"},
	[FAULT_TLS13] = {"tls1.3", false, "  TLS 1.3 and no other"},
	[FAULT_BURST] = {"burst", true,
		"=N  N MESSAGEs on their way at once, whoever wrote"},
	[FAULT_REORDER] = {"reorder", false,
		"  two MESSAGEs of a sender change places"},
	[FAULT_DEFERRED] = {"deferred", false,
		"  a MESSAGE is tagged deferred, not msg"},
	[FAULT_UNTAGGED] = {"untagged", false, "  a MESSAGE has no tag"},
	[FAULT_BARE] = {"bare", false,
		"  a MESSAGE has the text alone, without CPIM"},
	[FAULT_PULLREFUSE] = {"pull-refuse", true,
		"=CODE  refuse the INVITE of a pull"},
	[FAULT_PULLSILENT] = {"pull-silent", false,
		"  no answer to the INVITE of a pull"},
	[FAULT_PULLNOSDP] = {"pull-nosdp", false,
		"  200 without SDP to the INVITE of a pull"},
	[FAULT_WWW] = {"www", false,
		"  challenge a MESSAGE with 401, not with 407"},
};


/* [,CODE[,SECONDS]] */
static const char *refuse_arg(struct faults *faults, const char *val)
{
	char *end;

	faults->code  = REFUSE_CODE;
	faults->after = 0;
	if (*val != ',')
		return val;

	faults->code = (uint32_t)strtoul(val + 1, &end, 10);
	if (faults->code < 300 || faults->code > 699)
		return val;
	if (*end == ',')
		faults->after = (uint32_t)strtoul(end + 1, &end, 10);

	return end;
}


static int fault_arg(struct faults *faults, size_t i, const char *val)
{
	const char *rest;
	char *end;
	unsigned long n;

	if (!val)
		return table[i].param ? EINVAL : 0;
	if (!table[i].param)
		return EINVAL;

	n = strtoul(val, &end, 10);
	if (end == val || n > UINT32_MAX ||
	    (i == FAULT_PULLREFUSE && (n < 300 || n > 699)))
		return EINVAL;
	faults->arg[i] = (uint32_t)n;

	rest = i == FAULT_REFUSE ? refuse_arg(faults, end) : end;

	return *rest ? EINVAL : 0;
}


/** Switch one fault on, or all off ("none"). @return 0; EINVAL */
int fault_set(struct faults *faults, const char *str)
{
	const size_t n = strcspn(str, "=");
	const char *val = str[n] ? &str[n + 1] : NULL;
	size_t i;
	int err;

	if (!strcmp(str, "none")) {
		memset(faults, 0, sizeof(*faults));
		return 0;
	}

	for (i = 0; i < FAULT_MAX; i++) {
		if (strlen(table[i].name) != n ||
		    strncmp(table[i].name, str, n))
			continue;

		err = fault_arg(faults, i, val);
		if (!err)
			faults->on[i] = true;
		return err;
	}

	return EINVAL;
}


/** List them */
void fault_help(FILE *f)
{
	size_t i;

	for (i = 0; i < FAULT_MAX; i++)
		(void)fprintf(f, "  %s%s\n", table[i].name, table[i].help);
}
