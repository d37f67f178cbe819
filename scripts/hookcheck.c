// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * hookcheck: do the hooks stand where they were written to stand?
 *
 * A patch that applies cleanly can still land in the wrong function: context is three lines, and kernel functions
 * begin and end alike. So the place of every added line is on record in kernel/patches/manifest, one a line:
 *
 *	file <TAB> enclosing function or section <TAB> text
 *
 * and after the series was applied each of them is looked up again. The text is the whole line, with runs of blanks
 * made one. Blank lines, comments and lines of punctuation alone are no hooks and are not recorded.
 *
 *	hookcheck list TREE		<diff	print the manifest of the lines that the diff adds to files of TREE
 *	hookcheck check TREE MANIFEST	<diff	compare; name what is missing, stands elsewhere, or is not on record
 *
 * The diff is that of `diff -U0` from the unpatched files to those in TREE, with paths like b/drivers/pci/pci.c.
 *
 * What encloses a line: in C, the function, the initialised object, the struct, union or enum, or the macro; in
 * Kconfig, the entry, or the menu, choice or if around it; in a Makefile, the variable that a continued line belongs to,
 * or the conditional around it. "-" is the top level. This is no parser: it knows the kernel's layout, in which a
 * brace in the first column closes whatever is open, and so #if branches that do not balance cannot lead it astray
 * beyond one function.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOP_LEVEL	"-"
#define MAX_NEST	64
#define MAX_TOKENS	512

struct line {
	char *text;		/* trimmed, blanks collapsed */
	const char *where;	/* what encloses it */
	bool code;		/* more than blanks, comment and punctuation */
};

struct file {
	char *path;		/* in the tree */
	char *raw;
	struct line *lines;
	size_t nr_lines;
	struct file *next;
};

struct hook {
	char *path, *where, *text;
};

struct hooks {
	struct hook *v;
	size_t nr, max;
};

static struct file *files;

__attribute__((noreturn, format(printf, 1, 2)))
static void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fputs("hookcheck: ", stderr);
	vfprintf(stderr, fmt, ap);
	fputc('\n', stderr);
	va_end(ap);
	exit(2);
}

static void *xrealloc(void *p, size_t n)
{
	p = realloc(p, n);
	if (!p)
		die("out of memory");
	return p;
}

static char *xstrndup(const char *s, size_t n)
{
	char *p = xrealloc(NULL, n + 1);

	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

__attribute__((format(printf, 1, 2)))
static char *xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *p;
	int n;

	va_start(ap, fmt);
	n = vasprintf(&p, fmt, ap);
	va_end(ap);
	if (n < 0)
		die("out of memory");
	return p;
}

/* The line without blanks at its ends, each run of blanks inside made one: indentation may change, the hook stays. */
static char *squeeze(const char *s, size_t n)
{
	char *out = xrealloc(NULL, n + 1), *o = out;

	for (size_t i = 0; i < n; i++) {
		if (!isspace((unsigned char)s[i]))
			*o++ = s[i];
		else if (o > out && o[-1] != ' ')
			*o++ = ' ';
	}
	if (o > out && o[-1] == ' ')
		o--;
	*o = '\0';
	return out;
}

static char *read_stream(FILE *in, const char *name)
{
	size_t len = 0, max = 1 << 16, n;
	char *buf = xrealloc(NULL, max + 1);

	while ((n = fread(buf + len, 1, max - len, in)) > 0) {
		len += n;
		if (len == max) {
			max *= 2;
			buf = xrealloc(buf, max + 1);
		}
	}
	if (ferror(in))
		die("%s: cannot read", name);
	if (memchr(buf, '\0', len))
		die("%s: not a text file", name);
	buf[len] = '\0';
	return buf;
}

static char *read_path(const char *path)
{
	FILE *in = fopen(path, "r");
	char *buf;

	if (!in)
		die("%s: %s", path, strerror(errno));
	buf = read_stream(in, path);
	fclose(in);
	return buf;
}

/* C */

enum tok { TOK_WORD, TOK_OPEN, TOK_CLOSE, TOK_ASSIGN, TOK_OTHER };

struct token {
	enum tok kind;
	const char *s;
	size_t n;
};

