/**
 * @file invite.c  An INVITE of any form, by SIPp
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include "invite.h"


enum {
	AT_ONCE = 5,          /* SIPp takes longer to start than to call  */
};


char *invite_offer(struct env *env, const char *setup, const char *lines)
{
	/* nobody listens on a port that is held */
	static uint16_t port;
	static const struct env *of;

	if (of != env) {
		port = port_get(env, 1);
		of = env;
	}

	return invite_offer_at(env, port, setup, lines);
}


char *invite_offer_at(struct env *env, uint16_t port, const char *setup,
		      const char *lines)
{
	return env_str(env, "v=0\no=- 1 1 IN IP4 127.0.0.1\ns=-\n"
		       "c=IN IP4 127.0.0.1\nt=0 0\n"
		       "m=message %u TCP/MSRP *\n"
		       "a=accept-types:message/cpim\n"
		       "a=accept-wrapped-types:*\n"
		       "a=setup:%s\n"
		       "a=path:msrp://127.0.0.1:%u/invite;tcp\n%s",
		       port, setup, port, lines);
}


/* <ereg> puts what it finds into a variable, which must be used */
static const char *checks(struct env *env, const struct invite_args *args)
{
	const char *text = "<action>\n";
	size_t i;

	for (i=0; i<ARRAY_SIZE(args->checkv) && args->checkv[i].regex; i++) {
		const struct invite_check *c = &args->checkv[i];

		text = env_str(env, "%s<ereg regexp=\"%s\" search_in=\"%s\" "
			       "%s%s%s check_it=\"true\" "
			       "assign_to=\"%zu\"/>\n", text, c->regex,
			       c->header ? "hdr" : "body",
			       c->header ? "header=\"" : "",
			       c->header ? c->header : "",
			       c->header ? "\"" : "", i + 1);
	}

	return i ? env_str(env, "%s</action>\n", text) : "";
}


/* Variables that are only assigned are an error to SIPp */
static const char *variables(struct env *env, const struct invite_args *args)
{
	const char *text = "";
	size_t i;

	for (i=0; i<ARRAY_SIZE(args->checkv) && args->checkv[i].regex; i++)
		text = env_str(env, "%s%s%zu", text, i ? "," : "", i + 1);

	return i ? env_str(env, "<Reference variables=\"%s\"/>\n", text) : "";
}


static const char *then(struct env *env, const struct invite_args *args,
		  unsigned count)
{
	const char *pairv[] = {
		"RING", args->rings ? "<recv response=\"180\"/>" : "",
		"CODE", env_str(env, "%u", args->code),
		"CHECK", checks(env, args),
		"BACK", args->rings ? "4" : "3",
		NULL
	};
	const char *path = env_path(env, "then.%u", count), *text;

	file_fill(env, path, env_data(env, args->hangs_up ? "hungup.xml"
				      : args->code < 300 ? "accepted.xml"
				      : "refused.xml"), pairv);
	text = env_keep(env, file_read(path, NULL));

	return env_str(env, "%s%s", text, variables(env, args));
}


static const char *scenario(struct env *env, const struct invite_args *args)
{
	const unsigned count = (unsigned)list_count(&env->procl);
	const bool c = args->compact;
	const char *pairv[] = {
		"V", c ? "v" : "Via", "F", c ? "f" : "From",
		"T", c ? "t" : "To", "I", c ? "i" : "Call-ID",
		"M", c ? "m" : "Contact", "C", c ? "c" : "Content-Type",
		"L", c ? "l" : "Content-Length",
		"HEAD", args->head ? args->head : ACCEPT_CONTACT,
		"TYPE", args->type ? args->type : "application/sdp",
		"BODY", args->body ? args->body
			: invite_offer(env, "passive", "a=sendonly"),
		"THEN", then(env, args, count),
		NULL
	};
	const char *path = env_path(env, "invite.%u.xml", count);

	file_fill(env, path, env_data(env, "invite.xml"), pairv);

	return path;
}


struct proc *invite_start(struct baresip *b, const struct invite_args *args)
{
	return sipp_start(b->env, &(struct sipp_args){
		.scenario = scenario(b->env, args), .target = b->sip,
		.tcp = args->tcp});
}


static void check(int status, const struct invite_args *args)
{
	if (status)
		e2e_fail("SIPp ended with %d: an INVITE with\n%s\ndid not "
			 "fare as it should, %u", status, args->head
			 ? args->head : ACCEPT_CONTACT, args->code);
}


void invite_run(struct baresip *b, const struct invite_args *args)
{
	check(sipp_run(b->env, &(struct sipp_args){
		.scenario = scenario(b->env, args), .target = b->sip,
		.tcp = args->tcp}), args);
}


void invite_each(struct baresip *b, const struct invite_args *args,
		 const char *const *headv, size_t n)
{
	size_t i, j;

	for (i=0; i<n; i+=AT_ONCE) {
		struct invite_args argv[AT_ONCE];
		struct proc *pv[AT_ONCE];

		for (j=0; j<AT_ONCE && i + j < n; j++) {
			argv[j] = *args;
			argv[j].head = headv[i + j];
			pv[j] = invite_start(b, &argv[j]);
		}
		for (j=0; j<AT_ONCE && i + j < n; j++) {
			const int status = proc_wait(pv[j], 2 * E2E_WAIT);

			if (status == SIPP_BIND)
				invite_run(b, &argv[j]);
			else
				check(status, &argv[j]);
		}
	}
}


struct baresip *invite_alice(struct env *env, const char *config)
{
	return baresip_start(env, &(struct baresip_args){
		.name = "alice", .config = config,
		.accounts = "<sip:alice@127.0.0.1>;regint=0\n"});
}
