// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "options.h"
#include "sysfs.h"

#define GENERATION_KEY "hitless.generation="

static int text_set(char *to, size_t bytes, const char *value)
{
	if (strlen(value) >= bytes)
		return -ENAMETOOLONG;
	strcpy(to, value);
	return 0;
}

static int number_set(unsigned int *to, const char *value)
{
	unsigned long number;
	char *end;

	errno = 0;
	number = strtoul(value, &end, 10);
	if (errno || !*value || *end || number > 1000000)
		return -EINVAL;
	*to = number;
	return 0;
}

static int option_set(struct options *options, const char *key, const char *value)
{
	if (!strcmp(key, "plan"))
		return text_set(options->plan, sizeof(options->plan), value);
	if (!strcmp(key, "devices"))
		return text_set(options->devices, sizeof(options->devices), value);
	if (!strcmp(key, "quarantined"))
		return text_set(options->quarantined, sizeof(options->quarantined), value);
	if (!strcmp(key, "places"))
		return text_set(options->places, sizeof(options->places), value);
	if (!strcmp(key, "sessions"))
		return text_set(options->sessions, sizeof(options->sessions), value);
	if (!strcmp(key, "share"))
		return text_set(options->share, sizeof(options->share), value);
	if (!strcmp(key, "hops"))
		return number_set(&options->hops, value);
	if (!strcmp(key, "run_ms"))
		return number_set(&options->run_ms, value);
	if (!strcmp(key, "swaps"))
		return number_set(&options->swaps, value);
	if (!strcmp(key, "pages"))
		return number_set(&options->pages, value);
	if (!strcmp(key, "squeeze"))
		return number_set(&options->squeeze, value);
	if (!strcmp(key, "keep"))
		return number_set(&options->keep, value);
	if (!strcmp(key, "bulk"))
		return number_set(&options->bulk, value);
	if (!strcmp(key, "mapped_gib"))
		return number_set(&options->mapped_gib, value);
	if (!strcmp(key, "leaf_kib"))
		return number_set(&options->leaf_kib, value);
	if (!strcmp(key, "scatter"))
		return number_set(&options->scatter, value);
	if (!strcmp(key, "generation"))
		return number_set(&options->generation, value);
	return -ENOENT;
}

static int word_parse(struct options *options, char *word)
{
	char *value = strchr(word, '=');
	int ret;

	if (strncmp(word, "hitless.", 8))
		return 0;
	if (!value)
		return -EINVAL;
	*value++ = '\0';
	ret = option_set(options, word + 8, value);
	if (ret)
		fprintf(stderr, "command line: %s=%s: %s\n", word, value, strerror(-ret));
	return ret;
}

/* A key that nobody knows is an error: a scenario with a misspelt key would test something else than it says. */
int options_read(struct options *options)
{
	char words[OPTIONS_CMDLINE_BYTES];
	char *word, *rest;
	int ret;

	*options = (struct options){ .plan = "dma", .devices = "ohci,hda,igb", .hops = 1, .run_ms = 4000, .swaps = 2000,
				     .pages = 16384, .keep = 1, .bulk = 1, .leaf_kib = 4, .scatter = 1 };
	ret = file_read_line("/proc/cmdline", options->cmdline, sizeof(options->cmdline));
	if (ret)
		return ret;
	strcpy(words, options->cmdline);
	for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		ret = word_parse(options, word);
		if (ret)
			return ret;
	}
	return 0;
}

/* The next kernel's command line is this kernel's, with the generation one up. */
int options_next_cmdline(const struct options *options, char *to, unsigned int bytes)
{
	char words[OPTIONS_CMDLINE_BYTES];
	unsigned int used = 0;
	char *word, *rest;

	strcpy(words, options->cmdline);
	for (word = strtok_r(words, " ", &rest); word; word = strtok_r(NULL, " ", &rest)) {
		if (!strncmp(word, GENERATION_KEY, strlen(GENERATION_KEY)))
			continue;
		used += snprintf(to + used, bytes - used, "%s ", word);
		if (used >= bytes)
			return -E2BIG;
	}
	used += snprintf(to + used, bytes - used, GENERATION_KEY "%u", options->generation + 1);
	return used >= bytes ? -E2BIG : 0;
}