struct scan {
	struct file *f;
	size_t line;			/* index of the current one */
	size_t head_line;		/* where the top-level declaration at hand began */
	struct token head[MAX_TOKENS];	/* its tokens so far */
	size_t nr_head;
	unsigned int brace, paren;
	const char *where;		/* of the block at hand */
};

static bool token_is(const struct token *t, const char *word)
{
	return t->kind == TOK_WORD && strlen(word) == t->n && !memcmp(t->s, word, t->n);
}

static bool token_is_tag(const struct token *t)
{
	return token_is(t, "struct") || token_is(t, "union") || token_is(t, "enum");
}

/* Words that take parentheses in a declaration and are not its name. */
static bool token_is_attribute(const struct token *t)
{
	static const char * const words[] = {
		"__attribute__", "__printf", "__scanf", "__releases", "__acquires", "__must_hold", "__cond_acquires",
		"__section", "__aligned", "__alloc_size", "__assume_aligned", "__counted_by", "__malloc", "__no_context",
		"__releases_shared", "__acquires_shared", "__must_hold_shared", "__guarded_by", "__context_unsafe",
		"asmlinkage_protect", "typeof", "__typeof__", "_Alignas", "alignas",
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (token_is(t, words[i]))
			return true;
	}
	return false;
}

static bool token_is_upper(const struct token *t)
{
	for (size_t i = 0; i < t->n; i++) {
		if (islower((unsigned char)t->s[i]))
			return false;
	}
	return true;
}

/* The name before an initialiser: the last word before '=' that stands in no brackets. */
static const char *name_of_object(const struct scan *sc, size_t nr)
{
	const struct token *name = NULL;
	int depth = 0;

	for (size_t i = 0; i < nr; i++) {
		const struct token *t = &sc->head[i];

		if (t->kind == TOK_OPEN)
			depth++;
		else if (t->kind == TOK_CLOSE)
			depth--;
		if (t->kind != TOK_WORD || depth || (i + 1 < nr && t[1].kind == TOK_OPEN && *t[1].s == '('))
			continue;
		/* __initconst, __ro_after_init and so on may stand behind the name. */
		if (!name || t->n < 2 || memcmp(t->s, "__", 2))
			name = t;
	}
	return name ? xstrndup(name->s, name->n) : TOP_LEVEL;
}

static const char *name_of_function(const struct scan *sc)
{
	for (size_t i = 0, depth = 0; i + 1 < sc->nr_head; i++) {
		const struct token *t = &sc->head[i];

		if (t->kind == TOK_OPEN)
			depth++;
		else if (t->kind == TOK_CLOSE && depth)
			depth--;
		if (depth || t->kind != TOK_WORD || t[1].kind != TOK_OPEN || *t[1].s != '(' || token_is_attribute(t))
			continue;
		/* SYSCALL_DEFINE2(name, ...) and its like: many a file has several of them. */
		if (token_is_upper(t) && i + 2 < sc->nr_head && t[2].kind == TOK_WORD)
			return xasprintf("%.*s(%.*s)", (int)t->n, t->s, (int)t[2].n, t[2].s);
		return xstrndup(t->s, t->n);
	}
	return NULL;
}

static const char *name_of_head(const struct scan *sc)
{
	const char *name;
	int depth = 0;

	for (size_t i = 0; i < sc->nr_head; i++) {
		const struct token *t = &sc->head[i];

		if (t->kind == TOK_OPEN)
			depth++;
		else if (t->kind == TOK_CLOSE)
			depth--;
		else if (t->kind == TOK_ASSIGN && !depth)
			return name_of_object(sc, i);
	}
	name = name_of_function(sc);
	if (name)
		return name;
	for (size_t i = 0; i < sc->nr_head; i++) {
		const struct token *t = &sc->head[i];

		if (!token_is_tag(t))
			continue;
		if (i + 1 < sc->nr_head && t[1].kind == TOK_WORD)
			return xasprintf("%.*s %.*s", (int)t->n, t->s, (int)t[1].n, t[1].s);
		return xstrndup(t->s, t->n);
	}
	return TOP_LEVEL;
}

static void scan_head_end(struct scan *sc)
{
	sc->nr_head = 0;
	sc->paren = 0;
}

