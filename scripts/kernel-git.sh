# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Sourced after lib.sh by the scripts that work on a git tree of the kernel: branch `base` is the imported source,
# branch `hitless` the work on it. GIT= names another tree than build/linux-git.

GIT=${GIT:-$BUILD/linux-git}

# The user's own settings (signing, hooks, colours, prefixes) have no say in what is written to the repository.
kgit() {
	git -C "$GIT" -c core.hooksPath=/dev/null -c commit.gpgSign=false -c core.autocrlf=false -c gc.auto=0 "$@"
}

kgit_identity() {
	if [ -z "$(git -C "$GIT" config user.email || :)" ]; then
		GIT_COMMITTER_NAME=hitless GIT_COMMITTER_EMAIL=hitless@localhost
		GIT_AUTHOR_NAME=$GIT_COMMITTER_NAME GIT_AUTHOR_EMAIL=$GIT_COMMITTER_EMAIL
		export GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL
	fi
}

# import TREE PARENT...: commit the files of TREE as they are, ignore rules aside; prints the commit
kgit_import() {
	from=$1
	shift
	parent=
	[ $# = 0 ] || parent="-p $1"
	index=$(kgit rev-parse --absolute-git-dir)/hitless-import
	rm -f "$index"
	# Not the top .gitignore: Debian's ignores every folder, and so each new file of ours.
	GIT_INDEX_FILE=$index kgit --work-tree="$from" add -A -f . ':!/.gitignore'
	tree=$(GIT_INDEX_FILE=$index kgit write-tree)
	rm -f "$index"
	# shellcheck disable=SC2086 # two words or none
	kgit commit-tree $parent -m "Linux $(kernel_version "$from")" "$tree"
}

# kgit_part REVISION LIST DIR: the files that LIST names, as they are in REVISION, below DIR
kgit_part() {
	mkdir -p "$3"
	index=$(kgit rev-parse --absolute-git-dir)/hitless-part
	rm -f "$index"
	GIT_INDEX_FILE=$index kgit read-tree "$1"
	GIT_INDEX_FILE=$index kgit checkout-index --prefix="$3/" --stdin <"$2"
	rm -f "$index"
}
