/* SPDX-License-Identifier: GPL-2.0-or-later */
/* report.json: docs/report-schema.md describes each field. */
#ifndef WITNESS_REPORT_H
#define WITNESS_REPORT_H

#include "judge.h"
#include "run.h"

/* Rises when a field is added; no field ever changes its meaning or goes. */
#define REPORT_SCHEMA	5

/* Writes report.json into the run's directory. Return: 0, -errno. */
int report_write(const struct run *run, const struct verdict *verdict);

/* The short form, for people: print.c. */
void report_print(const struct run *run, const struct verdict *verdict);

/* Is the file a report, with each field there and of its type? Return: 0, -EINVAL (said on stderr why). */
int report_check(const char *path);

#endif