static void scan_token(struct scan *sc, enum tok kind, const char *s, size_t n, bool first_column)
{
	struct token t = { kind, s, n };

	/* A macro that needs no semicolon, DEFINE_X(y), ended where the next declaration begins in the first column. */
	if (first_column && kind == TOK_WORD && sc->nr_head && !sc->paren &&
	    sc->head[sc->nr_head - 1].kind == TOK_CLOSE && !token_is_attribute(&t))
		scan_head_end(sc);
	if (!sc->nr_head)
		sc->head_line = sc->line;
	if (sc->nr_head < MAX_TOKENS)
		sc->head[sc->nr_head++] = t;
}

static void scan_open_block(struct scan *sc)
{
	if (sc->brace++)
		return;
	sc->where = name_of_head(sc);
	for (size_t i = sc->nr_head ? sc->head_line : sc->line; i <= sc->line; i++)
		sc->f->lines[i].where = sc->where;
}

static void scan_close_block(struct scan *sc, bool first_column)
{
	if (first_column)
		sc->brace = 0;
	else if (sc->brace)
		sc->brace--;
	if (!sc->brace) {
		sc->where = TOP_LEVEL;
		scan_head_end(sc);
	}
}

static void scan_punct(struct scan *sc, const char *s, bool first_column)
{
	switch (*s) {
	case '{':
		if (!sc->paren || sc->brace)
			scan_open_block(sc);
		return;
	case '}':
		if (first_column || sc->brace)
			scan_close_block(sc, first_column);
		return;
	}
	if (sc->brace)
		return;
	switch (*s) {
	case '(':
	case '[':
		scan_token(sc, TOK_OPEN, s, 1, first_column);
		sc->paren++;
		return;
	case ')':
	case ']':
		scan_token(sc, TOK_CLOSE, s, 1, first_column);
		if (sc->paren)
			sc->paren--;
		return;
	case '=':
		scan_token(sc, TOK_ASSIGN, s, 1, first_column);
		return;
	case ';':
		if (!sc->paren)
			scan_head_end(sc);
		return;
	default:
		scan_token(sc, TOK_OTHER, s, 1, first_column);
	}
}

static void scan_newline(struct scan *sc)
{
	sc->line++;
	if (sc->line < sc->f->nr_lines)
		sc->f->lines[sc->line].where = sc->where;
}

static bool is_word(char c)
{
	return isalnum((unsigned char)c) || c == '_';
}

static const char *skip_comment(struct scan *sc, const char *s)
{
	if (s[1] == '/') {
		while (*s && *s != '\n')
			s++;
		return s;
	}
	for (s += 2; *s && !(s[0] == '*' && s[1] == '/'); s++) {
		if (*s == '\n')
			scan_newline(sc);
	}
	return *s ? s + 2 : s;
}

static const char *skip_string(struct scan *sc, const char *s)
{
	char quote = *s++;

	while (*s && *s != quote && *s != '\n') {
		if (*s == '\\' && s[1]) {
			if (s[1] == '\n')
				scan_newline(sc);
			s++;
		}
		s++;
	}
	return *s == quote ? s + 1 : s;
}

/*
 * A preprocessor line, with what continues it. It takes no part in the nesting; a macro over several lines is a place of
 * its own, for hooks in it.
 */
static const char *scan_directive(struct scan *sc, const char *s)
{
	const char *name = NULL, *p = s + 1;
	size_t n = 0;

	sc->f->lines[sc->line].code = true;
	while (*p == ' ' || *p == '\t')
		p++;
	if (!strncmp(p, "define", 6) && isblank((unsigned char)p[6])) {
		for (name = p + 7; isblank((unsigned char)*name);)
			name++;
		while (is_word(name[n]))
			n++;
		name = n ? xasprintf("#define %.*s", (int)n, name) : NULL;
	}
	while (*s && *s != '\n') {
		if (s[0] == '/' && (s[1] == '*' || s[1] == '/')) {
			s = skip_comment(sc, s);
			continue;
		}
		if (s[0] == '\\' && s[1] == '\n') {
			scan_newline(sc);
			if (name)
				sc->f->lines[sc->line].where = name;
			s++;
		} else if (is_word(*s)) {
			sc->f->lines[sc->line].code = true;
		}
		s++;
	}
	return s;
}

