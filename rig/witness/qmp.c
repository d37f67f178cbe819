// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "qmp.h"

void qmp_init(struct qmp *qmp, int fd, qmp_event_fn event, void *ctx)
{
	memset(qmp, 0, sizeof(*qmp));
	qmp->fd = fd;
	qmp->event = event;
	qmp->event_ctx = ctx;
}

static int qmp_send(struct qmp *qmp, const char *text, struct qmp_pending pending)
{
	size_t len = strlen(text);
	ssize_t sent;

	if (qmp->nr == QMP_MAX_PENDING)
		return -EAGAIN;
	sent = send(qmp->fd, text, len, MSG_NOSIGNAL);
	if (sent < 0)
		return -errno;
	if ((size_t)sent != len)
		return -EIO;		/* a socket that holds 64 short commands took half of one */
	qmp->pending[(qmp->first + qmp->nr++) % QMP_MAX_PENDING] = pending;
	return 0;
}

int qmp_read_words(struct qmp *qmp, uint64_t pa, unsigned int nr, qmp_words_fn done, void *ctx, unsigned int tag)
{
	char text[160];

	if (!nr || nr > QMP_MAX_WORDS)
		return -EINVAL;
	if (!qmp->ready)
		return -EAGAIN;
	snprintf(text, sizeof(text), "{\"execute\":\"human-monitor-command\",\"arguments\":"
		 "{\"command-line\":\"xp /%uwx 0x%" PRIx64 "\"}}\n", nr, pa);
	return qmp_send(qmp, text, (struct qmp_pending){ .done = done, .ctx = ctx, .tag = tag });
}

/* "00000000fed90220: 0x00000000 0x00000000\r\n", four words a line. */
static unsigned int qmp_parse_words(const char *text, uint32_t words[QMP_MAX_WORDS])
{
	unsigned int nr = 0;
	char *end;

	for (text = strchr(text, ':'); text && nr < QMP_MAX_WORDS; text = strchr(text, ':')) {
		text++;
		for (; nr < QMP_MAX_WORDS; text = end) {
			text += strspn(text, " ");
			if (strncmp(text, "0x", 2))
				break;
			words[nr++] = strtoul(text, &end, 16);
		}
	}
	return nr;
}

static void qmp_answer(struct qmp *qmp, const char *text)
{
	struct qmp_pending pending;
	uint32_t words[QMP_MAX_WORDS];

	if (!qmp->nr)
		return;
	pending = qmp->pending[qmp->first];
	qmp->first = (qmp->first + 1) % QMP_MAX_PENDING;
	qmp->nr--;
	qmp->nr_answers++;
	if (pending.done)
		pending.done(pending.ctx, pending.tag, words, text ? qmp_parse_words(text, words) : 0);
	else
		qmp->ready = true;
}

static void qmp_line(void *ctx, char *line)
{
	struct qmp *qmp = ctx;
	struct json_object *json = json_tokener_parse(line), *member;
	const char *event;

	if (!json) {
		complain("QMP: not JSON: %.80s", line);
		return;
	}
	event = member_string(json, "event", NULL);
	if (json_object_object_get_ex(json, "QMP", &member)) {
		if (qmp_send(qmp, "{\"execute\":\"qmp_capabilities\"}\n", (struct qmp_pending){ 0 }))
			complain("QMP: no answer to the greeting possible");
	} else if (event) {
		qmp->event(qmp->event_ctx, event);
	} else {
		qmp_answer(qmp, member_string(json, "return", NULL));
	}
	json_object_put(json);
}

int qmp_receive(struct qmp *qmp)
{
	return linebuf_read(&qmp->in, qmp->fd, qmp_line, qmp);
}
