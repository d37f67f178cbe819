# SPDX-License-Identifier: GPL-2.0-or-later
# One line for each way to break a line of C: its number, a tab, what it becomes. Lines of code are those within functions.

function emit(new) {
	if (new != $0 && !((NR, new) in made)) {
		made[NR, new] = 1
		print NR "\t" new
	}
}

# Each place where @from is becomes @to, one at a time.
function swap(from, to,   at, rest) {
	at = 0
	while (rest = index(substr($0, at + 1), from)) {
		at += rest
		emit(substr($0, 1, at - 1) to substr($0, at + length(from)))
	}
}

# Each number becomes the next, and the one before.
function numbers(   at, length_of, word) {
	at = 1
	while (match(substr($0, at), /(^|[^A-Za-z0-9_])[0-9]+(U|ULL)?/)) {
		at += RSTART - 1
		length_of = RLENGTH
		if (substr($0, at, 1) !~ /[0-9]/) {
			at++
			length_of--
		}
		word = substr($0, at, length_of)
		if (substr($0, at + length_of, 1) !~ /[A-Za-z0-9_]/) {
			emit(substr($0, 1, at - 1) word + 1 substr($0, at + length_of))
			if (word + 0 > 0)
				emit(substr($0, 1, at - 1) word - 1 substr($0, at + length_of))
		}
		at += length_of
	}
}

# Each operand of a condition is taken as true, and as false. An operand is what lies between parentheses and logical operators.
function operands(   at, from, c, two) {
	from = 1
	for (at = 1; at <= length($0) + 1; at++) {
		c = substr($0, at, 1)
		two = substr($0, at, 2)
		if (c == "(" || c == ")" || c == "" || two == "&&" || two == "||") {
			operand(from, at, c)
			if (two == "&&" || two == "||")
				at++
			from = at + 1
		}
	}
}

function operand(from, to, delimiter,   text) {
	if (substr($0, from - 1, 1) == ")")
		return
	text = substr($0, from, to - from)
	if (text ~ /^[ \t]*$/ || text ~ /[,;?:=]( |$)/ && text !~ /[=!<>]=/ || text ~ /(return|if|for|while|const|sizeof|__u[0-9]+|unsigned)/)
		return
	if (delimiter == "(")
		return
	if (text ~ /[,;{}]/)
		return
	if (substr($0, 1, from - 1) ~ /sizeof\($/)
		return
	match(text, /^[ \t]*/)
	from += RLENGTH
	emit(substr($0, 1, from - 1) "0 " substr($0, to))
	emit(substr($0, 1, from - 1) "1 " substr($0, to))
}

/^\{/ { code = 1; next }
/^\}/ { code = 0; next }
!code || /^[ \t]*(\/\*|\*)/ || /^[ \t]*$/ { next }
# Declarations without a value, and what only names things.
/^\t(const |struct |unsigned |enum )?[a-z_0-9 ]+[ *]+[a-z_, ]+;$/ { next }

{
	if ($0 ~ /^\t+return lu_(refuse|broken|different)\(.*;$/) {
		line = $0
		sub(/return lu_.*/, ";", line)
		emit(line)
	}
	if ($0 ~ /^\t+return lu_(refuse|broken)/)
		next
	swap("return false;", "return true;")
	swap("return true;", "return false;")
	swap(" || ", " && ")
	swap(" && ", " || ")
	swap(" < ", " <= ")
	swap(" > ", " >= ")
	swap(" <= ", " < ")
	swap(" >= ", " > ")
	swap(" == ", " != ")
	swap(" != ", " == ")
	swap(" + ", " - ")
	swap(" - ", " + ")
	swap(" % ", " / ")
	swap(" << ", " >> ")
	swap(" | ", " & ")
	swap(" & ", " | ")
	swap(" ^ ", " | ")
	swap("~", "")
	swap("|=", "&=")
	swap("++", "--")
	swap("continue;", ";")
	numbers()
	if ($0 ~ /(if \(|\|\||&&)/)
		operands()
}