static void scan_c(struct file *f)
{
	struct scan *sc = xrealloc(NULL, sizeof(*sc));
	bool line_start = true;
	const char *s = f->raw;

	memset(sc, 0, sizeof(*sc));
	sc->f = f;
	sc->where = TOP_LEVEL;
	if (f->nr_lines)
		f->lines[0].where = sc->where;
	while (*s) {
		bool first_column = s == f->raw || s[-1] == '\n';

		if (*s == '\n') {
			scan_newline(sc);
			line_start = true;
			s++;
		} else if (isspace((unsigned char)*s)) {
			s++;
		} else if (*s == '#' && line_start) {
			s = scan_directive(sc, s);
		} else if (s[0] == '/' && (s[1] == '*' || s[1] == '/')) {
			s = skip_comment(sc, s);
		} else if (*s == '"' || *s == '\'') {
			f->lines[sc->line].code = true;
			line_start = false;
			s = skip_string(sc, s);
		} else if (is_word(*s)) {
			size_t n = 0;

			while (is_word(s[n]))
				n++;
			f->lines[sc->line].code = true;
			if (!sc->brace)
				scan_token(sc, TOK_WORD, s, n, first_column);
			line_start = false;
			s += n;
		} else {
			scan_punct(sc, s, first_column);
			line_start = false;
			s++;
		}
	}
	free(sc);
}

/* Kconfig and Makefiles: line by line */

static bool starts(const char *text, const char *word)
{
	size_t n = strlen(word);

	return !strncmp(text, word, n) && (!text[n] || text[n] == ' ' || text[n] == '(');
}

static bool starts_any(const char *text, const char * const *words)
{
	for (; *words; words++) {
		if (starts(text, *words))
			return true;
	}
	return false;
}

static void scan_kconfig(struct file *f)
{
	static const char * const entries[] = { "config", "menuconfig", NULL };
	static const char * const opens[] = { "menu", "choice", "if", NULL };
	static const char * const closes[] = { "endmenu", "endchoice", "endif", NULL };
	static const char * const others[] = { "source", "comment", "mainmenu", "rsource", "osource", NULL };
	const char *nest[MAX_NEST] = { TOP_LEVEL }, *where = TOP_LEVEL;
	size_t depth = 0;
	bool in_help = false;

	for (size_t i = 0; i < f->nr_lines; i++) {
		struct line *l = &f->lines[i];
		const char *raw = l->text;

		l->code = *raw && *raw != '#';
		/* The words of a help text may be keywords; they are told by their indentation, which the text has lost. */
		if (in_help && (!*raw || l->where == NULL)) {
			l->where = where;
			continue;
		}
		in_help = false;
		if (starts_any(raw, entries)) {
			where = raw;
			l->where = raw;
		} else if (starts_any(raw, opens)) {
			l->where = nest[depth];
			if (depth + 1 == MAX_NEST)
				die("%s:%zu: nested too deep", f->path, i + 1);
			nest[++depth] = raw;
			where = raw;
		} else if (starts_any(raw, closes)) {
			if (depth)
				depth--;
			where = nest[depth];
			l->where = where;
		} else if (starts_any(raw, others)) {
			where = nest[depth];
			l->where = where;
		} else {
			l->where = where;
			in_help = starts(raw, "help") || starts(raw, "---help---");
		}
	}
}

/* The variable that is assigned, for the lines that continue the assignment. */
static const char *make_variable(const char *text)
{
	size_t n = strcspn(text, " :+?=");

	return text[n] && strchr(text + n, '=') && n ? xstrndup(text, n) : NULL;
}

static void scan_makefile(struct file *f)
{
	static const char * const opens[] = { "ifdef", "ifndef", "ifeq", "ifneq", NULL };
	const char *nest[MAX_NEST] = { TOP_LEVEL }, *variable = NULL;
	bool continued = false;
	size_t depth = 0;

	for (size_t i = 0; i < f->nr_lines; i++) {
		struct line *l = &f->lines[i];
		size_t n = strlen(l->text);

		l->code = *l->text && *l->text != '#';
		if (continued) {
			l->where = variable ? variable : nest[depth];
		} else {
			l->where = nest[depth];
			variable = make_variable(l->text);
			if (starts_any(l->text, opens)) {
				if (depth + 1 == MAX_NEST)
					die("%s:%zu: nested too deep", f->path, i + 1);
				nest[++depth] = l->text;
			} else if (starts(l->text, "endif") && depth) {
				l->where = nest[--depth];
			} else if (starts(l->text, "else") && depth) {
				nest[depth] = xasprintf("%s, else", nest[depth]);
			}
		}
		continued = n && l->text[n - 1] == '\\';
	}
}

