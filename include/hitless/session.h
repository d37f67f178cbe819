/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Live update sessions: named sets of files that a kexec leaves alone. */
#ifndef HITLESS_SESSION_H
#define HITLESS_SESSION_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

int hitless_liveupdate_open(void);

int hitless_session_create(int liveupdate_fd, const char *name);
int hitless_session_preserve_fd(int session_fd, int fd, uint64_t token);

int hitless_session_retrieve(int liveupdate_fd, const char *name);
int hitless_session_retrieve_fd(int session_fd, uint64_t token);
int hitless_session_finish(int session_fd);

#ifdef __cplusplus
}
#endif

#endif
