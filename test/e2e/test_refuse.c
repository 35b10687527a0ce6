/**
 * @file test_refuse.c  Commands with something wrong: refused, and said why
 *
 * bus.md, Commands: ok is false, and the answer is {"error":{code,text}}.
 *
 * SPDX-License-Identifier: BSD-3-Clause
 */
#define _GNU_SOURCE
#include "suite.h"
#include "scene.h"


struct refusal {
	const char *cmd;
	const char *prm;
	const char *code;
	const char *text;     /* that the error's text holds              */
};


static void all_refused(const struct refusal *v, size_t n)
{
	struct scene s;
	size_t i;

	scene_open(&s, NULL);
	scene_leave(&s, "from=%s ask=none text=still here", BOB);
	scene_start(&s);
	scene_delivered(&s, 1);

	for (i=0; i<n; i++)
		scene_refused(&s, v[i].cmd, v[i].prm, v[i].code, v[i].text);

	/* nothing of it did anything */
	ck_assert_str_eq("still here", j_str(ctrl_ask(s.c, "cpm_message",
						      "1"), "text"));
	ck_assert_int_eq(1, scene_count(&s, "unread"));
	ck_assert_int_eq(0, scene_count(&s, "imdn_pending"));
	ck_assert_str_eq("accept", j_str(ctrl_ask(s.c, "cpm_policy", NULL),
					 "deferred"));
	scene_close(&s);
}


START_TEST(parameters)
{
	static const struct refusal v[] = {
		{"cpm_messages", "{\"unraed\":true}", "EINVAL",
		 "unknown key \"unraed\""},
		{"cpm_conversations", "{\"limt\":1}", "EINVAL",
		 "unknown key \"limt\""},
		{"cpm_status", "{\"x\":1}", "EINVAL", "unknown key \"x\""},
		{"cpm_sessions", "{\"x\":1}", "EINVAL", "unknown key \"x\""},
		{"cpm_message", "{\"id\":1,\"ofset\":1}", "EINVAL",
		 "unknown key \"ofset\""},
		{"cpm_display", "{\"Id\":1}", "EINVAL", "unknown key \"Id\""},
		{"cpm_imdn", "{\"id\":1,\"state\":\"x\"}", "EINVAL",
		 "unknown key \"state\""},
		{"cpm_policy", "{\"defered\":\"ask\"}", "EINVAL",
		 "unknown key \"defered\""},
		{"cpm_pull", "{\"reference\":[\"a\"]}", "EINVAL",
		 "unknown key \"reference\""},
		{"cpm_deferred", "sip:nobody@cpm.test", "ENOENT",
		 "no account sip:nobody@cpm.test"},
		{"cpm_accept", "{\"id\":1}", "EINVAL", "unknown key \"id\""},
		{"cpm_delete", "{\"ids\":[1]}", "EINVAL",
		 "unknown key \"ids\""},

		{"cpm_messages", "{\"limit\":\"9\"}", "EINVAL",
		 "\"limit\" must be a number"},
		{"cpm_messages", "{\"limit\":1.5}", "EINVAL",
		 "\"limit\" must be a number"},
		{"cpm_messages", "{\"after\":-1}", "EINVAL",
		 "\"after\" must be a number"},
		{"cpm_messages", "{\"unread\":1}", "EINVAL",
		 "\"unread\" must be true or false"},
		{"cpm_messages", "{\"peer\":7}", "EINVAL",
		 "\"peer\" must be a string"},
		{"cpm_messages", "{\"peer\":null}", "EINVAL",
		 "\"peer\" must be a string"},
		{"cpm_display", "{\"ids\":1}", "EINVAL",
		 "\"ids\" must be an array of numbers"},
		{"cpm_display", "{\"ids\":[]}", "EINVAL", "\"ids\""},
		{"cpm_display", "{\"ids\":[1,\"x\"]}", "EINVAL", "\"ids\""},
		{"cpm_policy", "{\"delivery_imdn\":1}", "EINVAL",
		 "\"delivery_imdn\" must be true, false or"},
		{"cpm_accept", "{\"session\":\"one\"}", "EINVAL",
		 "\"session\" must be a number"},

		{"cpm_messages", "{\"limit\":0}", "EINVAL", "1 to 100"},
		{"cpm_messages", "{\"limit\":101}", "EINVAL", "1 to 100"},
		{"cpm_conversations", "{\"limit\":0}", "EINVAL", "1 to"},
		{"cpm_conversations", "{\"limit\":9999}", "EINVAL", "1 to"},
		{"cpm_messages", "{\"peer\":\"nobody\"}", "EINVAL",
		 "\"peer\" is no URI"},

		{"cpm_messages", "{\"limit\":9", "EINVAL", "no JSON object"},
		{"cpm_messages", "{]", "EINVAL", "no JSON object"},
		{"cpm_messages", "x", "EINVAL",
		 "\"conversation\" must be a number"},
		{"cpm_messages", "-1", "EINVAL",
		 "\"conversation\" must be a number"},
		{"cpm_messages", "1 2", "EINVAL", "too many words"},
		{"cpm_conversations", "1", "EINVAL", "too many words"},
		{"cpm_display", "c", "EINVAL",
		 "\"conversation\" must be a number"},
		{"cpm_delete", "d1", "EINVAL", "\"id\" must be a number"},
		{"cpm_message", "99999999999999999999", "EINVAL",
		 "\"id\" must be a number"},
	};

	all_refused(v, ARRAY_SIZE(v));
}
END_TEST