/* Files */

static const char *base_name(const char *path)
{
	const char *p = strrchr(path, '/');

	return p ? p + 1 : path;
}

static bool has_suffix(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && !strcmp(s + n - m, suffix);
}

static void split_lines(struct file *f)
{
	size_t max = 0;

	for (char *s = f->raw, *e; *s; s = *e ? e + 1 : e) {
		e = s + strcspn(s, "\n");
		if (f->nr_lines == max) {
			max = max ? 2 * max : 256;
			f->lines = xrealloc(f->lines, max * sizeof(*f->lines));
		}
		f->lines[f->nr_lines++] = (struct line){ .text = squeeze(s, e - s), .where = TOP_LEVEL };
	}
}

/* Mark the lines that a Kconfig help text may hold: those that begin with a blank and no keyword of the top. */
static void mark_help(struct file *f)
{
	const char *s = f->raw;
	size_t indent = 0;
	bool help = false;

	for (size_t i = 0; i < f->nr_lines; i++, s += strcspn(s, "\n") + 1) {
		size_t col = 0, n = 0;

		for (; s[n] == ' ' || s[n] == '\t'; n++)
			col = s[n] == '\t' ? (col | 7) + 1 : col + 1;
		if (help && *f->lines[i].text) {
			if (!indent)
				indent = col;
			help = col && col >= indent;
			if (help)
				f->lines[i].where = NULL;
		}
		if (!help && (starts(f->lines[i].text, "help") || starts(f->lines[i].text, "---help---"))) {
			help = true;
			indent = 0;
		}
	}
}

static struct file *file_find(const char *path)
{
	for (struct file *f = files; f; f = f->next) {
		if (!strcmp(f->path, path))
			return f;
	}
	return NULL;
}

static struct file *file_get(const char *tree, const char *path)
{
	const char *base = base_name(path);
	struct file *f = file_find(path);
	char *full;

	if (f)
		return f;
	full = xasprintf("%s/%s", tree, path);
	f = xrealloc(NULL, sizeof(*f));
	*f = (struct file){ .path = xstrndup(path, strlen(path)), .raw = read_path(full), .next = files };
	free(full);
	files = f;
	split_lines(f);
	if (!strncmp(base, "Kconfig", 7)) {
		mark_help(f);
		scan_kconfig(f);
	} else if (!strncmp(base, "Makefile", 8) || !strncmp(base, "Kbuild", 6)) {
		scan_makefile(f);
	} else if (has_suffix(base, ".c") || has_suffix(base, ".h")) {
		scan_c(f);
	} else {
		for (size_t i = 0; i < f->nr_lines; i++)
			f->lines[i].code = *f->lines[i].text;
	}
	return f;
}

/* Hooks: of the diff, and of the manifest */

static void hooks_add(struct hooks *h, char *path, char *where, char *text)
{
	if (h->nr == h->max) {
		h->max = h->max ? 2 * h->max : 64;
		h->v = xrealloc(h->v, h->max * sizeof(*h->v));
	}
	h->v[h->nr++] = (struct hook){ path, where, text };
}

static bool hook_equal(const struct hook *a, const struct hook *b)
{
	return !strcmp(a->path, b->path) && !strcmp(a->where, b->where) && !strcmp(a->text, b->text);
}

static size_t hooks_count(const struct hooks *h, const struct hook *hook, size_t nr)
{
	size_t n = 0;

	for (size_t i = 0; i < nr; i++)
		n += hook_equal(&h->v[i], hook);
	return n;
}

static void diff_hunk(struct hooks *h, struct file *f, const char *s)
{
	unsigned long first, nr = 1;
	char *end;

	s = strchr(s, '+');
	if (!s)
		die("%s: hunk header not understood", f->path);
	first = strtoul(s + 1, &end, 10);
	if (*end == ',')
		nr = strtoul(end + 1, &end, 10);
	for (unsigned long i = first; i < first + nr; i++) {
		if (!i || i > f->nr_lines)
			die("%s: the diff names line %lu of %zu", f->path, i, f->nr_lines);
		if (f->lines[i - 1].code)
			hooks_add(h, f->path, (char *)f->lines[i - 1].where, f->lines[i - 1].text);
	}
}

