#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Does the checker know what encloses a line? And does it see each way in which a hook can be elsewhere?
# shellcheck disable=SC2016 # dollars of make
set -eu
# shellcheck source=tests/scripts/lib.sh
. "$(dirname -- "$0")/lib.sh"

cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -O1 -g -fsanitize=address,undefined -o "$WORK/hookcheck" \
	"$TOP/scripts/hookcheck.c" || fail 'does not compile'
# It runs once and exits: what it holds at the end is no leak worth a line of code.
ASAN_OPTIONS=detect_leaks=0
export ASAN_OPTIONS
tree=$WORK/tree
mkdir -p "$tree"

# Each file below says of itself what it should be found to be: HOOK_x stands in place x, spaces and all.
# places FILE: list its HOOK_ lines, as if a diff had added the file, and compare
places() {
	nr=$(wc -l <"$tree/$1")
	printf -- '--- a/%s\n+++ b/%s\n@@ -0,0 +1,%d @@\n' "$1" "$1" "$nr" | "$WORK/hookcheck" list "$tree" >"$WORK/out" ||
		fail "$1: not listed"
	awk -F'\t' '{ i = index($3, "HOOK<"); if (!i) next
		s = substr($3, i + 5); sub(/>.*/, "", s); nr++
		if (s != $2) { print "in \"" $2 "\", not in \"" s "\""; bad = 1 } }
		END { print nr " hooks"; exit bad }' "$WORK/out" >"$WORK/have" || { cp "$WORK/have" "$WORK/out"; fail "$1"; }
	[ "$(tail -n 1 "$WORK/have")" = "$2 hooks" ] || fail "$1: $(tail -n 1 "$WORK/have"), not $2"
}

cat >"$tree/a.c" <<'EOT'
// a line comment { with a brace HOOK<none>
/* and { another
 * HOOK<none> */
int top = HOOK<->;
#include "HOOK<->"
#define ONE(x) do { x; } while (0) /* unbalanced { */ int HOOK<->
#define MANY(x)		\
	do {		\
		x; HOOK<#define MANY> \
	} while (0)
static int plain(int a)
{
	char brace = '{', quote = '"', *s = "}\"{";
	if (a) { /* } */
		HOOK<plain>;
	}
#ifdef CONFIG_X
	if (a) {
#else
	if (!a) {
#endif
		HOOK<plain>;
	}
}
int after_unbalanced(void)
{
	HOOK<after_unbalanced>;
}
static const struct ops ops_table = {
	.open = HOOK<ops_table>,
};
static const struct id ids[] __initconst = {
	{ HOOK<ids> },
};
struct node {
	union {
		int HOOK<struct node>;
	};
	int b;
} __packed;
enum { HOOK<enum> };
enum color {
	HOOK<enum color>,
};
DEFINE_THING(x)
static void __init two_lines(int a,
			     int HOOK<two_lines>)
	__releases(lock)
{
	HOOK<two_lines>;
}
__printf(1, 2)
int with_attribute(const char *fmt, ...)
{
	HOOK<with_attribute>;
}
SYSCALL_DEFINE2(reboot, int, a, int, b)
{
	HOOK<SYSCALL_DEFINE2(reboot)>;
}
EXPORT_SYMBOL(HOOK<->);
struct node *
old_style(struct node *n)
{
	struct node local = {
		.b = 1,
	};
	HOOK<old_style>;
}
int table[] = { 1, 2 };
int HOOK<->;
EOT
places a.c 19

cat >"$tree/Kconfig" <<'EOT'
mainmenu "HOOK<->"
config ONE
	bool "HOOK<config ONE>"
	help
	  if this is a help text, then
	  config HOOK<config ONE>
	  menu

menu "Second"
source "HOOK<menu "Second">"
config TWO
	bool "HOOK<config TWO>"
endmenu
if ONE
config THREE
	def_bool HOOK<config THREE>
source "HOOK<if ONE>"
endif # ONE
source "HOOK<->"
EOT
places Kconfig 8
cat >"$tree/Makefile" <<'EOT'
# HOOK<none>
obj-y := a.o \
	HOOK<obj-y>.o \
	HOOK<obj-y>.o
obj-$(CONFIG_X) += HOOK<->.o
ifdef CONFIG_PCI
obj-y += HOOK<ifdef CONFIG_PCI>.o
ifeq ($(A),b)
obj-y += HOOK<ifeq ($(A),b)>.o
else
obj-y += HOOK<ifeq ($(A),b), else>.o
endif
obj-y += HOOK<ifdef CONFIG_PCI>.o
endif
obj-y += HOOK<->.o
EOT
places Makefile 8

# The check itself.
cat >"$tree/b.c" <<'EOT'
void first(void)
{
	hook();
	common();
}

void second(void)
{
	hook();
	hook();
	common();
}
EOT
whole='--- a/b.c\n+++ b/b.c\n@@ -0,0 +3 @@\n@@ -0,0 +9,2 @@\n'
check() {
	printf %b "$whole" | "$WORK/hookcheck" check "$tree" "$WORK/manifest"
}
manifest() {
	printf 'b.c\t%s\thook();\n' "$@" >"$WORK/manifest"
}
manifest first second second
passes 'as it is' check
manifest first second
refuses 'one more than recorded' 'hook not in the manifest: b.c: "hook();" in second' check
manifest first first second second
refuses 'one less than recorded' 'hook in another place: b.c: "hook();" belongs in first, stands in second' check
manifest first second second second
refuses 'one less in the other' 'belongs in second, stands in first' check
manifest first second second third
refuses 'in another function' 'belongs in third, stands in first (line 3)' check
manifest first second second
printf 'b.c\tfirst\tgone();\n' >>"$WORK/manifest"
refuses 'gone' 'hook missing: b.c: "gone();" is not in first' check
printf 'b.c first hook();\n' >"$WORK/manifest"
refuses 'a manifest line that is none' 'manifest:1: not file<TAB>enclosing<TAB>text' check
whole='--- a/b.c\n+++ b/b.c\n@@ -0,0 +3,99 @@\n'
refuses 'a diff of something else' 'the diff names line 13 of 12' check