START_TEST(meaning)
{
	static const struct refusal v[] = {
		{"cpm_message", "99", "ENOENT", "no message 99"},
		{"cpm_messages", "99", "ENOENT", "no conversation 99"},
		{"cpm_policy", "{\"account\":\"sip:nobody@x\"}", "ENOENT",
		 "no account sip:nobody@x"},
		{"cpm_message", "{\"offset\":1}", "EINVAL",
		 "\"id\" is missing"},
		{"cpm_message", "0", "EINVAL", "\"id\" is missing"},
		{"cpm_display", "99", "ENOENT", "no message 99"},
		{"cpm_display", "c99", "ENOENT", "no conversation 99"},
		{"cpm_display", "{\"ids\":[99]}", "ENOENT", "no such message"},
		{"cpm_display", "{\"id\":1,\"conversation\":1}", "EINVAL",
		 "one of"},
		{"cpm_imdn", "99 delivered", "ENOENT", "no message 99"},
		{"cpm_imdn", "1 seen", "EINVAL", "delivered or displayed"},
		{"cpm_imdn", "1", "EINVAL", "delivered or displayed"},
		{"cpm_imdn", "1 delivered", "EINVAL", "did not ask"},
		{"cpm_policy", "perhaps", "EINVAL",
		 "accept, decline, ask or default"},
		{"cpm_policy", "ask nobody", "EINVAL", "\"from\" is no URI"},
		{"cpm_policy", "{\"display_imdn\":\"maybe\"}", "EINVAL",
		 "yes, no or default"},
		{"cpm_accept", "99", "ENOENT", "no session 99"},
		{"cpm_decline", "99", "ENOENT", "no session 99"},
		{"cpm_close", "99", "ENOENT", "no session 99"},
		{"cpm_close", "{\"session\":4294967297}", "ENOENT",
		 "no session 4294967297"},
		{"cpm_delete", "99", "ENOENT", "no message 99"},
		{"cpm_delete", "c99", "ENOENT", "no conversation 99"},
		{"cpm_delete", "{\"id\":1,\"conversation\":1}", "EINVAL",
		 "one of"},
	};

	all_refused(v, ARRAY_SIZE(v));
}
END_TEST


/* The host drops parameters that do not fit its buffer, and says nothing */
START_TEST(missing)
{
	static const char *const cmdv[] = {
		"cpm_message", "cpm_display", "cpm_imdn", "cpm_accept",
		"cpm_decline", "cpm_close", "cpm_delete", "cpm_send",
		"cpm_draft", "cpm_cancel",
	};
	struct scene s;
	char prm[1200];
	size_t i;

	scene_open(&s, NULL);
	scene_start(&s);
	memset(prm, ' ', sizeof(prm));
	memcpy(prm, "{\"id\":1", 7);
	memcpy(prm + sizeof(prm) - 2, "}", 2);
	for (i=0; i<ARRAY_SIZE(cmdv); i++) {
		scene_refused(&s, cmdv[i], NULL, "EINVAL", "missing");
		scene_refused(&s, cmdv[i], "{}", "EINVAL", "missing");
		scene_refused(&s, cmdv[i], prm, "EINVAL", "1000 bytes");
	}
	scene_close(&s);
}
END_TEST


void refuse_cases(Suite *suite)
{
	TCase *tc = suite_case(suite, "refuse", 60);

	tcase_add_test(tc, parameters);
	tcase_add_test(tc, meaning);
	tcase_add_test(tc, missing);
}
