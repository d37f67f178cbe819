/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which fields a JSON file must have, and of which types. */
#ifndef WITNESS_SCHEMA_H
#define WITNESS_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

#include "util.h"

enum kind { STRING, COUNT, NUMBER, BOOL, OBJECT, ARRAY };

struct field {
	const char *path;		/* members by '.'; "[]" after a name: of each entry */
	enum kind kind;
	bool may_be_null;
};

/* Return: how many are missing or of another type, each of which is said on stderr. */
unsigned int schema_check(const char *path, struct json_object *object, const struct field *fields, size_t nr);

#endif
