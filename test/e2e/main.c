/**
 * @file main.c  Runs the end-to-end suites; the last line is the total
 *
 * CK_RUN_SUITE and CK_RUN_CASE choose, as with every Check program; --list
 * says what there is.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "suite.h"


/* where the assertion stands; the harness itself has no better place */
static const char *where_file = __FILE__;
static int where_line = __LINE__;


static void fail_handler(const char *text)
{
#undef _ck_assert_failed
	_ck_assert_failed(where_file, where_line, "Failed", "%s", text);
}


void suite_failed(const char *file, int line, const char *expr,
		  const char *msg, ...)
{
	char text[2048];
	va_list ap;

	snprintf(text, sizeof(text), "%s", expr);
	if (msg) {
		va_start(ap, msg);
		vsnprintf(text, sizeof(text), msg, ap);
		va_end(ap);
	}

	where_file = file;
	where_line = line;
	e2e_fail("%s", text);
}


TCase *suite_case(Suite *suite, const char *name, unsigned seconds)
{
	TCase *tc = tcase_create(name);
	const char *preload = getenv("CPM_PRELOAD");

	/* the harness gives up first: it can tell why and cleans up */
	tcase_set_timeout(tc, 20 + seconds * (preload && *preload ? 3 : 1));
	suite_add_tcase(suite, tc);

	return tc;
}


int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		Suite *(*h)(void);
	} suitev[] = {
		{"host",      host_suite},
		{"session",   session_suite},
		{"invite",    invite_suite},
		{"msrp",      msrp_suite},
		{"relay",     relay_suite},
		{"tls",       tls_suite},
		{"model",     model_suite},
		{"bus",       bus_suite},
		{"composing", composing_suite},
		{"chat", chat_suite},
		{"page",      page_suite},
		{"pull",      pull_suite},
		{"inline",    inline_suite},
		{"file",      file_suite},
		{"edge",      edge_suite},
		{"send",      send_suite},
		{"duo",       duo_suite},
		{"report",    report_suite},
		{"register",  register_suite},
		{"available", available_suite},
		{"status",    status_suite},
		{"config",    config_suite},
		{"backlog",   backlog_suite},
		{"power",     power_suite},
		{"soak",      soak_suite},
		{"restart",   restart_suite},
		{"kill",      kill_suite},
		{"call",      call_suite},
		{"trust",     trust_suite},
		{"linphone",  linphone_suite},
		{"silo",      silo_suite},
		{"oom",       oom_suite},
		{"server",    server_suite},
		{"alone",     alone_suite},
		{"pf",        pf_suite},
	};
	SRunner *sr;
	int failed, ran;
	size_t i;

	if (argc > 1 && !strcmp(argv[1], "--list")) {
		for (i=0; i<ARRAY_SIZE(suitev); i++)
			puts(suitev[i].name);
		return 0;
	}

	sr = srunner_create(NULL);
	for (i=0; i<ARRAY_SIZE(suitev); i++)
		srunner_add_suite(sr, suitev[i].h());

	/* a failure shows the logs of all programs: half of it is used */
	check_set_max_msg_size(4 * 8192);
	env_set_fail(fail_handler);
	setvbuf(stdout, NULL, _IOLBF, 0);
	srunner_run_all(sr, CK_ENV);
	ran = srunner_ntests_run(sr);
	failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	printf("e2e: %d passed, %d failed\n", ran - failed, failed);

	return (failed || !ran) ? 1 : 0;
}