static void diff_read(struct hooks *h, const char *tree)
{
	char *diff = read_stream(stdin, "diff"), *e;
	struct file *f = NULL;

	for (char *s = diff; *s; s = *e ? e + 1 : e) {
		e = s + strcspn(s, "\n");
		if (!strncmp(s, "+++ b/", 6)) {
			char *path = xstrndup(s + 6, strcspn(s + 6, "\t\n"));

			f = file_get(tree, path);
			free(path);
		} else if (!strncmp(s, "@@ ", 3)) {
			if (!f)
				die("the diff has a hunk before any file name");
			diff_hunk(h, f, s);
		}
	}
	free(diff);
}

static void manifest_read(struct hooks *h, const char *path)
{
	char *raw = read_path(path), *e;
	size_t nr = 0;

	for (char *s = raw; *s; s = *e ? e + 1 : e) {
		char *where, *text;

		nr++;
		e = s + strcspn(s, "\n");
		if (e == s || *s == '#')
			continue;
		where = memchr(s, '\t', e - s);
		text = where ? memchr(where + 1, '\t', e - where - 1) : NULL;
		if (!text || text + 1 == e || text == where + 1 || where == s)
			die("%s:%zu: not file<TAB>enclosing<TAB>text", path, nr);
		hooks_add(h, xstrndup(s, where - s), xstrndup(where + 1, text - where - 1),
			  xstrndup(text + 1, e - text - 1));
	}
	free(raw);
}

/* How often the hook's text stands in the place it names; and where else it stands, the first such line. */
static size_t tree_count(const struct file *f, const struct hook *hook, size_t *elsewhere)
{
	size_t n = 0;

	*elsewhere = 0;
	for (size_t i = 0; i < f->nr_lines; i++) {
		if (!f->lines[i].code || strcmp(f->lines[i].text, hook->text))
			continue;
		if (!strcmp(f->lines[i].where, hook->where))
			n++;
		else if (!*elsewhere)
			*elsewhere = i + 1;
	}
	return n;
}

static unsigned int check_wanted(const struct hooks *want)
{
	unsigned int bad = 0;

	for (size_t i = 0; i < want->nr; i++) {
		const struct hook *hook = &want->v[i];
		const struct file *f = file_find(hook->path);
		size_t elsewhere = 0;

		/* A file that the diff does not have is one that no patch changes. */
		if (f && tree_count(f, hook, &elsewhere) >= hooks_count(want, hook, i + 1))
			continue;
		bad++;
		if (elsewhere)
			fprintf(stderr, "hook in another place: %s: \"%s\" belongs in %s, stands in %s (line %zu)\n",
				hook->path, hook->text, hook->where, f->lines[elsewhere - 1].where, elsewhere);
		else
			fprintf(stderr, "hook missing: %s: \"%s\" is not in %s\n", hook->path, hook->text, hook->where);
	}
	return bad;
}

static unsigned int check_added(const struct hooks *added, const struct hooks *want)
{
	unsigned int bad = 0;

	for (size_t i = 0; i < added->nr; i++) {
		const struct hook *hook = &added->v[i];

		if (hooks_count(want, hook, want->nr) >= hooks_count(added, hook, i + 1))
			continue;
		bad++;
		fprintf(stderr, "hook not in the manifest: %s: \"%s\" in %s\n", hook->path, hook->text, hook->where);
	}
	return bad;
}

int main(int argc, char **argv)
{
	struct hooks added = { 0 }, want = { 0 };
	unsigned int bad;

	if (argc == 3 && !strcmp(argv[1], "list")) {
		diff_read(&added, argv[2]);
		for (size_t i = 0; i < added.nr; i++)
			printf("%s\t%s\t%s\n", added.v[i].path, added.v[i].where, added.v[i].text);
		return fflush(stdout) ? 2 : 0;
	}
	if (argc != 4 || strcmp(argv[1], "check"))
		die("usage: hookcheck list TREE | hookcheck check TREE MANIFEST, with a diff on standard input");
	diff_read(&added, argv[2]);
	manifest_read(&want, argv[3]);
	bad = check_wanted(&want);
	bad += check_added(&added, &want);
	if (bad)
		return 1;
	printf("%zu hook lines, each in its place\n", want.nr);
	return 0;
}
